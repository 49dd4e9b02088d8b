"""The linear decoder x = B h, its inversion, and the gradient through both."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError

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
    return np.linalg.solve(B @ B.T, B).T


def gradient_through_inverse(B: np.ndarray, P: np.ndarray, P_bar: np.ndarray) -> np.ndarray:
    """Gradient of B (D, n) from the gradient P_bar (n, D) of its pseudo-inverse P.

    For full row rank, dP = -P dB P + (I - P B) dB' (B B')^-1 (Golub and Pereyra 1973,
    doi:10.1137/0710036, Eq. 4.12).
    """
    outside = P_bar - P @ (B @ P_bar)
    return (P.T @ P) @ outside.T - (P.T @ P_bar) @ P.T  # P'P is (B B')^-1
