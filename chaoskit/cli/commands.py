"""The commands: read files, call the library, print."""

from __future__ import annotations

import importlib.util
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import estimate_lyapunov, evaluate, fit, load, lyapunov_spectrum, sweep
from ..errors import InvalidInputError
from ..report import (
    draw_gradients,
    gradients_by_regime,
    gradients_of_model,
    read_series,
    run_demo,
    to_json,
)
from ..reproduction import reproduce
from ..timeseries import correlation_dimension
from ..timeseries.recommendation import from_estimates
from ..training import Forecaster, compare_with_baselines
from . import text
from .reading import longest, series_of
from .reporting import train_and_report, wanted_page
from .sweep_plan import read_plan
from .training import checked_target, fit_options


def _bar_wanted() -> bool:
    """A bar is for people who wait: only on a terminal, and only where tqdm is installed."""
    return sys.stderr.isatty() and importlib.util.find_spec("tqdm") is not None


def _show(arguments: Namespace, values: dict[str, Any], lines: Callable[[], str]) -> None:
    print(to_json(values) if arguments.json else lines())


def demo(arguments: Namespace) -> None:
    """Both measured series, with baselines."""
    report = run_demo(arguments.output, seed=arguments.seed, quick=arguments.quick, progress=_bar_wanted())
    report["output"] = str(arguments.output)
    _show(arguments, report, lambda: text.demo(report))


def train(arguments: Namespace) -> None:
    """A series in, a model file out, and a page about it if there shall be one."""
    target = checked_target(arguments)
    page = wanted_page(arguments, target)
    read = series_of(arguments)
    raw = read.values
    if page is None:
        report, model = None, fit(read, progress=_bar_wanted(), **fit_options(arguments, read))
        model.save(target)
    else:
        model, report = train_and_report(arguments, read, target, page, _bar_wanted())
    values = {
        "file": arguments.file, "output": str(target), "rows": len(raw), "columns": raw.shape[1],
        "columns_taken": arguments.columns, "names": read.names, "dt": model.dt,
        "segments": len(read.segments), "inputs": model.n_inputs, "tau": model.tau,
        "delay": model.delays.delay, "dimension": model.delays.dimension,
        "forcing": model.settings["forcing"], "exponent": getattr(model.lyapunov, "exponent", None),
        "interval": getattr(model.lyapunov, "interval", None), "loss": model.history["loss"][-1],
        "best_update": model.best_update, "updates": len(model.history["loss"]),
        "validation": float(min(model.history["validation"])), "diverged_at": model.diverged_at,
        "settings": model.settings, "report": None if page is None else str(page),
        "evaluation": None if report is None else report.evaluation,
    }  # fmt: skip
    _show(arguments, values, lambda: text.train(values))


def analyze(arguments: Namespace) -> None:
    """The exponent of a series, and what it asks of a training."""
    read = series_of(arguments)
    series = longest(read)
    found = estimate_lyapunov(
        series, read.dt, seed=arguments.seed,
        delay="auto" if arguments.delay is None else arguments.delay,
        dimension="auto" if arguments.dimension is None else arguments.dimension,
        surrogates=arguments.surrogates,
    )  # fmt: skip
    attractor = correlation_dimension(
        series, delay=found.delay, dimension=found.dimension, theiler=found.theiler, seed=arguments.seed
    )
    advice = from_estimates(series, found, attractor)
    values = {
        "rows": len(series), "columns": series.shape[1], "exponent": found.exponent,
        "interval": found.interval, "predictability_time": found.predictability_time,
        "recommended_tau": found.recommended_tau, "quality": found.quality, "delay": found.delay,
        "dimension": found.dimension, "theiler": found.theiler, "dt": found.dt,
        "fit_range": found.fit_range, "curve": found.curve, "noise_level": found.noise_level,
        "estimates": found.estimates, "agreement": found.agreement, "origin": found.origin,
        "correlation_dimension": attractor.dimension, "correlation_dimension_interval": attractor.interval,
        "recommendation": [dict(zip(("what", "value", "reason"), row, strict=True)) for row in advice.rows()],
        "subsample": advice.subsample,
    }  # fmt: skip
    _show(arguments, values, lambda: f"{text.analyze(values)}\n\n{advice}")


