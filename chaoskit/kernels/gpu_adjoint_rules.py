"""What the adjoint does to one unit of one row: the twins of `loops.back_loop` and `loops.unforce_loop`."""

from __future__ import annotations

from .._jit import gpu_function
from ..cells._math import like
from ..cells.protocol import (
    feature_gradient,
    feature_slope,
    has_hidden,
    local_vjp,
    parameter_gradient,
    slopes,
)
from .planes import add, head_plus, load, store


@gpu_function
def back_unit(tag, P, ip, F, jf, n, j, x, Y, iy, S, at, dz, Q, iq, D, d0, A, ia, GP, gp, GF, gf):
    """The gradient of y is D + dz + slope * Q; gate gradients take the place of S and go to A as well, the
    direct gradient of x takes that of D; GP gains the unit parameters, GF those of the feature of y.
    """
    p, y, s = load(tag, "p", P, ip, n, j), load(tag, "y", Y, iy, n, j), load(tag, "s", S, at, n, j)
    q = Q[iq + j]
    if not has_hidden(tag):
        f = load(tag, "f", F, jf, n, j)
        store(tag, "gf", GF, gf, n, j, add(load(tag, "gf", GF, gf, n, j), feature_gradient(tag, f, y[0], q)))
        q = q * feature_slope(tag, f, y[0])
    g = head_plus(load(tag, "g", D, d0, n, j), dz + q)
    c = slopes(tag, p, x, y, s)
    gx, ga = local_vjp(tag, c, g)
    store(tag, "ga", S, at, n, j, ga)
    store(tag, "a", A, ia, n, j, ga)
    store(tag, "g", D, d0, n, j, gx)
    store(tag, "gp", GP, gp, n, j, add(load(tag, "gp", GP, gp, n, j), parameter_gradient(tag, c, x, g, ga)))


@gpu_function
def hidden_back_unit(tag, F, jf, m, l, z, g, GF, gf):
    """Gradient of a hidden pre-activation z from that of its feature; GF gains the feature parameters."""
    f = load(tag, "f", F, jf, m, l)
    store(tag, "gf", GF, gf, m, l, add(load(tag, "gf", GF, gf, m, l), feature_gradient(tag, f, z, g)))
    return feature_slope(tag, f, z) * g


@gpu_function
def unforce_unit(tag, F, jf, n, nx, j, X, ix, width, keep, flow, D, d0, Q, iq, GF, gf):
    """The gradient of the forced state X goes to what it was forced to (in the place of X) and to the state
    before forcing (D): a share `flow` of it, or exactly nothing.
    """
    zero, one = like(D[d0], 0.0), like(D[d0], 1.0)
    q = Q[iq + j]
    if not has_hidden(tag):
        f, x = load(tag, "f", F, jf, n, j), X[ix + j]
        store(tag, "gf", GF, gf, n, j, add(load(tag, "gf", GF, gf, n, j), feature_gradient(tag, f, x, q)))
        q = q * feature_slope(tag, f, x)
    D[d0 + j] += q
    Q[iq + j] = zero
    for i in range(j, nx, n):  # the planes of the unit
        if i < width:
            X[ix + i] = (one - keep) * D[d0 + i]
            D[d0 + i] = zero if flow == zero else flow * D[d0 + i]
        else:
            X[ix + i] = zero
