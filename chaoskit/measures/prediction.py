"""Forecast measures: the error a given time ahead, and the time for which a forecast holds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from .bootstrap import statistic_interval

_LONGEST = 1e100  # of a row, in time units or Lyapunov times


def prediction_error(true_windows: Any, predicted_windows: Any, *, scale: Any = 1.0) -> float:
    """Mean squared error n steps ahead, PE(n), with n the length of the windows.

    Parameters
    ----------
    true_windows : array_like, shape (n_windows, n, D), float
        What followed each starting point: row k is k + 1 steps after it.
    predicted_windows : array_like, shape (n_windows, n, D), float
        Forecasts from the same starting points. Usual: n = 20.
    scale : float or array_like, shape (D,), float
        Unit of each dimension: differences are divided by it before they are squared. Give the
        standard deviation of the data to have the error in units of the variance; a forecast of
        the mean then scores 1. The default keeps the units of the data.

    Returns
    -------
    float
        Squared error at the last step, averaged over windows and dimensions.

    Raises
    ------
    InvalidInputError
        If the shapes differ or a value is not finite; for a forecast the message names the
        window and the step at which it diverged.

    References
    ----------
    Hess, Monfared, Brenner, Durstewitz (2023), Generalized teacher forcing for learning chaotic
    dynamics, arXiv:2306.04406.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.measures import prediction_error
    >>> true = np.zeros((8, 20, 3))
    >>> prediction_error(true, true + 0.5)
    0.25
    >>> prediction_error(true, true + 0.5, scale=[0.5, 0.5, 0.5])
    1.0
    """
    true = _windows(true_windows)
    predicted = _forecast(predicted_windows, "predicted_windows", true.shape)
    bad = np.argwhere(~np.isfinite(predicted))
    if len(bad):
        raise InvalidInputError(
            f"predicted_windows: expected finite numbers, but window {bad[0, 0]} diverged at step "
            f"{bad[0, 1]}; report the divergence or leave such windows out"
        )
    return float(np.mean(squared_errors(true, predicted, _scale(scale, true.shape[2]))))


def squared_errors(true: np.ndarray, predicted: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Of the last step of each window, averaged over the dimensions; shape (n_windows,)."""
    with np.errstate(over="ignore"):
        errors = np.mean(((predicted[:, -1] - true[:, -1]) / scale) ** 2, axis=1)
        total = errors.sum()
    if not np.isfinite(total):
        raise InvalidInputError(
            "predicted_windows: expected errors whose squares are finite; rescale the series, or report that "
            "the forecasts diverged"
        )
    return errors


def valid_prediction_time(
    true: Any,
    predicted: Any,
    *,
    threshold: float = 0.4,
    scale: Any = None,
    dt: float = 1.0,
    exponent: float | None = None,
) -> float:
    """Time until a forecast's normalised error first exceeds a threshold.

    The error at one time is the root mean square over the dimensions of the difference divided
    by `scale`.

    Parameters
    ----------
    true : array_like, shape (n,) or (n, D), float
        What followed the starting point: row k is k + 1 steps after it.
    predicted : array_like, shape (n,) or (n, D), float
        Forecast from the same starting point. A row that is not finite counts as above the
        threshold: a diverged forecast is a forecast that failed.
    threshold : float
        Largest normalised error of a forecast that holds.
    scale : float or array_like, shape (D,), float, optional
        Unit of each dimension, best the standard deviation of a long series of the data. If None,
        the standard deviation of `true`, which must then be long enough to have seen the
        attractor.
    dt : float
        Time between rows.
    exponent : float, optional
        Largest Lyapunov exponent of the true system per unit time. If given, the result is in
        Lyapunov times 1 / exponent.

    Returns
    -------
    float
        Rows before the first failure times `dt` (times `exponent`). A forecast that holds to the
        end gives the length of the series, which is then only a lower bound.

    Raises
    ------
    InvalidInputError
        If the shapes differ, `true` is not finite, or an option is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.measures import valid_prediction_time
    >>> true = np.sin(0.1 * np.arange(100))
    >>> drifting = true + 0.01 * np.arange(100)
    >>> valid_prediction_time(true, drifting, scale=1.0, threshold=0.405, dt=0.5)
    20.5
    """
    true = _check.series(true, "true", minimum=1, constant=scale is not None)
    predicted = _forecast(predicted, "predicted", true.shape)
    if scale is None:
        _check.moderate(true, "true")
        scale = true.std(axis=0)
    rows = _rows_that_hold(true[None], predicted[None], _scale(scale, true.shape[1]), threshold)
    return int(rows[0]) * _unit(dt, exponent)


