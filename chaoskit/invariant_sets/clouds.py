"""Do two orbits cover the same set? Nearest neighbours between their states."""

from __future__ import annotations

import numpy as np

_FACTOR = 3.0  # times the spacing within a cloud, up to which another one lies in it
_QUANTILE = 75.0  # per cent: where the orbit is rarely, neighbours are far


class Cloud:
    """States (2 L, N) along one orbit, and how far those of its second half lie from those of its first."""

    def __init__(self, states: np.ndarray):
        from scipy.spatial import KDTree

        self.states = states
        first, second = np.array_split(states, 2)
        self._tree = KDTree(first)
        steps = np.linalg.norm(np.diff(states, axis=0), axis=1)
        floor = 1e3 * float(np.finfo(states.dtype).eps) * float(np.abs(states).max())
        self._half = second
        self.spacing = max(self._distance_from(second), floor)
        self.step = float(np.percentile(steps, _QUANTILE))

    def _distance_from(self, states: np.ndarray) -> float:
        return float(np.percentile(self._tree.query(states)[0], _QUANTILE))

    def covers_the_same(self, other: Cloud, continuous: bool) -> bool:
        """True if each lies within the other, as far as the spacing of their states can tell.

        The states of a `continuous` orbit may sit between those of another one along the same curve.
        """
        allowed = _FACTOR * max(self.spacing, other.spacing)
        if continuous:
            allowed = max(allowed, self.step, other.step)
        return self._distance_from(other._half) <= allowed and other._distance_from(self._half) <= allowed
