"""Measurement noise: how much of it is in a series, and a filter that takes part of it out."""

from __future__ import annotations

import numpy as np

from chaoskit.kernels.neighbours import neighbours_within

from .embedding import embed

BANDS = 32  # of the spectrum
FLAT = 2.0  # the quietest quarter of the bands differs by less than this factor if it is noise
REFERENCES = 500
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
    """The column behind a Wiener filter of ``2 * reach + 1`` coefficients, `reach` rows shorter at both ends.

    A filter of finite length is a change of coordinates of the reconstructed state: exponents stay.
    """
    power = _spectrum(column)
    width = max(9, len(column) // 400)
    smooth = np.convolve(np.pad(power, width // 2, mode="edge"), np.ones(width) / width, "valid")[
        : len(power)
    ]
    gain = np.clip(1.0 - noise**2 / np.maximum(smooth, 1e-300), 0.0, 1.0)
    response = np.roll(np.fft.irfft(gain, len(column)), reach)[: 2 * reach + 1]
    response *= np.hanning(2 * reach + 3)[1:-1]
    return np.convolve(column, response, "valid")


def unpredicted(data: np.ndarray, delay: int, dimension: int, theiler: int) -> float:
    """Standard deviation of the noise that is left when neighbours predict the next row by a local line.

    For series without a floor in the spectrum, such as those of maps. Noise of the coordinates goes
    through the slopes a of the line into what is predicted, so a residual stands for (1 + a^2) times the
    variance of the noise. Neighbourhoods that are not small add their bend: an upper bound then.
    """
    dimension = max(2, dimension)
    ahead = (dimension - 1) * delay + 1
    if len(data) < 2 * (ahead + theiler) + REFERENCES // 5:
        return float("nan")
    states = np.ascontiguousarray(embed(data[:-1], delay, dimension))
    count = 3 * (states.shape[1] + 1) + 2
    references = np.unique(np.linspace(0, len(states) - 1, REFERENCES).astype(np.int64))
    index, _ = neighbours_within(states, references, theiler, count, np.inf, -1.0)
    index = index[index[:, -1] >= 0]
    if not len(index):
        return float("nan")
    x, y = states[index], data[index + ahead]
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    normal = np.einsum("rki,rkj->rij", x, x)
    size = np.einsum("rii->r", normal)[:, None, None]
    normal += (1e-6 * size + 1e-300) * np.eye(x.shape[2])
    slopes = np.linalg.solve(normal, np.einsum("rki,rkd->rid", x, y))
    left = ((y - np.einsum("rki,rid->rkd", x, slopes)) ** 2).sum(axis=1) / (count - x.shape[2] - 1)
    return float(np.sqrt(np.median(left / (1 + (slopes**2).sum(axis=1)))))


def _spectrum(column: np.ndarray) -> np.ndarray:
    """Power a row at each frequency, with a taper that keeps strong lines out of the floor."""
    taper = np.hanning(len(column))
    return np.abs(np.fft.rfft((column - column.mean()) * taper)) ** 2 / (taper @ taper)
