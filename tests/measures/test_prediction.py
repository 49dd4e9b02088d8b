"""Prediction error and valid prediction time on forecasts with known errors."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit.errors import InvalidInputError
from chaoskit.measures import prediction_error, valid_prediction_time, valid_prediction_times


def test_only_the_last_step_counts():
    random = np.random.default_rng(0)
    true = random.normal(size=(7, 20, 2))
    predicted = true + 5.0
    predicted[:, -1] = true[:, -1] + [0.1, 0.3]
    assert prediction_error(true, predicted) == pytest.approx((0.01 + 0.09) / 2)


def test_error_in_units_of_the_variance():
    random = np.random.default_rng(0)
    true = random.normal(3.0, [1.0, 100.0], size=(20_000, 4, 2))
    forecast = np.full_like(true, 3.0)
    assert prediction_error(true, forecast, scale=[1.0, 100.0]) == pytest.approx(1.0, abs=0.03)


def test_valid_prediction_time_counts_rows_that_hold():
    true = np.zeros((10, 2))
    predicted = true.copy()
    predicted[6:] = [0.3, 0.5]  # root mean square 0.412
    assert valid_prediction_time(true, predicted, scale=1.0, threshold=0.41, dt=0.5) == 3.0
    assert valid_prediction_time(true, predicted, scale=1.0, threshold=0.42, dt=0.5) == 5.0
    assert valid_prediction_time(true, predicted + 9.0, scale=1.0) == 0.0


def test_valid_prediction_time_in_lyapunov_times():
    true = np.zeros(100)
    predicted = np.where(np.arange(100) < 50, 0.0, 1.0)
    time = valid_prediction_time(true, predicted, scale=1.0, dt=0.01, exponent=0.9)
    assert time == pytest.approx(50 * 0.01 * 0.9)


def test_the_first_failure_ends_it():
    predicted = np.zeros(10)
    predicted[4] = 1.0
    assert valid_prediction_time(np.zeros(10), predicted, scale=1.0) == 4.0


def test_scale_defaults_to_the_standard_deviation():
    true = 100.0 * np.sin(np.arange(50))
    predicted = true + np.arange(50)  # 0.4 sd = 28.3
    assert valid_prediction_time(true, predicted) == 29.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_a_diverged_forecast_has_failed(bad):
    predicted = np.zeros(10)
    predicted[3:] = bad
    assert valid_prediction_time(np.zeros(10), predicted, scale=1.0) == 3.0


def test_growing_error_has_the_time_of_its_exponent():
    exponent, dt = 0.9, 0.01
    time = dt * np.arange(1, 2000)
    error = 1e-3 * np.exp(exponent * time)
    expected = np.log(0.4 / 1e-3)
    valid = valid_prediction_time(0 * time, error, scale=1.0, dt=dt, exponent=exponent)
    assert valid == pytest.approx(expected, abs=exponent * dt)


def test_many_starts_give_the_times_of_each_and_their_median():
    """Errors that grow as exp(t) from sizes spread over one decade fail spread over ln 10 Lyapunov times."""
    exponent, dt, sizes = 0.9, 0.01, np.geomspace(1e-3, 1e-2, 101)
    rng = np.random.default_rng(0)
    rng.shuffle(sizes)
    time = dt * np.arange(1, 1000)
    error = (sizes[:, None] * np.exp(exponent * time))[..., None] * np.ones(2)
    found = valid_prediction_times(0 * error, error, scale=1.0, dt=dt, exponent=exponent)
    assert found.median == pytest.approx(np.log(0.4 / 10**-2.5), abs=exponent * dt)
    single = [valid_prediction_time(0 * e, e, scale=1.0, dt=dt, exponent=exponent) for e in error]
    np.testing.assert_allclose(found.times, single)
    low, high = found.interval
    assert low < found.median < high
    # the error of the median of n uniform numbers over a width w is w / (2 sqrt n)
    assert high - low == pytest.approx(2 * 1.96 * np.log(10) / (2 * np.sqrt(101)), rel=0.3)
    assert (found.held, found.unit) == (0.0, "Lyapunov times")


def test_forecasts_that_hold_or_diverge_at_once():
    true = np.zeros((20, 30, 1))
    predicted = true.copy()
    predicted[:8] = np.nan
    found = valid_prediction_times(true, predicted, scale=1.0, dt=0.5)
    assert found.held == 0.6
    assert (found.median, found.unit) == (15.0, "time units")
    assert "at least 15" in repr(found)
    assert np.isnan(valid_prediction_times(true[:5], true[:5], scale=1.0).interval).all()
    with pytest.raises(InvalidInputError, match="true_windows: expected shape"):
        valid_prediction_times(true[0], true[0], scale=1.0)
    with pytest.raises(InvalidInputError, match="threshold"):
        valid_prediction_times(true, true, scale=1.0, threshold=-1)


def test_a_diverged_window_is_named():
    true = np.zeros((3, 5, 2))
    predicted = true.copy()
    predicted[1, 2:] = np.inf
    with pytest.raises(InvalidInputError, match="window 1 diverged at step 2"):
        prediction_error(true, predicted)


@pytest.mark.parametrize(
    ("true", "predicted", "scale", "message"),
    [
        (np.zeros((5, 2)), np.zeros((5, 2)), 1.0, "true_windows: expected shape"),
        (np.zeros((0, 5, 2)), np.zeros((0, 5, 2)), 1.0, "true_windows: expected shape"),
        (np.zeros((3, 5, 2)), np.zeros((3, 4, 2)), 1.0, "predicted_windows: expected the shape"),
        (np.zeros((3, 5, 2)), "text", 1.0, "real numbers"),
        (np.full((3, 5, 2), np.nan), np.zeros((3, 5, 2)), 1.0, "true_windows: expected finite"),
        (np.zeros((3, 5, 2)), np.zeros((3, 5, 2)), [1.0, 0.0], "scale: expected"),
        (np.zeros((3, 5, 2)), np.zeros((3, 5, 2)), [1.0, 1.0, 1.0], "scale: expected"),
    ],
)
def test_bad_windows_are_named(true, predicted, scale, message):
    with pytest.raises(InvalidInputError, match=message):
        prediction_error(true, predicted, scale=scale)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.0}, "threshold"),
        ({"dt": -1.0}, "dt"),
        ({"exponent": 0.0}, "exponent"),
        ({"scale": np.inf}, "scale"),
        ({"predicted": np.zeros((9, 2))}, "predicted: expected the shape"),
    ],
)
def test_bad_options_are_named(options, message):
    options = {"predicted": np.arange(9), "scale": 1.0} | options
    with pytest.raises(InvalidInputError, match=message):
        valid_prediction_time(np.arange(9), **options)
