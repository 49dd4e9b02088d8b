"""Flows of three variables with quadratic right-hand sides: one compiled function serves them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from .base import Flow, Parameter, checked_parameters

_MONOMIALS = ("1", "x", "y", "z", "xx", "xy", "xz", "yy", "yz", "zz")
Terms = Mapping[str, Parameter]


def _quadratic(t, x, p, out):
    for i in range(3):
        c = 10 * i
        out[i] = (
            p[c]
            + x[0] * (p[c + 1] + p[c + 4] * x[0] + p[c + 5] * x[1] + p[c + 6] * x[2])
            + x[1] * (p[c + 2] + p[c + 7] * x[1] + p[c + 8] * x[2])
            + x[2] * (p[c + 3] + p[c + 9] * x[2])
        )


def _quadratic_jacobian(t, x, p, out):
    for i in range(3):
        c = 10 * i
        out[i, 0] = p[c + 1] + 2.0 * p[c + 4] * x[0] + p[c + 5] * x[1] + p[c + 6] * x[2]
        out[i, 1] = p[c + 2] + p[c + 5] * x[0] + 2.0 * p[c + 7] * x[1] + p[c + 8] * x[2]
        out[i, 2] = p[c + 3] + p[c + 6] * x[0] + p[c + 8] * x[1] + 2.0 * p[c + 9] * x[2]


class QuadraticFlow(Flow):
    """Any flow of three variables x, y, z whose right-hand side is a quadratic polynomial.

    Parameters
    ----------
    dx, dy, dz : mapping of str to float
        Coefficients of the monomials "1", "x", "y", "z", "xx", "xy", "xz", "yy", "yz", "zz".
    start : sequence of float
        Default initial state.
    dt : float
        Default integration step.

    Raises
    ------
    InvalidInputError
        If a monomial is not one of these.

    Examples
    --------
    >>> QuadraticFlow({"y": 1}, {"x": -1, "yz": 1}, {"1": 1, "yy": -1}).evaluate(np.ones(3)).tolist()
    [1.0, 0.0, 0.0]
    """

    compiled_as: str | None = "QuadraticFlow"

    def __init__(
        self,
        dx: Terms,
        dy: Terms,
        dz: Terms,
        *,
        start: Sequence[float] = (0.05, 0.05, 0.05),
        dt: float = 0.02,
    ):
        self.terms: tuple[dict[str, Parameter], ...] = tuple(dict(part) for part in (dx, dy, dz))
        for part in self.terms:
            unknown = set(part) - set(_MONOMIALS)
            if unknown:
                raise InvalidInputError(
                    f"terms: expected monomials among {_MONOMIALS}, got {sorted(unknown)}"
                )
        coefficients = [part.get(name, 0.0) for part in self.terms for name in _MONOMIALS]
        super().__init__(_quadratic, _quadratic_jacobian, dim=3, parameters=coefficients, default_dt=dt)
        self.default_state: np.ndarray | None = np.asarray(start, float)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.terms))})"


class Chen(QuadraticFlow):
    """x' = a (y - x), y' = (c - a) x - x z + c y, z' = x y - b z (Chen and Ueta 1999)."""

    reference_exponents = (2.0272, 0.0, -12.0272)
    reference = "Sprott 2003, Chaos and Time-Series Analysis"

    def __init__(self, a: Parameter = 35.0, b: Parameter = 3.0, c: Parameter = 28.0):
        a, b, c = checked_parameters((a, b, c))
        super().__init__(
            {"y": a, "x": -a},
            {"x": c - a, "xz": -1, "y": c},
            {"xy": 1, "z": -b},
            start=(-10, 0, 37),
            dt=0.002,
        )


class DiffusionlessLorenz(QuadraticFlow):
    """x' = -y - x, y' = -x z, z' = x y + R (van der Schrier and Maas 2000)."""

    reference_exponents = (0.2101, 0.0, -1.2101)
    reference = "Sprott 2003, Chaos and Time-Series Analysis"

    def __init__(self, R: Parameter = 1.0):
        super().__init__({"y": -1, "x": -1}, {"xz": -1}, {"xy": 1, "1": R}, start=(1, -1, 0.01))


class Halvorsen(QuadraticFlow):
    """x' = -a x - 4 y - 4 z - y^2, and cyclically (Sprott 2003).

    The published exponents, 0.7899 and -4.5999, are 0.6 % off a long run (docs/zoo.md); the sum is -3 a.
    """

    reference_exponents = (0.7899, 0.0, -4.5999)
    reference = "Sprott 2003, Chaos and Time-Series Analysis"

    def __init__(self, a: Parameter = 1.27):
        (a,) = checked_parameters((a,))
        super().__init__(
            {"x": -a, "y": -4, "z": -4, "yy": -1},
            {"y": -a, "z": -4, "x": -4, "zz": -1},
            {"z": -a, "x": -4, "y": -4, "xx": -1},
            start=(-5, 0, 0),
            dt=0.005,
        )


