"""Sections of a report about the network as a system: gradients through time, fixed points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...invariant_sets import CycleSet
from ...plot import gradient_growth, invariant_sets
from .findings import Findings
from .html import Html, bullets, paragraphs, picture, section, table

_LISTED = 12  # fixed points in the table
_ORBIT_ROWS = 5000


def gradients_section(f: Findings) -> Html:
    """Norms of gradients through time, without forcing and with it."""
    about = paragraphs(
        "Training multiplies one Jacobian for each step that a gradient goes back. On chaos the product "
        "grows at the largest exponent; forcing cuts it. A curve of slope 0.1 grows by a factor of 20 000 "
        "in a hundred steps."
    )
    if isinstance(f.growths, str):
        return section(
            "gradients", "Gradients through time", about, paragraphs(f"Not computed: {f.growths}.")
        )
    growths = list(f.growths.values())
    drawn = gradient_growth(growths, labels=list(f.growths))
    said = [f"{name}: {growth.verdict}" for name, growth in f.growths.items()]
    return section(
        "gradients", "Gradients through time", about,
        picture(
            drawn,
            "Logarithm of the norm of the derivative of the state after T steps by the first one, along "
            "held-out data. A cross marks where forcing cuts it to exactly 0. Dashed: the slope that the "
            "largest exponent of these steps gives.",
        ),
        bullets(said),
        paragraphs(
            "dz_t/dz_0: derivative of the state at step t by that at the start. dL_T/dtheta: gradient of the "
            "error at step T alone by the parameters.",
            kind="hint",
        ),
    )  # fmt: skip


def fixed_points_section(f: Findings) -> Html:
    """Fixed points of the network with eigenvalues, and how completely they were searched."""
    title = "Fixed points of the network"
    found = f.fixed
    if isinstance(found, str):
        return section("fixed", title, paragraphs(f"Not computed: {found}."))
    about = (
        "States that the network does not leave, here in the units of the data. A chaotic attractor winds "
        "around unstable ones. A stable one is a trap: a free run that comes near it ends there."
    )
    driven = "They are those for inputs held at their mean. " if f.model.n_inputs else ""
    stable = int(found.stable.sum())
    counted = f"{len(found)} found, {stable} stable. {driven}Search: {found.completeness}."
    if not len(found):
        return section("fixed", title, paragraphs(about, counted))
    return section(
        "fixed", title, paragraphs(about, counted), _drawn(f, found),
        table(
            ["", "place", "stable", "unstable directions", "largest eigenvalue", "turns in", "residual"],
            [_row(f, found, i) for i in range(min(len(found), _LISTED))],
        ),
        paragraphs(
            "Eigenvalue: factor by which a small displacement grows in a step, above 1 unstable. Turns in: "
            "time of one turn around the point. Residual: length of the step that should be 0.",
            f"The {_LISTED} with the fewest unstable directions are listed." if len(found) > _LISTED else "",
            kind="hint",
        ),
    )  # fmt: skip


def _row(f: Findings, found: CycleSet, i: int) -> list[Any]:
    place = f.model.decode(found.points[i])[0]
    shown = ", ".join(f"{v:.3g}" for v in place[:4]) + (", ..." if len(place) > 4 else "")
    value = complex(found.eigenvalues[i, 0])
    turn = "-"
    if abs(value.imag) > 1e-9:
        turn = f.time(f.model.dt * 2 * math.pi / abs(math.atan2(value.imag, value.real)))
    stable = "yes" if found.stable[i] else "no"
    unstable = int(found.unstable_dimension[i])
    return [str(i + 1), shown, stable, unstable, f"{abs(value):.4g}", turn, f"{found.residuals[i]:.1g}"]


def _drawn(f: Findings, found: CycleSet) -> Html | None:
    """The fixed points on the attractor, in the columns of the data or, of one column, in delays."""
    run = f.run.series[:_ORBIT_ROWS]
    if len(run) < 100:
        return None
    decode, orbit, where = f.model.decode, run, "the columns of the data"
    if f.test.shape[1] == 1:
        if f.model.delays.dimension == 1:
            return None
        decode, orbit, lag = _in_delays(f, run)
        where = (
            f"delayed coordinates (each row against the one {lag} rows later); a point off the diagonal is a "
            "state of the network that no series stands for"
        )
    ax = invariant_sets(orbit, found, decode=decode, kind="line" if f.is_flow else "points", directions=False)
    if f.test.shape[1] == 1:
        ax.set_xlabel("x(t)")
        ax.set_ylabel(f"x(t + {lag})")
    return picture(ax, f"Free run in grey, and the fixed points (filled if stable, open if not) in {where}.")


def _in_delays(f: Findings, run: np.ndarray) -> tuple[Any, np.ndarray, int]:
    """How states are read as two delayed copies of the one column, and the run in the same coordinates."""
    model, delays = f.model, f.model.delays
    back = min(max(1, round(f.estimate.delay / delays.delay)), delays.dimension - 1)
    readers = model.decoder[[delays.dimension - 1 - back, delays.dimension - 1]].astype(np.float64)
    lag = back * delays.delay

    def decode(states: np.ndarray) -> np.ndarray:
        return states[..., : model.decoder.shape[1]] @ readers.T * model.scale[0] + model.mean[0]

    return decode, np.column_stack([run[:-lag, 0], run[lag:, 0]]), lag
