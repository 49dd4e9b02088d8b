"""The work of a sweep where none is given: train a network, run it freely, judge it, in plain numbers."""

from __future__ import annotations

import contextlib
import inspect
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from ..measures import published_2021
from ..timeseries import embed
from ..training import Evaluation, FitResult, compare_with_baselines, evaluate, fit, split_in_time
from ..training.generated import Generated

# Keywords of `fit` that every point of a sweep would share, but that belong to one training only.
_OF_ONE = ("checkpoint", "checkpoint_interval", "progress")
_MEASURES = (
    ("divergence", "state_space_divergence", "state_space_floor", "state_space"),
    ("spectral_distance", "spectral_distance", "spectral_floor", "spectral"),
    ("prediction_error", "prediction_error", "prediction_floor", "prediction"),
)


def _with_keywords_of_fit(function: Callable) -> Callable:
    """Its signature says the names that it passes on, so that a wrong one is seen before anything runs."""
    own = list(inspect.signature(function).parameters.values())[:-1]
    names = {p.name for p in own} | set(_OF_ONE)
    passed = [p for p in inspect.signature(fit).parameters.values() if p.name not in names]
    function.__signature__ = inspect.Signature(own + passed)  # type: ignore[attr-defined]
    return function


@_with_keywords_of_fit
def train_and_judge(
    series: Any,
    test: Any = None,
    *,
    true_exponents: Any = None,
    test_share: float = 0.2,
    evaluate_options: Mapping[str, Any] | None = None,
    baselines: bool = False,
    published_rows: int = 0,
    threads: int | None = 1,
    model_file: Any = None,
    **fit_options: Any,
) -> dict[str, Any]:
    """Train a network on a series and judge its free run: one row of a table.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        See `chaoskit.fit`.
    test : array_like, shape (T',) or (T', D), optional
        Data that judge, not seen in training; by default the end of `series`, which is then held out.
    true_exponents : array_like, shape (k,), optional
        Of the true system per unit time, see `chaoskit.evaluate`.
    test_share : float
        Part of `series` that judges where no `test` is given.
    evaluate_options : mapping, optional
        Further keywords of `chaoskit.evaluate`, such as {"n_bins": 30}.
    baselines : bool
        Fit all baselines on the same data as well and add the best value that one of them has.
    published_rows : int
        Take the measures of `chaoskit.measures.published_2021` as well, of a run of so many rows from the
        first row of the test data; 0 for none.
    threads : int
        Of the training. 1, because points are computed side by side.
    model_file : path, optional
        Where to save the model (.npz).
    **fit_options
        Any other keyword of `chaoskit.fit` but checkpoint and progress.

    Returns
    -------
    dict of str to float, int, str or None
        "divergence", "spectral_distance", "prediction_error" of the free run, each with "_floor" and, for the
        first two, "_low" and "_high" of its 95 % interval and of the floor's; "exponent_1", ... of the closed
        loop with "_error" (standard error); "verdict" (its first word); "tau" (None for forcing without an
        interval), "updates", "best_update", "loss" (the last), "seconds" (processor time of the training);
        "training_diverged_at" (update) and "diverged_at" (row of the free run); "remarks". With baselines
        "baseline_divergence" and its like, and "better_baselines". With `published_rows`
        "published_divergence", "published_spectral_distance" and what the training series itself has of both,
        "published_divergence_floor", "published_spectral_distance_floor". What could not be measured is None.

    Raises
    ------
    InvalidInputError
        If data and options do not fit together.
    DivergenceError
        If the training diverges before there is any model worth keeping.

    Examples
    --------
    >>> from chaoskit import simulate
    >>> from chaoskit.forcing import Sparse
    >>> from chaoskit.systems import Henon
    >>> series = simulate(Henon(), [0.1, 0.1], 2500)
    >>> row = train_and_judge(series, forcing=Sparse(2), epochs=1, batches_per_epoch=5)
    >>> row["tau"], row["updates"]
    (2, 5)
    """
    if test is None:
        series, test = _split(series, test_share, fit_options)
    clock = _clock()
    started = clock()
    model = fit(series, threads=threads, **fit_options)
    seconds = clock() - started
    if model_file is not None:
        model.save(model_file)
    options = dict(evaluate_options or {})
    judged, best = _judged(model, series, test, true_exponents, options, baselines)
    row = measures_row(judged) | _training(model, seconds) | best
    if published_rows:
        row |= published_row(model, series, test, published_rows, options.get("inputs"), judged.embedding)
    return row


