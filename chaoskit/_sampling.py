"""Time stamps of rows: the step of regular ones, and where they jump."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import InvalidInputError

_JUMP = 0.5  # of the median step: what one step may be off; time stamps are often rounded
_DRIFT = 0.25  # of a step: how far a row may be from where even steps put it


def seconds(labels: Any) -> np.ndarray | None:
    """Labels of rows as float64 times, dates as seconds after the first; None for what is no time."""
    stamps = np.asarray(labels)
    if stamps.ndim != 1 or len(stamps) == 0:
        return None
    if stamps.dtype.kind in "mM":
        if np.isnat(stamps).any():
            return None
        return (stamps - stamps[0]) / np.timedelta64(1, "s")
    return stamps.astype(np.float64) if stamps.dtype.kind in "fiu" else None


def gaps(times: np.ndarray) -> np.ndarray:
    """Rows before which more than a step is missing: where new segments begin."""
    steps = np.diff(times)
    return np.flatnonzero(steps > (1.0 + _JUMP) * np.median(steps)) + 1 if len(steps) else np.zeros(0, int)


def regular_step(times: np.ndarray, where: Callable[[int], str]) -> float:
    """The step of evenly spaced times.

    Raises InvalidInputError if they are not; `where` names a row, counted from 0, in the message.
    """
    if len(times) < 2:
        raise InvalidInputError(
            f"{where(0)}: expected at least 2 times to take a step from, got {len(times)}"
        )
    bad = np.flatnonzero(~np.isfinite(times))
    if len(bad):
        raise InvalidInputError(f"{where(int(bad[0]))}: expected a time, got {times[bad[0]]}")
    steps = np.diff(times)
    usual = float(np.median(steps))
    back = np.flatnonzero(steps <= 0)
    if len(back):
        row = int(back[0]) + 1
        raise InvalidInputError(
            f"{where(row)}: expected a time after {times[row - 1]:.9g}, got {times[row]:.9g}; sort the rows "
            "and drop repeated ones"
        )
    odd = np.flatnonzero(np.abs(steps / usual - 1.0) > _JUMP)
    if len(odd):
        row = int(odd[0]) + 1
        kind = "a gap" if steps[row - 1] > usual else "irregular sampling"
        raise InvalidInputError(
            f"{where(row)}: {kind}, the time goes on by {steps[row - 1]:.6g} where {usual:.6g} is usual; "
            "interpolate to even steps, or cut the series into segments there"
        )
    step = float(times[-1] - times[0]) / (len(times) - 1)
    stray = np.abs(times - times[0] - step * np.arange(len(times)))
    if stray.max() > _DRIFT * step:
        raise InvalidInputError(
            f"{where(int(stray.argmax()))}: irregular sampling, the time is off by {stray.max():.6g} from "
            f"even steps of {step:.6g}; interpolate to even steps"
        )
    return step
