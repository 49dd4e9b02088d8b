"""Gram-Schmidt of the tangents of one system by a block of threads.

Rows lie in global memory. A panel of rows is orthonormalised with two barriers a row, thread (x, y) taking
every X-th number of row y, and is then taken off all rows behind it by products in tiles of shared memory.
"""

from __future__ import annotations

import math

from .._jit import gpu_function
from ..cells._math import like
from .gpu_launch import cuda
from .gpu_rows import (
    by_precision,
    cancelled,
    entry_is_noise,
    inverse_of,
    moderate,
    noisy_for_long,
    safe_norm,
    unit_or_nothing,
)


@gpu_function
def orthonormalise(work, base, at, v, nx, k, panel, doubts, jd, buf):
    """Orthonormalise the rows (k, nx) at v; norms to at.norm. `panel` is at most X and Y."""
    x, y, X, Y = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockDim.x, cuda.blockDim.y
    thread, threads = y * X + x, X * Y
    zero = like(buf[0], 0.0)
    for r in range(thread, k, threads):
        work[base + at.removed + r] = zero
    cuda.syncthreads()
    for first in range(0, k, panel):
        last = first + panel if first + panel < k else k
        _panel(work, base, at, v, nx, k, first, last, doubts, jd, buf)
        r = first + y
        if r < last:
            length = like(zero, math.sqrt(work[base + at.square + r]))
            inverse = inverse_of(length)
            for i in range(x, nx, X):
                work[v + r * nx + i] *= inverse
        cuda.syncthreads()
        for r in range(first + thread, last, threads):
            square = work[base + at.square + r]
            work[base + at.norm + r] *= like(zero, math.sqrt(square))
            work[base + at.square + r] = unit_or_nothing(square)
        cuda.syncthreads()
        for r in range(last, k, 4 * Y):
            _remove_panel(work, base, at, v, nx, k, first, last, r, buf)


@gpu_function
def _panel(work, base, at, v, nx, k, first, last, doubts, jd, buf):
    """Modified Gram-Schmidt of rows first .. last - 1, which get their lengths afterwards."""
    x, y, X = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockDim.x
    zero = like(buf[0], 0.0)
    squares, removed = cuda.blockDim.y * X, base + at.removed  # parts of the square of the next row
    if y == 0:
        buf[squares + x] = _part_of_product(work, v + first * nx, v + first * nx, nx, x, X)
    cuda.syncthreads()
    for j in range(first, last):
        total = _sum(buf, squares, X, zero)
        if not moderate(total, work[removed + j]):
            total = _second_look(work, base, at, v, nx, j, k, total, doubts, jd, buf)
        elif y == 0 and x == 0:
            doubts[jd + j] = zero
            work[base + at.norm + j] = like(zero, 1.0)  # times the root of the square
        inverse = inverse_of(total)
        r = j + 1 + y
        if r < last:
            buf[y * X + x] = _part_of_product(work, v + j * nx, v + r * nx, nx, x, X)
        cuda.syncthreads()  # also: all have read the square
        if x == 0 and y == 0:
            work[base + at.square + j] = total
        if r < last:
            product = _sum(buf, y * X, X, zero)
            factor = product * inverse
            part = zero
            for i in range(x, nx, X):
                value = work[v + r * nx + i] - factor * work[v + j * nx + i]
                work[v + r * nx + i] = value
                part += value * value
            if y == 0:
                buf[squares + x] = part
            if x == 0:
                work[base + at.factors + r * k + j] = factor
                work[removed + r] += product * factor
        cuda.syncthreads()


@gpu_function
def _part_of_product(work, a, b, nx, x, X):
    """What thread x adds to the product of two rows."""
    total = like(work[a], 0.0)
    for i in range(x, nx, X):
        total += work[a + i] * work[b + i]
    return total


@gpu_function
def _sum(buf, at, count, zero):
    total = zero
    for q in range(count):
        total += buf[at + q]
    return total


@gpu_function
def _remove_panel(work, base, at, v, nx, k, first, last, begin, buf):
    """Take rows first .. last - 1, orthonormal, off rows begin .. begin + 4 Y - 1."""
    x, y, X, Y = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockDim.x, cuda.blockDim.y
    ld, zero = X + 1, like(buf[0], 0.0)
    rows, taken = X * ld, (X + 4 * Y) * ld
    c0, c1, c2, c3 = zero, zero, zero, zero
    for i in range(0, nx, X):
        _take_panel(work, v, nx, first, last, i, buf)
        for q in range(y, 4 * Y, Y):
            inside = begin + q < k and i + x < nx
            buf[rows + q * ld + x] = work[v + (begin + q) * nx + i + x] if inside else zero
        cuda.syncthreads()
        r = rows + y * ld
        for q in range(X):
            p = buf[x * ld + q]
            c0 += p * buf[r + q]
            c1 += p * buf[r + Y * ld + q]
            c2 += p * buf[r + 2 * Y * ld + q]
            c3 += p * buf[r + 3 * Y * ld + q]
        cuda.syncthreads()
    r = taken + y * ld + x
    buf[r], buf[r + Y * ld], buf[r + 2 * Y * ld], buf[r + 3 * Y * ld] = c0, c1, c2, c3
    cuda.syncthreads()
    for q in range(y, 4 * Y, Y):
        if begin + q < k:
            if first + x < last:
                work[base + at.factors + (begin + q) * k + first + x] = buf[taken + q * ld + x]
            if x == 0:
                work[base + at.removed + begin + q] += _sum_of_squares(buf, taken + q * ld, last - first)
    for i in range(0, nx, X):
        _take_panel(work, v, nx, first, last, i, buf)
        cuda.syncthreads()
        for q in range(y, 4 * Y, Y):
            if begin + q < k and i + x < nx:
                total = zero
                for p in range(last - first):
                    total += buf[taken + q * ld + p] * buf[p * ld + x]
                work[v + (begin + q) * nx + i + x] -= total
        cuda.syncthreads()


