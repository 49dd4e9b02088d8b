"""The stretch of exponential growth in a divergence curve: where it is, how steep, how certain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

BELOW_CEILING = 1.5  # nats: nearer to the ceiling than this the curve bends
LEAST_RISE = 1.0  # nats: a shorter rise cannot be told from a bend
BEND = 0.5  # largest difference of the slopes of both halves, relative to the whole
STRAY = 0.12  # largest distance from the line, relative to the rise
GRID = 40  # starts and stops that are tried
RESAMPLES = 400
LAGS_RESAMPLED = 24
BINS = 64  # of a histogram of log distances around their median


@dataclass(frozen=True)
class Region:
    """Linear region of a curve: lags ``start`` to ``stop`` (inclusive), slope a lag, offset."""

    start: int
    stop: int
    slope: float
    offset: float


def line(lags: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the least-squares line."""
    centred = lags - lags.mean()
    slope = float(centred @ values / (centred @ centred))
    return slope, float(values.mean() - slope * lags.mean())


def smooth(curve: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Lags and running mean of a curve, which takes out the oscillation of flows."""
    values = np.convolve(curve, np.ones(width) / width, "valid")
    return np.arange(len(values)) + (width - 1) / 2, values


def find_region(curve: np.ndarray, ceiling: float, width: int) -> Region | None:
    """Longest rise of the curve that is straight and ends well below the ceiling, or None.

    Parameters
    ----------
    curve : ndarray, shape (n_lags,)
        Typical log distance.
    ceiling : float
        Log distance of unrelated states.
    width : int
        Lags of the running mean: half a mean period of a flow; 1 for maps.
    """
    # The first lags are the neighbours' turning into the direction that grows.
    skip = max(1, width // 2)
    shortest = max(3, width)
    if len(curve) < width + skip + shortest:
        return None
    lags, values = smooth(curve, width)
    high = np.flatnonzero(values > ceiling - BELOW_CEILING)
    end = int(high[0]) if high.size else len(values)  # first lag that is out
    best, best_rise = None, LEAST_RISE
    for start in np.unique(np.linspace(skip, max(skip, end - shortest - 1), GRID).astype(int)):
        stops = np.linspace(start + shortest, end - 1, GRID).astype(int)
        for stop in np.unique(stops[stops < end])[::-1]:
            rise = values[stop] - values[start]
            if rise <= best_rise:
                continue
            if stop - start >= shortest and straight(lags[start : stop + 1], values[start : stop + 1]):
                best, best_rise = (start, stop), rise
    if best is None:
        return None
    start, stop = best
    slope, offset = line(lags[start : stop + 1], values[start : stop + 1])
    return Region(round(float(lags[start])), round(float(lags[stop])), slope, offset)


def straight(lags: np.ndarray, values: np.ndarray) -> bool:
    """True if both halves rise about as steeply as the whole, and nothing strays from the line."""
    half = len(lags) // 2 + 1
    whole, offset = line(lags, values)
    stray = np.abs(values - offset - whole * lags).max()
    if stray > STRAY * (values[-1] - values[0]):
        return False
    first, second = line(lags[:half], values[:half])[0], line(lags[-half:], values[-half:])[0]
    return whole > 0 and abs(first - second) <= BEND * whole


def flattening(region: Region, added: float) -> float:
    """By how much the line would be steeper without what noise adds to all squared distances, relatively."""
    lags = np.arange(region.start, region.stop + 1.0)
    left = np.exp(2 * (region.offset + region.slope * lags)) - added
    return line(lags, np.log(left) / 2)[0] / region.slope - 1 if left[0] > 0 else math.inf


def resampled_medians(
    logs: np.ndarray, references: np.ndarray, block: int, rng: np.random.Generator
) -> np.ndarray:
    """Medians of the log distances at each lag, (RESAMPLES, n_lags), resampling blocks of reference points.

    Blocks in time keep together what is correlated. The medians are read from histograms, of which
    those of the blocks are added up: hundreds of sorts of all distances would take seconds.

    Parameters
    ----------
    logs : ndarray, shape (R, n_lags)
    references : ndarray, shape (R,), int64
        Rows of the reference points in time, ascending.
    block : int
        Rows in a block.
    """
    labels = (references - references[0]) // block
    labels = np.unique(labels, return_inverse=True)[1]
    blocks, lags = int(labels[-1]) + 1, logs.shape[1]
    low, high = np.quantile(logs, [0.1, 0.9], axis=0)
    width = np.maximum((high - low) / BINS, 1e-12)
    places = np.clip(np.floor((logs - low) / width), -1, BINS).astype(np.int64) + 1
    cells = (labels[:, None] * lags + np.arange(lags)) * (BINS + 2) + places
    counts = np.bincount(cells.ravel(), minlength=blocks * lags * (BINS + 2)).reshape(blocks, -1)
    draws = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES)
    sums = (draws.astype(np.float64) @ counts.astype(np.float64)).reshape(RESAMPLES, lags, BINS + 2)
    below = np.cumsum(sums, axis=2)
    half = below[:, :, -1:] / 2
    cell = np.minimum((below < half).sum(axis=2, keepdims=True), BINS + 1)
    inside = np.take_along_axis(sums, cell, 2)
    share = 1 - (np.take_along_axis(below, cell, 2) - half) / np.maximum(inside, 1.0)
    return low + (cell[:, :, 0] - 1 + share[:, :, 0]) * width


def slope_interval(
    logs: np.ndarray, references: np.ndarray, region: Region, block: int, rng: np.random.Generator
) -> tuple[float, float]:
    """95 % interval of the slope a lag, resampling blocks of reference points and both ends.

    The ends are drawn from the outer fifths of the region, because where it starts and stops is a
    choice. Arguments are those of `resampled_medians`, and the region.
    """
    lags = np.unique(np.linspace(region.start, region.stop, LAGS_RESAMPLED).astype(int))
    chosen = np.ascontiguousarray(logs[:, lags])
    slope = line(lags, np.median(chosen, axis=0))[0]
    fifth = max(1, len(lags) // 5)
    shifts = np.empty(RESAMPLES)
    for r, middle in enumerate(resampled_medians(chosen, references, block, rng)):
        start, stop = rng.integers(0, fifth), len(lags) - rng.integers(0, fifth)
        shifts[r] = line(lags[start:stop], middle[start:stop])[0] - slope
    low, high = (float(q) for q in np.quantile(shifts, [0.025, 0.975]))
    return region.slope + min(low, 0.0), region.slope + max(high, 0.0)
