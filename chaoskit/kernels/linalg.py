"""Products through BLAS pointers and Gram-Schmidt on rows."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
from numba import types
from numba.extending import get_cython_function_address

from .._jit import BEFORE_FIRST_KERNEL, inner, inner_sums, overload, unowned

# Function pointers cost under 0.1 us a call, hold no GIL and can be cached on disk; np.dot inside a
# kernel costs 3-6 times as much for small matrices.
_SGEMM = types.ExternalFunction("chaoskit_sgemm", types.void(*[types.uintp] * 13))
_DGEMM = types.ExternalFunction("chaoskit_dgemm", types.void(*[types.uintp] * 13))


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
def borrowed(blas):
    """`blas_arguments` without reference counts; whoever made them keeps them alive with `keep_alive`."""
    letters, scalars, ints = blas
    return unowned(letters), unowned(scalars), unowned(ints)


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


@inner_sums
def _gram_schmidt_panel(V, norms):
    """Modified Gram-Schmidt of the rows of V, four rows at a time. A zero row stays zero: norm 0, no NaN."""
    k, N = V.shape
    zero, one = V.dtype.type(0), V.dtype.type(1)
    for j in range(k):
        total = zero
        for i in range(N):
            total += V[j, i] * V[j, i]
        norm = np.sqrt(total)
        norms[j] = norm
        inverse = one / norm if norm > zero else norm
        for i in range(N):
            V[j, i] *= inverse
        l = j + 1
        while l + 3 < k:
            c0, c1, c2, c3 = zero, zero, zero, zero
            for i in range(N):
                q = V[j, i]
                c0 += q * V[l, i]
                c1 += q * V[l + 1, i]
                c2 += q * V[l + 2, i]
                c3 += q * V[l + 3, i]
            for i in range(N):
                q = V[j, i]
                V[l, i] -= c0 * q
                V[l + 1, i] -= c1 * q
                V[l + 2, i] -= c2 * q
                V[l + 3, i] -= c3 * q
            l += 4
        while l < k:
            c0 = zero
            for i in range(N):
                c0 += V[j, i] * V[l, i]
            for i in range(N):
                V[l, i] -= c0 * V[j, i]
            l += 1


@inner
def gram_schmidt(V, flat, iv, norms, gram, panel, work):
    """Orthonormalise the rows of V (k, N) in place; norms gets the diagonal of R.

    `flat` is the memory of V, which begins at `iv`. Panels of rows are joined by two products, halves
    of powers of two as in the recursive form, but iteratively: a recursive function cannot be cached.
    On tangents kept as rows this stays exact where J = diag . W is badly graded and Householder is not.
    """
    k, N = V.shape
    if k <= panel:
        _gram_schmidt_panel(V, norms)
        return
    done = 0
    while done < k:
        stop = min(done + panel, k)
        _gram_schmidt_panel(V[done:stop], norms[done:stop])
        done = stop
        panels = done // panel
        w = panel * (panels & -panels)  # rows of the block that has just become complete
        r = min(w, k - done)
        if r > 0:
            q, v = iv + (done - w) * N, iv + done * N
            gemm(work, 0, 1, r, w, N, 1, flat, v, N, flat, q, N, 0, gram, 0, w)
            gemm(work, 0, 0, r, N, w, -1, gram, 0, w, flat, q, N, 1, flat, v, N)
