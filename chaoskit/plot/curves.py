"""Results as curves: divergence of neighbours in data, and the course of a training."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY_UPDATES = 200  # from here on the loss is drawn with its running median
LONG_QUALITY = 30  # letters; from here on on a line of its own
LETTERS = 78  # that stand side by side above axes of the usual width
MEDIAN_SHARE = 50  # the running median covers 1 / 50 of the curve


def divergence_curve(estimate: Any, *, ax: Axes | None = None, time_unit: str | None = None) -> Axes:
    """Draw the typical log distance of neighbours over time, and the line fitted to it.

    Parameters
    ----------
    estimate : object
        Estimate of the largest exponent from data, with the attributes ``curve`` (shape (n, 2):
        time, typical log distance), ``fit_range`` (first and last time of the fit), ``exponent``,
        ``interval`` (its two bounds) and ``quality``.
    ax : Axes, optional
        Where to draw. If None, a new figure.
    time_unit : str, optional
        Unit of the times, for the label.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInputError
        If the curve has another shape.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from chaoskit.plot import divergence_curve
    >>> time = np.linspace(0.0, 5.0, 50)
    >>> estimate = SimpleNamespace(
    ...     curve=np.column_stack([time, np.minimum(0.9 * time, 3.0)]),
    ...     fit_range=(0.0, 3.0), exponent=0.9, interval=(0.8, 1.0), quality="good",
    ... )
    >>> divergence_curve(estimate).get_ylabel()
    'Log distance'
    """
    _style.check_result(estimate, "estimate", "DataLyapunov", "curve")
    curve = np.asarray(estimate.curve, dtype=np.float64)
    if curve.ndim != 2 or curve.shape[1] != 2:
        raise InvalidInputError(f"estimate.curve: expected shape (n, 2), got {curve.shape}")
    time, distance = curve.T
    ax = _style.plane(ax)
    ax.plot(time, distance, color=_style.TRUE, lw=1.6, label="neighbours in the data")
    exponent = float(estimate.exponent)
    if estimate.fit_range is not None and np.isfinite(exponent):
        first, last = (float(bound) for bound in estimate.fit_range)
        fitted = (time >= first) & (time <= last) & np.isfinite(distance)
        if fitted.any():
            ends = np.array([first, last])
            line = distance[fitted].mean() + exponent * (ends - time[fitted].mean())
            ax.axvspan(first, last, color=_style.FAINT, alpha=0.25, lw=0)
            ax.plot(ends, line, color=_style.GENERATED, lw=1.6, ls="--", label="fit")
    _style.labels(ax, _style.time_label(time_unit), "Log distance")
    _style.title_above_legend(ax, _exponent_text(estimate, time_unit))
    _style.legend_above(ax)
    return ax


def _exponent_text(estimate: Any, time_unit: str | None) -> str:
    """The exponent with its interval, unit and quality, to be read without the code."""
    exponent, interval, quality = float(estimate.exponent), estimate.interval, estimate.quality
    text = "no exponent"
    if np.isfinite(exponent):
        text = f"$\\lambda_1$ = {exponent:.3g}"
        if interval is not None:
            text += f" [{float(interval[0]):.3g}, {float(interval[1]):.3g}]"
        text += " per unit time" if time_unit is None else f" / {time_unit}"
    shown = f"{quality:.2f}" if isinstance(quality, (float, np.floating)) else str(quality)
    if len(shown) < LONG_QUALITY:
        return f"{text}, quality: {shown}"
    return "\n".join([text, *textwrap.wrap(f"quality: {shown}", LETTERS)])


def training_curve(history: Mapping[str, Any], *, ax: Axes | None = None) -> Axes:
    """Draw the loss over the updates of a training, and the validation measure if there is one.

    Parameters
    ----------
    history : mapping of str to array_like
        ``"update"`` and ``"loss"``, shape (n,), and optionally ``"validation_update"`` and
        ``"validation"``, shape (m,).
    ax : Axes, optional
        Where to draw. If None, a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInputError
        If entries are missing or their lengths differ.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.plot import training_curve
    >>> update = np.arange(100)
    >>> training_curve({"update": update, "loss": np.exp(-0.1 * update)}).get_yscale()
    'log'
    """
    update, loss = _entries(history, "update", "loss")
    ax = _style.plane(ax)
    if len(loss) >= MANY_UPDATES:
        ax.plot(update, loss, color=_style.TRUE, lw=0.6, alpha=0.3)
        ax.plot(*_running_median(update, loss), color=_style.TRUE, lw=1.6, label="loss (median)")
    else:
        ax.plot(update, loss, color=_style.TRUE, lw=1.4, label="loss")
    _logarithmic_if_wide(ax, loss)
    _style.labels(ax, "Update", "Loss")
    if "validation" in history:
        _validation(ax, *_entries(history, "validation_update", "validation"))
    _style.legend_above(ax)
    return ax


def _validation(ax: Axes, at: np.ndarray, validation: np.ndarray) -> None:
    """The measure on an axis of its own at the right: it has other units than the loss."""
    right = ax.twinx()
    colour = _style.GENERATED
    (line,) = right.plot(at, validation, color=colour, lw=1.4, marker="o", ms=3.5)
    _logarithmic_if_wide(right, validation)
    right.spines[["top", "left"]].set_visible(False)
    right.spines["right"].set_color(colour)
    right.tick_params(which="both", colors=colour, labelsize=9)
    right.set_ylabel("Validation", fontsize=10, color=colour)
    ax.plot([], [], color=colour, lw=1.4, marker="o", ms=line.get_markersize(), label="validation")


def _logarithmic_if_wide(ax: Axes, values: np.ndarray) -> None:
    finite = values[np.isfinite(values)]
    if finite.size and 0 < 10 * finite.min() < finite.max():
        ax.set_yscale("log")


def _entries(history: Mapping[str, Any], x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    missing = [name for name in (x, y) if not isinstance(history, Mapping) or name not in history]
    if missing:
        raise InvalidInputError(f"history: expected the entries {x!r} and {y!r}, {missing} missing")
    updates = _check.real(history[x], f"history[{x!r}]").astype(np.float64)
    values = _check.real(history[y], f"history[{y!r}]").astype(np.float64)
    if updates.ndim != 1 or updates.shape != values.shape:
        raise InvalidInputError(
            f"history: expected {x!r} and {y!r} of one length, got {updates.shape} and {values.shape}"
        )
    return updates, values


def _running_median(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Medians of windows of the curve, at the windows' centres."""
    width = max(5, len(y) // MEDIAN_SHARE) | 1
    windows = np.lib.stride_tricks.sliding_window_view(y, width)
    step = max(1, len(windows) // 1000)  # a thousand medians are as many as can be seen
    centres = np.arange(0, len(windows), step)
    return x[centres + width // 2], np.median(windows[centres], axis=1)
