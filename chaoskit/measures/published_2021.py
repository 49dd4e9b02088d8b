"""The two measures as the experiments of arXiv 2110.07238 took them, to compare with published numbers only.

Both have faults, which is why `chaoskit.measures` defines them otherwise. The box of the divergence reaches
two standard deviations to either side of zero, not of the mean, and its first cells are lost, so that most
of an attractor away from zero is not looked at; points that leave the box are dropped. The spectral distance
of a series to itself is not 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from ._series import pair
from .state_space import LARGEST_HISTOGRAM_DIMENSION

__all__ = ["counted_share", "spectral_distance", "state_space_divergence"]

_HALF_WIDTH = 2.0  # of the box, in standard deviations
_PSEUDOCOUNT = 1e-5
_SMOOTHING = 2  # bins; the kernel reaches five times as far
_FREQUENCIES = 500


def state_space_divergence(true: Any, generated: Any, *, n_bins: int = 10) -> float:
    """Kullback-Leibler divergence of binned series, by the published definition.

    Parameters
    ----------
    true : array_like, shape (T,) or (T, D), float
        Data; published values took 100,000 rows.
    generated : array_like, shape (S,) or (S, D), float
        Free run; the published ones began at the first row of the data and kept their transient.
    n_bins : int
        Cells along each dimension.

    Returns
    -------
    float
        In nats; infinity where no generated point is counted (published as not a number).

    Raises
    ------
    InvalidInputError
        If the run diverged, the column counts differ, or there are more than 5 columns.

    References
    ----------
    Monfared, Mikhaeil, Durstewitz, arXiv 2110.07238, and the code of its experiments.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.random.default_rng(0).normal(size=(1000, 2))
    >>> state_space_divergence(points, points)
    0.0
    """
    true, generated = _checked(true, generated)
    n_bins = _check.integer(n_bins, "n_bins", 2)
    p, q = (_density(points, true.std(axis=0, ddof=1), n_bins) for points in (true, generated))
    if p is None:
        raise InvalidInputError(
            "true: expected rows within two standard deviations of zero, got none; this definition looks at "
            "no others"
        )
    return np.inf if q is None else float(np.sum(p * np.log(p / q)))


def counted_share(true: Any, n_bins: int = 10) -> float:
    """Share of the rows of a series that the published divergence looks at.

    Parameters
    ----------
    true : array_like, shape (T,) or (T, D), float
    n_bins : int

    Returns
    -------
    float

    Raises
    ------
    InvalidInputError
        As for `state_space_divergence`.

    Examples
    --------
    >>> import numpy as np
    >>> counted_share(10.0 + np.random.default_rng(0).normal(size=1000))
    0.0
    """
    points, _ = _checked(true, true)
    n_bins = _check.integer(n_bins, "n_bins", 2)
    return float(_counted(points, points.std(axis=0, ddof=1), n_bins)[0].mean())


def spectral_distance(true: Any, generated: Any, *, pieces: int = 50) -> float:
    """Hellinger distance of averaged power spectra, by the published definition.

    Both series are cut into `pieces`; spectra of their columns, at z-score, are smoothed over two frequencies
    and averaged, and the first 500 frequencies are compared.

    Parameters
    ----------
    true : array_like, shape (T,) or (T, D), float
    generated : array_like, shape (S,) or (S, D), float
    pieces : int

    Returns
    -------
    float
        0 to 1. Of a series to itself it is the square root of the power beyond the first 500 frequencies.

    Raises
    ------
    InvalidInputError
        If the run diverged, the column counts differ, or pieces are shorter than 42 rows.

    References
    ----------
    Monfared, Mikhaeil, Durstewitz, arXiv 2110.07238, and the code of its experiments.

    Examples
    --------
    >>> import numpy as np
    >>> wave = np.sin(0.1 * np.arange(100_000.0))
    >>> 0.0 < spectral_distance(wave, wave) < 0.05
    True
    """
    true, generated = pair(true, generated)
    pieces = _check.integer(pieces, "pieces", 1)
    length = min(len(true), len(generated)) // pieces
    if length < 4 * 5 * _SMOOTHING + 2:
        raise InvalidInputError(
            f"pieces: expected pieces of at least {4 * 5 * _SMOOTHING + 2} rows, got {length}; take fewer"
        )
    spectra = [_mean_spectra(series, pieces, length - length % 2) for series in (true, generated)]
    overlap = np.trapezoid(np.sqrt(spectra[0] * spectra[1]), axis=0)
    return float(np.mean(np.sqrt(np.maximum(1.0 - overlap, 0.0))))


def _checked(true: Any, generated: Any) -> tuple[np.ndarray, np.ndarray]:
    true, generated = pair(true, generated)
    if true.shape[1] > LARGEST_HISTOGRAM_DIMENSION:
        raise InvalidInputError(
            f"true: expected at most {LARGEST_HISTOGRAM_DIMENSION} columns, got {true.shape[1]}"
        )
    return true, generated


def _counted(points: np.ndarray, deviation: np.ndarray, n_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """(whether a point is counted, its cells): cells from 1 on, because those of number 0 are lost."""
    with np.errstate(over="ignore"):
        place = (points / deviation + _HALF_WIDTH) * (n_bins / (2.0 * _HALF_WIDTH))
    cells = np.clip(place, -1.0, n_bins).astype(np.int64)
    return np.all((cells > 0) & (cells < n_bins), axis=1), cells


def _density(points: np.ndarray, deviation: np.ndarray, n_bins: int) -> np.ndarray | None:
    """Probabilities of all cells; None if no point is counted."""
    counted, cells = _counted(points, deviation, n_bins)
    if not counted.any():
        return None
    shape = (n_bins,) * points.shape[1]
    numbers = np.ravel_multi_index(tuple(cells[counted].T), shape)
    count = np.bincount(numbers, minlength=n_bins ** points.shape[1]) + _PSEUDOCOUNT
    return count / count.sum()


def _mean_spectra(series: np.ndarray, pieces: int, length: int) -> np.ndarray:
    """Smoothed spectra (frequencies, D), averaged over the pieces; a piece that stands still counts as 0."""
    cut = series[: pieces * (len(series) // pieces)].reshape(pieces, -1, series.shape[1])[:, :length]
    deviation = cut.std(axis=1, keepdims=True)
    still = deviation == 0.0
    scored = (cut - cut.mean(axis=1, keepdims=True)) / np.where(still, 1.0, deviation)
    power = np.where(still, 0.0, np.abs(np.fft.rfft(scored, axis=1)) ** 2 * 2.0 / length**2)
    reach = np.arange(-5 * _SMOOTHING, 5 * _SMOOTHING + 1)
    kernel = np.exp(-0.5 * (reach / _SMOOTHING) ** 2)
    mean = power.mean(axis=0)
    smooth = np.stack([np.convolve(column, kernel / kernel.sum(), "same") for column in mean.T], axis=1)
    return smooth[:_FREQUENCIES]
