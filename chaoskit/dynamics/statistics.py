"""Standard errors of time averages of correlated series, and the quantities derived from a spectrum."""

from __future__ import annotations

import math

import numpy as np

MINIMUM_BATCHES = 20


def autocorrelation_time(series: np.ndarray) -> float:
    """Integrated autocorrelation time of a 1-D series, in samples (1 for independent ones).

    Sokal's window: the sum over lags is cut at the first lag beyond five times the sum so far.
    """
    x = series - series.mean()
    power = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    covariance = np.fft.irfft(power)[: len(x)]
    if not covariance[0] > 0:
        return 1.0
    time = 2.0 * np.cumsum(covariance / covariance[0]) - 1.0
    beyond = np.flatnonzero(np.arange(len(x)) >= 5.0 * np.maximum(time, 1.0))
    return float(max(time[beyond[0]] if beyond.size else time[-1], 1.0))


def batch_means_error(series: np.ndarray) -> tuple[float, float]:
    """(standard error of the mean, effective number of samples) of a correlated 1-D series.

    The series is cut into about sqrt(n) batches (Flegal and Jones 2010, doi:10.1214/09-AOS735), fewer when
    they would be shorter than five autocorrelation times, but at least 20; the error is the scatter of
    their means. NaN where there are fewer than 20 samples or the series is not finite.
    """
    count = len(series)
    if count < MINIMUM_BATCHES or not np.isfinite(series).all():
        return math.nan, math.nan
    time = autocorrelation_time(series)
    batches = int(np.clip(min(math.sqrt(count), count / (5.0 * time)), MINIMUM_BATCHES, count))
    length = count // batches
    batches = count // length
    means = series[count - batches * length :].reshape(batches, length).mean(axis=1)
    return float(means.std(ddof=1) / math.sqrt(batches)), count / time


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


def error_of_combination(series: np.ndarray, gradient: np.ndarray) -> float:
    """Standard error of the mean of ``series @ gradient``, first order, over columns that matter."""
    used = gradient != 0
    if not used.any():
        return 0.0
    return batch_means_error(series[:, used] @ gradient[used])[0]


from typing import NamedTuple


class MeanErrors(NamedTuple):
    stderr: np.ndarray
    half_width: np.ndarray
    n_effective: np.ndarray
    deterministic: np.ndarray


def mean_errors(rates: np.ndarray) -> MeanErrors:
    e = np.array([batch_means_error(column) for column in rates.T]).reshape(-1, 2)
    return MeanErrors(e[:, 0], 2 * e[:, 0], e[:, 1], np.zeros(len(e), bool))
