"""What a system offers the kernels: its rate (a flow's right-hand side, a map's step) and the Jacobian of it.

The class of a system's tag holds the compiled functions, so systems are dispatched like cells.
"""

from __future__ import annotations

import numpy as np

from .._jit import EXACT_INLINE, INLINE, inlined, inner, overload


def rate(tag, t, x, p, out):
    """out = f(t, x) of a flow, or the next state of a map."""
    raise NotImplementedError


def rate_jacobian(tag, t, x, p, out, scratch):
    """out (dim, dim) = derivative of `rate` at x; scratch: three vectors."""
    raise NotImplementedError


@overload(rate, strict=False, jit_options=EXACT_INLINE)
def _rate(tag, t, x, p, out):
    return _with_time(tag.instance_class.rate, tag.instance_class.is_flow)


@overload(rate_jacobian, strict=False, jit_options=INLINE)
def _rate_jacobian(tag, t, x, p, out, scratch):
    cls = tag.instance_class
    if cls.tangent is not None:
        return lambda tag, t, x, p, out, scratch: None
    if cls.jacobian is None:
        return lambda tag, t, x, p, out, scratch: _central_differences(tag, t, x, p, out, scratch)
    jacobian = _with_time(cls.jacobian, cls.is_flow)
    compiled = inlined(jacobian)
    return lambda tag, t, x, p, out, scratch: compiled(tag, t, x, p, out)


def _with_time(fn, is_flow: bool):
    """Flows take the time, maps do not."""
    if is_flow:
        return lambda tag, t, x, p, out: fn(t, x, p, out)
    return lambda tag, t, x, p, out: fn(x, p, out)


@inner
def _central_differences(tag, t, x, p, out, scratch):
    """Jacobian by central differences; the step balances truncation against round-off (eps^(1/3))."""
    point, above, below = scratch
    for i in range(x.size):
        point[i] = x[i]
    for j in range(x.size):
        h = 6.0e-6 * max(1.0, abs(x[j]))
        high = x[j] + h
        low = x[j] - h
        point[j] = high
        rate(tag, t, point, p, above)
        point[j] = low
        rate(tag, t, point, p, below)
        point[j] = x[j]
        width = high - low
        for i in range(x.size):
            out[i, j] = (above[i] - below[i]) / width


def central_differences(rate_of, x: np.ndarray) -> np.ndarray:
    """The same in NumPy: derivative of ``rate_of(x)`` at x, shape (dim, dim)."""
    out = np.empty((x.size, x.size))
    for j in range(x.size):
        high, low = x.copy(), x.copy()
        h = 6.0e-6 * max(1.0, abs(x[j]))
        high[j] += h
        low[j] -= h
        out[:, j] = (rate_of(high) - rate_of(low)) / (high[j] - low[j])
    return out
