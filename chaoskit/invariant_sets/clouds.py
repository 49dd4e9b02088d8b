"""Do two orbits cover the same set? Nearest neighbours between their states."""

from __future__ import annotations

import numpy as np

_FACTOR = 3.0  # times the spacing within a cloud, up to which another one lies in it
_QUANTILE = 75.0  # per cent: where the orbit is rarely, neighbours are far
_TREE = 12  # dimensions up to which a tree is faster than all distances


class Cloud:
    """States (2 L, N) along one orbit, and how far those of its second half lie from those of its first."""

    def __init__(self, states: np.ndarray):
        self.states = states
        self._first, self._second = np.array_split(states.astype(np.float64), 2)
        self._tree = None
        if states.shape[1] <= _TREE:
            from scipy.spatial import KDTree

            self._tree = KDTree(self._first)
        floor = 1e3 * float(np.finfo(states.dtype).eps) * float(np.abs(states).max())
        self.spacing = max(self._distance_from(self._second), floor)
        steps = np.linalg.norm(np.diff(self._first, axis=0), axis=1)
        self.step = float(np.percentile(steps, _QUANTILE))

    def _distance_from(self, states: np.ndarray) -> float:
        """Upper quartile of the distances of states from the nearest one of the first half."""
        if self._tree is not None:
            nearest = self._tree.query(states)[0]
        else:
            middle = self._first.mean(axis=0)  # differences of squares lose digits far from the origin
            a, b = states - middle, self._first - middle
            squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * (a @ b.T)
            nearest = np.sqrt(np.maximum(squares.min(axis=1), 0.0))
        return float(np.percentile(nearest, _QUANTILE))

    def covers_the_same(self, other: Cloud, continuous: bool) -> bool:
        """True if each lies within the other, as far as the spacing of their states can tell.

        The states of a `continuous` orbit may sit between those of another one along the same curve.
        """
        allowed = _FACTOR * max(self.spacing, other.spacing)
        if continuous:
            allowed = max(allowed, self.step, other.step)
        return self._distance_from(other._second) <= allowed and other._distance_from(self._second) <= allowed
