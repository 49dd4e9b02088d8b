"""Adjoints of single steps: of many states at once, and of one gradient on its way back along an orbit.

Here the states are given, so the activations of many steps come from one product. `cpu_adjoint` trains on
batches; this is what asks how gradients grow, and must not overflow in a million steps.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._jit import inner, model_kernel, unowned
from ..cells.protocol import has_hidden
from .adjoint_steps import add_weight_gradients, enter_features, finish_step, step_back
from .linalg import blas_arguments, keep_alive
from .loops import SUMS, input_loop, unforce_loop
from .packing import Packed, aligned

SEGMENT = 128  # rows whose activations are kept at once


class PullWork(NamedTuple):
    """Activations of `rows` steps, adjoints and parameter gradients, flat; w = m + inputs."""

    R: np.ndarray  # (rows, w): operand of the main product
    E: np.ndarray  # (rows, n): first state plane, cells with a hidden product only
    PRE: np.ndarray  # (rows, m): hidden pre-activations, then their gradients
    A: np.ndarray  # (rows, max(na, m)): gates, then the gradient of the hidden features
    S: np.ndarray  # (rows, ns): saved values, then gate gradients
    Y: np.ndarray  # (rows, nx): states after the step
    D: np.ndarray  # (rows, nx): adjoints
    DZ: np.ndarray  # (rows, n): zeros
    Q: np.ndarray  # (rows, n): gradient of the features of the first state plane; 0 between steps
    Z: np.ndarray  # (rows, nx): scratch
    GW: np.ndarray  # (na, w)
    GH: np.ndarray  # (m, n)
    GP: np.ndarray  # (SUMS, parameters)
    GF: np.ndarray  # (SUMS, feature parameters)


def pull_work(tag, packed: Packed, rows: int) -> PullWork:
    """Memory for `rows` steps at once."""
    s, dtype = packed.sizes, packed.P.dtype
    hidden, w = int(has_hidden(tag)), s.m + s.inputs

    def memory(*shape):
        return aligned(max(1, math.prod(shape)), dtype)

    return PullWork(
        R=memory(rows, w), E=memory(hidden, rows, s.n), PRE=memory(hidden, rows, s.m),
        A=memory(rows, max(s.na, s.m)), S=memory(rows, s.ns), Y=memory(rows, s.nx),
        D=memory(rows, s.nx), DZ=memory(rows, s.n), Q=memory(rows, s.n), Z=memory(rows, s.nx),
        GW=memory(s.na, w), GH=memory(hidden, s.m, s.n), GP=memory(SUMS, packed.P.size),
        GF=memory(SUMS, packed.F.size),
    )  # fmt: skip


def packed_size(packed: Packed, tag) -> int:
    """Number of packed parameters: [GW | GH | P | F] one after the other."""
    s = packed.sizes
    hidden = s.m * s.n if has_hidden(tag) else 0
    return s.na * (s.m + s.inputs) + hidden + packed.P.size + packed.F.size


def split_packed(packed: Packed, tag, flat: np.ndarray) -> tuple[np.ndarray, ...]:
    """GW, GH, GP, GF of one row of packed parameters."""
    s = packed.sizes
    at = np.cumsum([s.na * (s.m + s.inputs), s.m * s.n if has_hidden(tag) else 0, packed.P.size])
    return tuple(np.split(flat, at))


@inner
def activations(tag, packed, work, blas, X, ix, rows, U, iu):
    """What the adjoint of one step needs, from `rows` states."""
    m, inputs = packed.sizes.m, packed.sizes.inputs
    enter_features(tag, packed, work, blas, X, ix, 0, rows)
    input_loop(U, iu, inputs, rows, inputs, work.R, m, m + inputs)
    finish_step(tag, packed, work, blas, X, ix, 0, rows)


@inner
def adjoint_step(tag, packed, work, blas, X, ix, row, rows, width, flow):
    """D, the adjoint of the states after a step, becomes that of the states before it.

    The activations stand from `row` on; their S and PRE become gradients. GP and GF gain, GW and GH do not.
    width, flow: the first `width` numbers of the state let only so much of the adjoint through.
    """
    n, nx, zero = packed.sizes.n, packed.sizes.nx, work.D.dtype.type(0)
    step_back(tag, packed, work, blas, X, ix, row, rows, work.D)
    unforce_loop(tag, packed.F, X, ix, rows, n, nx, width, zero, flow, work.D, work.Q, work.Z, 0, work.GF)


@inner
def _part(array, count, scale, out, at):
    """`out` from `at` on gains scale times the sum of the rows of `count` numbers; they become 0."""
    for r in range(array.size // count):
        for i in range(count):
            out[at + i] += scale * array[r * count + i]
            array[r * count + i] = 0
    return at + count


@inner
def add_parameters(tag, packed, work, scale, out, at):
    """`out` from `at` on gains scale times the parameter gradients, which become 0."""
    at = _part(work.GW, work.GW.size, scale, out, at)
    if has_hidden(tag):
        at = _part(work.GH, work.GH.size, scale, out, at)
    at = _part(work.GP, packed.P.size, scale, out, at)
    return _part(work.GF, packed.F.size, scale, out, at)


@inner
def largest_entry(x, size):
    """Largest absolute value of the first `size` entries; NaN if one is NaN."""
    largest = 0.0
    for i in range(size):
        value = abs(np.float64(x[i]))
        largest = value if not value <= largest else largest
    return largest


@inner
def _power(x, size):
    """Exponent of the power of two above the largest entry; 0 for zeros and for what is not finite."""
    largest = largest_entry(x, size)
    return math.frexp(largest)[1] if largest > 0.0 and math.isfinite(largest) else 0


@inner
def _rescale(x, size, power):
    """x over 2^power."""
    scale = x.dtype.type(math.ldexp(1.0, -power))
    for i in range(size):
        x[i] *= scale


@inner
def _flush(tag, packed, work, blas, row, rows, total, exponents):
    """Take the parameter gradients of the last rows to the total, and bring adjoint and total to about 1.

    exponents: of the adjoint, and of the total; both are mantissas times powers of two.
    """
    if rows > 0:
        add_weight_gradients(tag, packed, work, blas, row, rows)
        top = max(exponents[0], exponents[1])
        _rescale(total, total.size, top - exponents[1])
        add_parameters(tag, packed, work, work.D.dtype.type(math.ldexp(1.0, exponents[0] - top)), total, 0)
        power = _power(total, total.size)
        _rescale(total, total.size, power)
        exponents[1] = top + power
    power = _power(work.D, packed.sizes.nx)
    _rescale(work.D, packed.sizes.nx, power)
    exponents[0] += power


@model_kernel
def pull_back_along(tag, packed, work, X, U, width, flow, steps, total, exponents):
    """Take the adjoint D[:nx] of the state after the last of `steps` steps to the first state of X.

    X (steps, nx), flat: the states that the steps begin at, with inputs U; before step t the first width[t]
    numbers of the state were forced and let only flow[t] of the adjoint through. total, flat, gains the
    packed parameter gradient. exponents (2,): powers of two of D and of total.
    """
    owned = blas_arguments(X)
    blas = unowned(owned)
    packed, work = unowned(packed), unowned(work)
    nx, inputs = packed.sizes.nx, packed.sizes.inputs
    room = 400 if X.itemsize == 8 else 40  # powers of two between which an adjoint is left as it is
    rows = work.DZ.size // packed.sizes.n
    end = steps
    while end > 0 and largest_entry(work.D, nx) != 0.0:
        begin = max(0, end - rows)
        activations(tag, packed, work, blas, X, begin * nx, end - begin, U, begin * inputs)
        last = end - begin
        for s in range(last - 1, -1, -1):
            t = begin + s
            adjoint_step(tag, packed, work, blas, X, t * nx, s, 1, width[t], flow[t])
            power = _power(work.D, nx)
            if s == 0 or power > room or power < -room:
                _flush(tag, packed, work, blas, s, last - s, total, exponents)
                last = s
        end = begin
    keep_alive(owned)


@model_kernel
def pull_back(tag, packed, work, X, U, rows, total):
    """D (rows, nx), the adjoints of the states after one step from each state of X, become those of X.

    total, flat, gains the packed parameter gradient summed over the rows.
    """
    owned = blas_arguments(X)
    blas = unowned(owned)
    packed, work = unowned(packed), unowned(work)
    one = X.dtype.type(1)
    activations(tag, packed, work, blas, X, 0, rows, U, 0)
    adjoint_step(tag, packed, work, blas, X, 0, 0, rows, 0, one)
    add_weight_gradients(tag, packed, work, blas, 0, rows)
    add_parameters(tag, packed, work, one, total, 0)
    keep_alive(owned)
