"""Tangents of maps and flows, as many at once as a vector register has lanes.

The tangents of a flow follow the variational equation through the stages of the integrator, so they are
the exact derivative of the numerical step, not of the flow. Where the dimension is small, or a tangent
function tells the structure of the Jacobian, tangents lie side by side in vectors: entry i of tangents
q .. q + 7 is one vector. Larger systems without a tangent function take products with the dense Jacobian.
"""

from __future__ import annotations

import re
from typing import Any

from .._jit import INLINE, exact, exact_inlined, inlined, overload
from ..systems._protocol import rate, rate_jacobian
from . import lane_arithmetic  # noqa: F401 - tangent functions take vectors
from .linalg import gemm
from .local_arrays import (
    assign,
    combine,
    combine_both,
    dense_product,
    lane_array,
    lanes_of,
    one_lane,
    stack_lanes,
)
from .system_steps import (
    STAGES,
    AdaptivePack,
    dimension,
    matrix,
    runge_kutta_stages,
    runge_kutta_vectors,
    scratch_vectors,
    vector,
)

# a load or store of a vector that needs more than the alignment of its numbers
_ALIGNED_VECTOR = re.compile(r"\b(load|store)\b.*<\d+ x double>.*align (16|32|64|128)\b")


def lane_count(tag) -> int:
    """Lanes of a vector of tangents."""
    return lanes_of(tag)


@overload(lane_count, strict=False, jit_options=INLINE)
def _lane_count(tag):
    lanes = lanes_of(tag)
    return lambda tag: lanes


def takes_lanes(tag) -> bool:
    """True if the tangents of this system lie side by side in vectors."""
    return _in_lanes(tag)


def _in_lanes(tag_type) -> bool:
    cls = tag_type.instance_class
    return cls.tangent is not None or cls.known_dim is not None


@overload(takes_lanes, strict=False, jit_options=INLINE)
def _takes_lanes(tag):
    chosen = _in_lanes(tag)
    return lambda tag: chosen


# ---- the derivative at one stage
@exact_inlined
def prepare(tag, time, x, p, J, S, d):
    """What tangents at x need: the Jacobian, unless there is a tangent function."""
    rate_jacobian(tag, time, x, p, J, scratch_vectors(tag, S, d))


def push(tag, t, x, p, J, v, out):
    """out = derivative of the rate at x, applied to the tangents in the lanes of v."""


@overload(push, strict=False, jit_options=INLINE)
def _push(tag, t, x, p, J, v, out):
    cls = tag.instance_class
    if cls.tangent is None:
        return lambda tag, t, x, p, J, v, out: dense_product(tag, J, v, out)
    tangent = _with_time(cls.tangent, cls.is_flow)
    if takes_vectors(cls.tangent, (t, x, p, v, out) if cls.is_flow else (x, p, v, out)):
        return tangent
    one = inlined(tangent)

    def lane_by_lane(tag, t, x, p, J, v, out):
        for q in range(lane_count(tag)):
            one(tag, t, x, p, J, one_lane(v, q), one_lane(out, q))

    return lane_by_lane


def _with_time(tangent: Any, is_flow: bool) -> Any:
    if is_flow:
        return lambda tag, t, x, p, J, v, out: tangent(t, x, p, v, out)
    return lambda tag, t, x, p, J, v, out: tangent(x, p, v, out)


def takes_vectors(tangent: Any, arguments: tuple) -> bool:
    """False for a tangent function that does more with its entries than sums and products with numbers.

    What it keeps in containers of its own counts as more: Numba aligns their memory for numbers only, and
    then reads vectors from it as if it were aligned for them.
    """
    try:
        tangent.get_call_template(arguments, {})
        code = tangent.overloads[tuple(arguments)].library.get_llvm_str()
    except Exception:  # whatever Numba raises on the way, one lane after the other may still do
        return False
    return not any(_ALIGNED_VECTOR.search(line) for line in code.splitlines())


