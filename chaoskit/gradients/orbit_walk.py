"""An orbit, free or forced, in chunks that can be made again: what a gradient goes along."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..dynamics.model import Model
from ..dynamics.orbits import run
from ..dynamics.tangent_run import diverged
from ..forcing import Schedule
from .latent import Latent, widths

_KEPT = 1 << 25  # numbers of the orbit that are kept; what is more is made again
_LONGEST = 1 << 20  # numbers of a chunk


class Chunk(NamedTuple):
    """Steps `at` to `at` + count of an orbit.

    states (count, N), that the steps begin at, forced where they are; inputs (count, M); width and flow
    (count,): the first width[t] numbers of the state were forced before the step and let flow[t] of a
    gradient through; after (N,): the state after the last step, not forced.
    """

    at: int
    states: np.ndarray
    inputs: np.ndarray
    width: np.ndarray
    flow: np.ndarray
    after: np.ndarray

    @property
    def count(self) -> int:
        return len(self.states)

    @property
    def end(self) -> int:
        """Time of `after`."""
        return self.at + len(self.states)


class Forced(NamedTuple):
    """A forcing schedule with the states that data ask for."""

    schedule: Schedule
    width: np.ndarray  # (slots,)
    flow: np.ndarray  # (slots,)
    target: np.ndarray  # (slots, N)


def forced_by(schedule: Schedule, latent: Latent, series: np.ndarray, dim: int) -> Forced:
    """The forcing of one sequence `series` (T + 1, D) of observations."""
    target = series[schedule.times] @ latent.encoder(dim).T
    if schedule.source is not None:
        target *= schedule.source[:, None]
    flow = schedule.keep if schedule.flow is None else schedule.flow
    return Forced(schedule, widths(latent, schedule, dim), flow, target)


class Walk:
    """The orbit from `start` under inputs (T, M), cut at the given times and wherever it grows too long.

    Parameters
    ----------
    cuts : ndarray of int
        Times at which a chunk must end; the last is T.
    most : int
        Steps of a chunk at most.
    """

    def __init__(
        self, model: Model, start, inputs: np.ndarray, cuts, most: int, forced: Forced | None = None
    ):
        self.model, self.inputs, self.forced = model, inputs, forced
        most = max(1, min(most, _LONGEST // max(model.dim, 8)))
        bounds, at = [0], 0
        for cut in np.unique(cuts):
            while at < cut:
                at = min(int(cut), at + most)
                bounds.append(at)
        self.bounds = bounds
        self.starts: list[np.ndarray] = [np.asarray(start, model.dtype)]
        self.keep = bounds[-1] * model.dim <= _KEPT
        self.kept: dict[int, Chunk] = {}

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __iter__(self) -> Iterator[Chunk]:
        """The chunks in the order of time."""
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Chunk:
        """Chunk i, of which the one before must have been made."""
        if i in self.kept:
            return self.kept[i]
        chunk = self._make(self.bounds[i], self.bounds[i + 1], self.starts[i])
        if i + 1 == len(self.starts):
            self.starts.append(chunk.after)
        if self.keep:
            self.kept[i] = chunk
        return chunk

    def _make(self, at: int, end: int, z: np.ndarray) -> Chunk:
        count, dim = end - at, self.model.dim
        states = np.empty((count, dim), self.model.dtype)
        width, flow = np.zeros(count, np.int64), np.ones(count)
        times = [at, end]
        if self.forced is not None:
            slot = self.forced.schedule.slot[at:end]
            hits = np.flatnonzero(slot >= 0)
            hits = hits[hits + at > 0]  # the start is no forcing: nothing came before it
            width[hits], flow[hits] = self.forced.width[slot[hits]], self.forced.flow[slot[hits]]
            times = np.unique([at, end, *(hits + at)]).tolist()
        for begin, stop in itertools.pairwise(times):
            z = self._forced_state(z, begin)
            part = np.empty((stop - begin + 1, 1, dim), self.model.dtype)
            part[0, 0] = z
            bad = np.zeros(1, np.int64)
            run(self.model, part, self.inputs[begin:stop, None], begin, bad)
            if bad[0]:
                raise diverged(self.model, int(bad[0]))
            states[begin - at : stop - at], z = part[:-1, 0], part[-1, 0]
        return Chunk(at, states, np.ascontiguousarray(self.inputs[at:end]), width, flow, z.copy())

    def _forced_state(self, z: np.ndarray, t: int) -> np.ndarray:
        """What the state z becomes where it is forced before step t."""
        if self.forced is None or t == 0 or self.forced.schedule.slot[t] < 0:
            return z
        k = self.forced.schedule.slot[t]
        width, keep = self.forced.width[k], self.forced.schedule.keep[k]
        z, target = z.copy(), self.forced.target[k, :width]
        z[:width] = target if keep == 0 else keep * z[:width] + (1 - keep) * target
        return z
