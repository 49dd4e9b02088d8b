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
from ..timeseries import embed
from ..timeseries.embedding import delay_and_dimension
from .generated import Generated
from .result import FitResult

_SETTLE = 0.2  # share of a free run that is dropped: 1.25 T rows are run, the last T are judged
_WINDOWS = 500  # starting points of forecasts
_EXPONENT_STEPS, _TRANSIENT = 50_000, 1_000


@dataclass(frozen=True)
class Evaluation:
    """How faithful a reconstruction is. A measure that could not be taken is None, and `remarks` says why.

    Attributes
    ----------
    state_space_divergence, state_space_floor : float or None
        Kullback-Leibler divergence in nats, and its value between the halves of the true data; in delay
        coordinates where there is an embedding.
    outside : float or None
        Share of generated points outside the box around the data.
    spectral_distance, spectral_floor : float or None
        Hellinger distance of the power spectra, 0 to 1, and its floor.
    prediction_error, prediction_floor : float or None
        Mean squared error `horizon` steps ahead in units of the variance; the floor is the error of
        forecasting by analogue: from the row (or delay vector) of the first half closest to each start
        in the second.
    horizon : int
        Steps of the forecasts.
    exponents, exponents_stderr : ndarray or None
        Leading exponents of the closed loop per unit time, descending, and their standard errors.
    n_true, n_generated : int
        Rows compared; a divergence means little without them.
    embedding : tuple of int or None
        Delay and dimension of the coordinates of the state-space divergence.
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
    embedding: tuple[int, int] | None = None


def evaluate(
    reconstruction: Any,
    series: Any,
    *,
    horizon: int = 20,
    n_bins: int = 30,
    n_exponents: int | None = None,
    seed: int = 0,
    inputs: Any = None,
    embedding: Any = None,
) -> Evaluation:
    """Measure a reconstruction against data it was not trained on.

    Parameters
    ----------
    reconstruction : Forecaster, Generated, array_like of shape (T', D), or any object with `generate(steps)`
        A model is run for 1.25 T rows, of which the first fifth is dropped; one that can `predict` is judged
        by its forecasts as well, and a `FitResult` by its exponents.
    series : array_like, shape (T,) or (T, D)
        True data, in the units of the training series; the measures compare it with as many generated rows.
    horizon : int
        Steps ahead of the prediction error.
    n_bins : int
        Bins per dimension of the state-space divergence.
    n_exponents : int, optional
        Closed-loop exponents to take; by default as many as observed dimensions (with delay vectors, as many
        as they have entries), at most 10.
    seed : int
        For the exponents' initial tangents.
    inputs : array_like, shape (T, M), optional
        Of the model of a driven system; row t drives the step from row t of the series. The free run then
        starts from the first rows of `series` and is compared with the rows it ran beside, the first fifth
        dropped; the exponents are conditional on these inputs.
    embedding : (int, int), optional
        Delay and dimension of the coordinates in which the state-space divergence is taken. By default the
        model's own `embedding` if it has one. One column without is a histogram, which says little.

    Returns
    -------
    Evaluation

    Raises
    ------
    InvalidInputError
        If the number of columns differs, the series is too short to be split, or inputs or embedding do not
        fit.

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
    drive = _checked_inputs(reconstruction, inputs, len(data))
    delays = _checked_embedding(reconstruction, embedding)
    remarks: list[str] = []
    if drive is None:
        true, run = data, _free_run(reconstruction, len(data), data.shape[1])
    else:
        true, run = _driven_run(reconstruction, data, drive)
    values: dict[str, Any] = dict.fromkeys(
        ("state_space_divergence", "outside", "spectral_distance", "prediction_error", "prediction_floor",
         "exponents", "exponents_stderr")
    )  # fmt: skip
    states = true if delays is None else embed(true, *delays)
    if run.diverged_at is not None:
        remarks.append(
            f"the free run diverged at step {run.diverged_at}: it has no divergence and no spectrum"
        )
    else:
        generated = run.series if delays is None else embed(run.series, *delays)
        divergence = state_space_divergence(states, generated, n_bins=n_bins)
        values["state_space_divergence"], values["outside"] = divergence.value, divergence.outside
        values["spectral_distance"] = spectral_distance(true, run.series)
    if states.shape[1] == 1:
        remarks.append("the divergence compares histograms of one column, which says little: give embedding")
    if hasattr(reconstruction, "predict"):
        values |= _forecasts(reconstruction, data, horizon, drive, delays, remarks)
    if isinstance(reconstruction, FitResult) and run.diverged_at is None:
        values |= _exponents(reconstruction, n_exponents, seed, drive, remarks)
    return Evaluation(
        **values,
        state_space_floor=floor(state_space_divergence, states, n_bins=n_bins).value,
        spectral_floor=floor(spectral_distance, true),
        horizon=horizon,
        n_true=len(true),
        n_generated=len(run.series),
        diverged_at=run.diverged_at,
        remarks=tuple(remarks),
        embedding=delays,
    )


def _checked_inputs(reconstruction: Any, inputs: Any, rows: int) -> np.ndarray | None:
    """Inputs (T, M), one row for each row of the series; None for what is not driven."""
    n_inputs = getattr(reconstruction, "n_inputs", 0)
    if inputs is None and n_inputs == 0:
        return None
    if n_inputs == 0:
        raise InvalidInputError("inputs: expected none, what is evaluated takes no inputs; leave them out")
    drive = None if inputs is None else _check.array(inputs, "inputs", np.float64)
    drive = drive[:, None] if drive is not None and drive.ndim == 1 and n_inputs == 1 else drive
    if drive is None or drive.shape != (rows, n_inputs):
        raise InvalidInputError(
            f"inputs: expected shape ({rows}, {n_inputs}), one row for each row of the series, got "
            f"{'none' if drive is None else drive.shape}"
        )
    return drive


def _checked_embedding(reconstruction: Any, embedding: Any) -> tuple[int, int] | None:
    """Delay and dimension, of the model where none are given; None if there is nothing to embed."""
    if embedding is None:
        embedding = getattr(reconstruction, "embedding", None)
    if embedding is None:
        return None
    delay, dimension = delay_and_dimension(embedding)
    return None if dimension == 1 else (delay, dimension)


def _driven_run(model: Any, data: np.ndarray, drive: np.ndarray) -> tuple[np.ndarray, Generated]:
    """Data and a run along the same inputs, from the first rows of the data; both without what settles."""
    length = model.context_length
    settled = max(length, math.ceil(_SETTLE * len(data)))
    run = Generated.cut(model.predict(data[None, :length], len(data) - length, inputs=drive[:-1])[0])
    if run.diverged_at is None:
        run = Generated(run.series[settled - length :])
    return data[settled:], run


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


def _forecasts(
    model: Any,
    data: np.ndarray,
    horizon: int,
    drive: np.ndarray | None,
    delays: tuple[int, int] | None,
    remarks: list[str],
) -> dict[str, Any]:
    """Prediction error from states across the second half, beside that of analogues from the first."""
    half, length = len(data) // 2, getattr(model, "context_length", 1)
    span = 0 if delays is None else (delays[1] - 1) * delays[0]
    starts = np.unique(np.linspace(half, len(data) - horizon - 1, _WINDOWS).astype(int))
    starts = starts[(starts >= max(half, length - 1, span)) & (starts + horizon < len(data))]
    if starts.size == 0:
        remarks.append(f"the series is too short for forecasts {horizon} steps ahead")
        return {}
    true, scale = data[starts[:, None] + np.arange(1, horizon + 1)], data.std(axis=0)
    found: dict[str, Any] = {}
    analogues = _analogues(data, half, starts, horizon, delays)
    if analogues is not None:
        found["prediction_floor"] = prediction_error(true, analogues, scale=scale)
    past = np.arange(1 - length, 1)
    options = {}
    if drive is not None:
        options["inputs"] = drive[starts[:, None] + np.arange(1 - length, horizon)]
    predicted = model.predict(data[starts[:, None] + past], horizon, **options)
    if np.isfinite(predicted).all():
        found["prediction_error"] = prediction_error(true, predicted, scale=scale)
    else:
        remarks.append(f"some forecasts diverged within {horizon} steps: no prediction error")
    return found


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


def _exponents(
    model: Any, count: int | None, seed: int, drive: np.ndarray | None, remarks: list[str]
) -> dict[str, Any]:
    """Exponents of the closed loop, per unit time; conditional ones along the inputs of a driven system."""
    dim = model.start_state.size
    k = min(dim, len(model.decoder), 10) if count is None else _check.integer(count, "n_exponents", 1)
    options: dict[str, Any] = {"steps": _EXPONENT_STEPS}
    if drive is not None:
        transient, aligned = min(_TRANSIENT, len(drive) // 10), max(1, len(drive) // 10)
        options = {
            "steps": len(drive) - transient - aligned, "transient": transient, "tangent_transient": aligned,
            "inputs": drive,
        }  # fmt: skip
    try:
        result = lyapunov_spectrum(model, k=min(k, dim), dt=model.dt, seed=seed, **options)
    except DivergenceError as error:
        remarks.append(f"no exponents: {error}")
        return {}
    return {"exponents": result.exponents, "exponents_stderr": result.stderr}
