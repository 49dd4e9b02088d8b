"""Correlation dimension: how the number of close pairs of states grows with their distance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from chaoskit import _check
from chaoskit.errors import InvalidInputError
from chaoskit.kernels.correlation import count_pairs

from .embedding import embed
from .reconstruction import MINIMUM_ROWS, prepare
from .region import RESAMPLES, line

BIN = 0.1  # nats of distance
LOWEST, HIGHEST = -14.0, 4.0  # log distances in standard deviations
PAIRS = 20_000_000  # at most, in one embedding
FEWEST_PAIRS = 200  # below a distance that is used
LARGEST_SHARE = 0.1  # of the pairs, below a distance that is used: the attractor's edge is near
SHORTEST = 1.2  # nats of distance in the scaling region
STRAIGHT = 0.12  # largest distance of a local slope from the slope, relative to it
GROWTH = 0.15  # relative change of the dimension over two copies more that still counts as none
MORE = (0, 1, 2)
WINDOW = 5  # bins over which a local slope is taken


@dataclass(frozen=True)
class CorrelationDimension:
    """Correlation dimension of a series, with what is needed to judge it.

    Attributes
    ----------
    dimension : float
        With the fewest copies that unfold the attractor; NaN if there is none.
    interval : tuple of float
        95 % interval: resampled reference states, and the local slopes in the scaling region.
    curve : ndarray, shape (n, 2), float64
        Log distance in standard deviations, and log correlation sum.
    fit_range : tuple of float
        Log distances of the scaling region; (NaN, NaN) without one.
    by_copies : dict of int to float
        Dimension with each number of delayed copies; NaN where nothing scales.
    delay, copies, theiler : int
    quality : str
        "good", or in words why not.
    """

    dimension: float
    interval: tuple[float, float]
    curve: np.ndarray
    fit_range: tuple[float, float]
    by_copies: dict[int, float] = field(default_factory=dict)
    delay: int = 1
    copies: int = 1
    theiler: int = 0
    quality: str = "good"

    def __repr__(self) -> str:
        low, high = self.interval
        return f"CorrelationDimension({self.dimension:.3g} [{low:.3g}, {high:.3g}]: {self.quality})"


def correlation_dimension(
    series: np.ndarray,
    *,
    delay: int | str = "auto",
    dimension: int | str = "auto",
    theiler: int | str = "auto",
    n_reference: int = 2000,
    seed: int = 0,
) -> CorrelationDimension:
    """Correlation dimension after Grassberger and Procaccia [1]_, with a Theiler window [2]_.

    The correlation sum C(r) is the share of pairs of states nearer than r; where log C is straight in
    log r, its slope is the dimension. The scaling region is the longest stretch in which the local
    slope keeps within 12 % of its mean, above 200 pairs and below a tenth of all. The dimension has to
    stay the same with one and two delayed copies more: that of noise grows with them.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        At least 100 rows; three columns or more are taken as the state, fewer are delay-embedded.
    delay, dimension, theiler : int or "auto"
        As in `estimate_lyapunov`.
    n_reference : int
        Reference states at most.
    seed : int
        For the reference states and the resampling.

    Returns
    -------
    CorrelationDimension

    Raises
    ------
    InvalidInputError
        If the series is shorter than 100 rows, has a column that never changes or holds NaN, or an
        option is out of range.

    Notes
    -----
    T states cannot show a dimension above 2 log10(T) [3]_; measurement noise hides all scales below it.

    References
    ----------
    .. [1] Grassberger, P., Procaccia, I. (1983). Measuring the strangeness of strange attractors.
       Physica D 9, 189-208, eqs. 1.3 and 1.4.
    .. [2] Theiler, J. (1986). Spurious dimension from correlation algorithms applied to limited
       time-series data. Physical Review A 34, 2427-2432.
    .. [3] Eckmann, J.-P., Ruelle, D. (1992). Fundamental limitations for estimating dimensions and
       Lyapunov exponents in dynamical systems. Physica D 56, 185-187.

    Examples
    --------
    >>> from chaoskit.timeseries import correlation_dimension
    >>> x = [0.3, 0.3]
    >>> for _ in range(5000):
    ...     x.append(1 - 1.4 * x[-1] ** 2 + 0.3 * x[-2])
    >>> found = correlation_dimension(x)
    >>> 1.15 < found.dimension < 1.3, found.quality
    (True, 'good')
    """
    data = _check.series(series, minimum=MINIMUM_ROWS)
    _check.moderate(data)
    n_reference = _check.integer(n_reference, "n_reference", 20)
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    found = prepare(data, delay, dimension, theiler)
    main, by_copies = None, {}
    for more in MORE if found.varied else MORE[:1]:
        copies = found.dimension + more
        rows = len(found.data) - (copies - 1) * found.delay
        if rows < max(MINIMUM_ROWS // 2, 2 * found.theiler):
            break
        states = np.ascontiguousarray(embed(found.data, found.delay, copies))
        counts = _pair_counts(states, found.theiler, n_reference, rng)
        curve, region = _scaling(counts.sum(axis=0))
        by_copies[copies] = _slope(curve, region)
        main = main or (counts, curve, region)
    if main is None:
        raise InvalidInputError(
            f"series: {len(data)} rows are too few for delay {found.delay}, dimension {found.dimension} "
            f"and theiler {found.theiler}; give a longer series or smaller options"
        )
    counts, curve, region = main
    value, quality = by_copies[found.dimension], _verdict(by_copies, found)
    interval, fit_range = (math.nan, math.nan), (math.nan, math.nan)
    if quality == "good" and region is not None:
        interval = _interval(counts, value, curve, region, rng)
        fit_range = float(curve[region[0], 0]), float(curve[region[1], 0])
    else:
        value = math.nan
    return CorrelationDimension(
        value, interval, curve, fit_range, by_copies, found.delay, found.dimension, found.theiler, quality
    )


def _pair_counts(states, theiler: int, n_reference: int, rng) -> np.ndarray:
    """Pairs of each reference in each bin of log distance, references in order of time."""
    number = min(n_reference, max(100, PAIRS // len(states)), len(states))
    references = np.sort(rng.choice(len(states), number, replace=False))
    counts = np.zeros((number, round((HIGHEST - LOWEST) / BIN) + 2), np.int64)
    count_pairs(states, references, theiler, LOWEST, BIN, counts)
    return counts


def _scaling(counts: np.ndarray) -> tuple[np.ndarray, tuple[int, int] | None]:
    """Log correlation sum over log distance, and first and last row of the straight part."""
    below = np.cumsum(counts)[:-1]  # pairs nearer than the upper edge of each bin
    edges = LOWEST + BIN * np.arange(len(below))
    pairs = counts.sum()
    usable = (below >= FEWEST_PAIRS) & (below <= LARGEST_SHARE * pairs)
    kept = np.flatnonzero(below > 0)
    curve = np.column_stack([edges[kept], np.log(below[kept] / max(pairs, 1))])
    rows = np.flatnonzero(usable[kept])
    best, longest = None, SHORTEST / BIN
    if len(rows) <= longest:
        return curve, None
    local = _local_slopes(curve)
    for i in rows:
        for j in rows[rows > i + longest][::-1]:
            inside = local[i : j - WINDOW + 2]
            # Quantised values lie at few distances: between them the sum does not grow at all.
            if inside.min() > 0 and np.abs(inside - inside.mean()).max() <= STRAIGHT * inside.mean():
                best, longest = (int(i), int(j)), j - i
                break
    return curve, best


def _local_slopes(curve: np.ndarray) -> np.ndarray:
    """Slope of log C over WINDOW bins, of the stretch that begins at each row."""
    return (curve[WINDOW - 1 :, 1] - curve[: 1 - WINDOW, 1]) / (
        curve[WINDOW - 1 :, 0] - curve[: 1 - WINDOW, 0]
    )


def _slope(curve: np.ndarray, region: tuple[int, int] | None) -> float:
    if region is None:
        return math.nan
    part = curve[region[0] : region[1] + 1]
    return line(part[:, 0], part[:, 1])[0]


def _interval(counts, value, curve, region, rng) -> tuple[float, float]:
    """Scatter of the slope over blocks of reference states, and of the local slopes."""
    parts = np.array_split(np.cumsum(counts, axis=1), min(50, len(counts)))
    blocks = np.array([part.sum(axis=0) for part in parts], np.float64)
    bins = np.round((curve[region[0] : region[1] + 1, 0] - LOWEST) / BIN).astype(int)
    draws = rng.multinomial(len(blocks), np.full(len(blocks), 1 / len(blocks)), size=RESAMPLES)
    logs = np.log(np.maximum(draws @ blocks[:, bins], 1.0))
    centred = (bins - bins.mean()) * BIN
    slopes = logs @ centred / (centred @ centred)
    low, high = np.quantile(slopes, [0.025, 0.975]) - value
    inside = _local_slopes(curve)[region[0] : region[1] - WINDOW + 2]
    wobble = float(inside.std())
    return value - math.hypot(min(low, 0.0), wobble), value + math.hypot(max(high, 0.0), wobble)


def _verdict(by_copies: dict[int, float], found) -> str:
    """Whether the dimension is one, in words."""
    values = np.array(list(by_copies.values()))
    if np.isnan(values[0]):
        return "no scaling region: noise, too few rows, or too high a dimension"
    if found.varied:
        apart = np.max(np.abs(values[1:] / values[0] - 1) / np.arange(1, len(values)), initial=0.0)
        if not apart <= GROWTH / 2 or values[-1] > max(by_copies) - 0.5:  # NaN ends here too
            return "no dimension: it changes with the number of delayed copies, as that of noise does"
    if values[0] > 2 * math.log10(len(found.data)):
        return "too short: so few rows cannot show so high a dimension"
    return "good"
