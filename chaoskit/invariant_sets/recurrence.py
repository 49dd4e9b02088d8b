"""Does an orbit come back? Tests on recorded states that need no model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_OF_SPREAD = 1e-9  # what still counts as the same place, in units of the spread of the orbit
_OF_ROUND_OFF = 1e3  # and in units of the round-off of its states
_WINDOW = 64  # steps over which a return must hold, at least
_STAGES = 5  # of the stretch, over which distances are compared
_UNBOUNDED = 1.5  # growth of the extent over the stretch, beyond which it is more than sampling


class Recurrence(NamedTuple):
    """What the states of a stretch say about returns.

    Attributes
    ----------
    period : int
        Smallest number of steps after which the states are the same again; 0 if there is none.
    residual : float
        Largest distance over one such return, in units of the size of the states.
    drifting : int
        Smallest number of steps after which distances shrink or grow steadily over the stretch, 0 if none.
    rate : float
        Their growth per step in the logarithm: below 0 the orbit is still on its way to a cycle.
    """

    period: int
    residual: float
    drifting: int = 0
    rate: float = 0.0


def returns(states: np.ndarray, max_period: int, multiple_of: int = 1, drifts: bool = True) -> Recurrence:
    """Smallest period of the states (T, N), looked for among multiples of the period of the input.

    Where there is none, and `drifts` are wanted, distances that shrink or grow steadily.
    """
    tolerance, size = _tolerance(states)
    periods = range(multiple_of, max_period + 1, multiple_of)
    for period in periods:
        window = max(_WINDOW, period)
        if window + period > len(states):
            break
        distance = _largest_step(states[-window - period :], period)
        if distance <= tolerance:
            return Recurrence(period, distance / size)
    for period in periods if drifts else ():
        rate = _steady_rate(states, period)
        if rate:
            return Recurrence(0, np.inf, period, rate)
    return Recurrence(0, np.inf)


def grows_without_bound(states: np.ndarray) -> bool:
    """True if the extent of the states (T, N) goes on growing over the quarters of the stretch."""
    far = np.linalg.norm(states - states[0], axis=1)
    with np.errstate(over="ignore"):
        extents = np.array([part.max() for part in np.array_split(far, 4)])
    gains = np.diff(extents)
    last = np.abs(states[-1]).max()
    steady = bool((gains > 0).all() and gains[2] > 0.5 * gains[0])
    return steady and extents[3] > _UNBOUNDED * extents[0] and last > 0


def same_cycle(points: np.ndarray, others: np.ndarray, tolerance: float, multiple_of: int = 1) -> bool:
    """Are two cycles (k, N) the same up to a shift by a multiple of the period of the input?"""
    return points.shape == others.shape and distance_of_cycles(points, others, multiple_of) <= tolerance


def distance_of_cycles(points: np.ndarray, others: np.ndarray, multiple_of: int = 1) -> float:
    """Largest difference of two cycles (k, N), turned so that they begin at the nearest states."""
    first = multiple_of * int(np.linalg.norm(others[::multiple_of] - points[0], axis=1).argmin())
    return float(np.abs(np.roll(others, -first, axis=0) - points).max())


def _tolerance(states: np.ndarray) -> tuple[float, float]:
    """(largest distance of what is the same place, size of the states)."""
    size = max(float(np.abs(states).max()), float(np.finfo(states.dtype).tiny))
    spread = float(np.ptp(states, axis=0).max())
    return max(_OF_SPREAD * spread, _OF_ROUND_OFF * float(np.finfo(states.dtype).eps) * size), size


def _largest_step(states: np.ndarray, period: int) -> float:
    with np.errstate(over="ignore"):  # of an orbit about to leave the finite numbers
        return float(np.linalg.norm(states[period:] - states[:-period], axis=1).max())


def _steady_rate(states: np.ndarray, period: int) -> float:
    """Growth rate per step of the distance over `period` steps, 0 unless it is the same all along.

    The distance at each stage is the largest over a tenth of the stretch, because on a spiral it swings.
    """
    length, window = len(states), max(len(states) // (2 * _STAGES), 1)
    if length < 4 * period + 4 * _STAGES:
        return 0.0
    ends = np.linspace(window + period, length, _STAGES).astype(int)
    sizes: list[float] = []
    for end in ends:
        sizes.append(_largest_step(states[end - window - period : end], period))
        one_way = len(sizes) < 3 or (sizes[-1] - sizes[-2]) * (sizes[1] - sizes[0]) > 0
        if not (sizes[-1] > 0 and one_way):
            return 0.0
    slopes = np.diff(np.log(sizes)) / np.diff(ends)
    even = np.abs(slopes).max() <= 1.5 * np.abs(slopes).min()
    noticeable = np.abs(slopes).min() * length > 0.02
    return float(slopes.mean()) if even and noticeable else 0.0
