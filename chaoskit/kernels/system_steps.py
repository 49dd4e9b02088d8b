"""One step of a map or of a flow (Runge-Kutta 4), of states and of tangents.

The tangents of a flow follow the variational equation through the same four stages, so they are the
exact derivative of the numerical step, not of the flow.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba.extending import overload

from .._jit import INLINE, inner
from ..systems._protocol import rate, rate_jacobian
from .linalg import gemm, small_product

_TINY = 6  # up to this dimension plain loops beat a call of gemm


class SystemPack(NamedTuple):
    """Parameters (rows, P), one row a member of the batch, and the integration step."""

    p: np.ndarray
    dt: float


class SystemWork(NamedTuple):
    """Scratch of a step: stages of the state (4, dim) and of the tangents (4, k * dim)."""

    x: np.ndarray
    y: np.ndarray
    trial: np.ndarray
    stages: tuple
    tangents: np.ndarray
    tangent_stages: tuple
    J: np.ndarray
    scratch: tuple


def system_work(dim: int, k: int) -> SystemWork:
    """Scratch for a system of `dim` variables and k tangents."""
    return SystemWork(
        np.zeros(dim), np.zeros(dim), np.zeros(dim), tuple(np.zeros(dim) for _ in range(4)),
        np.zeros(max(1, k * dim)), tuple(np.zeros(max(1, k * dim)) for _ in range(4)), np.zeros((dim, dim)),
        tuple(np.zeros(dim) for _ in range(3)),
    )  # fmt: skip


@inner
def _shifted(x, h, k, out):
    for i in range(out.size):
        out[i] = x[i] + h * k[i]


@inner
def _runge_kutta(h, x, k1, k2, k3, k4, y):
    """y = x + h/6 (k1 + 2 k2 + 2 k3 + k4)."""
    for i in range(y.size):
        y[i] = x[i] + h / 6.0 * (k1[i] + 2.0 * (k2[i] + k3[i]) + k4[i])


@inner
def _flow_step(tag, t, h, x, p, work):
    k1, k2, k3, k4 = work.stages
    rate(tag, t, x, p, k1)
    _shifted(x, 0.5 * h, k1, work.trial)
    rate(tag, t + 0.5 * h, work.trial, p, k2)
    _shifted(x, 0.5 * h, k2, work.trial)
    rate(tag, t + 0.5 * h, work.trial, p, k3)
    _shifted(x, h, k3, work.trial)
    rate(tag, t + h, work.trial, p, k4)
    _runge_kutta(h, x, k1, k2, k3, k4, work.y)


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
def _tangent_stage(tag, blas, t, h, x, p, rate_before, rows_before, V, iv, k, work, out):
    """out = Jacobian at the trial state x + h rate_before, applied to the trial tangents."""
    _shifted(x, h, rate_before, work.trial)
    for i in range(k * x.size):
        work.tangents[i] = V[iv + i] + h * rows_before[i]
    rate_jacobian(tag, t, work.trial, p, work.J, work.scratch)
    _push(blas, work.J, work.tangents, 0, k, out, 0)


@inner
def _flow_tangents(tag, blas, t, h, x, p, V, iv, k, work, W, iw):
    """Tangents beside the stages that `_flow_step` has left in the work space."""
    k1, k2, k3, _ = work.stages
    d1, d2, d3, d4 = work.tangent_stages
    rate_jacobian(tag, t, x, p, work.J, work.scratch)
    _push(blas, work.J, V, iv, k, d1, 0)
    _tangent_stage(tag, blas, t + 0.5 * h, 0.5 * h, x, p, k1, d1, V, iv, k, work, d2)
    _tangent_stage(tag, blas, t + 0.5 * h, 0.5 * h, x, p, k2, d2, V, iv, k, work, d3)
    _tangent_stage(tag, blas, t + h, h, x, p, k3, d3, V, iv, k, work, d4)
    for i in range(k * x.size):
        W[iw + i] = V[iv + i] + h / 6.0 * (d1[i] + 2.0 * (d2[i] + d3[i]) + d4[i])


def one_step(tag, t, dt, x, p, work):
    """work.y = the state one step after x."""


def one_tangent_step(tag, blas, t, dt, x, p, V, iv, k, work, W, iw):
    """W rows = tangents V one step later; called after `one_step` at the same x."""


@overload(one_step, strict=False, jit_options=INLINE)
def _one_step(tag, t, dt, x, p, work):
    if tag.instance_class.is_flow:
        return lambda tag, t, dt, x, p, work: _flow_step(tag, t * dt, dt, x, p, work)
    return lambda tag, t, dt, x, p, work: rate(tag, 0.0, x, p, work.y)


@overload(one_tangent_step, strict=False, jit_options=INLINE)
def _one_tangent_step(tag, blas, t, dt, x, p, V, iv, k, work, W, iw):
    if tag.instance_class.is_flow:

        def flow(tag, blas, t, dt, x, p, V, iv, k, work, W, iw):
            _flow_tangents(tag, blas, t * dt, dt, x, p, V, iv, k, work, W, iw)

        return flow

    def discrete(tag, blas, t, dt, x, p, V, iv, k, work, W, iw):
        rate_jacobian(tag, 0.0, x, p, work.J, work.scratch)
        _push(blas, work.J, V, iv, k, W, iw)

    return discrete


@inner
def advance_system(tag, pack, work, X, ix, rows, t, Y, iy):
    """Y = one step after X for `rows` independent states, row r with its own parameters."""
    dim = work.x.size
    for r in range(rows):
        for i in range(dim):
            work.x[i] = X[ix + r * dim + i]
        one_step(tag, t, pack.dt, work.x, pack.p[r], work)
        for i in range(dim):
            Y[iy + r * dim + i] = work.y[i]


@inner
def tangent_step_system(tag, pack, work, blas, V, k, t, W):
    """Row 0 of V is a state, rows 1..k are tangents; W gets the rows one step later."""
    dim = work.x.size
    p = pack.p[0]
    for i in range(dim):
        work.x[i] = V[i]
    one_step(tag, t, pack.dt, work.x, p, work)
    for i in range(dim):
        W[i] = work.y[i]
    if k > 0:
        one_tangent_step(tag, blas, t, pack.dt, work.x, p, V, dim, k, work, W, dim)
