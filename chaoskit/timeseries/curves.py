"""One divergence curve and what is read from it: a straight stretch, growth between noise and ceiling."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from .divergence import Probe, follow_until_level
from .growth import NO_GROWTH, Growth, exponential_growth, power_growth, resampled_rates
from .region import LAGS_RESAMPLED, Region, find_region, flattening, resampled_medians, slope_interval, smooth

FOLLOWED_TO = 1.0  # nats below the ceiling up to which neighbours are followed, and as long again
LAGS_FITTED = 64
LEAST_SPAN = 1.7  # nats between noise and ceiling: coloured noise has less than 1.5
RAGGED = 0.15  # nats by which the curve may stray from the one fitted: that of a torus goes up and down
FLATTENED = 0.1  # by noise, relative: a line that is flatter still is worse than the growth model
BETTER = 0.9  # misfit of exponential growth relative to that of a power of time


@dataclass(frozen=True)
class Curve:
    """Typical log distance of neighbours over the lags, and the fits to it.

    Attributes
    ----------
    probe : Probe
    references : ndarray, shape (R,), int64
    logs : ndarray, shape (R, n_lags)
    typical : ndarray, shape (n_lags,)
    ceiling : float
        Log distance of unrelated states.
    width : int
        Lags of the running mean that takes out the oscillation of a flow.
    region : Region or None
        Straight stretch; rates are per lag, as those of the growth curve.
    growth : Growth
        `NO_GROWTH` if the curve is too short or unknown.
    exponential : bool
        True if there is a straight stretch, or growth that a power of time does not explain as well.
    doubtful : bool
        True if a power of time does explain it as well: the growth of regular motion, or chaos seen shortly.
    """

    probe: Probe
    references: np.ndarray
    logs: np.ndarray
    typical: np.ndarray
    ceiling: float
    width: int
    region: Region | None
    growth: Growth
    exponential: bool
    doubtful: bool

    def stretch(self) -> tuple[float, float]:
        """First and last lag of the exponential part."""
        if self.region is not None:
            return self.region.start, self.region.stop
        g = self.growth
        last = len(self.typical) - 1.0
        start = min(max(0.0, (g.floor - g.start) / g.rate), last)
        return start, min(max(start, (g.ceiling - math.log(2) - g.start) / g.rate), last)

    def rate(self, noise: float) -> tuple[str, float] | None:
        """How the curve is read, and its rate a lag; None where it does not grow exponentially.

        By a straight stretch that noise, in standard deviations, leaves straight: it takes nothing for
        granted of how distances level off. Where there is none, by the model of the whole curve.
        """
        # Noise adds the same to all squared distances: twice its variance in every coordinate.
        added = 2 * self.probe.states.shape[1] * noise**2
        if self.region is not None and flattening(self.region, added) < FLATTENED:
            return "line", self.region.slope
        return ("growth", self.growth.rate) if self.exponential else None

    def shifts(self, block: int, rng: np.random.Generator) -> tuple[float, float]:
        """By how much the rate a lag may be too low or too high, 95 %, from resampled reference points."""
        if self.region is not None:
            low, high = slope_interval(self.logs, self.references, self.region, block, rng)
            return low - self.region.slope, high - self.region.slope
        first, last = first_lag(self.width), len(self.typical) - 1
        lags = np.unique(np.linspace(first, last, LAGS_RESAMPLED).astype(int))
        chosen = np.ascontiguousarray(self.logs[:, lags])
        times = (lags - first).astype(np.float64)
        centre = exponential_growth(times, np.median(chosen, axis=0))
        rates = resampled_rates(times, resampled_medians(chosen, self.references, block, rng), centre)
        low, high = (float(q) for q in np.quantile(rates / centre.rate - 1, [0.025, 0.975]))
        return min(low, 0.0) * self.growth.rate, max(high, 0.0) * self.growth.rate


def follow_curve(
    probe: Probe, fine: bool, period: float, n_lags: int | None, first: int, rng: np.random.Generator
) -> Curve:
    """Follow the neighbours, `n_lags` lags or until they have parted, and fit what is seen."""
    ceiling = probe.ceiling(rng)
    if n_lags is None:
        references, logs = follow_until_level(probe, ceiling - FOLLOWED_TO, first, rng)
    else:
        references, logs = probe.follow(n_lags, rng)
    width = max(1, round(period / (2 * probe.stride))) if fine and probe.slack else 1
    typical = np.median(logs, axis=0) if len(logs) else np.full(logs.shape[1], math.nan)
    region, growth, span, better = None, NO_GROWTH, 0.0, False
    if not np.isnan(typical).any():
        growth, span, better = _growth(typical, width)
    if growth.misfit <= RAGGED:
        region = find_region(typical, ceiling, width)
    exponential = region is not None or (growth.misfit <= RAGGED and span > LEAST_SPAN and better)
    return Curve(
        probe, references, logs, typical, ceiling, width, region, growth, exponential, doubtful=not better
    )


def first_lag(width: int) -> int:
    """The lags before it are the neighbours' turning into the direction that grows."""
    return max(1, width // 2)


def _growth(typical: np.ndarray, width: int) -> tuple[Growth, float, bool]:
    """Exponential growth, the nats between its noise and its ceiling, and if it beats a power of time."""
    lags, values = smooth(typical, min(width, len(typical)))
    lags, values = lags[first_lag(width) :], values[first_lag(width) :]
    if len(values) < 6:
        return NO_GROWTH, 0.0, False
    pick = np.unique(np.linspace(0, len(values) - 1, LAGS_FITTED).astype(int))
    times, values = lags[pick] - lags[0], values[pick]
    growth, power = exponential_growth(times, values), power_growth(times, values)
    better = growth.misfit < BETTER * power.misfit
    growth = replace(growth, start=growth.start - growth.rate * float(lags[0]))  # at lag 0
    # Only what is seen counts: a level curve leaves the ceiling free.
    span = min(growth.ceiling, float(values.max())) - max(growth.floor, growth.start)
    return growth, span, better
