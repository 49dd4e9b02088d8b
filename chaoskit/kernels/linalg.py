"""Products: by BLAS through function pointers, and by plain loops where a call would cost more."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
from numba import types
from numba.extending import get_cython_function_address

from .._jit import BEFORE_FIRST_KERNEL, inlined, inner, inner_sums, overload
from .lane_vectors import four_sums, lane_numbers, load_lanes, multiply_add, wide, zero_lanes

# Function pointers cost under 0.1 us a call, hold no GIL and can be cached on disk; np.dot inside a
# kernel costs 3-6 times as much for small matrices.
_SGEMM = types.ExternalFunction("chaoskit_sgemm", types.void(*[types.uintp] * 13))
_DGEMM = types.ExternalFunction("chaoskit_dgemm", types.void(*[types.uintp] * 13))


_AS_THEY_LIE = 1_000_000  # products of three sizes up to this (interface/gemm.c, AVX-512 kernels)
_SHORTEST = 16  # rows; the sum is read and written once a portion


def _one_blas_thread() -> None:
    """Keep SciPy's OpenBLAS to one thread, unless the environment says otherwise.

    The products here are too small to share: two threads that wait for each other make training two to
    four times slower. Parallel work belongs to whole runs. NumPy's own BLAS is another library.
    """
    if "OPENBLAS_NUM_THREADS" in os.environ or "OMP_NUM_THREADS" in os.environ:
        return
    import scipy

    package = Path(scipy.__file__).parent
    for folder in (package.parent / "scipy.libs", package / ".dylibs"):
        for library in folder.glob("libscipy_openblas*"):
            set_threads = getattr(ctypes.CDLL(str(library)), "scipy_openblas_set_num_threads", None)
            if set_threads is not None:
                set_threads(1)


def _register_blas() -> None:
    for name in ("sgemm", "dgemm"):
        llvm.add_symbol("chaoskit_" + name, get_cython_function_address("scipy.linalg.cython_blas", name))
    _one_blas_thread()


BEFORE_FIRST_KERNEL.append(_register_blas)


def _call(like, *pointers):
    raise NotImplementedError


@overload(_call, strict=False)
def _call_blas(like, a, b, c, d, e, f, g, h, i, j, k, l, m):
    routine = _SGEMM if like.dtype == types.float32 else _DGEMM

    def call(like, a, b, c, d, e, f, g, h, i, j, k, l, m):
        routine(a, b, c, d, e, f, g, h, i, j, k, l, m)

    return call


@inner
def blas_arguments(like):
    """Memory for the arguments that BLAS takes by reference: letters N and T, scalars 1, 0, -1, sizes."""
    scalars = np.empty(3, like.dtype)
    scalars[0], scalars[1], scalars[2] = 1, 0, -1
    return np.array([78, 84], dtype=np.uint8), scalars, np.zeros(8, np.int32)


@inner
def keep_alive(blas):
    """The last use of `blas_arguments` that were borrowed."""
    blas[2][7] = 0


@inner
def gemm(work, ta, tb, m, n, k, alpha, a, ia, lda, b, ib, ldb, beta, c, ic, ldc):
    """Row-major C (m, n) = alpha op(A) op(B) + beta C on flat arrays.

    ta, tb: 1 for a transposed operand; alpha: 1 or -1; beta: 0 or 1; ia, ib, ic: offsets in elements.
    BLAS counts columns first, so it is asked for the transposed product.
    """
    letters, scalars, ints = work
    size = c.itemsize
    ints[0], ints[1], ints[2], ints[3], ints[4], ints[5] = n, m, k, ldb, lda, ldc
    l, s, i = letters.ctypes.data, scalars.ctypes.data, ints.ctypes.data
    _call(
        c, l + tb, l + ta, i, i + 4, i + 8,
        s + (0 if alpha == 1 else 2 * size), b.ctypes.data + ib * size, i + 12,
        a.ctypes.data + ia * size, i + 16,
        s + (0 if beta == 1 else size), c.ctypes.data + ic * size, i + 20,
    )  # fmt: skip


@inner
def add_outer_products(work, m, n, rows, a, ia, lda, b, ib, ldb, c):
    """C (m, n) += A^T B with A (rows, m) from `ia` on and B (rows, n) from `ib` on, many rows.

    In portions, where these are products that OpenBLAS multiplies as they lie: it copies larger ones into
    an order of its own first, which takes as long again for narrow matrices.
    """
    portion = _AS_THEY_LIE // (m * n)
    portion = portion if portion >= _SHORTEST else rows
    for r in range(0, rows, portion):
        count = min(portion, rows - r)
        gemm(work, 1, 0, m, n, count, 1, a, ia + r * lda, lda, b, ib + r * ldb, ldb, 1, c, 0, n)


@inner_sums
def small_product(a, ia, lda, rows, inner_size, bt, cols, c, ic):
    """C (rows, cols) = A (rows, inner) B^T with B (cols, inner), for sizes where a call would cost more."""
    zero = c.dtype.type(0)
    for r in range(rows):
        for i in range(cols):
            total = zero
            for l in range(inner_size):
                total += a[ia + r * lda + l] * bt[i * inner_size + l]
            c[ic + r * cols + i] = total


@inner
def two_row_product(a, width, bt, inner_size, cols, c):
    """C (2, cols) = A (2, width) B^T with B (cols, inner), which is read once: a state and one tangent.

    BLAS would copy B into its own order first, which costs as much as the product.
    """
    n = inner_size
    for i in range(0, cols - 3, 4):
        _four_columns(a, width, bt, i, n, cols, c)
    for i in range(cols - cols % 4, cols):
        t, u = c.dtype.type(0), c.dtype.type(0)
        for l in range(n):
            t += a[l] * bt[i * n + l]
            u += a[width + l] * bt[i * n + l]
        c[i], c[cols + i] = t, u


@inlined
def _four_columns(a, width, bt, i, n, cols, c):
    """Columns i to i + 3 of both rows."""
    tag = wide(a)
    L = lane_numbers(tag)
    whole = n - n % L
    b0 = i * n
    b1, b2, b3 = b0 + n, b0 + 2 * n, b0 + 3 * n
    t0 = t1 = t2 = t3 = u0 = u1 = u2 = u3 = zero_lanes(tag, a)
    for l in range(0, whole, L):
        x, y = load_lanes(tag, a, l), load_lanes(tag, a, width + l)
        b = load_lanes(tag, bt, b0 + l)
        t0, u0 = multiply_add(x, b, t0), multiply_add(y, b, u0)
        b = load_lanes(tag, bt, b1 + l)
        t1, u1 = multiply_add(x, b, t1), multiply_add(y, b, u1)
        b = load_lanes(tag, bt, b2 + l)
        t2, u2 = multiply_add(x, b, t2), multiply_add(y, b, u2)
        b = load_lanes(tag, bt, b3 + l)
        t3, u3 = multiply_add(x, b, t3), multiply_add(y, b, u3)
    p0, p1, p2, p3 = four_sums(t0, t1, t2, t3)
    q0, q1, q2, q3 = four_sums(u0, u1, u2, u3)
    for l in range(whole, n):
        x, y = a[l], a[width + l]
        p0, q0 = p0 + x * bt[b0 + l], q0 + y * bt[b0 + l]
        p1, q1 = p1 + x * bt[b1 + l], q1 + y * bt[b1 + l]
        p2, q2 = p2 + x * bt[b2 + l], q2 + y * bt[b2 + l]
        p3, q3 = p3 + x * bt[b3 + l], q3 + y * bt[b3 + l]
    c[i], c[i + 1], c[i + 2], c[i + 3] = p0, p1, p2, p3
    j = cols + i
    c[j], c[j + 1], c[j + 2], c[j + 3] = q0, q1, q2, q3
