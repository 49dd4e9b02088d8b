"""Jacobian products with reorthonormalisation: Lyapunov exponents, and single Jacobians."""

from __future__ import annotations

import math

import numpy as np

from .._jit import inlined, inner, inner_sums, model_kernel, unowned
from .gram_schmidt import gram_schmidt, keep_triangle, triangle
from .linalg import blas_arguments, keep_alive
from .models import axis_tangents, run

_SLACK = 20  # intervals: a single one may spread this many times further than the average may


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
def tangent_products(tag, pack, work, V, W, U, t0, k, blocks, block_steps, every, limit, panel, logs, spread):
    """Push k tangents along an orbit, orthonormalise every `every` steps, sum the logarithms by block.

    V ((k + 1) nx,), flat: row 0 the state, then the tangents; all are left one run further on. W is scratch
    of the same size.
    U: inputs (steps, M), flat. logs (blocks, k) gets the sums of log norms; spread (1,) gains the sum, over
    intervals of more than one step, of the largest norm over the smallest: the loss is in proportion to it.
    With `limit` > 0 the next intervals are halved when that sum exceeds `limit` per step. Returns (the
    interval at the end, the step at which the orbit was no longer finite or -1).
    """
    owned = blas_arguments(V)
    blas = unowned(owned)
    nx = V.size // (k + 1)
    width = U.size // (blocks * block_steps)
    pack, work = unowned(pack), unowned(work)
    old, new = unowned(V), unowned(W)
    rows_old, rows_new = old[nx:].reshape(k, nx), new[nx:].reshape(k, nx)
    made = triangle(V, k)
    found = unowned(made)
    t, since, met = 0, 0, spread[0]
    broken = -1
    for block in range(blocks):
        done = 0
        while done < block_steps and broken < 0:
            length = min(every, block_steps - done)
            if run(tag, pack, work, blas, old, k, U, t * width, t0 + t, length, new):
                old, new, rows_old, rows_new = new, old, rows_new, rows_old
            t += length
            gram_schmidt(rows_old, old, nx, found, panel, blas)
            width_of_norms = _add_logs(found.norms, logs, block)
            if not (math.isfinite(width_of_norms) and math.isfinite(_sum(old, nx))):
                broken = t
            if length > 1:
                spread[0] += math.exp(width_of_norms)
            if limit > 0 and every > 1 and spread[0] - met > limit * (t - since + _SLACK * every):
                every = max(1, every // 2)
                met, since = spread[0], t
            done += length
    for i in range(V.size):
        V[i] = old[i]
    keep_alive(owned)
    keep_triangle(made)
    return every, broken


@inner
def _set_axes(V, nx):
    """The tangents become the axes."""
    for i in range(nx, V.size):
        V[i] = 0
    for i in range(nx):
        V[(i + 1) * nx + i] = 1


@inner
def _write_jacobian(V, nx, out, at):
    """The rows of tangents that were axes are the columns of the Jacobian."""
    for i in range(nx):
        for j in range(nx):
            out[at + j * nx + i] = V[(i + 1) * nx + j]


@model_kernel
def jacobians(tag, pack, work, V, W, U, t0, steps, out):
    """Jacobians (steps, nx, nx), flat, of the steps of the orbit from V[:nx]; V and W ((nx + 1) nx,).

    V[:nx] is left one run further on. The orbit is that of `tangent_products` with nx tangents, bit by bit:
    on chaos another order of operations would be another orbit.
    """
    blas = blas_arguments(V)
    nx = int(math.sqrt(V.size))
    width = U.size // steps
    pack, work = unowned(pack), unowned(work)
    for t in range(steps):
        _set_axes(V, nx)
        new = W if run(tag, pack, work, blas, V, nx, U, t * width, t0 + t, 1, W) else V
        _write_jacobian(new, nx, out, t * nx * nx)
        for i in range(nx):
            V[i] = new[i]


@model_kernel
def jacobians_at(tag, pack, work, V, W, X, U, count, out):
    """Jacobians (count, nx, nx), flat, of one step from each of the states X (count, nx), flat."""
    blas = blas_arguments(V)
    nx = int(math.sqrt(V.size))
    width = U.size // count
    pack, work = unowned(pack), unowned(work)
    for r in range(count):
        for i in range(nx):
            V[i] = X[r * nx + i]
        _set_axes(V, nx)
        new = W if axis_tangents(tag, pack, work, blas, V, nx, U, r * width, 0, W) else V
        _write_jacobian(new, nx, out, r * nx * nx)


@inner
def scale_to_one(x, first, size):
    """Multiply x[first:size] by a power of two, which loses nothing, so that the largest entry is about 1.

    Returns the exponent taken out; NaN and infinity are left alone.
    """
    largest = 0.0
    for i in range(first, size):
        value = abs(np.float64(x[i]))
        largest = value if not value <= largest else largest
    if largest == 0.0 or not math.isfinite(largest):
        return 0
    exponent = math.frexp(largest)[1]
    scale = x.dtype.type(math.ldexp(1.0, -exponent))
    for i in range(first, size):
        x[i] *= scale
    return exponent


@inlined
def _scaled_step(tag, pack, work, blas, V, k, U, iu, t, W):
    """One step of a state and its tangents, these scaled by a power of two so that they cannot overflow.

    Returns (True if the result is in W, the exponent taken out, True if all is finite).
    """
    moved = run(tag, pack, work, blas, V, k, U, iu, t, 1, W)
    new = W if moved else V
    exponent = scale_to_one(new, new.size // (k + 1), new.size)
    return moved, exponent, math.isfinite(_sum(new, new.size))


@model_kernel
def scaled_products(tag, pack, work, V, W, U, t0, k, steps):
    """Push k tangents along an orbit, scaled by powers of two so that their product cannot overflow.

    V, W, U as in `tangent_products`, without orthonormalisation. Returns (the sum of the exponents taken
    out, the step at which the orbit or its tangents were no longer finite or -1).
    """
    owned = blas_arguments(V)
    blas = unowned(owned)
    width = U.size // steps
    pack, work = unowned(pack), unowned(work)
    old, new = unowned(V), unowned(W)
    exponent, broken = 0, -1
    for t in range(steps):
        moved, taken, finite = _scaled_step(tag, pack, work, blas, old, k, U, t * width, t0 + t, new)
        exponent += taken
        if moved:
            old, new = new, old
        if not finite:
            broken = t + 1
            break
    for i in range(V.size):
        V[i] = old[i]
    keep_alive(owned)
    return exponent, broken


@model_kernel
def products_along(tag, pack, work, V, W, X, U, width, flow, t0, k, steps):
    """Push k tangents along the given states X (steps, nx), flat, scaled as in `scaled_products`.

    Before step t the first width[t] numbers of the state were forced, and only flow[t] of a tangent passes.
    Row 0 of V is left at the state after the last step. Returns (the sum of the exponents taken out, the
    step at which the tangents were no longer finite or -1).
    """
    owned = blas_arguments(V)
    blas = unowned(owned)
    nx = V.size // (k + 1)
    inputs = U.size // steps
    pack, work = unowned(pack), unowned(work)
    old, new = unowned(V), unowned(W)
    exponent, broken = 0, -1
    for t in range(steps):
        for i in range(nx):
            old[i] = X[t * nx + i]
        for r in range(1, k + 1):
            for i in range(width[t]):
                v = old[r * nx + i]
                old[r * nx + i] = 0 if flow[t] == 0 else flow[t] * v
        moved, taken, finite = _scaled_step(tag, pack, work, blas, old, k, U, t * inputs, t0 + t, new)
        exponent += taken
        if moved:
            old, new = new, old
        if not finite:
            broken = t + 1
            break
    for i in range(V.size):
        V[i] = old[i]
    keep_alive(owned)
    return exponent, broken
