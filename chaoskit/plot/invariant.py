"""An attractor with the fixed points and cycles in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from . import _style
from .orbits import KINDS, space_look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (_style.GENERATED, _style.TRUE, _style.ACCENT, "#CC79A7", "#E69F00")
MARKERS = "os^Dv"
_BEYOND = 0.5  # ranges of the orbit: what lies further outside is not drawn
_SEGMENT = 0.07  # half length of a direction, in ranges


def invariant_sets(
    orbit: Any,
    *sets: Any,
    ax: Axes | None = None,
    decode: Callable[[np.ndarray], np.ndarray] | None = None,
    columns: Sequence[int] | None = None,
    kind: str = "line",
    directions: bool = True,
) -> Axes:
    """Draw an orbit faintly, and on it fixed points, cycles and their unstable directions.

    Stable ones are filled, unstable ones open; the states of a cycle are joined in their order. One column
    is drawn as x(t + 1) against x(t), two in the plane, more in space (the first three). What lies further
    outside the range of the orbit than half of it is not drawn, and counted in the legend.

    Parameters
    ----------
    orbit : array_like, shape (T,) or (T, D), float
        Simulated states, or observations if `decode` is given.
    *sets : CycleSet
        From `chaoskit.fixed_points` and `chaoskit.cycles`.
    ax : Axes, optional
        Where to draw, with ``projection="3d"`` for three columns. If None, a new figure.
    decode : callable, optional
        From states (n, N) to observations (n, D), such as `FitResult.decode`; directions are drawn by its
        differences.
    columns : sequence of int, optional
        Which two or three columns to draw.
    kind : {"line", "points"}
        The orbit as a line for flows, as points for maps.
    directions : bool
        Draw the unstable directions as short segments; not possible in one column.

    Returns
    -------
    Axes
        The figure is ``ax.figure``.

    Raises
    ------
    InvalidInputError
        If columns do not fit, or something else than a `CycleSet` was given.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import chaoskit
    >>> from chaoskit.plot import invariant_sets
    >>> henon = chaoskit.systems.Henon()
    >>> orbit = chaoskit.simulate(henon, [0.1, 0.1], 3000, transient=100)
    >>> found = chaoskit.fixed_points(henon), chaoskit.cycles(henon, 2)
    >>> ax = invariant_sets(orbit, *found, kind="points")
    >>> ax.figure.savefig("henon.png")  # doctest: +SKIP
    """
    _check.choice(kind, "kind", KINDS)
    data = _check.series(orbit, "orbit", constant=True)
    for found in sets:
        if not hasattr(found, "unstable_directions"):
            raise InvalidInputError(f"sets: expected CycleSet from fixed_points or cycles, got {found!r:.60}")
        if decode is None and found.points.shape[2] != data.shape[1]:
            raise InvalidInputError(
                f"orbit: expected the {found.points.shape[2]} columns of the states, got {data.shape[1]}; "
                "give `decode` if it holds observations"
            )
    names, view = _view(data.shape[1], columns)
    drawn = view(data)
    axes = _axes(ax, len(names))
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    _draw_orbit(axes, drawn, kind)
    shown = [drawn]
    for number, found in enumerate(sets):
        rings = _rings(found, decode, view, len(names))
        inside = (np.abs(rings - (low + high) / 2) <= (0.5 + _BEYOND) * span).all(axis=(1, 2))
        colour = COLOURS[number % len(COLOURS)]
        _draw_set(axes, found, rings, inside, colour, MARKERS[number % len(MARKERS)])
        shown += list(rings[inside])
        if directions and data.shape[1] > 1:
            for i in np.flatnonzero(inside):
                shown += _draw_directions(axes, found[int(i)], rings[i], decode, view, span, colour)
    _finish(axes, np.concatenate(shown), names, bool(sets))
    return axes


def _view(width: int, columns: Sequence[int] | None) -> tuple[list[str], Callable]:
    """Names of the coordinates, and the function that takes them from series (T, D)."""
    if width == 1:
        if columns is not None:
            raise InvalidInputError("columns: one column is drawn against itself; leave `columns` out")
        return ["x(t)", "x(t + 1)"], lambda series: np.column_stack([series[:-1], series[1:]])
    wanted = range(min(width, 3)) if columns is None else columns
    wanted = wanted if isinstance(wanted, (range, list, tuple, np.ndarray)) else ()
    chosen = [_check.integer(c, "columns") for c in wanted]
    if len(chosen) not in (2, 3) or max(chosen) >= width:
        raise InvalidInputError(f"columns: expected two or three below {width}, got {columns!r}")
    return [f"$x_{c + 1}$" for c in chosen], lambda series: series[:, chosen]


def _axes(ax: Any, dimension: int) -> Any:
    if dimension == 2:
        return _style.plane(ax, 5.2, 4.4)
    if ax is None:
        figure = _style.new_figure(5.4, 4.8)
        figure.set_layout_engine("none")  # automatic layout does not see the labels of axes in space
        return figure.add_axes((0.02, 0.06, 0.86, 0.84), projection="3d")
    if not hasattr(ax, "get_zlim"):
        raise InvalidInputError('ax: three columns need axes made with projection="3d"')
    return ax


def _draw_orbit(ax: Any, drawn: np.ndarray, kind: str) -> None:
    if kind == "line":
        ax.plot(*drawn.T, color=_style.INK, linewidth=0.4, alpha=0.35, zorder=1)
    else:
        ax.plot(*drawn.T, color=_style.INK, linestyle="", marker=".", markersize=2.2, markeredgewidth=0,
                alpha=0.6, zorder=1)  # fmt: skip


def _rings(found: Any, decode: Callable | None, view: Callable, dimension: int) -> np.ndarray:
    """States of the cycles in the coordinates of the picture, (n, period, 2 or 3), closed for the view."""
    rings = []
    for points in found.points:
        series = points if decode is None else decode(points)
        rings.append(view(np.concatenate([series, series[:1]]))[: len(points)])
    return np.stack(rings) if rings else np.zeros((0, found.period, dimension))


def _draw_set(ax: Any, found: Any, rings, inside, colour: str, marker: str) -> None:
    """Open or filled markers, and for cycles the closed polygon; one entry of the legend."""
    what = "fixed points" if found.period == 1 else f"{found.period}-cycles"
    name = f"{what}: {len(found)}, {int(found.stable.sum())} stable"
    if not inside.all():
        name += f", {int((~inside).sum())} outside"
    style = {"linestyle": "", "marker": marker, "markersize": 6.5, "markeredgecolor": colour,
             "markeredgewidth": 1.5, "zorder": 4}  # fmt: skip
    for ring, stable in zip(rings[inside], found.stable[inside], strict=True):
        if found.period > 1:
            ax.plot(*np.concatenate([ring, ring[:1]]).T, color=colour, linewidth=0.8, alpha=0.7, zorder=2)
        ax.plot(*ring.T, markerfacecolor=colour if stable else "white", **style)
    filled = bool(found.stable.any())
    ax.plot(*[[]] * rings.shape[2], markerfacecolor=colour if filled else "white", label=name, **style)


def _draw_directions(ax: Any, cycle: Any, ring, decode, view, span, colour: str) -> list[np.ndarray]:
    """Segments through the states along the unstable directions, all of one length on paper."""
    ends = []
    for point, place, along in zip(cycle.points, ring, cycle.unstable_directions, strict=True):
        for vector in along:
            step = vector if decode is None else (decode((point + vector)[None]) - decode(point[None]))[0]
            seen = view(step[None])[0] / span
            length = np.linalg.norm(seen)
            if length > 1e-6:
                half = _SEGMENT * seen / length * span
                line = np.stack([place - half, place + half])
                ax.plot(*line.T, color=colour, linewidth=1.6, solid_capstyle="round", zorder=3)
                ends.append(line)
    return ends


def _finish(ax: Any, shown: np.ndarray, names: list[str], has_legend: bool) -> None:
    setters = (ax.set_xlim, ax.set_ylim, getattr(ax, "set_zlim", None))
    for values, setter in zip(shown.T, setters, strict=False):
        if setter is not None:
            setter(*_style.limits(values))
    if len(names) == 3:
        space_look(ax, names)
    else:
        _style.labels(ax, names[0], names[1])
    if has_legend:
        _style.legend_above(ax, 2)
