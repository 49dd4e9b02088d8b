"""The free run of a model, cut where it diverged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# A free run this many standard deviations away has left for good; the numbers beyond say nothing.
_LOST = 1e6


@dataclass(frozen=True, eq=False)
class Generated:
    """A free run.

    Attributes
    ----------
    series : np.ndarray, shape (T', D), float64
        The rows that are finite from the first one on: all rows asked for, or those before the
        run diverged.
    diverged_at : int or None
        First row with a value that is not finite (for models: or a million standard deviations away), or
        None if there is none.
    """

    series: np.ndarray
    diverged_at: int | None = None

    @classmethod
    def cut(cls, series: np.ndarray) -> Generated:
        """The run whose rows may hold NaN or infinity, shape (T, D), without what came after."""
        finite = np.isfinite(series).all(axis=1)
        if finite.all():
            return cls(series)
        row = int(np.argmin(finite))
        return cls(series[:row].copy(), row)


def without_lost_rows(runs: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Runs (batch, steps, D) with NaN from the first row on that is not finite or far beyond the series."""
    lost = ~(np.abs((runs - mean) / scale) < _LOST).all(axis=2)
    return np.where(np.maximum.accumulate(lost, axis=1)[..., None], np.nan, runs)
