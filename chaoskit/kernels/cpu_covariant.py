"""Frames along an orbit with the triangles that join them, and the recursions that run back through them."""

from __future__ import annotations

import math

from .._jit import inner, kernel, model_kernel, unowned
from .gram_schmidt import gram_schmidt, triangle
from .linalg import blas_arguments, keep_alive
from .models import run


@inner
def _keep_triangle(norms, coefficients, k, R):
    """R (k, k), upper: column l tells how tangent l is made of the new frame."""
    for l in range(k):
        for j in range(k):
            R[j, l] = coefficients[l * k + j] if j < l else 0.0
        R[l, l] = norms[l]


@model_kernel
def frames(tag, pack, work, V, W, U, t0, steps, panel, states, Q, R):
    """Orthonormalise k tangents at every step and keep what happens.

    V, W, U as in `tangent_products`. states (steps + 1, nx), Q (steps + 1, k, nx): state and frame (rows)
    from the start on. R (steps, k, k), upper triangular: J Q_t' = Q_{t+1}' R_t. Returns the step at which
    the orbit was no longer finite, or -1.
    """
    owned = blas_arguments(V)
    blas = unowned(owned)
    k = Q.shape[1]
    nx = V.size // (k + 1)
    width = U.size // steps
    pack, work = unowned(pack), unowned(work)
    found = triangle(V, k)
    for t in range(steps + 1):
        for i in range(nx):
            states[t, i] = V[i]
            for j in range(k):
                Q[t, j, i] = V[(j + 1) * nx + i]
        if t == steps:
            break
        if run(tag, pack, work, blas, V, k, U, t * width, t0 + t, 1, W):
            for i in range(V.size):
                V[i] = W[i]
        gram_schmidt(V[nx:].reshape(k, nx), V, nx, found, panel, blas)
        _keep_triangle(found.norms, found.coefficients, k, R[t])
        if not (math.isfinite(V[:nx].sum()) and math.isfinite(found.norms.sum())):
            return t + 1
    keep_alive(owned)
    return -1


@kernel
def back_through_triangles(R, C, kept, growth):
    """Covariant coefficients C (k, k), upper, unit columns, back through R (steps, k, k).

    C_t = R_t^-1 C_{t+1}; kept (steps, k, k) gets the coefficients before each step, growth (steps, k) the
    logarithm by which the step stretches each vector. A direction that a step wipes out (a zero on the
    diagonal) is left to the vector of that number alone.
    """
    steps, k, _ = R.shape
    for back in range(steps):
        t = steps - 1 - back
        for l in range(k):
            dead = R[t, l, l] == 0.0
            for i in range(l, -1, -1):
                total = 0.0 if dead else C[i, l]
                for j in range(i + 1, l + 1):
                    total -= R[t, i, j] * C[j, l]
                if R[t, i, i] == 0.0:
                    C[i, l] = 1.0 if i == l else 0.0
                else:
                    C[i, l] = total / R[t, i, i]
            size = 0.0
            for i in range(l + 1):
                size += C[i, l] * C[i, l]
            size = math.sqrt(size)
            for i in range(l + 1):
                C[i, l] /= size
            growth[t, l] = -math.inf if dead else -math.log(size)
        for i in range(k):
            for j in range(k):
                kept[t, i, j] = C[i, j]


@kernel
def adjoint_frames(J, P, Q):
    """Frames of the adjoint dynamics: P (k, N) rows, back through Jacobians J (steps, N, N).

    Q (steps, k, N) gets the orthonormal rows before each step.
    """
    steps, n, _ = J.shape
    k = P.shape[0]
    for back in range(steps):
        t = steps - 1 - back
        for j in range(k):
            for i in range(n):
                Q[t, j, i] = 0.0
            for l in range(n):
                for i in range(n):
                    Q[t, j, i] += P[j, l] * J[t, l, i]
        for j in range(k):
            for l in range(j):
                c = 0.0
                for i in range(n):
                    c += Q[t, l, i] * Q[t, j, i]
                for i in range(n):
                    Q[t, j, i] -= c * Q[t, l, i]
            size = 0.0
            for i in range(n):
                size += Q[t, j, i] * Q[t, j, i]
            size = math.sqrt(size)
            for i in range(n):
                Q[t, j, i] = Q[t, j, i] / size if size > 0.0 else 0.0
                P[j, i] = Q[t, j, i]
