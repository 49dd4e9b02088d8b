"""Pointwise loops over planes, generic over cells: flat buffers, offsets in elements, row strides.

No reshape and no slices in here: array objects inside the step loop cost more than the arithmetic.
"""

from __future__ import annotations

from .._jit import inlined, inner
from ..cells.protocol import (
    feature,
    feature_gradient,
    feature_slope,
    has_hidden,
    local,
    local_jvp,
    local_vjp,
    parameter_gradient,
    slopes,
)
from .planes import _load, _store, add, head_plus

_VECTOR = 16  # single numbers in the widest registers
SUMS = 4  # partial sums of the gradient of a parameter


@inner
def enter_loop(tag, F, X, ix, rows, n, nx, R, ir, stride):
    """R = feature of the first state plane; the bare plane for a cell with a hidden product."""
    for r in range(rows):
        x0, r0 = ix + r * nx, ir + r * stride
        for j in range(n):
            x = _load(tag, "d", X, x0, n, j)[0]
            if not has_hidden(tag):
                x = feature(tag, _load(tag, "f", F, 0, n, j), x)
            _store(tag, "e", R, r0, n, j, (x,))


@inner
def hidden_loop(tag, F, PRE, ip, rows, m, R, ir, stride):
    """R = feature of the hidden pre-activations."""
    for r in range(rows):
        p0, r0 = ip + r * m, ir + r * stride
        for j in range(m):
            z = _load(tag, "d", PRE, p0, m, j)[0]
            _store(tag, "e", R, r0, m, j, (feature(tag, _load(tag, "f", F, 0, m, j), z),))


@inner
def input_loop(U, iu, between, rows, inputs, R, ir, stride):
    """Copy inputs, in rows `between` numbers apart, into the last columns of the operand rows."""
    for r in range(rows):
        for j in range(inputs):
            R[ir + r * stride + j] = U[iu + r * between + j]


@inner
def local_loop(tag, P, X, ix, A, ia, rows, n, nx, na, ns, Y, iy, S, isv):
    """Y, S = local(X, A)."""
    whole = n - n % _VECTOR if n > _VECTOR else n
    for r in range(rows):
        x0, a0, y0, s0 = ix + r * nx, ia + r * na, iy + r * nx, isv + r * ns
        for j in range(whole):
            _local_unit(tag, P, X, x0, A, a0, n, j, Y, y0, S, s0)
        if whole < n:  # a few units again, so that no tanh is taken one at a time
            for j in range(n - _VECTOR, n):
                _local_unit(tag, P, X, x0, A, a0, n, j, Y, y0, S, s0)


@inlined
def _local_unit(tag, P, X, x0, A, a0, n, j, Y, y0, S, s0):
    x = _load(tag, "x", X, x0, n, j)
    y, s = local(tag, _load(tag, "p", P, 0, n, j), x, _load(tag, "a", A, a0, n, j))
    _store(tag, "y", Y, y0, n, j, y)
    _store(tag, "s", S, s0, n, j, s)


@inlined
def slope_loop(tag, P, X, ix, A, ia, n, Y, iy, C):
    """One system: Y = local(X, A) and the coefficients of its tangent."""
    for j in range(n):
        p = _load(tag, "p", P, 0, n, j)
        x = _load(tag, "x", X, ix, n, j)
        y, s = local(tag, p, x, _load(tag, "a", A, ia, n, j))
        _store(tag, "y", Y, iy, n, j, y)
        _store(tag, "c", C, 0, n, j, slopes(tag, p, x, y, s))


@inlined
def feature_slope_loop(tag, F, X, ix, n, R, ir, FS):
    """One system: feature and its slope."""
    for j in range(n):
        f = _load(tag, "f", F, 0, n, j)
        x = _load(tag, "d", X, ix, n, j)[0]
        _store(tag, "e", R, ir, n, j, (feature(tag, f, x),))
        _store(tag, "q", FS, 0, n, j, (feature_slope(tag, f, x),))


@inlined
def feature_rows_loop(tag, FS, V, iv, rows, n, width, R, ir, stride):
    """Tangents of the feature: rows scaled by the slopes."""
    for r in range(rows):
        v0, r0 = iv + r * width, ir + r * stride
        for j in range(n):
            d = _load(tag, "q", FS, 0, n, j)[0] * _load(tag, "d", V, v0, n, j)[0]
            _store(tag, "e", R, r0, n, j, (d,))


@inlined
def tangent_rows_loop(tag, C, V, iv, DA, ia, rows, n, nx, na, W, iw):
    """New tangents from old ones and from the products of their features."""
    for r in range(rows):
        v0, a0, w0 = iv + r * nx, ia + r * na, iw + r * nx
        for j in range(n):
            c = _load(tag, "c", C, 0, n, j)
            dy = local_jvp(tag, c, _load(tag, "v", V, v0, n, j), _load(tag, "a", DA, a0, n, j))
            _store(tag, "w", W, w0, n, j, dy)


