"""Delay embedding: how far apart the coordinates, and how many of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chaoskit import _check
from chaoskit.errors import InvalidInputError
from chaoskit.kernels.neighbours import nearest_neighbours

MAX_DIMENSION = 8
FALSE_FRACTION = 0.02  # fewer false neighbours than this: the attractor is unfolded
ROWS_FOR_STATISTICS = 50_000


def embed(series: np.ndarray, delay: int, dimension: int) -> np.ndarray:
    """Delay vectors of a series [1]_.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        Measured values, one row for each time.
    delay : int
        Steps between the coordinates, at least 1.
    dimension : int
        Delayed copies of each column, at least 1.

    Returns
    -------
    states : ndarray, shape (T - (dimension - 1) * delay, D * dimension), float64
        Row t holds the rows t, t + delay, ... of the series, one after the other.

    Raises
    ------
    InvalidInputError
        If the series is too short for the window, or an argument is out of range.

    References
    ----------
    .. [1] Takens, F. (1981). Detecting strange attractors in turbulence. Lecture Notes in
       Mathematics 898, 366-381.

    Examples
    --------
    >>> from chaoskit.timeseries import embed
    >>> embed([0, 1, 2, 3, 4], delay=2, dimension=2)
    array([[0., 2.],
           [1., 3.],
           [2., 4.]])
    """
    data = _check.series(series, constant=True)
    delay = _check.integer(delay, "delay", 1)
    dimension = _check.integer(dimension, "dimension", 1)
    rows = len(data) - (dimension - 1) * delay
    if rows < 1:
        raise InvalidInputError(
            f"series: expected more than {(dimension - 1) * delay} rows for delay {delay} and "
            f"dimension {dimension}, got {len(data)}; give a longer series or a smaller window"
        )
    return np.hstack([data[k * delay : k * delay + rows] for k in range(dimension)])


def delay_and_dimension(value: Any, expected: str = "(delay, dimension)") -> tuple[int, int]:
    """Both as whole numbers of at least 1.

    Raises InvalidInputError for what is no pair; the message says what was `expected`.
    """
    try:
        delay, dimension = value
    except (TypeError, ValueError):
        raise InvalidInputError(f"embedding: expected {expected}, got {value!r}") from None
    return _check.integer(delay, "embedding delay", 1), _check.integer(dimension, "embedding dimension", 1)


def autocorrelation(column: np.ndarray) -> np.ndarray:
    """Autocorrelation at the lags 0, 1, ..., T - 1 of one column, shape (T,); 1 at lag 0."""
    centred = column - column.mean()
    power = np.abs(np.fft.rfft(centred, 2 * len(centred))) ** 2
    correlation = np.fft.irfft(power)[: len(centred)]
    return correlation / correlation[0]


def mean_period(series: np.ndarray) -> float:
    """Mean period in steps: one over the frequency averaged over the power spectrum [1]_.

    With several columns the frequencies of the columns are averaged.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)

    Returns
    -------
    period : float
        In steps; white noise has 4, a sine of n samples a period n.

    References
    ----------
    .. [1] Rosenstein, M. T., Collins, J. J., De Luca, C. J. (1993). A practical method for
       calculating largest Lyapunov exponents from small data sets. Physica D 65, 117-134, sec. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.timeseries import mean_period
    >>> round(mean_period(np.sin(2 * np.pi * np.arange(4000) / 40)), 2)
    40.0
    """
    data = _check.series(series, minimum=4)
    _check.moderate(data)
    centred = (data - data.mean(axis=0)) * np.hanning(len(data))[:, None]
    power = np.abs(np.fft.rfft(centred, axis=0)) ** 2
    frequency = np.fft.rfftfreq(len(data))[:, None]
    return float(1.0 / np.mean((power * frequency).sum(axis=0) / power.sum(axis=0)))


def mutual_information(column: np.ndarray, lags: int) -> np.ndarray:
    """Mutual information (nats) between a column and itself after 0, 1, ..., lags - 1 steps [1]_.

    Equally filled bins, so that the result does not depend on the scale of the values.

    Parameters
    ----------
    column : ndarray, shape (T,)
    lags : int

    Returns
    -------
    information : ndarray, shape (lags,), float64

    Raises
    ------
    InvalidInputError
        If there are not more rows than lags.

    References
    ----------
    .. [1] Fraser, A. M., Swinney, H. L. (1986). Independent coordinates for strange attractors from
       mutual information. Physical Review A 33, 1134-1140, eq. 8.
    """
    column, lags = _check.array(column, "column", np.float64), _check.integer(lags, "lags")
    if column.ndim != 1 or len(column) <= lags:
        raise InvalidInputError(
            f"column: expected shape (T,) with T above the number of lags, got {column.shape} and {lags} lags"
        )
    bins = int(np.clip(np.sqrt(len(column)) / 5, 4, 32))
    edges = np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1])
    label = np.searchsorted(edges, column, side="right")
    result = np.empty(lags)
    for lag in range(lags):
        pairs = label[: len(label) - lag] * bins + label[lag:]
        joint = np.bincount(pairs, minlength=bins * bins).reshape(bins, bins) / len(pairs)
        independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        filled = joint > 0
        result[lag] = np.sum(joint[filled] * np.log(joint[filled] / independent[filled]))
    return result


def choose_delay(series: np.ndarray) -> int:
    """Delay in steps: the first minimum of the mutual information, at most the 1/e time.

    The 1/e time of the autocorrelation is the fallback where the mutual information falls without
    a minimum, as it does for maps.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        With several columns the median of their delays is taken.

    Returns
    -------
    delay : int
        At least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.timeseries import choose_delay
    >>> choose_delay(np.random.default_rng(0).normal(size=2000))
    1
    """
    data = _check.series(series, minimum=16)
    _check.moderate(data)
    data = _check.series(data[:ROWS_FOR_STATISTICS])  # a column may move later only
    return max(1, int(np.median([_delay_of_column(column) for column in data.T])))


def _delay_of_column(column: np.ndarray) -> int:
    below = np.flatnonzero(autocorrelation(column) < 1 / np.e)
    longest = min(int(below[0]) if below.size else len(column), len(column) // 10, 1000)
    if longest <= 2:
        return max(1, longest)
    information = mutual_information(column, longest + 3)
    for lag in range(1, longest):
        # Lower than both neighbours and than the one after: a ripple of the histogram is neither.
        if (
            information[lag] < information[lag - 1]
            and information[lag] <= information[lag + 1 : lag + 3].min()
        ):
            return lag
    return longest


def false_neighbours(
    series: np.ndarray,
    delay: int,
    *,
    theiler: int = 0,
    max_dimension: int = MAX_DIMENSION,
    n_reference: int = 1000,
) -> np.ndarray:
    """Fraction of nearest neighbours that are neighbours by projection only [1]_.

    A neighbour in m delayed copies is false if the next copy tears it away by more than ten times
    its distance, or to more than twice the size of the attractor.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
    delay : int
        In steps.
    theiler : int
        Neighbours nearer in time than or as near as this many steps do not count.
    max_dimension : int
        Largest number of copies that is tried.
    n_reference : int
        Reference points, spread evenly over the series.

    Returns
    -------
    fraction : ndarray, shape (max_dimension,), float64
        For m = 1, 2, ...; NaN where the series is too short.

    References
    ----------
    .. [1] Kennel, M. B., Brown, R., Abarbanel, H. D. I. (1992). Determining embedding dimension for
       phase-space reconstruction using a geometrical construction. Physical Review A 45, 3403-3411,
       eqs. 4 and 5.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.timeseries import false_neighbours
    >>> x = [0.3]
    >>> for _ in range(2000):
    ...     x.append(1 - 1.9 * x[-1] ** 2)
    >>> bool(false_neighbours(x, 1, max_dimension=2)[0] < 0.01)  # one number is the state
    True
    """
    data = _check.series(series)
    _check.moderate(data)
    delay, theiler = _check.integer(delay, "delay", 1), _check.integer(theiler, "theiler")
    max_dimension = _check.integer(max_dimension, "max_dimension", 1)
    if max_dimension > len(data):
        raise InvalidInputError(f"max_dimension: expected at most {len(data)}, the rows, got {max_dimension}")
    n_reference = _check.integer(n_reference, "n_reference", 1)
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    fraction = np.full(max_dimension, np.nan)
    for m in range(1, max_dimension + 1):
        rows = len(data) - m * delay
        if rows < max(50, 3 * theiler):
            break
        states = embed(data[: len(data) - delay], delay, m)
        references = np.unique(np.linspace(0, rows - 1, min(n_reference, rows)).astype(np.int64))
        index, distance = nearest_neighbours(states, references, theiler, 1e-10)
        found = index >= 0
        here, there = references[found] + m * delay, index[found] + m * delay
        jump = np.linalg.norm(data[here] - data[there], axis=1)
        size = np.sqrt(data.shape[1])
        # Below a hundredth of the size, measurement noise alone tears by ten times.
        torn = jump > 10 * np.maximum(distance[found], 0.01 * size)
        lonely = np.hypot(jump, distance[found]) > 2 * size * np.sqrt(m)
        fraction[m - 1] = np.mean(torn | lonely) if found.any() else np.nan
    return fraction


def choose_dimension(series: np.ndarray, delay: int, *, theiler: int = 0) -> int:
    """Smallest number of delayed copies with fewer than 2 % false neighbours.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
    delay : int
        In steps.
    theiler : int
        In steps; see `false_neighbours`.

    Returns
    -------
    dimension : int
        Where noise keeps the fraction up, the dimension of the least fraction.

    Examples
    --------
    >>> from chaoskit.timeseries import choose_dimension
    >>> x = [0.3, 0.3]
    >>> for _ in range(3000):
    ...     x.append(1 - 1.4 * x[-1] ** 2 + 0.3 * x[-2])
    >>> choose_dimension(x, 1)
    2
    """
    fraction = false_neighbours(series, delay, theiler=theiler)
    if np.isnan(fraction).all():
        return 1
    enough = np.flatnonzero(fraction < FALSE_FRACTION)
    return int(enough[0] if enough.size else np.nanargmin(fraction)) + 1
