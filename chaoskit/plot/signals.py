"""Series over time and their power spectra, true and generated in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.signal import welch

from .. import _check
from ..errors import InvalidInputError
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = ("true", "generated")
SEGMENTS = 8  # of a series in its power spectrum, before overlap
DECADES = 10.0  # of power shown below the highest


def time_series(
    true: Any,
    generated: Any,
    dt: float = 1.0,
    *,
    column: int = 0,
    n_rows: int = 2000,
    ax: Axes | None = None,
    names: Sequence[str] = NAMES,
    time_unit: str | None = None,
) -> Axes:
    """Draw one column of the true and the generated series over time.

    Parameters
    ----------
    true : array_like, shape (T,) or (T, D), float
        Measured or simulated series.
    generated : array_like, shape (S,) or (S, D), float
        Free run from the same starting point; it ends where it is not finite any more.
    dt : float
        Time between rows.
    column : int
        Which column to draw.
    n_rows : int
        At most this many rows of each series are drawn, from the start.
    ax : Axes, optional
        Where to draw. If None, a new figure.
    names : two str
        Names in the legend.
    time_unit : str, optional
        Unit of `dt`, for the label.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInputError
        If the column counts differ or an option is out of range.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.plot import time_series
    >>> wave = np.sin(0.1 * np.arange(500))
    >>> ax = time_series(wave, 0.9 * wave, dt=0.01, time_unit="s")
    >>> ax.get_xlabel()
    'Time (s)'
    """
    dt = _check.positive(dt, "dt")
    n_rows = _check.integer(n_rows, "n_rows", 2)
    names = _style.texts(names, "names", 2)
    true, generated, diverged_at = _style.runs(true, generated)
    column = _column(column, true)
    ax = _style.plane(ax, 7.6, 2.8)
    low, high = _style.limits(true[:, column])
    shown = _style.within(generated[:n_rows, column], low, high)
    right = _style.run_name(names[1], diverged_at)
    ax.plot(*_over_time(true[:n_rows, column], dt), color=_style.TRUE, lw=1.3, label=names[0])
    ax.plot(*_over_time(shown, dt), color=_style.GENERATED, lw=1.1, alpha=0.9, label=right)
    ax.set_ylim(low, high)
    ax.margins(x=0.01)
    _style.labels(ax, _style.time_label(time_unit), f"$x_{{{column + 1}}}$")
    _style.legend_above(ax)
    return ax


def spectra(
    true: Any,
    generated: Any,
    dt: float = 1.0,
    *,
    column: int | None = None,
    ax: Axes | None = None,
    names: Sequence[str] = NAMES,
    time_unit: str | None = None,
) -> Axes:
    """Draw the power spectra of the true and the generated series.

    Columns are brought to mean 0 and variance 1, so the area below a spectrum is 1. Welch's method
    with 8 segments, overlapping by half.

    Parameters
    ----------
    true : array_like, shape (T,) or (T, D), float
        Measured or simulated series.
    generated : array_like, shape (S,) or (S, D), float
        Free run; what comes after a row that is not finite is left out. A column that never
        changes has no spectrum and is not drawn.
    dt : float
        Time between rows.
    column : int, optional
        Which column to draw. If None, the mean of the spectra of all columns.
    ax : Axes, optional
        Where to draw. If None, a new figure.
    names : two str
        Names in the legend.
    time_unit : str, optional
        Unit of `dt`, for the labels.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInputError
        If the column counts differ, the true series is shorter than 64 rows, or an option is out
        of range.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.plot import spectra
    >>> noise = np.random.default_rng(0).normal(size=(2, 5000))
    >>> spectra(noise[0], noise[1].cumsum(), dt=0.01, time_unit="s").get_xlabel()
    'Frequency (1 / s)'
    """
    dt = _check.positive(dt, "dt")
    _check.series(true, "true", minimum=8 * SEGMENTS, constant=True)
    names = _style.texts(names, "names", 2)
    true, generated, diverged_at = _style.runs(true, generated)
    if column is not None:
        index = _column(column, true)
        true, generated = true[:, [index]], generated[:, [index]]
    ax = _style.plane(ax)
    right = _style.run_name(names[1], diverged_at)
    highest = 0.0
    for data, colour, name in (
        (true, _style.TRUE, names[0]),
        (generated, _style.GENERATED, right),
    ):
        frequency, power = _power(data, dt)
        ax.plot(frequency, power, color=colour, lw=1.3, alpha=0.9, label=name)
        highest = max(highest, power.max(initial=0.0))
    ax.set_xscale("log")
    ax.set_yscale("log")
    if highest > 0:
        # Below that lies rounding, which would take up most of the picture.
        ax.set_ylim(bottom=max(ax.get_ylim()[0], highest * 10.0**-DECADES))
    if time_unit is None:
        _style.labels(ax, "Frequency (per unit time)", "Power density")
    else:
        _style.labels(ax, f"Frequency (1 / {time_unit})", f"Power density ({time_unit})")
    _style.legend_above(ax)
    return ax


def _column(column: Any, data: np.ndarray) -> int:
    column = _check.integer(column, "column")
    if column >= data.shape[1]:
        raise InvalidInputError(f"column: expected less than {data.shape[1]}, got {column}")
    return column


def _over_time(values: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    return dt * np.arange(len(values)), values


def _power(data: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies above 0 and the mean power density of the standardised columns."""
    size = 2 * len(data) // (SEGMENTS + 1)  # of segments that overlap by half
    largest = np.abs(data).max(axis=0, initial=0.0)
    scaled = data / np.where(largest > 0, largest, 1.0)  # so that no square overflows
    deviation = scaled.std(axis=0) if len(data) else largest
    moving = deviation > 4 * np.finfo(np.float64).eps
    if size < SEGMENTS or not moving.any():
        return np.empty(0), np.empty(0)
    scaled = scaled[:, moving] / deviation[moving]
    frequency, power = welch(scaled, fs=1.0 / dt, nperseg=size, axis=0)
    return frequency[1:], power[1:].mean(axis=1)
