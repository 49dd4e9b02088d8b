"""The attractors that a batch of starts ends on: the result of `attractors`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .orbit_class import OrbitClass


@dataclass(frozen=True, eq=False, repr=False)
class Attractor:
    """One attractor.

    Attributes
    ----------
    orbit : OrbitClass
        Class, exponents and points of the first orbit that came here.
    share, stderr : float
        Share of the starts that end here, and its binomial standard error.
    count : int
        Number of these starts.
    start : ndarray, shape (N,)
        The first of them.
    states : ndarray, shape (n, N)
        States on it: those of the cycle, or a stretch of the orbit.
    """

    orbit: OrbitClass
    share: float
    stderr: float
    count: int
    start: np.ndarray
    states: np.ndarray

    def __repr__(self) -> str:
        return f"Attractor({self.orbit.label}, {self.share:.3g} ± {self.stderr:.1g} of the starts)"


@dataclass(frozen=True, eq=False, repr=False)
class AttractorSet:
    """Coexisting attractors, the one that most starts reach first. Has a length, an order and indices.

    Attributes
    ----------
    attractors : tuple of Attractor
    labels : ndarray of int, shape (n,)
        Index of the attractor that each start reaches, -1 for one that diverges.
    starts : ndarray, shape (n, N)
    diverged_share : float
        Share of the starts that diverge.
    """

    attractors: tuple[Attractor, ...]
    labels: np.ndarray
    starts: np.ndarray
    diverged_share: float

    def __len__(self) -> int:
        return len(self.attractors)

    def __iter__(self) -> Iterator[Attractor]:
        return iter(self.attractors)

    def __getitem__(self, index: int) -> Attractor:
        return self.attractors[index]

    def __repr__(self) -> str:
        """A line that says how many, and a row for each of the first ten."""
        lost = f", {self.diverged_share:.3g} of them diverge" if self.diverged_share else ""
        lines = [f"AttractorSet({len(self)} from {len(self.labels)} starts{lost})"]
        for index, one in enumerate(self.attractors[:10]):
            exponents = ", ".join(f"{value:.4g}" for value in one.orbit.exponents[:3])
            stands = " (unstable)" if one.orbit.stable is False else ""
            lines.append(
                f"  {index}: {one.orbit.label + stands:<24} share {one.share:.3f} ± {one.stderr:.3f}  "
                f"exponents {exponents} {one.orbit.units}"
            )
        if len(self) > 10:
            lines.append(f"  and {len(self) - 10} more")
        return "\n".join(lines)
