"""Fixed points and cycles of a network that changes, from one look to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..cells.protocol import kinks
from ..errors import InvalidInputError
from ..invariant_sets import Cycle, CycleSet, cycles
from ..invariant_sets.problem import prepared_model, ring_of
from .watch_result import Track, WatchEvent

_SAME, _NEAR = 1e-3, 0.3  # distances, in units of the size, of one point and of one that may have moved
_NOTHING = 1e-6  # size below which a point is the origin; training data are of size 1
_WAY = 8  # networks between two looks through which a point is carried
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
        lost = [i for i in range(len(known)) if i not in {pair[0] for pair in pairs}]
        new = [j for j in range(len(found)) if j not in {pair[1] for pair in pairs}]
        for i in lost:
            cycle = self._carried(known[i], self.cell, cell)
            if cycle is not None and not _is_among(cycle, found):
                found.append(cycle)
                pairs.append((i, len(found) - 1))
        for i, j in pairs:
            self._continue(cell, epoch, self.live[i], found[j])
        if self.cell is not None:
            gone = set(lost) - {pair[0] for pair in pairs}
            self._report(cell, epoch, [known[i] for i in sorted(gone)], "vanish")
            appeared = [found[j] for j in new if not self._was_overlooked(cell, found[j], known)]
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
        """Is it near, or where the old one can be carried to?"""
        if _distance(old, new) <= _NEAR * _size(old, new):
            return True
        carried = self._carried(old, self.cell, cell)
        return carried is not None and _is_among(carried, [new])

    def _was_overlooked(self, cell: Any, cycle: Cycle, known: list[Cycle]) -> bool:
        """Did the last network have it, though it was not found?"""
        before = self._carried(cycle, cell, self.cell)
        return before is not None and not _is_among(before, known)

    def _carried(self, cycle: Cycle, cell: Any, to: Any) -> Cycle | None:
        """The cycle while one network is turned into another, None if it is lost on the way."""
        for share in np.linspace(0.0, 1.0, _WAY + 1)[1:]:
            between = type(to)(*((1.0 - share) * a + share * b for a, b in zip(cell, to, strict=True)))
            found = self._search(between, [], cycle.points[:1])
            near = [c for c in found if _distance(c, cycle) <= _NEAR * _size(c, cycle)]
            if not near:
                return None
            cycle = min(near, key=lambda c: _distance(c, cycle))
        return cycle

    def _continue(self, cell: Any, epoch: int, number: int, cycle: Cycle) -> None:
        """Append to a track; a change of its unstable directions is an event."""
        before = self.tracks[number][-1][1]
        self.tracks[number].append((epoch, cycle))
        a, b = before.unstable_dimension, cycle.unstable_dimension
        if a == b:
            return
        crossed = cycle.eigenvalues[a:b] if b > a else before.eigenvalues[b:a]
        kind = _kind_of_crossing(crossed[0])
        if not np.array_equal(self._sides(cell, cycle), self._sides(self.cell, before, cycle)):
            kind = "border collision"
        shown = ", ".join(f"{value:.4g}" for value in crossed)
        detail = f"unstable directions {a} to {b}, multipliers {shown} on the unstable side"
        self.events.append(WatchEvent(epoch, kind, self.where, detail))

    def _sides(self, cell: Any, cycle: Cycle, beside: Cycle | None = None) -> np.ndarray:
        """On which side of each kink the points lie (k, R), none for a smooth cell.

        In the turn that is nearest to `beside`: from one network to the next a cycle may begin elsewhere.
        """
        bends = kinks(cell)
        if bends is None:
            return np.zeros((self.period, 0), bool)
        ring = ring_of(cell, prepared_model(cell, None), self.period, self.inputs)
        above = bends.heights(cycle.points, ring.inputs) > 0
        return above if beside is None else np.roll(above, -_nearest_turn(cycle, beside), axis=0)

    def _report(self, cell: Any, epoch: int, those: list[Cycle], what: str) -> None:
        """Points that come or go: in pairs, unless they come from far away or from a search that failed."""
        if not those or self._is_pitchfork(epoch, len(those)):
            return
        nearest = min(float(np.abs(c.eigenvalues - 1.0).min()) for c in those)
        kind = "fold" if nearest < _NEAR_ONE or kinks(cell) is None else "border collision"
        if len(those) % 2:
            kind = "unpaired"
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
    return float(_distances_by_turn(a, b).min())


def _nearest_turn(a: Cycle, b: Cycle) -> int:
    """By how many points the first cycle is to be turned."""
    return int(_distances_by_turn(a, b).argmin())


def _distances_by_turn(a: Cycle, b: Cycle) -> np.ndarray:
    return np.array([np.abs(np.roll(a.points, -k, axis=0) - b.points).max() for k in range(len(a.points))])


def _is_among(cycle: Cycle, others: list[Cycle]) -> bool:
    return any(_distance(cycle, c) <= _SAME * _size(c) for c in others)


def _size(*cycles: Cycle) -> float:
    return max(_NOTHING, *(float(np.abs(c.points).max()) for c in cycles))


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
