"""Products through BLAS pointers and Gram-Schmidt on rows."""

from __future__ import annotations

import ctypes
import math
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

# In units of eps sqrt(rows + entries): how far round-off may stand above what was taken off a row.
_NOISE = 4.0


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
def two_row_product(a, width, bt, inner_size, cols, c):
    """C (2, cols) = A (2, width) B^T with B (cols, inner), which is read once: a state and one tangent.

    BLAS would copy B into its own order first, which costs as much as the product. Slices, because an index
    like base + l may be negative to the compiler, and then nothing is vectorised.
    """
    zero, n = c.dtype.type(0), inner_size
    x, y = a[:n], a[width : width + n]
    for i in range(0, cols - 3, 4):
        b0, b1 = bt[i * n : (i + 1) * n], bt[(i + 1) * n : (i + 2) * n]
        b2, b3 = bt[(i + 2) * n : (i + 3) * n], bt[(i + 3) * n : (i + 4) * n]
        t0, t1, t2, t3 = zero, zero, zero, zero
        u0, u1, u2, u3 = zero, zero, zero, zero
        for l in range(n):
            t0 += x[l] * b0[l]
            u0 += y[l] * b0[l]
            t1 += x[l] * b1[l]
            u1 += y[l] * b1[l]
            t2 += x[l] * b2[l]
            u2 += y[l] * b2[l]
            t3 += x[l] * b3[l]
            u3 += y[l] * b3[l]
        c[i], c[i + 1], c[i + 2], c[i + 3] = t0, t1, t2, t3
        j = cols + i
        c[j], c[j + 1], c[j + 2], c[j + 3] = u0, u1, u2, u3
    for i in range(cols - cols % 4, cols):
        b0 = bt[i * n : (i + 1) * n]
        t0, u0 = zero, zero
        for l in range(n):
            t0 += x[l] * b0[l]
            u0 += y[l] * b0[l]
        c[i], c[cols + i] = t0, u0


@inner_sums
def _gram_schmidt_panel(V, norms, flat, iv, first, k, coefficients):
    """Modified Gram-Schmidt of the rows of V, four rows at a time. A zero row stays zero: norm 0, no NaN.

    V are the rows from `first` on of the block in `flat`, k of them in all, of which the rows before
    `first` are done; coefficients (k, k), flat, gets the triangle of the panel.
    """
    count, N = V.shape
    zero, one = V.dtype.type(0), V.dtype.type(1)
    for j in range(count):
        l, total = first + j, zero
        for i in range(N):
            total += V[j, i] * V[j, i]
        norm = np.sqrt(total)
        if not in_range(total, V.itemsize):
            norm = norm_of_extremes(flat, iv + l * N, N, 1)
        if cancelled(norm, coefficients, l * k, l, 1):
            norm = clean_row(flat, iv, N, l, k, coefficients, 0, 1)
        else:
            coefficients[l * k + l] = zero
        norms[j] = norm
        inverse = one / norm if norm > zero else norm
        for i in range(N):
            V[j, i] *= inverse
        at = first * (k + 1) + j
        l = j + 1
        while l + 3 < count:
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
            row = at + l * k
            coefficients[row] = c0
            coefficients[row + k] = c1
            coefficients[row + 2 * k] = c2
            coefficients[row + 3 * k] = c3
            l += 4
        while l < count:
            c0 = zero
            for i in range(N):
                c0 += V[j, i] * V[l, i]
            for i in range(N):
                V[l, i] -= c0 * V[j, i]
            coefficients[at + l * k] = c0
            l += 1


# What follows is for the rare row that needs a second look. Element i lies at `at` + i * stride: a stride of
# 1 for rows in a row, of the number of lanes where systems lie side by side (lanes.py).
@inner
def in_range(square, itemsize):
    """False if a sum of squares has left the range in which it is right (or is 0, or NaN)."""
    if itemsize == 8:
        return 1e-280 < square < 1e300
    return 1e-30 < square < 1e37


