"""The verdict: divergence, spectrum and exponent together, because each alone can be fooled."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import InvalidInputError
from ..timeseries import DataLyapunov, estimate_lyapunov
from .judged import FAR, NEAR, Measure
from .retraced import retracing

ROWS = 20_000  # of each series that exponents are estimated from
_TOLERANCE = 0.3  # of an exponent: what estimates from two stretches of one system may differ by
_COPY = 0.3  # share of windows in step
_WINDOWS = 200
_LYAPUNOV_TIMES = 10  # in step for so long is no accident


class Exponent(NamedTuple):
    """Largest Lyapunov exponent of a series, as `estimate_lyapunov` gives it.

    Attributes
    ----------
    value : float
        Per unit time; NaN if none was found.
    interval : tuple of float
        95 % (low, high).
    quality : str
        "good", or in words why not.
    """

    value: float
    interval: tuple[float, float]
    quality: str

    @property
    def found(self) -> bool:
        """Whether it is shown to be positive."""
        return math.isfinite(self.value) and self.interval[0] > 0

    def __str__(self) -> str:
        if not math.isfinite(self.value):
            return "none"
        return f"{self.value:.3g} [{self.interval[0]:.3g}, {self.interval[1]:.3g}]"


class Retracing(NamedTuple):
    """Share of a series that moves in step with another one.

    Attributes
    ----------
    value : float
        0 to 1, see `retracing`.
    floor : float
        The same of true data that cannot have been copied.
    """

    value: float
    floor: float

    @property
    def copied(self) -> bool:
        """Whether it is far more than by chance."""
        return self.value > _COPY and self.value > 2.0 * self.floor


def exponents_of(
    true: np.ndarray, generated: np.ndarray | None, dt: float, reference: DataLyapunov | None = None
) -> tuple[DataLyapunov | None, Exponent | None, Exponent | None]:
    """Exponents of both series by one method in one embedding, so that its errors are the same in both.

    The estimate of the true series comes first; give it again as `reference` for another generated one.
    """
    if reference is None:
        try:
            reference = estimate_lyapunov(true[:ROWS], dt)
        except InvalidInputError as error:
            return None, Exponent(math.nan, (math.nan, math.nan), str(error)), None
    of_true = _short(reference)
    if generated is None:
        return reference, of_true, None
    try:
        found = estimate_lyapunov(
            generated[:ROWS], dt, delay=reference.delay, dimension=reference.dimension,
            theiler=reference.theiler,
        )  # fmt: skip
    except InvalidInputError as error:  # a run at rest, or too short for the window
        return reference, of_true, Exponent(math.nan, (math.nan, math.nan), str(error))
    return reference, of_true, _short(found)


def _short(found: DataLyapunov) -> Exponent:
    if not math.isfinite(found.exponent):
        return Exponent(math.nan, (math.nan, math.nan), found.quality)
    return Exponent(found.exponent, found.interval, found.quality)


def retracing_horizon(exponent: Exponent | None, dt: float, rows: int, window: int = 50) -> int | None:
    """Rows after which fresh orbits have parted: ten Lyapunov times, a tenth of the run at most.

    None, for the default of `retracing`, where no exponent is known.
    """
    if exponent is None or not exponent.found:
        return None
    steps = math.ceil(_LYAPUNOV_TIMES / (exponent.value * dt))
    return int(np.clip(steps, 2 * window, max(2 * window, rows // 10)))


def retracing_between(
    judged: tuple[np.ndarray, np.ndarray], fresh: tuple[np.ndarray, np.ndarray], horizon: int | None
) -> Retracing | None:
    """Retracing of (run, training series), and of true data that are no copy; None if they are too short."""
    try:
        value, floor = (retracing(*both, horizon=horizon, n_windows=_WINDOWS) for both in (judged, fresh))
    except InvalidInputError:
        return None
    return Retracing(value, floor)


def agreement(true: Exponent | None, generated: Exponent | None) -> tuple[bool | None, str]:
    """Whether the exponents agree, or None where that cannot be said; and why, in words."""
    if true is None or generated is None or not math.isfinite(true.value + true.interval[0]):
        why = "none was taken" if true is None or generated is None else f"data: {true.quality}"
        return None, f"the exponents cannot be compared ({why})"
    if not true.found:
        return None, f"the exponents cannot be compared (data: {true.quality})"
    if not generated.found:
        return False, f"the data have an exponent of {true}, the generated series none ({generated.quality})"
    apart = abs(true.value - generated.value)
    widths = [(e.interval[1] - e.interval[0]) / 2 for e in (true, generated)]
    if apart <= math.hypot(*widths) + _TOLERANCE * true.value:
        return True, f"exponents agree ({generated} beside {true})"
    return False, f"exponents differ ({generated}, data {true})"


def verdict(
    divergence: Measure | None,
    spectrum: Measure | None,
    exponents: tuple[bool | None, str],
    copied: Retracing | None = None,
    diverged_at: int | None = None,
) -> str:
    """One sentence whose first word judges: faithful, close, wrong, copy, diverged or undecided.

    Parameters
    ----------
    divergence, spectrum : Measure or None
        None where the measure was not taken or says nothing.
    exponents : (bool or None, str)
        As `agreement` gives them.
    copied : Retracing, optional
    diverged_at : int, optional
    """
    if diverged_at is not None:
        return f"diverged: the free run left the finite numbers at step {diverged_at}"
    named = [("state-space divergence", divergence), ("spectral distance", spectrum)]
    taken = [(name, measure) for name, measure in named if measure is not None]
    agree, why = exponents
    far = [_said(name, m) for name, m in taken if m.grade == FAR]
    if copied is not None and copied.copied:
        return (
            f"copy: {copied.value:.0%} of the run moves in step with the series it is compared with (fresh "
            f"data: {copied.floor:.0%}), which it retraces instead of having the dynamics"
        )
    if far or agree is False:
        return "wrong: " + "; ".join([*far, *([why] if agree is False else [])])
    said = [_said(name, m) for name, m in taken]
    if agree is None or len(taken) < 2:
        missing = [f"no {name} to go by" for name, measure in named if measure is None]
        return "undecided: " + "; ".join([*said, *missing, why])
    word = "close" if any(m.grade == NEAR for _, m in taken) else "faithful"
    return f"{word}: " + "; ".join([*said, why])


def _said(name: str, measure: Any) -> str:
    return f"{name} {measure.value:.3g} is {measure.grade} ({measure.floor:.3g})"
