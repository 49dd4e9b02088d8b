"""Jumps of a loss, against what it does from epoch to epoch."""

from __future__ import annotations

import numpy as np

_FEWEST = 8  # changes before one can be judged
_SPREADS = 8.0  # robust standard deviations
_LEAST = 0.4  # of the natural logarithm: a change by half is a jump only if all is quiet


def loss_jumps(losses: np.ndarray, window: int = 20) -> np.ndarray:
    """Indices at which ln(loss) changes far more than it did before.

    Parameters
    ----------
    losses : ndarray, shape (n,)
        Mean loss of each epoch.
    window : int
        Changes before each one whose median and median absolute deviation it is compared with.

    Returns
    -------
    ndarray of int
        Up and down; entries that are not finite or not positive are left out.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(losses)
    known = np.flatnonzero(np.isfinite(logs))
    changes = np.diff(logs[known])
    found = []
    for i in range(_FEWEST, len(changes)):
        before = changes[max(0, i - window) : i]
        middle = np.median(before)
        spread = 1.4826 * np.median(np.abs(before - middle))
        if abs(changes[i] - middle) > max(_SPREADS * spread, _LEAST):
            found.append(known[i + 1])
    return np.array(found, dtype=np.int64)
