"""Attractors side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = ("line", "points")


def attractors(
    true: Any,
    generated: Any,
    *,
    axes: Sequence[Axes] | None = None,
    names: Sequence[str] = ("true", "generated"),
    delay: int = 1,
    kind: str = "line",
    n_rows: int = 10_000,
) -> tuple[Axes, Axes]:
    """Draw the true and the generated orbit side by side, in the same ranges.

    One column is drawn against itself `delay` rows later, two columns in the plane, more columns
    in space (the first three). What the generated orbit does outside the range of the true one is
    not drawn.

    Parameters
    ----------
    true : array_like, shape (T,) or (T, D), float
        Measured or simulated series.
    generated : array_like, shape (S,) or (S, D), float
        Free run; what comes after a row that is not finite is left out and named in the title.
    axes : two Axes, optional
        Where to draw, with ``projection="3d"`` for three columns or more. If None, a new figure.
    names : two str
        Titles.
    delay : int
        Rows between the two coordinates of a series with one column.
    kind : {"line", "points"}
        Lines for flows, points for maps.
    n_rows : int
        At most this many rows of each series are drawn, from the start.

    Returns
    -------
    tuple of Axes
        Left (true) and right (generated); the figure is ``axes[0].figure``.

    Raises
    ------
    InvalidInputError
        If the column counts differ or an option is out of range.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.plot import attractors
    >>> circle = np.column_stack([np.sin(np.arange(99)), np.cos(np.arange(99))])
    >>> left, right = attractors(circle, 0.9 * circle)
    >>> left.figure.savefig("attractors.png")  # doctest: +SKIP
    """
    delay = _check.integer(delay, "delay", 1)
    n_rows = _check.integer(n_rows, "n_rows", 2)
    _check.choice(kind, "kind", KINDS)
    names = _style.texts(names, "names", 2)
    true, generated, diverged_at = _style.runs(true, generated)
    true, generated = true[:n_rows], generated[:n_rows]
    if true.shape[1] == 1:
        if len(true) <= delay:
            raise InvalidInputError(f"delay: expected less than {len(true)} rows, got {delay}")
        coordinates = ["x(t)", f"x(t + {delay})"]
        true, generated = _delayed(true, delay), _delayed(generated, delay)
    else:
        true, generated = true[:, :3], generated[:, :3]
        coordinates = [f"$x_{d + 1}$" for d in range(true.shape[1])]
    left, right = _axes(axes, len(coordinates))
    ranges = [_style.limits(column) for column in true.T]
    right_name = _style.run_name(names[1], diverged_at)
    _draw(left, true, ranges, kind, _style.TRUE, names[0], coordinates)
    _draw(right, generated, ranges, kind, _style.GENERATED, right_name, coordinates)
    return left, right


def _delayed(series: np.ndarray, delay: int) -> np.ndarray:
    """Columns x(t) and x(t + delay)."""
    return np.column_stack([series[:-delay], series[delay:]])


def _axes(axes: Sequence[Axes] | None, dimension: int) -> tuple[Axes, Axes]:
    if axes is None:
        figure = _style.new_figure(7.6, 3.6)
        if dimension == 2:
            return figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
        # Automatic layout does not see the labels of axes in space: place these by hand.
        figure.set_layout_engine("none")
        places = ((0.0, 0.08, 0.46, 0.84), (0.49, 0.08, 0.46, 0.84))
        left, right = (figure.add_axes(place, projection="3d") for place in places)
        return left, right
    left, right = _style.several(axes, "axes", 2, "Axes")
    if dimension == 3 and not (hasattr(left, "get_zlim") and hasattr(right, "get_zlim")):
        raise InvalidInputError('axes: three columns need axes made with projection="3d"')
    return left, right


def _draw(
    ax: Any,
    points: np.ndarray,
    ranges: list[tuple[float, float]],
    kind: str,
    colour: str,
    name: str,
    coordinates: list[str],
) -> None:
    in_space = len(coordinates) == 3
    shown = [_style.within(x, *limits) for x, limits in zip(points.T, ranges, strict=True)]
    if kind == "line":
        ax.plot(*shown, color=colour, linewidth=0.4, alpha=0.75)
    else:
        ax.plot(*shown, color=colour, linestyle="", marker=".", markersize=1.6, markeredgewidth=0)
    ax.set_xlim(*ranges[0])
    ax.set_ylim(*ranges[1])
    if in_space:
        ax.set_zlim(*ranges[2])
        space_look(ax, coordinates)
    else:
        _style.plane(ax)
        _style.labels(ax, coordinates[0], coordinates[1])
    ax.set_title(name, fontsize=10, color=_style.INK, loc="center" if in_space else "left")


def space_look(ax: Any, coordinates: list[str]) -> None:
    """White walls, faint grid, few ticks."""
    for axis, text in zip((ax.xaxis, ax.yaxis, ax.zaxis), coordinates, strict=True):
        axis.set_pane_color((1.0, 1.0, 1.0, 0.0))
        axis.line.set_color(_style.FAINT)
        axis._axinfo["grid"].update(color=_style.FAINT, linewidth=0.4)
        axis.set_label_text(text, fontsize=10, color=_style.INK)
        axis.get_major_locator().set_params(nbins=4)
    ax.tick_params(colors=_style.INK, labelsize=8, pad=0)
    ax.set_box_aspect((1.0, 1.0, 0.85), zoom=0.97)
