"""What `cpu_adjoint.backpropagate` works on: the batch, and memory for activations and gradients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..cells.protocol import has_hidden
from .loops import SUMS
from .packing import Packed, aligned
from .pieces import Plan


class Batch(NamedTuple):
    """Data of a batch of B sequences of T steps, of which the columns from `first` on are worked on; flat."""

    X: np.ndarray  # (T + 1, B, D): what is predicted
    observed: np.ndarray  # (slots, B, D): what the state is forced to
    U: np.ndarray  # (T, B, M): inputs
    decoder: np.ndarray  # (D, n): prediction from the first state plane
    encoder: np.ndarray  # (D, nx): transposed map from an observation to the state
    B: int
    D: int
    first: int
    columns: int


class AdjointWork(NamedTuple):
    """Activations of one segment and gradients, flat.

    `rows` stands for all rows of the steps of a segment one after the other, `r` for those of one step;
    w = m + inputs is the width of the main product's operand.
    """

    counts: np.ndarray  # (segment + 1,) rows before each step of the segment
    KEPT: np.ndarray  # states before each segment of a group
    R: np.ndarray  # (rows, w): features, with the inputs of the step in the last columns
    E: np.ndarray  # (rows, n): first state plane before each step, cells with a hidden product only
    PRE: np.ndarray  # (rows, m): hidden pre-activations
    Y: np.ndarray  # (rows, nx): states after each step
    XF: np.ndarray  # (rows, nx): states before each step, where some are forced in the middle of a piece
    S: np.ndarray  # (rows, ns): saved values, then gate gradients
    OUT: np.ndarray  # (r, D): predictions of one step, then their gradients
    A: np.ndarray  # (r, max(na, m)): gates of one step
    DZ: np.ndarray  # (r, n): gradients that reach the states from the loss
    Q: np.ndarray  # (r, max(m, n)): gradient of the features
    G: np.ndarray  # (r, nx): direct gradient of the states
    Z: np.ndarray  # (r, nx): what a state is forced to, or the gradient of that
    BT: np.ndarray  # (n, D): transposed decoder
    GW: np.ndarray  # (na, w)
    GH: np.ndarray  # (m, n)
    GP: np.ndarray  # (SUMS, parameters): partial sums; the first row is the whole in the end
    GF: np.ndarray
    GB: np.ndarray  # (D, n)
    GM: np.ndarray  # (D, nx), of the transposed encoder


class Room(NamedTuple):
    """How many rows a plan needs memory for."""

    counts: int = 0
    kept: int = 0  # states between segments
    rows: int = 0  # of a segment
    forced: int = 0  # of a segment with forcings inside
    r: int = 0  # of a step


def room(plan: Plan, columns: int) -> Room:
    """Rows that a plan needs for so many columns."""
    at_once = np.minimum(plan.length, plan.segment)
    segments = -(-plan.length[plan.group[:-1]] // plan.segment)
    rows = columns * int(np.add.reduceat(at_once, plan.group[:-1]).max())
    return Room(
        counts=int(at_once.max()) + 1, kept=columns * int((plan.lanes * segments).max()), rows=rows,
        forced=rows if plan.forced_inside else 0, r=columns * int(plan.lanes.max()),
    )  # fmt: skip


def adjoint_work(tag, packed: Packed, D: int, needed: Room) -> AdjointWork:
    """Memory for `backpropagate`."""
    s, dtype, r = packed.sizes, packed.P.dtype, needed.r
    kept, rows = needed.kept, needed.rows
    hidden = int(has_hidden(tag))
    w = s.m + s.inputs

    def memory(*shape):
        return aligned(max(1, int(np.prod(shape))), dtype)

    return AdjointWork(
        counts=np.zeros(needed.counts, np.int64), KEPT=memory(kept, s.nx), R=memory(rows, w),
        E=memory(hidden, rows, s.n), PRE=memory(hidden, rows, s.m), Y=memory(rows, s.nx),
        XF=memory(needed.forced, s.nx), S=memory(rows, s.ns), OUT=memory(r, D), A=memory(r, max(s.na, s.m)),
        DZ=memory(r, s.n), Q=memory(r, max(s.m, s.n)), G=memory(r, s.nx), Z=memory(r, s.nx),
        BT=memory(s.n, D), GW=memory(s.na, w), GH=memory(hidden, s.m, s.n), GP=memory(SUMS, packed.P.size),
        GF=memory(SUMS, packed.F.size),
        GB=memory(D, s.n), GM=memory(D, s.nx),
    )  # fmt: skip


def cell_gradients(work: AdjointWork, packed: Packed) -> tuple[np.ndarray, ...]:
    """Packed gradients of a cell: GW, GH, GP, GF."""
    return work.GW, work.GH, work.GP[: packed.P.size], work.GF[: packed.F.size]


def gradients(work: AdjointWork) -> tuple[np.ndarray, ...]:
    """The arrays into which gradients are summed."""
    return work.GW, work.GH, work.GP, work.GF, work.GB, work.GM