def lyapunov(arguments: Namespace) -> None:
    """The spectrum of a model."""
    model = load(arguments.model)
    options: dict[str, Any] = {"steps": arguments.steps}
    if arguments.inputs is not None:
        inputs = read_series(arguments.inputs)
        settle = len(inputs) // 10
        options = {
            "inputs": inputs, "transient": settle, "tangent_transient": settle,
            "steps": min(arguments.steps, len(inputs) - 2 * settle),
        }  # fmt: skip
    found = lyapunov_spectrum(
        model, k=arguments.k, dt=model.dt, seed=arguments.seed, progress=_bar_wanted(), **options
    )
    values = {
        "exponents": found.exponents, "stderr": found.stderr, "units": found.units, "dt": model.dt,
        "kaplan_yorke": found.kaplan_yorke, "kaplan_yorke_stderr": found.kaplan_yorke_stderr,
        "entropy": found.entropy, "entropy_stderr": found.entropy_stderr, "steps": options["steps"],
    }  # fmt: skip
    _show(arguments, values, lambda: text.lyapunov(values))


def gradients(arguments: Namespace) -> None:
    """Gradients through time: of three regimes, or of a model."""
    if arguments.model is None:
        if arguments.series is not None or arguments.inputs is not None:
            raise InvalidInputError("MODEL.npz: expected a model to go with the series")
        found = gradients_by_regime(arguments.steps, seed=arguments.seed)
    else:
        model = load(arguments.model)
        rows = None if arguments.inputs is None else read_series(arguments.inputs)
        series = None if arguments.series is None else _columns_of(model, arguments, arguments.series)
        found = gradients_of_model(model, arguments.steps, series=series, inputs=rows)
    picture = None if arguments.output is None else str(draw_gradients(found, arguments.output))
    growths = {
        name: vars(growth) | {"kind": growth.kind, "verdict": growth.verdict}
        for name, growth in found.items()
    }
    _show(arguments, {"growths": growths, "picture": picture}, lambda: text.gradients(growths, picture))


def evaluate_model(arguments: Namespace) -> None:
    """A model against a series, and beside the baselines if there is a series to fit them on."""
    model = load(arguments.model)
    series = _columns_of(model, arguments, arguments.file)
    options: dict[str, Any] = {"horizon": arguments.horizon, "seed": arguments.seed}
    if arguments.inputs is not None:
        options["inputs"] = read_series(arguments.inputs)
    if arguments.train is None:
        compared, found = None, evaluate(model, series, **options)
    else:
        trained = _columns_of(model, arguments, arguments.train)
        compared = compare_with_baselines(model, trained, series, **options)
        found = compared.evaluations[compared.model]
    values: dict[str, Any] = vars(found) | {"embedding": model.delays._asdict()}
    if compared is not None:
        baselines = {name: e for name, e in compared.evaluations.items() if name != compared.model}
        values |= {
            "baselines": baselines, "better_baselines": compared.better, "baseline_verdict": compared.verdict,
            "left_out": compared.remarks, "table": compared.table(),
        }  # fmt: skip
    _show(arguments, values, lambda: text.evaluate(found, compared))


def run_sweep(arguments: Namespace) -> None:
    """Every point of a grid, kept as it is finished, and all of them as one table."""
    plan = read_plan(arguments.config)
    out = plan.out if arguments.out is None else Path(arguments.out)
    found = sweep(
        plan.grid, fixed=plan.fixed, out=out, retry_failed=arguments.retry_failed,
        keep_models=plan.keep_models, progress=_bar_wanted(),
        processes=plan.processes if arguments.processes is None else arguments.processes,
    )  # fmt: skip
    found.to_csv(out / "results.csv")
    values = {
        "config": arguments.config, "output": str(out), "results": str(out / "results.csv"),
        "points": len(found.rows), "computed": found.computed, "failed": len(found.failed),
        "rows": found.rows,
    }  # fmt: skip
    _show(arguments, values, lambda: text.sweep(found, values["results"]))


def run_reproduction(arguments: Namespace) -> None:
    """An experiment of the paper, with its tables and its figure."""
    found = reproduce(
        arguments.name, out=arguments.output, quick=arguments.quick, seeds=arguments.seeds,
        processes=arguments.processes, progress=_bar_wanted(),
    )  # fmt: skip
    files = [str(file) for each in found for file in each.files]
    values = {"name": arguments.name, "quick": arguments.quick, "files": files}
    values["results"] = [each.values() for each in found]
    _show(arguments, values, lambda: text.reproduction(found, arguments.quick))


def _columns_of(model: Forecaster, arguments: Namespace, file: str) -> np.ndarray:
    series, columns = longest(series_of(arguments, file)), len(model.scale)
    if series.shape[1] != columns:
        raise InvalidInputError(
            f"{file}: expected {columns} columns as in the series trained on, got {series.shape[1]}"
        )
    return series


COMMANDS: dict[str, Callable[[Namespace], None]] = {
    "demo": demo,
    "train": train,
    "analyze": analyze,
    "lyapunov": lyapunov,
    "gradients": gradients,
    "evaluate": evaluate_model,
    "sweep": run_sweep,
    "reproduce": run_reproduction,
}