@inner
def norm_of_extremes(flat, at, N, stride):
    """Norm of numbers whose squares would underflow or overflow."""
    size = 0.0
    for i in range(N):
        value = abs(np.float64(flat[at + i * stride]))
        size = value if not value <= size else size
    if not (size > 0 and math.isfinite(size)):
        return flat.dtype.type(size)
    total = 0.0
    for i in range(N):
        ratio = np.float64(flat[at + i * stride]) / size
        total += ratio * ratio
    return flat.dtype.type(size * math.sqrt(total))


@inner
def cancelled(rest, coefficients, row, count, stride):
    """True if a row has lost all but 1e-10 (1e-4 in float32) of its length to the `count` rows before it."""
    most = coefficients.dtype.type(0)
    for j in range(count):
        size = abs(coefficients[row + j * stride])
        most = size if size > most else most
    return 0 < rest < coefficients.dtype.type(1e-10 if coefficients.itemsize == 8 else 1e-4) * most


@inner
def clean_row(flat, iv, N, l, k, coefficients, ic, stride):
    """Row l of k once more against the rows before it, which are orthonormal; zero if that leaves noise.

    Rows begin at `iv`, coefficients at `ic`. The products between panels take off a panel at a time, with
    an error of eps times the whole row in each direction of the panel; that is too much for a row of which
    little remains. Returns its norm.
    """
    row = iv + l * N * stride
    for j in range(l):
        at = iv + j * N * stride
        c = flat.dtype.type(0)
        for i in range(N):
            c += flat[at + i * stride] * flat[row + i * stride]
        for i in range(N):
            flat[row + i * stride] -= c * flat[at + i * stride]
        coefficients[ic + (l * k + j) * stride] += c
    own = ic + (l * k + l) * stride
    noise = _is_noise(flat, iv, N, l, k, coefficients, ic, stride)
    coefficients[own] = coefficients[own] + 1 if noise else 0
    if coefficients[own] >= (1 if flat.itemsize == 8 else 3):  # a chance of 1e-4 is too much, of 1e-12 not
        for i in range(N):
            flat[row + i * stride] = 0
    return norm_of_extremes(flat, row, N, stride)


@inner
def _is_noise(flat, iv, N, l, k, coefficients, ic, stride):
    """True if no entry of row l of k stands above the round-off of what was taken off it.

    Entry by entry, because a tangent may be tiny and yet right to the last digit: where J = diag . W is
    badly graded, the small entries are small in every row.
    """
    eps = 2.3e-16 if flat.itemsize == 8 else 1.2e-7
    bound = (_NOISE * eps) ** 2 * (N + k)
    for i in range(N):
        removed = 0.0
        for j in range(l):
            q = flat[iv + (j * N + i) * stride]
            part = np.float64(coefficients[ic + (l * k + j) * stride] * q)
            removed += part * part
        entry = np.float64(flat[iv + (l * N + i) * stride])
        if not entry * entry <= bound * removed:
            return False
    return True


@inner
def gram_schmidt(V, flat, iv, norms, coefficients, panel, work):
    """Orthonormalise the rows of V (k, N) in place: V = (lower triangle) Q.

    norms gets the diagonal of the triangle, coefficients (k, k), flat, what lies below it; its diagonal,
    zero at first, counts how often in a row each direction was found to be round-off. `flat` is the
    memory of V, which begins at `iv`. Panels of rows are joined by two products, halves
    of powers of two as in the recursive form, but iteratively: a recursive function cannot be cached.
    On tangents kept as rows this stays exact where J = diag . W is badly graded and Householder is not.
    A direction that the Jacobian has wiped out comes back as round-off; such a row becomes zero (norm 0).
    """
    k, N = V.shape
    done = 0
    while done < k:
        stop = min(done + panel, k)
        _gram_schmidt_panel(V[done:stop], norms[done:stop], flat, iv, done, k, coefficients)
        done = stop
        panels = done // panel
        w = panel * (panels & -panels)  # rows of the block that has just become complete
        r = min(w, k - done)
        if r > 0:
            q, v = iv + (done - w) * N, iv + done * N
            c = done * k + done - w
            gemm(work, 0, 1, r, w, N, 1, flat, v, N, flat, q, N, 0, coefficients, c, k)
            gemm(work, 0, 0, r, N, w, -1, coefficients, c, k, flat, q, N, 1, flat, v, N)
