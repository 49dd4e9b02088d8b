"""Growth along an orbit: norms of gradients against the number of steps, and singular values of products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (_style.TRUE, _style.GENERATED, _style.ACCENT, _style.INK)
_LINES = ("-", (0, (1, 1)), "-.")  # when there are more curves than colours
_QUANTITIES = {
    "state": ("lags", "log_state", r"$\ln\,\|\partial z_T / \partial z_0\|$"),
    "parameters": ("times", "log_parameters", r"$\ln\,\|\partial z_T / \partial \theta\|$"),
    "loss": ("times", "log_loss", r"$\ln\,\|\partial L_T / \partial \theta\|$"),
}
_MOST_VALUES = 12  # singular values that can be told apart


def gradient_growth(
    growths: Any, *, quantity: str = "state", labels: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the log norm of gradients against T for several regimes, with the slope lambda_1 dashed.

    Parameters
    ----------
    growths : GradientGrowth or sequence of them
        Results of `chaoskit.gradient_growth`.
    quantity : {"state", "parameters", "loss"}
        Norm of dz_T/dz_0, of dz_T/dtheta, or of dL_T/dtheta.
    labels : sequence of str, optional
        Names of the curves; the names of the models by default.
    ax : Axes, optional
        Where to draw. If None, a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInputError
        If the quantity is none of these or was not computed, or the labels are not one for each curve.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from chaoskit.gradients import gradient_growth as growth_of
    >>> from chaoskit.systems import Logistic
    >>> gradient_growth(growth_of(Logistic(), steps=200)).get_xlabel()
    'Steps T'
    """
    growths = list(growths) if isinstance(growths, (list, tuple)) else [growths]
    _check.choice(quantity, "quantity", _QUANTITIES)
    for growth in growths:
        _style.check_result(growth, "growths", "GradientGrowth", "cell", "forcing", "exponent", "log_state")
    names = [g.cell + ("" if g.forcing is None else f", {g.forcing}") for g in growths]
    if not growths:
        raise InvalidInputError("growths: expected at least one GradientGrowth, got none")
    names = names if labels is None else _style.texts(labels, "labels", len(growths))
    x, y, label = _QUANTITIES[quantity]
    ax = _style.plane(ax)
    for i, (growth, name) in enumerate(zip(growths, names, strict=True)):
        times, logs = getattr(growth, x), getattr(growth, y)
        if logs is None:
            raise InvalidInputError(f"growths: {quantity} was not computed for {name!r}")
        colour = _COLOURS[i % len(_COLOURS)]
        shown = np.where(np.isfinite(logs), logs, np.nan)
        ax.plot(times, shown, color=colour, lw=1.6, ls=_LINES[i // len(_COLOURS) % 3], label=name)
        lost = np.flatnonzero(np.isneginf(logs))
        if lost.size and lost[0] > 0:  # cut by forcing: the curve ends in a cross
            ax.plot(times[lost[0] - 1], logs[lost[0] - 1], "x", color=colour, ms=7, mew=1.6)
    for i, growth in enumerate(growths):
        if growth.forcing is None and np.isfinite(growth.exponent):
            _predicted(ax, growth, getattr(growth, x), getattr(growth, y), _COLOURS[i % len(_COLOURS)])
    ax.plot([], [], color=_style.INK, lw=1.0, ls="--", label=r"slope $\lambda_1$")
    _style.labels(ax, "Steps T", label)
    _style.legend_above(ax, columns=min(4, len(growths) + 1))
    return ax


def _predicted(ax: Axes, growth: Any, times: np.ndarray, logs: np.ndarray, colour: str) -> None:
    """The line of slope lambda_1 through the end of the curve, a little above it.

    A parameter gradient that stays bounded has no slope to be compared with.
    """
    if not np.isfinite(logs[-1]) or (growth.exponent <= 0 and logs is not growth.log_state):
        return
    room = 0.03 * float(np.ptp(logs[np.isfinite(logs)]))
    ends = np.array([0.0, times[-1]])
    ax.plot(ends, logs[-1] + growth.exponent * (ends - times[-1]) + room, color=colour, lw=1.0, ls="--")


def singular_values(spectrum: Any, *, ax: Axes | None = None, time_unit: str | None = None) -> Axes:
    """Draw the log singular values of the product of Jacobians against its length, with their slopes.

    They are accumulated by the orthonormalisations of a Lyapunov run: a singular value decomposition of the
    product itself would see no more than sixteen digits of its range.

    Parameters
    ----------
    spectrum : LyapunovResult
        Of one run (not an ensemble); tangent transients set where the product begins.
    ax : Axes, optional
        Where to draw. If None, a new figure.
    time_unit : str, optional
        Unit of the times, for the label; steps if None and the spectrum is per step.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInputError
        If it is the result of an ensemble.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from chaoskit import lyapunov_spectrum
    >>> from chaoskit.systems import Henon
    >>> singular_values(lyapunov_spectrum(Henon(), steps=500)).get_ylabel()
    'Log singular value'
    """
    _style.check_result(spectrum, "spectrum", "LyapunovResult", "exponents", "times", "history", "units")
    exponents = np.asarray(spectrum.exponents)
    if exponents.ndim != 1:
        raise InvalidInputError("spectrum: expected the result of one run, got an ensemble; take one member")
    times = np.concatenate([[0.0], spectrum.times])
    values = np.concatenate([np.zeros((1, len(exponents))), spectrum.history * spectrum.times[:, None]])
    ax = _style.plane(ax)
    count = min(len(exponents), _MOST_VALUES)
    for i in range(count):
        if not np.isfinite(exponents[i]):
            continue
        share = i / max(count - 1, 1)
        ax.plot(times, values[:, i], color=_style.TRUE, lw=1.4, alpha=1.0 - 0.65 * share)
        ax.plot(times[[0, -1]], exponents[i] * times[[0, -1]], color=_style.GENERATED, lw=0.9, ls="--")
        note = f"{exponents[i]:.3g}"
        ax.annotate(
            note, (times[-1], values[-1, i]), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=8, color=_style.INK,
        )  # fmt: skip
    ax.plot([], [], color=_style.TRUE, lw=1.4, label="product of Jacobians")
    ax.plot([], [], color=_style.GENERATED, lw=0.9, ls="--", label="slopes: the exponents")
    steps = time_unit is None and spectrum.units == "per step"
    _style.labels(ax, "Steps" if steps else _style.time_label(time_unit), "Log singular value")
    _style.legend_above(ax)
    return ax
