"""Gram-Schmidt on rows and products through BLAS pointers, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit._jit import BEFORE_FIRST_KERNEL, kernel
from chaoskit.kernels.gram_schmidt import Triangle, gram_schmidt
from chaoskit.kernels.linalg import blas_arguments, gemm, small_product, two_row_product

while BEFORE_FIRST_KERNEL:
    BEFORE_FIRST_KERNEL.pop()()


@kernel
def _orthonormalise(flat, V, found, panel):
    gram_schmidt(V, flat, 0, found, panel, blas_arguments(V))


@kernel
def _multiply(ta, tb, m, n, k, alpha, a, ia, lda, b, ib, ldb, beta, c, ic, ldc):
    gemm(blas_arguments(c), ta, tb, m, n, k, alpha, a, ia, lda, b, ib, ldb, beta, c, ic, ldc)


@kernel
def _multiply_small(a, ia, lda, rows, inner, bt, cols, c, ic):
    small_product(a, ia, lda, rows, inner, bt, cols, c, ic)


@kernel
def _multiply_two_rows(a, width, bt, inner, cols, c):
    two_row_product(a, width, bt, inner, cols, c)


def orthonormalise(rows, panel=64):
    flat = np.ascontiguousarray(rows).reshape(-1).copy()
    k = len(rows)
    found = Triangle(*(np.full(size, np.nan) for size in (k, k * k, k, k)))
    _orthonormalise(flat, flat.reshape(rows.shape), found, panel)
    return flat.reshape(rows.shape), found.norms


@pytest.mark.parametrize("panel", [1, 3, 4, 16, 64])
@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 5), (2, 2), (5, 9), (17, 17), (48, 60), (63, 64)])
def test_gram_schmidt_is_the_qr_decomposition(k, n, panel):
    V = np.random.default_rng(k * n).standard_normal((k, n))
    Q, norms = orthonormalise(V, panel)
    q, r = np.linalg.qr(V.T)
    sign = np.sign(np.diag(r))
    np.testing.assert_allclose(norms, np.abs(np.diag(r)), rtol=1e-11)
    np.testing.assert_allclose(Q, (q * sign).T, atol=1e-11)
    np.testing.assert_allclose(Q @ Q.T, np.eye(k), atol=1e-12)


@pytest.mark.parametrize("panel", [2, 64])
def test_zero_rows_stay_zero_and_harm_nobody(panel):
    V = np.random.default_rng(1).standard_normal((7, 8))
    V[[0, 3, 6]] = 0.0
    Q, norms = orthonormalise(V, panel)
    assert (norms[[0, 3, 6]] == 0).all()
    assert (Q[[0, 3, 6]] == 0).all()
    assert np.isfinite(Q).all()
    rest = [1, 2, 4, 5]
    np.testing.assert_allclose(Q[rest] @ Q[rest].T, np.eye(4), atol=1e-13)
    np.testing.assert_allclose(norms[rest], orthonormalise(V[rest])[1], rtol=1e-12)


def test_all_rows_zero():
    Q, norms = orthonormalise(np.zeros((3, 4)))
    assert (Q == 0).all()
    assert (norms == 0).all()


def test_infinity_and_nan_are_passed_on():
    V = np.eye(3)
    V[1, 1] = np.inf
    assert not np.isfinite(orthonormalise(V)[1][1])
    V[1, 1] = np.nan
    assert np.isnan(orthonormalise(V)[1][1])


def test_graded_rows_keep_their_relative_accuracy():
    """diag . W with a range of 1e-12: the norms agree with those of a decomposition of W itself."""
    rng = np.random.default_rng(3)
    W, scale = rng.standard_normal((6, 6)), 10.0 ** -np.arange(0, 12, 2)
    _, norms = orthonormalise(scale[:, None] * W)
    np.testing.assert_allclose(norms, scale * np.abs(np.diag(np.linalg.qr(W.T)[1])), rtol=1e-10)


@pytest.mark.parametrize("panel", [3, 64])
@pytest.mark.parametrize("exponents", [(0, -300), (-300, 0), (150, -150), (-150, 150)], ids=str)
def test_rows_of_any_length(exponents, panel):
    """Orthonormal to round-off, though products of two rows would leave the range of numbers."""
    V = np.random.default_rng(5).standard_normal((12, 14))
    scale = 10.0 ** np.linspace(*exponents, 12)
    Q, norms = orthonormalise(scale[:, None] * V, panel)
    np.testing.assert_allclose(Q @ Q.T, np.eye(12), atol=1e-13)
    np.testing.assert_allclose(norms / scale, orthonormalise(V)[1], rtol=1e-11)


@pytest.mark.parametrize("ta", [0, 1])
@pytest.mark.parametrize("tb", [0, 1])
@pytest.mark.parametrize(("alpha", "beta"), [(1, 0), (-1, 1)])
def test_gemm_with_offsets_and_strides(ta, tb, alpha, beta):
    rng = np.random.default_rng(0)
    m, n, k = 3, 5, 4
    A, B, C = rng.standard_normal((9, 7)), rng.standard_normal((8, 9)), rng.standard_normal((6, 8))
    a = A[1 : 1 + (k if ta else m), 2 : 2 + (m if ta else k)]
    b = B[2 : 2 + (n if tb else k), 1 : 1 + (k if tb else n)]
    wanted = C.copy()
    part = wanted[1 : 1 + m, 3 : 3 + n]
    part[...] = alpha * (a.T if ta else a) @ (b.T if tb else b) + beta * part
    _multiply(ta, tb, m, n, k, alpha, A.ravel(), 9, 7, B.ravel(), 19, 9, beta, C.reshape(-1), 11, 8)
    np.testing.assert_allclose(C, wanted, rtol=1e-13, atol=1e-14)


def test_small_product():
    rng = np.random.default_rng(0)
    A, B, C = rng.standard_normal((4, 6)), rng.standard_normal((5, 3)), np.zeros(21)
    _multiply_small(A.ravel(), 1, 6, 4, 3, B.ravel(), 5, C, 1)
    np.testing.assert_allclose(C[1:].reshape(4, 5), A[:, 1:4] @ B.T, rtol=1e-13)
    assert C[0] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("inner", "cols"), [(1, 1), (7, 6), (8, 4), (16, 9), (37, 11), (64, 64)])
def test_two_row_product(inner, cols, dtype):
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((2, inner + 2)).astype(dtype), rng.standard_normal((cols, inner)).astype(dtype)
    C = np.full((2, cols), np.nan, dtype)
    _multiply_two_rows(A.ravel(), inner + 2, B.ravel(), inner, cols, C.reshape(-1))
    np.testing.assert_allclose(C, A[:, :inner] @ B.T, rtol=0, atol=20 * np.finfo(dtype).eps * np.sqrt(inner))
