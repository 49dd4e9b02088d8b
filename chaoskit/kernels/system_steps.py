"""One step of a map or of a flow (Runge-Kutta 4), of a state and of its tangents.

The tangents of a flow follow the variational equation through the same four stages, so they are the
exact derivative of the numerical step, not of the flow.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._jit import inner, overload
from ..systems._protocol import rate, rate_jacobian
from .linalg import gemm, small_product

_TINY = 6  # up to this dimension plain loops beat a call of gemm


class SystemPack(NamedTuple):
    """Parameters (rows, P), one row a member of the batch, and the integration step."""

    p: np.ndarray
    dt: float


class SystemWork(NamedTuple):
    """Scratch of a step of one state and its k tangents (flat, k * dim)."""

    x: np.ndarray
    y: np.ndarray
    trial: np.ndarray
    k: np.ndarray
    rows: np.ndarray
    pushed: np.ndarray
    J: np.ndarray
    scratch: tuple


def system_work(dim: int, tangents: int) -> SystemWork:
    """Scratch for a system of `dim` variables."""
    flat = max(1, tangents * dim)
    return SystemWork(
        np.zeros(dim), np.zeros(dim), np.zeros(dim), np.zeros(dim), np.zeros(flat), np.zeros(flat),
        np.zeros((dim, dim)), (np.zeros(dim), np.zeros(dim), np.zeros(dim)),
    )  # fmt: skip


@inner
def _push(blas, J, V, iv, k, out, io):
    """out rows = J applied to the rows of V."""
    dim = J.shape[0]
    flat = J.reshape(J.size)
    if dim <= _TINY:
        small_product(V, iv, dim, k, dim, flat, dim, out, io)
    else:
        gemm(blas, 0, 1, k, dim, dim, 1, V, iv, dim, flat, 0, dim, 0, out, io, dim)


@inner
def _map_step(tag, blas, t, dt, p, V, iv, k, W, iw, work):
    """work.y = the next state after work.x; W rows = tangents V one step later."""
    rate(tag, 0.0, work.x, p, work.y)
    if k > 0:
        rate_jacobian(tag, 0.0, work.x, p, work.J, work.scratch)
        _push(blas, work.J, V, iv, k, W, iw)


@inner
def _flow_step(tag, blas, t, dt, p, V, iv, k, W, iw, work):
    """The same for one Runge-Kutta step of a flow; one loop body serves the four stages."""
    x, y, trial, slope, rows, pushed = work.x, work.y, work.trial, work.k, work.rows, work.pushed
    size = k * x.size
    for i in range(x.size):
        slope[i] = 0.0
        y[i] = x[i]
    for i in range(size):
        pushed[i] = 0.0
        W[iw + i] = V[iv + i]
    for stage in range(4):
        reach = 0.0 if stage == 0 else (dt if stage == 3 else 0.5 * dt)
        weight = dt / 6.0 if stage == 0 or stage == 3 else dt / 3.0
        time = t * dt + reach
        for i in range(x.size):
            trial[i] = x[i] + reach * slope[i]
        rate(tag, time, trial, p, slope)
        for i in range(x.size):
            y[i] += weight * slope[i]
        if k > 0:
            for i in range(size):
                rows[i] = V[iv + i] + reach * pushed[i]
            rate_jacobian(tag, time, trial, p, work.J, work.scratch)
            _push(blas, work.J, rows, 0, k, pushed, 0)
            for i in range(size):
                W[iw + i] += weight * pushed[i]


def _step(tag, blas, t, dt, p, V, iv, k, W, iw, work):
    """One step of whichever kind of system it is."""


@overload(_step, strict=False)
def _step_overload(tag, blas, t, dt, p, V, iv, k, W, iw, work):
    kind = _flow_step if tag.instance_class.is_flow else _map_step
    return lambda tag, blas, t, dt, p, V, iv, k, W, iw, work: kind(tag, blas, t, dt, p, V, iv, k, W, iw, work)


@inner
def advance_system(tag, pack, work, blas, X, ix, rows, t, Y, iy):
    """Y = one step after X for `rows` independent states, row r with its own parameters."""
    dim = work.x.size
    for r in range(rows):
        for i in range(dim):
            work.x[i] = X[ix + r * dim + i]
        _step(tag, blas, t, pack.dt, pack.p[r], X, 0, 0, Y, 0, work)
        for i in range(dim):
            Y[iy + r * dim + i] = work.y[i]


@inner
def tangent_step_system(tag, pack, work, blas, V, k, t, W):
    """Row 0 of V is a state, rows 1..k are tangents; W gets the rows one step later."""
    dim = work.x.size
    for i in range(dim):
        work.x[i] = V[i]
    _step(tag, blas, t, pack.dt, pack.p[0], V, dim, k, W, dim, work)
    for i in range(dim):
        W[i] = work.y[i]
