"""Floors, and the share of a run that retraces the training series."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit.errors import InvalidInputError
from chaoskit.measures import floor, retracing, spectral_distance, state_space_divergence


def test_floor_compares_the_two_halves():
    data = np.random.default_rng(0).normal(size=(1001, 2))
    expected = state_space_divergence(data[:500], data[500:1000], n_bins=7)
    assert floor(state_space_divergence, data, n_bins=7) == expected
    assert floor(spectral_distance, data) == spectral_distance(data[:500], data[500:1000])


def test_floor_takes_any_measure():
    assert floor(lambda true, generated: (len(true), len(generated)), np.arange(9)) == (4, 4)


@pytest.mark.parametrize("series", [np.ones(10), np.arange(3), [1.0, 2.0, np.nan, 4.0]])
def test_floor_names_bad_series(series):
    with pytest.raises(InvalidInputError, match="series"):
        floor(spectral_distance, series)


def test_a_copy_retraces_and_a_fresh_orbit_does_not(lorenz):
    training, fresh = lorenz[:4000], lorenz[4000:8000]
    noise = 0.05 * training.std(axis=0) * np.random.default_rng(0).normal(size=training.shape)
    assert retracing(training, training) == 1.0
    assert retracing(training[1000:] + noise[1000:], training) > 0.5
    assert retracing(fresh, training) < 0.1


def test_units_do_not_count_for_retracing(lorenz):
    training, fresh = lorenz[:2000], lorenz[1500:3500]
    units = np.array([1.0, -100.0, 0.01])
    plain = retracing(fresh, training)
    assert 0.0 < plain < 1.0
    assert retracing(fresh * units + 3.0, training * units + 3.0) == pytest.approx(plain, abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 190}, "do not fit into 200 rows"),
        ({"window": 0}, "window"),
        ({"horizon": 50}, "horizon"),
        ({"generated": np.full(200, np.nan)}, "diverged at row 0"),
        ({"generated": np.zeros((200, 2))}, "same number of columns"),
    ],
)
def test_bad_input_to_retracing_is_named(options, message):
    options = {"generated": np.arange(200)} | options
    with pytest.raises(InvalidInputError, match=message):
        retracing(training=np.arange(200), **options)
