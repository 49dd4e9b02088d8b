"""Surrogate series, and the question they answer: is there more than coloured noise?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaoskit import _check
from chaoskit.errors import InvalidInputError
from chaoskit.kernels.neighbours import neighbours_within

from .embedding import embed
from .reconstruction import MINIMUM_ROWS, prepare

ITERATIONS = 100
NEIGHBOURS = 8
REFERENCES = 1000
SIGNIFICANT = 0.05
ENDS = 20  # the ends that are cut to match are sought in this part of the series


def phase_randomised(series: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """A series with the same power spectrum and random phases: Gaussian coloured noise [1]_.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        The phases of all columns are shifted by the same angles, so that cross-spectra stay [2]_.
    seed : int

    Returns
    -------
    surrogate : ndarray, shape (T, D), float64

    Raises
    ------
    InvalidInputError
        If the series is shorter than 16 rows, has a column that never changes, or holds NaN.

    References
    ----------
    .. [1] Theiler, J., Eubank, S., Longtin, A., Galdrikian, B., Farmer, J. D. (1992). Testing for
       nonlinearity in time series: the method of surrogate data. Physica D 58, 77-94, sec. 2.4.1.
    .. [2] Prichard, D., Theiler, J. (1994). Generating surrogate data for time series with several
       simultaneously measured variables. Physical Review Letters 73, 951-954.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.timeseries import phase_randomised
    >>> x = np.random.default_rng(0).normal(size=100)
    >>> y = phase_randomised(x)[:, 0]
    >>> bool(np.allclose(np.abs(np.fft.rfft(x)), np.abs(np.fft.rfft(y))))
    True
    """
    data = _check.series(series, minimum=16)
    _check.moderate(data)
    return _randomise(data, np.random.default_rng(_check.integer(seed, "seed")))


def amplitude_adjusted(series: np.ndarray, *, seed: int = 0, iterations: int = ITERATIONS) -> np.ndarray:
    """A series with the same values in another order, and nearly the same power spectrum [1]_.

    Iterated: the spectrum is imposed, then the values by their rank, until the order stands. It is
    coloured noise seen through an instrument that bends its scale.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        Cross-spectra of several columns are kept as nearly [2]_.
    seed : int
    iterations : int
        At most.

    Returns
    -------
    surrogate : ndarray, shape (T, D), float64

    Raises
    ------
    InvalidInputError
        As `phase_randomised`, and if `iterations` is below 1.

    References
    ----------
    .. [1] Schreiber, T., Schmitz, A. (1996). Improved surrogate data for nonlinearity tests. Physical
       Review Letters 77, 635-638.
    .. [2] Schreiber, T., Schmitz, A. (2000). Surrogate time series. Physica D 142, 346-382, sec. 4.6.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.timeseries import amplitude_adjusted
    >>> x = np.random.default_rng(0).exponential(size=100)
    >>> bool(np.array_equal(np.sort(amplitude_adjusted(x)[:, 0]), np.sort(x)))
    True
    """
    data = _check.series(series, minimum=16)
    _check.moderate(data)
    iterations = _check.integer(iterations, "iterations", 1)
    return _adjust(data, np.random.default_rng(_check.integer(seed, "seed")), iterations)


def _randomise(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(data, axis=0)
    turn = np.exp(1j * rng.uniform(0, 2 * np.pi, len(spectrum)))
    turn[0] = 1.0
    if len(data) % 2 == 0:
        turn[-1] = 1.0  # the highest frequency has no phase
    return np.fft.irfft(spectrum * turn[:, None], len(data), axis=0)


def _adjust(data: np.ndarray, rng: np.random.Generator, iterations: int) -> np.ndarray:
    values, spectrum = np.sort(data, axis=0), np.fft.rfft(data, axis=0)
    amplitude, phase = np.abs(spectrum), spectrum / np.maximum(np.abs(spectrum), 1e-300)
    surrogate = rng.permutation(data)
    order = np.argsort(surrogate, axis=0)
    for _ in range(iterations):
        now = np.fft.rfft(surrogate, axis=0)
        # One angle a frequency for all columns, the one nearest to theirs, keeps the cross-spectra.
        angle = (now * phase.conj()).sum(axis=1)
        turn = angle / np.maximum(np.abs(angle), 1e-300)
        imposed = np.fft.irfft(amplitude * phase * turn[:, None], len(data), axis=0)
        before, order = order, np.argsort(imposed, axis=0, kind="stable")
        np.put_along_axis(surrogate, order, values, axis=0)
        if np.array_equal(before, order):
            break
    return surrogate


def prediction_error(data: np.ndarray, delay: int, dimension: int, theiler: int) -> float:
    """Error of predicting a series from its neighbours' futures, in standard deviations.

    The mean of the futures of the 8 nearest states, one delay ahead (Sugihara and May 1990): near 0
    for a deterministic series, 1 where neighbours say nothing.
    """
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    states = np.ascontiguousarray(embed(data, delay, dimension))
    span = (dimension - 1) * delay
    # The last state whose future is known.
    states = np.ascontiguousarray(states[: len(data) - span - delay])
    references = np.unique(np.linspace(0, len(states) - 1, REFERENCES).astype(np.int64))
    index, _ = neighbours_within(states, references, theiler, NEIGHBOURS, np.inf, -1.0)
    ahead = span + delay
    kept = index[:, -1] >= 0
    missed = data[references[kept] + ahead] - data[index[kept] + ahead].mean(axis=1)
    return float(np.sqrt(np.mean(missed**2))) if kept.any() else 1.0


@dataclass(frozen=True)
class SurrogateTest:
    """Outcome of the comparison with surrogates.

    Attributes
    ----------
    error : float
        Prediction error of the series.
    errors : dict of str to ndarray
        Those of its surrogates, "phase-randomised" and "amplitude-adjusted".
    p_values : dict of str to float
        Rank of the series among them, one-sided: (1 + how many are predicted as well) / (1 + count).
    verdict : str
        What they say, in words.
    """

    error: float
    errors: dict[str, np.ndarray]
    p_values: dict[str, float]
    verdict: str

    @property
    def noise_excluded(self) -> bool:
        """True if both kinds of coloured noise are excluded at 5 %."""
        return max(self.p_values.values()) <= SIGNIFICANT

    def __repr__(self) -> str:
        return f"SurrogateTest({self.verdict})"


def surrogate_test(
    series: np.ndarray,
    count: int = 39,
    *,
    delay: int | str = "auto",
    dimension: int | str = "auto",
    theiler: int | str = "auto",
    seed: int = 0,
) -> SurrogateTest:
    """Chaos or coloured noise: is the series more predictable than noise with its spectrum [1]_?

    The prediction error from neighbours is compared with that of `count` phase-randomised and `count`
    amplitude-adjusted surrogates. Both ends of the series are cut a little so that they match, since
    a jump between them is noise to a Fourier transform. Being no coloured noise is not yet chaos: a
    cycle is none either.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        At least 100 rows.
    count : int
        Of each kind; 19 allow p = 0.05, 39 allow 0.025.
    delay, dimension, theiler : int or "auto"
        As in `estimate_lyapunov`.
    seed : int

    Returns
    -------
    SurrogateTest

    Raises
    ------
    InvalidInputError
        If the series is shorter than 100 rows, has a column that never changes or holds NaN, or an
        option is out of range.

    References
    ----------
    .. [1] Theiler, J., Eubank, S., Longtin, A., Galdrikian, B., Farmer, J. D. (1992). Testing for
       nonlinearity in time series: the method of surrogate data. Physica D 58, 77-94.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.timeseries import surrogate_test
    >>> x = [0.3]
    >>> for _ in range(500):
    ...     x.append(4 * x[-1] * (1 - x[-1]))
    >>> surrogate_test(x, 19).noise_excluded
    True
    >>> surrogate_test(np.random.default_rng(0).normal(size=500), 19).noise_excluded
    False
    """
    data = _check.series(series, minimum=MINIMUM_ROWS)
    _check.moderate(data)
    count = _check.integer(count, "count", 1)
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    found = prepare(data, delay, dimension, theiler)
    data = _matching_ends((data - data.mean(axis=0)) / data.std(axis=0))
    embedding = found.delay, found.dimension, found.theiler
    if len(data) < found.dimension * found.delay + 2 * found.theiler + NEIGHBOURS:
        raise InvalidInputError(
            f"series: {len(data)} rows are too few for delay {found.delay}, dimension {found.dimension} and "
            f"theiler {found.theiler}; give a longer series or smaller options"
        )
    error = prediction_error(data, *embedding)
    kinds = {"phase-randomised": _randomise, "amplitude-adjusted": lambda d, g: _adjust(d, g, ITERATIONS)}
    errors = {
        name: np.array([prediction_error(make(data, rng), *embedding) for _ in range(count)])
        for name, make in kinds.items()
    }
    p_values = {name: (1 + int((found <= error).sum())) / (1 + count) for name, found in errors.items()}
    p = max(p_values.values())
    said = (
        f"more predictable than coloured noise (p = {p:.3g})"
        if p <= SIGNIFICANT
        else f"coloured noise is not excluded (p = {p:.3g})"
    )
    return SurrogateTest(error, errors, p_values, said)


def _matching_ends(data: np.ndarray) -> np.ndarray:
    """The stretch whose ends differ least in value and in slope, cut by a twentieth at either end at most."""
    part = max(2, min(len(data) // ENDS, 500))
    slopes = np.gradient(data, axis=0)
    both = np.hstack([data, slopes / np.maximum(slopes.std(axis=0), 1e-300)])
    apart = ((both[:part, None] - both[None, -part:]) ** 2).sum(axis=2)
    first, last = np.unravel_index(int(np.argmin(apart)), apart.shape)
    return data[first : len(data) - part + last]
