"""What a bifurcation watch saw: tracks of fixed points and cycles, the free run, events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..invariant_sets import OrbitClass


class WatchEvent(NamedTuple):
    """Something that happened to the network between two watched epochs.

    Attributes
    ----------
    epoch : int
        The first epoch that shows it.
    kind : str
        "fold", "border collision", "pitchfork", "pitchfork or transcritical", "period doubling",
        "Neimark-Sacker" of a fixed point or cycle, "unpaired" for an odd number that come or go (from far
        away, or not found before); "onset of chaos", "end of chaos", "change of attractor", ... of the free
        run (as in `bifurcation_scan`); "loss jump".
    where : str
        "fixed point", "cycle of period k", "free run" or "loss".
    detail : str
        The numbers.
    """

    epoch: int
    kind: str
    where: str
    detail: str


class Track(NamedTuple):
    """A fixed point or cycle over the epochs at which it was there.

    Attributes
    ----------
    period : int
    epochs : ndarray of int, shape (m,)
    points : ndarray, shape (m, period, N)
    multipliers : ndarray of complex, shape (m, N)
        Largest modulus first.
    stable : ndarray of bool, shape (m,)
    """

    period: int
    epochs: np.ndarray
    points: np.ndarray
    multipliers: np.ndarray
    stable: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class WatchResult:
    """What was seen during one training.

    Attributes
    ----------
    seed : int
        Of the run.
    epochs : ndarray of int, shape (n,)
        Epochs at which the network was looked at.
    exponents, stderr : ndarray, shape (n,)
        Largest exponent of the free run and its standard error, per step; NaN where it diverges.
    orbits : tuple of OrbitClass
        Class of the free run at each of `epochs`.
    tracks : tuple of Track
        Fixed points and cycles.
    loss_epochs, losses : ndarray, shape (m,)
        Mean loss since the epoch before.
    events : tuple of WatchEvent
        In the order of the epochs.
    """

    seed: int
    epochs: np.ndarray
    exponents: np.ndarray
    stderr: np.ndarray
    orbits: tuple[OrbitClass, ...]
    tracks: tuple[Track, ...]
    loss_epochs: np.ndarray
    losses: np.ndarray
    events: tuple[WatchEvent, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Class of the free run at each epoch, with the period of a cycle."""
        return tuple(orbit.label for orbit in self.orbits)

    def __repr__(self) -> str:
        kinds = [event.kind for event in self.events]
        counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)) or "no event"
        return f"WatchResult(seed {self.seed}, {len(self.epochs)} epochs watched: {counted})"
