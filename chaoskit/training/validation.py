"""Which checkpoint is the best: free runs against the training series."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import InvalidInputError
from ..measures import spectral_distance, state_space_divergence

_CHECKS = 40  # free runs over the whole training
_ROWS = 50_000  # rows of a free run, at most
_LARGEST_DIMENSION = 5  # the histogram's limit: beyond it the divergence costs too much to repeat


class Validation:
    """Judges checkpoints by state-space divergence plus spectral distance of a free run; keeps the best.

    The series is the one trained on: data that a model will be tested on must not choose it.
    """

    def __init__(self, data: np.ndarray, result: Callable[..., Any]):
        self.data, self.result = data, result
        self.rows = min(len(data), _ROWS)
        self.updates: list[int] = []
        self.scores: list[float] = []
        self.best: tuple[Any, np.ndarray, int] | None = None

    def due(self, epoch: int, epochs: int) -> bool:
        """True about forty times, the last epoch included."""
        every = max(1, epochs // _CHECKS)
        return epoch == epochs or epoch % every == 0

    def judge(self, cell: Any, decoder: np.ndarray, update: int) -> None:
        """Score this checkpoint; copy it if it is the best so far."""
        score = self.score(cell, decoder)
        first = self.best is None
        if first or score < min(self.scores):
            self.best = type(cell)(*(a.copy() for a in cell)), decoder.copy(), update
        self.updates.append(update)
        self.scores.append(score)

    def score(self, cell: Any, decoder: np.ndarray) -> float:
        """Infinity for a run that diverges or stands still."""
        model = self.result(cell, decoder, {"loss": np.zeros(0)}, 0, None)
        run = model.generate(self.rows)
        if run.diverged_at is not None:
            return math.inf
        columns = slice(None, _LARGEST_DIMENSION)
        try:
            divergence = state_space_divergence(self.data[:, columns], run.series[:, columns])
            return float(divergence) + spectral_distance(self.data, run.series)
        except InvalidInputError:
            return math.inf

    def history(self) -> dict[str, np.ndarray]:
        return {
            "validation_update": np.array(self.updates, np.int64),
            "validation": np.array(self.scores, np.float64),
        }
