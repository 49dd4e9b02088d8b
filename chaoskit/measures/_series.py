"""Validation shared by the measures: the true series, and a free run that may have diverged."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError


def free_run(value: Any, name: str = "generated", *, minimum: int = 2) -> np.ndarray:
    """A generated series as (T, D) float64; it may stand still, but it may not have diverged."""
    finite = np.isfinite(_check.real(value, name))
    if finite.ndim and not finite.all():
        row = int(np.argwhere(~finite)[0, 0])
        raise InvalidInputError(
            f"{name}: expected finite rows, but the run diverged at row {row}; a diverged run has "
            "no measure, so report the divergence instead"
        )
    return _check.series(value, name, minimum=minimum, constant=True)


def pair(true: Any, generated: Any, *, minimum: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Both series as (T, D) float64 arrays with the same number of columns D."""
    true = _check.series(true, "true", minimum=minimum)
    generated = free_run(generated, minimum=minimum)
    _check.same_columns(true, generated, "true and generated")
    return true, generated
