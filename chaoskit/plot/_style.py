"""The look that all plots share, and the only door to matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError, MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito: told apart with every kind of colour vision, and by lightness in grey.
TRUE, GENERATED, ACCENT = "#0072B2", "#D55E00", "#009E73"
INK, FAINT = "#3d3d3d", "#c8c8c8"
MARGIN = 0.08  # of the data's range, free on either side


def new_figure(width: float, height: float) -> Figure:
    """A figure without pyplot: no global state, no display, safe in threads."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            'plots need matplotlib, which is not installed: pip install "chaoskit[plot]"'
        ) from error
    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def plane(ax: Axes | None, width: float = 6.4, height: float = 3.6) -> Axes:
    """The given axes, or new ones, in the common look."""
    if ax is None:
        ax = new_figure(width, height).add_subplot()
    if not hasattr(ax, "spines"):
        raise InvalidInputError(f"ax: expected Axes of matplotlib, got {ax!r}")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(INK)
    ax.tick_params(which="both", colors=INK, labelsize=9)
    ax.grid(color=FAINT, linewidth=0.5, alpha=0.5)
    ax.set_axisbelow(True)
    return ax


def several(value: Any, name: str, count: int, what: str) -> list[Any]:
    """`value` as a list of so many Axes, or whatever else."""
    found = list(value) if isinstance(value, (list, tuple, np.ndarray)) else []
    if len(found) != count:
        raise InvalidInputError(f"{name}: expected {count} {what}, got {value!r}")
    return found


def texts(value: Any, name: str, count: int) -> list[str]:
    """`value` as a list of so many names."""
    found = several(value, name, count, "names")
    if not all(isinstance(text, str) for text in found):
        raise InvalidInputError(f"{name}: expected {count} names, got {value!r}")
    return found


def check_result(value: Any, name: str, kind: str, *attributes: str) -> None:
    """Raise for what lacks an attribute of the result that is to be drawn."""
    missing = [attribute for attribute in attributes if not hasattr(value, attribute)]
    if missing:
        raise InvalidInputError(
            f"{name}: expected a {kind}, got {type(value).__name__} without {missing[0]!r}"
        )


def legend_above(ax: Axes, columns: int = 2) -> None:
    """A legend in one line above the axes, never over the data."""
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=9,
        handlelength=1.4,
        borderaxespad=0.1,
        labelcolor=INK,
    )


def title_above_legend(ax: Axes, text: str) -> None:
    """A title one line higher than the legend, so that they cannot meet in narrow axes."""
    ax.set_title(text, loc="left", fontsize=10, color=INK, pad=22.0)


def labels(ax: Axes, x: str, y: str) -> None:
    """Axis labels in the common look."""
    ax.set_xlabel(x, fontsize=10, color=INK)
    ax.set_ylabel(y, fontsize=10, color=INK)


def time_label(time_unit: str | None) -> str:
    """Label of a time axis, with the unit if there is one."""
    return "Time" if time_unit is None else f"Time ({time_unit})"


def runs(true: Any, generated: Any) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Both series as (T, D), the generated one up to the row at which it diverged (or None)."""
    true = _check.series(true, "true", constant=True)
    try:
        data = np.asarray(generated, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"generated: expected an array of numbers, got {error}") from None
    if data.ndim == 1:
        data = data[:, None]
    if data.ndim != 2:
        raise InvalidInputError(f"generated: expected shape (T,) or (T, D), got {data.shape}")
    _check.same_columns(true, data, "true and generated")
    bad = np.flatnonzero(~np.isfinite(data).all(axis=1))
    if bad.size == 0:
        return true, data, None
    return true, data[: bad[0]], int(bad[0])


def run_name(name: str, diverged_at: int | None) -> str:
    """The name of a run, with the row at which it diverged."""
    return name if diverged_at is None else f"{name} (diverged at row {diverged_at})"


def limits(values: np.ndarray) -> tuple[float, float]:
    """Range to show for the true values, a little wider than they are."""
    low, high = float(values.min()), float(values.max())
    room = MARGIN * (high - low) if high > low else 1.0
    return low - room, high + room


def within(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """The values, with NaN (a gap) for those outside the range."""
    return np.where((values >= low) & (values <= high), values, np.nan)
