"""A reconstruction against data: every measure beside its floor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _check
from ..dynamics import lyapunov_spectrum
from ..errors import DivergenceError, InvalidInputError
from ..measures import floor, prediction_error, spectral_distance, state_space_divergence
from .generated import Generated
from .result import FitResult

_SETTLE = 0.2  # share of a free run that is dropped: 1.25 T rows are run, the last T are judged
_WINDOWS = 500  # starting points of forecasts
_EXPONENT_STEPS = 50_000


@dataclass(frozen=True)
class Evaluation:
    """How faithful a reconstruction is. A measure that could not be taken is None, and `remarks` says why.

    Attributes
    ----------
    state_space_divergence, state_space_floor : float or None
        Kullback-Leibler divergence in nats, and its value between the halves of the true data.
    outside : float or None
        Share of generated points outside the box around the data.
    spectral_distance, spectral_floor : float or None
        Hellinger distance of the power spectra, 0 to 1, and its floor.
    prediction_error, prediction_floor : float or None
        Mean squared error `horizon` steps ahead in units of the variance; the floor is the error of
        forecasting by analogue: from the row of the first half closest to each start in the second.
    horizon : int
        Steps of the forecasts.
    exponents, exponents_stderr : ndarray or None
        Leading exponents of the closed loop per unit time, descending, and their standard errors.
    n_true, n_generated : int
        Rows compared; a divergence means little without them.
    diverged_at : int or None
        Row at which the free run diverged.
    remarks : tuple of str
    """

    state_space_divergence: float | None
    state_space_floor: float | None
    outside: float | None
    spectral_distance: float | None
    spectral_floor: float | None
    prediction_error: float | None
    prediction_floor: float | None
    horizon: int
    exponents: np.ndarray | None
    exponents_stderr: np.ndarray | None
    n_true: int
    n_generated: int
    diverged_at: int | None
    remarks: tuple[str, ...] = ()


def evaluate(
    reconstruction: Any,
    series: Any,
    *,
    horizon: int = 20,
    n_bins: int = 30,
    n_exponents: int | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measure a reconstruction against data it was not trained on.

    Parameters
    ----------
    reconstruction : FitResult, Generated, array_like of shape (T', D), or any object with `generate(steps)`
        A model is run for 1.25 T rows, of which the first fifth is dropped.
    series : array_like, shape (T,) or (T, D)
        True data, in the units of the training series; the measures compare it with as many generated rows.
    horizon : int
        Steps ahead of the prediction error.
    n_bins : int
        Bins per dimension of the state-space divergence.
    n_exponents : int, optional
        Closed-loop exponents to take; by default as many as observed dimensions, at most 10.
    seed : int
        For the exponents' initial tangents.

    Returns
    -------
    Evaluation

    Raises
    ------
    InvalidInputError
        If the number of columns differs, or the series is too short to be split.

    References
    ----------
    Hess et al. 2023, arXiv 2306.04406, appendix 6.2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> result = evaluate(rng.normal(size=(5000, 1)), rng.normal(size=(5000, 1)))
    >>> result.state_space_divergence < 0.1
    True
    """
    data = _check.series(series, minimum=400)
    horizon = _check.integer(horizon, "horizon", 1)
    remarks: list[str] = []
    run = _free_run(reconstruction, len(data), data.shape[1])
    values: dict[str, Any] = dict.fromkeys(
        ("state_space_divergence", "outside", "spectral_distance", "prediction_error", "prediction_floor",
         "exponents", "exponents_stderr")
    )  # fmt: skip
    if run.diverged_at is not None:
        remarks.append(
            f"the free run diverged at step {run.diverged_at}: it has no divergence and no spectrum"
        )
    else:
        divergence = state_space_divergence(data, run.series, n_bins=n_bins)
        values["state_space_divergence"], values["outside"] = divergence.value, divergence.outside
        values["spectral_distance"] = spectral_distance(data, run.series)
    if isinstance(reconstruction, FitResult):
        values |= _forecasts(reconstruction, data, horizon, remarks)
        if run.diverged_at is None:
            values |= _exponents(reconstruction, n_exponents, seed, remarks)
    return Evaluation(
        **values,
        state_space_floor=floor(state_space_divergence, data, n_bins=n_bins).value,
        spectral_floor=floor(spectral_distance, data),
        horizon=horizon,
        n_true=len(data),
        n_generated=len(run.series),
        diverged_at=run.diverged_at,
        remarks=tuple(remarks),
    )


def _free_run(reconstruction: Any, rows: int, columns: int) -> Generated:
    """The settled part of a free run as long as the data."""
    if isinstance(reconstruction, Generated):
        run = reconstruction
    elif hasattr(reconstruction, "generate"):
        total = math.ceil(rows / (1.0 - _SETTLE))
        run = reconstruction.generate(total)
        if run.diverged_at is None:
            run = Generated(run.series[total - rows :])
    else:
        values = np.asarray(reconstruction)
        if values.dtype.kind not in "fiu" or values.ndim not in (1, 2):
            raise InvalidInputError(
                f"reconstruction: expected a fitted model or an array of shape (T, {columns}), got "
                f"{type(reconstruction).__name__} of shape {values.shape}"
            )
        run = Generated.cut(values[:, None].astype(float) if values.ndim == 1 else values.astype(float))
    if run.series.shape[1] != columns:
        raise InvalidInputError(
            f"reconstruction: expected {columns} columns as in the series, got {run.series.shape[1]}"
        )
    return run


def _forecasts(model: FitResult, data: np.ndarray, horizon: int, remarks: list[str]) -> dict[str, Any]:
    """Prediction error from states across the second half, beside that of analogues from the first."""
    half = len(data) // 2
    starts = np.unique(np.linspace(half, len(data) - horizon - 1, _WINDOWS).astype(int))
    starts = starts[starts >= half]
    if starts.size == 0:
        remarks.append(f"the series is too short for forecasts {horizon} steps ahead")
        return {}
    ahead = np.arange(1, horizon + 1)
    true = data[starts[:, None] + ahead]
    scale = data.std(axis=0)
    library = (data[: half - horizon] - data.mean(axis=0)) / scale
    found: dict[str, Any] = {}
    if len(library) > 1:
        from scipy.spatial import KDTree  # slow to import, and not every evaluation needs it

        nearest = np.asarray(KDTree(library).query((data[starts] - data.mean(axis=0)) / scale)[1])
        found["prediction_floor"] = prediction_error(true, data[nearest[:, None] + ahead], scale=scale)
    predicted = model.predict(data[starts], horizon)
    if np.isfinite(predicted).all():
        found["prediction_error"] = prediction_error(true, predicted, scale=scale)
    else:
        remarks.append(f"some forecasts diverged within {horizon} steps: no prediction error")
    return found


def _exponents(model: FitResult, count: int | None, seed: int, remarks: list[str]) -> dict[str, Any]:
    """Exponents of the closed loop, per unit time."""
    dim = model.start_state.size
    k = min(dim, len(model.mean), 10) if count is None else _check.integer(count, "n_exponents", 1)
    try:
        result = lyapunov_spectrum(model, steps=_EXPONENT_STEPS, k=min(k, dim), dt=model.dt, seed=seed)
    except DivergenceError as error:
        remarks.append(f"no exponents: {error}")
        return {}
    return {"exponents": result.exponents, "exponents_stderr": result.stderr}
