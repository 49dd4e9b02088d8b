"""Exponents of medium cells on a GPU: one block of threads a system, products in tiles of shared memory.

States and tangents stay in global memory, of which a system of 128 units fills a small part of a cache. A
block has (X, Y) threads; thread (x, y) owns two units, X apart, of four tangents, Y apart.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._jit import gpu_function, gpu_kernel_within
from ..cells._math import like
from ..cells.protocol import feature, feature_slope, has_hidden, local, local_jvp, slopes
from . import gpu_launch as gpu
from .gpu_block_rows import orthonormalise, sum_of_all
from .gpu_few_rows import copy, one_row
from .gpu_launch import cuda
from .gpu_rows import add_norm, flush, spread_of
from .gpu_work import chunks, doubts_for, one_after_another
from .packing import Sizes
from .planes import add, load, scaled, store

THREADS = (16, 16)
PANEL = 16  # rows that Gram-Schmidt takes off the others at once; at most as many as X and Y
REGISTERS = 128


class Parts(NamedTuple):
    """Where the scratch of a system begins, in numbers: global memory."""

    v: int  # tangents
    u: int  # tangents after the step
    hidden: int  # hidden tangents (k, m)
    factors: int  # of Gram-Schmidt (k, k)
    x: int
    y: int
    e: int  # features
    slope: int
    c: int  # coefficients
    square: int
    norm: int
    removed: int
    part: int
    total: int
    size: int


def parts(cell: Any, sizes: Sizes, k: int) -> Parts:
    """Scratch of a system; `cell`: its tag."""
    n, m, nx = sizes.n, sizes.m, sizes.nx
    hidden, c = k * m if has_hidden(cell) else 0, type(cell).layout.coefficients * n
    return Parts(*one_after_another(k * nx, k * nx, hidden, k * k, nx, nx, m, m, c, k, k, k, k, k))


def scratch_bytes(tag: Any, sizes: Sizes, members: int, k: int, itemsize: int) -> int:
    """Memory that a run takes beside what it is given."""
    return members * (parts(tag, sizes, k).size + k) * itemsize


def block_products(pack, V, k, members, U, drives, t0, steps, block_steps, every, logs, spread, bad) -> None:
    """A block of threads a system; arguments as in `gpu_spectrum`."""
    s, at = pack.sizes, parts(pack.tag, pack.sizes, k)
    (X, Y), gates, itemsize = THREADS, type(pack.tag).layout.gates, V.dtype.itemsize
    gpu.room_for(scratch_bytes(pack.tag, s, members, k, itemsize), f"tangents of {members} systems")
    work = gpu.empty(members * at.size, V.dtype)
    # a tile of weights and one of tangents; panel, tangents and factors; and a number a thread
    tiles = max(X * gates * 2 * X + 4 * Y * (X + 1), (X + 8 * Y) * (X + 1), X * Y + X)
    doubts = doubts_for(members, k, V.dtype)
    for first, last in chunks(steps, k * (s.m * s.na + s.nx * k)):
        gpu.launch(
            block_kernel, members, THREADS, tiles * itemsize, *pack, V, doubts, work, U, k, at, PANEL, drives,
            t0, first, last, steps, block_steps, every, logs, spread, bad,
        )  # fmt: skip


@gpu_kernel_within(registers=REGISTERS)
def block_kernel(
    tag, sizes, members, P, F, W, WT, H, HT, V, doubts, work, U, k, at, panel, drives, t0, first, last, steps,
    block_steps, every, logs, spread, bad,
):  # fmt: skip
    n, m, nx, na, _, inputs = sizes
    b, threads = cuda.blockIdx.x, cuda.blockDim.x * cuda.blockDim.y
    thread = cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    buf = cuda.shared.array(0, WT.dtype)
    count, network, base = bad.size, b % members, b * at.size
    iw, ih, ip = network * (WT.size // members), network * (HT.size // members), network * (P.size // members)
    jf = network * (F.size // members)
    v, u, x, y = base + at.v, base + at.u, base + at.x, base + at.y
    row = b * (k + 1) * nx
    copy(V, row, work, x, nx, thread, threads)
    copy(V, row + nx, work, v, k * nx, thread, threads)
    for r in range(thread, k, threads):
        work[base + at.total + r] = like(V[0], 1.0)
    cuda.syncthreads()
    interval = every[b]
    iu = (b % drives) * (U.size // drives) + (t0 + first) * inputs
    block = first // block_steps
    since = first - block * block_steps
    done = since % interval
    log = (b * (logs.size // (count * k)) + block) * k
    for step in range(first, last):
        _enter(tag, F, jf, HT, ih, n, m, work, base, at, x, thread, threads)
        cuda.syncthreads()
        _advance(tag, P, ip, WT, iw, n, m, na, work, base, at, x, y, U, iu, inputs, thread, threads)
        if has_hidden(tag):
            _hidden_rows(HT, ih, n, m, nx, k, work, v, base + at.hidden, buf)
        cuda.syncthreads()
        operand = base + at.hidden if has_hidden(tag) else v
        width = m if has_hidden(tag) else nx
        _push(tag, WT, iw, n, m, nx, na, k, work, base, at, operand, width, v, u, buf)
        v, u = u, v
        x, y = y, x
        iu += inputs
        since += 1
        done += 1
        closing = since == block_steps or step + 1 == steps
        if closing or done == interval:
            orthonormalise(work, base, at, v, nx, k, panel, doubts, b * k, buf)
            for r in range(thread, k, threads):
                add_norm(work, base + at.total + r, work[base + at.norm + r], logs, log + r)
            if done > 1 and thread == 0:
                spread[b] += spread_of(work, base + at.norm, k, 1)
            done = 0
        if closing:
            for r in range(thread, k, threads):
                flush(work, base + at.total + r, logs, log + r)
            if _drop_if_lost(work, v, x, nx, k, buf, thread, threads) and thread == 0 and bad[b] == 0:
                bad[b] = t0 + step + 1
            since = 0
            log += k
    for r in range(thread, k, threads):
        flush(work, base + at.total + r, logs, log + r)
    copy(work, x, V, row, nx, thread, threads)
    copy(work, v, V, row + nx, k * nx, thread, threads)


@gpu_function
def _enter(tag, F, jf, HT, ih, n, m, work, base, at, x, thread, threads):
    """Features of the state, and their slopes."""
    for l in range(thread, m, threads):
        z = work[x + l] if not has_hidden(tag) else HT[ih + l] * work[x]
        if has_hidden(tag):
            for i in range(1, n):
                z += HT[ih + i * m + l] * work[x + i]
        f = load(tag, "f", F, jf, m, l)
        work[base + at.e + l] = feature(tag, f, z)
        work[base + at.slope + l] = feature_slope(tag, f, z)


@gpu_function
def _advance(tag, P, ip, WT, iw, n, m, na, work, base, at, x, y, U, iu, inputs, thread, threads):
    """The new state and the coefficients of its tangents."""
    for j in range(thread, n, threads):
        a = one_row(tag, WT, iw, na, n, j, work, base + at.e, m, U, iu, inputs)
        p = load(tag, "p", P, ip, n, j)
        old = load(tag, "x", work, x, n, j)
        new, s = local(tag, p, old, a)
        store(tag, "y", work, y, n, j, new)
        store(tag, "c", work, base + at.c, n, j, slopes(tag, p, old, new, s))


@gpu_function
def _hidden_rows(HT, ih, n, m, nx, k, work, v, to, buf):
    """Tangents of the hidden layer before its feature: (k, m)."""
    x, y, X, Y = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockDim.x, cuda.blockDim.y
    zero, rows = like(HT[0], 0.0), X * 2 * X
    for first in range(0, k, 4 * Y):
        for j in range(x, x + m, 2 * X):
            l, h = j, j + X
            s0, s1, s2, s3 = zero, zero, zero, zero
            r0, r1, r2, r3 = zero, zero, zero, zero
            for i in range(0, n, X):
                for q in range(y, X, Y):
                    buf[q * 2 * X + x] = HT[ih + (i + q) * m + l] if i + q < n and l < m else zero
                    buf[q * 2 * X + X + x] = HT[ih + (i + q) * m + h] if i + q < n and h < m else zero
                _take_rows(work, v, nx, first, k, i, n, buf, rows)
                cuda.syncthreads()
                for q in range(X):
                    a, b = buf[q * 2 * X + x], buf[q * 2 * X + X + x]
                    at = rows + y * (X + 1) + q
                    v0, v1 = buf[at], buf[at + Y * (X + 1)]
                    v2, v3 = buf[at + 2 * Y * (X + 1)], buf[at + 3 * Y * (X + 1)]
                    s0, s1, s2, s3 = s0 + a * v0, s1 + a * v1, s2 + a * v2, s3 + a * v3
                    r0, r1, r2, r3 = r0 + b * v0, r1 + b * v1, r2 + b * v2, r3 + b * v3
                cuda.syncthreads()
            _put_four(work, to, m, first + y, Y, k, l, s0, s1, s2, s3)
            _put_four(work, to, m, first + y, Y, k, h, r0, r1, r2, r3)


@gpu_function
def _put_four(work, to, width, r, Y, k, l, s0, s1, s2, s3):
    """Column l of rows r, r + Y, r + 2 Y, r + 3 Y of (k, width)."""
    if l < width:
        if r < k:
            work[to + r * width + l] = s0
        if r + Y < k:
            work[to + (r + Y) * width + l] = s1
        if r + 2 * Y < k:
            work[to + (r + 2 * Y) * width + l] = s2
        if r + 3 * Y < k:
            work[to + (r + 3 * Y) * width + l] = s3


@gpu_function
def _take_rows(work, v, width, first, k, i, end, buf, to):
    """A tile of 4 Y rows by X columns, from column i on, of (k, width); columns from `end` on are zero."""
    x, y, X, Y = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockDim.x, cuda.blockDim.y
    zero = like(buf[0], 0.0)
    for q in range(y, 4 * Y, Y):
        inside = first + q < k and i + x < end
        buf[to + q * (X + 1) + x] = work[v + (first + q) * width + i + x] if inside else zero


@gpu_function
def _push(tag, WT, iw, n, m, nx, na, k, work, base, at, operand, width, v, u, buf):
    """The tangents one step later, from v to u; operand (k, width): what their product is taken of."""
    x, y, X, Y = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockDim.x, cuda.blockDim.y
    zero = like(WT[0], 0.0)
    plane, rows = na // n * 2 * X, na // n * 2 * X * X
    for first in range(0, k, 4 * Y):
        for start in range(0, n, 2 * X):
            j, h = start + x, start + X + x
            ju, hu = j if j < n else n - 1, h if h < n else n - 1  # spare threads repeat the last unit
            none = scaled(load(tag, "a", WT, iw, n, ju), zero)
            d0, d1, d2, d3 = none, none, none, none
            e0, e1, e2, e3 = none, none, none, none
            for i in range(0, m, X):
                for q in range(y, X, Y):
                    l = i + q if i + q < m else m - 1
                    slope = work[base + at.slope + l] if i + q < m else zero
                    w = scaled(load(tag, "a", WT, iw + l * na, n, ju), slope)
                    store(tag, "a", buf, q * plane, 2 * X, x, w)
                    w = scaled(load(tag, "a", WT, iw + l * na, n, hu), slope)
                    store(tag, "a", buf, q * plane, 2 * X, X + x, w)
                _take_rows(work, operand, width, first, k, i, m, buf, rows)
                cuda.syncthreads()
                for q in range(X):
                    w = load(tag, "a", buf, q * plane, 2 * X, x)
                    z = load(tag, "a", buf, q * plane, 2 * X, X + x)
                    r = rows + y * (X + 1) + q
                    v0, v1 = buf[r], buf[r + Y * (X + 1)]
                    v2, v3 = buf[r + 2 * Y * (X + 1)], buf[r + 3 * Y * (X + 1)]
                    d0, e0 = add(d0, scaled(w, v0)), add(e0, scaled(z, v0))
                    d1, e1 = add(d1, scaled(w, v1)), add(e1, scaled(z, v1))
                    d2, e2 = add(d2, scaled(w, v2)), add(e2, scaled(z, v2))
                    d3, e3 = add(d3, scaled(w, v3)), add(e3, scaled(z, v3))
                cuda.syncthreads()
            r = first + y
            c = load(tag, "c", work, base + at.c, n, ju)
            _finish(tag, c, work, v, u, nx, n, j, r, k, d0)
            _finish(tag, c, work, v, u, nx, n, j, r + Y, k, d1)
            _finish(tag, c, work, v, u, nx, n, j, r + 2 * Y, k, d2)
            _finish(tag, c, work, v, u, nx, n, j, r + 3 * Y, k, d3)
            c = load(tag, "c", work, base + at.c, n, hu)
            _finish(tag, c, work, v, u, nx, n, h, r, k, e0)
            _finish(tag, c, work, v, u, nx, n, h, r + Y, k, e1)
            _finish(tag, c, work, v, u, nx, n, h, r + 2 * Y, k, e2)
            _finish(tag, c, work, v, u, nx, n, h, r + 3 * Y, k, e3)
    cuda.syncthreads()


@gpu_function
def _finish(tag, c, work, v, u, nx, n, j, r, k, da):
    """Unit j of tangent r after the step."""
    if j < n and r < k:
        old = load(tag, "v", work, v + r * nx, n, j)
        store(tag, "w", work, u + r * nx, n, j, local_jvp(tag, c, old, da))


@gpu_function
def _drop_if_lost(work, v, x, nx, k, buf, thread, threads):
    """True if a number of the system is not finite; then all become zero."""
    zero = like(buf[0], 0.0)
    total = zero
    for i in range(thread, nx, threads):
        total += work[x + i] * zero
    for i in range(thread, k * nx, threads):
        total += work[v + i] * zero
    lost = sum_of_all(total, buf, thread, threads) != zero
    if lost:
        for i in range(thread, nx, threads):
            work[x + i] = zero
        for i in range(thread, k * nx, threads):
            work[v + i] = zero
    cuda.syncthreads()
    return lost