@gpu_function
def _take_panel(work, v, nx, first, last, i, buf):
    """X columns, from i on, of the panel's rows, zero beyond: a tile of X by X."""
    x, y, X, Y = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockDim.x, cuda.blockDim.y
    zero = like(buf[0], 0.0)
    for q in range(y, X, Y):
        inside = first + q < last and i + x < nx
        buf[q * (X + 1) + x] = work[v + (first + q) * nx + i + x] if inside else zero


@gpu_function
def _sum_of_squares(buf, at, count):
    total = like(buf[at], 0.0)
    for q in range(count):
        total += buf[at + q] * buf[at + q]
    return total


# ---- the rare row that needs a second look, by all threads of the block together
@gpu_function
def sum_of_all(value, buf, thread, threads):
    """Sum over the threads of the block, the same for all."""
    cuda.syncthreads()
    buf[thread] = value
    cuda.syncthreads()
    total = like(value, 0.0)
    for q in range(threads):
        total += buf[q]
    cuda.syncthreads()
    return total


@gpu_function
def _largest_of_all(value, buf, thread, threads):
    """Largest value of the threads of the block, NaN if one is NaN."""
    cuda.syncthreads()
    buf[thread] = value
    cuda.syncthreads()
    most = like(value, 0.0)
    for q in range(threads):
        most = buf[q] if not buf[q] <= most else most
    cuda.syncthreads()
    return most


@gpu_function
def _norm(work, row, nx, square, buf, thread, threads):
    """Norm of a row, also where its squared length, as given, has left the range of the type."""
    zero = like(square, 0.0)
    if by_precision(square, 1e-280, 1e-30) < square and square < by_precision(square, 1e300, 1e37):
        return like(square, math.sqrt(square))
    size = zero
    for i in range(thread, nx, threads):
        value = abs(work[row + i])
        size = value if not value <= size else size
    size = _largest_of_all(size, buf, thread, threads)
    if not (zero < size and size < like(square, math.inf)):
        return size
    total = zero
    for i in range(thread, nx, threads):
        ratio = work[row + i] / size
        total += ratio * ratio
    return size * like(square, math.sqrt(sum_of_all(total, buf, thread, threads)))


@gpu_function
def _second_look(work, base, at, v, nx, l, k, square, doubts, jd, buf):
    """As `gpu_rows.second_look`, by all threads; returns the squared length of row l: 1, or 0 or NaN."""
    X = cuda.blockDim.x
    thread, threads = cuda.threadIdx.y * X + cuda.threadIdx.x, X * cuda.blockDim.y
    row, factors, zero = v + l * nx, base + at.factors + l * k, like(square, 0.0)
    norm = _norm(work, row, nx, square, buf, thread, threads)
    most = zero
    for j in range(thread, l, threads):
        size = abs(work[factors + j]) * like(zero, math.sqrt(work[base + at.square + j]))
        most = size if size > most else most
    most = _largest_of_all(most, buf, thread, threads)
    doubt = zero
    if cancelled(norm, most):
        _clean(work, base, at, v, nx, l, k, thread, threads)
        noise = zero
        for i in range(thread, nx, threads):
            noisy = entry_is_noise(work[row + i], work, v + i, nx, work, factors, l, l, most, nx + k)
            noise += zero if noisy else like(zero, 1.0)
        noise = sum_of_all(noise, buf, thread, threads)
        doubt, lost = noisy_for_long(noise == zero, doubts[jd + l])
        for i in range(thread, nx, threads):
            work[row + i] = zero if lost else work[row + i]
        norm = _norm(work, row, nx, zero, buf, thread, threads)
    norm = safe_norm(norm)
    inverse = inverse_of(norm)
    for i in range(thread, nx, threads):
        work[row + i] *= inverse
    cuda.syncthreads()  # all have read the doubts
    if thread == 0:
        doubts[jd + l] = doubt
        work[base + at.norm + l] = norm
    return unit_or_nothing(norm)


@gpu_function
def _clean(work, base, at, v, nx, l, k, thread, threads):
    """Take the rows before it off row l once more."""
    row, zero = v + l * nx, like(work[v], 0.0)
    for j in range(thread, l, threads):
        square = work[base + at.square + j]
        c = zero
        if square > zero:
            for i in range(nx):
                c += work[v + j * nx + i] * work[row + i]
            c = c / square
        work[base + at.part + j] = c
        work[base + at.factors + l * k + j] += c
    cuda.syncthreads()
    for i in range(thread, nx, threads):
        total = zero
        for j in range(l):
            total += work[base + at.part + j] * work[v + j * nx + i]
        work[row + i] -= total
    cuda.syncthreads()
