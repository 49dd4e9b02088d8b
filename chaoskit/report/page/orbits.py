"""Sections of a report that show runs: training curve, attractors, series, spectra."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...plot import _style, attractors, spectra, time_series, training_curve
from ...training import Generated
from .findings import Findings
from .html import Html, facts, paragraphs, picture, section, tag

_NAMES = ("held-out data", "free run")
_PERIODS, _FEWEST, _MOST = 20, 100, 1000  # mean periods, and rows, of a picture of series
_COLUMNS = 3
_SHORTEST_SPECTRUM = 64


def training_section(f: Findings) -> Html:
    """Loss and validation over the updates, and which network was kept."""
    model, history = f.model, f.model.history
    rows = [
        ["network", f"{type(model.cell).__name__}, {model.decoder.shape[1]} units"],
        ["updates", f"{len(history['loss'])}, kept: {model.best_update}"],
        ["loss at the end", float(history["loss"][-1])],
    ]
    broke = None
    if model.diverged_at is not None:
        broke = paragraphs(f"Training broke off at update {model.diverged_at}, where the loss overflowed.")
    return section(
        "training", "The training",
        picture(
            training_curve(history),
            "Loss: squared error one step ahead while the network is forced, in units of the variance. "
            "Validation: how far free runs are from the data (state-space divergence plus spectral "
            "distance); the network with the lowest value is kept. A low loss alone says nothing of the "
            "free run.",
        ),
        facts(rows),
        broke,
    )  # fmt: skip


def attractor_section(f: Findings) -> Html:
    """Attractor, series and forecast of data and network side by side."""
    parts: list[Any] = [
        paragraphs(
            "The free run is the network left to itself: it gets no data after its start. It cannot follow "
            "the data row by row, because chaos forgets the start; it should move on the same attractor."
        )
    ]
    if len(f.run.series) > 2 * f.estimate.delay + _SHORTEST_SPECTRUM:
        parts += [_attractors(f), _series(f)]
    if f.run.diverged_at is not None:
        parts.append(paragraphs(f"The free run diverged at step {f.run.diverged_at}."))
    parts += [tag("h3", "A forecast"), _forecast(f)]
    return section("attractor", "Attractor: data and free run", *parts)


def _attractors(f: Findings) -> Html:
    left, _ = attractors(
        f.test, f.run.series, names=_NAMES, delay=f.estimate.delay, kind="line" if f.is_flow else "points"
    )
    how = f"each row against the one {f.estimate.delay} rows later" if f.test.shape[1] == 1 else "columns"
    return picture(left, f"Held-out data and free run in the same coordinates ({how}), in the same ranges.")


def _series(f: Findings) -> Html:
    rows = int(min(max(_PERIODS * f.period, _FEWEST), _MOST))
    return picture(
        _stacked(f, f.test, f.run.series, _NAMES, rows),
        "Held-out data and free run over time. The two do not start from the same state: compare shapes "
        "and rhythm, not the times of peaks.",
    )


def _forecast(f: Findings) -> Html:
    true, made = f.forecast
    lost = Generated.cut(made).diverged_at
    shown = made if lost is None else made[:lost]
    drawn = _stacked(f, true, shown, ("held-out data", "forecast"), len(true))
    return picture(
        drawn,
        "A forecast from the first held-out rows: here network and data start together, and part when the "
        "error of the start has grown to the size of the attractor.",
    )


def _stacked(f: Findings, true: np.ndarray, made: np.ndarray, names: tuple[str, str], rows: int) -> Any:
    """The first columns of two series, one above the other."""
    columns = min(true.shape[1], _COLUMNS)
    figure = _style.new_figure(7.6, 1.0 + 1.6 * columns)
    axes = figure.subplots(columns, 1, sharex=True, squeeze=False)[:, 0]
    for k, ax in enumerate(axes):
        time_series(
            true, made, f.model.dt, column=k, n_rows=max(rows, 2), ax=ax, names=names, time_unit=f.drawn_unit
        )
        if k:  # one legend for all
            ax.get_legend().remove()
        if k < columns - 1:
            ax.set_xlabel("")
    return axes[0]


def spectrum_section(f: Findings) -> Html:
    """Power spectra of data and free run."""
    if min(len(f.run.series), len(f.test)) < _SHORTEST_SPECTRUM:
        shown = paragraphs("The free run is too short for a spectrum.")
    else:
        shown = picture(
            spectra(f.test, f.run.series, f.model.dt, names=_NAMES, time_unit=f.drawn_unit),
            "Power spectra of held-out data and free run, mean of all columns, each with variance 1. Where "
            "the curves lie on each other, the network has the rhythm of the data.",
        )
    return section("spectra", "Spectra", shown)
