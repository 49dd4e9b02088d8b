"""Backpropagation through time step by step over the grid, for large networks: kernels and products.

The rows of a step, all pieces still going times the columns of the batch, share one product.
"""

from __future__ import annotations

from typing import Any

from .._jit import gpu_function, gpu_kernel
from ..cells._math import like
from ..cells.protocol import feature, has_hidden, is_coupled, local
from . import gpu_launch as gpu
from .gpu_adjoint_rules import back_unit, hidden_back_unit, unforce_unit
from .gpu_forward import own
from .gpu_launch import cuda
from .gpu_operand import Operand
from .gpu_pieces import Extent, Places, Schedules
from .gpu_products import Products
from .planes import load, store

_LINE = 128  # threads of a block
_TOGETHER = 8  # rows whose parameter gradients one thread adds up


class StepForm:
    """Launches and products of a segment."""

    def __init__(self, tag: Any, sizes: Any, products: Products):
        self.sizes, self.products = sizes, products
        self.hidden = has_hidden(tag)
        self.coupled = is_coupled(tag)

    def partial_sums(self, lanes: int, columns: int) -> int:
        """Partial sums of the parameters' gradients of a system."""
        return -(-lanes * columns // _TOGETHER)

    def forward(self, pack: Any, work: Any, plan: Schedules, e: Extent, places: Places) -> None:
        """The steps of a segment."""
        s, multiply = self.sizes, self.products.multiply
        w, C, S = s.m + s.inputs, e.columns, e.systems
        for step in range(e.begin, e.end):
            rows, at, common = self._step(pack, plan, e, places, step)
            gpu.launch(
                _force, gpu.blocks_for(S * rows * s.nx, _LINE), _LINE, 0, *common, plan.width, plan.keep,
                work.KEPT, work.X, work.Y,
            )  # fmt: skip
            size = s.n if self.hidden else s.m
            gpu.launch(
                _enter, gpu.blocks_for(S * rows * size, _LINE), _LINE, 0, *common, work.KEPT, work.X, work.Y,
                work.R, work.E,
            )  # fmt: skip
            if self.hidden:
                multiply(
                    rows, s.m, s.n, _rows_of(work.E, s.n, at, e), Operand(pack.HT, s.m, 0, own(pack,
                    s.m * s.n)), _rows_of(work.PRE, s.m, at, e), batch=S,
                )  # fmt: skip
                gpu.launch(
                    _hidden,
                    gpu.blocks_for(S * rows * s.m, _LINE),
                    _LINE,
                    0,
                    *pack,
                    e,
                    rows,
                    at,
                    work.PRE,
                    work.R,
                )
            first = 0 if self.coupled else s.m
            multiply(
                rows, s.na, w - first, _rows_of(work.R, w, at, e)._replace(at=at * w + first),
                Operand(pack.WT, s.na, first * s.na, own(pack, w * s.na)),
                Operand(work.A, s.na, 0, e.lanes * C * s.na), batch=S,
            )  # fmt: skip
            gpu.launch(
                _local, gpu.blocks_for(S * rows * s.n, _LINE), _LINE, 0, *common, work.KEPT, work.X, work.A,
                work.Y, work.S,
            )  # fmt: skip
        if e.last == 0:
            rows, at = self._rows(places, e, e.end - 1)
            gpu.launch(
                _keep, gpu.blocks_for(S * rows * s.nx, _LINE), _LINE, 0, e, s.nx, rows, at, work.Y, work.KEPT
            )

    def _step(self, pack, plan: Schedules, e: Extent, places: Places, step: int) -> tuple[int, int, tuple]:
        """(rows of a step, where they begin, the first arguments of its kernels)."""
        rows, at = self._rows(places, e, step)
        before, first = self._before(places, e, step), int(places.first[step])
        return rows, at, (*pack, e, step, rows, at, before, plan.forced, first)

    def backward(self, pack: Any, work: Any, plan: Schedules, e: Extent, places: Places) -> None:
        """The adjoint of a segment."""
        s, multiply = self.sizes, self.products.multiply
        w, S, lanes = s.m + s.inputs, e.systems, e.lanes * e.columns
        if e.last == 1:
            gpu.fill(work.G, 0)
            gpu.fill(work.Q, 0)
        for step in range(e.end - 1, e.begin - 1, -1):
            rows, at, common = self._step(pack, plan, e, places, step)
            sums = -(-rows // _TOGETHER)
            gpu.launch(
                _back, gpu.blocks_for(S * sums * s.n, _LINE), _LINE, 0, *common, work.KEPT, work.X, work.Y,
                work.S, work.DZ, work.G, work.Q, work.A, work.GP, work.GF,
            )  # fmt: skip
            gates = Operand(work.S, s.ns, at * s.ns, e.places * e.columns * s.ns)
            weights = Operand(pack.W, w, 0, own(pack, w * s.na))
            gradient = Operand(work.Q, s.n, 0, lanes * s.n)
            if self.hidden:
                multiply(rows, s.m, s.na, gates, weights, Operand(work.A, s.m, 0, lanes * s.m), batch=S)
                gpu.launch(
                    _hidden_back, gpu.blocks_for(S * sums * s.m, _LINE), _LINE, 0, *pack, e, rows, at, work.A,
                    work.PRE, work.GF,
                )  # fmt: skip
                multiply(
                    rows, s.n, s.m, _rows_of(work.PRE, s.m, at, e), Operand(pack.H, s.n, 0, own(pack,
                    s.m * s.n)), gradient, batch=S,
                )  # fmt: skip
            elif self.coupled:
                multiply(rows, s.m, s.na, gates, weights, gradient, batch=S)
            else:
                gpu.fill(work.Q, 0)
            gpu.launch(
                _unforce, gpu.blocks_for(S * sums * s.n, _LINE), _LINE, 0, *common, plan.width, plan.keep,
                plan.flow, work.X, work.G, work.Q, work.GF,
            )  # fmt: skip

    @staticmethod
    def _rows(places: Places, e: Extent, step: int) -> tuple[int, int]:
        """(rows of a step, rows of the segment before it) of one system."""
        first, end = int(places.first[step]), int(places.first[step + 1])
        return (end - first) * e.columns, (first - e.place) * e.columns

    def _before(self, places: Places, e: Extent, step: int) -> int:
        """Rows of the segment before the last step."""
        return 0 if step == e.begin else self._rows(places, e, step - 1)[1]


def _rows_of(array: Any, width: int, at: int, e: Extent) -> Operand:
    """The rows of a step of all systems."""
    return Operand(array, width, at * width, e.places * e.columns * width)


@gpu_function
def _number_of_forcing(e, r, forced, place):
    """Of the forcing before this step of row r, or -1."""
    return forced[place + r // e.columns]


@gpu_function
def _forced_row(e, system, r, k):
    """Where forcing k has the state of row r."""
    return (system * e.forced + k - e.forcing) * e.columns + r % e.columns


@gpu_function
def _earlier_row(e, system, step, before, r):
    """Where the state before this step is, in KEPT at the begin of a segment, else in Y."""
    if step == e.begin:
        return system * e.lanes * e.columns + r
    return system * e.places * e.columns + before + r


@gpu_kernel
def _force(
    tag, sizes, members, P, F, W, WT, H, HT, e, step, rows, at, before, forced, place, width, keep, KEPT, X, Y
):
    """X = keep Y + (1 - keep) X in what is forced, Y in the others, for the rows that are forced here."""
    nx = sizes.nx
    g = cuda.grid(1)
    if g < e.systems * rows * nx:
        system, r, i = g // (rows * nx), g // nx % rows, g % nx
        k = _number_of_forcing(e, r, forced, place)
        if k >= 0:
            o = _forced_row(e, system, r, k) * nx + i
            share = keep[system * e.slots + k]
            inside = i < width[k]
            if not inside or share != like(share, 0.0):  # what is not kept is not read: it may have diverged
                y = _earlier_row(e, system, step, before, r) * nx + i
                v = KEPT[e.kept + y] if step == e.begin else Y[y]
                X[o] = share * v + (like(share, 1.0) - share) * X[o] if inside else v


@gpu_kernel
def _enter(
    tag, sizes, members, P, F, W, WT, H, HT, e, step, rows, at, before, forced, place, KEPT, X, Y, R, E
):
    """R = feature of the first state plane; E = the bare plane for a cell with a hidden product."""
    n, m, nx, w = sizes.n, sizes.m, sizes.nx, sizes.m + sizes.inputs
    size = n if has_hidden(tag) else m
    g = cuda.grid(1)
    if g < e.systems * rows * size:
        system, r, l = g // (rows * size), g // size % rows, g % size
        k = _number_of_forcing(e, r, forced, place)
        y = _earlier_row(e, system, step, before, r) * nx + l
        if k >= 0:
            v = X[_forced_row(e, system, r, k) * nx + l]
        else:
            v = KEPT[e.kept + y] if step == e.begin else Y[y]
        row = system * e.places * e.columns + at + r
        if has_hidden(tag):
            E[row * n + l] = v
        else:
            f = load(tag, "f", F, system % members * (F.size // members), m, l)
            R[row * w + l] = feature(tag, f, v)


@gpu_kernel
def _hidden(tag, sizes, members, P, F, W, WT, H, HT, e, rows, at, PRE, R):
    """R = feature of the hidden pre-activations."""
    m, w = sizes.m, sizes.m + sizes.inputs
    g = cuda.grid(1)
    if g < e.systems * rows * m:
        system, r, l = g // (rows * m), g // m % rows, g % m
        row = system * e.places * e.columns + at + r
        f = load(tag, "f", F, system % members * (F.size // members), m, l)
        R[row * w + l] = feature(tag, f, PRE[row * m + l])


@gpu_function
def _state_before(tag, e, n, nx, system, r, j, step, before, forced, place, KEPT, X, Y):
    """Unit j of the state that a step of row r begins with: forced, kept before the segment, or the last."""
    k = _number_of_forcing(e, r, forced, place)
    earlier = _earlier_row(e, system, step, before, r) * nx
    if k >= 0:
        x = load(tag, "x", X, _forced_row(e, system, r, k) * nx, n, j)
    elif step == e.begin:
        x = load(tag, "x", KEPT, e.kept + earlier, n, j)
    else:
        x = load(tag, "x", Y, earlier, n, j)
    return x


@gpu_kernel
def _local(
    tag, sizes, members, P, F, W, WT, H, HT, e, step, rows, at, before, forced, place, KEPT, X, A, Y, S
):
    """Y, S = local(state, A)."""
    n, nx, na, ns = sizes.n, sizes.nx, sizes.na, sizes.ns
    g = cuda.grid(1)
    if g < e.systems * rows * n:
        system, r, j = g // (rows * n), g // n % rows, g % n
        x = _state_before(tag, e, n, nx, system, r, j, step, before, forced, place, KEPT, X, Y)
        a = load(tag, "a", A, (system * e.lanes * e.columns + r) * na, n, j)
        y, s = local(tag, load(tag, "p", P, system % members * (P.size // members), n, j), x, a)
        row = system * e.places * e.columns + at + r
        store(tag, "y", Y, row * nx, n, j, y)
        store(tag, "s", S, row * ns, n, j, s)


@gpu_kernel
def _keep(e, nx, rows, at, Y, KEPT):
    """KEPT = the states after a segment, for the next one."""
    g = cuda.grid(1)
    if g < e.systems * rows * nx:
        system, i = g // (rows * nx), g % (rows * nx)
        size = e.lanes * e.columns * nx
        KEPT[e.kept + (e.systems + system) * size + i] = Y[(system * e.places * e.columns + at) * nx + i]


@gpu_kernel
def _back(
    tag, sizes, members, P, F, W, WT, H, HT, e, step, rows, at, before, forced, place, KEPT, X, Y, S, DZ, G,
    Q, A, GP, GF,
):  # fmt: skip
    """The adjoint of the local rule; a thread takes one unit of `_TOGETHER` rows and their sums."""
    n, nx, na, ns = sizes.n, sizes.nx, sizes.na, sizes.ns
    sums = (rows + _TOGETHER - 1) // _TOGETHER
    most = (e.lanes * e.columns + _TOGETHER - 1) // _TOGETHER
    g = cuda.grid(1)
    if g < e.systems * sums * n:
        system, part, j = g // (sums * n), g // n % sums, g % n
        np_, nf, net = P.size // members, F.size // members, system % members
        end = (part + 1) * _TOGETHER
        for r in range(part * _TOGETHER, end if end < rows else rows):
            x = _state_before(tag, e, n, nx, system, r, j, step, before, forced, place, KEPT, X, Y)
            row, lane = system * e.places * e.columns + at + r, system * e.lanes * e.columns + r
            back_unit(
                tag, P, net * np_, F, net * nf, n, j, x, Y, row * nx, S, row * ns, DZ[row * n + j], Q,
                lane * n, G, lane * nx, A, lane * na, GP, (system * most + part) * np_, GF,
                (system * most + part) * nf,
            )  # fmt: skip


@gpu_kernel
def _hidden_back(tag, sizes, members, P, F, W, WT, H, HT, e, rows, at, A, PRE, GF):
    """PRE becomes its own gradient, from A = gradient of the features."""
    m = sizes.m
    sums = (rows + _TOGETHER - 1) // _TOGETHER
    most = (e.lanes * e.columns + _TOGETHER - 1) // _TOGETHER
    g = cuda.grid(1)
    if g < e.systems * sums * m:
        system, part, l = g // (sums * m), g // m % sums, g % m
        nf = F.size // members
        end = (part + 1) * _TOGETHER
        for r in range(part * _TOGETHER, end if end < rows else rows):
            o = (system * e.places * e.columns + at + r) * m + l
            q = A[(system * e.lanes * e.columns + r) * m + l]
            PRE[o] = hidden_back_unit(
                tag, F, system % members * nf, m, l, PRE[o], q, GF, (system * most + part) * nf
            )


@gpu_kernel
def _unforce(
    tag, sizes, members, P, F, W, WT, H, HT, e, step, rows, at, before, forced, place, width, keep, flow, X,
    G, Q, GF,
):  # fmt: skip
    """The adjoint of forcing, for the rows that are forced before this step."""
    n, nx = sizes.n, sizes.nx
    sums = (rows + _TOGETHER - 1) // _TOGETHER
    most = (e.lanes * e.columns + _TOGETHER - 1) // _TOGETHER
    g = cuda.grid(1)
    if g < e.systems * sums * n:
        system, part, j = g // (sums * n), g // n % sums, g % n
        nf = F.size // members
        end = (part + 1) * _TOGETHER
        for r in range(part * _TOGETHER, end if end < rows else rows):
            k = _number_of_forcing(e, r, forced, place)
            if k >= 0:
                o, lane = system * e.slots + k, system * e.lanes * e.columns + r
                unforce_unit(
                    tag, F, system % members * nf, n, nx, j, X, _forced_row(e, system, r, k) * nx, width[k],
                    keep[o], flow[o], G, lane * nx, Q, lane * n, GF, (system * most + part) * nf,
                )  # fmt: skip
