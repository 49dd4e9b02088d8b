"""Orbits: many steps of many states."""

from __future__ import annotations

import math

from .._jit import inner, model_kernel
from .linalg import blas_arguments
from .models import advance, borrow


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
    pack, work = borrow(pack, work)
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
