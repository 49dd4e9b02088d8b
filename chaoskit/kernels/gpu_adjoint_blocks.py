"""Backpropagation through time in blocks: a group of threads takes four columns of a piece through a segment.

The states of the four rows are in shared memory, what the way back needs goes to global memory, and the time
loop is inside the kernel. Threads along x own units, those along y groups.
"""

from __future__ import annotations

from typing import Any

from .._jit import gpu_kernel
from ..cells._math import like
from ..cells.protocol import feature, has_hidden, is_coupled, local
from . import gpu_launch as gpu
from .gpu_adjoint_rules import back_unit, hidden_back_unit, unforce_unit
from .gpu_few_rows import ROWS, block_of_groups, four_gates, four_sums, one_of
from .gpu_forward import in_blocks
from .gpu_launch import cuda
from .gpu_pieces import Extent, Schedules
from .planes import load, store


class BlockForm:
    """Launches of the two kernels, for networks of which four rows fit into shared memory."""

    def __init__(self, tag: Any, sizes: Any, parameters: int, features: int, itemsize: int):
        s = sizes
        self.units, self.itemsize, self.sizes = max(s.n, s.m), itemsize, sizes
        hidden = s.m | 1 if has_hidden(tag) else 0
        self.ahead = ROWS * ((s.nx | 1) + (s.m + s.inputs | 1))
        self.back = ROWS * ((s.nx | 1) + (s.n | 1) + (s.na | 1) + hidden) + parameters + features

    def fits(self) -> bool:
        """True where this is the form to take."""
        return in_blocks(self.sizes, -(-max(self.ahead, self.back) // ROWS), self.itemsize)

    def partial_sums(self, lanes: int, columns: int) -> int:
        """Partial sums of the parameters' gradients of a system."""
        return lanes * -(-columns // ROWS)

    def _shape(self, e: Extent, numbers: int) -> tuple[int, tuple[int, int], int]:
        """(blocks, threads, bytes of shared memory)."""
        groups = e.systems * self.partial_sums(e.lanes, e.columns)
        threads, most = block_of_groups(self.units, groups, lambda g: g * numbers * self.itemsize)
        return gpu.blocks_for(groups, most), (threads, most), most * numbers * self.itemsize

    def forward(self, pack: Any, work: Any, plan: Schedules, e: Extent, places: Any) -> None:
        """The steps of a segment."""
        gpu.launch(
            _forward, *self._shape(e, self.ahead), *pack, e, plan.first, plan.forced, plan.length, plan.width,
            plan.keep, work.KEPT, work.X, work.R, work.E, work.PRE, work.Y, work.S,
        )  # fmt: skip

    def backward(self, pack: Any, work: Any, plan: Schedules, e: Extent, places: Any) -> None:
        """The adjoint of a segment."""
        gpu.launch(
            _backward, *self._shape(e, self.back), *pack, e, plan.first, plan.forced, plan.length,
            plan.width, plan.keep, plan.flow, work.KEPT, work.X, work.PRE, work.Y, work.S, work.DZ, work.G,
            work.Q, work.GP, work.GF,
        )  # fmt: skip


@gpu_kernel
def _forward(
    tag, sizes, members, P, F, W, WT, H, HT, e, first, forced, length, width, keep, KEPT, X, R, E, PRE, Y, S
):
    n, m, nx, na, ns, inputs = sizes
    t, L, C = cuda.threadIdx.x, cuda.blockDim.x, e.columns
    w = m + inputs
    used = 0 if is_coupled(tag) else m  # first of the columns that a product is taken of
    ld, le = nx | 1, w | 1
    count = (C + 3) // 4
    g = cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y
    there = g < e.systems * e.lanes * count
    g = g if there else 0  # spare groups do nothing, but meet the others at the barriers
    system, lane, c0 = g // (e.lanes * count), g // count % e.lanes, g % count * 4
    rows = C - c0 if C - c0 < 4 else 4
    net = system % members
    ip, jf = net * (P.size // members), net * (F.size // members)
    iw, ih = net * (WT.size // members), net * (HT.size // members)
    buf = cuda.shared.array(0, WT.dtype)
    ix = cuda.threadIdx.y * 4 * (ld + le)
    ie = ix + 4 * ld
    zero, one = like(WT[0], 0.0), like(WT[0], 1.0)
    kept = e.kept + ((system * e.lanes + lane) * C + c0) * nx
    for r in range(4):
        for i in range(t, nx, L):
            buf[ix + r * ld + i] = KEPT[kept + r * nx + i] if e.begin > 0 and r < rows else zero
        for i in range(t, le, L):
            buf[ie + r * le + i] = zero
    cuda.syncthreads()
    for s in range(e.begin, e.end):
        active = there and s < length[lane]
        place = first[s] + lane
        row = (system * e.places + place - e.place) * C + c0
        if active and forced[place] >= 0:
            k = forced[place]
            target = ((system * e.forced + k - e.forcing) * C + c0) * nx
            kept_share = keep[system * e.slots + k]
            for r in range(rows):
                for i in range(t, nx, L):
                    v, u = buf[ix + r * ld + i], X[target + r * nx + i]
                    if i < width[k]:  # what is not kept is not read: it may have diverged
                        v = u if kept_share == zero else kept_share * v + (one - kept_share) * u
                    buf[ix + r * ld + i] = v
                    X[target + r * nx + i] = v
        if has_hidden(tag):
            cuda.syncthreads()
        if active:
            if has_hidden(tag):
                for r in range(rows):
                    for i in range(t, n, L):
                        E[(row + r) * n + i] = buf[ix + r * ld + i]
                for l in range(t, m, L):
                    z0, z1, z2, z3 = four_sums(HT, ih, m, l, buf, ix, ld, n)
                    f = load(tag, "f", F, jf, m, l)
                    for r in range(rows):
                        z = one_of(r, z0, z1, z2, z3)
                        h = feature(tag, f, z)
                        PRE[(row + r) * m + l] = z
                        R[(row + r) * w + l] = h
                        buf[ie + r * le + l] = h
            elif is_coupled(tag):
                for l in range(t, m, L):
                    f = load(tag, "f", F, jf, m, l)
                    for r in range(rows):
                        h = feature(tag, f, buf[ix + r * ld + l])
                        R[(row + r) * w + l] = h
                        buf[ie + r * le + l] = h
            for r in range(rows):
                for i in range(t, inputs, L):
                    buf[ie + r * le + m + i] = R[(row + r) * w + m + i]
        cuda.syncthreads()
        if active:
            for j in range(t, n, L):
                a0, a1, a2, a3 = four_gates(tag, WT, iw, na, n, j, buf, ie, le, used, w)
                p = load(tag, "p", P, ip, n, j)
                for r in range(rows):
                    o = ix + r * ld
                    y, saved = local(tag, p, load(tag, "x", buf, o, n, j), one_of(r, a0, a1, a2, a3))
                    store(tag, "y", buf, o, n, j, y)  # no other thread needs this unit before the barrier
                    store(tag, "y", Y, (row + r) * nx, n, j, y)
                    store(tag, "s", S, (row + r) * ns, n, j, saved)
        cuda.syncthreads()
    if there and e.last == 0:
        after = kept + e.systems * e.lanes * C * nx
        for r in range(rows):
            for i in range(t, nx, L):
                KEPT[after + r * nx + i] = buf[ix + r * ld + i]


@gpu_kernel
def _backward(
    tag, sizes, members, P, F, W, WT, H, HT, e, first, forced, length, width, keep, flow, KEPT, X, PRE, Y, S,
    DZ, G, Q, GP, GF,
):  # fmt: skip
    n, m, nx, na, ns, inputs = sizes
    t, L, C = cuda.threadIdx.x, cuda.blockDim.x, e.columns
    w = m + inputs
    ld, lq, la = nx | 1, n | 1, na | 1
    lm = m | 1 if has_hidden(tag) else 0
    count = (C + 3) // 4
    g = cuda.blockIdx.x * cuda.blockDim.y + cuda.threadIdx.y
    there = g < e.systems * e.lanes * count
    g = g if there else 0
    system, lane, c0 = g // (e.lanes * count), g // count % e.lanes, g % count * 4
    rows = C - c0 if C - c0 < 4 else 4
    net = system % members
    np_, nf = P.size // members, F.size // members
    ip, jf, iw, ih = net * np_, net * nf, net * (W.size // members), net * (H.size // members)
    buf = cuda.shared.array(0, W.dtype)
    ig = cuda.threadIdx.y * (4 * (ld + lq + la + lm) + np_ + nf)
    iq = ig + 4 * ld
    ia = iq + 4 * lq
    im = ia + 4 * la
    gp = im + 4 * lm
    gf = gp + np_
    zero = like(W[0], 0.0)
    kept = ((system * e.lanes + lane) * C + c0) * nx
    at_q = ((system * e.lanes + lane) * C + c0) * n
    for r in range(4):
        for i in range(t, nx, L):
            buf[ig + r * ld + i] = G[kept + r * nx + i] if e.last == 0 and r < rows else zero
        for i in range(t, n, L):
            buf[iq + r * lq + i] = Q[at_q + r * n + i] if e.last == 0 and r < rows else zero
        for i in range(t, la, L):
            buf[ia + r * la + i] = zero
        for i in range(t, lm, L):
            buf[im + r * lm + i] = zero
    for i in range(t, np_ + nf, L):
        buf[gp + i] = zero
    cuda.syncthreads()
    for back in range(e.end - e.begin):
        s = e.end - 1 - back
        active = there and s < length[lane]
        place = first[s] + lane
        row = (system * e.places + place - e.place) * C + c0
        k = forced[place] if active else -1
        target = ((system * e.forced + k - e.forcing) * C + c0) * nx
        before = (system * e.places + (first[s - 1] if s > 0 else 0) + lane - e.place) * C + c0
        if active:
            for j in range(t, n, L):
                for r in range(rows):
                    if k >= 0:
                        x = load(tag, "x", X, target + r * nx, n, j)
                    elif s > e.begin:
                        x = load(tag, "x", Y, (before + r) * nx, n, j)
                    else:
                        x = load(tag, "x", KEPT, e.kept + kept + r * nx, n, j)
                    back_unit(
                        tag, P, ip, F, jf, n, j, x, Y, (row + r) * nx, S, (row + r) * ns,
                        DZ[(row + r) * n + j], buf, iq + r * lq, buf, ig + r * ld, buf, ia + r * la, buf, gp,
                        buf, gf,
                    )  # fmt: skip
        cuda.syncthreads()
        if has_hidden(tag):
            if active:
                for l in range(t, m, L):
                    q0, q1, q2, q3 = four_sums(W, iw, w, l, buf, ia, la, na)
                    for r in range(rows):
                        o = (row + r) * m + l
                        z = hidden_back_unit(tag, F, jf, m, l, PRE[o], one_of(r, q0, q1, q2, q3), buf, gf)
                        PRE[o] = z
                        buf[im + r * lm + l] = z
            cuda.syncthreads()
        if active:
            for j in range(t, n, L):
                q0, q1, q2, q3 = zero, zero, zero, zero
                if has_hidden(tag):
                    q0, q1, q2, q3 = four_sums(H, ih, n, j, buf, im, lm, m)
                elif is_coupled(tag):
                    q0, q1, q2, q3 = four_sums(W, iw, w, j, buf, ia, la, na)
                for r in range(rows):
                    buf[iq + r * lq + j] = one_of(r, q0, q1, q2, q3)
                    if k >= 0:
                        o = system * e.slots + k
                        unforce_unit(
                            tag, F, jf, n, nx, j, X, target + r * nx, width[k], keep[o], flow[o], buf,
                            ig + r * ld, buf, iq + r * lq, buf, gf,
                        )  # fmt: skip
        cuda.syncthreads()
    if there:
        for r in range(rows):
            if e.begin > 0:
                for i in range(t, nx, L):
                    G[kept + r * nx + i] = buf[ig + r * ld + i]
                for i in range(t, n, L):
                    Q[at_q + r * n + i] = buf[iq + r * lq + i]
        for i in range(t, np_, L):
            GP[g * np_ + i] += buf[gp + i]
        for i in range(t, nf, L):
            GF[g * nf + i] += buf[gf + i]
