"""Exponents of ensembles of small cells on a GPU: a group of threads a system, everything in shared memory.

Shared memory is the limit, so a thread takes two rows of Gram-Schmidt at a time, and a weight serves four
tangents. Rows are an odd number of elements apart: the threads of a group meet different banks.
"""

from __future__ import annotations

import math

from .._jit import gpu_function, gpu_kernel_within
from ..cells._math import like
from ..cells.protocol import feature, feature_slope, has_hidden, local, local_jvp, slopes
from . import gpu_launch as gpu
from .gpu_launch import cuda
from .gpu_places import bytes_for, groups_for, lanes_for, places
from .gpu_rows import (
    add_norm,
    copy,
    flush,
    four_rows,
    four_sums,
    inverse_of,
    moderate,
    one_row,
    second_look,
    spread_of,
    unit_or_nothing,
)
from .gpu_work import chunks, doubts_for
from .planes import load, store

REGISTERS = 128  # of a thread: with more, registers would be the limit, not shared memory


def shared_products(pack, V, k, members, U, drives, t0, steps, block_steps, every, logs, spread, bad) -> None:
    """Several systems a block; arguments as in `gpu_spectrum`."""
    at, lanes = places(pack.tag, pack.sizes, k), lanes_for(pack.sizes, k)
    own, itemsize = pack.members > 1, V.dtype.itemsize
    groups = groups_for(at, lanes, members, own, itemsize)
    doubts = doubts_for(members, k, V.dtype)
    for first, last in chunks(steps):
        gpu.launch(
            shared_kernel, gpu.blocks_for(members, groups), (lanes, groups),
            bytes_for(at, groups, own, itemsize), *pack, V, doubts, U, k, at, drives, t0, first, last,
            steps, block_steps, every, logs, spread, bad,
        )  # fmt: skip


