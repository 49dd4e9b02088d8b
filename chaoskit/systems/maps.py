"""Discrete maps with published exponents."""

from __future__ import annotations

import math

import numpy as np

from ..errors import InvalidInputError
from .base import Map, Parameter


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

    def __init__(self, a: Parameter = 1.4, b: Parameter = 0.3):
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

    def __init__(self, r: Parameter = 4.0):
        super().__init__(_logistic, _logistic_jacobian, dim=1, parameters=(r,))


def _skew_tent(x, p, out):
    out[0] = x[0] / p[0] if x[0] < p[0] else (1.0 - x[0]) / (1.0 - p[0])


def _skew_tent_jacobian(x, p, out):
    out[0, 0] = 1.0 / p[0] if x[0] < p[0] else -1.0 / (1.0 - p[0])


def _check_share(values, name: str) -> None:
    """Raise for a part of the unit interval, or a factor of squeezing, that is none."""
    if not np.all((np.asarray(values) > 0.0) & (np.asarray(values) < 1.0)):
        raise InvalidInputError(f"{name}: expected a number between 0 and 1, got {values!r}")


def _entropy(share: float) -> float:
    """Of two parts, in nats."""
    return -share * math.log(share) - (1.0 - share) * math.log(1.0 - share)


class SkewTent(Map):
    """x' = x / a below a, (1 - x) / (1 - a) above. The exponent is -a ln a - (1 - a) ln(1 - a) exactly.

    At a = 1/2 floating point runs into 0 after some fifty steps; any other a keeps going.
    """

    default_state = np.array([0.2718281828])
    reference = "exact"

    def __init__(self, a: Parameter = 0.3):
        super().__init__(_skew_tent, _skew_tent_jacobian, dim=1, parameters=(a,))
        _check_share(self.parameters[0], "a")
        self.reference_exponents = (_entropy(float(np.mean(self.parameters[0]))),)


def _baker(x, p, out):
    if x[1] < p[0]:
        out[0] = p[1] * x[0]
        out[1] = x[1] / p[0]
    else:
        out[0] = 1.0 - p[2] + p[2] * x[0]
        out[1] = (x[1] - p[0]) / (1.0 - p[0])


def _baker_jacobian(x, p, out):
    below = x[1] < p[0]
    out[0, 0] = p[1] if below else p[2]
    out[0, 1] = 0.0
    out[1, 0] = 0.0
    out[1, 1] = 1.0 / p[0] if below else 1.0 / (1.0 - p[0])


class Baker(Map):
    """The generalised baker map: strips of height a and 1 - a, squeezed by b and c (Farmer, Ott, Yorke 1983).

    Exponents -a ln a - (1 - a) ln(1 - a) and a ln b + (1 - a) ln c exactly. Floating point collapses at
    a = 1/2.
    """

    default_state = np.array([0.3, 0.2718281828])
    reference = "exact"

    def __init__(self, a: Parameter = 0.4, b: Parameter = 0.3, c: Parameter = 0.5):
        super().__init__(_baker, _baker_jacobian, dim=2, parameters=(a, b, c))
        for name, value in zip("abc", self.parameters, strict=True):
            _check_share(value, name)
        height, first, second = (float(np.mean(value)) for value in self.parameters)
        self.reference_exponents = (
            _entropy(height),
            height * math.log(first) + (1.0 - height) * math.log(second),
        )


def _cat(x, p, out):
    out[0] = (2.0 * x[0] + x[1]) % 1.0
    out[1] = (x[0] + x[1]) % 1.0


def _cat_jacobian(x, p, out):
    out[0, 0] = 2.0
    out[0, 1] = 1.0
    out[1, 0] = 1.0
    out[1, 1] = 1.0


class Cat(Map):
    """Arnold's cat map, (2 x + y, x + y) modulo 1. The exponents are +-ln((3 + sqrt 5) / 2) exactly.

    In floating point the orbit is one of a lattice, sooner or later periodic; the Jacobian is the same
    everywhere.
    """

    default_state = np.array([0.2718281828, 0.3141592653])
    reference_exponents = (math.log((3 + math.sqrt(5)) / 2), -math.log((3 + math.sqrt(5)) / 2))
    reference = "exact"

    def __init__(self):
        super().__init__(_cat, _cat_jacobian, dim=2)


