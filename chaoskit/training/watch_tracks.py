"""Fixed points and cycles of a network that changes, from one look to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..cells.protocol import kinks
from ..errors import InvalidInputError
from ..invariant_sets import Cycle, CycleSet, cycles
from .watch_result import Track, WatchEvent

_SAME, _NEAR = 1e-3, 0.3  # distances, in units of the size, of one point and of one that may have moved
_NEAR_ONE = 0.25  # distance from +1 of a multiplier at a fold
_REAL = 1e-9  # imaginary part of a real multiplier


@dataclass
class Follower:
    """Follows all fixed points (period 1) or cycles of one period.

    `inputs` as in `cycles`; `cell` is the network of the last look.
    """

    period: int
    inputs: Any
    cell: Any = None
    live: list[int] = field(default_factory=list)  # numbers of the tracks that are still there
    tracks: list[list[tuple[int, Cycle]]] = field(default_factory=list)
    events: list[WatchEvent] = field(default_factory=list)

    @property
    def where(self) -> str:
        """Name of what is followed."""
        return "fixed point" if self.period == 1 else f"cycle of period {self.period}"

    def look(self, cell: Any, epoch: int, starts: np.ndarray) -> None:
        """Find the points of the network of this epoch, and what became of those of the last one."""
        known = [self.tracks[number][-1][1] for number in self.live]
        found = list(self._search(cell, [c.points[0] for c in known], starts))
        pairs = [(i, j) for i, j in _nearest(known, found) if self._follows(cell, known[i], found[j])]
        lost = [c for i, c in enumerate(known) if i not in {pair[0] for pair in pairs}]
        new = [j for j in range(len(found)) if j not in {pair[1] for pair in pairs}]
        for i, j in pairs:
            self._continue(cell, epoch, self.live[i], found[j])
        if self.cell is not None:
            self._report(cell, epoch, lost, "vanish")
            appeared = [found[j] for j in new if not self._was_overlooked(found[j], known)]
            self._report(cell, epoch, appeared, "appear")
        self.live = [self.live[i] for i, _ in pairs]
        for j in new:
            self.tracks.append([(epoch, found[j])])
            self.live.append(len(self.tracks) - 1)
        self.cell = cell

    def _search(self, cell: Any, known: list, starts: np.ndarray) -> CycleSet | list:
        begin = np.concatenate([np.array(known).reshape(-1, starts.shape[1]), starts])
        try:
            return cycles(cell, self.period, starts=begin, inputs=self.inputs)
        except InvalidInputError:  # every start diverges: there is nothing to find from here
            return []

    def _follows(self, cell: Any, old: Cycle, new: Cycle) -> bool:
        """Is it near, or where Newton's method leads from the old place?"""
        if _distance(old, new) <= _NEAR * _size(old, new):
            return True
        return any(_distance(c, new) <= _SAME * _size(new) for c in self._search(cell, [], old.points[:1]))

    def _was_overlooked(self, cycle: Cycle, known: list[Cycle]) -> bool:
        """Did the last network have it, though it was not found?"""
        for other in self._search(self.cell, [], cycle.points[:1]):
            size = _size(other, cycle)
            is_known = any(_distance(other, c) <= _SAME * size for c in known)
            if not is_known and _distance(other, cycle) <= _NEAR * size:
                return True
        return False

    def _continue(self, cell: Any, epoch: int, number: int, cycle: Cycle) -> None:
        """Append to a track; a change of its unstable directions is an event."""
        before = self.tracks[number][-1][1]
        self.tracks[number].append((epoch, cycle))
        a, b = before.unstable_dimension, cycle.unstable_dimension
        if a == b:
            return
        crossed = cycle.eigenvalues[a:b] if b > a else before.eigenvalues[b:a]
        kind = _kind_of_crossing(crossed[0])
        if _side(cell, cycle) != _side(self.cell, before):
            kind = "border collision"
        shown = ", ".join(f"{value:.4g}" for value in crossed)
        detail = f"unstable directions {a} to {b}, multipliers {shown} on the unstable side"
        self.events.append(WatchEvent(epoch, kind, self.where, detail))

    def _report(self, cell: Any, epoch: int, those: list[Cycle], what: str) -> None:
        if not those:
            return
        if self._is_pitchfork(epoch, len(those)):
            return
        nearest = [float(np.abs(c.eigenvalues - 1.0).min()) for c in those]
        folded = min(nearest) < _NEAR_ONE
        kind = "fold" if folded else "border collision" if kinks(cell) is not None else "fold"
        values = ", ".join(f"{c.eigenvalues[0]:.4g}" for c in those[:4])
        detail = f"{len(those)} {what}, leading multipliers {values}"
        self.events.append(WatchEvent(epoch, kind, self.where, detail))

    def _is_pitchfork(self, epoch: int, count: int) -> bool:
        """Two branches that come or go where a multiplier passes +1 are told with that event."""
        last = self.events[-1] if self.events else None
        if count != 2 or last is None or (last.epoch, last.kind) != (epoch, "pitchfork or transcritical"):
            return False
        self.events[-1] = last._replace(kind="pitchfork", detail=last.detail + "; 2 branches")
        return True

    def result(self) -> list[Track]:
        """All tracks."""
        made = []
        for track in self.tracks:
            those = [cycle for _, cycle in track]
            made.append(
                Track(
                    self.period, np.array([epoch for epoch, _ in track]), np.stack([c.points for c in those]),
                    np.stack([c.eigenvalues for c in those]), np.array([c.stable for c in those]),
                )
            )  # fmt: skip
        return made


def _distance(a: Cycle, b: Cycle) -> float:
    """Between two cycles of one period, over all turns of one of them."""
    turns = [np.abs(np.roll(a.points, -k, axis=0) - b.points).max() for k in range(len(a.points))]
    return float(min(turns))


def _size(*cycles: Cycle) -> float:
    return max(float(np.abs(c.points).max()) for c in cycles)


def _nearest(known: list[Cycle], found: list[Cycle]) -> list[tuple[int, int]]:
    """Pairs each of which is the other's nearest."""
    if not (known and found):
        return []
    distances = np.array([[_distance(a, b) for b in found] for a in known])
    back = distances.argmin(axis=0)
    return [(i, int(j)) for i, j in enumerate(distances.argmin(axis=1)) if back[j] == i]


def _kind_of_crossing(value: complex) -> str:
    if abs(value.imag) > _REAL:
        return "Neimark-Sacker"
    return "period doubling" if value.real < 0 else "pitchfork or transcritical"


def _side(cell: Any, cycle: Cycle) -> bytes:
    """On which side of each kink the states lie; empty for a smooth cell."""
    bends = kinks(cell)
    if bends is None:
        return b""
    return (cycle.points @ np.asarray(bends[0]).T + np.asarray(bends[1]) > 0).tobytes()
