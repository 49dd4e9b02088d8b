"""Backpropagation through time with forcing: loss and all gradients of one batch in one call.

A group of pieces (`pieces`) goes through time in segments. Before each segment its states are kept; all
else that the way back needs is kept for one segment at a time, and made again where there are several.
"""

from __future__ import annotations

from typing import NamedTuple

from .._jit import inner, inner_sums, model_kernel, unowned
from .adjoint_steps import add_weight_gradients, enter_features, finish_step, step_back
from .linalg import blas_arguments, gemm, keep_alive
from .loops import SUMS, force_loop, input_loop, unforce_loop


class Span(NamedTuple):
    """Steps of a segment of a group, counted from the start of its pieces."""

    piece: int  # first of the group
    lanes: int  # number of pieces
    begin: int
    end: int
    kept: int  # where the states before `begin` stand in KEPT
    final: bool  # True for the last segment


@inner
def _start(packed, work, blas, batch, plan, piece, lanes):
    """KEPT = the states that the pieces of a group begin with."""
    nx = packed.sizes.nx
    for l in range(lanes):
        _encode(work.KEPT, l * batch.columns * nx, nx, blas, batch, plan.slot[plan.start[piece + l]])


@inner
def _encode(Z, iz, nx, blas, batch, k):
    """Z = the states that observation k asks for."""
    C, D = batch.columns, batch.D
    at = (k * batch.B + batch.first) * D
    gemm(blas, 0, 0, C, nx, D, 1, batch.observed, at, D, batch.encoder, 0, nx, 0, Z, iz, nx)


@inner
def _encode_back(Z, iz, nx, blas, batch, k, GM):
    """GM gains the gradient of the encoder from that of the states it made."""
    C, D = batch.columns, batch.D
    at = (k * batch.B + batch.first) * D
    gemm(blas, 1, 0, D, nx, C, 1, batch.observed, at, D, Z, iz, nx, 1, GM, 0, nx)


@inner
def _count_rows(work, batch, plan, span):
    """counts = rows of the segment before each of its steps; pieces that have ended have none."""
    lanes, total = span.lanes, 0
    work.counts[0] = 0
    for s in range(span.begin, span.end):
        while plan.length[span.piece + lanes - 1] <= s:
            lanes -= 1
        total += lanes * batch.columns
        work.counts[s - span.begin + 1] = total


@inner
def _slot(plan, span, s):
    """Index of the forcing before step s within a piece, or -1."""
    return plan.slot[plan.start[span.piece] + s] if s > 0 and span.lanes == 1 else -1


@inner
def _before(work, span, s, nx):
    """(array, offset) of the states before step s, not forced."""
    if s == span.begin:
        return work.KEPT, span.kept
    return work.Y, work.counts[s - 1 - span.begin] * nx


@inner
def _keep(work, span, nx, size):
    """KEPT = the states after a segment, for the next one."""
    last = span.end - span.begin
    first, count = work.counts[last - 1] * nx, (work.counts[last] - work.counts[last - 1]) * nx
    for i in range(count):
        work.KEPT[span.kept + size + i] = work.Y[first + i]


