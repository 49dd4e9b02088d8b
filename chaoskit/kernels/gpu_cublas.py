"""Products by the cuBLAS that CuPy brings along: one call a product, on the arrays as they lie.

`cupy.matmul` would copy what is not contiguous, and spends longer on the host than a panel of Gram-Schmidt
takes on the GPU. cuBLAS counts columns first, so it is asked for C' = op(B)' op(A)'.
"""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from typing import Any

import numpy as np

from ..errors import ChaoskitWarning
from . import gpu_launch as gpu
from .gpu_operand import Operand

_PLAIN, _TRANSPOSED = 0, 1  # of cublasOperation_t
_LETTER = {"f": "s", "d": "d"}


class Cublas:
    """Products of one handle. Its stream is the default one, as that of Numba's launches.

    Parameters
    ----------
    blas : module
        `cupy.cuda.cublas`.
    handle : int
    """

    def __init__(self, blas: Any, handle: int):
        self.blas, self.handle = blas, handle

    def multiply(
        self,
        dtype: np.dtype,
        m: int,
        n: int,
        k: int,
        a: Operand,
        b: Operand,
        c: Operand,
        alpha,
        beta,
        batch: int,
    ) -> None:
        """As `gpu_products.Products.multiply`."""
        letter, itemsize = _LETTER[dtype.char], dtype.itemsize
        factors = np.array([alpha, beta], dtype)  # cuBLAS reads them before it returns
        first, second = factors.ctypes.data, factors.ctypes.data + itemsize
        (A, lda, sa), (B, ldb, sb), (C, ldc, sc) = (_place(x, itemsize) for x in (a, b, c))
        how = [_TRANSPOSED if x.transposed else _PLAIN for x in (b, a)]
        if batch == 1:
            call = getattr(self.blas, letter + "gemm")
            call(self.handle, *how, n, m, k, first, B, ldb, A, lda, second, C, ldc)
            return
        call = getattr(self.blas, letter + "gemmStridedBatched")
        call(self.handle, *how, n, m, k, first, B, ldb, sb, A, lda, sa, second, C, ldc, sc, batch)


def _place(x: Operand, itemsize: int) -> tuple[int, int, int]:
    """Address, leading dimension and distance of the members of an operand."""
    return gpu.address(x.array) + itemsize * x.at, x.lead, x.stride


@cache
def cublas() -> Cublas | None:
    """cuBLAS, if CuPy is there and multiplies as it should; what is there and does not, warns."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError:
        return None
    try:
        blas = getattr(cupy.cuda, "cublas", None) or importlib.import_module("cupy_backends.cuda.libs.cublas")
        found = Cublas(blas, blas.create())  # CuPy's own handle ends with the thread that asked for it
        check(found)
    except Exception as error:  # made for another CUDA or another form of its calls: it may raise anything
        warnings.warn(
            f"the products of CuPy cannot be used ({type(error).__name__}: {error}); chaoskit takes its own, "
            "which are slower",
            ChaoskitWarning,
            stacklevel=2,
        )
        return None
    return found


def check(library: Cublas) -> None:
    """Raise if a small product with everything in it comes out wrong."""
    A, B, C = (np.arange(1.0, 1.0 + size) for size in (12, 24, 20))
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        a, b, c = (gpu.put(x.astype(dtype)) for x in (A, B, C))
        left, right = Operand(a, 2, 1, 6, True), Operand(b, 4, 0, 12)
        library.multiply(dtype, 2, 4, 2, left, right, Operand(c, 5, 0, 10), -1.0, 2.0, 2)
        found = gpu.fetch(c, (2, 2, 5))
        wanted = C.reshape(2, 2, 5).copy()
        for member in range(2):
            x = A[1 + 6 * member : 5 + 6 * member].reshape(2, 2).T
            y = B[12 * member : 12 * member + 8].reshape(2, 4)
            wanted[member, :, :4] = 2.0 * wanted[member, :, :4] - x @ y
        if not np.allclose(found, wanted, rtol=1e-5):
            raise ArithmeticError("a product came out wrong")
