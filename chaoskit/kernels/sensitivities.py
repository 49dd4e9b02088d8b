"""Derivatives of the state with respect to all parameters, carried forward along an orbit."""

from __future__ import annotations

import math

from .._jit import inner, model_kernel, unowned
from ..cells.protocol import has_hidden
from .cpu_tangent import scale_to_one
from .linalg import blas_arguments, gemm, keep_alive
from .pull_back import activations, adjoint_step

_MOST = 1000  # power of two that float64 still holds


@inner
def _outer(a, count, b, width, scale, out, at):
    """`out` from `at` on = scale times a (count,) b (width,)'; most entries of a are 0."""
    for i in range(count):
        first = at + i * width
        factor = scale * a[i]
        for j in range(width):
            out[first + j] = factor * b[j] if factor != 0 else 0
    return at + count * width


@inner
def _take(array, count, scale, out, at):
    """`out` from `at` on = scale times the first `count` numbers; they become 0."""
    for i in range(count):
        out[at + i] = scale * array[i]
        array[i] = 0
    return at + count


@inner
def _rows(tag, packed, work, blas, X, ix, saved, bare, scale, J, out):
    """Jacobian J (nx, nx) of a step and scale times its immediate parameter derivatives (nx, parameters).

    Row i of both is the adjoint of the unit vector i. `saved` and `bare` keep what that writes over.
    """
    n, m, nx, na, ns, inputs = packed.sizes
    size, one = out.size // nx, J.dtype.type(1)
    for i in range(ns):
        saved[i] = work.S[i]
    for i in range(bare.size):
        bare[i] = work.PRE[i]
    for row in range(nx):
        for i in range(ns):
            work.S[i] = saved[i]
        for i in range(bare.size):
            work.PRE[i] = bare[i]
        for i in range(nx):
            work.D[i] = 0
        work.D[row] = 1
        adjoint_step(tag, packed, work, blas, X, ix, 0, 1, 0, one)
        for i in range(nx):
            J[row * nx + i] = work.D[i]
        at = _outer(work.S, na, work.R, m + inputs, scale, out, row * size)
        if has_hidden(tag):
            at = _outer(work.PRE, m, work.E, n, scale, out, at)
        at = _take(work.GP, packed.P.size, scale, out, at)
        _take(work.GF, packed.F.size, scale, out, at)


@model_kernel
def sensitivities_along(tag, packed, work, X, U, width, flow, steps, S, T, J, saved, bare, exponent):
    """S (nx, parameters), flat, the derivative of the state before the first step, goes `steps` steps on.

    X, U, width, flow as in `pull_back_along`. T is scratch like S, J (nx, nx) holds the last Jacobian; S is a
    mantissa, times the power of two `exponent`; returns the new one. Parameters are packed.
    """
    owned = blas_arguments(X)
    blas = unowned(owned)
    packed, work = unowned(packed), unowned(work)
    nx, inputs = packed.sizes.nx, packed.sizes.inputs
    size = S.size // nx
    old, new = unowned(S), unowned(T)
    for t in range(steps):
        for i in range(width[t] * size):
            old[i] = 0 if flow[t] == 0 else flow[t] * old[i]
        activations(tag, packed, work, blas, X, t * nx, 1, U, t * inputs)
        scale = S.dtype.type(math.ldexp(1.0, min(-exponent, _MOST)))
        _rows(tag, packed, work, blas, X, t * nx, saved, bare, scale, J, new)
        gemm(blas, 0, 0, nx, size, nx, 1, J, 0, nx, old, 0, size, 1, new, 0, size)
        exponent += scale_to_one(new, 0, new.size)
        old, new = new, old
    for i in range(S.size):
        S[i] = old[i]
    keep_alive(owned)
    return exponent