class Lorenz84(QuadraticFlow):
    """x' = -y^2 - z^2 - a x + a F, y' = x y - b x z - y + G, z' = b x y + x z - z (Lorenz 1984)."""

    reference_exponents = (0.1676, 0.0, -0.3906)
    reference = "recomputed by Householder QR, to about 1 %"

    def __init__(self, a: Parameter = 0.25, b: Parameter = 4.0, F: Parameter = 8.0, G: Parameter = 1.0):
        a, b, F, G = checked_parameters((a, b, F, G))
        super().__init__(
            {"yy": -1, "zz": -1, "x": -a, "1": a * F},
            {"xy": 1, "xz": -b, "y": -1, "1": G},
            {"xy": b, "xz": 1, "z": -1},
            start=(1, 0.5, 0.5),
        )


class SprottJerk(QuadraticFlow):
    """x''' = -A x'' + x'^2 - x, the simplest quadratic jerk flow (Sprott 1997)."""

    reference_exponents = (0.0551, 0.0, -2.0721)
    reference = "Sprott 2003, Chaos and Time-Series Analysis"

    def __init__(self, A: Parameter = 2.017):
        (A,) = checked_parameters((A,))
        super().__init__({"y": 1}, {"z": 1}, {"z": -A, "yy": 1, "x": -1}, start=(5, 2, 0))


# case: (dx, dy, dz, published exponents): Sprott 1994, Table I
_SPROTT = {
    "B": ({"yz": 1}, {"x": 1, "y": -1}, {"1": 1, "xy": -1}, (0.210, 0, -1.210)),
    "C": ({"yz": 1}, {"x": 1, "y": -1}, {"1": 1, "xx": -1}, (0.163, 0, -1.163)),
    "D": ({"y": -1}, {"x": 1, "z": 1}, {"xz": 1, "yy": 3}, (0.103, 0, -1.320)),
    "E": ({"yz": 1}, {"xx": 1, "y": -1}, {"1": 1, "x": -4}, (0.078, 0, -1.078)),
    "F": ({"y": 1, "z": 1}, {"x": -1, "y": 0.5}, {"xx": 1, "z": -1}, (0.117, 0, -0.617)),
    "G": ({"x": 0.4, "z": 1}, {"xz": 1, "y": -1}, {"x": -1, "y": 1}, (0.034, 0, -0.634)),
    "H": ({"y": -1, "zz": 1}, {"x": 1, "y": 0.5}, {"x": 1, "z": -1}, (0.117, 0, -0.617)),
    "I": ({"y": -0.2}, {"x": 1, "z": 1}, {"x": 1, "yy": 1, "z": -1}, (0.012, 0, -1.012)),
    "J": ({"z": 2}, {"y": -2, "z": 1}, {"x": -1, "y": 1, "yy": 1}, (0.076, 0, -2.076)),
    "K": ({"xy": 1, "z": -1}, {"x": 1, "y": -1}, {"x": 1, "z": 0.3}, (0.038, 0, -0.890)),
    "L": ({"y": 1, "z": 3.9}, {"xx": 0.9, "y": -1}, {"1": 1, "x": -1}, (0.061, 0, -1.061)),
    "M": ({"z": -1}, {"xx": -1, "y": -1}, {"1": 1.7, "x": 1.7, "y": 1}, (0.044, 0, -1.044)),
    "N": ({"y": -2}, {"x": 1, "zz": 1}, {"1": 1, "y": 1, "z": -2}, (0.076, 0, -2.076)),
    "O": ({"y": 1}, {"x": 1, "z": -1}, {"x": 1, "xz": 1, "y": 2.7}, (0.049, 0, -0.319)),
    "P": ({"y": 2.7, "z": 1}, {"x": -1, "yy": 1}, {"x": 1, "y": 1}, (0.087, 0, -0.481)),
    "Q": ({"z": -1}, {"x": 1, "y": -1}, {"x": 3.1, "yy": 1, "z": 0.5}, (0.109, 0, -0.609)),
    "R": ({"1": 0.9, "y": -1}, {"1": 0.4, "z": 1}, {"xy": 1, "z": -1}, (0.062, 0, -1.062)),
    "S": ({"x": -1, "y": -4}, {"x": 1, "zz": 1}, {"1": 1, "x": 1}, (0.188, 0, -1.188)),
}


class Sprott(QuadraticFlow):
    """The simple chaotic flows B to S of Sprott 1994, doi:10.1103/PhysRevE.50.R647.

    Parameters
    ----------
    case : str
        A letter from "B" to "S".

    Raises
    ------
    InvalidInputError
        If there is no such case.
    """

    reference = "Sprott 1994, Table I"
    cases: tuple[str, ...] = tuple(_SPROTT)

    def __init__(self, case: str):
        _check.choice(case, "case", _SPROTT)
        dx, dy, dz, exponents = _SPROTT[case]
        super().__init__(dx, dy, dz)
        self.case = case
        self.reference_exponents = tuple(map(float, exponents))

    def __repr__(self) -> str:
        return f"Sprott({self.case!r})"
