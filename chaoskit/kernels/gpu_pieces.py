"""A plan of forcing in the order in which a GPU follows it: all pieces side by side.

A *place* is one step of one piece. Places are counted step by step, within a step from the longest piece to
the shortest, so that the pieces still going at a step are the first ones and their rows lie together:
row (place, column) of a batch. Activations of a segment are kept for its places only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import gpu_launch as gpu
from .pieces import Plan


class Places(NamedTuple):
    """Places and forcings of a plan; forced places are counted in the order of the places."""

    first: np.ndarray  # (steps + 1,) places before each step
    time: np.ndarray  # (T,) of each place
    forced: np.ndarray  # (T,) number of the forcing before the step of a place, or -1
    slot: np.ndarray  # (slots,) where the plan has each forcing
    length: np.ndarray  # (lanes,) of the pieces

    @property
    def steps(self) -> int:
        """Of the longest piece."""
        return len(self.first) - 1

    @property
    def lanes(self) -> int:
        """Number of pieces."""
        return len(self.length)

    def forced_before(self, place: int) -> int:
        """Forced places before this one."""
        return int((self.forced[:place] >= 0).sum())


def places_of(plan: Plan) -> Places:
    """Places of a plan."""
    order = np.argsort(-plan.length, kind="stable")
    start, length = plan.start[order], plan.length[order]
    lanes = [int((length > s).sum()) for s in range(int(length[0]))]
    time = np.concatenate([start[:count] + s for s, count in enumerate(lanes)])
    slot = plan.slot[time]
    forced = np.where(slot >= 0, np.cumsum(slot >= 0) - 1, -1)
    return Places(np.cumsum([0, *lanes]), time, forced, slot[slot >= 0], length)


class Schedules(NamedTuple):
    """Plans of several systems with the same places, in the memory of a GPU."""

    first: Any  # the arrays of `Places`
    time: Any
    forced: Any
    slot: Any
    length: Any
    width: Any  # (slots,) numbers of the state that are forced, in the order of the places
    keep: Any  # (systems, slots)
    flow: Any


def device_schedules(places: Places, plans: list[Plan]) -> Schedules:
    """Copy places, and what the plans of several systems do at them."""
    keep = np.concatenate([plan.keep[places.slot] for plan in plans])
    flow = np.concatenate([plan.flow[places.slot] for plan in plans])
    width = plans[0].width[places.slot]
    return Schedules(*(gpu.put(a) for a in (*places, width, keep, flow)))


class Extent(NamedTuple):
    """A segment of all pieces, for so many columns of each system's batch; plain integers."""

    systems: int
    lanes: int
    columns: int
    slots: int  # forcings of the plan
    begin: int  # steps of the pieces
    end: int
    place: int  # places before the segment
    places: int  # within it
    forcing: int  # forced places before the segment
    forced: int  # within it
    kept: int  # where the states before `begin` lie
    last: int  # 1 for the last segment


def extents(places: Places, systems: int, columns: int, segment: int, nx: int) -> list[Extent]:
    """The segments of a plan."""
    found, size = [], systems * places.lanes * columns * nx
    for k, begin in enumerate(range(0, places.steps, segment)):
        end = min(places.steps, begin + segment)
        first, last = int(places.first[begin]), int(places.first[end])
        f0, f1 = places.forced_before(first), places.forced_before(last)
        found.append(
            Extent(
                systems, places.lanes, columns, len(places.slot), begin, end, first, last - first, f0,
                f1 - f0, k * size, int(end == places.steps),
            )
        )  # fmt: skip
    return found
