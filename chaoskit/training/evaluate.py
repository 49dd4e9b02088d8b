"""A reconstruction against data: every measure beside its floor, and one verdict."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..dynamics import lyapunov_spectrum
from ..errors import DivergenceError, InvalidInputError
from ..measures import Exponent
from ..measures.bootstrap import RESAMPLES
from ..measures.series_comparison import checked_resamples
from ..measures.verdict import agreement, verdict
from ..timeseries.embedding import delay_and_dimension
from . import judged_runs
from .evaluation import Evaluation
from .forecast_skill import forecast_errors, valid_times
from .generated import Generated
from .result import FitResult
from .split import trained_on
from .truth import Truth

_SHORTEST = 400  # rows: halves long enough for a smoothed spectrum
_EXPONENT_STEPS, _TRANSIENT = 50_000, 1_000
# None where they could not be taken
_MEASURED = (
    "state_space_divergence", "spectral_distance", "prediction_error", "prediction_floor", "exponents",
    "exponents_stderr",
)  # fmt: skip


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
    dt: float | None = None,
    training: Any = None,
    true_exponents: Any = None,
    n_resamples: int = RESAMPLES,
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
        For the exponents' initial tangents and the resampling.
    inputs : array_like, shape (T, M), optional
        Of the model of a driven system; row t drives the step from row t of the series. The free run then
        starts from the first rows of `series` and is compared with the rows it ran beside, the first fifth
        dropped; the exponents are conditional on these inputs.
    embedding : (int, int), optional
        Delay and dimension of the coordinates in which the state-space divergence is taken. By default the
        model's own `embedding` if it has one. One column without is a histogram, which says little.
    dt : float, optional
        Time between two rows; by default that of the model, or of the series' time index, or 1.
    training : array_like, shape (T'', D), optional
        The series trained on: the run is tested for retracing it.
    true_exponents : array_like, shape (k,), optional
        Of the true system per unit time, where they are known: they are shown beside the closed loop's, and
        judge the largest.
    n_resamples : int
        Resamples behind the intervals; 0 for no intervals.

    Returns
    -------
    Evaluation
        ``print(result)`` shows a table.

    Raises
    ------
    InvalidInputError
        If the number of columns differs, the series is too short to be split, or inputs or embedding do not
        fit.

    Notes
    -----
    Words and grades of the verdict are those of `chaoskit.measures.compare`.

    References
    ----------
    Hess et al. 2023, arXiv 2306.04406, appendix 6.2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> result = evaluate(rng.normal(size=(5000, 1)), rng.normal(size=(5000, 1)))
    >>> result.state_space_divergence < 0.1
    True
    >>> result.verdict.split(":")[0]  # noise has no exponent
    'undecided'
    """
    judged = Judged(
        reconstruction, series, embedding=embedding, dt=dt, training=training, n_bins=n_bins,
        n_resamples=n_resamples, seed=seed, inputs=inputs,
    )  # fmt: skip
    return judged.evaluation(reconstruction, horizon, n_exponents, true_exponents)


