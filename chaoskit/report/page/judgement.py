"""Sections of a report that judge: measures beside floors and baselines, exponents of data and network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...dynamics.statistics import kaplan_yorke
from ...measures import Exponent
from ...measures.series_comparison import with_interval
from ...training import Evaluation
from .findings import Findings
from .html import Html, entry, paragraphs, section, table, tag

_MEANINGS = (
    ("State-space divergence", "how differently data and free run fill the state space, in nats; 0 is best."),
    ("Spectral distance", "how different the power spectra are, from 0 (the same) to 1."),
    (
        "Error ahead",
        "mean squared error of forecasts in units of the variance; 1 is no better than the mean.",
    ),
    ("Valid prediction", "how long forecasts stay near the data; one Lyapunov time is 1 / exponent."),
    (
        "Floor",
        "the same measure between the two halves of the held-out data. It is not 0, because the data are "
        "finite; a model at the floor cannot be told from the data. The floor of the error is a forecast "
        "from the most similar state in the past.",
    ),
    ("Retracing", "share of the run in step with the training series: a copy is no model."),
    ("Intervals", "95 %, from blocks of rows drawn again; they hold the scatter of finite data."),
)


def judgement_section(f: Findings) -> Html:
    """Every measure beside its floor and beside the baselines."""
    found, compared = f.evaluation, f.comparison
    meanings = [tag("li", tag("b", name), ": ", text) for name, text in _MEANINGS]
    return section(
        "measures", "Measures, floors and baselines",
        paragraphs(found.verdict[:1].upper() + found.verdict[1:] + "."),
        paragraphs(
            f"{found.n_generated} rows of the free run against {found.n_true} rows of held-out data"
            + (
                f", in delay coordinates (delay {found.embedding[0]}, {found.embedding[1]} copies)."
                if found.embedding else "."
            ),
            kind="hint",
        ),
        table(["", "model [95 %]", "floor [95 %]"], measures(found)),
        tag("h3", "Beside simpler models"),
        paragraphs(compared.verdict),
        table(*_beside(f)),
        paragraphs(
            "The baselines are trained on the same rows. An empirical model that is not better than an "
            "autoregression with noise has learned the spectrum, not the dynamics. A dash: there is no such "
            "value, as of forecasts that diverged. Valid: how long forecasts hold, "
            f"{f.evaluation.valid_prediction_unit or 'not measured'}.",
            kind="hint",
        ),
        tag("h3", "What the words mean"),
        tag("ul", *meanings),
    )  # fmt: skip


def measures(found: Evaluation) -> list[list[Any]]:
    """Rows of the evaluation that are measures; exponents have a section of their own."""
    return [row for row in found.rows() if "exponent" not in row[0]]


def _beside(f: Findings) -> tuple[list[str], list[list[Any]]]:
    """The model and the baselines, a row each, with intervals."""
    header = [
        "",
        "divergence",
        "spectral distance",
        f"error {f.evaluation.horizon} ahead",
        "valid",
        "verdict",
    ]
    own = f.evaluation
    floors = [
        with_interval(own.state_space_floor, own.state_space_floor_interval),
        with_interval(own.spectral_floor, own.spectral_floor_interval),
        with_interval(own.prediction_floor, own.prediction_floor_interval),
    ]
    rows: list[list[Any]] = [["floor", *floors, None, None]]
    for name, e in f.comparison.evaluations.items():
        divergence = with_interval(e.state_space_divergence, e.state_space_interval)
        if e.diverged_at is not None:
            divergence = "diverged"
        time = None if e.valid_prediction_time is None else float(e.valid_prediction_time)
        entries = [
            divergence, with_interval(e.spectral_distance, e.spectral_interval),
            with_interval(e.prediction_error, e.prediction_interval), time, e.verdict.partition(":")[0],
        ]  # fmt: skip
        if name == f.comparison.model:
            entries = [tag("b", entry(v)) for v in entries]
        rows.append([name, *entries])
    return header, rows


def exponents_section(f: Findings) -> Html:
    """Exponents of the data, of the network, and of the true system where they are known."""
    found = f.evaluation
    words = agreement(found)
    return section(
        "exponents", "Exponents: data and network",
        paragraphs(
            "The largest exponent, estimated from data and from the free run in the same way, and from the "
            "network's own Jacobians, which is exact but for the finite run. They should agree within their "
            "intervals; the estimate from series is the weaker one."
        ),
        table(
            ["largest exponent", f"{f.per} [95 %]", "quality"],
            _largest(f),
            numbers=False,
        ),
        paragraphs(words),
        *_spectrum(f),
    )  # fmt: skip


def _largest(f: Findings) -> list[list[Any]]:
    found, estimate = f.evaluation, f.estimate
    rows: list[list[Any]] = [
        ["training data", str(Exponent(estimate.exponent, estimate.interval, "")), estimate.quality]
    ]
    for name, e in (
        ("held-out data", found.data_exponent),
        ("free run, as a series", found.generated_exponent),
    ):
        if e is not None:
            rows.append([name, str(e), e.quality])
    if found.exponents is not None and found.exponents_stderr is not None:
        value, half = float(found.exponents[0]), 1.96 * float(found.exponents_stderr[0])
        rows.append(
            ["network, by its Jacobians", with_interval(value, (value - half, value + half)), "exact"]
        )
    if found.true_exponents is not None:
        rows.append(["true system", float(found.true_exponents[0]), "given"])
    return rows


def agreement(found: Evaluation) -> str:
    """Whether the largest exponents of data and network agree, in a sentence; empty without both."""
    data = found.data_exponent
    if data is None or not math.isfinite(data.value) or found.exponents is None:
        return ""
    value = float(found.exponents[0])
    low, high = data.interval
    if low <= value <= high:
        return "The network's exponent lies in the interval of the held-out data."
    side = "below" if value < low else "above"
    return f"The network's exponent lies {side} the interval of the held-out data."


def _spectrum(f: Findings) -> list[Any]:
    found = f.evaluation
    if found.exponents is None or found.exponents_stderr is None:
        return []
    known = [] if found.true_exponents is None else [float(v) for v in found.true_exponents]
    header = ["exponent", "network", "standard error"] + (["true"] if known else [])
    rows = []
    for i, (value, error) in enumerate(zip(found.exponents, found.exponents_stderr, strict=True)):
        true = [known[i] if i < len(known) else None] if known else []
        rows.append([str(i + 1), float(value), float(error), *true])
    parts: list[Any] = [tag("h3", "Spectrum of the network"), table(header, rows)]
    dimension = float(kaplan_yorke(np.asarray(found.exponents, np.float64))[0])
    data = f.recommendation.attractor.dimension
    if math.isfinite(dimension):
        beside = f"; correlation dimension of the data {data:.3g}" if math.isfinite(data) else ""
        parts.append(paragraphs(f"Kaplan-Yorke dimension of the network {dimension:.3g}{beside}."))
    return parts
