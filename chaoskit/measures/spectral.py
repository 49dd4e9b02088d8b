"""Spectral distance: how far the power spectra of a free run are from those of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidInputError
from ._series import pair

_WIDEST = 1e12  # bins; no series has as many
RADIUS = 4.0  # of the smoothing kernel, in standard deviations


def spectral_distance(true: Any, generated: Any, *, smoothing: float = 20.0) -> float:
    """Hellinger distance between smoothed power spectra, averaged over the dimensions.

    Each column is brought to mean 0 and variance 1, its power spectrum is smoothed by a Gaussian
    and brought to sum 1; the distance of two spectra p and q is
    ``sqrt(sum((sqrt(p) - sqrt(q))**2) / 2)``.

    Parameters
    ----------
    true : array_like, shape (T,) or (T, D), float
        Measured or simulated series.
    generated : array_like, shape (S,) or (S, D), float
        Free run of the model, sampled at the same time step. The longer of the two series is cut
        to the length of the shorter one, so that both have the same frequencies.
    smoothing : float
        Standard deviation of the Gaussian, in frequency bins; 0 for none.

    Returns
    -------
    float
        0 (same spectra) to 1 (no frequency in common). A column of the free run that never
        changes has no spectrum and counts as 1.

    Raises
    ------
    InvalidInputError
        If the run diverged (not all rows are finite), the column counts differ, a column of the
        true data never changes, or the series are shorter than the smoothing.

    Notes
    -----
    The finite length sets a floor, 0.05 for 100,000 points of Lorenz-63; see `floor`. White noise
    scores about 0.9 there.

    References
    ----------
    Hess, Monfared, Brenner, Durstewitz (2023), Generalized teacher forcing for learning chaotic
    dynamics, arXiv:2306.04406.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.measures import spectral_distance
    >>> time = np.arange(10_000) * 0.1
    >>> spectral_distance(np.sin(time), np.sin(time))
    0.0
    >>> spectral_distance(np.sin(time), np.sin(5.0 * time)) > 0.99
    True
    """
    try:
        width = float(smoothing)
    except (TypeError, ValueError):
        width = -1.0
    if not 0.0 <= width < _WIDEST:
        raise InvalidInputError(f"smoothing: expected a finite number >= 0, got {smoothing!r}")
    # With fewer frequencies than the kernel has on one side every spectrum looks flat.
    minimum = max(4, int(np.ceil(2 * RADIUS * width)))
    true, generated = pair(true, generated, minimum=minimum)
    length = min(len(true), len(generated))
    true, generated = true[:length], generated[:length]
    distances = [
        _hellinger(_spectrum(true[:, d], width), _spectrum(generated[:, d], width))
        for d in range(true.shape[1])
    ]
    return float(np.mean(distances))


def _spectrum(column: np.ndarray, width: float) -> np.ndarray | None:
    """Smoothed power spectrum with sum 1, or None for a column that never changes."""
    largest = np.abs(column).max()
    scaled = column / largest if largest > 0 else column  # so that no square overflows
    centered = scaled - scaled.mean()
    deviation = centered.std()
    if deviation <= 4 * np.finfo(np.float64).eps:
        return None
    power = np.abs(np.fft.rfft(centered / deviation)) ** 2
    if RADIUS * width >= 0.5:  # a narrower kernel is one bin
        from scipy.ndimage import gaussian_filter1d  # not at the top: half a second of every import

        power = gaussian_filter1d(power, width, mode="reflect", truncate=RADIUS)
    return power / power.sum()


def _hellinger(p: np.ndarray | None, q: np.ndarray | None) -> float:
    if p is None or q is None:
        return 0.0 if p is q else 1.0
    return min(float(np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / np.sqrt(2.0)), 1.0)