@inner
def back_loop(tag, P, F, X, ix, Y, iy, S, isv, DZ, iz, Q, D, rows, n, nx, ns, GP, GF):
    """One adjoint step. The gradient of y is D + DZ + slope * Q; gate gradients take the place of S,
    the direct gradient of x that of D; GP gains the unit parameters, GF those of the feature of y.

    GP and GF are `SUMS` partial sums side by side, taken in turn: a row need not wait for the one before.
    """
    for r in range(rows):
        x0, y0, s0, z0, q0, d0 = ix + r * nx, iy + r * nx, isv + r * ns, iz + r * n, r * n, r * nx
        p0, f0 = r % SUMS * (GP.size // SUMS), r % SUMS * (GF.size // SUMS)
        for j in range(n):
            p = _load(tag, "p", P, 0, n, j)
            x = _load(tag, "x", X, x0, n, j)
            y = _load(tag, "y", Y, y0, n, j)
            s = _load(tag, "s", S, s0, n, j)
            q = _load(tag, "q", Q, q0, n, j)[0]
            if not has_hidden(tag):
                f = _load(tag, "f", F, 0, n, j)
                total_f = add(_load(tag, "gf", GF, f0, n, j), feature_gradient(tag, f, y[0], q))
                _store(tag, "gf", GF, f0, n, j, total_f)
                q = q * feature_slope(tag, f, y[0])
            g = head_plus(_load(tag, "g", D, d0, n, j), _load(tag, "d", DZ, z0, n, j)[0] + q)
            c = slopes(tag, p, x, y, s)
            gx, ga = local_vjp(tag, c, g)
            _store(tag, "ga", S, s0, n, j, ga)
            _store(tag, "g", D, d0, n, j, gx)
            total = add(_load(tag, "gp", GP, p0, n, j), parameter_gradient(tag, c, x, g, ga))
            _store(tag, "gp", GP, p0, n, j, total)


@inner
def hidden_back_loop(tag, F, PRE, ip, Q, rows, m, GF):
    """PRE becomes its own gradient, from Q = gradient of the features; GF gains the feature parameters."""
    for r in range(rows):
        p0, q0, f0 = ip + r * m, r * m, r % SUMS * (GF.size // SUMS)
        for j in range(m):
            f = _load(tag, "f", F, 0, m, j)
            z = _load(tag, "e", PRE, p0, m, j)[0]
            g = _load(tag, "q", Q, q0, m, j)[0]
            _store(tag, "e", PRE, p0, m, j, (feature_slope(tag, f, z) * g,))
            total = add(_load(tag, "gf", GF, f0, m, j), feature_gradient(tag, f, z, g))
            _store(tag, "gf", GF, f0, m, j, total)


@inner
def force_loop(Y, iy, target, it, rows, nx, width, keep, X, ix):
    """X = keep Y + (1 - keep) target in the first `width` numbers of the state, Y in the others.

    keep = 0 replaces the state without reading Y, so that a diverged value does not survive as 0 * NaN.
    """
    zero, one = X.dtype.type(0), X.dtype.type(1)
    for r in range(rows):
        x0, y0, t0 = ix + r * nx, iy + r * nx, it + r * nx
        for j in range(width):
            if keep == zero:
                X[x0 + j] = target[t0 + j]
            else:
                X[x0 + j] = keep * Y[y0 + j] + (one - keep) * target[t0 + j]
        for j in range(width, nx):
            X[x0 + j] = Y[y0 + j]


@inner
def unforce_loop(tag, F, X, ix, rows, n, nx, width, keep, flow, D, Q, GT, it, GF):
    """Adjoint of `force_loop`: the gradient of the forced state X goes to the target (GT) and to Y (D).

    flow: how much of it reaches Y; that is `keep`, or 0 where the chain of gradients is cut.
    """
    zero, one = D.dtype.type(0), D.dtype.type(1)
    for r in range(rows):
        d0, t0 = r * nx, it + r * nx
        for j in range(n):
            q = Q[r * n + j]
            if not has_hidden(tag):
                f = _load(tag, "f", F, 0, n, j)
                x = X[ix + r * nx + j]
                _store(
                    tag, "gf", GF, 0, n, j, add(_load(tag, "gf", GF, 0, n, j), feature_gradient(tag, f, x, q))
                )
                q = q * feature_slope(tag, f, x)
            D[d0 + j] += q
            Q[r * n + j] = zero
        for j in range(width):
            GT[t0 + j] = (one - keep) * D[d0 + j]
            D[d0 + j] = zero if flow == zero else flow * D[d0 + j]
        for j in range(width, nx):
            GT[t0 + j] = zero
