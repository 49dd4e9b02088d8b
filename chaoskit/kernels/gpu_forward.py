"""Orbits on a GPU: many steps of many states, of one network or of several.

Row b follows network b % members. Where four rows fit into shared memory and the weights are few, one
launch makes a stretch of steps (`_orbit_in_blocks`); larger networks go step by step over the grid.
"""

from __future__ import annotations

import math
from typing import Any

from .._jit import gpu_kernel
from ..cells._math import like
from ..cells.protocol import feature, has_hidden, local
from . import gpu_launch as gpu
from .gpu_few_rows import ROWS, block_of_groups, four_gates, four_sums, one_of
from .gpu_launch import cuda
from .gpu_operand import Operand
from .gpu_pack import DevicePack
from .gpu_products import Products
from .packing import Sizes
from .planes import load, store

MOST_WEIGHTS = 128 * 1024  # of a network whose rows go through time in blocks; larger ones share products
_LINE = 128  # threads of a pointwise kernel
_STEPS = 1024  # of one launch, so that a desktop stays alive


def in_blocks(sizes: Sizes, numbers: int, itemsize: int) -> bool:
    """True where groups of four rows with `numbers` numbers a row are the faster form."""
    weights = sizes.na * (sizes.m + sizes.inputs) + sizes.m * sizes.n
    return weights <= MOST_WEIGHTS and ROWS * numbers * itemsize <= gpu.SHARED_BYTES


