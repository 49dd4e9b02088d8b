"""Delay, dimension and mean period against series whose answers are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known import henon_x

from chaoskit.errors import InvalidInputError
from chaoskit.timeseries import (
    choose_delay,
    choose_dimension,
    embed,
    false_neighbours,
    mean_period,
    mutual_information,
)
from chaoskit.timeseries.embedding import autocorrelation


@given(st.integers(20, 60), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
@settings(max_examples=25, derandomize=True, deadline=None)
def test_embed_shifts_rows(length, columns, delay, dimension, seed):
    series = np.random.default_rng(seed).normal(size=(length, columns))
    states = embed(series, delay, dimension)
    assert states.shape == (length - (dimension - 1) * delay, columns * dimension)
    for t in (0, len(states) - 1):
        for k in range(dimension):
            copy = states[t, k * columns : (k + 1) * columns]
            np.testing.assert_array_equal(copy, series[t + k * delay])


def test_embed_says_what_is_missing():
    with pytest.raises(InvalidInputError, match="more than 40 rows for delay 20"):
        embed(np.arange(30.0), 20, 3)
    with pytest.raises(InvalidInputError, match="delay"):
        embed(np.arange(30.0), 0, 3)


def test_autocorrelation_is_the_plain_sum():
    x = np.random.default_rng(0).normal(size=50)
    centred = x - x.mean()
    expected = [np.sum(centred[: 50 - k] * centred[k:]) for k in range(50)]
    np.testing.assert_allclose(autocorrelation(x), np.array(expected) / expected[0], atol=1e-12)


def test_mutual_information_of_copies_and_of_noise():
    x = np.random.default_rng(1).normal(size=20_000)
    information = mutual_information(x, 3)
    bins = int(np.sqrt(20_000) / 5)
    assert information[0] == pytest.approx(np.log(bins), rel=1e-3)
    assert (information[1:] < 0.05).all()
    np.testing.assert_allclose(mutual_information(3 + 0.1 * x, 3), information)


def test_mean_period():
    x = np.sin(2 * np.pi * np.arange(3000) / 25)
    assert mean_period(x) == pytest.approx(25, rel=1e-3)
    both = np.column_stack([x, np.sin(2 * np.pi * np.arange(3000) / 50)])
    assert mean_period(both) == pytest.approx(2 / (1 / 25 + 1 / 50), rel=1e-3)
    assert mean_period(np.random.default_rng(2).normal(size=9000)) == pytest.approx(4, rel=0.05)


def test_delay_is_about_a_quarter_period_and_one_for_maps():
    rng = np.random.default_rng(3)
    wave = np.sin(2 * np.pi * np.arange(4000) / 60) + 0.05 * rng.normal(size=4000)
    assert 8 <= choose_delay(wave) <= 17
    assert choose_delay(henon_x(3000)) == 1


def test_dimension_of_maps():
    henon = henon_x(4000)
    assert choose_dimension(henon, 1) == 2
    assert false_neighbours(henon, 1)[0] > 0.1
    logistic = [0.3]
    for _ in range(3000):
        logistic.append(4 * logistic[-1] * (1 - logistic[-1]))
    assert choose_dimension(logistic, 1) == 1


def test_noise_needs_more_dimensions_than_maps():
    noise = np.random.default_rng(4).normal(size=3000)
    assert (false_neighbours(noise, 1, max_dimension=3) > 0.1).all()
    assert choose_dimension(noise, 1) >= 5


def test_too_short_a_series_has_no_fraction():
    fraction = false_neighbours(henon_x(200), 20, max_dimension=8)
    assert np.isfinite(fraction[0])
    assert np.isnan(fraction[-1])
