"""One step of a map or of a flow, of a state and of its tangents.

The tangents of a flow follow the variational equation through the stages of the integrator, so they are
the exact derivative of the numerical step, not of the flow. The stages of the state come first; then the
tangents go through them row by row, if one tangent costs little (few variables, or a structured tangent
function), else all at once by products with the dense Jacobian.

All scratch of a step is one flat array. With a dimension that the compiler knows, every place in it is a
constant, so that the step of a small system stays in registers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._jit import INLINE, inlined, inner, overload, unowned
from ..systems._protocol import rate, rate_jacobian, rate_tangent
from .linalg import gemm


class SystemPack(NamedTuple):
    """Parameters (rows, P), one row a member of the batch, and the integration step."""

    p: np.ndarray
    dt: float


class AdaptivePack(NamedTuple):
    """The same for an adaptive integrator, with its tolerances and how many substeps a step may take."""

    p: np.ndarray
    dt: float
    rtol: float
    atol: float
    most: int


class SystemWork(NamedTuple):
    """Scratch of a step of one state and its k tangents."""

    dim: int
    S: np.ndarray  # vectors of one state or tangent, see `_place`
    J: np.ndarray  # Jacobians at the stages (STAGES, dim, dim)
    rows: np.ndarray  # trial tangents, and their slopes at each stage; only for dense products
    h: np.ndarray  # last step of an adaptive integrator


STAGES = 7
_VECTORS = 2 * STAGES + 7  # stage states, their slopes, and seven more


def system_work(dim: int, tangents: int) -> SystemWork:
    """Scratch for a system of `dim` variables."""
    flat = max(1, tangents * dim)
    return SystemWork(
        dim, np.zeros(_VECTORS * dim), np.zeros((STAGES, dim, dim)), np.zeros((STAGES + 1) * flat),
        np.zeros(1),
    )  # fmt: skip


def dimension(tag, dim):
    """Number of variables; a constant for the compiler if there are few."""
    return dim


@overload(dimension, strict=False, jit_options=INLINE)
def _dimension(tag, dim):
    known = tag.instance_class.known_dim
    if known is None:
        return lambda tag, dim: dim
    return lambda tag, dim: known


def by_rows(tag):
    """True if tangents are pushed row by row."""
    raise NotImplementedError


@overload(by_rows, strict=False, jit_options=INLINE)
def _by_rows(tag):
    cls = tag.instance_class
    chosen = cls.tangent is not None or cls.known_dim is not None
    return lambda tag: chosen


@inlined
def place(S, i, d):
    """Vector number i of the scratch: stage states from 0, their slopes from STAGES on, then the others."""
    return S[i * d : (i + 1) * d]


@inlined
def scratch_vectors(S, d):
    """Three vectors for finite differences."""
    first = 2 * STAGES
    return place(S, first + 4, d), place(S, first + 5, d), place(S, first + 6, d)


@inlined
def prepare_tangent(tag, time, x, p, work, stage, d):
    """What tangents at this stage need: the Jacobian, unless there is a tangent function."""
    rate_jacobian(tag, time, x, p, work.J[stage], scratch_vectors(work.S, d))


@inlined
def push_row(tag, time, x, p, work, stage, v, out, d):
    """out = derivative of the rate at x, applied to the tangent v."""
    rate_tangent(tag, time, x, p, work.J[stage], v, out)


@inlined
def push_rows(work, blas, stage, V, iv, k, out, io, d):
    """The same for k rows by one product with the dense Jacobian."""
    gemm(blas, 0, 1, k, d, d, 1, V, iv, d, work.J, stage * d * d, d, 0, out, io, d)


# ---- maps
@inner
def _map_step(tag, blas, t, pack, r, X, ix, V, iv, k, Y, iy, W, iw, work):
    """Y = the next state after X; W rows = tangents V one step later."""
    d = dimension(tag, work.dim)
    S, p = work.S, pack.p[r]
    x, y = place(S, 0, d), place(S, STAGES, d)
    for i in range(d):
        x[i] = X[ix + i]
    rate(tag, 0.0, x, p, y)
    if k > 0:
        _push_map(tag, blas, x, p, V, iv, k, W, iw, work)
    for i in range(d):
        Y[iy + i] = y[i]


@inlined
def _push_map(tag, blas, x, p, V, iv, k, W, iw, work):
    d = dimension(tag, work.dim)
    prepare_tangent(tag, 0.0, x, p, work, 0, d)
    if not by_rows(tag):
        push_rows(work, blas, 0, V, iv, k, W, iw, d)
        return
    v, out = place(work.S, 2 * STAGES, d), place(work.S, 2 * STAGES + 1, d)
    for row in range(k):
        for i in range(d):
            v[i] = V[iv + row * d + i]
        push_row(tag, 0.0, x, p, work, 0, v, out, d)
        for i in range(d):
            W[iw + row * d + i] = out[i]


# ---- flows, Runge-Kutta 4
@inlined
def _state_stage(tag, time, p, S, d, stage, reach, weight):
    """Stage state = x + reach * last slope; y gains weight * its own slope."""
    x, here, last = place(S, 0, d), place(S, stage, d), place(S, STAGES + stage - 1, d)
    slope, y = place(S, STAGES + stage, d), place(S, 2 * STAGES, d)
    if stage > 0:
        for i in range(d):
            here[i] = x[i] + reach * last[i]
    rate(tag, time, here, p, slope)
    for i in range(d):
        y[i] += weight * slope[i]


@inlined
def _row_stage(tag, time, p, work, d, stage, reach, weight):
    """The same for one tangent: v, its trial, its slope and the sum stand in the last vectors."""
    S = work.S
    first = 2 * STAGES
    v, trial, slope, w = (
        place(S, first, d),
        place(S, first + 1, d),
        place(S, first + 2, d),
        place(S, first + 3, d),
    )
    for i in range(d):
        trial[i] = v[i] + reach * slope[i]
    push_row(tag, time, place(S, stage, d), p, work, stage, trial, slope, d)
    for i in range(d):
        w[i] += weight * slope[i]


@inner
def _flow_step(tag, blas, t, pack, r, X, ix, V, iv, k, Y, iy, W, iw, work):
    """One Runge-Kutta step of a flow."""
    d, dt = dimension(tag, work.dim), pack.dt
    S, p, time = work.S, pack.p[r], t * dt
    half, sixth, third = 0.5 * dt, dt / 6.0, dt / 3.0
    x, y = place(S, 0, d), place(S, 2 * STAGES, d)
    for i in range(d):
        x[i] = X[ix + i]
        y[i] = X[ix + i]
    _state_stage(tag, time, p, S, d, 0, 0.0, sixth)
    _state_stage(tag, time + half, p, S, d, 1, half, third)
    _state_stage(tag, time + half, p, S, d, 2, half, third)
    _state_stage(tag, time + dt, p, S, d, 3, dt, sixth)
    for i in range(d):
        Y[iy + i] = y[i]
    if k > 0:
        _push_flow(tag, blas, time, p, dt, V, iv, k, W, iw, work)


@inlined
def _push_flow(tag, blas, time, p, dt, V, iv, k, W, iw, work):
    d = dimension(tag, work.dim)
    half, sixth, third = 0.5 * dt, dt / 6.0, dt / 3.0
    for stage in range(4):
        at = time if stage == 0 else (time + dt if stage == 3 else time + half)
        prepare_tangent(tag, at, place(work.S, stage, d), p, work, stage, d)
    if not by_rows(tag):
        _push_flow_rows(blas, dt, V, iv, k, W, iw, work, d)
        return
    first = 2 * STAGES
    v, slope, w = place(work.S, first, d), place(work.S, first + 2, d), place(work.S, first + 3, d)
    for row in range(k):
        for i in range(d):
            v[i] = V[iv + row * d + i]
            slope[i] = 0.0
            w[i] = V[iv + row * d + i]
        _row_stage(tag, time, p, work, d, 0, 0.0, sixth)
        _row_stage(tag, time + half, p, work, d, 1, half, third)
        _row_stage(tag, time + half, p, work, d, 2, half, third)
        _row_stage(tag, time + dt, p, work, d, 3, dt, sixth)
        for i in range(d):
            W[iw + row * d + i] = w[i]


@inner
def _push_flow_rows(blas, dt, V, iv, k, W, iw, work, d):
    """All rows through the four stages, by dense products."""
    trial, size = work.rows, k * d
    for i in range(size):
        W[iw + i] = V[iv + i]
        trial[size + i] = 0.0
    for stage in range(4):
        reach = 0.0 if stage == 0 else (dt if stage == 3 else 0.5 * dt)
        weight = dt / 6.0 if stage == 0 or stage == 3 else dt / 3.0
        for i in range(size):
            trial[i] = V[iv + i] + reach * trial[size + i]
        push_rows(work, blas, stage, trial, 0, k, trial, size, d)
        for i in range(size):
            W[iw + i] += weight * trial[size + i]


def step_system(tag, blas, t, pack, r, X, ix, V, iv, k, Y, iy, W, iw, work):
    """One step of whichever kind of system it is: state X to Y, k tangents V to W, parameters of row r."""


@overload(step_system, strict=False)
def _step_system(tag, blas, t, pack, r, X, ix, V, iv, k, Y, iy, W, iw, work):
    from .adaptive_steps import adaptive_step  # it needs the names above

    kind: Any = _flow_step if tag.instance_class.is_flow else _map_step
    if pack.instance_class is AdaptivePack:
        kind = adaptive_step

    def step(tag, blas, t, pack, r, X, ix, V, iv, k, Y, iy, W, iw, work):
        kind(tag, blas, t, pack, r, X, ix, V, iv, k, Y, iy, W, iw, work)

    return step


@inner
def advance_system(tag, pack, work, blas, X, ix, rows, t, Y, iy):
    """Y = one step after X for `rows` independent states, row r with its own parameters."""
    d = work.dim
    for r in range(rows):
        step_system(tag, blas, t, pack, r, X, ix + r * d, X, 0, 0, Y, iy + r * d, Y, 0, work)


@inner
def tangent_step_system(tag, pack, work, blas, V, k, t, W):
    """Row 0 of V is a state, rows 1..k are tangents; W gets the rows one step later."""
    step_system(tag, blas, t, pack, 0, V, 0, V, work.dim, k, W, 0, W, work.dim, work)


@inlined
def borrow_work(work):
    """The scratch with arrays that are not counted; see `unowned`."""
    return SystemWork(work.dim, unowned(work.S), unowned(work.J), unowned(work.rows), unowned(work.h))
