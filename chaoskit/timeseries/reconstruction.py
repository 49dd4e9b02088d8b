"""How a series becomes the states whose neighbours are followed: options, filter, embedding, resolution."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from chaoskit.errors import InvalidInputError

from .. import _check
from .divergence import Probe
from .embedding import choose_delay, choose_dimension, embed, mean_period
from .noise import TRACE, white_noise, without_noise

MINIMUM_ROWS = 100
WIDE = 16  # coordinates of a state
MOST_REFERENCES = 20_000  # more change nothing but the time
SEARCH = 1_500_000_000  # differences of two coordinates, in states wider than that
SAMPLES_PER_PERIOD = 20  # lags of the curve in a mean period
FINE_SAMPLING = 10  # samples in a mean period from which the series is a flow's, not a map's


class Prepared(NamedTuple):
    """A standardised series without what a filter can take out, and what was found on the way.

    Attributes
    ----------
    data : ndarray, shape (T, D)
    period : float
        Mean period in steps.
    fine : bool
        Whether it is sampled finely enough to be followed as a curve.
    noise : float
        Standard deviation of the noise in it before the filter; 0 if the spectrum shows none.
    delay, dimension, theiler : int
    varied : bool
        Whether the number of copies was free, so that others may be tried beside it.
    """

    data: np.ndarray
    period: float
    fine: bool
    noise: float
    delay: int
    dimension: int
    theiler: int
    varied: bool


def prepare(data: np.ndarray, delay, dimension, theiler) -> Prepared:
    """Standardise, filter where the spectrum has a floor of noise, choose what is "auto"."""
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    period, noise = mean_period(data), 0.0
    if _slack(data, period) > 0:
        levels = [white_noise(column) for column in data.T]
        noise = float(np.sqrt(np.mean(np.square(levels))))
        reach = max(4, choose_delay(data)) if noise > TRACE else 0
        if 0 < reach < len(data) // 20:
            data = np.column_stack(
                [without_noise(c, level, reach) for c, level in zip(data.T, levels, strict=True)]
            )
            data = (data - data.mean(axis=0)) / data.std(axis=0)
            period = mean_period(data)
    chosen = _reconstruction(data, period, delay, dimension, theiler)
    varied = isinstance(dimension, str) and data.shape[1] < 3
    return Prepared(data, period, _slack(data, period) > 0, noise, *chosen, varied)


def probe(found: Prepared, dimension: int, n_reference: int, ball: bool = False) -> Probe:
    """The states with so many copies, and how their neighbours are to be followed."""
    states = np.ascontiguousarray(embed(found.data, found.delay, dimension))
    stride = max(1, int(found.period / SAMPLES_PER_PERIOD))
    if states.shape[1] > WIDE:  # a tree prunes nothing there: keep the search to seconds
        n_reference = max(200, min(n_reference, SEARCH // states.size))
    slack = min(_slack(found.data, found.period), found.theiler // 2, len(states) // 20)
    return Probe(states, found.theiler, stride, slack, _resolution(found.data), n_reference, ball)


def check_length(states: Probe, rows: int, delay: int, dimension: int) -> None:
    """Raise where too few states are left to follow."""
    theiler, left = states.theiler, max(0, states.rows(4))
    if left < MINIMUM_ROWS // 10:
        raise InvalidInputError(
            f"series: {rows} rows leave {left} states with delay {delay}, dimension {dimension} and "
            f"theiler {theiler}; give a longer series or smaller options"
        )
    if theiler >= len(states.states) // 2:
        raise InvalidInputError(
            f"theiler: expected less than half of the {len(states.states)} states, got {theiler}; give a "
            "smaller one"
        )


def option(value: int | str, name: str, minimum: int) -> int | None:
    """None for "auto", or the checked whole number."""
    if isinstance(value, str):
        if value == "auto":
            return None
        raise InvalidInputError(f'{name}: expected "auto" or a whole number, got {value!r}')
    return _check.integer(value, name, minimum)


def _reconstruction(data, period, delay, dimension, theiler) -> tuple[int, int, int]:
    """Delay, copies and Theiler window, the automatic ones from the data."""
    delay = option(delay, "delay", 1)
    dimension = option(dimension, "dimension", 1)
    theiler = option(theiler, "theiler", 0)
    if dimension is None and data.shape[1] >= 3:
        dimension = 1
    if delay is None:
        delay = choose_delay(data) if dimension != 1 else 1
    # Neighbours in one turn of the orbit would be neighbours by continuity, not by recurrence.
    window = min(math.ceil(3 * period), len(data) // 10)
    if dimension is None:
        dimension = choose_dimension(data, delay, theiler=window if theiler is None else theiler)
    if theiler is None:
        theiler = min(max(window, (dimension - 1) * delay), len(data) // 5)
    return delay, dimension, theiler


def _slack(data: np.ndarray, period: float) -> int:
    """Rows by which a neighbour may lead or lag: half a mean period of a flow, none of a map."""
    roughness = np.mean(np.diff(data, axis=0) ** 2) / 2  # one minus the autocorrelation at lag 1
    return int(period / 2) if period >= FINE_SAMPLING and roughness < 0.2 else 0


def _resolution(data: np.ndarray) -> float:
    """Half the step of quantised values, or a distance that only rounding errors fall below."""
    smallest = 1e-10
    for column in data.T:
        gaps: np.ndarray = np.diff(np.unique(column))
        gaps = gaps[gaps > 1e-10]
        # The recorder's step: all differences are whole multiples of it, and values recur.
        multiples = np.asarray(gaps / gaps.min(), np.float64)
        stray = float(np.abs(multiples - np.round(multiples)).max())
        if len(gaps) < len(column) / 2 and stray < 0.01:
            smallest = max(smallest, 0.5 * float(gaps.min()))
    return smallest
