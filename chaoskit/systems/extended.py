"""Systems with many variables: a partial differential equation and a delay equation, made discrete."""

from __future__ import annotations

import math

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from .base import Flow, Map, Parameter


def _kuramoto_sivashinsky(t, x, p, out):
    # x holds real and imaginary parts of the Fourier modes 1 .. n; mode 0 is 0 and mode -k the conjugate
    n = x.size // 2
    for k in range(1, n + 1):
        q = p[0] * k
        re, im = 0.0, 0.0  # of sum_m u_m u_{k - m}
        for m in range(1, k):
            a, b, c, d = x[2 * m - 2], x[2 * m - 1], x[2 * (k - m) - 2], x[2 * (k - m) - 1]
            re += a * c - b * d
            im += a * d + b * c
        for m in range(k + 1, n + 1):  # twice u_m conj(u_{m - k})
            a, b, c, d = x[2 * m - 2], x[2 * m - 1], x[2 * (m - k) - 2], x[2 * (m - k) - 1]
            re += 2.0 * (a * c + b * d)
            im += 2.0 * (b * c - a * d)
        growth = q * q - q * q * q * q
        out[2 * k - 2] = growth * x[2 * k - 2] + 0.5 * q * im
        out[2 * k - 1] = growth * x[2 * k - 1] - 0.5 * q * re


def _kuramoto_sivashinsky_tangent(t, x, p, v, out):
    n = x.size // 2
    for k in range(1, n + 1):
        q = p[0] * k
        re, im = 0.0, 0.0
        for m in range(1, k):  # the sum is symmetric: 2 sum_m u_m v_{k - m}
            a, b, c, d = x[2 * m - 2], x[2 * m - 1], v[2 * (k - m) - 2], v[2 * (k - m) - 1]
            re += 2.0 * (a * c - b * d)
            im += 2.0 * (a * d + b * c)
        for m in range(k + 1, n + 1):
            a, b, c, d = x[2 * m - 2], x[2 * m - 1], v[2 * (m - k) - 2], v[2 * (m - k) - 1]
            re += 2.0 * (a * c + b * d)
            im += 2.0 * (b * c - a * d)
            a, b, c, d = v[2 * m - 2], v[2 * m - 1], x[2 * (m - k) - 2], x[2 * (m - k) - 1]
            re += 2.0 * (a * c + b * d)
            im += 2.0 * (b * c - a * d)
        growth = q * q - q * q * q * q
        out[2 * k - 2] = growth * v[2 * k - 2] + 0.5 * q * im
        out[2 * k - 1] = growth * v[2 * k - 1] - 0.5 * q * re


class KuramotoSivashinsky(Flow):
    """u_t = -u u_x - u_xx - u_xxxx on a ring of length L, by its first Fourier modes (Galerkin).

    The state holds (Re u_1, Im u_1, ..., Re u_n, Im u_n); u_0 = 0. At L = 22, 16 modes are enough. Two
    exponents are zero: time and translation.

    Parameters
    ----------
    L : float
        Length of the ring.
    modes : int
        Number of Fourier modes. Runge-Kutta 4 is stable for dt below 2.78 / q^4, q = 2 pi modes / L; the
        default step keeps to half of that.
    """

    reference_exponents = (0.043, 0.003, 0.002)
    reference = "Edson et al. 2019, the leading three at L = 22"

    def __init__(self, L: Parameter = 22.0, modes: int = 16):
        modes = _check.integer(modes, "modes", 2)
        L = _check.positive(L, "L")
        if not 1e-60 < L < 1e60:  # the fourth power of the wave number is needed
            raise InvalidInputError(f"L: expected a length from 1e-60 to 1e60, got {L:g}")
        wave = 2.0 * math.pi / L
        super().__init__(
            _kuramoto_sivashinsky, None, dim=2 * modes, parameters=(wave,),
            default_dt=min(1.39 / (wave * modes) ** 4, 0.1), tangent=_kuramoto_sivashinsky_tangent,
        )  # fmt: skip
        self.default_state = 0.3 * np.sin(1.0 + np.arange(2 * modes)) / (1 + np.arange(2 * modes)) ** 2


def _mackey_glass(x, p, out):
    # x[0] is now, x[j] was j steps of h ago; exponential decay exactly, production by the trapezoid rule
    n = x.size
    decay = math.exp(-p[1] * p[4])
    old, new = x[n - 1], x[n - 2]
    production = 0.5 * p[0] * (old / (1.0 + old ** p[2]) * decay + new / (1.0 + new ** p[2]))
    for j in range(n - 1, 0, -1):
        out[j] = x[j - 1]
    out[0] = decay * x[0] + p[4] * production


def _mackey_glass_tangent(x, p, v, out):
    n = x.size
    decay = math.exp(-p[1] * p[4])
    old, new = x[n - 1], x[n - 2]
    a, b = old ** p[2], new ** p[2]
    slope_old = (1.0 + a - p[2] * a) / ((1.0 + a) * (1.0 + a))
    slope_new = (1.0 + b - p[2] * b) / ((1.0 + b) * (1.0 + b))
    for j in range(n - 1, 0, -1):
        out[j] = v[j - 1]
    out[0] = decay * v[0] + 0.5 * p[4] * p[0] * (slope_old * decay * v[n - 1] + slope_new * v[n - 2])


class MackeyGlass(Map):
    """x' = a x(t - tau) / (1 + x(t - tau)^n) - b x (Mackey and Glass 1977), as a map of the last tau of x.

    One step is a time h = tau / points: give dt=system.h to have exponents per unit time. The error of the
    discrete delay falls as h^2.

    Parameters
    ----------
    a, b, n, tau : float
        Production, decay, exponent and delay.
    points : int
        Steps a delay; the state has points + 1 variables, x now first.
    """

    reference = "Farmer 1982, doi:10.1016/0167-2789(82)90042-2: about 0.007 bits (0.005 nats), dimension 2.1"

    def __init__(
        self,
        a: Parameter = 0.2,
        b: Parameter = 0.1,
        n: Parameter = 10.0,
        tau: Parameter = 17.0,
        points: int = 85,
    ):
        points = _check.integer(points, "points", 2)
        self.h: float = _check.positive(tau, "tau") / points
        super().__init__(
            _mackey_glass, None, dim=points + 1, parameters=(a, b, n, tau, self.h),
            tangent=_mackey_glass_tangent,
        )  # fmt: skip
        self.default_state = 0.9 + 0.2 * np.sin(np.linspace(0.0, 3.0, points + 1))
