"""cuBLAS as NumPy does it: calls with addresses, columns first."""

from __future__ import annotations

import ctypes

import numpy as np


def _at(address: int, size: int, dtype) -> np.ndarray:
    kind = ctypes.c_double if dtype == np.float64 else ctypes.c_float
    return np.ctypeslib.as_array((kind * size).from_address(address))


def _matrix(address: int, rows: int, columns: int, lead: int, dtype) -> np.ndarray:
    """A view of a matrix whose columns are `lead` apart."""
    size = lead * (columns - 1) + rows
    flat = _at(address, size, dtype)
    return np.lib.stride_tricks.as_strided(
        flat, (rows, columns), (flat.itemsize, lead * flat.itemsize), writeable=True
    )


def _operand(address, transposed, rows, columns, lead, dtype):
    return (
        _matrix(address, columns, rows, lead, dtype).T
        if transposed
        else _matrix(address, rows, columns, lead, dtype)
    )


def _gemm(dtype, ta, tb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc) -> None:
    a, b = _operand(A, ta, m, k, lda, dtype), _operand(B, tb, k, n, ldb, dtype)
    c, factors = _matrix(C, m, n, ldc, dtype), (_at(alpha, 1, dtype)[0], _at(beta, 1, dtype)[0])
    c[...] = factors[0] * (a @ b) + (factors[1] * c if factors[1] != 0 else 0)


class NumpyBlas:
    """The four functions that chaoskit calls; `calls` counts them."""

    def __init__(self):
        self.calls = 0

    def _one(self, dtype, handle, ta, tb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc):
        self.calls += 1
        _gemm(dtype, ta, tb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc)

    def _many(self, dtype, handle, ta, tb, m, n, k, alpha, A, lda, sa, B, ldb, sb, beta, C, ldc, sc, batch):
        self.calls += 1
        width = np.dtype(dtype).itemsize
        for i in range(batch):
            a, b, c = A + i * sa * width, B + i * sb * width, C + i * sc * width
            _gemm(dtype, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)

    def sgemm(self, *args):
        self._one(np.float32, *args)

    def dgemm(self, *args):
        self._one(np.float64, *args)

    def sgemmStridedBatched(self, *args):
        self._many(np.float32, *args)

    def dgemmStridedBatched(self, *args):
        self._many(np.float64, *args)
