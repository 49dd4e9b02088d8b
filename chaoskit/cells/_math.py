"""Scalar functions for cells: they vectorise without a vector library and keep the type of their argument.

Numba ships no vectorised tanh any more (a scalar call costs about 15 ns); these polynomials take
about 1 ns an element in float64 and half of that in float32, at about 2 units in the last place.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types

from .._jit import INLINE, helper, intrinsic, overload

_F = np.float32
STEEPEST_TANH_SLOPE = 4.0 / (3.0 * math.sqrt(3.0))  # largest |tanh''|
STEEPEST_SIGMOID_SLOPE = 1.0 / (6.0 * math.sqrt(3.0))  # largest |sigmoid''|
_LOG2E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LOG2E_32, _LN2_HIGH_32, _LN2_LOW_32 = _F(_LOG2E), _F(0.693359375), _F(-2.12194440e-4)
_ONE, _TWO, _HALF, _LIMIT_32 = _F(1), _F(2), _F(0.5), _F(43)
# Taylor coefficients of (expm1(r) - r) / r^2, highest first: 1/13! .. 1/2! and 1/8! .. 1/2!
_C13, _C12, _C11, _C10, _C9, _C8, _C7, _C6, _C5, _C4, _C3 = (1 / math.factorial(n) for n in range(13, 2, -1))
_D8, _D7, _D6, _D5, _D4, _D3, _D2 = (_F(1 / math.factorial(n)) for n in range(8, 1, -1))


@intrinsic
def _float64_from_bits(typingctx, v):
    return types.float64(types.int64), lambda c, b, s, a: b.bitcast(a[0], ir.DoubleType())


@intrinsic
def _float32_from_bits(typingctx, v):
    return types.float32(types.int32), lambda c, b, s, a: b.bitcast(a[0], ir.FloatType())


# tanh(x) = e / (e + 2) with e = expm1(2 |x|), range-reduced by powers of two, and with it the slope
# 1 - tanh^2 = (1 + |tanh|) 2 / (e + 2): right to the last digit where the unit is so saturated that
# its value is 1. The clamp is written so that NaN takes the other branch: `min` would turn it into a number.
def _tanh_and_slope64(x):
    a = abs(x)
    a = 2.0 * (350.0 if a > 350.0 else a)
    k = np.floor(a * _LOG2E + 0.5)
    r = (a - k * _LN2_HIGH) - k * _LN2_LOW
    p = _C13 * r + _C12
    p = p * r + _C11
    p = p * r + _C10
    p = p * r + _C9
    p = p * r + _C8
    p = p * r + _C7
    p = p * r + _C6
    p = p * r + _C5
    p = p * r + _C4
    p = p * r + _C3
    p = p * r + 0.5
    small = r + r * r * p
    scale = _float64_from_bits((np.int64(k) + np.int64(1023)) << np.int64(52))
    e = scale * small + (scale - 1.0)
    sum_ = e + 2.0
    inverse = 1.0 / sum_
    t = e * inverse
    t += inverse * (e - t * sum_)  # one division and its remainder cost less than two divisions
    return math.copysign(t, x), 2.0 * inverse * (1.0 + t)


def _tanh_and_slope32(x):
    a = abs(x)
    a = _TWO * (_LIMIT_32 if a > _LIMIT_32 else a)
    k = np.floor(a * _LOG2E_32 + _HALF)
    r = (a - k * _LN2_HIGH_32) - k * _LN2_LOW_32
    p = _D8 * r + _D7
    p = p * r + _D6
    p = p * r + _D5
    p = p * r + _D4
    p = p * r + _D3
    p = p * r + _D2
    small = r + r * r * p
    scale = _float32_from_bits((np.int32(k) + np.int32(127)) << np.int32(23))
    e = scale * small + (scale - _ONE)
    sum_ = e + _TWO
    inverse = _ONE / sum_
    t = e * inverse
    t += inverse * (e - t * sum_)  # one division and its remainder cost less than two divisions
    return math.copysign(t, x), _TWO * inverse * (_ONE + t)


def tanh_and_slope(x):
    """(tanh(x), its derivative 1 - tanh(x)^2), both right to a few units in the last place."""
    e = math.exp(like(x, -2.0) * abs(x))
    sum_ = like(x, 1.0) + e
    return math.tanh(x), like(x, 4.0) * e / (sum_ * sum_)


@overload(tanh_and_slope, target="generic", jit_options=INLINE)
def _tanh_and_slope(x):
    return _tanh_and_slope32 if x == types.float32 else _tanh_and_slope64


@helper
def tanh(x):
    """Hyperbolic tangent."""
    return tanh_and_slope(x)[0]


def like(x, value):
    """The constant `value` in the type of `x` (a bare 0.5 would turn float32 code into float64)."""
    return type(x)(value)


@overload(like, target="generic", jit_options=INLINE)
def _like(x, value):
    kind = _F if x == types.float32 else np.float64
    return lambda x, value: kind(value)


@helper
def sigmoid(x):
    """Logistic function 1 / (1 + exp(-x))."""
    half = like(x, 0.5)
    return half + half * tanh(half * x)


@helper
def relu(x):
    """max(x, 0), written so that NaN passes through."""
    zero = like(x, 0.0)
    return zero if x < zero else x


@helper
def relu_slope(x):
    """Derivative of relu; 0 at the kink."""
    return like(x, 1.0) if x > like(x, 0.0) else like(x, 0.0)


@helper
def tanh_slope(y):
    """Derivative of tanh from its value y."""
    return like(y, 1.0) - y * y


@helper
def sigmoid_slope(y):
    """Derivative of the sigmoid from its value y."""
    return y * (like(y, 1.0) - y)
