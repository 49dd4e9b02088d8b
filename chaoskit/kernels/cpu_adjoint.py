"""Backpropagation through time with forcing: loss and all gradients of one batch in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._jit import inner_sums, model_kernel
from ..cells.protocol import has_hidden
from .linalg import blas_arguments, gemm
from .loops import (
    back_loop,
    enter_loop,
    force_loop,
    hidden_back_loop,
    hidden_loop,
    local_loop,
    unforce_loop,
)
from .packing import Packed, Sizes


class AdjointWork(NamedTuple):
    """Activations of T steps of B sequences, and gradients; everything flat.

    w = m + inputs is the width of the main product's operand. A *slot* is a time at which the state is
    forced; the first is the start.
    """

    R: np.ndarray  # (T + 1, B, w): features, with the inputs of the step in the last columns
    E: np.ndarray  # (T + 1, B, n): first state plane before each step, cells with a hidden product only
    PRE: np.ndarray  # (T, B, m): hidden pre-activations
    Y: np.ndarray  # (T, B, nx): states after each step
    XF: np.ndarray  # (slots, B, nx): forced states
    S: np.ndarray  # (T, B, ns): saved values, then gate gradients
    A: np.ndarray  # (B, max(na, m)): gates of one step
    OUT: np.ndarray  # (T, B, D): predictions, then their gradients
    DZ: np.ndarray  # (T, B, n): gradients that reach the states from the loss
    Q: np.ndarray  # (B, max(m, n)): gradient of the features
    G: np.ndarray  # (B, nx): direct gradient of the states
    GT: np.ndarray  # (slots, B, nx): gradients of the forcing targets
    GW: np.ndarray  # (na, w)
    GH: np.ndarray  # (m, n)
    GP: np.ndarray
    GF: np.ndarray
    GB: np.ndarray  # (D, n)


def adjoint_work(tag, packed: Packed, T: int, B: int, D: int, slots: int) -> AdjointWork:
    """Memory for `backpropagate`."""
    s: Sizes = packed.sizes
    hidden = int(has_hidden(tag))

    def memory(*shape):
        return np.zeros(max(1, int(np.prod(shape))), packed.P.dtype)

    return AdjointWork(
        R=memory(T + 1, B, s.m + s.inputs), E=memory(hidden, T + 1, B, s.n), PRE=memory(hidden, T, B, s.m),
        Y=memory(T, B, s.nx), XF=memory(slots, B, s.nx), S=memory(T, B, s.ns), A=memory(B, max(s.na, s.m)),
        OUT=memory(T, B, D), DZ=memory(T, B, s.n), Q=memory(B, max(s.m, s.n)), G=memory(B, s.nx),
        GT=memory(slots, B, s.nx), GW=memory(s.na, s.m + s.inputs), GH=memory(hidden, s.m, s.n),
        GP=np.zeros_like(packed.P), GF=np.zeros_like(packed.F), GB=memory(D, s.n),
    )  # fmt: skip


@inner_sums
def _residuals(OUT, X, offset, scale):
    """OUT becomes scale (OUT - X); returns the sum of squares."""
    total = 0.0
    for i in range(OUT.size):
        e = OUT[i] - X[offset + i]
        total += e * e
        OUT[i] = scale * e
    return total


@model_kernel
def backpropagate(tag, packed, work, decoder, X, B, D, T, slot, width, keep, flow, target, scale):
    """Sum of squared errors of B sequences over T steps; gradients of `scale`/2 times it go into `work`.

    decoder (D, n), X (T + 1, B, D) and target (slots, B, nx) are flat. slot[t] >= 0 says that the state
    before step t is forced: its first `width` numbers are keep z + (1 - keep) target, of which z gets
    `flow` of the gradient; the others go on. slot[0] = 0 with width nx and keep 0 is the start.
    Inputs, if any, stand in the last columns of work.R already.
    """
    blas = blas_arguments(X)
    n, m, nx, na, ns, inputs = packed.sizes
    w = m + inputs
    R, E, PRE, Y, XF, S, A = work.R, work.E, work.PRE, work.Y, work.XF, work.S, work.A
    Q, G, OUT, DZ = work.Q, work.G, work.OUT, work.DZ
    hidden = has_hidden(tag)
    entry, stride = (E, n) if hidden else (R, w)
    # ---- forward
    for t in range(T):
        states, ix = Y, (t - 1) * B * nx
        if slot[t] >= 0:
            k = slot[t]
            force_loop(Y, ix, target, k * B * nx, B, nx, width[k], keep[k], XF, k * B * nx)
            states, ix = XF, k * B * nx
        enter_loop(tag, packed.F, states, ix, B, n, nx, entry, t * B * stride, stride)
        if hidden:
            gemm(blas, 0, 0, B, m, n, 1, E, t * B * n, n, packed.HT, 0, m, 0, PRE, t * B * m, m)
            hidden_loop(tag, packed.F, PRE, t * B * m, B, m, R, t * B * w, w)
        gemm(blas, 0, 0, B, na, w, 1, R, t * B * w, w, packed.WT, 0, na, 0, A, 0, na)
        local_loop(tag, packed.P, states, ix, A, 0, B, n, nx, na, ns, Y, t * B * nx, S, t * B * ns)
    # ---- readout and loss
    rows = T * B
    gemm(blas, 0, 1, rows, D, n, 1, Y, 0, nx, decoder, 0, n, 0, OUT, 0, D)
    total = _residuals(OUT, X, B * D, scale)
    gemm(blas, 1, 0, D, n, rows, 1, OUT, 0, D, Y, 0, nx, 0, work.GB, 0, n)
    gemm(blas, 0, 0, rows, n, D, 1, OUT, 0, D, decoder, 0, n, 0, DZ, 0, n)
    # ---- adjoint
    work.GP[:] = 0
    work.GF[:] = 0
    G[:] = 0
    Q[:] = 0
    for t in range(T - 1, -1, -1):
        states, ix = (XF, slot[t] * B * nx) if slot[t] >= 0 else (Y, (t - 1) * B * nx)
        back_loop(
            tag, packed.P, packed.F, states, ix, Y, t * B * nx, S, t * B * ns, DZ, t * B * n, Q, G,
            B, n, nx, ns, work.GP, work.GF,
        )  # fmt: skip
        if hidden:
            gemm(blas, 0, 0, B, m, na, 1, S, t * B * ns, ns, packed.W, 0, w, 0, A, 0, m)
            hidden_back_loop(tag, packed.F, PRE, t * B * m, A, B, m, work.GF)
            gemm(blas, 0, 0, B, n, m, 1, PRE, t * B * m, m, packed.H, 0, n, 0, Q, 0, n)
        else:
            gemm(blas, 0, 0, B, m, na, 1, S, t * B * ns, ns, packed.W, 0, w, 0, Q, 0, m)
        if slot[t] >= 0:
            k = slot[t]
            unforce_loop(
                tag, packed.F, XF, k * B * nx, B, n, nx, width[k], keep[k], flow[k], G, Q, work.GT,
                k * B * nx, work.GF,
            )  # fmt: skip
    # ---- weights: one product over time and batch
    gemm(blas, 1, 0, na, w, rows, 1, S, 0, ns, R, 0, w, 0, work.GW, 0, w)
    if hidden:
        gemm(blas, 1, 0, m, n, rows, 1, PRE, 0, m, E, 0, n, 0, work.GH, 0, n)
    return total
