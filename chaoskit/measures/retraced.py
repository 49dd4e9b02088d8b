"""Retracing: does a free run repeat the training stretch instead of the dynamics?"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from ._series import free_run
from .state_space import FAR_AWAY

CHUNK = 2_000_000  # entries of one block of the distance matrix: 16 MB


def retracing(
    generated: Any,
    training: Any,
    *,
    window: int = 50,
    horizon: int | None = None,
    n_windows: int = 500,
) -> float:
    """Share of a free run that moves in step with the training series.

    Two windows of the run, `horizon` rows apart, are each matched with the nearest window of the
    training series. If these are `horizon` rows apart as well, up to one window, the run has
    followed the training series all the way. Orbits of a chaotic system that start close
    to each other part long before.

    Parameters
    ----------
    generated : array_like, shape (S,) or (S, D), float
        Free run of the model, without its transient.
    training : array_like, shape (T,) or (T, D), float
        The series that the model was trained on.
    window : int
        Rows in a window. The longer it is, the more noise on a copy is seen through.
    horizon : int, optional
        Rows between the two windows; several Lyapunov times. If None, a tenth of the run.
    n_windows : int
        Pairs of windows looked at, evenly spaced along the run.

    Returns
    -------
    float
        0 (as new as unseen data) to 1 (a copy). Two halves of the true data give the value to
        compare with: ``floor(retracing, data)``. Noise on a copy lowers it, most where the data
        fill the state space densely: a copy of 50,000 rows of Lorenz-63 with 5 % noise has about
        0.5, a fresh orbit 0.002.

    Raises
    ------
    InvalidInputError
        If the run diverged, the column counts differ, or a series is shorter than the horizon and
        a window together.

    Notes
    -----
    Distances are Euclidean, with each dimension in standard deviations of the training data. The
    measure needs chaos: every orbit on a stable cycle repeats the data.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.measures import retracing
    >>> training, fresh = np.random.default_rng(0).normal(size=(2, 2000))
    >>> retracing(training + 0.1 * fresh, training)
    1.0
    >>> retracing(fresh, training) < 0.1
    True
    """
    window = _check.integer(window, "window", 1)
    n_windows = _check.integer(n_windows, "n_windows", 1)
    training = _check.series(training, "training", minimum=2 * window)
    generated = free_run(generated, minimum=2 * window)
    _check.same_columns(generated, training, "generated and training")
    _check.moderate(training, "training")
    if horizon is None:
        horizon = max(2 * window, len(generated) // 10)
    horizon = _check.integer(horizon, "horizon", window + 1)
    shorter = min(len(generated), len(training))
    if shorter < horizon + window:
        raise InvalidInputError(
            f"horizon: {horizon} rows and a window of {window} do not fit into {shorter} rows; "
            "take less or give longer series"
        )
    mean, deviation = training.mean(axis=0), training.std(axis=0)
    seen = _windows((training - mean) / deviation, np.arange(len(training) - window + 1), window)
    last = len(generated) - horizon - window
    starts = np.unique(np.linspace(0, last, min(n_windows, last + 1)).astype(np.int64))
    with np.errstate(over="ignore"):
        run = np.clip((generated - mean) / deviation, -FAR_AWAY, FAR_AWAY)
    first = _nearest(_windows(run, starts, window), seen)
    second = _nearest(_windows(run, starts + horizon, window), seen)
    return float(np.mean(np.abs(second - first - horizon) <= window))


def _windows(data: np.ndarray, starts: np.ndarray, window: int) -> np.ndarray:
    """Windows as rows, shape (len(starts), window * D)."""
    return data[starts[:, None] + np.arange(window)].reshape(len(starts), -1)


def _nearest(queries: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Index of the nearest reference of each query."""
    size = max(1, CHUNK // len(references))
    norms = np.einsum("ij,ij->i", references, references)
    nearest = np.empty(len(queries), dtype=np.int64)
    for start in range(0, len(queries), size):
        block = queries[start : start + size]
        nearest[start : start + size] = np.argmin(norms - 2.0 * (block @ references.T), axis=1)
    return nearest
