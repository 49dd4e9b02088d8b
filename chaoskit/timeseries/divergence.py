"""Neighbours of a reconstructed orbit, followed in time: the log distances behind an exponent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaoskit.kernels.neighbours import divergence, nearest_neighbours

FEWEST_LAGS = 40
WORK = 4_000_000  # log distances at most


@dataclass(frozen=True)
class Probe:
    """A reconstructed orbit and how its neighbours are to be found and followed.

    Attributes
    ----------
    states : ndarray, shape (T, D), float64
    theiler : int
        Pairs nearer in time than or as near as this many steps are no neighbours.
    stride : int
        Steps between two lags of the curve.
    slack : int
        Steps by which the phase of a neighbour may shift; 0 for maps.
    floor : float
        Distances below this are not measured.
    n_reference : int
        Reference points at most.
    """

    states: np.ndarray
    theiler: int
    stride: int
    slack: int
    floor: float
    n_reference: int

    def rows(self, n_lags: int) -> int:
        """Rows from which orbits can be followed over `n_lags` lags, off both ends by a margin."""
        return len(self.states) - (n_lags - 1) * self.stride - 2 * (self.slack + 1)

    def follow(self, n_lags: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Reference rows in order, (R,), and the log distances of their pairs, (R, n_lags)."""
        margin = self.slack + 1
        inside = self.states[margin : margin + self.rows(n_lags)]
        count = min(self.n_reference, len(inside))
        references = np.sort(rng.choice(len(inside), count, replace=False))
        index, _ = nearest_neighbours(inside, references, self.theiler, self.floor)
        references, index = references[index >= 0], index[index >= 0]
        return references, self._logs(references + margin, index + margin, n_lags)

    def repeats(self, n_lags: int) -> bool:
        """True if most states come back exactly, and so does what follows them."""
        n_lags = min(n_lags, 1 + len(self.states) // (4 * self.stride))
        count = min(500, self.rows(n_lags))
        references = np.linspace(0, self.rows(n_lags) - 1, count).astype(np.int64)
        index, _ = nearest_neighbours(self.states[: self.rows(n_lags)], references, self.theiler, -1.0)
        found = index >= 0
        ahead = (n_lags - 1) * self.stride
        gaps = self.states[references[found] + ahead] - self.states[index[found] + ahead]
        before = self.states[references[found]] - self.states[index[found]]
        same = np.hypot(gaps, before).max(axis=1, initial=0.0) <= 1e-8
        return bool(same.sum() > count / 2)

    def ceiling(self, rng: np.random.Generator) -> float:
        """Median log distance of states that have nothing to do with each other."""
        margin = self.slack + 1
        first, second = rng.integers(margin, len(self.states) - margin, (2, self.n_reference))
        apart = np.abs(first - second) > self.theiler
        return float(np.median(self._logs(first[apart], second[apart], 1)))

    def _logs(self, references: np.ndarray, neighbours: np.ndarray, n_lags: int) -> np.ndarray:
        logs = np.empty((len(references), n_lags))
        divergence(self.states, references, neighbours, self.stride, self.slack, self.floor, logs)
        return logs


def follow_until_level(
    probe: Probe, level: float, n_lags: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Follow the neighbours for about twice the time in which their median reaches `level`.

    It starts with `n_lags` lags and doubles them, as far as the series allows.
    """
    longest = min((len(probe.states) // 4) // probe.stride, WORK // probe.n_reference)
    n_lags = max(4, min(n_lags, longest))
    while True:
        references, logs = probe.follow(n_lags, rng)
        reached = np.flatnonzero(np.median(logs, axis=0) > level) if len(logs) else np.zeros(0)
        if reached.size and 2 * reached[0] <= n_lags:
            break
        if 2 * n_lags > longest or not len(logs):
            return references, logs
        n_lags *= 2
    # Rows behind the horizon are lost as neighbours: with a shorter one more of them can be used.
    needed = max(FEWEST_LAGS, 2 * int(reached[0]))
    return probe.follow(needed, rng) if needed < 3 * n_lags // 4 else (references, logs)
