"""Standard errors of time averages of correlated series, and the quantities derived from a spectrum."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

MINIMUM_BATCHES = 20
_FEWEST_TO_JUDGE = 100  # blocks below which only a constant is called deterministic
_GROWTH = 1.2  # of the variance of window sums, from n / 64 to n / 8 blocks: 1 if bounded, 8 if they diffuse


class MeanErrors(NamedTuple):
    """Errors of the means of correlated series; every array has one entry a series.

    Attributes
    ----------
    stderr : ndarray
        Standard error; a bound of the error where `deterministic`; NaN for fewer than 20 samples.
    half_width : ndarray
        Half of the 95 % interval.
    n_effective : ndarray
        Number of independent samples the series is worth.
    deterministic : ndarray of bool
        The sums stay bounded, so that the mean has no asymptotic variance.
    """

    stderr: np.ndarray
    half_width: np.ndarray
    n_effective: np.ndarray
    deterministic: np.ndarray


def mean_errors(series: np.ndarray) -> MeanErrors:
    """Errors of the means of the columns of `series` (n, columns), by batch means.

    A column is cut into about sqrt(n) batches (Flegal and Jones 2010, doi:10.1214/09-AOS735), fewer when
    they would be shorter than five autocorrelation times, but at least 20; the error is the scatter of
    their means, and the interval takes Student's t for as many degrees of freedom. Where the sums of a column
    stay within a constant C of their mean, the error is that constant over n instead.
    """
    count, columns = series.shape
    finite = np.isfinite(series).all(axis=0)
    x = np.where(finite, series, 0.0)
    x = x - x.mean(axis=0)
    if count < MINIMUM_BATCHES:
        nothing = np.full(columns, np.nan)
        return MeanErrors(nothing, nothing.copy(), nothing.copy(), np.zeros(columns, bool))
    power = np.abs(np.fft.rfft(x, 2 * count, axis=0)) ** 2
    times = _autocorrelation_times(power, count)
    stderr, batches = _scatter_of_batches(x, times)
    times = np.maximum(times, 1.0)
    half = stderr * student_quantile(batches - 1)
    sums = np.cumsum(x, axis=0)
    bound = (np.maximum(sums.max(axis=0), 0.0) - np.minimum(sums.min(axis=0), 0.0)) / count
    deterministic = finite & _sums_stay_bounded(x, np.where(finite, series, 0.0).mean(axis=0))
    stderr, half = np.where(deterministic, bound, stderr), np.where(deterministic, bound, half)
    stderr[~finite], half[~finite] = np.nan, np.nan
    return MeanErrors(stderr, half, np.where(finite, count / times, np.nan), deterministic)


def _autocorrelation_times(power: np.ndarray, count: int) -> np.ndarray:
    """Integrated autocorrelation times in samples, 1 for independent ones, from zero-padded spectra.

    Sokal's window: the sum over lags is cut at the first lag beyond five times the sum so far.
    """
    covariance = np.fft.irfft(power, axis=0)[:count]
    still = ~(covariance[0] > 0)
    running = 2.0 * np.cumsum(covariance / np.where(still, 1.0, covariance[0]), axis=0) - 1.0
    beyond = np.arange(count)[:, None] >= 5.0 * np.maximum(running, 1.0)
    cut = np.where(beyond.any(axis=0), beyond.argmax(axis=0), count - 1)
    return np.where(still, 1.0, np.take_along_axis(running, cut[None], axis=0)[0])


def _scatter_of_batches(x: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(standard errors, numbers of batches) of the columns."""
    count = len(x)
    wanted = np.minimum(math.sqrt(count), count / (5.0 * np.maximum(times, 1.0)))
    wanted[times < 0.5] = MINIMUM_BATCHES  # what swings back and forth shows its small variance late
    lengths = count // np.clip(wanted, MINIMUM_BATCHES, count).astype(int)
    errors, batches = np.empty(x.shape[1]), count // lengths
    for length in np.unique(lengths):
        which, b = lengths == length, count // length
        means = x[count - b * length :, which].reshape(b, length, -1).mean(axis=1)
        errors[which] = means.std(axis=0, ddof=1) / math.sqrt(b)
    # batches that are not much longer than the memory are alike: what is missing for exponential decay
    memory = np.maximum(times, 1.0) - 1.0
    with np.errstate(divide="ignore"):
        missing = memory / (2 * lengths) * -np.expm1(-2 * lengths / memory)
    return errors / np.sqrt(1.0 - np.minimum(missing, 0.9)), batches


def student_quantile(degrees: np.ndarray) -> np.ndarray:
    """Two-sided 95 % quantile of Student's t for 19 degrees of freedom and more, to 1e-4.

    The expansion about the normal quantile (Abramowitz and Stegun 26.7.5): importing SciPy for this one
    number would be a tenth of the time of a first call.
    """
    z, n = 1.959963984540054, degrees
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / n + second / n**2 + third / n**3


def _sums_stay_bounded(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """For each column of deviations x: does its sum stay bounded, so that its mean converges as 1 / n?"""
    variance = np.mean(x**2, axis=0)
    constant = np.sqrt(variance) <= 1e-9 * np.abs(mean) + 1e-12
    if len(x) < _FEWEST_TO_JUDGE:
        return constant
    sums = np.cumsum(x, axis=0)
    short, long = (
        np.mean((sums[lag:] - sums[:-lag]) ** 2, axis=0) for lag in (max(2, len(x) // 64), len(x) // 8)
    )
    return constant | (long < _GROWTH * short)


def kaplan_yorke(exponents: np.ndarray) -> tuple[float, np.ndarray]:
    """Kaplan-Yorke dimension of a descending spectrum, and its gradient.

    D = j + (l_1 + ... + l_j) / |l_{j+1}| with j the last index whose sum is not negative (Kaplan and
    Yorke 1979). NaN if the exponents given never sum to less than 0 (too few of them, or a volume that
    grows).
    """
    gradient = np.zeros(len(exponents))
    sums = np.cumsum(exponents)
    below = np.flatnonzero(sums < 0)
    if below.size == 0:
        return math.nan, gradient
    j = int(below[0])
    if j == 0:
        return 0.0, gradient
    last = exponents[j]
    if not np.isfinite(last):
        return float(j), gradient
    gradient[:j] = 1.0 / abs(last)
    gradient[j] = sums[j - 1] / last**2
    return float(j + sums[j - 1] / abs(last)), gradient
