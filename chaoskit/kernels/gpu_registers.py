"""Exponents of ensembles of the smallest cells on a GPU: one thread a system, all in registers.

The sizes are constants of a kernel, so that all loops over units and tangents unroll and arrays become
registers.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import types

from .._jit import gpu_function, gpu_kernel
from ..cells._math import like
from ..cells.protocol import feature, feature_slope, has_hidden, local, local_jvp, slopes
from . import gpu_launch as gpu
from .gpu_few_rows import one_row
from .gpu_launch import cuda
from .gpu_rows import add_norm, flush, inverse_of, moderate, second_look, spread_of, unit_or_nothing
from .gpu_work import chunks, doubts_for
from .packing import Sizes
from .planes import load, store

LARGEST = 4  # units
_WORDS = 160  # registers of 32 bits that the arrays may take
THREADS = 128


def fits(cell: Any, sizes: Sizes, k: int, itemsize: int) -> bool:
    """True if a thread can hold such a cell and k tangents; `cell`: its tag or class instance."""
    if has_hidden(cell) or sizes.n > LARGEST:
        return False
    layout = type(cell).layout
    numbers = (sizes.n + sizes.inputs) * sizes.na + (layout.parameters + layout.coefficients) * sizes.n
    numbers += layout.features * sizes.n + (k + 3) * sizes.nx + 2 * sizes.n + 3 * k
    return numbers * itemsize <= 4 * _WORDS


def register_products(
    pack, V, k, members, U, drives, t0, steps, block_steps, every, logs, spread, bad
) -> None:
    """One thread a system; arguments as in `gpu_spectrum`."""
    layout = type(pack.tag).layout
    s = pack.sizes
    kernel = _kernel(s, k, layout.parameters, layout.features, layout.coefficients, np.dtype(V.dtype).str)
    doubts = doubts_for(members, k, V.dtype)
    for first, last in chunks(steps):
        gpu.launch(
            kernel, gpu.blocks_for(members, THREADS), THREADS, 0, *pack, V, doubts, U, drives, t0,
            first, last, steps, block_steps, every, logs, spread, bad,
        )  # fmt: skip


@cache
def _kernel(sizes: Sizes, k: int, parameters: int, features: int, coefficients: int, dtype: str) -> Any:
    """The kernel of one size; its rules are those of the tag it is called with."""
    n, _, nx, na, _, inputs = sizes
    kind: Any = types.float32 if np.dtype(dtype) == np.float32 else types.float64
    nw, np_, nf, nc = (n + inputs) * na, parameters * n, features * n, coefficients * n
    orthonormalise = _gram_schmidt(k)
    sw, sp, sf, sv = max(1, nw), max(1, np_), max(1, nf), k * nx

    @gpu_kernel
    def register_kernel(
        tag, sizes, members, P, F, W, WT, H, HT, V, doubts, U, drives, t0, first, last, steps, block_steps,
        every, logs, spread, bad,
    ):  # fmt: skip
        b = cuda.grid(1)
        count = bad.size
        if b < count:
            w = cuda.local.array(sw, kind)
            p = cuda.local.array(sp, kind)
            f = cuda.local.array(sf, kind)
            x = cuda.local.array(nx, kind)
            y = cuda.local.array(nx, kind)
            e = cuda.local.array(n, kind)
            d = cuda.local.array(n, kind)
            c = cuda.local.array(nc, kind)
            v = cuda.local.array(sv, kind)
            norms = cuda.local.array(k, kind)
            squares = cuda.local.array(k, kind)
            factors = cuda.local.array(k, kind)
            totals = cuda.local.array(k, kind)
            doubt = cuda.local.array(k, kind)
            one = like(V[0], 1.0)
            network, at = b % members, b * (k + 1) * nx
            _take(WT, network * nw, w, nw)
            _take(P, network * np_, p, np_)
            _take(F, network * nf, f, nf)
            _take(V, at, x, nx)
            _take(V, at + nx, v, sv)
            _take(doubts, b * k, doubt, k)
            for r in range(k):
                totals[r] = one
            interval = _shortest(every, b, count)
            iu = (b % drives) * (U.size // drives) + (t0 + first) * inputs
            block = first // block_steps
            since = first - block * block_steps
            done = since % interval
            log = (b * (logs.size // (count * k)) + block) * k
            for t in range(first, last):
                _step(tag, n, nx, na, k, w, p, f, x, y, e, d, c, v, U, iu, inputs)
                iu += inputs
                since += 1
                done += 1
                closing = since == block_steps or t + 1 == steps
                if closing or done == interval:
                    orthonormalise(nx, k, v, factors, squares, norms, doubt)
                    for r in range(k):
                        add_norm(totals, r, norms[r], logs, log + r)
                    if done > 1:
                        spread[b] += spread_of(norms, 0, k, 1)
                    done = 0
                if closing:
                    for r in range(k):
                        flush(totals, r, logs, log + r)
                    if _lost(x, nx, v, sv) and bad[b] == 0:
                        bad[b] = t0 + t + 1
                    since = 0
                    log += k
            for r in range(k):
                flush(totals, r, logs, log + r)
                doubts[b * k + r] = doubt[r]
            for i in range(nx):
                V[at + i] = x[i]
            for i in range(sv):
                V[at + nx + i] = v[i]

    return register_kernel


@gpu_function
def _take(source, at, target, count):
    for q in range(count):
        target[q] = source[at + q]


@gpu_function
def _shortest(every, b, count):
    """Interval of a warp: the shortest of its members', so that its threads stay together."""
    low = b - b % 32
    high = low + 32 if low + 32 < count else count
    interval = every[b]
    for q in range(low, high):
        interval = every[q] if every[q] < interval else interval
    return interval


