"""Oscillators, driven or cyclic, whose right-hand sides are not polynomials.

The phase of a driven oscillator is the time, not a state: its spectrum has no zero exponent.
"""

from __future__ import annotations

import math

import numpy as np

from .base import Flow, Parameter


def _pendulum(t, x, p, out):
    out[0] = x[1]
    out[1] = -p[0] * x[1] - math.sin(x[0]) + p[1] * math.sin(p[2] * t)


def _pendulum_jacobian(t, x, p, out):
    out[0, 0] = 0.0
    out[0, 1] = 1.0
    out[1, 0] = -math.cos(x[0])
    out[1, 1] = -p[0]


class DrivenPendulum(Flow):
    """x'' = -b x' - sin x + A sin(w t). The angle x is not wrapped. The exponents sum to -b."""

    default_state = np.array([0.0, 0.0])
    reference_exponents = (0.1400, -0.1900)
    reference = "Sprott 2003, Chaos and Time-Series Analysis"

    def __init__(self, b: Parameter = 0.05, A: Parameter = 0.6, w: Parameter = 0.7):
        super().__init__(_pendulum, _pendulum_jacobian, dim=2, parameters=(b, A, w), default_dt=0.05)


def _duffing(t, x, p, out):
    out[0] = x[1]
    out[1] = -p[0] * x[1] + x[0] - x[0] * x[0] * x[0] + p[1] * math.cos(p[2] * t)


def _duffing_jacobian(t, x, p, out):
    out[0, 0] = 0.0
    out[0, 1] = 1.0
    out[1, 0] = 1.0 - 3.0 * x[0] * x[0]
    out[1, 1] = -p[0]


class Duffing(Flow):
    """Duffing's oscillator with two wells, x'' = -d x' + x - x^3 + A cos(w t). The exponents sum to -d."""

    default_state = np.array([0.2, 0.0])
    reference_exponents = (0.1580, -0.4080)
    reference = "recomputed by Householder QR over 400 orbits, to 0.0007; the sum is exact"

    def __init__(self, d: Parameter = 0.25, A: Parameter = 0.4, w: Parameter = 1.0):
        super().__init__(_duffing, _duffing_jacobian, dim=2, parameters=(d, A, w), default_dt=0.05)


def _thomas(t, x, p, out):
    for i in range(3):
        out[i] = math.sin(x[(i + 1) % 3]) - p[0] * x[i]


def _thomas_jacobian(t, x, p, out):
    for i in range(3):
        for j in range(3):
            out[i, j] = 0.0
        out[i, (i + 1) % 3] = math.cos(x[(i + 1) % 3])
        out[i, i] = -p[0]


class Thomas(Flow):
    """Thomas' cyclic flow, x_i' = sin x_{i+1} - b x_i (Thomas 1999). The exponents sum to -3 b."""

    default_state = np.array([0.1, 0.0, 0.0])
    reference_exponents = (0.0349, 0.0, -0.5749)
    reference = "Sprott 2003, Chaos and Time-Series Analysis"

    def __init__(self, b: Parameter = 0.18):
        super().__init__(_thomas, _thomas_jacobian, dim=3, parameters=(b,), default_dt=0.05)


def _hyper_roessler(t, x, p, out):
    out[0] = -x[1] - x[2]
    out[1] = x[0] + p[0] * x[1] + x[3]
    out[2] = p[1] + x[0] * x[2]
    out[3] = -p[2] * x[2] + p[3] * x[3]


def _hyper_roessler_jacobian(t, x, p, out):
    for i in range(4):
        for j in range(4):
            out[i, j] = 0.0
    out[0, 1] = -1.0
    out[0, 2] = -1.0
    out[1, 0] = 1.0
    out[1, 1] = p[0]
    out[1, 3] = 1.0
    out[2, 0] = x[2]
    out[2, 2] = x[0]
    out[3, 2] = -p[2]
    out[3, 3] = p[3]


class HyperRoessler(Flow):
    """Rössler's hyperchaos, x' = -y - z, y' = x + a y + w, z' = b + x z, w' = -c z + d w (Rössler 1979).

    Wolf et al. 1985 give .16, .03, 0, -39 in bits: .111, .021, 0, -27 in nats, the last one rounded.
    """

    default_state = np.array([-20.0, 0.0, 0.0, 15.0])
    reference_exponents = (0.1121, 0.0221, 0.0, -25.04)
    reference = "recomputed by Householder QR, to about 1 %; Wolf et al. 1985 rounded"

    def __init__(self, a: Parameter = 0.25, b: Parameter = 3.0, c: Parameter = 0.5, d: Parameter = 0.05):
        super().__init__(
            _hyper_roessler, _hyper_roessler_jacobian, dim=4, parameters=(a, b, c, d), default_dt=0.005
        )
