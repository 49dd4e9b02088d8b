"""Blocked Gram-Schmidt of rows in the memory of a GPU, for networks too large for one block of threads.

Two rounds a panel of rows: take the rows before it off by two products, then make it orthonormal by the
Cholesky factor of its Gram matrix. What one round leaves at eps times the condition, the other removes, for
which the factor is known to first order. A
panel whose pivots say that this is not enough is flagged in the memory of the GPU; it passes through both
rounds as it is, and `_careful` treats it row by row, as `gram_schmidt` does on a CPU. The host never looks.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._jit import gpu_function, gpu_kernel, gpu_kernel_within
from ..cells._math import like
from . import gpu_launch as gpu
from . import gpu_sizes
from .gpu_block_sums import largest_of, norm_of
from .gpu_launch import cuda
from .gpu_operand import Operand
from .gpu_products import OWN, Products

_AT_ONCE = 4  # dot products that `_careful` takes together
# flags of a panel: fine; not fine, seen in the first or the second round; not finite
_SOUND, _DELICATE, _DELICATE_STILL, _LOST = 0, 1, 2, 3


class Orthonormal:
    """Gram-Schmidt of k rows of nx numbers for each of `members` members, and the memory that it takes.

    Parameters
    ----------
    products : Products

    Attributes
    ----------
    norms : device array, shape (members, k), flat
        Of the rows before they got the length 1: the diagonal of the triangle. 0 for a direction that has
        been wiped out, whose row becomes zero.
    """

    def __init__(self, products: Products, members: int, k: int, nx: int):
        sizes = gpu_sizes.CHOSEN
        self.products, self.members, self.k, self.nx = products, members, k, nx
        wanted = sizes.panel if products.library == OWN else sizes.library_panel
        self.panel, self.side, self.threads = min(wanted, k), sizes.side, sizes.threads
        dtype = products.dtype
        self.norms, self.before = gpu.empty(members * k, dtype), gpu.empty(members * k, dtype)
        self.doubts = gpu.zeros(members * k, np.int64)
        self.flags = gpu.zeros(members, np.int64)
        self.taken = gpu.zeros(2 * members * self.panel * k, dtype)
        self.gram = gpu.empty(members * self.panel**2, dtype)
        self.factor = gpu.empty(members * self.panel**2, dtype)
        self.rows = gpu.empty(members * self.panel * nx, dtype)

    @staticmethod
    def bytes(members: int, k: int, nx: int, itemsize: int) -> int:
        """Memory that an instance takes."""
        panel = min(gpu_sizes.CHOSEN.library_panel, k)
        return members * (itemsize * (2 * k + panel * (2 * k + 2 * panel + nx)) + 8 * (k + 1))

    def __call__(self, V: Any, at: int, stride: int) -> None:
        """Make the rows orthonormal; row r of member b begins at `at` + b * stride + r * nx of V."""
        gpu.launch(
            _row_norms, self.members * self.k, self.threads, self.threads * V.dtype.itemsize, V, at, stride,
            self.k, self.nx, self.before,
        )  # fmt: skip
        for first in range(0, self.k, self.panel):
            self._panel(V, at, stride, first, min(self.panel, self.k - first))

    def _panel(self, V: Any, at: int, stride: int, first: int, rows: int) -> None:
        nx, panel = self.nx, self.panel
        done = Operand(V, nx, at, stride)
        raw = Operand(V, nx, at + first * nx, stride)
        between = Operand(self.rows, nx, 0, panel * nx)
        for turn, source, target in ((0, raw, between), (1, between, raw)):
            if first > 0:
                self._take_off(turn, done, source, first, rows)
            self._make_orthonormal(turn, source, target, first, rows)
        gpu.launch(
            _careful, self.members, self.threads, _AT_ONCE * self.threads * V.dtype.itemsize, V, at, stride,
            self.k, nx, first, rows, self.members * panel * self.k, self.taken, self.flags, self.norms,
            self.doubts,
        )  # fmt: skip

    def _take_off(self, turn: int, done: Operand, source: Operand, first: int, rows: int) -> None:
        """source -= (source done') done."""
        each = self.panel * self.k
        taken = Operand(self.taken, self.k, turn * self.members * each, each)
        across = done._replace(transposed=True)
        multiply = self.products.multiply
        multiply(rows, first, self.nx, source, across, taken, batch=self.members)
        multiply(rows, self.nx, first, taken, done, source, alpha=-1.0, beta=1.0, batch=self.members)

    def _make_orthonormal(self, turn: int, source: Operand, target: Operand, first: int, rows: int) -> None:
        """target = inverse Cholesky factor of the Gram matrix of source, times source."""
        panel, multiply = self.panel, self.products.multiply
        gram = Operand(self.gram, panel, 0, panel * panel)
        factor = gram._replace(array=self.factor)
        multiply(rows, rows, self.nx, source, source._replace(transposed=True), gram, batch=self.members)
        room = (panel * (panel + 1) // 2 + 2 * panel) * self.gram.dtype.itemsize
        gpu.launch(
            _factor, self.members, (self.side, self.side), room, self.gram, panel, rows, turn, self.k, first,
            self.before, self.factor, self.flags, self.norms, self.doubts,
        )  # fmt: skip
        multiply(rows, self.nx, rows, factor, source, target, batch=self.members)


# ---- kernels
@gpu_kernel
def _row_norms(V, at, stride, k, nx, norms):
    """Lengths of all rows; a block for each."""
    buffer = cuda.shared.array(0, V.dtype)
    t, threads, q = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
    norm = norm_of(V, at + q // k * stride + q % k * nx, nx, buffer, t, threads)
    if t == 0:
        norms[q] = norm


# ---- a panel by its Gram matrix
@gpu_function
def _verdict_of_first(norm, square, pivot):
    """Flag of a row in the first round: is too little of it left, or its square out of range?

    norm: its length before anything was taken off; square: of what is left; pivot: the share of that which
    is across the rows before it in the panel.
    """
    if not norm < like(norm, math.inf) or square != square:
        return _LOST
    if norm == like(norm, 0.0):
        return _SOUND
    single = like(norm, 1e-60) == like(norm, 0.0)
    low = like(norm, 1e-30) if single else like(norm, 1e-280)
    high = like(norm, 1e37) if single else like(norm, 1e37) * like(norm, 1e263)
    share = like(norm, 1e-4) if single else like(norm, 1e-10)
    least = like(norm, 1e-3) if single else like(norm, 1e-8)
    if square > low and square < high and math.sqrt(square) >= share * norm and pivot > least:
        return _SOUND
    return _DELICATE


@gpu_function
def _eliminate(buffer, rows, column, x, y, side):
    """Eliminate a lower triangle in place, by all threads: a barrier or two for each of its rows."""
    zero = like(buffer[0], 0.0)
    for j in range(rows):
        pivot = buffer[j * (j + 1) // 2 + j]
        for i in range(j + 1 + y * side + x, rows, side * side):
            buffer[column + i] = buffer[i * (i + 1) // 2 + j]
        cuda.syncthreads()
        for i in range(j + 1 + y, rows, side):
            share = buffer[column + i] / pivot if pivot != zero else zero
            for c in range(x, i + 1, side):
                if c > j:
                    buffer[i * (i + 1) // 2 + c] -= share * buffer[column + c]
                elif c < j:
                    buffer[i * (i + 1) // 2 + c] -= share * buffer[j * (j + 1) // 2 + c]
                else:
                    buffer[i * (i + 1) // 2 + c] = -share
        cuda.syncthreads()


@gpu_function
def _invert_to_first_order(buffer, i):
    """Row i of the inverse for rows that are orthonormal but for errors whose squares are no matter; a flag.

    Elimination would wait for every row in turn, about as long as all products of a panel take.
    """
    one = like(buffer[0], 1.0)
    single = one + like(one, 1e-12) == one
    limit = like(one, 2e-4) if single else like(one, 2e-8)
    flag = _SOUND
    for c in range(i):
        unit = buffer[i * (i + 1) // 2 + c]
        buffer[i * (i + 1) // 2 + c] = -unit
        if not abs(unit) <= limit:
            flag = _DELICATE_STILL
    return flag


@gpu_kernel_within(registers=64)  # a block of 1024 threads gets no more
def _factor(gram, panel, rows, turn, k, first, before, factor, flags, norms, doubts):
    """factor = inverse of the Cholesky factor of the Gram matrix (rows, rows) of a panel; a block a member.

    Its lower triangle is scaled to a diagonal of 1, and in the first round eliminated in place: left of the
    pivot stands the inverse, right of it what is left. A panel in danger of losing digits gets the flag and
    the identity.
    """
    buffer = cuda.shared.array(0, gram.dtype)
    x, y, side, b = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockDim.x, cuda.blockIdx.x
    scales = panel * (panel + 1) // 2
    column = scales + panel
    at, row0 = b * panel * panel, b * k + first
    zero, one = like(gram[0], 0.0), like(gram[0], 1.0)
    me, threads = y * side + x, side * side
    for i in range(me, rows, threads):
        square = gram[at + i * panel + i]
        buffer[scales + i] = one / math.sqrt(square) if square > zero else zero
    cuda.syncthreads()
    for i in range(y, rows, side):
        for c in range(x, i + 1, side):
            unit = gram[at + i * panel + c] * buffer[scales + i] * buffer[scales + c]
            # a row of zeros stands for itself and meets nobody
            buffer[i * (i + 1) // 2 + c] = one if i == c and buffer[scales + i] == zero else unit
    cuda.syncthreads()
    if turn == 0:
        _eliminate(buffer, rows, column, x, y, side)
        for i in range(me, rows, threads):
            square, pivot = gram[at + i * panel + i], buffer[i * (i + 1) // 2 + i]
            buffer[column + i] = like(pivot, _verdict_of_first(before[row0 + i], square, pivot))
    else:
        for i in range(me, rows, threads):
            buffer[column + i] = like(one, _invert_to_first_order(buffer, i))
    cuda.syncthreads()
    worst = zero
    for i in range(rows):
        worst = worst if buffer[column + i] <= worst else buffer[column + i]
    found = int(worst) if turn == 0 or flags[b] == _SOUND else flags[b]
    cuda.syncthreads()
    if me == 0:
        flags[b] = found
    sound = found == _SOUND
    for i in range(y, rows, side):
        scale = buffer[scales + i]
        inverse = one / math.sqrt(buffer[i * (i + 1) // 2 + i]) if sound else one
        for c in range(x, rows, side):
            value = zero
            if not sound:
                value = one if c == i else zero
            elif c < i:
                value = inverse * buffer[i * (i + 1) // 2 + c] * buffer[scales + c]
            elif c == i:
                value = inverse * scale
            factor[at + i * panel + c] = value
        if x == 0:
            norm = one
            if sound:
                norm = one / (inverse * scale) if scale > zero else zero
                doubts[row0 + i] = 0
            norms[row0 + i] = norm if turn == 0 else norms[row0 + i] * norm


# ---- a panel row by row
@gpu_function
def _four_dots(V, row, other, count, nx, buffer, t, threads, out, at, step):
    """out[at + q * step] = row . other row q, for `count` rows one after the other, at most four."""
    last = count - 1
    a = other
    b = other + nx * (1 if last >= 1 else last)
    c = other + nx * (2 if last >= 2 else last)
    d = other + nx * (3 if last >= 3 else last)
    sa = sb = sc = sd = like(V[0], 0.0)
    for i in range(t, nx, threads):
        v = V[row + i]
        sa += v * V[a + i]
        sb += v * V[b + i]
        sc += v * V[c + i]
        sd += v * V[d + i]
    buffer[t], buffer[threads + t] = sa, sb
    buffer[2 * threads + t], buffer[3 * threads + t] = sc, sd
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if t < half:
            for q in range(4):
                buffer[q * threads + t] += buffer[q * threads + t + half]
        cuda.syncthreads()
        half //= 2
    if t == 0:
        for q in range(count):
            out[at + q * step] = buffer[q * threads]
    cuda.syncthreads()


@gpu_function
def _again(V, base, nx, l, taken, row, again, buffer, t, threads):
    """Take the rows before row l off it once more, by coefficients at `again`, which those at `row` gain."""
    for c in range(0, l, 4):
        count = 4 if c + 4 <= l else l - c
        _four_dots(V, base + l * nx, base + c * nx, count, nx, buffer, t, threads, taken, again + c, 1)
    for i in range(t, nx, threads):
        x = V[base + l * nx + i]
        for c in range(l):
            x -= taken[again + c] * V[base + c * nx + i]
        V[base + l * nx + i] = x
    for c in range(t, l, threads):
        taken[row + c] += taken[again + c]
    cuda.syncthreads()


@gpu_function
def _is_noise(V, base, nx, l, k, taken, row, buffer, t, threads):
    """True if no entry of row l stands above the round-off of what was taken off it (see gram_schmidt.py)."""
    zero = like(V[0], 0.0)
    eps = like(V[0], 2.3e-16) if V.itemsize == 8 else like(V[0], 1.2e-7)
    bound = like(V[0], 4.0) * eps * math.sqrt(like(V[0], nx + k))
    above = zero
    for i in range(t, nx, threads):
        removed = zero
        for c in range(l):
            part = taken[row + c] * V[base + c * nx + i]
            removed += part * part
        if not abs(V[base + l * nx + i]) <= bound * math.sqrt(removed):
            above = like(V[0], 1.0)
    return largest_of(above, buffer, t, threads) == zero


@gpu_kernel
def _careful(V, at, stride, k, nx, first, rows, size, taken, flags, norms, doubts):
    """Modified Gram-Schmidt of the rows of a flagged panel; a block a member, gone at once without a flag.

    taken (2, members, panel, k), each half of `size`: what the two rounds took off the rows of the panel.
    """
    buffer = cuda.shared.array(0, V.dtype)
    t, threads, b = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
    flag = flags[b]
    if flag == _SOUND:
        return
    zero, one = like(V[0], 0.0), like(V[0], 1.0)
    double = V.itemsize == 8
    share = like(V[0], 1e-10) if double else like(V[0], 1e-4)
    smallest = like(V[0], 2.3e-308) if double else like(V[0], 1.2e-38)
    patience = 1 if double else 3  # a chance of 1e-4 is too much, of 1e-12 not
    base, members = at + b * stride, flags.size
    each = size // members
    if flag == _LOST:
        for j in range(t, rows, threads):
            norms[b * k + first + j] = like(V[0], math.nan)
        return
    for q in range(t, rows * first, threads):
        c = b * each + q // first * k + q % first
        taken[c] = taken[size + c] + (taken[c] if flag == _DELICATE else zero)
    cuda.syncthreads()
    for j in range(rows):
        l = first + j
        row = b * each + j * k
        doubt = doubts[b * k + l]
        norm = norm_of(V, base + l * nx, nx, buffer, t, threads)
        most = zero
        for c in range(t, l, threads):
            most = most if abs(taken[row + c]) <= most else abs(taken[row + c])
        most = largest_of(most, buffer, t, threads)
        noise = False
        if norm > zero and norm < like(V[0], 0.01) * most:
            cancelled = norm < share * most
            _again(V, base, nx, l, taken, row, size + row, buffer, t, threads)
            if cancelled:
                noise = _is_noise(V, base, nx, l, k, taken, row, buffer, t, threads)
            norm = norm_of(V, base + l * nx, nx, buffer, t, threads)
        doubt = doubt + 1 if noise else 0
        wiped = doubt >= patience or norm < smallest
        norm = zero if wiped else norm
        inverse = one / norm if norm > zero else norm
        for i in range(t, nx, threads):
            V[base + l * nx + i] = zero if wiped else V[base + l * nx + i] * inverse
        if t == 0:
            norms[b * k + l] *= norm
            doubts[b * k + l] = doubt
        cuda.syncthreads()
        for r in range(j + 1, rows, 4):
            count = 4 if r + 4 <= rows else rows - r
            others = base + (first + r) * nx
            place = b * each + r * k + l
            _four_dots(V, base + l * nx, others, count, nx, buffer, t, threads, taken, place, k)
            for i in range(t, nx, threads):
                q = V[base + l * nx + i]
                for s in range(count):
                    V[others + s * nx + i] -= taken[place + s * k] * q
            cuda.syncthreads()
