"""Which checkpoint is the best: free runs against the training series."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import InvalidInputError
from ..measures import spectral_distance, state_space_divergence

_CHECKS = 40  # checkpoints over the whole training
_STARTS = 16  # free runs a checkpoint, from states spread over the series
_ROWS = 10_000  # rows of each of them, at most
_FINALISTS = 8
_EQUAL = 1.5  # scores within this factor of the best are equal: at the floor they scatter that much
_LONGEST = 100_000  # rows of a finalist's run, at most
_COLUMNS = 5  # the histogram's limit: beyond it the divergence costs too much to repeat


class Checkpoint(NamedTuple):
    """Parameters after some updates, and how far their free runs are from the series."""

    score: float
    update: int
    cell: Any
    decoder: np.ndarray


class Validation:
    """Judges checkpoints by state-space divergence plus spectral distance of free runs; keeps the best.

    The series is the one trained on: data that a model will be tested on must not choose it. Short runs
    from many states find eight candidates; at the end each makes one long run from where the series ends,
    because a network may leave its attractor only after tens of thousands of steps. The worse of the two
    scores counts; of checkpoints with equal scores the latest is taken, because its loss is lower.
    """

    def __init__(self, data: np.ndarray, result: Callable[..., Any]):
        self.data, self.result = data, result
        self.rows = min(len(data), _ROWS)
        count = int(np.clip(2 * len(data) // self.rows, 1, _STARTS))
        self.starts = data[np.linspace(0, len(data) - 1, count).astype(int)]
        self.updates: list[int] = []
        self.scores: list[float] = []
        self.finalists: list[Checkpoint] = []

    def due(self, epoch: int, epochs: int) -> bool:
        """True about forty times, the last epoch included."""
        every = max(1, epochs // _CHECKS)
        return epoch == epochs or epoch % every == 0

    def judge(self, cell: Any, decoder: np.ndarray, update: int) -> None:
        """Score this checkpoint; keep a copy if it is among the best so far."""
        score = self._score(self._model(cell, decoder).predict(self.starts, self.rows))
        self.updates.append(update)
        self.scores.append(score)
        copy = Checkpoint(score, update, type(cell)(*(a.copy() for a in cell)), decoder.copy())
        self.finalists = sorted([*self.finalists, copy], key=lambda c: (c.score, -c.update))[:_FINALISTS]

    def best(self) -> Checkpoint | None:
        """The latest of the finalists that are about as good as the best; None if none was judged."""
        if not self.finalists:
            return None
        steps = min(len(self.data), _LONGEST)
        judged = []
        for checkpoint in self.finalists:
            model = self._model(checkpoint.cell, checkpoint.decoder)
            score = self._score(model.predict(model.context[None], steps))
            judged.append(checkpoint._replace(score=max(score, checkpoint.score)))
        limit = _EQUAL * min(c.score for c in judged)
        return max((c for c in judged if c.score <= limit), key=lambda c: c.update)

    def _model(self, cell: Any, decoder: np.ndarray) -> Any:
        return self.result(cell, decoder, {"loss": np.zeros(0)}, 0, None)

    def _score(self, runs: np.ndarray) -> float:
        """Infinity where a run (count, rows, D) diverges or stands still."""
        if not np.isfinite(runs).all():
            return math.inf
        flat = runs.reshape(-1, runs.shape[2])
        try:
            divergence = state_space_divergence(self.data[:, :_COLUMNS], flat[:, :_COLUMNS])
            spectral = np.mean([spectral_distance(self.data, run) for run in runs])
        except InvalidInputError:
            return math.inf
        return float(divergence) + float(spectral)

    def history(self) -> dict[str, np.ndarray]:
        return {
            "validation_update": np.array(self.updates, np.int64),
            "validation": np.array(self.scores, np.float64),
        }
