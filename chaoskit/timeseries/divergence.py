"""Neighbours of a reconstructed orbit, followed in time: the log distances behind an exponent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaoskit.kernels.neighbours import divergence, nearest_neighbours, neighbours_within

FEWEST_LAGS = 40
WORK = 4_000_000  # log distances at most
DWELLING = 0.8  # share of neighbours in the same third of a series that does not return
BALL = 10  # neighbours of a reference point, of fewer reference points, in the method of Kantz


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
    ball : bool
        Follow the neighbours in a ball (Kantz) in place of the nearest one (Rosenstein).
    """

    states: np.ndarray
    theiler: int
    stride: int
    slack: int
    floor: float
    n_reference: int
    ball: bool = False

    def rows(self, n_lags: int) -> int:
        """Rows from which orbits can be followed over `n_lags` lags, off both ends by a margin."""
        return len(self.states) - (n_lags - 1) * self.stride - 2 * (self.slack + 1)

    def follow(self, n_lags: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Reference rows in order, (R,), and the log distances of their pairs, (R, n_lags)."""
        margin = self.slack + 1
        inside = self.states[margin : margin + self.rows(n_lags)]
        if self.ball:
            return self._follow_balls(inside, margin, n_lags, rng)
        count = min(self.n_reference, len(inside))
        references = np.sort(rng.choice(len(inside), count, replace=False))
        index, _ = nearest_neighbours(inside, references, self.theiler, self.floor)
        references, index = references[index >= 0], index[index >= 0]
        return references, self._logs(references + margin, index + margin, n_lags)

    def _follow_balls(self, inside, margin, n_lags, rng) -> tuple[np.ndarray, np.ndarray]:
        """The log of the mean distance of the states in a ball that half of all states can fill."""
        count = min(max(20, self.n_reference // BALL), len(inside))
        references = np.sort(rng.choice(len(inside), count, replace=False))
        index, distance = neighbours_within(inside, references, self.theiler, BALL, np.inf, self.floor)
        filled = distance[:, -1][np.isfinite(distance[:, -1])]
        radius = np.median(filled) if len(filled) else 0.0
        near = (index >= 0) & (distance <= radius)
        references, index, near = (values[near.any(axis=1)] for values in (references, index, near))
        balls, places = np.nonzero(near)
        logs = self._logs(references[balls] + margin, index[balls, places] + margin, n_lags)
        starts = np.searchsorted(balls, np.arange(len(references)))
        sums = np.add.reduceat(np.exp(logs), starts, axis=0) if len(logs) else logs
        return references, np.log(sums / near.sum(axis=1)[:, None])

    def dwells(self) -> bool:
        """True if states come back in their own part of the series only, as those of a drifting one do."""
        last = len(self.states) - 1
        references = np.linspace(0, last, min(1000, last + 1)).astype(np.int64)
        index, _ = nearest_neighbours(self.states, references, self.theiler, self.floor)
        gaps = np.abs(index - references)[index >= 0]
        # Of two times drawn at random, 5 in 9 pairs lie within a third of the series.
        return len(gaps) >= 100 and bool(np.mean(gaps < last / 3) > DWELLING)

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
