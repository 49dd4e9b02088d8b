"""Orbits: many steps of many states."""

from __future__ import annotations

import math

import numpy as np

from .._jit import inner, model_kernel, unowned
from .linalg import blas_arguments
from .models import advance


@inner
def _first_bad_row(Y, iy, rows, nx):
    for r in range(rows):
        for j in range(nx):
            if not math.isfinite(Y[iy + r * nx + j]):
                return r
    return -1


@model_kernel
def orbit(tag, pack, work, X, rows, nx, U, t0, steps, bad):
    """X (steps + 1, rows, nx), flat, from its first row on; U (steps, rows, M), flat.

    bad (rows,) gets the first step at which a row is not finite, 0 for a row that stays finite; a bad
    row is set to NaN from there on. Stops when all rows are bad.
    """
    blas = blas_arguments(X)
    pack, work = unowned(pack), unowned(work)
    width = U.size // (steps * rows) if steps > 0 else 0
    left = rows
    for t in range(steps):
        iy = (t + 1) * rows * nx
        advance(tag, pack, work, blas, X, t * rows * nx, rows, U, t * rows * width, t0 + t, X, iy)
        if _first_bad_row(X, iy, rows, nx) >= 0:
            for r in range(rows):
                if _first_bad_row(X, iy + r * nx, 1, nx) >= 0:
                    if bad[r] == 0:
                        bad[r] = t + 1
                        left -= 1
                    for j in range(nx):
                        X[iy + r * nx + j] = math.nan
            if left == 0:
                for i in range(iy, X.size):
                    X[i] = math.nan
                return


@inner
def _distance(X, nx):
    """Distance between the two states of X."""
    total = 0.0
    for i in range(nx):
        d = np.float64(X[nx + i]) - np.float64(X[i])
        total += d * d
    return math.sqrt(total)


@model_kernel
def two_orbits(tag, pack, work, X, Y, nx, U, t0, blocks, block_steps, every, logs, furthest):
    """Two neighbouring orbits X (2, nx), flat; the second is pulled back to its first distance every `every`
    steps along the line that joins them. logs (blocks,) gains the logarithms of the growth; a distance of
    0 adds -inf; furthest (1,) gets the largest distance met. Returns the step at which an orbit was no
    longer finite, or -1.
    """
    blas = blas_arguments(X)
    pack, work = unowned(pack), unowned(work)
    width = U.size // (blocks * block_steps)
    distance = _distance(X, nx)
    t = 0
    for block in range(blocks):
        done = 0
        while done < block_steps:
            length = min(every, block_steps - done)
            for _ in range(length):
                advance(tag, pack, work, blas, X, 0, 2, U, t * width, t0 + t, Y, 0)
                for i in range(2 * nx):
                    X[i] = Y[i]
                t += 1
            done += length
            now = _distance(X, nx)
            if not math.isfinite(now):
                return t
            furthest[0] = max(furthest[0], now)
            logs[block] += math.log(now / distance) if now > 0.0 else -math.inf
            scale = distance / now if now > 0.0 else 0.0
            for i in range(nx):
                X[nx + i] = X[i] + (X[nx + i] - X[i]) * X.dtype.type(scale)
    return -1
