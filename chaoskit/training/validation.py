"""Which checkpoint is the best: free runs and forecasts against the series."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..dynamics import lyapunov_spectrum
from ..errors import DivergenceError, InvalidInputError
from ..gradients.latent import Latent
from ..measures import prediction_error, spectral_distance, state_space_divergence
from .data import TrainingData
from .result import FitResult

CHECKS = 40  # checkpoints over the whole training
_STARTS = 16  # free runs a checkpoint, from states spread over the series
_ROWS = 10_000  # rows of each of them, at most
_FINALISTS = 8
_EQUAL = 1.5  # scores of runs within this factor of the best are equal: at the floor they scatter that much
_LONGEST = 100_000  # rows of a finalist's run, at most
_COLUMNS = 5  # the histogram's limit: beyond it the divergence costs too much to repeat
_FORECASTS = 200
_EXPONENT_STEPS, _ALIGNED = 5_000, 500

# measures of free runs, which are taken from many short runs and, of finalists, from a long one
RUN_MEASURES = {
    "reconstruction": ("state_space_divergence", "spectral_distance"),
    "state_space_divergence": ("state_space_divergence",),
    "spectral_distance": ("spectral_distance",),
}
MEASURES = (*RUN_MEASURES, "prediction_error", "loss", "last")


class Checkpoint(NamedTuple):
    """Parameters after some updates, and how far they are from the series."""

    score: float
    update: int
    cell: Any
    latent: Latent


class Validation:
    """Judges checkpoints by a measure and keeps the best.

    The series is the one trained on, or its end that was held out: data that a model will be tested on must
    not choose it. Short runs from many states find eight candidates; at the end each makes one long run,
    because a network may leave its attractor only after tens of thousands of steps. The worse of the two
    scores counts; of checkpoints with equal scores the latest is taken, because its loss is lower. A forecast
    error, the mean loss of an epoch or a user's own measure is taken once, and the lowest value wins. "last"
    scores a checkpoint by its age, so that nothing is chosen.
    """

    def __init__(
        self,
        data: TrainingData,
        model: Callable[[Any, Latent], FitResult],
        measure: str | Callable[[FitResult, np.ndarray, np.ndarray], float],
        context_length: int,
        horizon: int,
        n_exponents: int,
    ):
        self.series, self.inputs, self.embedding = data.judged, data.judged_inputs, data.embedding
        self.model, self.measure, self.length = model, measure, context_length
        self.horizon, self.n_exponents = horizon, n_exponents
        self.driven = data.inputs.shape[1] > 0
        beyond = len(self.series) - self.length  # rows that follow the first context
        self.rows = min(max(1, beyond // 2) if self.driven else len(self.series), _ROWS)
        self.updates: list[int] = []
        self.scores: list[float] = []
        self.exponents: list[np.ndarray] = []
        self.finalists: list[Checkpoint] = []
        self._check_length()

    def _check_length(self) -> None:
        """Raise InvalidInputError where what is judged is too short for the measure or for exponents."""
        rows, advice = len(self.series), "hold out more, or give a longer series"
        if self.measure == "prediction_error" and rows < self.length + self.horizon:
            raise InvalidInputError(
                f"validation_measure: expected at least {self.length + self.horizon} rows for forecasts of "
                f"{self.horizon} steps, got {rows} to judge by; {advice}"
            )
        if self.measure in RUN_MEASURES:
            try:
                self._measured(self.series[None, : self.rows])
            except InvalidInputError as error:
                raise InvalidInputError(
                    f"validation_measure: expected enough rows for {self.measure!r}, got {rows} to judge by, "
                    f"and runs of {self.rows} ({error}); {advice}, or take "
                    'validation_measure="prediction_error"'
                ) from None
        if self.n_exponents and self.driven and rows < 2 * _ALIGNED:
            raise InvalidInputError(
                f"track_exponents: expected at least {2 * _ALIGNED} rows of inputs to judge by, got {rows}; "
                f"{advice}"
            )

    @staticmethod
    def due(epoch: int, epochs: int) -> bool:
        """True forty to eighty times (every epoch of fewer), the last epoch included."""
        every = max(1, epochs // CHECKS)
        return epoch == epochs or epoch % every == 0

    def judge(self, cell: Any, latent: Latent, update: int, loss: float = math.nan) -> None:
        """Score this checkpoint (`loss`: mean of its epoch); keep a copy if it is among the best so far."""
        model = self.model(cell, latent)
        score = {"loss": loss, "last": -float(update)}.get(self.measure)  # type: ignore[arg-type]
        score = self._score(model) if score is None else score
        self.updates.append(update)
        self.scores.append(score)
        if self.n_exponents:
            self.exponents.append(self._exponents(model))
        copy = Checkpoint(score, update, _copy(cell), _copy(latent))
        self.finalists = sorted([*self.finalists, copy], key=lambda c: (c.score, -c.update))[:_FINALISTS]

    def checks_without_improvement(self) -> int:
        """Checks since the best one; none count before the first that could be scored."""
        if not self.scores or math.isinf(min(self.scores)):
            return 0
        return len(self.scores) - 1 - int(np.argmin(self.scores))

    def best(self) -> Checkpoint | None:
        """The latest of the finalists that are about as good as the best; None if none was judged."""
        if not self.finalists:
            return None
        if self.measure not in RUN_MEASURES:
            return self.finalists[0]
        judged = []
        for checkpoint in self.finalists:
            run = self._long_run(self.model(checkpoint.cell, checkpoint.latent))
            judged.append(checkpoint._replace(score=max(self._distance(run), checkpoint.score)))
        limit = _EQUAL * min(c.score for c in judged)
        return max((c for c in judged if c.score <= limit), key=lambda c: c.update)

    def _score(self, model: FitResult) -> float:
        """The measure; infinity where it cannot be taken."""
        if callable(self.measure):
            return self._own(model)
        if self.measure == "prediction_error":
            return self._forecast_error(model)
        last = len(self.series) - 1 - (self.rows if self.driven else 0)
        count = int(np.clip(2 * len(self.series) // self.rows, 1, _STARTS))
        return self._distance(self._runs(model, last, count, self.rows))

    def _own(self, model: FitResult) -> float:
        """The user's measure."""
        answer = self.measure(model, self.series, self.inputs)  # type: ignore[operator]
        if np.ndim(answer) != 0 or not np.issubdtype(np.asarray(answer).dtype, np.number):
            raise InvalidInputError(
                f"validation_measure: expected a function that returns one number, got {answer!r} from it"
            )
        return math.inf if np.isnan(answer) else float(answer)

    def _runs(self, model: FitResult, last: int, count: int, steps: int) -> np.ndarray:
        """Runs (count, steps, D) after rows spread from the first context to row `last`."""
        ends = np.linspace(self.length - 1, max(last, self.length - 1), count).astype(int)
        return self._run_after(model, ends, steps)

    def _run_after(self, model: FitResult, ends: np.ndarray, steps: int) -> np.ndarray:
        before = np.arange(1 - self.length, 1)
        driving = None
        if self.driven:
            driving = self.inputs[ends[:, None] + np.arange(1 - self.length, steps)]
        return model.predict(self.series[ends[:, None] + before], steps, inputs=driving)

    def _long_run(self, model: FitResult) -> np.ndarray:
        """One run (1, steps, D): on where the series ended, or along all inputs there are."""
        if self.driven:
            return self._run_after(model, np.array([self.length - 1]), len(self.series) - self.length)
        return model.predict(model.context[None], min(len(self.series), _LONGEST))

    def _distance(self, runs: np.ndarray) -> float:
        """Infinity where a run (count, rows, D) diverges or stands still."""
        if not np.isfinite(runs).all():
            return math.inf
        try:
            return self._measured(runs)
        except InvalidInputError:
            return math.inf

    def _measured(self, runs: np.ndarray) -> float:
        """The measure of finite runs (count, rows, D)."""
        if runs.shape[1] <= self.embedding.span:
            raise InvalidInputError(f"an embedding over {self.embedding.span} steps needs longer runs")
        parts, total = RUN_MEASURES[self.measure], 0.0  # type: ignore[index]
        if "state_space_divergence" in parts:
            true = self.embedding.vectors(self.series)[:, :_COLUMNS]
            vectors = self.embedding.vectors(runs)[:, :, :_COLUMNS]
            total += float(state_space_divergence(true, vectors.reshape(-1, true.shape[1])))
        if "spectral_distance" in parts:
            total += float(np.mean([spectral_distance(self.series, run) for run in runs]))
        return total

    def _forecast_error(self, model: FitResult) -> float:
        last = len(self.series) - 1 - self.horizon
        ends = np.unique(np.linspace(self.length - 1, last, _FORECASTS).astype(int))
        runs = self._run_after(model, ends, self.horizon)
        if not np.isfinite(runs).all():
            return math.inf
        true = self.series[ends[:, None] + np.arange(1, self.horizon + 1)]
        return float(prediction_error(true, runs, scale=model.scale))

    def _exponents(self, model: FitResult) -> np.ndarray:
        """Leading exponents of the closed loop per unit time; NaN where there are none."""
        steps, inputs = _EXPONENT_STEPS, None
        if self.driven:
            steps, inputs = min(steps, len(self.inputs) - _ALIGNED), self.inputs
        try:
            found = lyapunov_spectrum(
                model, steps=steps, k=self.n_exponents, dt=model.dt, inputs=inputs, transient=0,
                tangent_transient=_ALIGNED, qr_every=1,
            )  # fmt: skip
        except DivergenceError:
            return np.full(self.n_exponents, np.nan)
        return found.exponents

    def history(self) -> dict[str, np.ndarray]:
        found = {
            "validation_update": np.array(self.updates, np.int64),
            "validation": np.array(self.scores, np.float64),
        }
        if self.n_exponents:
            found["exponents"] = np.array(self.exponents, np.float64).reshape(-1, self.n_exponents)
        return found


def _copy(arrays: Any) -> Any:
    return type(arrays)(*(a.copy() for a in arrays))
