"""The commands: read files, call the library, print."""

from __future__ import annotations

import importlib.util
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import estimate_lyapunov, evaluate, fit, load, lyapunov_spectrum
from ..errors import InvalidInputError, ModelFileError
from ..forcing import Sparse
from ..report import read_series, run_demo, to_json
from ..report.delayed import measured
from ..timeseries import choose_delay, choose_dimension, embed
from ..training import Forecaster, compare_with_baselines
from . import text


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
    """A series in, a model file out."""
    target = Path(arguments.output)
    if target.suffix != ".npz":
        raise InvalidInputError(f"--output: expected a file name that ends in .npz, got {arguments.output!r}")
    if not target.parent.is_dir():
        raise ModelFileError(f"{target}: the folder {target.parent} is not there; make it first")
    raw = read_series(arguments.file)
    delay, dimension = _embedding(raw, arguments.delay, arguments.dimension)
    given = {
        "sequence_length": arguments.sequence_length, "epochs": arguments.epochs,
        "batch_size": arguments.batch_size, "learning_rate": arguments.learning_rate,
        "n_states": arguments.n_states,
    }  # fmt: skip
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if arguments.n_hidden is not None:
        options["cell_options"] = {"n_hidden": arguments.n_hidden}
    if arguments.tau is not None:
        options["forcing"] = Sparse(arguments.tau)
    model = fit(
        embed(raw, delay, dimension), cell=arguments.cell, dt=arguments.dt, seed=arguments.seed,
        progress=_bar_wanted(), **options,
    )  # fmt: skip
    model.settings["embedding"] = {"delay": delay, "dimension": dimension}
    model.save(target)
    values = {
        "output": str(target), "rows": len(raw), "columns": raw.shape[1], "delay": delay,
        "dimension": dimension, "tau": model.tau, "exponent": getattr(model.lyapunov, "exponent", None),
        "interval": getattr(model.lyapunov, "interval", None), "loss": model.history["loss"][-1],
        "best_update": model.best_update, "updates": len(model.history["loss"]),
        "validation": float(min(model.history["validation"])), "diverged_at": model.diverged_at,
        "settings": model.settings,
    }  # fmt: skip
    _show(arguments, values, lambda: text.train(values))


def _embedding(raw: Any, delay: int | None, dimension: int | None) -> tuple[int, int]:
    """Delay and copies; several columns are taken as the state unless told otherwise."""
    if dimension is None and (raw.shape[1] > 1 and delay is None):
        return 1, 1
    if dimension == 1:
        return 1, 1
    if delay is None:
        delay = choose_delay(raw)
    if dimension is None:
        dimension = max(2, choose_dimension(raw, delay))
    return delay, dimension


def analyze(arguments: Namespace) -> None:
    """The exponent of a series."""
    series = read_series(arguments.file)
    found = estimate_lyapunov(
        series, arguments.dt, seed=arguments.seed,
        delay="auto" if arguments.delay is None else arguments.delay,
        dimension="auto" if arguments.dimension is None else arguments.dimension,
    )  # fmt: skip
    values = {
        "rows": len(series), "columns": series.shape[1], "exponent": found.exponent,
        "interval": found.interval, "predictability_time": found.predictability_time,
        "recommended_tau": found.recommended_tau, "quality": found.quality, "delay": found.delay,
        "dimension": found.dimension, "theiler": found.theiler, "dt": found.dt,
        "fit_range": found.fit_range, "curve": found.curve,
    }  # fmt: skip
    _show(arguments, values, lambda: text.analyze(values))


def lyapunov(arguments: Namespace) -> None:
    """The spectrum of a model."""
    model = load(arguments.model)
    found = lyapunov_spectrum(
        model, steps=arguments.steps, k=arguments.k, dt=model.dt, seed=arguments.seed, progress=_bar_wanted()
    )
    values = {
        "exponents": found.exponents, "stderr": found.stderr, "units": found.units, "dt": model.dt,
        "kaplan_yorke": found.kaplan_yorke, "kaplan_yorke_stderr": found.kaplan_yorke_stderr,
        "entropy": found.entropy, "entropy_stderr": found.entropy_stderr, "steps": arguments.steps,
    }  # fmt: skip
    _show(arguments, values, lambda: text.lyapunov(values))


def evaluate_model(arguments: Namespace) -> None:
    """A model against a series, and beside the baselines if there is a series to fit them on."""
    network = load(arguments.model)
    model = measured(network)
    series = _columns_of(model, arguments.file)
    options: dict[str, Any] = {"horizon": arguments.horizon, "seed": arguments.seed}
    if arguments.train is None:
        compared, found = None, evaluate(model, series, **options)
    else:
        compared = compare_with_baselines(model, _columns_of(model, arguments.train), series, **options)
        found = compared.evaluations[compared.model]
    embedding = network.settings.get("embedding", {"delay": 1, "dimension": 1})
    values: dict[str, Any] = vars(found) | {"embedding": embedding}
    if model is not network:
        loop = evaluate(network, embed(series, **embedding), **options)
        values |= {"exponents": loop.exponents, "exponents_stderr": loop.exponents_stderr}
    if compared is not None:
        baselines = {name: e for name, e in compared.evaluations.items() if name != compared.model}
        values |= {
            "baselines": baselines, "better_baselines": compared.better, "verdict": compared.verdict,
            "left_out": compared.remarks, "table": compared.table(),
        }  # fmt: skip
    _show(arguments, values, lambda: text.evaluate(values))


def _columns_of(model: Forecaster, file: str) -> np.ndarray:
    series, columns = read_series(file), len(model.scale)
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
    "evaluate": evaluate_model,
}