def _kaplan_yorke(x, p, out):
    prime = 1_000_000_007.0  # of which 2 has the order 500,000,003
    out[0] = (2.0 * math.floor(x[0] * prime + 0.5)) % prime / prime
    out[1] = p[0] * x[1] + math.cos(4.0 * math.pi * x[0])


def _kaplan_yorke_jacobian(x, p, out):
    out[0, 0] = 2.0
    out[0, 1] = 0.0
    out[1, 0] = -4.0 * math.pi * math.sin(4.0 * math.pi * x[0])
    out[1, 1] = p[0]


class KaplanYorke(Map):
    """x' = 2 x modulo 1, y' = a y + cos 4 pi x (Kaplan and Yorke 1979). Exponents ln 2 and ln a exactly.

    Doubling drives binary fractions into 0 within some fifty steps, so x lives on the multiples of
    1 / 1,000,000,007, a prime, where doubling has a period of 500,000,003 steps.
    """

    default_state = np.array([0.2718281828, 0.1])
    reference = "exact"

    def __init__(self, a: Parameter = 0.2):
        super().__init__(_kaplan_yorke, _kaplan_yorke_jacobian, dim=2, parameters=(a,))
        _check_share(self.parameters[0], "a")
        self.reference_exponents = (math.log(2.0), math.log(np.mean(self.parameters[0])))


def _lozi(x, p, out):
    out[0] = 1.0 - p[0] * abs(x[0]) + x[1]
    out[1] = p[1] * x[0]


def _lozi_jacobian(x, p, out):
    out[0, 0] = -p[0] if x[0] > 0.0 else p[0]
    out[0, 1] = 1.0
    out[1, 0] = p[1]
    out[1, 1] = 0.0


class Lozi(Map):
    """Lozi's piecewise linear map, x' = 1 - a |x| + y, y' = b x (Lozi 1978)."""

    default_state = np.array([-0.1, 0.1])
    reference_exponents = (0.47023, -1.16338)
    reference = "Sprott 2003, Chaos and Time-Series Analysis"

    def __init__(self, a: Parameter = 1.7, b: Parameter = 0.5):
        super().__init__(_lozi, _lozi_jacobian, dim=2, parameters=(a, b))


def _ikeda(x, p, out):
    theta = p[1] - p[2] / (1.0 + x[0] * x[0] + x[1] * x[1])
    out[0] = 1.0 + p[0] * (x[0] * math.cos(theta) - x[1] * math.sin(theta))
    out[1] = p[0] * (x[0] * math.sin(theta) + x[1] * math.cos(theta))


def _ikeda_jacobian(x, p, out):
    s = 1.0 + x[0] * x[0] + x[1] * x[1]
    theta = p[1] - p[2] / s
    c, d = math.cos(theta), math.sin(theta)
    slope = 2.0 * p[2] / (s * s)  # of theta, over the coordinate
    for j in range(2):
        turn = slope * x[j]
        out[0, j] = -p[0] * turn * (x[0] * d + x[1] * c)
        out[1, j] = p[0] * turn * (x[0] * c - x[1] * d)
    out[0, 0] += p[0] * c
    out[0, 1] -= p[0] * d
    out[1, 0] += p[0] * d
    out[1, 1] += p[0] * c


class Ikeda(Map):
    """Ikeda's map of light in a ring cavity, z' = 1 + u z exp(i (k - q / (1 + |z|^2))) (Ikeda 1979)."""

    default_state = np.array([0.0, 0.0])
    reference_exponents = (0.50752, -0.71824)
    reference = "Sprott's pages; the sum is 2 ln u"

    def __init__(self, u: Parameter = 0.9, k: Parameter = 0.4, q: Parameter = 6.0):
        super().__init__(_ikeda, _ikeda_jacobian, dim=2, parameters=(u, k, q))
