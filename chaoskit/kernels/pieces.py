"""How forcing cuts training sequences into pieces that do not depend on each other.

Where forcing replaces the whole state, what comes after knows nothing of what came before. Such pieces go
through time side by side, as rows of one product: ten pieces of twenty steps of a batch of 16 are a batch
of 160 for twenty steps, and the products of many rows are the fast ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ROWS = 256  # of one group: enough for a fast product, few enough to stay in the cache


class Plan(NamedTuple):
    """A schedule for the kernel: forcings (as in `chaoskit.forcing.Schedule`) and pieces.

    The pieces of a group go side by side, the longest first, so that those still going at a step are the
    first rows. A piece with forcings inside is a group of its own.
    """

    slot: np.ndarray  # (T,) index of the forcing before each step, or -1
    width: np.ndarray  # (slots,) numbers of the state that are forced
    keep: np.ndarray  # (slots,)
    flow: np.ndarray  # (slots,)
    start: np.ndarray  # (pieces,) times
    length: np.ndarray  # (pieces,)
    group: np.ndarray  # (groups + 1,) first piece of each group
    segment: int  # steps whose activations are kept at once

    @property
    def lanes(self) -> np.ndarray:
        """Number of pieces of each group."""
        return np.diff(self.group)

    @property
    def forced_inside(self) -> bool:
        """True if a piece has forcings after its start."""
        return len(self.keep) > len(self.start)


def plan(slot, width, keep, flow, nx: int, columns: int, segment: int) -> Plan:
    """Plan for `columns` sequences that share a schedule; `width`, `keep` and `flow` belong to its slots."""
    whole = (width == nx) & (keep == 0) & (flow == 0)
    times = np.flatnonzero(slot >= 0)
    start = times[whole[slot[times]]]
    length = np.diff(start, append=len(slot))
    most = max(1, _ROWS // columns) if len(start) == len(times) else 1
    groups = -(-len(start) // most)
    order = np.argsort(-length, kind="stable") if most > 1 else np.arange(len(start))
    group = np.linspace(0, len(start), groups + 1).astype(np.int64)
    return Plan(
        np.ascontiguousarray(slot, np.int64), np.ascontiguousarray(width, np.int64), keep, flow,
        np.ascontiguousarray(start[order]), np.ascontiguousarray(length[order]), group, segment,
    )  # fmt: skip
