"""Many systems side by side, and the interval between orthonormalisations of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .model import Model
from .tangent_run import CANDIDATES, TOLERATED_LOSS

_SLACK = 30.0  # a member may lose this much more in the run than in the pilot run
_STRETCH = 240  # steps of a pilot run, a multiple of most intervals


class Pushed(NamedTuple):
    """What some members have become, and what they left on the way."""

    V: np.ndarray  # (members, (k + 1) N)
    logs: np.ndarray  # (members, blocks, k): sums of log norms
    spread: np.ndarray  # (members,): sums of largest over smallest norm, of intervals of more than one step
    bad: np.ndarray  # (members,): step by which a member was no longer finite, or 0


class MembersRun:
    """Models of one class and size, each with its state and k tangents; who moves them says how.

    Attributes
    ----------
    every : ndarray of int, shape (members,)
        Steps between two orthonormalisations. Members moved together may take the shortest of theirs.
    bad : ndarray of int, shape (members,)
        Step by which a member was no longer finite, 0 for one that stayed so.
    """

    def __init__(self, members: list[Model], states, driving, k: int, seed: int):
        first, count, n = members[0], len(members), members[0].dim
        self.members, self.driving, self.k, self.t = members, driving, k, 0
        frames = np.linalg.qr(np.random.default_rng(seed).standard_normal((count, n, k)))[0]
        whole = np.concatenate([states[:, None], frames.transpose(0, 2, 1)], axis=1)
        self.V = whole.astype(first.dtype).reshape(count, -1)
        self.every = np.ones(count, np.int64)
        self.limit = np.full(count, np.inf)
        self.loss_of_spread = np.zeros(count)
        self.spread, self.bad = np.zeros(count), np.zeros(count, np.int64)

    def _push(self, which: np.ndarray, steps: int, block_steps: int) -> Pushed:
        """Move the members `which`, in this order, from where `V` and `t` say."""
        raise NotImplementedError

    def advance(self, steps: int, block_steps: int, which: np.ndarray | None = None) -> np.ndarray:
        """Log sums (members, blocks, k) of the next steps, NaN for members that are lost.

        `which`: only these members are moved.
        """
        which = np.arange(len(self.members)) if which is None else which
        found = self._push(which, steps, block_steps)
        self.t += steps
        self.V[which] = found.V
        self.spread[which] += found.spread
        self.bad[which] = np.where(self.bad[which] > 0, self.bad[which], found.bad)
        logs = found.logs
        logs[self.bad[which] > 0] = np.nan
        return logs

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