class Judged:
    """Data that reconstructions are judged by, with the floors and exponents that all of them share."""

    def __init__(
        self,
        reconstruction: Any,
        series: Any,
        *,
        embedding: Any,
        dt: Any,
        training: Any,
        n_bins: int,
        n_resamples: Any,
        seed: int,
        inputs: Any = None,
    ):
        self.data = _check.series(series, minimum=_SHORTEST)
        _check.moderate(self.data)
        self.drive = judged_runs.beside_series(reconstruction, inputs, len(self.data))
        self.delays = _checked_embedding(reconstruction, embedding)
        own = getattr(reconstruction, "dt", None)
        self.dt = _check.time_unit(own if dt is None else dt, series)
        if training is not None:
            training = _check.series(training, "training")
            _check.same_columns(self.data, training, "series and training")
        settled = 0 if self.drive is None else judged_runs.settled_rows(reconstruction, len(self.data))
        self.truth = Truth(
            self.data[settled:], self.delays, self.dt, n_bins, checked_resamples(n_resamples), seed, training
        )
        self.seed = seed

    def evaluation(
        self, reconstruction: Any, horizon: Any, n_exponents: int | None, true_exponents: Any = None
    ) -> Evaluation:
        """One reconstruction by these data."""
        horizon = _check.integer(horizon, "horizon", 1)
        truth, known = self.truth, _known(true_exponents)
        run = judged_runs.run_beside(reconstruction, self.data, self.drive)
        remarks: list[str] = []
        values: dict[str, Any] = {"true_exponents": known}
        found: dict[str, Any] = {}
        if run.diverged_at is not None:
            remarks.append(
                f"the free run diverged at step {run.diverged_at}: it has no divergence and no spectrum"
            )
        else:
            found = truth.measures(run.series)
        if truth.states.shape[1] == 1:
            remarks.append(
                "the divergence compares histograms of one column, which says little: give embedding"
            )
        if trained_on(reconstruction, self.data):
            remarks.append("the series holds rows that the model was trained on: judge it by others")
        values |= self._exponents(reconstruction, run, n_exponents, remarks)
        values |= self._forecasts(reconstruction, horizon, values, remarks)
        copied = None
        if run.diverged_at is None:
            copied = truth.retracing(run.series, values.get("data_exponent"))
        return Evaluation(
            **(dict.fromkeys(_MEASURED) | values | _measures(truth, found)),
            horizon=horizon,
            n_true=len(truth.rows),
            n_generated=len(run.series),
            diverged_at=run.diverged_at,
            remarks=tuple(remarks),
            embedding=self.delays,
            retracing=None if copied is None else copied.value,
            retracing_floor=None if copied is None else copied.floor,
            verdict=verdict(
                found.get("divergence") if truth.states.shape[1] > 1 else None,
                found.get("spectrum"),
                agreement(*_largest(values)),
                copied,
                run.diverged_at,
            ),
        )

    def _exponents(
        self, reconstruction: Any, run: Generated, count: int | None, remarks: list[str]
    ) -> dict[str, Any]:
        """Of the closed loop by its Jacobians, and of data and run as series."""
        found: dict[str, Any] = {}
        if isinstance(reconstruction, FitResult) and run.diverged_at is None:
            found |= _closed_loop(reconstruction, count, self.seed, self.drive, remarks)
        if self.drive is None:  # of driven data they would be those of the drive as well
            pair = self.truth.exponents(run.series if run.diverged_at is None else None)
            found |= dict(zip(("data_exponent", "generated_exponent"), pair, strict=True))
        return found

    def _forecasts(
        self, reconstruction: Any, horizon: int, values: dict[str, Any], remarks: list[str]
    ) -> dict[str, Any]:
        if not hasattr(reconstruction, "predict"):
            return {}
        of_data, known = values.get("data_exponent"), values["true_exponents"]
        exponent = of_data.value if of_data is not None and of_data.found else None
        if known is not None and known[0] > 0:
            exponent = float(known[0])
        given = (reconstruction, self.data, horizon, self.drive, self.delays, self.seed)
        return forecast_errors(*given, remarks) | valid_times(*given, self.dt, exponent)


def _measures(truth: Truth, found: dict[str, Any]) -> dict[str, Any]:
    """Divergence and spectral distance under their names in an `Evaluation`."""
    values: dict[str, Any] = {
        "state_space_floor": truth.divergence.value, "state_space_floor_interval": truth.divergence.interval,
        "spectral_floor": truth.spectrum.value, "spectral_floor_interval": truth.spectrum.interval,
        "outside": found.get("outside"),
    }  # fmt: skip
    if found:
        divergence, spectrum = found["divergence"], found["spectrum"]
        values |= {
            "state_space_divergence": divergence.value, "state_space_interval": divergence.interval,
            "spectral_distance": spectrum.value, "spectral_interval": spectrum.interval,
        }  # fmt: skip
    return values


def _largest(values: dict[str, Any]) -> tuple[Exponent | None, Exponent | None]:
    """The largest exponents that decide: the true one and the closed loop's where both are there.

    Else those of the two series; but a network that comes to rest after the rows that were judged has none.
    """
    known, exponents = values["true_exponents"], values.get("exponents")
    if exponents is None:
        return values.get("data_exponent"), values.get("generated_exponent")
    value = float(exponents[0])
    half = 1.96 * float(np.nan_to_num(values["exponents_stderr"][0]))
    if known is not None:
        true = float(known[0])
        return Exponent(true, (true, true), "given"), Exponent(value, (value - half, value + half), "good")
    of_data, of_run = values.get("data_exponent"), values.get("generated_exponent")
    if of_run is not None and value + half < 0.0:
        settled = f"the network settles within {_EXPONENT_STEPS} steps: its exponent is {value:.3g}"
        of_run = Exponent(value, (value - half, value + half), settled)
    return of_data, of_run


def _known(exponents: Any) -> np.ndarray | None:
    if exponents is None:
        return None
    known = np.atleast_1d(_check.array(exponents, "true_exponents", np.float64))
    if known.ndim != 1 or known.size == 0 or (np.diff(known) > 0).any():
        raise InvalidInputError(
            f"true_exponents: expected exponents in descending order, shape (k,), got {exponents!r}"
        )
    return known


def _checked_embedding(reconstruction: Any, embedding: Any) -> tuple[int, int] | None:
    """Delay and dimension, of the model where none are given; None if there is nothing to embed."""
    if embedding is None:
        embedding = getattr(reconstruction, "embedding", None)
    if embedding is None:
        return None
    delay, dimension = delay_and_dimension(embedding)
    return None if dimension == 1 else (delay, dimension)


def _closed_loop(
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
