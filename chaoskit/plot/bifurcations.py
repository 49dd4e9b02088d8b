"""Attractors over a parameter, and over the epochs of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {
    "fixed point": _style.TRUE, "cycle": _style.TRUE, "quasi-periodic": _style.ACCENT,
    "chaotic": _style.GENERATED, "undecided": "#808080",
}  # fmt: skip
_NAMES = {"fixed point": "fixed point, cycle", "cycle": "fixed point, cycle"}
_FEW = 16  # values a row of an attractor; up to here they are drawn as dots that can be seen one by one


def bifurcation_diagram(scan: Any, *, axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
    """Draw what was observed on each attractor of a scan, and below it the leading exponents.

    Parameters
    ----------
    scan : BifurcationScan
        Result of `chaoskit.bifurcation_scan`.
    axes : two Axes, optional
        Where to draw the attractors and the exponents. If None, a new figure.

    Returns
    -------
    tuple of Axes
        (attractors, exponents); the figure is ``axes[0].figure``. Dashed lines mark the bifurcations found.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit import bifurcation_scan
    >>> from chaoskit.plot import bifurcation_diagram
    >>> from chaoskit.systems import Logistic
    >>> upper, lower = bifurcation_diagram(bifurcation_scan(Logistic, "r", np.linspace(2.8, 4, 13)))
    >>> lower.get_xlabel()
    'r'
    """
    _style.check_result(scan, "scan", "BifurcationScan", "samples", "bifurcations", "observed")
    upper, lower = _stacked(axes, 2, (2.0, 1.0))
    shown: set[str] = set()
    for name in dict.fromkeys(_NAMES.get(kind, kind) for kind in _COLOURS):
        rows = [i for i, kind in enumerate(scan.kinds) if _NAMES.get(kind, kind) == name]
        rows = [i for i in rows if len(scan.samples[i])]
        if not rows:
            continue
        x = np.concatenate([np.full(len(scan.samples[i]), scan.values[i]) for i in rows])
        y = np.concatenate([scan.samples[i] for i in rows])
        colour = next(_COLOURS[kind] for kind in _COLOURS if _NAMES.get(kind, kind) == name)
        few = len(np.unique(np.round(np.column_stack([x, y]), 6), axis=0)) <= _FEW * len(rows)
        upper.plot(x, y, ls="", marker=".", ms=3.5 if few else 1.5, mew=0, color=colour)
        upper.plot([], [], ls="", marker="o", ms=4, color=colour, label=name)
        shown.add(name)
    if shown:
        _style.legend_above(upper, columns=len(shown))
    strength = 0.6 if len(scan.bifurcations) <= _FEW else 0.25
    for change in scan.bifurcations:
        for ax in (upper, lower):
            ax.axvline(
                (change.before + change.after) / 2, color=_style.INK, lw=0.6, ls=(0, (3, 3)), alpha=strength
            )
    _style.labels(upper, "", scan.observed)
    _exponents(lower, scan)
    upper.tick_params(labelbottom=False)
    upper.set_xlim(lower.get_xlim())
    return upper, lower


def _exponents(ax: Axes, scan: Any) -> None:
    """Leading exponents with two standard errors, and zero."""
    order = np.argsort(scan.values)
    x = scan.values[order]
    ax.axhline(0.0, color=_style.INK, lw=0.8)
    for column, colour in zip(range(scan.exponents.shape[1]), (_style.TRUE, _style.ACCENT), strict=False):
        value, error = scan.exponents[order, column], scan.stderr[order, column]
        value = np.where(np.isfinite(value), value, np.nan)
        ax.fill_between(x, value - 2 * error, value + 2 * error, color=colour, alpha=0.25, lw=0)
        ax.plot(x, value, color=colour, lw=1.2, label=f"$\\lambda_{column + 1}$")
    finite = scan.exponents[np.isfinite(scan.exponents[:, 0]), 0]
    if finite.size:  # superstable cycles have exponents towards minus infinity
        top = max(float(finite.max()), 0.0)
        low = max(float(finite.min()), -3.0 * max(top, float(np.abs(np.median(finite))), 1e-3))
        room = _style.MARGIN * max(top - min(low, 0.0), 1e-3)
        ax.set_ylim(min(low, 0.0) - room, top + room)
    if scan.exponents.shape[1] > 1:
        ax.legend(frameon=False, fontsize=9, labelcolor=_style.INK, loc="best", handlelength=1.4)
    _style.labels(ax, scan.parameter, f"$\\lambda$ {scan.units}")
    span = float(np.ptp(x)) or 1.0
    ax.set_xlim(x[0] - 0.02 * span, x[-1] + 0.02 * span)


def _stacked(axes: Sequence[Axes] | None, count: int, heights: Sequence[float]) -> list[Axes]:
    """The given axes, or new ones one above the other, in the common look."""
    if axes is None:
        figure = _style.new_figure(6.4, 1.7 * sum(heights))
        grid = figure.add_gridspec(count, 1, height_ratios=list(heights))
        axes = [figure.add_subplot(grid[row]) for row in range(count)]
    return [_style.plane(ax) for ax in _style.several(axes, "axes", count, "Axes")]


def bifurcation_watch(result: Any, *, axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes, Axes]:
    """Draw a watched training: loss, largest exponent, and multipliers of fixed points and cycles.

    Parameters
    ----------
    result : WatchResult
        Of `chaoskit.training.BifurcationWatch`.
    axes : three Axes, optional
        Where to draw. If None, a new figure.

    Returns
    -------
    tuple of Axes
        (loss, exponent, moduli of the leading multipliers). Dashed lines mark bifurcations, triangles jumps
        of the loss; below 1 (the line) a fixed point or cycle is stable.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    _style.check_result(result, "result", "WatchResult", "loss_epochs", "tracks", "events")
    loss, exponent, moduli = _stacked(axes, 3, (1.2, 1.0, 1.2))
    loss.plot(result.loss_epochs, result.losses, color=_style.TRUE, lw=1.4)
    finite = result.losses[np.isfinite(result.losses)]
    if finite.size and 0 < 3 * finite.min() < finite.max():
        loss.set_yscale("log")
    jumps = [event.epoch for event in result.events if event.kind == "loss jump"]
    at = np.isin(result.loss_epochs, jumps)
    if at.any():
        loss.plot(
            result.loss_epochs[at], result.losses[at], ls="", marker="v", color=_style.GENERATED, label="jump"
        )
    value = np.where(np.isfinite(result.exponents), result.exponents, np.nan)
    exponent.axhline(0.0, color=_style.INK, lw=0.8)
    exponent.fill_between(
        result.epochs,
        value - 2 * result.stderr,
        value + 2 * result.stderr,
        color=_style.TRUE,
        alpha=0.25,
        lw=0,
    )
    exponent.plot(result.epochs, value, color=_style.TRUE, lw=1.2)
    moduli.axhline(1.0, color=_style.INK, lw=0.8)
    for period in sorted({track.period for track in result.tracks}):
        colour = _style.TRUE if period == 1 else _style.ACCENT
        name = "fixed point" if period == 1 else "cycle"
        for track in (t for t in result.tracks if t.period == period):
            size = np.abs(track.multipliers[:, 0])
            moduli.plot(track.epochs, size, color=colour, lw=0.9, marker=".", ms=3, label=name)
    bifurcations = sorted({e.epoch for e in result.events if e.kind != "loss jump"})
    strength = 0.6 if len(bifurcations) <= _FEW else 0.25
    for ax in (loss, exponent, moduli):
        for epoch in bifurcations:
            ax.axvline(epoch, color=_style.INK, lw=0.6, ls=(0, (3, 3)), alpha=strength)
    for ax in (loss, moduli):
        _one_legend(ax)
    for ax, name in ((loss, "Loss"), (exponent, "$\\lambda_1$ per step"), (moduli, "|multiplier|")):
        _style.labels(ax, "Epoch" if ax is moduli else "", name)
        ax.set_xlim(loss.get_xlim())
    loss.tick_params(labelbottom=False)
    exponent.tick_params(labelbottom=False)
    return loss, exponent, moduli


def _one_legend(ax: Axes) -> None:
    """A legend with each name once."""
    handles, names = ax.get_legend_handles_labels()
    if names:
        once = dict(zip(names, handles, strict=True))
        ax.legend(once.values(), once.keys(), frameon=False, fontsize=9, labelcolor=_style.INK, loc="best")
