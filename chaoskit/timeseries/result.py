"""What is known of the largest exponent of a series, and the forcing interval that follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from chaoskit import _check
from chaoskit.errors import InvalidInputError


@dataclass(frozen=True)
class DataLyapunov:
    """Largest Lyapunov exponent of a series, with what is needed to judge it.

    Attributes
    ----------
    exponent : float
        In nats per unit time of `dt`, the median of the method's `estimates`; NaN if no exponential
        growth was found.
    interval : tuple of float
        95 % confidence interval (low, high), in the same unit: the scatter over the series and the
        disagreement of the estimates together; (NaN, NaN) without an exponent.
    curve : ndarray, shape (n_lags, 2), float64
        Time, and the typical (median) log distance of neighbours after it, in standard deviations.
    fit_range : tuple of float
        (start, stop) in time units of the exponential stretch; (NaN, NaN) without one.
    quality : str
        "good", or in words why not; a number called "uncertain" is as uncertain as its interval.
    predictability_time : float
        ln 2 / exponent in time units; infinite if the interval reaches 0 or there is no exponent.
    recommended_tau : int or None
        Forcing interval in steps; None if the series is not shown to be chaotic.
    delay, dimension, theiler : int
        In steps, copies of each column, and steps.
    dt : float
        Time between two rows.
    fit : tuple of float
        (slope, offset) of the line of exponential growth, noise taken off.
    noise_level : float
        Standard deviation of the measurement noise in standard deviations of the series: of a finely
        sampled one from its spectrum, else from what neighbours do not predict (an upper bound where
        there are few); NaN if unknown.
    estimates : dict of str to float
        The exponent by each estimator and number of delayed copies.
    agreement : str
        Which of them lie outside the interval, in words.
    origin : str
        What surrogates say to "chaos or coloured noise?"; empty if they were not asked for.
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
    noise_level: float = math.nan
    estimates: dict[str, float] = field(default_factory=dict)
    agreement: str = ""
    origin: str = ""

    def __repr__(self) -> str:
        low, high = self.interval
        said = f"; {self.origin}" if self.origin else ""
        return (
            f"DataLyapunov({self.exponent:.4g} [{low:.4g}, {high:.4g}] nats per time: {self.quality}{said})"
        )


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
    low, value = _check.real(interval, "interval"), _check.real(exponent, "exponent")
    if low.shape != (2,) or value.shape != ():
        raise InvalidInputError(
            f"exponent, interval: expected a number and a pair of numbers, got {exponent!r} and {interval!r}"
        )
    if not (value > 0 and low[0] > 0):  # NaN ends here too
        return math.inf, None
    predictability_time = math.log(2) / float(value)
    steps = predictability_time / (2 * dt)
    if not 0 < steps < 1e15:
        raise InvalidInputError(
            f"dt: expected less than 1e15 steps in a predictability time of "
            f"{predictability_time:.3g}, got {dt:g}"
        )
    return predictability_time, max(1, round(steps))