@inner
def _inputs(R, ir, w, inputs, batch, plan, span, s, rows):
    """The inputs of step s of each piece go into the last columns of the operand."""
    C = batch.columns
    for l in range(rows // C):
        at = ((plan.start[span.piece + l] + s) * batch.B + batch.first) * inputs
        input_loop(batch.U, at, inputs, C, inputs, R, ir + l * C * w + w - inputs, w)


@inner
def _forward(tag, packed, work, blas, batch, plan, span):
    """The steps of a segment."""
    nx, inputs = packed.sizes.nx, packed.sizes.inputs
    w = packed.sizes.m + inputs
    for s in range(span.begin, span.end):
        row = work.counts[s - span.begin]
        rows = work.counts[s - span.begin + 1] - row
        states, ix = _before(work, span, s, nx)
        k = _slot(plan, span, s)
        if k >= 0:
            _encode(work.Z, 0, nx, blas, batch, k)
            force_loop(states, ix, work.Z, 0, rows, nx, plan.width[k], plan.keep[k], work.XF, row * nx)
            states, ix = work.XF, row * nx
        enter_features(tag, packed, work, blas, states, ix, row, rows)
        if inputs > 0:
            _inputs(work.R, row * w, w, inputs, batch, plan, span, s, rows)
        finish_step(tag, packed, work, blas, states, ix, row, rows)


@inner_sums
def _residuals(OUT, at, X, offset, count, scale):
    """OUT becomes scale (OUT - X); returns the sum of squares."""
    total = 0.0
    for i in range(count):
        e = OUT[at + i] - X[offset + i]
        total += e * e
        OUT[at + i] = scale * e
    return total


@inner
def _errors(packed, work, blas, batch, plan, span, s, row, rows, scale):
    """Sum of squared errors after step s; DZ becomes their gradient."""
    n, nx, C, D = packed.sizes.n, packed.sizes.nx, batch.columns, batch.D
    OUT, decoder = work.OUT, batch.decoder
    gemm(blas, 0, 0, rows, D, n, 1, work.Y, row * nx, nx, work.BT, 0, D, 0, OUT, 0, D)
    total = 0.0
    for l in range(rows // C):
        at = ((plan.start[span.piece + l] + s + 1) * batch.B + batch.first) * D
        total += _residuals(OUT, l * C * D, batch.X, at, C * D, scale)
    gemm(blas, 1, 0, D, n, rows, 1, OUT, 0, D, work.Y, row * nx, nx, 1, work.GB, 0, n)
    gemm(blas, 0, 0, rows, n, D, 1, OUT, 0, D, decoder, 0, n, 0, work.DZ, 0, n)
    return total


@inner
def _backward(tag, packed, work, blas, batch, plan, span, scale):
    """The adjoint of a segment; returns its sum of squared errors."""
    n, nx, total = packed.sizes.n, packed.sizes.nx, 0.0
    for s in range(span.end - 1, span.begin - 1, -1):
        row = work.counts[s - span.begin]
        rows = work.counts[s - span.begin + 1] - row
        states, ix = _before(work, span, s, nx)
        k = _slot(plan, span, s)
        if k >= 0:
            states, ix = work.XF, row * nx
        total += _errors(packed, work, blas, batch, plan, span, s, row, rows, scale)
        step_back(tag, packed, work, blas, states, ix, row, rows, work.G)
        if k >= 0:
            width, keep, flow = plan.width[k], plan.keep[k], plan.flow[k]
            unforce_loop(
                tag, packed.F, states, ix, rows, n, nx, width, keep, flow, work.G, work.Q, work.Z, 0, work.GF
            )
            _encode_back(work.Z, 0, nx, blas, batch, k, work.GM)
    add_weight_gradients(tag, packed, work, blas, 0, work.counts[span.end - span.begin])
    return total


@inner
def _finish(tag, packed, work, blas, batch, plan, piece, lanes):
    """Gradient of the states that the pieces of a group began with; Q and G are 0 again."""
    n, nx = packed.sizes.n, packed.sizes.nx
    zero = work.Z.dtype.type(0)
    rows = lanes * batch.columns
    unforce_loop(tag, packed.F, work.KEPT, 0, rows, n, nx, nx, zero, zero, work.G, work.Q, work.Z, 0, work.GF)
    for l in range(lanes):
        k = plan.slot[plan.start[piece + l]]
        _encode_back(work.Z, l * batch.columns * nx, nx, blas, batch, k, work.GM)


@inner
def _sum_rows(sums):
    """The first of `SUMS` rows becomes the sum of all."""
    size = sums.size // SUMS
    for r in range(1, SUMS):
        for i in range(size):
            sums[i] += sums[r * size + i]


@model_kernel
def backpropagate(tag, packed, work, batch, plan, scale):
    """Sum of squared errors, and the gradients of `scale` / 2 times it (left in `work`)."""
    owned = blas_arguments(work.R)
    blas = unowned(owned)
    packed, work, batch, plan = unowned(packed), unowned(work), unowned(batch), unowned(plan)
    for gradient in (work.GW, work.GH, work.GP, work.GF, work.GB, work.GM):
        gradient[:] = 0
    for i in range(batch.decoder.size):  # products without a transposed operand are faster
        n = packed.sizes.n
        work.BT[i % n * batch.D + i // n] = batch.decoder[i]
    total = 0.0
    for g in range(plan.group.size - 1):
        piece, lanes = plan.group[g], plan.group[g + 1] - plan.group[g]
        steps, size = plan.length[piece], lanes * batch.columns * packed.sizes.nx
        segments = (steps + plan.segment - 1) // plan.segment
        _start(packed, work, blas, batch, plan, piece, lanes)
        for part in range(2 * segments - 1):
            # there to keep the states before each segment, and back
            j = part if part < segments else 2 * segments - 2 - part
            begin, end = j * plan.segment, min(steps, (j + 1) * plan.segment)
            span = Span(piece, lanes, begin, end, j * size, j == segments - 1)
            _count_rows(work, batch, plan, span)
            _forward(tag, packed, work, blas, batch, plan, span)
            if part < segments - 1:
                _keep(work, span, packed.sizes.nx, size)
            else:
                total += _backward(tag, packed, work, blas, batch, plan, span, scale)
        _finish(tag, packed, work, blas, batch, plan, piece, lanes)
    _sum_rows(work.GP)
    _sum_rows(work.GF)
    keep_alive(owned)
    return total
