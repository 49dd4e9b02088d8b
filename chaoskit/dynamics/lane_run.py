"""The members of an ensemble side by side in vector registers; see kernels/lanes.py."""

from __future__ import annotations

import os
from concurrent.futures import Executor

import numpy as np

from ..kernels.lanes import in_lanes, lane_pack, lane_products, lane_work, out_of_lanes
from ..kernels.sized import sized_tag
from .members_run import MembersRun, Pushed
from .model import Model


class LaneRun(MembersRun):
    """Small cells in vector registers, on all threads of a pool."""

    def __init__(self, members: list[Model], states, driving, k: int, seed: int, pool: Executor):
        super().__init__(members, states, driving, k, seed)
        first = members[0]
        self.pool = pool
        self.lanes = (16 if first.dim <= 4 else 8) * 8 // np.dtype(first.dtype).itemsize
        self.tag = sized_tag(type(first.tag), first.pack.sizes, k, self.lanes)

    def _push(self, which: np.ndarray, steps: int, block_steps: int) -> Pushed:
        """Members that share a vector take the shortest of their intervals, so those of like ones meet."""
        place = np.argsort(self.every[which], kind="stable")
        order, first, lanes = which[place], self.members[0], self.lanes
        V = in_lanes(self.V[order], lanes)
        groups, blocks = len(V), -(-steps // block_steps)
        pack = lane_pack([self.members[b].pack for b in order], lanes)
        every = in_lanes(self.every[order][:, None], lanes).min(axis=1)
        U = self._inputs(order)
        logs = np.zeros((groups, blocks, self.k, lanes))
        spread, bad = np.zeros((groups, lanes)), np.zeros((groups, lanes), np.int64)
        chunk = int(np.clip(groups // (4 * (os.cpu_count() or 1)), 1, 64))

        def task(low: int) -> None:
            planes = type(first.tag).layout.coefficients
            work = lane_work(first.pack.sizes, planes, self.k, lanes, first.dtype)
            lane_products(
                self.tag, pack, work, V, U, len(U) == 1, low, min(low + chunk, groups), self.t, steps,
                block_steps, every, logs, spread, bad,
            )  # fmt: skip

        for _ in self.pool.map(task, range(0, groups, chunk)):
            pass  # errors come out here
        count, back = len(order), np.argsort(place)
        members = logs.transpose(0, 3, 1, 2).reshape(groups * lanes, blocks, self.k)
        found = Pushed(out_of_lanes(V, lanes, count), members, spread.ravel(), bad.ravel())
        return Pushed(*(part[:count][back] for part in found))

    def _inputs(self, order) -> np.ndarray:
        """Inputs (groups or 1, steps, M * lanes)."""
        steps, rows, width = self.driving.shape
        if rows == 1 or width == 0:
            return np.repeat(self.driving[:, 0], self.lanes, axis=1)[None]
        flat = self.driving.transpose(1, 0, 2).reshape(rows, -1)[order]
        return in_lanes(flat, self.lanes).reshape(-1, steps, width * self.lanes)
