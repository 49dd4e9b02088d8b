"""Dormand-Prince 5(4): one output step in as many substeps as the tolerance asks for.

The error of the state alone decides; tangents go through the same stages with the same substeps, so they
are the exact derivative of what the integrator does.
"""

from __future__ import annotations

import math

import numpy as np

from .._jit import exact, exact_inlined
from ..systems._protocol import rate
from .local_arrays import lane_array
from .system_steps import STAGES, dimension, place
from .system_tangents import (
    groups,
    lane_count,
    lanes_to_rows,
    prepare,
    push,
    push_rows,
    rows_to_lanes,
    takes_lanes,
)

# Dormand and Prince 1980, doi:10.1016/0771-050X(80)90013-3. The last row of A is the step itself, so its
# stage is the first of the next substep; E is the difference to the embedded solution of fourth order.
_A = np.array(
    [
        [0, 0, 0, 0, 0, 0],
        [1 / 5, 0, 0, 0, 0, 0],
        [3 / 40, 9 / 40, 0, 0, 0, 0],
        [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
)
_C = np.array([0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1])
_E = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
_LAST = STAGES - 1
_SAFETY, _SLOWEST, _FASTEST = 0.9, 0.2, 5.0


@exact
def advance_adaptively(tag, pack, work, blas, X, ix, rows, t, Y, iy):
    """Y = one output step after X for `rows` independent states, row r with its own parameters."""
    d = dimension(tag, work.dim)
    for r in range(rows):
        for i in range(d):
            work.S[i] = X[ix + r * d + i]
        _step(tag, pack, pack.p[r], work, blas, 0, t, X)
        for i in range(d):
            Y[iy + r * d + i] = work.S[i]


@exact
def run_adaptively(tag, pack, work, blas, V, k, t, steps, W):
    """Row 0 of V is a state, rows 1..k are tangents; all are left `steps` output steps later."""
    d = dimension(tag, work.dim)
    for i in range(d):
        work.S[i] = V[i]
    if takes_lanes(tag):
        rows_to_lanes(tag, V, k, d, work.rows)
    for s in range(steps):
        _step(tag, pack, pack.p[0], work, blas, k, t + s, V)
    for i in range(d):
        V[i] = work.S[i]
    if takes_lanes(tag):
        lanes_to_rows(tag, work.rows, k, d, V)
    return False


@exact
def _step(tag, pack, p, work, blas, k, t, V):
    """One output step of the state in S[:d], with k tangents in V or, in lanes, in `work.rows`.

    The state becomes NaN if the substeps become too many or too small.
    """
    d, S, start, dt = dimension(tag, work.dim), work.S, t * pack.dt, pack.dt
    x = place(S, 0, d)
    done, tries = 0.0, 0
    h = min(work.h[0], dt) if work.h[0] > 0.0 else dt
    rate(tag, start, x, p, place(S, STAGES, d))
    while done < dt:
        h = min(h, dt - done)
        last = done + h >= dt * (1.0 - 1e-14)
        tries += 1
        if tries > pack.most or h < 1e-13 * dt:
            for i in range(d):
                x[i] = math.nan
            break
        error = _substep(tag, start + done, p, S, d, h, pack.rtol, pack.atol)
        if error <= 1.0:
            if k > 0:
                _push_tangents(tag, blas, start + done, p, h, k, V, work)
            _move_on(S, d)
            done = dt if last else done + h
        factor = _FASTEST if error == 0.0 else _SAFETY * error ** (-0.2)
        if not math.isfinite(error):
            factor = _SLOWEST
        if not last or error > 1.0:
            work.h[0] = h
        h *= min(_FASTEST, max(_SLOWEST, factor))
        if not last or factor < 1.0:
            work.h[0] = h


@exact
def _substep(tag, time, p, S, d, h, rtol, atol):
    """The stages after the first, which is there; returns the error in units of the tolerance."""
    x = place(S, 0, d)
    for stage in range(1, STAGES):
        here = place(S, stage, d)
        for i in range(d):
            here[i] = x[i]
        for j in range(stage):
            slope, weight = place(S, STAGES + j, d), h * _A[stage, j]
            for i in range(d):
                here[i] += weight * slope[i]
        rate(tag, time + _C[stage] * h, here, p, place(S, STAGES + stage, d))
    new, total = place(S, _LAST, d), 0.0
    for i in range(d):
        error = 0.0
        for j in range(STAGES):
            error += _E[j] * S[(STAGES + j) * d + i]
        scale = atol + rtol * max(abs(x[i]), abs(new[i]))
        total += (h * error / scale) ** 2
    return math.sqrt(total / d)


@exact_inlined
def _move_on(S, d):
    """The end of an accepted substep is the start of the next, with its slope."""
    for i in range(d):
        S[i] = S[_LAST * d + i]
        S[STAGES * d + i] = S[(STAGES + _LAST) * d + i]


@exact
def _push_tangents(tag, blas, time, p, h, k, V, work):
    """Tangents through the stages of the substep, in place."""
    d = dimension(tag, work.dim)
    for stage in range(_LAST):
        prepare(tag, time + _C[stage] * h, place(work.S, stage, d), p, work.J[stage], work.S, d)
    if takes_lanes(tag):
        for g in range(groups(tag, k)):
            _push_group(tag, time, p, h, g, groups(tag, k), work, d)
    else:
        _push_rows(blas, h, k, V, work, d)


@exact_inlined
def _push_group(tag, time, p, h, g, count, work, d):
    """The tangents of group g."""
    B, size = work.rows, d * lane_count(tag)
    v, trial, first = lane_array(tag, B, g * size, d), lane_array(tag, B, count * size, d), (count + 1) * size
    for stage in range(_LAST):
        for i in range(d):
            trial[i] = v[i]
        _add_slopes(tag, B, first, size, h, stage, stage, trial)
        slope = lane_array(tag, B, first + stage * size, d)
        at = time + _C[stage] * h
        push(tag, at, place(work.S, stage, d), p, work.J[stage], trial, slope)
    _add_slopes(tag, B, first, size, h, _LAST, _LAST, v)


@exact_inlined
def _add_slopes(tag, B, first, size, h, row, count, out):
    """out += h times the slopes of the first `count` stages, by the weights of a row of the tableau."""
    for j in range(count):
        weight, slope = h * _A[row, j], lane_array(tag, B, first + j * size, out.size)
        for i in range(out.size):
            out[i] = out[i] + weight * slope[i]


@exact
def _push_rows(blas, h, k, V, work, d):
    """All tangents, rows of V, by dense products."""
    rows, size = work.rows, k * d
    for stage in range(_LAST):
        for i in range(size):
            rows[i] = V[d + i]
        for j in range(stage):
            weight = h * _A[stage, j]
            for i in range(size):
                rows[i] += weight * rows[(1 + j) * size + i]
        push_rows(work, blas, stage, rows, 0, k, rows, (1 + stage) * size, d)
    for j in range(_LAST):
        weight = h * _A[_LAST, j]
        for i in range(size):
            V[d + i] += weight * rows[(1 + j) * size + i]
