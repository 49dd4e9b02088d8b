"""Largest Lyapunov exponent of a measured series: several estimates, their interval and a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from chaoskit import _check

from ..dynamics.statistics import student_quantile
from .curves import Curve, follow_curve
from .noise import unpredicted
from .reconstruction import MINIMUM_ROWS, MOST_REFERENCES, Prepared, check_length, option, prepare, probe
from .region import BELOW_CEILING, smooth
from .result import DataLyapunov, forcing_interval
from .surrogates import surrogate_test
from .zero_one import is_regular

METHODS = ("rosenstein", "kantz")
COPIES_MORE = (0, 1, 2)  # delayed copies beyond those of false neighbours that are tried as well
PERIODS_FOLLOWED = 10  # at first; doubled until the distance levels off
PERIODS_NEEDED = 20
PERIODS_WITHOUT_PARTING = 40  # neighbours are followed over a quarter of the series: fewer may be chance
MOST_BLOCKS = 500  # of reference points that are resampled
MODEL = 0.05  # what neighbours at a finite distance do to any estimate, relative to the exponent
MODEL_WITH_NOISE, MODEL_OF_MAPS = 2.5, 5.0  # the same for each standard deviation of noise
NATS_NEEDED = 100  # Lyapunov times: a rate averaged over fewer scatters by a tenth and more
SURE = 0.125  # half an interval, relative to the exponent, up to which it is called good


def estimate_lyapunov(
    series: np.ndarray,
    dt: float | None = None,
    *,
    delay: int | str = "auto",
    dimension: int | str = "auto",
    theiler: int | str = "auto",
    horizon: int | str = "auto",
    method: str = "rosenstein",
    surrogates: int = 0,
    n_reference: int = 5000,
    seed: int = 0,
) -> DataLyapunov:
    """Largest Lyapunov exponent of a measured series, from the parting of neighbours [1]_, [2]_.

    Neighbours outside a Theiler window are followed in time; the slope of their typical log distance,
    between the noise and the size of the attractor, is the exponent. Where a flow is sampled finely,
    the distance is the one to the neighbour's orbit as a curve, which takes out the direction of the
    flow: distances along it do not grow and bend the curve. The median stands in place of the mean
    over the reference points, because the few pairs that part early, at a saddle, would otherwise
    steepen the curve and then flatten it.

    This is done with as many delayed copies as needed, and with one and two more; the exponent is the
    median. The other method is asked as well: `estimates` holds all, each named by how its curve was
    read, and `agreement` says which lie outside the interval (the ball's mean is steepened by pairs that
    part at a saddle). A curve is read by the line through its longest straight stretch, if it has one and
    measurement noise flattens it by less than a tenth. Otherwise by

        d(t)^2 = noise + 1 / (1 / (d0^2 exp(2 lambda t)) + 1 / size^2),

    whose rate noise does not flatten, but which takes for granted how distances level off. White noise in
    a finely sampled series is reduced by a Wiener filter first: a finite filter leaves exponents as they
    are.

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
    method : {"rosenstein", "kantz"}
        The nearest neighbour [1]_, or the mean distance of those in a ball [2]_.
    surrogates : int
        Series of coloured noise to compare with, of both kinds, in `origin`; 39 for p = 0.025. Takes
        seconds, see `surrogate_test`.
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
    The interval holds the scatter over the series and the disagreement of the estimates. A verdict of
    "good" also asks for an interval within an eighth of the exponent, and for 100 Lyapunov times: over
    fewer the exponent of the stretch itself differs from that of the system. Growth counts as exponential
    if the curve has a straight stretch, or if it spans 1.7 nats between noise and ceiling and a power of
    time does not fit as well: coloured noise has neither. A straight stretch of a curve that a power of time
    fits as well is that of a torus if the 0-1 test (`zero_one_test`) says regular.

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
    series = _check.series(series, minimum=MINIMUM_ROWS)
    _check.moderate(series)
    _check.choice(method, "method", METHODS)
    surrogates = _check.integer(surrogates, "surrogates")
    seed = _check.integer(seed, "seed")
    rng = np.random.default_rng(seed)
    n_reference = min(_check.integer(n_reference, "n_reference", 20), MOST_REFERENCES)
    horizon_steps = option(horizon, "horizon", 4)
    found = prepare(series, delay, dimension, theiler)
    curves, first = {}, 0
    for name, copies, ball in _estimators(method, found):
        states = probe(found, copies, n_reference, ball)
        if not curves:
            check_length(states, len(series), found.delay, copies)
            first = math.ceil(PERIODS_FOLLOWED * max(found.period, 4.0) / states.stride)
        elif states.rows(4) < MINIMUM_ROWS or found.theiler >= len(states.states) // 2:
            continue
        n_lags = None
        if horizon_steps is not None:
            n_lags = min(horizon_steps, len(states.states) // 2) // states.stride + 1
        curves[name] = follow_curve(states, found.fine, found.period, n_lags, first, rng)
        if len(curves) == 1 and _flaw(curves[name], first, found.period):
            break
    main = next(iter(curves.values()))
    noise = found.noise
    if not found.fine:
        noise = unpredicted(found.data, found.delay, found.dimension, found.theiler)
    estimates = _rates(curves, noise if noise > 0 else 0.0, main.probe.stride * dt)
    same = [c for c in curves.values() if c.probe.ball == main.probe.ball]
    exponential = all(c.exponential for c in same)
    said = _flaw(main, first, found.period)
    if not said and exponential and any(c.doubtful for c in same) and is_regular(series):
        said = "regular: a power of time explains how neighbours part, and the 0-1 test finds no chaos"
    model = math.hypot(
        MODEL, (MODEL_WITH_NOISE if found.fine else MODEL_OF_MAPS) * (noise if noise > 0 else 0.0)
    )
    own = {name: value for name, value in estimates.items() if method in name}
    summary = _summary(main, own if exponential and not said else {}, model, dt, rng)
    exponent, interval = summary[0], summary[1]
    quality = said or verdict(main, own, exponent, interval, len(series) / found.period, len(series) * dt)
    origin = ""
    if surrogates:
        origin = _origin(series, surrogates, found, interval, seed)
    lags = np.arange(len(main.typical)) * main.probe.stride * dt
    return DataLyapunov(
        exponent, interval, np.column_stack([lags, main.typical]), summary[2], quality,
        *forcing_interval(exponent, interval, dt), found.delay, found.dimension, found.theiler, dt,
        summary[3], noise, estimates, agreement(estimates, interval), origin,
    )  # fmt: skip


def _estimators(method: str, found: Prepared) -> Iterator[tuple[str, int, bool]]:
    """Name, delayed copies, and whether in a ball: what was asked for, with more copies, the other method."""
    for more in COPIES_MORE if found.varied else COPIES_MORE[:1]:
        yield f"{method}, {found.dimension + more} copies", found.dimension + more, method == "kantz"
    other = METHODS[method == "rosenstein"]
    yield f"{other}, {found.dimension} copies", found.dimension, other == "kantz"


def _rates(curves: dict[str, Curve], noise: float, per_lag: float) -> dict[str, float]:
    """The exponent by each curve that grows exponentially, named by how it was read."""
    read = {name: curve.rate(noise) for name, curve in curves.items()}
    return {f"{way[0]}, {name}": way[1] / per_lag for name, way in read.items() if way is not None}


def _summary(main: Curve, estimates: dict[str, float], model: float, dt: float, rng) -> tuple:
    """Exponent, interval, stretch and line."""
    unknown = (math.nan, math.nan)
    if not estimates:
        return math.nan, unknown, unknown, unknown
    per_lag = main.probe.stride * dt
    values = np.array(list(estimates.values()))
    exponent = float(np.median(values))
    start, stop = main.stretch()
    block = max((stop - start) * main.probe.stride, main.probe.theiler, len(main.probe.states) / MOST_BLOCKS)
    block = int(min(block, max(1, len(main.probe.states) // 10))) or 1
    low, high = main.shifts(block, rng)
    blocks = max(2, len(main.probe.states) // block)
    # A percentile of few blocks is too near: Student's t in place of the normal distribution.
    few = float(student_quantile(np.array(blocks - 1)) / 1.96) * math.sqrt(blocks / (blocks - 1))
    low, high = few * low, few * high
    apart = float(np.subtract(*np.quantile(values, [0.75, 0.25]))) / 1.35  # as of a normal distribution
    apart = math.hypot(apart, model * exponent)
    interval = exponent - math.hypot(low / per_lag, apart), exponent + math.hypot(high / per_lag, apart)
    middle = main.typical[round((start + stop) / 2)] - exponent * per_lag * round((start + stop) / 2)
    return exponent, interval, (start * per_lag, stop * per_lag), (exponent, float(middle))


def _origin(series, count: int, found: Prepared, interval, seed: int) -> str:
    """Chaos or coloured noise, in words."""
    options = {"delay": found.delay, "dimension": found.dimension, "theiler": found.theiler}
    test = surrogate_test(series, count, **options, seed=seed)
    if not test.noise_excluded:
        return test.verdict
    if interval[0] > 0:
        return f"chaos: {test.verdict}, and neighbours part exponentially"
    return f"no coloured noise: {test.verdict}, but exponential growth was not shown"


def agreement(estimates: dict[str, float], interval: tuple[float, float]) -> str:
    """Which estimates lie outside the interval, in words; empty without an interval."""
    if not interval[0] <= interval[1]:
        return ""
    outside = {name: v for name, v in estimates.items() if not interval[0] <= v <= interval[1]}
    if not outside:
        return f"all {len(estimates)} estimates lie in the interval"
    listed = ", ".join(f"{value:.3g} ({name})" for name, value in outside.items())
    return f"{len(outside)} of {len(estimates)} estimates lie outside the interval: {listed}"


def _flaw(main: Curve, first: int, period: float) -> str:
    """Why there is no use in looking for exponential growth, or an empty string."""
    if np.isnan(main.typical).any():
        return "too short: no neighbours outside the Theiler window"
    values = smooth(main.typical, min(main.width, len(main.typical)))[1]
    low = values[-1] < main.ceiling - BELOW_CEILING and np.ptp(values) < 1.0
    periods = len(main.probe.states) / period
    if (low and periods >= PERIODS_WITHOUT_PARTING) or main.probe.repeats(first):
        return "periodic or quasi-periodic: neighbours do not part"
    if low and periods >= PERIODS_NEEDED:
        return (
            f"too short: neighbours do not part, but {periods:.0f} mean periods do not tell whether they "
            f"ever will; at least {PERIODS_WITHOUT_PARTING} are needed"
        )
    return ""


def verdict(main, estimates, exponent, interval, periods, duration) -> str:
    """What is to be said about the exponent, or about its absence; "good" if nothing is."""
    if periods < PERIODS_NEEDED:
        return f"too short: {periods:.0f} mean periods, at least {PERIODS_NEEDED} are needed"
    if main.probe.dwells():
        return "non-stationary: states of one part of the series do not come back in the others"
    if math.isnan(exponent):
        turned = smooth(main.typical, min(main.width, len(main.typical)))[1][: main.width + 1]
        if turned[-1] > main.ceiling - BELOW_CEILING:
            return "noise-dominated or too high-dimensional: neighbours part at once"
        return "no linear region: neighbours part, but not exponentially"
    if interval[0] <= 0:
        return "not distinguishable from zero"
    half = (interval[1] - interval[0]) / (2 * exponent)
    nats = exponent * duration
    if half <= SURE and nats < NATS_NEEDED:
        return (
            f"uncertain: the series holds {nats:.0f} Lyapunov times, over which an exponent differs by "
            f"chance; {NATS_NEEDED} are needed"
        )
    if half <= SURE:
        return "good"
    values = sorted(estimates.values())
    apart = f"; estimates from {values[0]:.3g} to {values[-1]:.3g}" if len(values) > 1 else ""
    return f"uncertain: the interval is {100 * half:.0f} % of the exponent to either side{apart}"
