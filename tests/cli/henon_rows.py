"""A series of two columns for the command line."""

from __future__ import annotations

import numpy as np


def henon(rows: int, start: float = 0.1) -> np.ndarray:
    """The Henon map's x, now and a step before, shape (rows, 2)."""
    x = [start, 0.1]
    for _ in range(rows + 100):
        x.append(1 - 1.4 * x[-1] ** 2 + 0.3 * x[-2])
    values = np.array(x[-rows - 1 :])
    return np.column_stack([values[1:], values[:-1]])
