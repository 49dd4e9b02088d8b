"""Ordinary differential equations with published exponents."""

from __future__ import annotations

import numpy as np

from .. import _check
from .base import Flow, Parameter


def _lorenz63(t, x, p, out):
    out[0] = p[0] * (x[1] - x[0])
    out[1] = x[0] * (p[1] - x[2]) - x[1]
    out[2] = x[0] * x[1] - p[2] * x[2]


def _lorenz63_jacobian(t, x, p, out):
    out[0, 0] = -p[0]
    out[0, 1] = p[0]
    out[0, 2] = 0.0
    out[1, 0] = p[1] - x[2]
    out[1, 1] = -1.0
    out[1, 2] = -x[0]
    out[2, 0] = x[1]
    out[2, 1] = x[0]
    out[2, 2] = -p[2]


class Lorenz63(Flow):
    """Lorenz's three equations of convection (Lorenz 1963, doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2).

    x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z.
    """

    default_state = np.array([1.0, 2.0, 20.0])
    reference_exponents = (0.9056, 0.0, -14.5723)
    reference = "Sprott 2003, Chaos and Time-Series Analysis"

    def __init__(self, sigma: Parameter = 10.0, rho: Parameter = 28.0, beta: Parameter = 8.0 / 3.0):
        super().__init__(_lorenz63, _lorenz63_jacobian, dim=3, parameters=(sigma, rho, beta), default_dt=0.01)


def _roessler(t, x, p, out):
    out[0] = -x[1] - x[2]
    out[1] = x[0] + p[0] * x[1]
    out[2] = p[1] + x[2] * (x[0] - p[2])


def _roessler_jacobian(t, x, p, out):
    out[0, 0] = 0.0
    out[0, 1] = -1.0
    out[0, 2] = -1.0
    out[1, 0] = 1.0
    out[1, 1] = p[0]
    out[1, 2] = 0.0
    out[2, 0] = x[2]
    out[2, 1] = 0.0
    out[2, 2] = x[0] - p[2]


class Roessler(Flow):
    """Rössler's band attractor (Rössler 1976, doi:10.1016/0375-9601(76)90101-8).

    x' = -y - z, y' = x + a y, z' = b + z (x - c).
    """

    default_state = np.array([1.0, 1.0, 0.1])
    reference_exponents = (0.0714, 0.0, -5.3943)
    reference = "Sprott 2003, Chaos and Time-Series Analysis"

    def __init__(self, a: Parameter = 0.2, b: Parameter = 0.2, c: Parameter = 5.7):
        super().__init__(_roessler, _roessler_jacobian, dim=3, parameters=(a, b, c), default_dt=0.02)


def _lorenz96(t, x, p, out):
    n = x.size
    for i in range(n):
        out[i] = (x[(i + 1) % n] - x[i - 2]) * x[i - 1] - x[i] + p[0]


def _lorenz96_jacobian(t, x, p, out):
    n = x.size
    out[:, :] = 0.0
    for i in range(n):
        out[i, (i + 1) % n] += x[i - 1]
        out[i, i - 2] -= x[i - 1]
        out[i, i - 1] += x[(i + 1) % n] - x[i - 2]
        out[i, i] -= 1.0


def _lorenz96_tangent(t, x, p, v, out):
    n = x.size
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        out[i] = (v[j] - v[i - 2]) * x[i - 1] + (x[j] - x[i - 2]) * v[i - 1] - v[i]


class Lorenz96(Flow):
    """Lorenz's ring of n coupled variables, x_i' = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F (Lorenz 1996).

    The exponents sum to -n exactly.
    """

    reference = "Karimi and Paul 2010: 1.68 to 1.69 at n = 40, F = 8"

    def __init__(self, n: int = 40, forcing: Parameter = 8.0):
        super().__init__(
            _lorenz96,
            _lorenz96_jacobian,
            dim=_check.integer(n, "n", 4),
            parameters=(forcing,),
            default_dt=0.01,
            tangent=_lorenz96_tangent,
        )
        if self.dim == 40 and self.batch is None and self.parameters == (8.0,):
            self.reference_exponents = (1.69,)
        # the uniform state x_i = F is a fixed point: start beside it
        self.default_state = np.mean(self.parameters[0]) + 0.01 * np.cos(np.arange(self.dim))
