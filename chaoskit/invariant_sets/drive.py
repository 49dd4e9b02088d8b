"""Inputs of any length from what the user gives: a constant row, one period, or a row for each step."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _check
from ..dynamics.model import Model, checked_inputs


class Drive(NamedTuple):
    """Inputs (L, 1, M) from step 0 on, and the number of steps after which they repeat (0: they do not)."""

    rows: np.ndarray
    period: int

    def part(self, t: int, steps: int) -> np.ndarray:
        """Inputs of the `steps` steps from step t on; what repeats does so for ever."""
        if self.period == 0:
            return self.rows[t : t + steps]
        return self.rows[(t + np.arange(steps)) % self.period]

    def has(self, steps: int) -> bool:
        """Are there inputs for so many steps?"""
        return self.period > 0 or steps <= len(self.rows)


def drive_for(inputs: Any, model: Model, steps: int) -> Drive:
    """Inputs of at least `steps` steps.

    One row (M,) is held; fewer rows than are needed are one period, which is repeated; as many rows as are
    needed are taken as they are.
    """
    if inputs is None:
        return Drive(checked_inputs(None, model, 1, 1) if model.n_inputs == 0 else _missing(model, steps), 1)
    values = _check.array(inputs, "inputs")
    if values.ndim == 0:
        return Drive(checked_inputs(values, model, 1, 1), 1)  # raises: no shape that inputs have
    if values.ndim == 1 and len(values) == model.n_inputs:
        values = values[None]
    elif values.ndim == 1 and model.n_inputs == 1:
        values = values[:, None]
    if values.ndim == 2 and 0 < len(values) < steps:
        return Drive(checked_inputs(values, model, len(values), 1), _own_period(values))
    rows = checked_inputs(values, model, max(steps, len(values)), 1)
    return Drive(rows, _own_period_of_long(rows[:, 0]))


def _missing(model: Model, steps: int) -> np.ndarray:
    """Raises the error that says how many inputs are needed."""
    return checked_inputs(None, model, steps, 1)


def _own_period(values: np.ndarray) -> int:
    """Smallest divisor of the length after which the rows repeat."""
    n = len(values)
    return next(p for p in range(1, n + 1) if n % p == 0 and np.array_equal(values[p:], values[: n - p]))


def _own_period_of_long(rows: np.ndarray, longest: int = 1024) -> int:
    """Smallest shift, at most a quarter of the length, under which the rows are the same; 0 without one."""
    most = min(longest, len(rows) // 4)
    return next((p for p in range(1, most + 1) if np.array_equal(rows[p:], rows[:-p])), 0)
