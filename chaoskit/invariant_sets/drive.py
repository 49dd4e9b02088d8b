"""Inputs of any length from what the user gives: a constant row, one period, or a row for each step."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _check
from ..dynamics.model import Model, checked_inputs


class Drive(NamedTuple):
    """Inputs (T, 1, M) from step 0 on, and the number of steps after which they repeat (0: they do not)."""

    rows: np.ndarray
    period: int


def drive_for(inputs: Any, model: Model, steps: int, more: int) -> Drive:
    """At least `steps` rows, and `more` where they repeat.

    One row (M,) is held; fewer rows than are needed are one period, which is repeated; as many rows as are
    needed are taken as they are.
    """
    if inputs is None:
        return Drive(checked_inputs(None, model, more, 1), 1)
    values = _check.array(inputs, "inputs")
    if values.ndim == 1 and len(values) == model.n_inputs:
        values = values[None]
    elif values.ndim == 1 and model.n_inputs == 1:
        values = values[:, None]
    if values.ndim == 2 and 0 < len(values) < steps:
        period = _own_period(values)
        values = np.tile(values, (-(-more // len(values)), 1))
        return Drive(checked_inputs(values, model, more, 1), period)
    rows = checked_inputs(values, model, max(steps, len(values)), 1)
    return Drive(rows, _own_period_of_long(rows[:, 0]))


def _own_period(values: np.ndarray) -> int:
    """Smallest divisor of the length after which the rows repeat."""
    n = len(values)
    return next(p for p in range(1, n + 1) if n % p == 0 and np.array_equal(values[p:], values[: n - p]))


def _own_period_of_long(rows: np.ndarray, longest: int = 1024) -> int:
    """Smallest shift, at most a quarter of the length, under which the rows are the same; 0 without one."""
    most = min(longest, len(rows) // 4)
    return next((p for p in range(1, most + 1) if np.array_equal(rows[p:], rows[:-p])), 0)
