"""Measurement noise of a finely sampled series: how much of it, and a filter that takes part of it out."""

from __future__ import annotations

import numpy as np

BANDS = 32  # of the spectrum
FLAT = 2.0  # the quietest quarter of the bands differs by less than this factor if it is noise
TRACE = 0.003  # standard deviations: less noise than this is left alone


def white_noise(column: np.ndarray) -> float:
    """Standard deviation of the white noise in a column, from the floor of its power spectrum.

    The quietest quarter of the bands has to be flat: the spectrum of smooth motion falls on and on, and
    that of a map has no floor. 0 where there is none.
    """
    power = _spectrum(column)
    bands = np.sort([np.mean(band) for band in np.array_split(power[1:], BANDS)])[: BANDS // 4]
    if len(power) < 8 * BANDS or bands[-1] > FLAT * bands[0]:
        return 0.0
    return float(np.sqrt(bands.mean()))


def without_noise(column: np.ndarray, noise: float, reach: int) -> np.ndarray:
    """The column behind a Wiener filter of ``2 * reach + 1`` coefficients; `reach` rows are lost at both ends.

    A filter of finite length is a change of coordinates of the reconstructed state: exponents stay.
    """
    power = _spectrum(column)
    width = max(9, len(column) // 400)
    smooth = np.convolve(np.pad(power, width // 2, mode="edge"), np.ones(width) / width, "valid")[: len(power)]
    gain = np.clip(1.0 - noise**2 / np.maximum(smooth, 1e-300), 0.0, 1.0)
    response = np.roll(np.fft.irfft(gain, len(column)), reach)[: 2 * reach + 1]
    response *= np.hanning(2 * reach + 3)[1:-1]
    return np.convolve(column, response / response.sum(), "valid")


def _spectrum(column: np.ndarray) -> np.ndarray:
    """Power a row at each frequency, with a taper that keeps strong lines out of the floor."""
    taper = np.hanning(len(column))
    return np.abs(np.fft.rfft((column - column.mean()) * taper)) ** 2 / (taper @ taper)
