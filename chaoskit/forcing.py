"""When a training run is forced back to the data: schedules as small frozen objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from . import _check


class Schedule(NamedTuple):
    """Forcing of one training sequence of T steps.

    slot : ndarray of int, shape (T,)
        Index of the forced state before step t, or -1; slot[0] is 0, the start.
    keep : ndarray of float, shape (slots,)
        How much of the network's own state survives: z = keep z + (1 - keep) z_data. keep[0] = 0.
    """

    slot: np.ndarray
    keep: np.ndarray

    @property
    def times(self) -> np.ndarray:
        """Times of the forced states, shape (slots,)."""
        return np.flatnonzero(self.slot >= 0)


@runtime_checkable
class Forcing(Protocol):
    """Anything that turns a length into a `Schedule`."""

    def schedule(self, length: int) -> Schedule: ...


def _every(interval: int, length: int) -> Schedule:
    slot = np.full(length, -1, np.int64)
    times = np.arange(0, length, interval)
    slot[times] = np.arange(len(times))
    return Schedule(slot, np.zeros(len(times)))


@dataclass(frozen=True)
class Sparse:
    """Replace the state by the inverted observation every `tau` steps (arXiv 2110.07238, Eq. 9).

    Parameters
    ----------
    tau : int
        Steps between two forcings, at least 1; the predictability time ln 2 / lambda or somewhat less.

    Examples
    --------
    >>> Sparse(3).schedule(7).times.tolist()
    [0, 3, 6]
    """

    tau: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "tau", _check.integer(self.tau, "tau", 1))

    def schedule(self, length: int) -> Schedule:
        """Forced at 0, tau, 2 tau, ... below `length`."""
        return _every(self.tau, length)


@dataclass(frozen=True)
class Never:
    """Start from the data and never force again: plain backpropagation through time.

    Examples
    --------
    >>> Never().schedule(7).times.tolist()
    [0]
    """

    def schedule(self, length: int) -> Schedule:
        """Forced at 0 only."""
        return _every(max(length, 1), length)
