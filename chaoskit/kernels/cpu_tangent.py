"""Jacobian products with reorthonormalisation: Lyapunov exponents, and single Jacobians."""

from __future__ import annotations

import math

import numpy as np

from .._jit import inner, inner_sums, model_kernel, unowned
from .linalg import blas_arguments, borrowed, gram_schmidt, keep_alive
from .models import borrow, tangent_step


@inner
def _add_logs(norms, logs, block):
    """Add the logarithms of the norms to a row of logs; returns largest minus smallest.

    A direction that has collapsed (norm 0) adds -inf and is left out of the spread; NaN comes back as NaN.
    """
    high, low, total = -math.inf, math.inf, 0.0
    for j in range(norms.size):
        norm = np.float64(norms[j])
        if norm == 0.0:
            logs[block, j] = -math.inf
            continue
        value = math.log(norm)
        logs[block, j] += value
        total += value
        high = max(high, value)
        low = min(low, value)
    if not math.isfinite(total):
        return math.nan
    return high - low if high >= low else 0.0


@inner_sums
def _sum(x, n):
    """Not finite if any entry is not."""
    total = x.dtype.type(0)
    for i in range(n):
        total += x[i]
    return total


@model_kernel
def tangent_products(
    tag, pack, work, V, W, U, t0, k, blocks, block_steps, every, limit, panel, logs, spreads
):
    """Push k tangents along an orbit, orthonormalise every `every` steps, sum the logarithms by block.

    V ((k + 1) nx,), flat: row 0 the state, then the tangents; all are left one run further on. W is scratch
    of the same size.
    U: inputs (steps, M), flat. logs (blocks, k) gets the sums of log norms, spreads (blocks,) the widest
    spread of log norms met in one interval. With `limit` > 0 an interval whose spread exceeds it halves the
    next ones. Returns (the interval at the end, the step at which the orbit was no longer finite or -1).
    """
    owned = blas_arguments(V)
    blas = borrowed(owned)
    nx = V.size // (k + 1)
    width = U.size // (blocks * block_steps)
    pack, work = borrow(pack, work)
    old, new = unowned(V), unowned(W)
    rows_old, rows_new = old[nx:].reshape(k, nx), new[nx:].reshape(k, nx)
    norms = np.zeros(k, V.dtype)
    coefficients = np.empty(k * k, V.dtype)
    t = 0
    broken = -1
    for block in range(blocks):
        done = 0
        while done < block_steps and broken < 0:
            length = min(every, block_steps - done)
            for _ in range(length):
                tangent_step(tag, pack, work, blas, old, k, U, t * width, t0 + t, new)
                old, new, rows_old, rows_new = new, old, rows_new, rows_old
                t += 1
            gram_schmidt(rows_old, old, nx, norms, coefficients, panel, blas)
            spread = _add_logs(norms, logs, block)
            if not (math.isfinite(spread) and math.isfinite(_sum(old, nx))):
                broken = t
            spreads[block] = max(spreads[block], spread)
            if limit > 0 and spread > limit and every > 1:
                every = max(1, every // 2)
            done += length
    for i in range(V.size):
        V[i] = old[i]
    keep_alive(owned)
    return every, broken


@model_kernel
def jacobians(tag, pack, work, V, W, U, t0, steps, out):
    """Jacobians (steps, nx, nx), flat, of the steps of the orbit from V[:nx]; V and W ((nx + 1) nx,).

    V[:nx] is left one run further on.
    """
    blas = blas_arguments(V)
    nx = int(math.sqrt(V.size))
    width = U.size // steps
    pack, work = borrow(pack, work)
    for t in range(steps):
        for i in range(nx, V.size):
            V[i] = 0
        for i in range(nx):
            V[(i + 1) * nx + i] = 1
        tangent_step(tag, pack, work, blas, V, nx, U, t * width, t0 + t, W)
        for i in range(nx):
            V[i] = W[i]
            for j in range(nx):
                out[(t * nx + j) * nx + i] = W[(i + 1) * nx + j]  # rows of W are columns of the Jacobian
