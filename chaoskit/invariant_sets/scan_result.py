"""What a scan over a parameter found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .orbit_class import OrbitClass


class Bifurcation(NamedTuple):
    """A change of the attractor between two neighbouring values of a parameter.

    Attributes
    ----------
    before, after : float
        The two values, in the order of the scan.
    kind : str
        "period doubling", "period halving", "fold", "pitchfork or transcritical", "Neimark-Sacker", "Hopf",
        "onset of chaos", "end of chaos", "divergence", "return from divergence", or "change of attractor".
    detail : str
        From what to what, with the multiplier or exponent on the near side.
    """

    before: float
    after: float
    kind: str
    detail: str


@dataclass(frozen=True, eq=False, repr=False)
class BifurcationScan:
    """Attractors over a parameter, one row for each of n values.

    Attributes
    ----------
    parameter : str
    values : ndarray, shape (n,)
    orbits : tuple of OrbitClass
    samples : tuple of ndarray
        Observed values on each attractor: those of the points of a cycle, or along an orbit; of a flow, the
        local maxima; empty where the orbit diverges.
    exponents, stderr : ndarray, shape (n, k)
        Leading exponents and their standard errors; NaN where the orbit diverges.
    units : str
        "per step" or "per unit time".
    bifurcations : tuple of Bifurcation
        Changes from one value to the next one whose class is decided.
    observed : str
        What `samples` are, for labels.
    """

    parameter: str
    values: np.ndarray
    orbits: tuple[OrbitClass, ...]
    samples: tuple[np.ndarray, ...]
    exponents: np.ndarray
    stderr: np.ndarray
    units: str
    bifurcations: tuple[Bifurcation, ...]
    observed: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each orbit."""
        return tuple(orbit.kind for orbit in self.orbits)

    @property
    def periods(self) -> np.ndarray:
        """Period of each orbit, shape (n,); NaN for one without."""
        return np.array([np.nan if o.period is None else o.period for o in self.orbits])

    def __repr__(self) -> str:
        found = [f"{b.kind} at {b.before:.6g} to {b.after:.6g}" for b in self.bifurcations[:4]]
        more = len(self.bifurcations) - len(found)
        found += [f"and {more} more"] if more > 0 else []
        text = "; ".join(found) or "no bifurcation"
        span = f"{self.parameter} from {self.values[0]:.6g} to {self.values[-1]:.6g}"
        return f"BifurcationScan({span}, {len(self.values)} values: {text})"
