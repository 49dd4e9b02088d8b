"""One step of a map or of a flow: parameters, scratch, and states without tangents.

Scratch is one flat array, but where the compiler knows the dimension (few variables) vectors live on the
stack, and so in registers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._jit import INLINE, exact, exact_inlined, overload
from ..systems._protocol import rate
from .local_arrays import assign, combine, combine_both, stack_matrix, stack_vector
from .packing import aligned


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
    S: np.ndarray  # vectors of one state, see `place`
    J: np.ndarray  # Jacobians at the stages (STAGES, dim, dim)
    rows: np.ndarray  # tangents on their way through the stages
    h: np.ndarray  # last step of an adaptive integrator


STAGES = 7
WIDEST = 8  # lanes of a vector of tangents, at most
_VECTORS = 2 * STAGES + 3


def system_work(dim: int, tangents: int, dense: bool) -> SystemWork:
    """Scratch for a system of `dim` variables; `dense`: its tangents take the dense Jacobian."""
    lanes = dim * (-(-tangents // WIDEST) + STAGES + 3) * WIDEST
    rows = max(lanes, (STAGES + 1) * tangents * dim if dense else 0) if tangents else 1
    width = dim if dense and tangents else 0
    return SystemWork(
        dim,
        aligned(_VECTORS * dim, float),
        np.zeros((STAGES, width, width)),
        aligned(rows, float),
        np.zeros(1),
    )


def dimension(tag, dim):
    """Number of variables; a constant for the compiler if there are few."""
    return dim


@overload(dimension, strict=False, jit_options=INLINE)
def _dimension(tag, dim):
    known = tag.instance_class.known_dim
    if known is None:
        return lambda tag, dim: dim
    return lambda tag, dim: known


@exact_inlined
def place(S, i, d):
    """Vector number i of the scratch: stage states from 0, their slopes from STAGES on, then three more."""
    return S[i * d : (i + 1) * d]


def vector(tag, S, i, d):
    """Vector number i of the scratch, or one on the stack; its contents are not kept between calls."""


@overload(vector, strict=False, jit_options=INLINE)
def _vector(tag, S, i, d):
    if tag.instance_class.known_dim is None:
        return lambda tag, S, i, d: place(S, i, d)
    return lambda tag, S, i, d: stack_vector(tag)


def matrix(tag, J, i):
    """Jacobian number i of the scratch, or one on the stack."""


@overload(matrix, strict=False, jit_options=INLINE)
def _matrix(tag, J, i):
    if tag.instance_class.known_dim is None:
        return lambda tag, J, i: J[i]
    return lambda tag, J, i: stack_matrix(tag)


@exact_inlined
def scratch_vectors(tag, S, d):
    """Three vectors for finite differences."""
    first = 2 * STAGES
    return vector(tag, S, first, d), vector(tag, S, first + 1, d), vector(tag, S, first + 2, d)


@exact_inlined
def runge_kutta_stages(tag, time, dt, p, x, states, slopes, new):
    """The three stage states after x, the slopes at all four, and the state one step later."""
    half, sixth, third = 0.5 * dt, dt / 6.0, dt / 3.0
    k1, k2, k3, k4 = slopes
    rate(tag, time, x, p, k1)
    combine_both(tag, new, x, sixth, states[0], x, half, k1)
    rate(tag, time + half, states[0], p, k2)
    combine_both(tag, new, new, third, states[1], x, half, k2)
    rate(tag, time + half, states[1], p, k3)
    combine_both(tag, new, new, third, states[2], x, dt, k3)
    rate(tag, time + dt, states[2], p, k4)
    combine(tag, new, new, sixth, k4)


@exact_inlined
def runge_kutta_vectors(tag, S, d):
    """(stage states, slopes, new state) for `runge_kutta_stages`."""
    states = vector(tag, S, 1, d), vector(tag, S, 2, d), vector(tag, S, 3, d)
    first = STAGES
    slopes = (
        vector(tag, S, first, d), vector(tag, S, first + 1, d), vector(tag, S, first + 2, d),
        vector(tag, S, first + 3, d),
    )  # fmt: skip
    return states, slopes, vector(tag, S, first + 4, d)


@exact
def _advance_map(tag, pack, work, blas, X, ix, rows, t, Y, iy):
    d = dimension(tag, work.dim)
    x, y = vector(tag, work.S, 0, d), vector(tag, work.S, STAGES, d)
    for r in range(rows):
        assign(tag, x, X[ix + r * d : ix + (r + 1) * d])
        rate(tag, 0.0, x, pack.p[r], y)
        assign(tag, Y[iy + r * d : iy + (r + 1) * d], y)


@exact
def _advance_flow(tag, pack, work, blas, X, ix, rows, t, Y, iy):
    d, dt = dimension(tag, work.dim), pack.dt
    x = vector(tag, work.S, 0, d)
    states, slopes, new = runge_kutta_vectors(tag, work.S, d)
    for r in range(rows):
        assign(tag, x, X[ix + r * d : ix + (r + 1) * d])
        runge_kutta_stages(tag, t * dt, dt, pack.p[r], x, states, slopes, new)
        assign(tag, Y[iy + r * d : iy + (r + 1) * d], new)


def advance_system(tag, pack, work, blas, X, ix, rows, t, Y, iy):
    """Y = one step after X for `rows` independent states, row r with its own parameters."""


@overload(advance_system, strict=False)
def _advance_system(tag, pack, work, blas, X, ix, rows, t, Y, iy):
    from .adaptive_steps import advance_adaptively  # it needs the names above

    kind: Any = _advance_flow if tag.instance_class.is_flow else _advance_map
    if pack.instance_class is AdaptivePack:
        kind = advance_adaptively

    def advance(tag, pack, work, blas, X, ix, rows, t, Y, iy):
        kind(tag, pack, work, blas, X, ix, rows, t, Y, iy)

    return advance