@gpu_kernel_within(registers=REGISTERS)
def shared_kernel(
    tag, sizes, members, P, F, W, WT, H, HT, V, doubts, U, k, at, drives, t0, first, last, steps, block_steps,
    every, logs, spread, bad,
):  # fmt: skip
    n, m, nx, na, _, inputs = sizes
    t, L, g, G = cuda.threadIdx.x, cuda.blockDim.x, cuda.threadIdx.y, cuda.blockDim.y
    count, b = bad.size, cuda.blockIdx.x * G + g
    alive = b < count
    b = b if alive else count - 1  # spare groups repeat the last system, so that all meet at the barriers
    buf = cuda.shared.array(0, WT.dtype)
    own = members > 1
    net = g * at.network if own else 0
    base = (G if own else 1) * at.network + g * at.system
    if own or g == 0:
        _take_network(P, F, WT, HT, b % members, buf, net, at, t, L)
    _take_system(V, doubts, b, buf, base, at, nx, k, t, L)
    cuda.syncthreads()
    interval = _shortest(every, cuda.blockIdx.x * G, G, count)
    v, u, x, y = base + at.v, base + at.u, base + at.x, base + at.y
    iu = (b % drives) * (U.size // drives) + (t0 + first) * inputs
    block = first // block_steps
    since = first - block * block_steps
    done = since % interval
    log = (b * (logs.size // (count * k)) + block) * k
    for step in range(first, last):
        _enter(tag, buf, net, base, at, n, m, x, t, L)
        cuda.syncthreads()
        _advance(tag, buf, net, base, at, n, m, na, x, y, v, U, iu, inputs, t, L)
        cuda.syncthreads()
        _push(tag, buf, net, base, at, n, m, na, v, u, t, L)
        cuda.syncthreads()
        v, u = u, v
        x, y = y, x
        iu += inputs
        since += 1
        done += 1
        closing = since == block_steps or step + 1 == steps
        if closing or done == interval:
            _orthonormalise(buf, v, u, base, at, nx, k, t, L)
            if alive:
                for r in range(t, k, L):
                    add_norm(buf, base + at.total + r, buf[base + at.norm + r], logs, log + r)
                if done > 1 and t == 0:
                    spread[b] += spread_of(buf, base + at.norm, k, 1)
            done = 0
        if closing:
            lost = _drop_if_lost(buf, v, u, x, at.ld, nx, k, t, L)
            if alive:
                for r in range(t, k, L):
                    flush(buf, base + at.total + r, logs, log + r)
                if lost and t == 0 and bad[b] == 0:
                    bad[b] = t0 + step + 1
            since = 0
            log += k
    if alive:
        for r in range(t, k, L):
            flush(buf, base + at.total + r, logs, log + r)
        _give_back(buf, v, x, base, at, V, doubts, b, nx, k, t, L)


@gpu_function
def _take_network(P, F, WT, HT, network, buf, net, at, t, L):
    copy(WT, network * (at.h - at.w), buf, net + at.w, at.h - at.w, t, L)
    copy(HT, network * (at.p - at.h), buf, net + at.h, at.p - at.h, t, L)
    copy(P, network * (at.f - at.p), buf, net + at.p, at.f - at.p, t, L)
    copy(F, network * (at.end - at.f), buf, net + at.f, at.end - at.f, t, L)


@gpu_function
def _take_system(V, doubts, b, buf, base, at, nx, k, t, L):
    zero, row = like(V[0], 0.0), b * (k + 1) * nx
    copy(V, row, buf, base + at.x, nx, t, L)
    for q in range(t, at.rows * at.ld, L):
        r = q // at.ld
        i = q - r * at.ld
        inside = r < k and i < nx
        buf[base + at.v + q] = V[row + (r + 1) * nx + i] if inside else zero
    for r in range(t, k, L):
        buf[base + at.total + r] = like(zero, 1.0)
        buf[base + at.doubt + r] = doubts[b * k + r]


@gpu_function
def _give_back(buf, v, x, base, at, V, doubts, b, nx, k, t, L):
    row = b * (k + 1) * nx
    copy(buf, x, V, row, nx, t, L)
    for q in range(t, k * nx, L):
        r = q // nx
        V[row + nx + q] = buf[v + r * at.ld + q - r * nx]
    copy(buf, base + at.doubt, doubts, b * k, k, t, L)


@gpu_function
def _shortest(every, low, groups, count):
    """Interval of a block: the shortest of its members'."""
    interval = every[low]
    for q in range(low, low + groups):
        if q < count and every[q] < interval:
            interval = every[q]
    return interval


@gpu_function
def _enter(tag, buf, net, base, at, n, m, x, t, L):
    """Features of the state, and their slopes."""
    for l in range(t, m, L):
        z = buf[x + l] if not has_hidden(tag) else buf[net + at.h + l] * buf[x]
        if has_hidden(tag):
            for i in range(1, n):
                z += buf[net + at.h + i * m + l] * buf[x + i]
        f = load(tag, "f", buf, net + at.f, m, l)
        buf[base + at.e + l] = feature(tag, f, z)
        buf[base + at.slope + l] = feature_slope(tag, f, z)


@gpu_function
def _advance(tag, buf, net, base, at, n, m, na, x, y, v, U, iu, inputs, t, L):
    """The new state and the coefficients of its tangents; hidden tangents."""
    for j in range(t, n, L):
        a = one_row(tag, buf, net + at.w, na, n, j, buf, base + at.e, m, U, iu, inputs)
        p = load(tag, "p", buf, net + at.p, n, j)
        old = load(tag, "x", buf, x, n, j)
        new, s = local(tag, p, old, a)
        store(tag, "y", buf, y, n, j, new)
        store(tag, "c", buf, base + at.c, n, j, slopes(tag, p, old, new, s))
    if has_hidden(tag):
        for q in range(t, m * (at.rows // 4), L):
            r = q // m
            l = q - r * m
            s0, s1, s2, s3 = four_sums(buf, net + at.h, m, l, buf, v + 4 * r * at.ld, at.ld, n)
            to = base + at.hidden + 4 * r * at.lh + l
            buf[to], buf[to + at.lh], buf[to + 2 * at.lh], buf[to + 3 * at.lh] = s0, s1, s2, s3


@gpu_function
def _push(tag, buf, net, base, at, n, m, na, v, u, t, L):
    """The tangents one step later, from v to u."""
    ld = at.ld
    operand = base + at.hidden if has_hidden(tag) else v
    width = at.lh if has_hidden(tag) else ld
    for q in range(t, n * (at.rows // 4), L):
        r = q // n
        j = q - r * n
        c = load(tag, "c", buf, base + at.c, n, j)
        d0, d1, d2, d3 = four_rows(
            tag, buf, net + at.w, na, n, j, buf, base + at.slope, buf, operand + 4 * r * width, width, m
        )
        i, o = v + 4 * r * ld, u + 4 * r * ld
        store(tag, "w", buf, o, n, j, local_jvp(tag, c, load(tag, "v", buf, i, n, j), d0))
        store(tag, "w", buf, o + ld, n, j, local_jvp(tag, c, load(tag, "v", buf, i + ld, n, j), d1))
        store(tag, "w", buf, o + 2 * ld, n, j, local_jvp(tag, c, load(tag, "v", buf, i + 2 * ld, n, j), d2))
        store(tag, "w", buf, o + 3 * ld, n, j, local_jvp(tag, c, load(tag, "v", buf, i + 3 * ld, n, j), d3))


@gpu_function
def _orthonormalise(buf, v, u, base, at, nx, k, t, L):
    """Modified Gram-Schmidt with one barrier a row; rows get their length of 1 at the end.

    After a row is taken off the next one is complete, and the thread that owns it looks at its length.
    """
    ld, square, norm, removed = at.ld, base + at.square, base + at.norm, base + at.removed
    zero = like(buf[v], 0.0)
    for r in range(t, k, L):
        buf[removed + r] = zero
    if t == 0:
        total = zero
        for i in range(nx):
            total += buf[v + i] * buf[v + i]
        _complete(buf, v, u, base, at, nx, 0, k, total)
    cuda.syncthreads()
    for j in range(k - 1):
        inverse = inverse_of(buf[square + j])
        q = v + j * ld
        for r in range(j + 1 + t, k, 2 * L):
            if r + L < k:
                total = _remove_from_two(buf, q, v, u, ld, nx, j, r, r + L, inverse, removed)
            else:
                total = _remove_from_one(buf, q, v, u, ld, nx, j, r, inverse, removed)
            if r == j + 1:
                _complete(buf, v, u, base, at, nx, r, k, total)
        cuda.syncthreads()
    for r in range(t, k, L):
        length = like(zero, math.sqrt(buf[square + r]))
        buf[norm + r] *= length
        inverse = inverse_of(length)
        for i in range(nx):
            buf[v + r * ld + i] *= inverse
    cuda.syncthreads()


@gpu_function
def _complete(buf, v, u, base, at, nx, r, k, total):
    """Note the squared length of row r, off which the rows before it have been taken."""
    square = base + at.square
    doubts, norm = like(total, 0.0), like(total, 1.0)
    if not moderate(total, buf[base + at.removed + r]):
        doubts = buf[base + at.doubt + r]
        norm, doubts = second_look(buf, v, at.ld, nx, r, k, buf, u + r * at.ld, buf, square, total, doubts)
        total = unit_or_nothing(norm)
    buf[base + at.doubt + r] = doubts
    buf[base + at.norm + r] = norm  # times the root of the square
    buf[square + r] = total


@gpu_function
def _remove_from_one(buf, q, v, u, ld, nx, j, r, inverse, removed):
    """Take row j, which begins at q and has squared length 1 / inverse, off row r; returns its square."""
    a, product, total = v + r * ld, like(inverse, 0.0), like(inverse, 0.0)
    for i in range(nx):
        product += buf[q + i] * buf[a + i]
    factor = product * inverse
    for i in range(nx):
        value = buf[a + i] - factor * buf[q + i]
        buf[a + i] = value
        total += value * value
    buf[u + r * ld + j] = factor
    buf[removed + r] += product * factor
    return total


@gpu_function
def _remove_from_two(buf, q, v, u, ld, nx, j, r, s, inverse, removed):
    """The same for rows r and s; returns the square of r."""
    a, b, zero = v + r * ld, v + s * ld, like(inverse, 0.0)
    first, second, total = zero, zero, zero
    for i in range(nx):
        pivot = buf[q + i]
        first += pivot * buf[a + i]
        second += pivot * buf[b + i]
    factor_a, factor_b = first * inverse, second * inverse
    for i in range(nx):
        pivot = buf[q + i]
        value = buf[a + i] - factor_a * pivot
        buf[a + i] = value
        total += value * value
        buf[b + i] -= factor_b * pivot
    buf[u + r * ld + j], buf[u + s * ld + j] = factor_a, factor_b
    buf[removed + r] += first * factor_a
    buf[removed + s] += second * factor_b
    return total


@gpu_function
def _drop_if_lost(buf, v, u, x, ld, nx, k, t, L):
    """True if a number of the system is not finite; then all become zero."""
    zero = like(buf[v], 0.0)
    total = zero
    for i in range(t, nx, L):
        total += buf[x + i] * zero
    for r in range(t, k, L):
        for i in range(nx):
            total += buf[v + r * ld + i] * zero
    buf[u + t] = total
    cuda.syncthreads()
    total = zero
    for q in range(L):
        total += buf[u + q]
    lost = total != zero
    if lost:
        for i in range(t, nx, L):
            buf[x + i] = zero
        for r in range(t, k, L):
            for i in range(nx):
                buf[v + r * ld + i] = zero
    cuda.syncthreads()
    return lost
