"""What an orbit is: the verdict of `classify_orbit`, with the numbers it rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KINDS = ("fixed point", "cycle", "quasi-periodic", "chaotic", "diverging", "undecided")


@dataclass(frozen=True, eq=False, repr=False)
class OrbitClass:
    """Class of an orbit.

    Attributes
    ----------
    kind : str
        "fixed point", "cycle", "quasi-periodic", "chaotic", "diverging" or "undecided".
    reason : str
        One sentence with the numbers that the verdict rests on; for "undecided", what to do.
    period : float or None
        Steps after which a cycle repeats (1 for a fixed point of a map); of a limit cycle of a flow, time.
    exponents, stderr : ndarray, shape (k,)
        Leading Lyapunov exponents, descending, and their standard errors (conditional ones if the model is
        driven). On a fixed point or cycle of a map they are ln |multiplier| / period, without error.
    units : str
        "per step" or "per unit time".
    points : ndarray, shape (period, N), or None
        States of the fixed point or cycle of a map; of a flow at rest, shape (1, N). Under periodic inputs
        the first is one at which they begin.
    multipliers : ndarray of complex, shape (N,), or None
        Eigenvalues of the Jacobian over one period (one step, of a flow at rest), largest modulus first.
    stable : bool or None
        All multipliers lie inside the unit circle. False: the orbit was put on it and would leave it if
        touched, or is neutral.
    diverged_at : int or None
        First step at which the orbit is not finite, counted from x0.
    state : ndarray, shape (N,), or None
        Where the run ended, to go on from; on a cycle, its first point.
    """

    kind: str
    reason: str
    period: float | None
    exponents: np.ndarray
    stderr: np.ndarray
    units: str
    points: np.ndarray | None = None
    multipliers: np.ndarray | None = None
    stable: bool | None = None
    diverged_at: int | None = None
    state: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"OrbitClass({self.label}: {self.reason})"

    @property
    def label(self) -> str:
        """The kind, with the period of a cycle."""
        return f"cycle of period {self.period:.6g}" if self.kind == "cycle" else self.kind
