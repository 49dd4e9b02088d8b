"""What a search found: fixed points, cycles and slow points with their eigenvalues."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Cycle(NamedTuple):
    """One cycle of a `CycleSet`; the names are those of its arrays."""

    points: np.ndarray
    residual: float
    eigenvalues: np.ndarray
    rates: np.ndarray
    stable: bool
    unstable_dimension: int
    unstable_directions: np.ndarray


class Continuum(NamedTuple):
    """Fixed points, or cycles, that fill a line, plane or more.

    Attributes
    ----------
    point : ndarray, shape (N,)
        One of them.
    directions : ndarray, shape (d, N)
        Orthonormal vectors along which there are others, up to the next kink.
    """

    point: np.ndarray
    directions: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class CycleSet:
    """Fixed points (period 1) or cycles of one period.

    Attributes
    ----------
    points : ndarray, shape (n, period, N)
        States of each cycle in their order; which of them comes first is of no meaning, but for a driven
        model it is one at which the inputs begin.
    residuals : ndarray, shape (n,)
        Norm of F(z_i) - z_{i+1} over the cycle; of the right-hand side for a flow.
    eigenvalues : ndarray, shape (n, N), complex
        Of the Jacobian of `period` steps, largest modulus first; of a flow, multipliers over one dt.
    rates : ndarray, shape (n, N), complex
        ln(eigenvalue) / (period dt): growth per step, or per unit time where dt is known. For a flow the
        eigenvalues of the Jacobian of its right-hand side; otherwise the frequency is known up to a turn.
    stable : ndarray, shape (n,), bool
        True if all eigenvalues are inside the unit circle.
    unstable_dimension : ndarray, shape (n,), int
        Number of eigenvalues outside the unit circle.
    unstable_directions : tuple of ndarray, each of shape (period, unstable_dimension, N)
        Unit vectors that span the unstable directions at each state: eigenvectors, and of a complex pair the
        real and the imaginary part.
    on_kink : ndarray, shape (n,), bool
        True where a state lies on a kink of a piecewise-linear cell; the eigenvalues are then those of
        the least stable side.
    continua : tuple of Continuum
        Places of a piecewise-linear cell where fixed points (cycles) are not isolated.
    exhaustive : bool
        True if nothing can be missing.
    completeness : str
        What was searched.
    name : str
        Of the model.
    units : {"per step", "per unit time"}
        Of `rates`.
    """

    points: np.ndarray
    residuals: np.ndarray
    eigenvalues: np.ndarray
    rates: np.ndarray
    stable: np.ndarray
    unstable_dimension: np.ndarray
    unstable_directions: tuple[np.ndarray, ...]
    on_kink: np.ndarray
    continua: tuple[Continuum, ...]
    exhaustive: bool
    completeness: str
    name: str
    units: str

    @property
    def period(self) -> int:
        """Number of states of each cycle."""
        return self.points.shape[1]

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: int) -> Cycle:
        return Cycle(
            self.points[index], float(self.residuals[index]), self.eigenvalues[index], self.rates[index],
            bool(self.stable[index]), int(self.unstable_dimension[index]), self.unstable_directions[index],
        )  # fmt: skip

    def __iter__(self) -> Iterator[Cycle]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        what = "fixed points" if self.period == 1 else f"{self.period}-cycles"
        more = f", {len(self.continua)} continua" if self.continua else ""
        return (
            f"CycleSet({len(self)} {what} of {self.name}, {int(self.stable.sum())} stable{more}; "
            f"{self.completeness})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class SlowPoints:
    """States where a step is shortest, though not zero: the orbit lingers there.

    Attributes
    ----------
    points : ndarray, shape (n, N)
        Local minima of |F(z) - z|, slowest first.
    speeds : ndarray, shape (n,)
        |F(z) - z| there: length of a step; of the right-hand side for a flow.
    eigenvalues : ndarray, shape (n, N), complex
        Of the Jacobian of a step; of a flow, multipliers over one dt.
    name : str
        Of the model.
    completeness : str
        What was searched.
    """

    points: np.ndarray
    speeds: np.ndarray
    eigenvalues: np.ndarray
    name: str
    completeness: str

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        slowest = f", slowest {self.speeds[0]:.2g}" if len(self) else ""
        return f"SlowPoints({len(self)} of {self.name}{slowest}; {self.completeness})"
