"""Largest Lyapunov exponent of a measured series, and the forcing interval that follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chaoskit import _check
from chaoskit.errors import InvalidInputError

from .divergence import Probe, follow_until_level
from .embedding import choose_delay, choose_dimension, embed, mean_period
from .region import BELOW_CEILING, find_region, slope_interval, smooth

MINIMUM_ROWS = 100
PERIODS_FOLLOWED = 10  # at first; doubled until the distance levels off
PERIODS_NEEDED = 20
WIDE = 16  # coordinates of a state
MOST_REFERENCES = 20_000  # more change nothing but the time
SEARCH = 1_500_000_000  # differences of two coordinates, in states wider than that
SAMPLES_PER_PERIOD = 20  # lags of the curve in a mean period
FINE_SAMPLING = 10  # samples in a mean period from which the series is a flow's, not a map's


@dataclass(frozen=True)
class DataLyapunov:
    """Largest Lyapunov exponent of a series, with what is needed to judge it.

    Attributes
    ----------
    exponent : float
        In nats per unit time of `dt`; NaN if no stretch of exponential growth was found.
    interval : tuple of float
        95 % confidence interval (low, high), in the same unit; (NaN, NaN) without an exponent.
    curve : ndarray, shape (n_lags, 2), float64
        Time, and the typical (median) log distance of neighbours after it, in standard deviations.
    fit_range : tuple of float
        (start, stop) in time units of the linear region; (NaN, NaN) without one.
    quality : str
        "good", or in words why not.
    predictability_time : float
        ln 2 / exponent in time units; infinite if the interval reaches 0 or there is no exponent.
    recommended_tau : int or None
        Forcing interval in steps; None if the series is not shown to be chaotic.
    delay, dimension, theiler : int
        In steps, copies of each column, and steps.
    dt : float
        Time between two rows.
    fit : tuple of float
        (slope, offset) of the line through the linear region of `curve`.
    """

    exponent: float
    interval: tuple[float, float]
    curve: np.ndarray
    fit_range: tuple[float, float]
    quality: str
    predictability_time: float
    recommended_tau: int | None
    delay: int
    dimension: int
    theiler: int
    dt: float
    fit: tuple[float, float]


def forcing_interval(exponent: float, interval: tuple[float, float], dt: float) -> tuple[float, int | None]:
    """Predictability time and forcing interval of a largest exponent [1]_.

    Parameters
    ----------
    exponent : float
        In nats per unit time.
    interval : tuple of float
        Its 95 % confidence interval (low, high).
    dt : float
        Time between two steps.

    Returns
    -------
    predictability_time : float
        ln 2 / exponent in time units, the time in which an error doubles; infinite if the exponent
        is not shown to be positive.
    tau : int or None
        Steps between two forcings: half the predictability time, at least 1; None with the former
        infinite.

    Raises
    ------
    InvalidInputError
        If `dt` is not a finite number above 0.

    References
    ----------
    .. [1] Mikhaeil, J., Monfared, Z., Durstewitz, D. (2022). On the difficulty of learning chaotic
       dynamics with RNNs. NeurIPS 35, sec. 4.

    Examples
    --------
    >>> from chaoskit.timeseries import forcing_interval
    >>> predictability_time, tau = forcing_interval(1.1, (1.0, 1.2), dt=0.01)
    >>> tau
    32
    >>> forcing_interval(0.01, (-0.02, 0.04), dt=0.01)
    (inf, None)
    """
    dt = _check.positive(dt, "dt")
    if not (exponent > 0 and interval[0] > 0):  # NaN ends here too
        return math.inf, None
    predictability_time = math.log(2) / exponent
    return predictability_time, max(1, round(predictability_time / (2 * dt)))


def estimate_lyapunov(
    series: np.ndarray,
    dt: float | None = None,
    *,
    delay: int | str = "auto",
    dimension: int | str = "auto",
    theiler: int | str = "auto",
    horizon: int | str = "auto",
    n_reference: int = 5000,
    seed: int = 0,
) -> DataLyapunov:
    """Largest Lyapunov exponent of a measured series, from the parting of neighbours [1]_, [2]_.

    Nearest neighbours outside a Theiler window are followed in time; the slope of their typical log
    distance, before it levels off, is the exponent. Two things differ from [1]_. Where a flow is
    sampled finely, the distance is the one to the neighbour's orbit as a curve, which takes out the
    direction of the flow: distances along it do not grow and bend the curve. And the median
    stands in place of the mean, because the few pairs that part early, at a saddle, would otherwise
    steepen the curve and then flatten it.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        Measured values, at least 100 rows. With three columns or more they are taken together as
        the state; with fewer they are delay-embedded.
    dt : float, optional
        Time between two rows; the exponent is per unit of it. By default that of the series' time
        index if it has one, else 1.
    delay, dimension : int or "auto"
        Steps between the delayed copies, and copies of each column. "auto": first minimum of the
        mutual information, and false nearest neighbours.
    theiler : int or "auto"
        Pairs nearer in time than or as near as this many steps are no neighbours. "auto": three
        mean periods, or the embedding window if that is longer.
    horizon : int or "auto"
        Steps over which neighbours are followed. "auto": until their distance levels off.
    n_reference : int
        Reference points at most; states of more than 16 columns get fewer.
    seed : int
        For the choice of reference points and the resampling.

    Returns
    -------
    DataLyapunov

    Raises
    ------
    InvalidInputError
        If the series is shorter than 100 rows, has a column that never changes or holds NaN, or an
        option is out of range. A valid series that is not chaotic raises nothing: see `quality`.

    Notes
    -----
    The interval holds the scatter over the series, not what neighbours at a finite distance do to
    the slope: on clean series of 10,000 to 100,000 rows that is a few per cent, more where growth
    in a mean period is weak; measurement noise flattens the curve further.

    References
    ----------
    .. [1] Rosenstein, M. T., Collins, J. J., De Luca, C. J. (1993). A practical method for
       calculating largest Lyapunov exponents from small data sets. Physica D 65, 117-134, eq. 12.
    .. [2] Kantz, H. (1994). A robust method to estimate the maximal Lyapunov exponent of a time
       series. Physics Letters A 185, 77-87.

    Examples
    --------
    >>> from chaoskit.timeseries import estimate_lyapunov
    >>> x = [0.3]
    >>> for _ in range(3000):
    ...     x.append(4 * x[-1] * (1 - x[-1]))
    >>> result = estimate_lyapunov(x)
    >>> bool(abs(result.exponent - 0.693) < 0.05)
    True
    >>> result.quality, result.recommended_tau
    ('good', 1)
    """
    dt = _check.time_unit(dt, series)
    data = _check.series(series, minimum=MINIMUM_ROWS)
    _check.moderate(data)
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    n_reference = min(_check.integer(n_reference, "n_reference", 20), MOST_REFERENCES)
    period = mean_period(data)
    delay, dimension, theiler = _reconstruction(data, period, delay, dimension, theiler)
    states = np.ascontiguousarray(embed(data, delay, dimension))
    stride = max(1, int(period / SAMPLES_PER_PERIOD))
    if states.shape[1] > WIDE:  # a tree prunes nothing there: keep the search to seconds
        n_reference = max(200, min(n_reference, SEARCH // states.size))
    slack = min(_slack(data, period), theiler // 2, len(states) // 20)
    probe = Probe(states, theiler, stride, slack, _resolution(data), n_reference)
    if probe.rows(4) < MINIMUM_ROWS // 10:
        raise InvalidInputError(
            f"series: {len(data)} rows leave {max(0, probe.rows(4))} states with delay {delay}, "
            f"dimension {dimension} and theiler {theiler}; give a longer series or smaller options"
        )
    if theiler >= len(states) // 2:
        raise InvalidInputError(
            f"theiler: expected less than half of the {len(states)} states, got {theiler}; give a smaller one"
        )
    ceiling = probe.ceiling(rng)
    first = math.ceil(PERIODS_FOLLOWED * max(period, 4.0) / stride)
    steps = _option(horizon, "horizon", 4)
    if steps is None:
        references, logs = follow_until_level(probe, ceiling - BELOW_CEILING, first, rng)
    else:
        references, logs = probe.follow(min(steps, len(states) // 2) // stride + 1, rng)
    typical = np.median(logs, axis=0) if len(logs) else np.full(logs.shape[1], math.nan)
    width = max(1, round(period / (2 * stride))) if slack else 1
    periods = len(states) / period
    quality = _flaw(probe, typical, ceiling, width, first, periods)
    unknown = (math.nan, math.nan)
    exponent, interval, fit_range, fit = math.nan, unknown, unknown, unknown
    region = None if quality else find_region(typical, ceiling, width)
    if region is not None:
        block = max((region.stop - region.start) * stride, theiler, 1)
        block = min(block, max(1, len(states) // 10))
        low, high = slope_interval(logs, references, region, block, rng)
        per_lag = stride * dt
        exponent, interval = region.slope / per_lag, (low / per_lag, high / per_lag)
        fit_range = (region.start * per_lag, region.stop * per_lag)
        fit = (exponent, region.offset)
    quality = quality or _verdict(typical, ceiling, width, interval, periods)
    curve = np.column_stack([np.arange(len(typical)) * stride * dt, typical])
    return DataLyapunov(
        exponent, interval, curve, fit_range, quality, *forcing_interval(exponent, interval, dt),
        delay, dimension, theiler, dt, fit,
    )  # fmt: skip


def _flaw(probe, typical, ceiling, width, first, periods) -> str:
    """Why there is no use in looking for exponential growth, or an empty string."""
    if np.isnan(typical).any():
        return "too short: no neighbours outside the Theiler window"
    values = smooth(typical, min(width, len(typical)))[1]
    level = values[-1] < ceiling - BELOW_CEILING and np.ptp(values) < 1.0 and periods >= PERIODS_NEEDED
    if level or probe.repeats(first):
        return "periodic or quasi-periodic: neighbours do not part"
    return ""


def _verdict(typical, ceiling, width, interval, periods) -> str:
    """What is to be said about the exponent, or about its absence; "good" if nothing is."""
    if periods < PERIODS_NEEDED:
        return f"too short: {periods:.0f} mean periods, at least {PERIODS_NEEDED} are needed"
    if interval[0] > 0:
        return "good"
    if interval[0] <= 0:
        return "not distinguishable from zero"
    turned = smooth(typical, min(width, len(typical)))[1][: width + 1]
    if turned[-1] > ceiling - BELOW_CEILING:
        return "noise-dominated or too high-dimensional: neighbours part at once"
    return "no linear region: neighbours part, but not exponentially"


def _option(value: int | str, name: str, minimum: int) -> int | None:
    """None for "auto", or the checked whole number."""
    if isinstance(value, str):
        if value == "auto":
            return None
        raise InvalidInputError(f'{name}: expected "auto" or a whole number, got {value!r}')
    return _check.integer(value, name, minimum)


def _reconstruction(data, period, delay, dimension, theiler) -> tuple[int, int, int]:
    """Delay, copies and Theiler window, the automatic ones from the data."""
    delay = _option(delay, "delay", 1)
    dimension = _option(dimension, "dimension", 1)
    theiler = _option(theiler, "theiler", 0)
    if dimension is None and data.shape[1] >= 3:
        dimension = 1
    if delay is None:
        delay = choose_delay(data) if dimension != 1 else 1
    # Neighbours in one turn of the orbit would be neighbours by continuity, not by recurrence.
    window = min(math.ceil(3 * period), len(data) // 10)
    if dimension is None:
        dimension = choose_dimension(data, delay, theiler=window if theiler is None else theiler)
    if theiler is None:
        theiler = min(max(window, (dimension - 1) * delay), len(data) // 5)
    return delay, dimension, theiler


def _slack(data: np.ndarray, period: float) -> int:
    """Rows by which a neighbour may lead or lag: half a mean period of a flow, none of a map."""
    roughness = np.mean(np.diff(data, axis=0) ** 2) / 2  # one minus the autocorrelation at lag 1
    return int(period / 2) if period >= FINE_SAMPLING and roughness < 0.2 else 0


def _resolution(data: np.ndarray) -> float:
    """Half the step of quantised values, or a distance that only rounding errors fall below."""
    smallest = 1e-10
    for column in data.T:
        gaps: np.ndarray = np.diff(np.unique(column))
        gaps = gaps[gaps > 1e-10]
        # The recorder's step: all differences are whole multiples of it, and values recur.
        multiples = np.asarray(gaps / gaps.min(), np.float64)
        stray = float(np.abs(multiples - np.round(multiples)).max())
        if len(gaps) < len(column) / 2 and stray < 0.01:
            smallest = max(smallest, 0.5 * float(gaps.min()))
    return smallest
