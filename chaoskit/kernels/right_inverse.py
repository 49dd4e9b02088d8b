"""The pseudo-inverse of a decoder, transposed, and the gradient through it: small sums, in double precision.

A dozen calls of NumPy would take as long as a step of training with 16 states.
"""

from __future__ import annotations

import math

import numpy as np

from .._jit import inner_sums, kernel


@inner_sums
def _dot(a, ia, b, ib, n):
    total = 0.0
    for i in range(n):
        total += np.float64(a[ia + i]) * np.float64(b[ib + i])
    return total


@kernel
def right_inverse(B, n, out, ld):
    """out (D, n), rows `ld` apart, = (B B')^-1 B for B (D, n) of full row rank; both flat."""
    D = B.size // n
    L = np.zeros((D, D))  # of the Cholesky decomposition of B B'
    for i in range(D):
        for j in range(i + 1):
            total = _dot(B, i * n, B, j * n, n)
            for k in range(j):
                total -= L[i, k] * L[j, k]
            L[i, j] = math.sqrt(total) if i == j else total / L[j, j]
    x = np.empty((D, n))
    for i in range(D):
        for l in range(n):
            x[i, l] = B[i * n + l]
        for k in range(i):
            for l in range(n):
                x[i, l] -= L[i, k] * x[k, l]
        for l in range(n):
            x[i, l] /= L[i, i]
    for i in range(D - 1, -1, -1):
        for k in range(i + 1, D):
            for l in range(n):
                x[i, l] -= L[k, i] * x[k, l]
        for l in range(n):
            x[i, l] /= L[i, i]
            out[i * ld + l] = x[i, l]


@kernel
def add_gradient_through_inverse(B, n, P, ldp, G, ldg, out):
    """out (D, n) += gradient of B from the gradient G (D, n) of its transposed pseudo-inverse P (D, n); flat.

    For full row rank dpinv = -pinv dB pinv + (1 - pinv B) dB' (B B')^-1 (Golub and Pereyra 1973,
    doi:10.1137/0710036, Eq. 4.12), and (B B')^-1 = P P'.
    """
    D = B.size // n
    K = np.empty((D, D))  # P P'
    H = np.empty((D, D))  # P G' + P P' G B'
    for i in range(D):
        for j in range(D):
            K[i, j] = _dot(P, i * ldp, P, j * ldp, n)
    for j in range(D):
        for i in range(D):
            H[i, j] = _dot(P, i * ldp, G, j * ldg, n)
        for k in range(D):
            s = _dot(G, k * ldg, B, j * n, n)
            for i in range(D):
                H[i, j] += K[i, k] * s
    for i in range(D):
        for j in range(D):
            for l in range(n):
                out[i * n + l] += K[i, j] * G[j * ldg + l] - H[i, j] * P[j * ldp + l]