def _split(series: Any, share: float, options: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Training and test data where there is one series."""
    if options.get("inputs") is not None:
        raise InvalidInputError(
            'test: expected one for a driven system, with evaluate_options={"inputs": ...}, got None'
        )
    options["dt"] = _check.time_unit(options.get("dt"), series)  # the parts are bare arrays
    return split_in_time(series, test_share=share)


def _judged(
    model: FitResult, series: Any, test: Any, known: Any, options: dict[str, Any], baselines: bool
) -> tuple[Evaluation, dict[str, Any]]:
    if not baselines:
        return evaluate(model, test, true_exponents=known, **options), {}
    compared = compare_with_baselines(model, series, test, true_exponents=known, **options)
    others = [e for name, e in compared.evaluations.items() if name != compared.model]
    best: dict[str, Any] = {}
    for name, field, *_ in _MEASURES:
        values = [v for v in (getattr(e, field) for e in others) if v is not None]
        best[f"baseline_{name}"] = min(values, default=None)
    better = {name for names in compared.better.values() for name in names}
    return compared.evaluations[compared.model], best | {
        "better_baselines": ", ".join(sorted(better)) or None
    }


def measures_row(judged: Evaluation) -> dict[str, Any]:
    """Measures of an evaluation as entries of a row."""
    row: dict[str, Any] = {name: getattr(judged, field) for name, field, *_ in _MEASURES}
    exponents = [] if judged.exponents is None else judged.exponents.tolist()
    errors = [] if judged.exponents_stderr is None else judged.exponents_stderr.tolist()
    row["exponent_1"] = exponents[0] if exponents else None
    row["verdict"] = judged.verdict.partition(":")[0].partition(" ")[0]
    for name, _, floor, stem in _MEASURES:
        row[f"{name}_floor"] = getattr(judged, floor)
        for part, interval in (("", f"{stem}_interval"), ("_floor", f"{stem}_floor_interval")):
            low, high = getattr(judged, interval) or (None, None)
            row |= {f"{name}{part}_low": low, f"{name}{part}_high": high}
    for k, (value, error) in enumerate(zip(exponents, errors, strict=True), 1):
        row |= {f"exponent_{k}": value, f"exponent_{k}_error": error}
    row |= {"valid_prediction_time": judged.valid_prediction_time, "diverged_at": judged.diverged_at}
    row = {name: None if value != value else value for name, value in row.items()}  # NaN: not measured
    return row | {"remarks": "; ".join(judged.remarks) or None}


def published_row(
    model: Any, series: Any, test: Any, rows: int, inputs: Any, delays: tuple[int, int] | None
) -> dict[str, Any]:
    """The measures of `published_2021` of a model and, as their floors, of the training series.

    All series are in standard deviations from the mean of the training series, so that the box, which lies
    around zero, holds the attractor; delays: in which coordinates histograms are taken.
    """
    rows = _check.integer(rows, "published_rows", 1)
    data, length = _check.series(test, "test"), model.context_length
    steps = rows if inputs is None else min(rows, len(data) - length)
    drive = None if inputs is None else _check.real(inputs, "inputs")[: length - 1 + steps]
    run = Generated.cut(model.predict(data[None, :length], steps, inputs=drive)[0])
    true = (data - model.mean) / model.scale
    compared = {"_floor": (_check.series(series) - model.mean) / model.scale}
    if run.diverged_at is None:
        compared[""] = (run.series - model.mean) / model.scale
    names = ("divergence", "spectral_distance")
    found: dict[str, Any] = {f"published_{name}{end}": None for name in names for end in ("", "_floor")}
    for suffix, other in compared.items():
        states = [part if delays is None else embed(part, *delays) for part in (true, other)]
        with contextlib.suppress(InvalidInputError):  # more columns than it takes
            found[f"published_divergence{suffix}"] = published_2021.state_space_divergence(*states)
        with contextlib.suppress(InvalidInputError):  # fewer rows than its pieces take
            found[f"published_spectral_distance{suffix}"] = published_2021.spectral_distance(true, other)
    return found


def _training(model: FitResult, seconds: float) -> dict[str, Any]:
    losses = model.history["loss"]
    return {
        "tau": model.tau, "updates": len(losses), "best_update": model.best_update,
        "loss": float(losses[-1]) if len(losses) else None, "seconds": round(seconds, 3),
        "training_diverged_at": model.diverged_at,
    }  # fmt: skip


def _clock() -> Callable[[], float]:
    """Processor time of this process, or of this thread alone where others may be computing points."""
    alone = threading.current_thread() is threading.main_thread()
    return time.process_time if alone else time.thread_time