@gpu_function
def _step(tag, n, nx, na, k, w, p, f, x, y, e, d, c, v, U, iu, inputs):
    """The state x and its tangents v, one step later."""
    for l in range(n):
        g = load(tag, "f", f, 0, n, l)
        e[l] = feature(tag, g, x[l])
        d[l] = feature_slope(tag, g, x[l])
    for j in range(n):
        a = one_row(tag, w, 0, na, n, j, e, 0, n, U, iu, inputs)
        q = load(tag, "p", p, 0, n, j)
        z = load(tag, "x", x, 0, n, j)
        new, s = local(tag, q, z, a)
        store(tag, "y", y, 0, n, j, new)
        store(tag, "c", c, 0, n, j, slopes(tag, q, z, new, s))
    for i in range(nx):
        x[i] = y[i]
    for r in range(k):
        for l in range(n):
            e[l] = d[l] * v[r * nx + l]
        for j in range(n):
            a = one_row(tag, w, 0, na, n, j, e, 0, n, U, iu, 0)
            row = load(tag, "v", v, r * nx, n, j)
            store(tag, "w", y, 0, n, j, local_jvp(tag, load(tag, "c", c, 0, n, j), row, a))
        for i in range(nx):
            v[r * nx + i] = y[i]


@cache
def _gram_schmidt(rows: int) -> Any:
    """Modified Gram-Schmidt of the first rows, one after the other; each has length 1 when it is done.

    A function a row, because compilers do not unroll so long a loop.
    """
    r = rows - 1
    if r < 0:
        return _nothing
    before = _gram_schmidt(r)

    @gpu_function
    def orthonormalise(nx, k, v, factors, squares, norms, doubt):
        before(nx, k, v, factors, squares, norms, doubt)
        _finish_row(r, nx, k, v, factors, squares, norms, doubt)

    return orthonormalise


@gpu_function
def _nothing(nx, k, v, factors, squares, norms, doubt):
    pass


@gpu_function
def _finish_row(r, nx, k, v, factors, squares, norms, doubt):
    """Take the rows before it off row r, and give it length 1."""
    zero, one = like(v[0], 0.0), like(v[0], 1.0)
    removed, square = zero, zero
    for h in range(k):
        if h < r:
            c = zero
            for i in range(nx):
                c += v[h * nx + i] * v[r * nx + i]
            for i in range(nx):
                v[r * nx + i] -= c * v[h * nx + i]
            factors[h] = c
            removed += c * c
    for i in range(nx):
        square += v[r * nx + i] * v[r * nx + i]
    if moderate(square, removed):
        norm = like(square, math.sqrt(square))
        inverse = inverse_of(norm)
        for i in range(nx):
            v[r * nx + i] *= inverse
        norms[r], squares[r], doubt[r] = norm, one, zero
    else:
        norm, doubts = second_look(v, 0, nx, nx, r, k, factors, 0, squares, 0, square, doubt[r])
        norms[r], squares[r], doubt[r] = norm, unit_or_nothing(norm), doubts


@gpu_function
def _lost(x, nx, v, sv):
    """True if a number is not finite; then all become zero."""
    zero = like(x[0], 0.0)
    total = zero
    for i in range(nx):
        total += x[i] * zero
    for i in range(sv):
        total += v[i] * zero
    if total == zero:
        return False
    for i in range(nx):
        x[i] = zero
    for i in range(sv):
        v[i] = zero
    return True