# ---- between rows and lanes
def groups(tag, k) -> int:
    """Vectors that k tangents fill; the compiler knows that few variables have one."""
    return -(-k // lane_count(tag))


@overload(groups, strict=False, jit_options=INLINE)
def _groups(tag, k):
    lanes = lanes_of(tag)
    if tag.instance_class.known_dim is not None:
        return lambda tag, k: 1
    return lambda tag, k: (k + lanes - 1) // lanes


@exact_inlined
def rows_to_lanes(tag, V, k, d, B):
    """Tangents, rows 1 .. k of V, to B: element (group, entry, lane)."""
    L = lane_count(tag)
    for row in range(groups(tag, k) * L):
        to = (row // L) * d * L + row % L
        for i in range(d):
            B[to + i * L] = V[(1 + row) * d + i] if row < k else 0.0


@exact_inlined
def lanes_to_rows(tag, B, k, d, V):
    """The way back."""
    L = lane_count(tag)
    for row in range(k):
        at = (row // L) * d * L + row % L
        for i in range(d):
            V[(1 + row) * d + i] = B[at + i * L]


def lanes(tag, memory, at, d):
    """Vectors for the tangents of a group: on the stack, or in memory from `at` on."""


@overload(lanes, strict=False, jit_options=INLINE)
def _lanes(tag, memory, at, d):
    if tag.instance_class.known_dim is None:
        return lambda tag, memory, at, d: lane_array(tag, memory, at, d)
    return lambda tag, memory, at, d: stack_lanes(tag)


# ---- maps
@exact
def _map_in_lanes(tag, pack, work, blas, V, k, t, steps, W):
    d, p, L, B = dimension(tag, work.dim), pack.p[0], lane_count(tag), work.rows
    x, y = vector(tag, work.S, 0, d), vector(tag, work.S, STAGES, d)
    J = matrix(tag, work.J, 0)
    count = groups(tag, k)
    out = lanes(tag, B, count * d * L, d)
    assign(tag, x, V[:d])
    rows_to_lanes(tag, V, k, d, B)
    for _ in range(steps):
        rate(tag, 0.0, x, p, y)
        prepare(tag, 0.0, x, p, J, work.S, d)
        for g in range(count):
            v = lane_array(tag, B, g * d * L, d)
            push(tag, 0.0, x, p, J, v, out)
            assign(tag, v, out)
        assign(tag, x, y)
    assign(tag, V[:d], x)
    lanes_to_rows(tag, B, k, d, V)
    return False


@exact
def _map_in_rows(tag, pack, work, blas, V, k, t, steps, W):
    d, p = dimension(tag, work.dim), pack.p[0]
    J, size = work.J[0], k * d
    for _ in range(steps):
        rate(tag, 0.0, V[:d], p, W[:d])
        prepare(tag, 0.0, V[:d], p, J, work.S, d)
        for i in range(size):
            W[d + i] = V[d + i]
        gemm(blas, 0, 1, k, d, d, 1, W, d, d, work.J, 0, d, 0, V, d, d)
        for i in range(d):
            V[i] = W[i]
    return False


# ---- flows, Runge-Kutta 4
@exact
def _flow_in_lanes(tag, pack, work, blas, V, k, t, steps, W):
    d, dt, p, L, B = dimension(tag, work.dim), pack.dt, pack.p[0], lane_count(tag), work.rows
    x = vector(tag, work.S, 0, d)
    states, slopes, new = runge_kutta_vectors(tag, work.S, d)
    J = matrix(tag, work.J, 0), matrix(tag, work.J, 1), matrix(tag, work.J, 2), matrix(tag, work.J, 3)
    count = groups(tag, k)
    free = count * d * L
    scratch = lanes(tag, B, free, d), lanes(tag, B, free + d * L, d), lanes(tag, B, free + 2 * d * L, d)
    assign(tag, x, V[:d])
    rows_to_lanes(tag, V, k, d, B)
    for s in range(steps):
        time = (t + s) * dt
        runge_kutta_stages(tag, time, dt, p, x, states, slopes, new)
        prepare(tag, time, x, p, J[0], work.S, d)
        prepare(tag, time + 0.5 * dt, states[0], p, J[1], work.S, d)
        prepare(tag, time + 0.5 * dt, states[1], p, J[2], work.S, d)
        prepare(tag, time + dt, states[2], p, J[3], work.S, d)
        for g in range(count):
            _push_group(tag, time, dt, p, x, states, J, lane_array(tag, B, g * d * L, d), scratch)
        assign(tag, x, new)
    assign(tag, V[:d], x)
    lanes_to_rows(tag, B, k, d, V)
    return False


@exact_inlined
def _push_group(tag, time, dt, p, x, states, J, v, scratch):
    """The tangents in the lanes of v through the four stages, in place."""
    half, sixth, third = 0.5 * dt, dt / 6.0, dt / 3.0
    trial, slope, new = scratch
    push(tag, time, x, p, J[0], v, slope)
    combine_both(tag, new, v, sixth, trial, v, half, slope)
    push(tag, time + half, states[0], p, J[1], trial, slope)
    combine_both(tag, new, new, third, trial, v, half, slope)
    push(tag, time + half, states[1], p, J[2], trial, slope)
    combine_both(tag, new, new, third, trial, v, dt, slope)
    push(tag, time + dt, states[2], p, J[3], trial, slope)
    combine(tag, v, new, sixth, slope)


@exact
def _flow_in_rows(tag, pack, work, blas, V, k, t, steps, W):
    d, dt, p = dimension(tag, work.dim), pack.dt, pack.p[0]
    x = V[:d]
    states, slopes, new = runge_kutta_vectors(tag, work.S, d)
    trial, size = work.rows, k * d
    for s in range(steps):
        time = (t + s) * dt
        runge_kutta_stages(tag, time, dt, p, x, states, slopes, new)
        prepare(tag, time, x, p, work.J[0], work.S, d)
        prepare(tag, time + 0.5 * dt, states[0], p, work.J[1], work.S, d)
        prepare(tag, time + 0.5 * dt, states[1], p, work.J[2], work.S, d)
        prepare(tag, time + dt, states[2], p, work.J[3], work.S, d)
        for i in range(size):
            W[d + i] = V[d + i]
            trial[size + i] = 0.0
        for stage in range(4):
            reach = 0.0 if stage == 0 else (dt if stage == 3 else 0.5 * dt)
            weight = dt / 6.0 if stage == 0 or stage == 3 else dt / 3.0
            for i in range(size):
                trial[i] = W[d + i] + reach * trial[size + i]
            push_rows(work, blas, stage, trial, 0, k, trial, size, d)
            for i in range(size):
                V[d + i] += weight * trial[size + i]
        assign(tag, x, new)
    return False


@exact_inlined
def push_rows(work, blas, stage, V, iv, k, out, io, d):
    """out = k rows of V times the dense Jacobian of a stage, by one product."""
    gemm(blas, 0, 1, k, d, d, 1, V, iv, d, work.J, stage * d * d, d, 0, out, io, d)


def run_system(tag, pack, work, blas, V, k, t, steps, W):
    """Row 0 of V is a state, rows 1..k are tangents; all are left `steps` steps later. W: scratch.

    Returns False: the result is in V (see `models.run`).
    """


@overload(run_system, strict=False)
def _run_system(tag, pack, work, blas, V, k, t, steps, W):
    from .adaptive_steps import run_adaptively  # it needs the names above

    if pack.instance_class is AdaptivePack:
        kind: Any = run_adaptively
    elif tag.instance_class.is_flow:
        kind = _flow_in_lanes if _in_lanes(tag) else _flow_in_rows
    else:
        kind = _map_in_lanes if _in_lanes(tag) else _map_in_rows

    def run(tag, pack, work, blas, V, k, t, steps, W):
        return kind(tag, pack, work, blas, V, k, t, steps, W)

    return run
