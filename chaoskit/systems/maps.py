"""Discrete maps with published exponents."""

from __future__ import annotations

import math

import numpy as np

from .base import Map


def _henon(x, p, out):
    out[0] = 1.0 - p[0] * x[0] * x[0] + x[1]
    out[1] = p[1] * x[0]


def _henon_jacobian(x, p, out):
    out[0, 0] = -2.0 * p[0] * x[0]
    out[0, 1] = 1.0
    out[1, 0] = p[1]
    out[1, 1] = 0.0


class Henon(Map):
    """Hénon map, x' = 1 - a x^2 + y, y' = b x (Hénon 1976, doi:10.1007/BF01608556)."""

    default_state = np.array([0.1, 0.1])
    reference_exponents = (0.41922, -1.62319)
    reference = "Sprott 2003, Chaos and Time-Series Analysis"

    def __init__(self, a=1.4, b=0.3):
        super().__init__(_henon, _henon_jacobian, dim=2, parameters=(a, b))


def _logistic(x, p, out):
    out[0] = p[0] * x[0] * (1.0 - x[0])


def _logistic_jacobian(x, p, out):
    out[0, 0] = p[0] * (1.0 - 2.0 * x[0])


class Logistic(Map):
    """Logistic map, x' = r x (1 - x) (May 1976, doi:10.1038/261459a0). At r = 4 the exponent is ln 2."""

    default_state = np.array([0.3141592653])
    reference_exponents = (math.log(2.0),)
    reference = "exact at r = 4"

    def __init__(self, r=4.0):
        super().__init__(_logistic, _logistic_jacobian, dim=1, parameters=(r,))