class Orbit:
    """Orbits of a fixed number of rows: `steps` makes some more of them.

    Parameters
    ----------
    pack : DevicePack
    rows : int
        A multiple of the number of networks.
    dtype : dtype
    """

    def __init__(self, pack: DevicePack, rows: int, dtype: Any):
        self.pack, self.rows, self.each, self.dtype = pack, rows, rows // pack.members, dtype
        s, itemsize = pack.sizes, dtype.itemsize
        self.width = s.m + s.inputs
        numbers = (s.nx | 1) + (self.width | 1) + 1
        self.blocks = in_blocks(s, numbers, itemsize)
        if self.blocks:
            self.groups = pack.members * -(-self.each // ROWS)
            self.threads, self.per_block = block_of_groups(
                max(s.n, s.m), self.groups, lambda g: g * ROWS * numbers * itemsize
            )
            self.shared = self.per_block * ROWS * numbers * itemsize
        else:
            hidden = s.m if has_hidden(pack.tag) else 1
            gpu.room_for(rows * (self.width + hidden + s.na) * itemsize, "a step of an orbit")
            self.R, self.E, self.A = (gpu.empty(rows * w, dtype) for w in (self.width, hidden, s.na))
            self.products = Products(dtype)

    def steps(self, X: Any, at: int, row: int, time: int, U: Any, iu: int, driven: int, t0: int, steps: int,
              bad: Any) -> None:  # fmt: skip
        """X: row b after step t lies at `at` + b * row + t * time; the first is there. U: (steps, driven, M)
        from iu on, driven = rows, or 1 for inputs that all share.

        bad (rows,) gets the first step at which a row is not finite, 0 for a row that stays finite; a bad
        row is NaN from there on.
        """
        if not self.blocks:
            for t in range(steps):
                here = iu + t * driven * self.pack.sizes.inputs
                self._step(X, at + t * time, row, time, U, here, driven, t0 + t, bad)
            return
        grid = gpu.blocks_for(self.groups, self.per_block)
        for t in range(0, steps, _STEPS):
            gpu.launch(
                _orbit_in_blocks, grid, (self.threads, self.per_block), self.shared, *self.pack, X,
                at + t * time, row, time, self.each, U, iu + t * driven * self.pack.sizes.inputs, driven,
                t0 + t, min(_STEPS, steps - t), bad,
            )  # fmt: skip

    def _step(self, X, at, row, time, U, iu, driven, t, bad) -> None:
        pack, rows, s = self.pack, self.rows, self.pack.sizes
        S, w = pack.members, self.width
        source, ix, lead = X, at, row
        if has_hidden(pack.tag):
            self.products.multiply(
                self.each, s.m, s.n, Operand(X, S * row, at, row), Operand(pack.HT, s.m, 0, own(pack,
                s.m * s.n)), Operand(self.E, S * s.m, 0, s.m), batch=S,
            )  # fmt: skip
            source, ix, lead = self.E, 0, s.m
        gpu.launch(
            _features, gpu.blocks_for(rows * w, _LINE), _LINE, 0, *pack, source, ix, lead, rows, U, iu,
            driven, self.R,
        )  # fmt: skip
        self.products.multiply(
            self.each, s.na, w, Operand(self.R, S * w, 0, w), Operand(pack.WT, s.na, 0, own(pack, w * s.na)),
            Operand(self.A, S * s.na, 0, s.na), batch=S,
        )  # fmt: skip
        gpu.launch(
            _new_states,
            gpu.blocks_for(rows * s.n, _LINE),
            _LINE,
            0,
            *pack,
            X,
            at,
            row,
            rows,
            self.A,
            at + time,
        )
        gpu.launch(_mark_bad, rows, _LINE, 0, X, at + time, row, s.nx, t + 1, bad)


def own(pack: DevicePack, size: int) -> int:
    """How far the arrays of `size` numbers of two networks are apart; 0 where all share one."""
    return size if pack.members > 1 else 0


@gpu_kernel
def _orbit_in_blocks(
    tag, sizes, members, P, F, W, WT, H, HT, X, at, row, time, each, U, iu, driven, t0, steps, bad
):
    """Threads along x own units, those along y groups of four rows of one network."""
    n, m, nx, na, _, inputs = sizes
    t, L = cuda.threadIdx.x, cuda.blockDim.x
    width = m + inputs
    ld, le = nx | 1, width | 1
    count = (each + 3) // 4  # groups of a network
    q = cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y
    there = q < count * members
    q = q if there else count * members - 1  # spare groups go along, so that all meet at the barriers
    net, first = q // count, q % count * 4
    ip, jf = net * (P.size // members), net * (F.size // members)
    iw, ih = net * (WT.size // members), net * (HT.size // members)
    buf = cuda.shared.array(0, WT.dtype)
    ix = cuda.threadIdx.y * 4 * (ld + le + 1)
    ie = ix + 4 * ld
    ib = ie + 4 * le
    zero, one, two = like(WT[0], 0.0), like(WT[0], 1.0), like(WT[0], 2.0)
    nan = like(WT[0], math.nan)
    for r in range(4):
        c = first + r
        b = net + members * (c if c < each else each - 1)
        for i in range(t, nx, L):
            buf[ix + r * ld + i] = X[at + b * row + i]
        if t == 0:
            buf[ib + r] = two if bad[b] > 0 else zero
    cuda.syncthreads()
    for step in range(steps + 1):
        if step > 0 and there:
            for r in range(4):
                if first + r < each:
                    b = net + members * (first + r)
                    lost = buf[ib + r] != zero
                    o = at + b * row + step * time
                    for i in range(t, nx, L):
                        X[o + i] = nan if lost else buf[ix + r * ld + i]
                    if t == 0 and buf[ib + r] == one:
                        bad[b] = t0 + step
                        buf[ib + r] = two
        if step < steps:
            if has_hidden(tag):
                for l in range(t, m, L):
                    z0, z1, z2, z3 = four_sums(HT, ih, m, l, buf, ix, ld, n)
                    f = load(tag, "f", F, jf, m, l)
                    buf[ie + l], buf[ie + le + l] = feature(tag, f, z0), feature(tag, f, z1)
                    buf[ie + 2 * le + l], buf[ie + 3 * le + l] = feature(tag, f, z2), feature(tag, f, z3)
            else:
                for l in range(t, m, L):
                    f = load(tag, "f", F, jf, m, l)
                    for r in range(4):
                        buf[ie + r * le + l] = feature(tag, f, buf[ix + r * ld + l])
            for r in range(4):
                c = first + r
                b = net + members * (c if c < each else each - 1)
                o = iu + (step * driven + (b if driven > 1 else 0)) * inputs
                for l in range(t, inputs, L):
                    buf[ie + r * le + m + l] = U[o + l]
            cuda.syncthreads()
            for j in range(t, n, L):
                a0, a1, a2, a3 = four_gates(tag, WT, iw, na, n, j, buf, ie, le, 0, width)
                p = load(tag, "p", P, ip, n, j)
                for r in range(4):
                    x = ix + r * ld
                    y, _ = local(tag, p, load(tag, "x", buf, x, n, j), one_of(r, a0, a1, a2, a3))
                    store(tag, "y", buf, x, n, j, y)  # no other thread needs this unit before the barrier
                    for i in range(j, nx, n):
                        if not math.isfinite(buf[x + i]) and buf[ib + r] == zero:
                            buf[ib + r] = one
            cuda.syncthreads()


@gpu_kernel
def _features(tag, sizes, members, P, F, W, WT, H, HT, X, ix, lead, rows, U, iu, driven, R):
    """R (rows, m + inputs) = features of the numbers at ix + b * lead + l, and inputs beside them."""
    m, width = sizes.m, sizes.m + sizes.inputs
    q = cuda.grid(1)
    if q < rows * width:
        b, l = q // width, q % width
        if l < m:
            f = load(tag, "f", F, b % members * (F.size // members), m, l)
            R[q] = feature(tag, f, X[ix + b * lead + l])
        else:
            R[q] = U[iu + (b if driven > 1 else 0) * sizes.inputs + l - m]


@gpu_kernel
def _new_states(tag, sizes, members, P, F, W, WT, H, HT, X, ix, lead, rows, A, iy):
    """The rows at iy = local rule of the rows at ix and of the gates A (rows, na)."""
    n, na = sizes.n, sizes.na
    q = cuda.grid(1)
    if q < rows * n:
        b, j = q // n, q % n
        p = load(tag, "p", P, b % members * (P.size // members), n, j)
        y, _ = local(tag, p, load(tag, "x", X, ix + b * lead, n, j), load(tag, "a", A, b * na, n, j))
        store(tag, "y", X, iy + b * lead, n, j, y)


@gpu_kernel
def _mark_bad(X, ix, lead, nx, t, bad):
    """A block for each row: one that is not finite, or was not before, becomes NaN; `bad` gets the step."""
    lost = cuda.shared.array(1, bad.dtype)
    b = cuda.blockIdx.x
    if cuda.threadIdx.x == 0:
        lost[0] = bad[b]
    cuda.syncthreads()
    for i in range(cuda.threadIdx.x, nx, cuda.blockDim.x):
        if not math.isfinite(X[ix + b * lead + i]):
            lost[0] = t  # whoever writes it writes the same
    cuda.syncthreads()
    if lost[0] > 0:
        for i in range(cuda.threadIdx.x, nx, cuda.blockDim.x):
            X[ix + b * lead + i] = like(X[0], math.nan)
    if cuda.threadIdx.x == 0 and bad[b] == 0:
        bad[b] = lost[0]


def copy_rows(
    source: Any, at: int, lead: int, target: Any, to: int, lead_to: int, rows: int, width: int
) -> None:
    """The rows of `width` numbers at `to` + b * lead_to become those at `at` + b * lead."""
    count = gpu.blocks_for(rows * width, _LINE)
    gpu.launch(_copy_rows, count, _LINE, 0, source, at, lead, target, to, lead_to, rows, width)


@gpu_kernel
def _copy_rows(source, at, lead, target, to, lead_to, rows, width):
    q = cuda.grid(1)
    if q < rows * width:
        target[to + q // width * lead_to + q % width] = source[at + q // width * lead + q % width]
