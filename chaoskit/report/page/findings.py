"""All that a report tells of a training, gathered before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ChaoskitError, InvalidInputError
from ...gradients import GradientGrowth
from ...invariant_sets import CycleSet, fixed_points
from ...measures.series_comparison import with_interval
from ...timeseries import DataLyapunov, Recommendation, correlation_dimension, estimate_lyapunov
from ...timeseries.embedding import mean_period
from ...timeseries.recommendation import from_estimates
from ...timeseries.reconstruction import FINE_SAMPLING
from ...training import Comparison, Evaluation, FitResult, Generated, compare_with_baselines
from ...training.judged_runs import beside_series, run_beside
from ..gradient_figure import gradients_of_model

_GRADIENT_STEPS = 1000  # at most: what is seen of gradients by then is seen
_INTERVALS = 10  # forcing intervals that gradients are followed over, at least
_SHORTEST_GRADIENTS = 400


@dataclass(frozen=True, eq=False)
class Findings:
    """What a report is made of; where a part could not be had there is the reason, as text.

    Attributes
    ----------
    model : FitResult
    train, test : ndarray, shape (T, D) and (T', D)
    title, time_unit : str, str or None
    names : tuple of str
        Of the columns.
    recommendation : Recommendation
        Of the training part; it holds the exponent and the dimension.
    comparison : Comparison
    run : Generated
        Settled free run, compared with `test`.
    forecast : tuple of ndarray
        Held-out rows (S, D), and the forecast of them from the rows before.
    growths : dict of GradientGrowth, or str
    fixed : CycleSet or str
    remarks : tuple of str
        Warnings of the training.
    """

    model: FitResult
    train: np.ndarray
    test: np.ndarray
    title: str
    time_unit: str | None
    names: tuple[str, ...]
    recommendation: Recommendation
    comparison: Comparison
    run: Generated
    forecast: tuple[np.ndarray, np.ndarray]
    growths: dict[str, GradientGrowth] | str
    fixed: CycleSet | str
    remarks: tuple[str, ...]

    @property
    def evaluation(self) -> Evaluation:
        """Of the model, among those of the baselines."""
        return self.comparison.evaluations[self.comparison.model]

    @property
    def estimate(self) -> DataLyapunov:
        """Largest exponent of the training part."""
        return self.recommendation.lyapunov

    @property
    def per(self) -> str:
        """Unit of exponents."""
        return "per unit time" if self.time_unit is None else f"per {self.time_unit}"

    def rows(self, count: float) -> str:
        """A number of rows, and the time that they last where that is something else."""
        shown = f"{count:.3g}" if isinstance(count, float) else f"{count}"
        return f"{shown} rows" + ("" if self.model.dt == 1.0 else f", {self.time(count * self.model.dt)}")

    @property
    def exponent(self) -> str:
        """The exponent of the data with its interval and unit."""
        found = self.estimate
        if not np.isfinite(found.exponent):
            return "none found"
        return f"{with_interval(found.exponent, found.interval)} {self.per}"

    @property
    def drawn_unit(self) -> str | None:
        """The unit of time for labels of pictures, where a dollar would begin a formula."""
        return None if self.time_unit is None else self.time_unit.replace("$", r"\$")

    def time(self, value: float) -> str:
        """A time with its unit."""
        return f"{value:.4g}" + (" time units" if self.time_unit is None else f" {self.time_unit}")

    @property
    def period(self) -> float:
        """Rows in a mean period of the training data."""
        return mean_period(self.train)

    @property
    def is_flow(self) -> bool:
        """Whether rows follow each other closely enough to be joined by lines."""
        return self.period >= FINE_SAMPLING


def gather(
    model: FitResult,
    train: np.ndarray,
    test: np.ndarray,
    *,
    inputs: Any,
    title: str,
    time_unit: str | None,
    names: tuple[str, ...],
    comparison: Comparison | None,
    true_exponents: Any,
    remarks: tuple[str, ...],
    seed: int,
) -> Findings:
    """Compute what the report tells; see `write_report` for the arguments."""
    drive = beside_series(model, inputs, len(test))
    if comparison is None:
        comparison = compare_with_baselines(
            model, train, test, inputs=inputs, seed=seed, true_exponents=true_exponents
        )
    advice = _advice(model, train, seed)
    constant = None if drive is None else model.input_mean
    return Findings(
        model=model, train=train, test=test, title=title, time_unit=time_unit, names=names,
        recommendation=advice, comparison=comparison, run=run_beside(model, test, drive),
        forecast=_forecast(model, test, drive, advice.lyapunov),
        growths=_tried(lambda: _gradients(model, test, drive)),
        fixed=_tried(lambda: fixed_points(model, inputs=constant, seed=seed)),
        remarks=remarks,
    )  # fmt: skip


def _advice(model: FitResult, train: np.ndarray, seed: int) -> Recommendation:
    found = model.lyapunov if model.lyapunov is not None else estimate_lyapunov(train, model.dt, seed=seed)
    attractor = correlation_dimension(
        train, delay=found.delay, dimension=found.dimension, theiler=found.theiler, seed=seed
    )
    return from_estimates(train, found, attractor)


def _tried(compute: Callable[[], Any]) -> Any:
    """The result, or in words why there is none: one part must not cost the others."""
    try:
        return compute()
    except ChaoskitError as error:
        return str(error)


def _gradients(model: FitResult, test: np.ndarray, drive: np.ndarray | None) -> dict[str, GradientGrowth]:
    wanted = max(_SHORTEST_GRADIENTS, min(_INTERVALS * (model.tau or 0), _GRADIENT_STEPS))
    steps = min(wanted, len(test) - model.delays.span - 1)
    if steps < 2:
        raise InvalidInputError("the held-out data are too short to follow gradients along them")
    return gradients_of_model(model, steps, series=test, inputs=_driving(model, drive, steps))


def _driving(model: FitResult, drive: np.ndarray | None, steps: int) -> np.ndarray | None:
    return None if drive is None else drive[: model.delays.span + steps]


def _forecast(
    model: FitResult, test: np.ndarray, drive: np.ndarray | None, estimate: DataLyapunov
) -> tuple[np.ndarray, np.ndarray]:
    """The first held-out rows after the context that a forecast needs, and their forecast."""
    doubling = estimate.predictability_time / estimate.dt
    wanted = 10 * doubling if np.isfinite(doubling) else 200.0
    wanted = min(max(wanted, 3 * mean_period(test), 40.0), 1000.0)
    length = model.context_length
    steps = int(min(wanted, len(test) - length))
    given = None if drive is None else drive[: length - 1 + steps]
    made = model.predict(test[None, :length], steps, inputs=given)[0]
    return test[length : length + steps], made
