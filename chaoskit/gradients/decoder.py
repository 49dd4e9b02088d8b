"""The linear decoder x = B h, its inversion, and the gradient through both."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from ..kernels.right_inverse import right_inverse

# The inverse is taken through B B', which squares the condition
_WORST_CONDITION = {np.dtype(np.float64): 1e6, np.dtype(np.float32): 1e3}


def checked_decoder(decoder: Any, n_units: int, dtype: Any) -> np.ndarray:
    """B as (D, n) of full row rank.

    Raises InvalidInputError for another shape, or where no right inverse exists.
    """
    B = _check.array(decoder, "decoder", dtype)
    if B.ndim != 2 or B.shape[1] != n_units or not 1 <= B.shape[0] <= n_units:
        raise InvalidInputError(
            f"decoder: expected shape (D, {n_units}) with 1 <= D <= {n_units} (the states it reads: h only "
            f"for an LSTM), got {B.shape}"
        )
    condition = np.linalg.cond(B)
    if not condition < _WORST_CONDITION[B.dtype]:
        raise InvalidInputError(
            f"decoder: expected full row rank, got a condition of {condition:.1e}; its rows are (nearly) "
            "dependent and cannot be inverted"
        )
    return B


def initial_decoder(D: int, n_units: int, rng: np.random.Generator, dtype: Any) -> np.ndarray:
    """Random B (D, n) with orthonormal rows, so that its pseudo-inverse is its transpose."""
    return np.ascontiguousarray(np.linalg.qr(rng.standard_normal((n_units, D)))[0].T, dtype)


def inverse(B: np.ndarray) -> np.ndarray:
    """pinv(B) = B' (B B')^-1, shape (n, D), of a decoder with full row rank."""
    out = np.empty_like(B)
    right_inverse(B.reshape(-1), B.shape[1], out.reshape(-1), B.shape[1])
    return out.T