class ValidPredictionTimes(NamedTuple):
    """How long forecasts from many starting points hold.

    Attributes
    ----------
    median : float
        In Lyapunov times if the exponent was given, else in time units.
    interval : tuple of float
        95 % of the median, from blocks of successive starting points drawn again; (NaN, NaN) with
        fewer than 10 of them.
    times : ndarray, shape (n_windows,)
        Of each starting point.
    held : float
        Share of forecasts that held to their end, whose times are lower bounds. With half or more the
        median is one, too.
    unit : str
        "Lyapunov times" or "time units".
    """

    median: float
    interval: tuple[float, float]
    times: np.ndarray
    held: float
    unit: str

    def __repr__(self) -> str:
        bound = "at least " if self.held >= 0.5 else ""
        return (
            f"ValidPredictionTimes({bound}{self.median:.3g} [{self.interval[0]:.3g}, {self.interval[1]:.3g}] "
            f"{self.unit}, median of {len(self.times)})"
        )


def valid_prediction_times(
    true_windows: Any,
    predicted_windows: Any,
    *,
    scale: Any,
    threshold: float = 0.4,
    dt: float = 1.0,
    exponent: float | None = None,
    seed: int = 0,
) -> ValidPredictionTimes:
    """Valid prediction times from many starting points, and their median with its interval.

    Parameters
    ----------
    true_windows : array_like, shape (n_windows, n, D), float
        What followed each starting point, the points in the order of time.
    predicted_windows : array_like, shape (n_windows, n, D), float
        Forecasts from the same points; rows that are not finite have failed.
    scale : float or array_like, shape (D,), float
        Unit of each dimension, best the standard deviation of a long series of the data.
    threshold, dt, exponent
        As for `valid_prediction_time`.
    seed : int
        Of the resampling.

    Returns
    -------
    ValidPredictionTimes

    Raises
    ------
    InvalidInputError
        If the shapes differ, a true row is not finite, or an option is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.measures import valid_prediction_times
    >>> true = np.zeros((30, 50, 1))
    >>> drifting = true + 0.02 * np.arange(1, 51)[:, None]
    >>> valid_prediction_times(true, drifting, scale=1.0, threshold=0.41, dt=0.1).median
    2.0
    """
    true = _windows(true_windows)
    predicted = _forecast(predicted_windows, "predicted_windows", true.shape)
    rows = _rows_that_hold(true, predicted, _scale(scale, true.shape[2]), threshold)
    times = rows * _unit(dt, exponent)
    return ValidPredictionTimes(
        float(np.median(times)),
        statistic_interval(lambda values: float(np.median(values)), times, _check.integer(seed, "seed")),
        times,
        float(np.mean(rows == true.shape[1])),
        "time units" if exponent is None else "Lyapunov times",
    )


def _rows_that_hold(true: np.ndarray, predicted: np.ndarray, scale: np.ndarray, threshold: Any) -> np.ndarray:
    """Rows of each window (windows, n, D) before the first whose normalised error is above the threshold."""
    threshold = _check.positive(threshold, "threshold")
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.sqrt(np.mean(((predicted - true) / scale) ** 2, axis=2))
    failed = ~(error <= threshold)  # in this form NaN counts as failed
    return np.where(failed.any(axis=1), failed.argmax(axis=1), true.shape[1])


def _unit(dt: Any, exponent: Any) -> float:
    """Time of one row, in Lyapunov times if there is an exponent."""
    unit = _check.positive(dt, "dt")
    if exponent is not None:
        unit *= _check.positive(exponent, "exponent")
    if not unit < _LONGEST:
        raise InvalidInputError(f"dt, exponent: expected a moderate product, got {unit:.1e}")
    return unit


def _windows(value: Any) -> np.ndarray:
    """What followed starting points, (n_windows, n, D)."""
    true = _check.array(value, "true_windows", np.float64)
    if true.ndim != 3 or 0 in true.shape:
        raise InvalidInputError(
            f"true_windows: expected shape (n_windows, n, D), got {true.shape}; "
            "one window for each starting point"
        )
    return true


def _forecast(value: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A forecast as float64 in the shape of the truth; it may hold NaN and infinity."""
    data = _check.real(value, name).astype(np.float64)
    if data.ndim == 1 and len(shape) == 2:
        data = data[:, None]
    if data.shape != shape:
        raise InvalidInputError(f"{name}: expected the shape of the true values, {shape}, got {data.shape}")
    return data


def _scale(value: Any, dimension: int) -> np.ndarray:
    """One positive unit for each dimension, from one number or from D."""
    scale = _check.array(value, "scale", np.float64)
    if scale.shape not in ((), (dimension,)) or not (scale > 0).all():
        raise InvalidInputError(f"scale: expected a number above 0 or {dimension} of them, got {value!r}")
    return scale
