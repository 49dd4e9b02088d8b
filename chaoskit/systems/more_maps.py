"""More maps of the plane, as collected by Sprott 2003."""

from __future__ import annotations

import math

import numpy as np

from .base import Map, Parameter

_SPROTT = "Sprott 2003, Chaos and Time-Series Analysis"


def _delayed_logistic(x, p, out):
    out[0] = p[0] * x[0] * (1.0 - x[1])
    out[1] = x[0]


def _delayed_logistic_jacobian(x, p, out):
    out[0, 0] = p[0] * (1.0 - x[1])
    out[0, 1] = -p[0] * x[0]
    out[1, 0] = 1.0
    out[1, 1] = 0.0


class DelayedLogistic(Map):
    """x' = a x (1 - y), y' = x (Aronson et al. 1982)."""

    default_state = np.array([0.001, 0.001])
    reference_exponents = (0.18312, -1.24199)
    reference = _SPROTT

    def __init__(self, a: Parameter = 2.27):
        super().__init__(_delayed_logistic, _delayed_logistic_jacobian, dim=2, parameters=(a,))


def _tinkerbell(x, p, out):
    out[0] = x[0] * x[0] - x[1] * x[1] + p[0] * x[0] + p[1] * x[1]
    out[1] = 2.0 * x[0] * x[1] + p[2] * x[0] + p[3] * x[1]


def _tinkerbell_jacobian(x, p, out):
    out[0, 0] = 2.0 * x[0] + p[0]
    out[0, 1] = -2.0 * x[1] + p[1]
    out[1, 0] = 2.0 * x[1] + p[2]
    out[1, 1] = 2.0 * x[0] + p[3]


class Tinkerbell(Map):
    """x' = x^2 - y^2 + a x + b y, y' = 2 x y + c x + d y (Nusse and Yorke 1998)."""

    default_state = np.array([0.0, 0.5])
    reference_exponents = (0.18997, -0.52091)
    reference = _SPROTT

    def __init__(self, a: Parameter = 0.9, b: Parameter = -0.6, c: Parameter = 2.0, d: Parameter = 0.5):
        super().__init__(_tinkerbell, _tinkerbell_jacobian, dim=2, parameters=(a, b, c, d))


def _burgers(x, p, out):
    out[0] = p[0] * x[0] - x[1] * x[1]
    out[1] = p[1] * x[1] + x[0] * x[1]


def _burgers_jacobian(x, p, out):
    out[0, 0] = p[0]
    out[0, 1] = -2.0 * x[1]
    out[1, 0] = x[1]
    out[1, 1] = p[1] + x[0]


class Burgers(Map):
    """x' = a x - y^2, y' = b y + x y (Whitehead and Macdonald 1984)."""

    default_state = np.array([-0.1, 0.1])
    reference_exponents = (0.12076, -0.22136)
    reference = _SPROTT

    def __init__(self, a: Parameter = 0.75, b: Parameter = 1.75):
        super().__init__(_burgers, _burgers_jacobian, dim=2, parameters=(a, b))


def _holmes(x, p, out):
    out[0] = x[1]
    out[1] = -p[0] * x[0] + p[1] * x[1] - x[1] * x[1] * x[1]


def _holmes_jacobian(x, p, out):
    out[0, 0] = 0.0
    out[0, 1] = 1.0
    out[1, 0] = -p[0]
    out[1, 1] = p[1] - 3.0 * x[1] * x[1]


class HolmesCubic(Map):
    """x' = y, y' = -b x + d y - y^3 (Holmes 1979). The exponents sum to ln b."""

    default_state = np.array([1.6, 0.0])
    reference_exponents = (0.59458, -2.20390)
    reference = _SPROTT

    def __init__(self, b: Parameter = 0.2, d: Parameter = 2.77):
        super().__init__(_holmes, _holmes_jacobian, dim=2, parameters=(b, d))


def _dissipative_standard(x, p, out):
    kick = p[0] * x[1] + p[1] * math.sin(x[0])
    out[1] = kick % (2.0 * math.pi)
    out[0] = (x[0] + kick) % (2.0 * math.pi)


def _dissipative_standard_jacobian(x, p, out):
    slope = p[1] * math.cos(x[0])
    out[1, 0] = slope
    out[1, 1] = p[0]
    out[0, 0] = 1.0 + slope
    out[0, 1] = p[0]


class DissipativeStandard(Map):
    """y' = b y + k sin x, x' = x + y', both modulo 2 pi (Schmidt and Wang 1985).

    The exponents sum to ln b.
    """

    default_state = np.array([0.1, 0.1])
    reference_exponents = (1.46995, -3.77254)
    reference = _SPROTT

    def __init__(self, b: Parameter = 0.1, k: Parameter = 8.8):
        super().__init__(_dissipative_standard, _dissipative_standard_jacobian, dim=2, parameters=(b, k))
