"""Spectral distance: bounds, invariances, known values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit.errors import InvalidInputError
from chaoskit.measures import floor, spectral_distance

seeds = st.integers(0, 2**32 - 1)
few = settings(derandomize=True, max_examples=15, deadline=None)


def walks(seed):
    """Two random walks of the same length, with 1 to 3 columns."""
    random = np.random.default_rng(seed)
    shape = (2, int(random.integers(200, 600)), int(random.integers(1, 4)))
    return random.normal(size=shape).cumsum(axis=1)


@few
@given(seeds)
def test_a_series_is_at_distance_zero_from_itself(seed):
    true, _ = walks(seed)
    assert spectral_distance(true, true) == 0.0


@few
@given(seeds, st.sampled_from([0.0, 3.0, 20.0]))
def test_a_bounded_symmetric_distance(seed, smoothing):
    true, generated = walks(seed)
    value = spectral_distance(true, generated, smoothing=smoothing)
    assert 0.0 < value <= 1.0
    assert spectral_distance(generated, true, smoothing=smoothing) == pytest.approx(value)


@few
@given(seeds, st.floats(0.01, 1e200), st.floats(-10.0, 10.0))
def test_units_do_not_count(seed, factor, shift):
    true, generated = walks(seed)
    moved = spectral_distance(factor * (true + shift), -factor * (generated - shift))
    assert moved == pytest.approx(spectral_distance(true, generated), abs=1e-9)


@few
@given(seeds)
def test_time_reversal_does_not_count(seed):
    true, _ = walks(seed)
    assert spectral_distance(true, true[::-1]) == pytest.approx(0.0, abs=1e-6)


def test_unsmoothed_spectra_by_hand():
    # Two pure tones, both in the data with powers 1 : 1 and in the run with powers 1 : 9.
    time = np.arange(1000)
    low, high = np.sin(2 * np.pi * 10 / 1000 * time), np.sin(2 * np.pi * 200 / 1000 * time)
    p, q = np.array([0.5, 0.5]), np.array([0.1, 0.9])
    expected = np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)
    assert spectral_distance(low + high, low + 3 * high, smoothing=0) == pytest.approx(expected)


def test_smoothing_is_a_gaussian_of_the_given_width():
    # Two smoothed lines at a distance of d bins: Bhattacharyya coefficient exp(-d^2 / (8 s^2)).
    time = np.arange(10_000)
    s, d = 20.0, 60
    low, high = (np.sin(2 * np.pi * k / 10_000 * time) for k in (2000, 2000 + d))
    expected = np.sqrt(1.0 - np.exp(-(d**2) / (8 * s**2)))
    assert spectral_distance(low, high, smoothing=s) == pytest.approx(expected, abs=4e-3)  # tails cut at 4 s


def test_mean_over_columns():
    random = np.random.default_rng(0)
    true, generated = random.normal(size=(2, 1000, 2)).cumsum(axis=1)
    columns = [spectral_distance(true[:, d], generated[:, d]) for d in range(2)]
    assert spectral_distance(true, generated) == pytest.approx(np.mean(columns))


def test_disjoint_spectra_are_at_distance_one():
    time = np.arange(10_000)
    assert spectral_distance(np.sin(0.3 * time), np.sin(2.0 * time)) == pytest.approx(1.0, abs=0.02)


def test_rows_in_random_order_are_seen(lorenz):
    # 0.87 with 100,000 points: what the state-space divergence cannot see
    orbit = lorenz[:4000]
    shuffled = np.random.default_rng(0).permutation(orbit)
    assert 0.7 < spectral_distance(orbit, shuffled) < 1.0


def test_lorenz_floor(lorenz):
    assert 0.005 < floor(spectral_distance, lorenz[:4000]) < 0.15


def test_a_longer_run_is_cut():
    true, generated = walks(1)
    longer = np.concatenate([generated, generated])
    assert spectral_distance(true, longer) == spectral_distance(true, generated)


def test_a_run_at_rest_has_no_spectrum():
    true, generated = walks(7)
    assert spectral_distance(true, np.full_like(true, 0.1)) == 1.0
    assert spectral_distance(true, np.zeros_like(true)) == 1.0
    assert spectral_distance(true, generated) < 1.0


def test_a_diverged_run_is_named():
    true, generated = walks(0)
    generated[5] = np.nan
    with pytest.raises(InvalidInputError, match="diverged at row 5"):
        spectral_distance(true, generated)


@pytest.mark.parametrize(
    ("true", "generated", "smoothing", "message"),
    [
        (np.arange(100), np.arange(200), 20, "true: expected at least 160 rows"),
        (np.arange(200), np.arange(100), 20, "generated: expected at least 160 rows"),
        (np.arange(200), np.zeros((200, 2)), 20, "same number of columns"),
        (np.ones(200), np.arange(200), 20, "never changes"),
        (np.arange(200), np.arange(200), -1, "smoothing"),
        (np.arange(200), np.arange(200), np.inf, "smoothing"),
        (np.arange(200), np.arange(200), None, "smoothing"),
    ],
)
def test_bad_input_is_named(true, generated, smoothing, message):
    with pytest.raises(InvalidInputError, match=message):
        spectral_distance(true, generated, smoothing=smoothing)
