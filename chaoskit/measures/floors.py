"""The floor of a measure: its value between two halves of the true data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .. import _check

Result = TypeVar("Result")


def floor(measure: Callable[..., Result], series: Any, **options: Any) -> Result:
    """Value of a measure between the first and the second half of the true data.

    No model can be told from the system below this value. A model whose value is well below it is
    suspect: it may retrace the training stretch (see `retracing`). Floors fall with length, so
    give a series twice as long as the free run that is judged.

    Parameters
    ----------
    measure : callable
        `state_space_divergence`, `spectral_distance` or any function
        ``measure(true, generated, **options)``.
    series : array_like, shape (T,) or (T, D), float
        The true data; the last row of an odd number of rows is left out.
    **options
        Passed on to `measure`. Give the same ones as for the model.

    Returns
    -------
    Result
        Whatever `measure` returns.

    Raises
    ------
    InvalidInputError
        If the series is not finite, too short, or stands still in one half.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.measures import floor, spectral_distance
    >>> noise = np.random.default_rng(0).normal(size=20_000)
    >>> 0.0 < floor(spectral_distance, noise) < 0.1
    True
    """
    _check.function(measure, "measure", "two series")
    data = _check.series(series, minimum=4)
    half = len(data) // 2
    return measure(data[:half], data[half : 2 * half], **options)
