"""Intervals of measures: blocks of rows of both series are drawn again, and the measure scatters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _check
from ..dynamics.statistics import student_quantile
from ..errors import InvalidInputError
from ..timeseries.embedding import autocorrelation
from ._series import pair
from .state_space import divergence_of_rows, state_space_divergence

RESAMPLES = 50
_MEMORIES = 10  # correlation times in a block
_FEWEST_BLOCKS = 10
# Measures that can be taken again from row numbers alone, much faster than from rows.
_OF_ROWS: dict[Callable[..., Any], Callable[..., Callable[[np.ndarray, np.ndarray], float]]] = {
    state_space_divergence: divergence_of_rows
}


def correlation_time(series: Any) -> float:
    """Rows over which a series remembers: one plus twice the sum of its squared autocorrelations.

    Squares do not cancel where a series swings, as the autocorrelations themselves do. The largest
    value over the columns and the squares of the columns is taken.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D), float

    Returns
    -------
    float
        In rows; 1 for white noise, up to the length of the series for a periodic one.

    Raises
    ------
    InvalidInputError
        If the series is not finite or shorter than 4 rows.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.measures import correlation_time
    >>> round(correlation_time(np.random.default_rng(0).normal(size=20_000)), 1)
    1.0
    """
    data = _check.series(series, minimum=4, constant=True)
    largest = float(np.abs(data).max())
    centred = data / largest if largest > 0 else data  # so that no square overflows
    centred = centred - centred.mean(axis=0)
    columns = [*centred.T, *(centred.T**2)]
    return max((_memory(column) for column in columns if np.ptp(column) > 1e-12), default=1.0)


def _memory(column: np.ndarray) -> float:
    """Sokal's window: the sum over lags ends at the first one beyond five times the sum so far."""
    running = 2.0 * np.cumsum(autocorrelation(column) ** 2) - 1.0
    beyond = np.flatnonzero(np.arange(len(running)) >= 5.0 * running)
    return float(running[beyond[0] if beyond.size else -1])


def block_length(series: np.ndarray) -> int:
    """Rows of a block: ten correlation times or more, and a tenth of the series at most."""
    rows = len(series)
    wanted = max(_MEMORIES * correlation_time(series), 2.0 * rows ** (1 / 3))
    return int(np.clip(math.ceil(wanted), 1, max(1, rows // _FEWEST_BLOCKS)))


def block_rows(rows: int, block: int, rng: np.random.Generator) -> np.ndarray:
    """Row numbers of as many rows, in blocks of consecutive ones that begin anywhere."""
    starts = rng.integers(0, rows - block + 1, -(-rows // block))
    return (starts[:, None] + np.arange(block)).ravel()[:rows]


def bootstrap_interval(
    measure: Callable[..., Any],
    true: Any,
    generated: Any,
    *,
    n_resamples: int = RESAMPLES,
    block: int | str = "auto",
    seed: int = 0,
    **options: Any,
) -> tuple[float, float]:
    """95 % interval of a measure between two series, by the moving-block bootstrap.

    Both series are put together anew from blocks of consecutive rows that begin anywhere in them,
    and the measure is taken again. The interval is its value plus and minus as many standard
    deviations of these as Student's t says. It stands for what other stretches of the same length
    would give; what the length itself adds to a measure is in its `floor`.

    Parameters
    ----------
    measure : callable
        `state_space_divergence`, `spectral_distance` or any function
        ``measure(true, generated, **options)`` whose result is a number or becomes one by `float`.
    true : array_like, shape (T,) or (T, D), float
    generated : array_like, shape (S,) or (S, D), float
    n_resamples : int
    block : int or "auto"
        Rows of a block. It must be much longer than the correlation time; "auto" takes ten of
        those, but at most a tenth of a series.
    seed : int
    **options
        Passed on to `measure`.

    Returns
    -------
    low, high : float
        Not below 0, where a measure has its least value.

    Raises
    ------
    InvalidInputError
        If the series do not fit each other or the measure, or an option is out of range.

    Notes
    -----
    The share of intervals that hold the mean over many pairs of series is 90 to 100 % (the
    verification page has the numbers). Resampled histograms have fewer cells than the series, so
    that their divergences lie higher; only their scatter is used.

    References
    ----------
    Künsch (1989), The jackknife and the bootstrap for general stationary observations, Annals of
    Statistics 17, 1217-1241, section 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.measures import bootstrap_interval, spectral_distance
    >>> a, b = np.random.default_rng(0).normal(size=(2, 2000))
    >>> low, high = bootstrap_interval(spectral_distance, a, b)
    >>> 0 <= low < spectral_distance(a, b) < high < 0.2
    True
    """
    _check.function(measure, "measure", "two series")
    true, generated = pair(true, generated)
    resamples = _check.integer(n_resamples, "n_resamples", 20)
    if isinstance(block, str):
        if block != "auto":
            raise InvalidInputError(f'block: expected "auto" or a number of rows, got {block!r}')
        lengths = block_length(true), block_length(generated)
    else:
        length = _check.integer(block, "block", 1)
        lengths = min(length, len(true)), min(length, len(generated))
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    value = _check.number(measure(true, generated, **options), "measure")
    again = _OF_ROWS.get(measure, _of_rows(measure))(true, generated, **options)
    values = np.empty(resamples)
    for k in range(resamples):
        rows, others = (block_rows(len(s), n, rng) for s, n in zip((true, generated), lengths, strict=True))
        values[k] = again(rows, others)
    half = float(student_quantile(np.array(resamples - 1)) * values.std(ddof=1))
    return max(value - half, 0.0), value + half


def _of_rows(measure: Callable[..., Any]) -> Callable[..., Callable[[np.ndarray, np.ndarray], float]]:
    """A measure of resampled rows, for any measure."""

    def prepared(true: np.ndarray, generated: np.ndarray, **options: Any):
        return lambda rows, others: float(measure(true[rows], generated[others], **options))

    return prepared


def statistic_interval(
    statistic: Callable[[np.ndarray], float], values: np.ndarray, seed: int = 0, n_resamples: int = 1000
) -> tuple[float, float]:
    """95 % percentile interval of a statistic of values that follow each other in time, by moving blocks."""
    if len(values) < _FEWEST_BLOCKS:
        return math.nan, math.nan
    still = np.ptp(values) == 0
    block = 1 if still else min(math.ceil(_MEMORIES / 2 * correlation_time(values)), len(values) // 5)
    rng = np.random.default_rng(seed)
    found = [statistic(values[block_rows(len(values), block, rng)]) for _ in range(n_resamples)]
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)
