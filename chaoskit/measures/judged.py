"""A measure beside its floor, both with their intervals, and what can be said of it in a word."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .bootstrap import RESAMPLES, bootstrap_interval
from .spectral import spectral_distance
from .state_space import state_space_divergence

AT_FLOOR, NEAR, FAR = "at the floor", "near the floor", "far from the floor"
_NEAR = 1.5  # times the floor that still count as the floor: values at the floor scatter that much
_FAR = 3.0
# Values too small to call far, however low the floor: nats, and a distance from 0 to 1.
_SMALL = {state_space_divergence: 0.1, spectral_distance: 0.05}


class Measure(NamedTuple):
    """A measure between two series.

    Attributes
    ----------
    value : float
    interval : tuple of float
        95 % (low, high), see `bootstrap_interval`; (NaN, NaN) if it was not asked for.
    floor : float
        Its value between the halves of the true data.
    floor_interval : tuple of float
    grade : str
        "at the floor", "near the floor" or "far from the floor".
    """

    value: float
    interval: tuple[float, float]
    floor: float
    floor_interval: tuple[float, float]
    grade: str

    def __repr__(self) -> str:
        return (
            f"Measure({self.value:.3g} [{self.interval[0]:.3g}, {self.interval[1]:.3g}], {self.grade} of "
            f"{self.floor:.3g} [{self.floor_interval[0]:.3g}, {self.floor_interval[1]:.3g}])"
        )


class Floor(NamedTuple):
    """A measure between the halves of the true data, ready to stand beside that of any generated series."""

    measure: Callable[..., Any]
    options: dict[str, Any]
    value: float
    interval: tuple[float, float]

    def beside(self, true: np.ndarray, generated: np.ndarray, n_resamples: int, seed: int) -> Measure:
        """The measure of a generated series beside this floor."""
        value = float(self.measure(true, generated, **self.options))
        interval = _interval(self.measure, true, generated, n_resamples, seed, self.options)
        grade = _grade(self.measure, value, interval, self.value, self.interval)
        return Measure(value, interval, self.value, self.interval, grade)


def floor_of(
    measure: Callable[..., Any],
    true: np.ndarray,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
    **options: Any,
) -> Floor:
    """Floor of a measure with its interval; as `floor`, which gives what the measure returns."""
    half = len(true) // 2
    halves = true[:half], true[half : 2 * half]
    value = float(measure(*halves, **options))
    return Floor(measure, options, value, _interval(measure, *halves, n_resamples, seed, options))


def _interval(
    measure: Callable[..., Any],
    true: np.ndarray,
    generated: np.ndarray,
    n_resamples: int,
    seed: int,
    options: dict[str, Any],
) -> tuple[float, float]:
    if n_resamples == 0:
        return math.nan, math.nan
    return bootstrap_interval(measure, true, generated, n_resamples=n_resamples, seed=seed, **options)


def _grade(
    measure: Callable[..., Any],
    value: float,
    interval: tuple[float, float],
    floor: float,
    floor_interval: tuple[float, float],
) -> str:
    """At the floor if it is not above it by more than both scatter; far if it is even in the best case."""
    if value <= _NEAR * floor or value <= floor_interval[1] or interval[0] <= floor:
        return AT_FLOOR
    if value <= max(_FAR * floor, _SMALL.get(measure, 0.0)):
        return NEAR
    return FAR
