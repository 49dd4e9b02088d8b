"""Forecasts from many states of the data: their error n steps ahead, and how long they hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..measures import prediction_error, valid_prediction_times
from ..measures.bootstrap import statistic_interval
from ..measures.prediction import squared_errors
from ..timeseries import embed

_WINDOWS = 500  # starting points of the error n steps ahead
_LONG_WINDOWS = 100  # of the valid prediction time
_LYAPUNOV_TIMES = 10  # that forecasts may hold at most; the best are at 8 to 10
_HORIZONS = 10  # the same without an exponent
_LONGEST = 2000  # steps


def forecast_errors(
    model: Any,
    data: np.ndarray,
    horizon: int,
    drive: np.ndarray | None,
    delays: tuple[int, int] | None,
    seed: int,
    remarks: list[str],
) -> dict[str, Any]:
    """Prediction error from states across the second half, beside that of analogues from the first."""
    starts = _starts(model, data, horizon, delays, _WINDOWS)
    if starts.size == 0:
        remarks.append(f"the series is too short for forecasts {horizon} steps ahead")
        return {}
    true, scale = _following(data, starts, horizon), data.std(axis=0)
    found: dict[str, Any] = {}
    analogues = _analogues(data, len(data) // 2, starts, horizon, delays)
    if analogues is not None:
        found["prediction_floor"] = prediction_error(true, analogues, scale=scale)
        found["prediction_floor_interval"] = _mean_interval(true, analogues, scale, seed)
    predicted = _forecasts(model, data, starts, horizon, drive)
    if np.isfinite(predicted).all():
        found["prediction_error"] = prediction_error(true, predicted, scale=scale)
        found["prediction_interval"] = _mean_interval(true, predicted, scale, seed)
    else:
        remarks.append(f"some forecasts diverged within {horizon} steps: no prediction error")
    return found


def valid_times(
    model: Any,
    data: np.ndarray,
    horizon: int,
    drive: np.ndarray | None,
    delays: tuple[int, int] | None,
    seed: int,
    dt: float,
    exponent: float | None,
) -> dict[str, Any]:
    """Median valid prediction time over starts in the second half; in Lyapunov times if there are any."""
    steps = _HORIZONS * horizon if exponent is None else math.ceil(_LYAPUNOV_TIMES / (exponent * dt))
    steps = int(np.clip(steps, 1, min(_LONGEST, len(data) // 4)))
    starts = _starts(model, data, steps, delays, _LONG_WINDOWS)
    if starts.size == 0:
        return {}
    predicted = _forecasts(model, data, starts, steps, drive)
    found = valid_prediction_times(
        _following(data, starts, steps),
        predicted,
        scale=data.std(axis=0),
        dt=dt,
        exponent=exponent,
        seed=seed,
    )
    return {
        "valid_prediction_time": found.median, "valid_prediction_interval": found.interval,
        "valid_prediction_held": found.held, "valid_prediction_unit": found.unit,
    }  # fmt: skip


def _starts(
    model: Any, data: np.ndarray, steps: int, delays: tuple[int, int] | None, count: int
) -> np.ndarray:
    """Rows of the second half that have a context before them and `steps` rows behind them."""
    half, length = len(data) // 2, getattr(model, "context_length", 1)
    span = 0 if delays is None else (delays[1] - 1) * delays[0]
    starts = np.unique(np.linspace(half, len(data) - steps - 1, count).astype(int))
    return starts[(starts >= max(half, length - 1, span)) & (starts + steps < len(data))]


def _following(data: np.ndarray, starts: np.ndarray, steps: int) -> np.ndarray:
    return data[starts[:, None] + np.arange(1, steps + 1)]


def _forecasts(
    model: Any, data: np.ndarray, starts: np.ndarray, steps: int, drive: np.ndarray | None
) -> np.ndarray:
    """What the model says follows each start, (starts, steps, D)."""
    length, options = getattr(model, "context_length", 1), {}
    if drive is not None:
        options["inputs"] = drive[starts[:, None] + np.arange(1 - length, steps)]
    return model.predict(data[starts[:, None] + np.arange(1 - length, 1)], steps, **options)


def _mean_interval(
    true: np.ndarray, predicted: np.ndarray, scale: np.ndarray, seed: int
) -> tuple[float, float]:
    return statistic_interval(lambda v: float(np.mean(v)), squared_errors(true, predicted, scale), seed)


def _analogues(
    data: np.ndarray, half: int, starts: np.ndarray, horizon: int, delays: tuple[int, int] | None
) -> np.ndarray | None:
    """What followed, in the first half, the state closest to each start; None if that half is too short."""
    delay, dimension = delays or (1, 1)
    span = (dimension - 1) * delay  # the vector of row t begins at row t - span
    if half - horizon - span < 2:
        return None
    from scipy.spatial import KDTree  # slow to import, and not every evaluation needs it

    states = embed((data - data.mean(axis=0)) / data.std(axis=0), delay, dimension)
    nearest = np.asarray(KDTree(states[: half - horizon - span]).query(states[starts - span])[1]) + span
    return data[nearest[:, None] + np.arange(1, horizon + 1)]
