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
def advance_cell(tag, packed, work, blas, X, ix, stride, rows, U, iu, between, Y, iy):
    """Y = F(X, U) for `rows` independent states.

    Rows of X and of Y lie `stride` numbers apart, those of U `between`.
    """
    s = packed.sizes
    width = s.m + s.inputs
    if has_hidden(tag):
        gemm(blas, 0, 0, rows, s.m, s.n, 1, X, ix, stride, packed.HT, 0, s.m, 0, work.E, 0, s.m)
        hidden_loop(tag, packed.F, work.E, 0, rows, s.m, work.R, 0, width)
    else:
        enter_loop(tag, packed.F, X, ix, rows, s.n, stride, work.R, 0, width)
    input_loop(U, iu, between, rows, s.inputs, work.R, s.m, width)
    _main_product(packed, blas, work.R, rows, width, work.A)
    local_loop(tag, packed.P, X, ix, work.A, 0, rows, s.n, stride, s.na, s.ns, Y, iy, work.S, 0)


@inner
def run_cell(tag, packed, work, blas, V, k, U, iu, steps, W):
    """Row 0 of V is a state, rows 1..k are tangents: `steps` steps; returns True if the result is in W."""
    s = packed.sizes
    old, new = V, W
    for t in range(steps):
        tangent_step(tag, packed, work, blas, old, 0, s.nx, k, U, iu + t * s.inputs, 0, new)
        old, new = new, old
    return steps % 2 == 1


@inner
def tangent_step(tag, packed, work, blas, V, iv, stride, k, U, iu, between, W):
    """W = the rows of V one step later: a state and k tangents, `stride` numbers apart, from `iv` on.

    between: 0 for inputs that have no tangents. Else row 0 of U is the inputs and the next k rows, so far
    apart, are their tangents.

    Unless there are inputs without tangents the state rides in the same product as its tangents, so the
    weights are read once.
    """
    s = packed.sizes
    F, R, E, A, slope = packed.F, work.R, work.E, work.A, work.slopes
    held = s.inputs > 0 and between == 0
    width = s.m if held else s.m + s.inputs
    i1 = iv + stride  # the first tangent
    if held:
        advance_operand(tag, packed, work, blas, V, iv, U, iu)
        _main_product(packed, blas, R, 1, s.m + s.inputs, A)
        slope_loop(tag, packed.P, V, iv, A, 0, s.n, W, iv, work.C)
    if has_hidden(tag):
        gemm(blas, 0, 0, k + 1, s.m, s.n, 1, V, iv, stride, packed.HT, 0, s.m, 0, E, 0, s.m)
        feature_slope_loop(tag, F, E, 0, s.m, R, 0, slope)
        feature_rows_loop(tag, slope, E, s.m, k, s.m, s.m, R, width, width)
    else:
        feature_slope_loop(tag, F, V, iv, s.m, R, 0, slope)
        feature_rows_loop(tag, slope, V, i1, k, s.m, stride, R, width, width)
    if between > 0:
        input_loop(U, iu, between, k + 1, s.inputs, R, s.m, width)
    gemm_rows(packed, blas, R, width, k + 1, A)
    if not held:
        slope_loop(tag, packed.P, V, iv, A, 0, s.n, W, iv, work.C)
    tangent_rows_loop(tag, work.C, V, i1, A, s.na, k, s.n, stride, s.na, W, i1)


@inner
def axis_tangents_of_cell(tag, packed, work, blas, V, U, iu, W):
    """As a step of V = [state, axes] to W, but the axes need no product: it is the weights, scaled.

    A hidden product remains, of the weights on both sides of the hidden layer. Always True: it is in W.
    """
    s = packed.sizes
    R, A, slope = work.R, work.A, work.slopes
    advance_operand(tag, packed, work, blas, V, 0, U, iu)
    _main_product(packed, blas, R, 1, s.m + s.inputs, A)
    slope_loop(tag, packed.P, V, 0, A, 0, s.n, W, 0, work.C)
    if has_hidden(tag):
        feature_slope_loop(tag, packed.F, work.E, 0, s.m, R, 0, slope)
        feature_rows_loop(tag, slope, packed.HT, 0, s.n, s.m, s.m, R, 0, s.m)
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
def advance_operand(tag, packed, work, blas, X, ix, U, iu):
    """Operand of the main product for one driven state: features, then inputs."""
    s = packed.sizes
    if has_hidden(tag):
        gemm(blas, 0, 0, 1, s.m, s.n, 1, X, ix, s.n, packed.HT, 0, s.m, 0, work.E, 0, s.m)
        hidden_loop(tag, packed.F, work.E, 0, 1, s.m, work.R, 0, s.m)
    else:
        enter_loop(tag, packed.F, X, ix, 1, s.n, s.n, work.R, 0, s.m)
    input_loop(U, iu, s.inputs, 1, s.inputs, work.R, s.m, s.m)


@inner
def gemm_rows(packed, blas, operand, width, rows, out):
    """out = operand (rows, width) times the weights: of the features alone, or of features and inputs."""
    s = packed.sizes
    whole = width == s.m + s.inputs
    if width <= _TINY and whole:
        small_product(operand, 0, width, rows, width, packed.W, s.na, out, 0)
    elif rows == 2 and whole:
        two_row_product(operand, width, packed.W, width, s.na, out)
    else:
        gemm(blas, 0, 0, rows, s.na, width, 1, operand, 0, width, packed.WT, 0, s.na, 0, out, 0, s.na)
