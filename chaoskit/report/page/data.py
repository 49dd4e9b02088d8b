"""Sections of a report about the data alone: the series, its exponent, the forcing interval."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...forcing import Generalized
from ...measures.series_comparison import with_interval
from ...plot import _style, divergence_curve
from .findings import Findings
from .html import Html, facts, join, paragraphs, picture, section, table, tag

_ROWS_DRAWN = 20_000  # of the whole series: more cannot be seen
_COLUMNS = 4
_LEAST_NOISE = 0.1  # per cent: less is not told from none


def data_section(f: Findings) -> Html:
    """The series, its two parts, and what is known of it."""
    return section(
        "data", "The data",
        picture(_overview(f), "The series. Blue: trained on. Orange: held out, used only to judge."),
        facts(_rows_and_times(f)),
        tag("h3", "Diagnosis"),
        facts(_diagnosis(f)),
        tag("h3", "What these data ask of a training"),
        table(["", "recommended", "because"], f.recommendation.rows(), numbers=False),
        paragraphs(_used(f), kind="hint"),
    )  # fmt: skip


def _overview(f: Findings) -> Any:
    """Each column over time, cut where the held-out part begins."""
    columns = min(f.train.shape[1], _COLUMNS)
    figure = _style.new_figure(7.6, 1.1 + 1.1 * columns)
    axes = figure.subplots(columns, 1, sharex=True, squeeze=False)[:, 0]
    for k, ax in enumerate(axes):
        _style.plane(ax)
        start = 0
        for part, colour in ((f.train, _style.TRUE), (f.test, _style.GENERATED)):
            every = max(1, (len(f.train) + len(f.test)) // _ROWS_DRAWN)
            time = f.model.dt * (start + np.arange(len(part)))
            ax.plot(time[::every], part[::every, k], color=colour, lw=0.5)
            start += len(part)
        _style.labels(ax, _style.time_label(f.drawn_unit) if k == columns - 1 else "", f"$x_{{{k + 1}}}$")
        ax.margins(x=0.01)
    return axes[0]


def _rows_and_times(f: Findings) -> list[list[Any]]:
    rows = [
        ["trained on", f.rows(len(f.train))],
        ["held out", f.rows(len(f.test))],
        ["time between rows", f.time(f.model.dt)],
        ["columns", ", ".join(f.names) if f.names else str(f.train.shape[1])],
        ["mean period", f.rows(f.period)],
    ]
    if f.model.n_inputs:
        count = f.model.n_inputs
        rows.append(["driven by", f"{count} column{'s' if count > 1 else ''} of inputs"])
    return rows


def _diagnosis(f: Findings) -> list[list[Any]]:
    found, attractor = f.estimate, f.recommendation.attractor
    noise = "not known"
    if math.isfinite(found.noise_level):
        percent = 100 * found.noise_level
        noise = f"{percent:.2g} %" if percent >= _LEAST_NOISE else f"less than {_LEAST_NOISE} %"
        noise += " of the standard deviation"
    dimension = f"none found: {attractor.quality}"
    if math.isfinite(attractor.dimension):
        dimension = f"{with_interval(attractor.dimension, attractor.interval)}, {attractor.quality}"
    return [
        ["verdict on chaos", found.quality if found.recommended_tau is None else f"chaotic: {found.quality}"],
        ["measurement noise", noise],
        ["embedding for the estimates", copies(found.delay, found.dimension)],
        ["dimension of the attractor", dimension],
    ]


def _used(f: Findings) -> str:
    settings, delays = f.model.settings, f.model.delays
    return (
        f"The training used {settings.get('forcing', 'no forcing')}, windows of "
        f"{settings.get('sequence_length', 'unknown')} steps, embedding: "
        f"{copies(delays.delay, delays.dimension)}, and {f.model.start_state.size} states."
    )


def copies(delay: int, dimension: int) -> str:
    """A delay embedding in words."""
    return f"delay {delay} rows, {dimension} copies" if dimension > 1 else "none, the columns as they are"


def exponent_section(f: Findings) -> Html:
    """The divergence of neighbours, the exponent, and the forcing interval that follows from it."""
    found = f.estimate
    return section(
        "exponent", "Exponent of the data, and the forcing interval",
        paragraphs(
            "Two states that are nearly alike part exponentially in chaos. The slope of the curve is the "
            "largest Lyapunov exponent; a straight stretch has to be there for the slope to mean anything. "
            "The curve bends over where neighbours are as far apart as any two states."
        ),
        picture(
            divergence_curve(found, time_unit=f.drawn_unit),
            "How neighbours in the training data part: typical log distance over time, in standard "
            "deviations. Shaded: the stretch that was fitted; dashed: the fit.",
        ),
        facts(_exponent_facts(f)),
        join(paragraphs(f"Estimates: {found.agreement}." if found.agreement else "", found.origin)),
        _by_estimator(f),
        tag("h3", "Forcing interval"),
        paragraphs(*interval_reasons(f)),
    )  # fmt: skip


def _exponent_facts(f: Findings) -> list[list[Any]]:
    found = f.estimate
    time = "none: growth of errors was not shown"
    if math.isfinite(found.predictability_time):
        steps = found.predictability_time / found.dt
        time = f"{f.rows(steps)}: in this time an error doubles"
    return [
        ["largest exponent [95 %]", f.exponent], ["quality", found.quality], ["predictability time", time],
    ]  # fmt: skip


def _by_estimator(f: Findings) -> Html | None:
    estimates = f.estimate.estimates
    if not estimates:
        return None
    shown = table(["estimator", f"exponent {f.per}"], [[name, float(v)] for name, v in estimates.items()])
    said = paragraphs(
        "Rosenstein and Kantz average over neighbours in two ways; copies are the coordinates in which they "
        "are found. Line: slope of the straight stretch. Growth: exponential growth with noise taken off.",
        kind="hint",
    )
    return join(shown, said)


def forced(f: Findings) -> str:
    """The forcing of the training, with what it means."""
    text = f.model.settings.get("forcing", "none")
    if f.model.tau is not None and text.startswith("Sparse"):
        every = "each row" if f.model.tau == 1 else f"every {f.model.tau} rows"
        return f"{text}, {every} the state is set to the data"
    if text.startswith("Generalized"):
        return f"{text}, in each row the state is drawn a little to the data"
    return text


def interval_reasons(f: Findings) -> list[str]:
    """How the network was forced, and why so; where that is not what the data ask for, it is said."""
    model, found = f.model, f.estimate
    advised = f.recommendation.forcing
    said = [
        "Gradients that pass through more steps than errors need to double explode, and gradients that pass "
        "through far fewer do not see the dynamics: the network is drawn back to the data about every half "
        "predictability time."
    ]
    if model.lyapunov is not None:
        why = f.recommendation.reasons["forcing"]
        said.append(f"Forcing was chosen from the data: {forced(f)}. Why: {why}.")
        return said
    asked = f"The data ask for {advised}"
    if advised is None:
        asked = "The data show no predictability time that it could be chosen by"
    said.append(f"Forcing was given: {forced(f)}. {asked}.")
    wanted = found.recommended_tau
    if model.tau is not None and wanted is not None and not 0.5 <= model.tau / wanted <= 2.0:
        shorter = "smaller" if model.tau < wanted else "larger"
        said.append(f"The interval used, {model.tau} rows, is much {shorter} than the {wanted} advised.")
    if isinstance(advised, Generalized) and model.tau is not None:
        said.append("Sparse forcing puts the measurement noise that was seen into the state.")
    return said
