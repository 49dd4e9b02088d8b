"""Products of a few rows inside a block: a weight is read once, through the cache, for four rows.

The rows lie in shared memory with an odd leading dimension, neighbouring threads own neighbouring units:
reads of weights are coalesced, reads of rows are broadcasts.
"""

from __future__ import annotations

from collections.abc import Callable

from .._jit import gpu_function
from ..cells._math import like
from . import gpu_launch as gpu
from .planes import add, load, scaled

ROWS = 4  # of a group of threads
_THREADS = 128  # of a block
_BLOCKS = 264  # that keep the multiprocessors of a large card busy


@gpu_function
def four_gates(tag, WT, iw, na, n, j, R, ir, ld, first, last):
    """Gates of unit j for the rows at ir, ir + ld, ...: sums over l of WT[l, planes of j] R[row, l]."""
    zero = scaled(load(tag, "a", WT, iw, n, j), like(R[ir], 0.0))
    a0, a1, a2, a3 = zero, zero, zero, zero
    for l in range(first, last):
        w = load(tag, "a", WT, iw + l * na, n, j)
        a0 = add(a0, scaled(w, R[ir + l]))
        a1 = add(a1, scaled(w, R[ir + ld + l]))
        a2 = add(a2, scaled(w, R[ir + 2 * ld + l]))
        a3 = add(a3, scaled(w, R[ir + 3 * ld + l]))
    return a0, a1, a2, a3


@gpu_function
def four_rows(tag, WT, iw, na, n, j, D, jd, R, ir, ld, inner):
    """Gates of unit j for the rows ir, ir + ld, ... of R: sums over l of WT[l, planes of j] D[l] R[r, l]."""
    w = scaled(load(tag, "a", WT, iw, n, j), D[jd])
    a0, a1 = scaled(w, R[ir]), scaled(w, R[ir + ld])
    a2, a3 = scaled(w, R[ir + 2 * ld]), scaled(w, R[ir + 3 * ld])
    for l in range(1, inner):
        w = scaled(load(tag, "a", WT, iw + l * na, n, j), D[jd + l])
        a0 = add(a0, scaled(w, R[ir + l]))
        a1 = add(a1, scaled(w, R[ir + ld + l]))
        a2 = add(a2, scaled(w, R[ir + 2 * ld + l]))
        a3 = add(a3, scaled(w, R[ir + 3 * ld + l]))
    return a0, a1, a2, a3


@gpu_function
def four_sums(M, im, lda, j, R, ir, ld, count):
    """Sums over l of M[l, j] R[row, l] for the rows at ir, ir + ld, ...; M row-major with `lda` columns."""
    zero = like(R[ir], 0.0)
    s0, s1, s2, s3 = zero, zero, zero, zero
    for l in range(count):
        w = M[im + l * lda + j]
        s0 += w * R[ir + l]
        s1 += w * R[ir + ld + l]
        s2 += w * R[ir + 2 * ld + l]
        s3 += w * R[ir + 3 * ld + l]
    return s0, s1, s2, s3


@gpu_function
def one_row(tag, WT, iw, na, n, j, E, ie, inner, U, iu, inputs):
    """Gates of unit j from the features E of one state, and from its inputs."""
    a = scaled(load(tag, "a", WT, iw, n, j), E[ie])
    for l in range(1, inner):
        a = add(a, scaled(load(tag, "a", WT, iw + l * na, n, j), E[ie + l]))
    for l in range(inputs):
        a = add(a, scaled(load(tag, "a", WT, iw + (inner + l) * na, n, j), U[iu + l]))
    return a


@gpu_function
def copy(source, i, target, j, count, thread, threads):
    """Copy `count` numbers, by all threads of a group."""
    for q in range(thread, count, threads):
        target[j + q] = source[i + q]


@gpu_function
def one_of(r, a0, a1, a2, a3):
    """Number r of four."""
    return a0 if r == 0 else (a1 if r == 1 else (a2 if r == 2 else a3))


def block_of_groups(units: int, groups: int, shared: Callable[[int], int]) -> tuple[int, int]:
    """(threads of a group, groups of a block) for so many units and groups.

    shared: bytes of dynamic shared memory of a block with so many groups. A block holds several groups only
    where there are enough blocks anyway.
    """
    threads = min(units, _THREADS)
    most = max(1, min(_THREADS // threads, groups // _BLOCKS))
    while most > 0 and shared(most) > gpu.SHARED_BYTES:
        most //= 2
    return threads, most
