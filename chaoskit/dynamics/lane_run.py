"""The members of an ensemble side by side in vector registers; see kernels/lanes.py."""

from __future__ import annotations

import os
from concurrent.futures import Executor

import numpy as np

from ..kernels.lanes import in_lanes, lane_pack, lane_products, lane_work, out_of_lanes
from ..kernels.sized import sized_tag
from .model import Model
from .tangent_run import CANDIDATES, TOLERATED_LOSS

_SLACK = 30.0  # a member may lose this much more in the run than in the pilot run
_STRETCH = 240  # steps of a pilot run, a multiple of most intervals


class LaneRun:
    """Small cells of one class and size, each with its state and k tangents.

    Attributes
    ----------
    every : ndarray of int, shape (members,)
        Steps between two orthonormalisations. Members that share a vector take the shortest of theirs.
    bad : ndarray of int, shape (members,)
        Step by which a member was no longer finite, 0 for one that stayed so.
    """

    def __init__(self, members: list[Model], states, driving, k: int, seed: int, pool: Executor):
        first, count, n = members[0], len(members), members[0].dim
        self.members, self.driving, self.k, self.pool, self.t = members, driving, k, pool, 0
        self.lanes = (16 if n <= 4 else 8) * 8 // np.dtype(first.dtype).itemsize
        self.tag = sized_tag(type(first.tag), first.pack.sizes, k, self.lanes)
        frames = np.linalg.qr(np.random.default_rng(seed).standard_normal((count, n, k)))[0]
        whole = np.concatenate([states[:, None], frames.transpose(0, 2, 1)], axis=1)
        self.V = whole.astype(first.dtype).reshape(count, -1)
        self.every = np.ones(count, np.int64)
        self.limit = np.full(count, np.inf)
        self.loss_of_spread = np.zeros(count)
        self.spread, self.bad = np.zeros(count), np.zeros(count, np.int64)

    def advance(self, steps: int, block_steps: int, which: np.ndarray | None = None) -> np.ndarray:
        """Log sums (members, blocks, k) of the next steps, NaN for members that are lost.

        `which`: only these members are moved.
        """
        which = np.arange(len(self.members)) if which is None else which
        order = which[np.argsort(self.every[which], kind="stable")]
        first, lanes = self.members[0], self.lanes
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
        self.t += steps
        count = len(order)
        self.V[order] = out_of_lanes(V, lanes, count)
        self.spread[order] += spread.ravel()[:count]
        lost = bad.ravel()[:count]
        self.bad[order] = np.where(self.bad[order] > 0, self.bad[order], lost)
        found = np.full((len(self.members), blocks, self.k), np.nan)
        found[order] = logs.transpose(0, 3, 1, 2).reshape(groups * lanes, blocks, self.k)[:count]
        found[self.bad > 0] = np.nan
        return found[which]

    def _inputs(self, order) -> np.ndarray:
        """Inputs (groups or 1, steps, M * lanes)."""
        steps, rows, width = self.driving.shape
        if rows == 1 or width == 0:
            return np.repeat(self.driving[:, 0], self.lanes, axis=1)[None]
        flat = self.driving.transpose(1, 0, 2).reshape(rows, -1)[order]
        return in_lanes(flat, self.lanes).reshape(-1, steps, width * self.lanes)

    def losses(self, candidates: np.ndarray, stretch: int) -> np.ndarray:
        """What intervals cost each member (candidates, members), in units of its largest rate.

        Measured on the next steps. Sets the limits of the widest interval whose cost is tolerated; the run
        stays where it is.
        """
        here = self.V.copy(), self.t, self.spread.copy(), self.bad.copy(), self.every.copy()
        eps = float(np.finfo(self.V.dtype).eps)
        self.every[:] = 1
        true = self.advance(stretch, stretch)[:, 0]
        with np.errstate(invalid="ignore"):
            rate = np.where(np.isfinite(true), np.abs(true), 0.0).max(axis=1) / stretch
        rate = np.maximum(rate, 1e-3)
        lost = np.isnan(true).any(axis=1)  # members that diverge are NaN in the end, whatever the interval
        tolerated = TOLERATED_LOSS[self.V.dtype]
        found = np.zeros((len(candidates), len(rate)))
        for row, every in zip(found, candidates, strict=True):
            self.V, self.t, self.spread, self.every[:] = here[0].copy(), here[1], np.zeros(len(rate)), every
            logs = self.advance(stretch, stretch)[:, 0]
            with np.errstate(invalid="ignore"):
                difference = np.where(logs == true, 0.0, np.abs(logs - true))
            row[:] = np.where(np.isnan(difference), np.inf, difference).max(axis=1) / stretch / rate
            row[lost] = 0.0
            fine = row <= tolerated
            each = np.maximum(row * rate, eps) * stretch / np.maximum(self.spread, 1.0)
            self.loss_of_spread[fine] = each[fine]
            self.limit[fine] = (tolerated * rate / each)[fine]
            if not fine.any() and len(candidates) > 1:
                found[list(candidates).index(every) :] = np.inf
                break
        self.V, self.t, self.spread, self.bad, self.every = here
        return found

    def choose_intervals(self, steps: int) -> None:
        """For each member the widest interval whose exponents agree with those of one step."""
        stretch = min(_STRETCH, max(steps // 20, 12))
        candidates = np.array([c for c in CANDIDATES[1:] if 2 * c <= stretch])
        if stretch > steps or candidates.size == 0:
            return
        fine = np.cumprod(self.losses(candidates, stretch) <= TOLERATED_LOSS[self.V.dtype], axis=0)
        self.every = np.concatenate([[1], candidates])[fine.sum(axis=0)].astype(np.int64)

    def doubtful(self, steps: int) -> np.ndarray:
        """Members whose tangents spread further than their interval was chosen for."""
        return (self.bad == 0) & (self.every > 1) & (self.spread > _SLACK * self.limit * steps)

    def loss(self, steps: int) -> float:
        """Largest error of an exponent, in nats per step, that wide intervals can have cost a member."""
        kept = (self.bad == 0) & ~self.doubtful(steps)
        return float((self.loss_of_spread * self.spread)[kept].max(initial=0.0)) / steps
