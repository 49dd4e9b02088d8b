"""One step of a cell, of states and of tangents, in the normal form."""

from __future__ import annotations

from .._jit import inner
from ..cells.protocol import has_hidden
from .linalg import gemm, small_product, two_row_product
from .loops import (
    enter_loop,
    feature_rows_loop,
    feature_slope_loop,
    hidden_loop,
    input_loop,
    local_loop,
    slope_loop,
    tangent_rows_loop,
)

_TINY = 6  # up to this many features plain loops beat a call of gemm


@inner
def _main_product(packed, blas, operand, rows, width, out):
    """out = operand (rows, width) times the first `width` rows of WT."""
    na = packed.sizes.na
    if width <= _TINY:
        small_product(operand, 0, width, rows, width, packed.W, na, out, 0)
    else:
        gemm(blas, 0, 0, rows, na, width, 1, operand, 0, width, packed.WT, 0, na, 0, out, 0, na)


@inner
def advance_cell(tag, packed, work, blas, X, ix, rows, U, iu, Y, iy):
    """Y = F(X, U) for `rows` independent states."""
    s = packed.sizes
    width = s.m + s.inputs
    if has_hidden(tag):
        gemm(blas, 0, 0, rows, s.m, s.n, 1, X, ix, s.nx, packed.HT, 0, s.m, 0, work.E, 0, s.m)
        hidden_loop(tag, packed.F, work.E, 0, rows, s.m, work.R, 0, width)
    else:
        enter_loop(tag, packed.F, X, ix, rows, s.n, s.nx, work.R, 0, width)
    input_loop(U, iu, rows, s.inputs, work.R, s.m, width)
    _main_product(packed, blas, work.R, rows, width, work.A)
    local_loop(tag, packed.P, X, ix, work.A, 0, rows, s.n, s.nx, s.na, s.ns, Y, iy, work.S, 0)


@inner
def run_cell(tag, packed, work, blas, V, k, U, iu, steps, W):
    """Row 0 of V is a state, rows 1..k are tangents: `steps` steps; returns True if the result is in W."""
    old, new = V, W
    for t in range(steps):
        _tangent_step(tag, packed, work, blas, old, k, U, iu + t * packed.sizes.inputs, new)
        old, new = new, old
    return steps % 2 == 1


@inner
def _tangent_step(tag, packed, work, blas, V, k, U, iu, W):
    """W = the rows of V one step later.

    Without inputs the state rides in the same product as its tangents, so the weights are read once.
    """
    s = packed.sizes
    F, R, E, A, slope = packed.F, work.R, work.E, work.A, work.slopes
    width = s.m + s.inputs
    if s.inputs > 0:
        advance_operand(tag, packed, work, blas, V, U, iu)
        _main_product(packed, blas, R, 1, width, A)
        slope_loop(tag, packed.P, V, 0, A, 0, s.n, W, 0, work.C)
    if has_hidden(tag):
        gemm(blas, 0, 0, k + 1, s.m, s.n, 1, V, 0, s.nx, packed.HT, 0, s.m, 0, E, 0, s.m)
        feature_slope_loop(tag, F, E, 0, s.m, R, 0, slope)
        feature_rows_loop(tag, slope, E, s.m, k, s.m, s.m, R, s.m)
    else:
        feature_slope_loop(tag, F, V, 0, s.m, R, 0, slope)
        feature_rows_loop(tag, slope, V, s.nx, k, s.m, s.nx, R, s.m)
    gemm_rows(packed, blas, R, k + 1, A)
    if s.inputs == 0:
        slope_loop(tag, packed.P, V, 0, A, 0, s.n, W, 0, work.C)
    tangent_rows_loop(tag, work.C, V, s.nx, A, s.na, k, s.n, s.nx, s.na, W, s.nx)


@inner
def axis_tangents_of_cell(tag, packed, work, blas, V, U, iu, W):
    """As a step of V = [state, axes] to W, but the axes need no product: it is the weights, scaled.

    A hidden product remains, of the weights on both sides of the hidden layer. Always True: it is in W.
    """
    s = packed.sizes
    R, A, slope = work.R, work.A, work.slopes
    advance_operand(tag, packed, work, blas, V, U, iu)
    _main_product(packed, blas, R, 1, s.m + s.inputs, A)
    slope_loop(tag, packed.P, V, 0, A, 0, s.n, W, 0, work.C)
    if has_hidden(tag):
        feature_slope_loop(tag, packed.F, work.E, 0, s.m, R, 0, slope)
        feature_rows_loop(tag, slope, packed.HT, 0, s.n, s.m, s.m, R, 0)
        gemm(blas, 0, 0, s.n, s.na, s.m, 1, R, 0, s.m, packed.WT, 0, s.na, 0, A, 0, s.na)
    else:
        feature_slope_loop(tag, packed.F, V, 0, s.m, R, 0, slope)
        for r in range(s.n):
            for j in range(s.na):
                A[r * s.na + j] = slope[r] * packed.WT[r * s.na + j]
    for i in range(s.n * s.na, s.nx * s.na):
        A[i] = 0  # the other planes of the state have no feature
    tangent_rows_loop(tag, work.C, V, s.nx, A, 0, s.nx, s.n, s.nx, s.na, W, s.nx)
    return True


@inner
def advance_operand(tag, packed, work, blas, X, U, iu):
    """Operand of the main product for one driven state: features, then inputs."""
    s = packed.sizes
    if has_hidden(tag):
        gemm(blas, 0, 0, 1, s.m, s.n, 1, X, 0, s.nx, packed.HT, 0, s.m, 0, work.E, 0, s.m)
        hidden_loop(tag, packed.F, work.E, 0, 1, s.m, work.R, 0, s.m)
    else:
        enter_loop(tag, packed.F, X, 0, 1, s.n, s.nx, work.R, 0, s.m)
    input_loop(U, iu, 1, s.inputs, work.R, s.m, s.m)


@inner
def gemm_rows(packed, blas, operand, rows, out):
    """out = operand (rows, m) times the weights of the features alone."""
    s = packed.sizes
    if s.m <= _TINY and s.inputs == 0:
        small_product(operand, 0, s.m, rows, s.m, packed.W, s.na, out, 0)
    elif rows == 2 and s.inputs == 0:
        two_row_product(operand, s.m, packed.W, s.m, s.na, out)
    else:
        gemm(blas, 0, 0, rows, s.na, s.m, 1, operand, 0, s.m, packed.WT, 0, s.na, 0, out, 0, s.na)
