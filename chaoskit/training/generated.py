"""The free run of a model, cut where it diverged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Generated:
    """A free run.

    Attributes
    ----------
    series : np.ndarray, shape (T', D), float64
        The rows that are finite from the first one on: all rows asked for, or those before the
        run diverged.
    diverged_at : int or None
        First row with a value that is not finite, or None if there is none.
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
