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
from ..forcing import AdaptiveGeneralized, Generalized, Never, Sparse, Truncated, Windowed
from ..report import read_series, run_demo, to_json
from ..timeseries import choose_delay, choose_dimension
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
    given = {
        "sequence_length": arguments.sequence_length, "epochs": arguments.epochs,
        "batch_size": arguments.batch_size, "learning_rate": arguments.learning_rate,
        "n_states": arguments.n_states, "checkpoint": arguments.checkpoint, "patience": arguments.patience,
    }  # fmt: skip
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if arguments.n_hidden is not None:
        options["cell_options"] = {"n_hidden": arguments.n_hidden}
    if arguments.inputs is not None:
        options["inputs"] = read_series(arguments.inputs)
    model = fit(
        raw, cell=arguments.cell, dt=arguments.dt, seed=arguments.seed, forcing=_forcing(arguments),
        embedding=_embedding(raw, arguments.delay, arguments.dimension), optimizer=arguments.optimizer,
        latent_state=arguments.latent_state, validation_share=arguments.validation_share,
        restarts=arguments.restarts, progress=_bar_wanted(), **options,
    )  # fmt: skip
    model.save(target)
    values = {
        "output": str(target), "rows": len(raw), "columns": raw.shape[1], "delay": model.delays.delay,
        "dimension": model.delays.dimension, "tau": model.tau, "forcing": model.settings["forcing"],
        "exponent": getattr(model.lyapunov, "exponent", None),
        "interval": getattr(model.lyapunov, "interval", None), "loss": model.history["loss"][-1],
        "best_update": model.best_update, "updates": len(model.history["loss"]),
        "validation": float(min(model.history["validation"])), "diverged_at": model.diverged_at,
        "settings": model.settings,
    }  # fmt: skip
    _show(arguments, values, lambda: text.train(values))


def _forcing(arguments: Namespace) -> Any:
    """The forcing of --forcing, --tau and --alpha."""
    name, tau, alpha = arguments.forcing, arguments.tau, arguments.alpha
    if alpha is not None and name != "generalized":
        raise InvalidInputError("--alpha: expected with --forcing generalized only")
    if tau is not None and name not in ("sparse", "windowed", "truncated"):
        raise InvalidInputError("--tau: expected with --forcing sparse, windowed or truncated only")
    if name == "sparse":
        return "auto" if tau is None else Sparse(tau)
    if name == "adaptive":
        return AdaptiveGeneralized()
    if name == "never":
        return Never()
    value = alpha if name == "generalized" else tau
    if value is None:
        option = "--alpha" if name == "generalized" else "--tau"
        raise InvalidInputError(f"--forcing {name}: expected {option} with it")
    return {"generalized": Generalized, "windowed": Windowed, "truncated": Truncated}[name](value)


def _embedding(raw: np.ndarray, delay: int | None, dimension: int | None) -> tuple[int, int] | None:
    """Delay and copies; several columns are taken as the state unless told otherwise."""
    if dimension == 1 or (dimension is None and raw.shape[1] > 1 and delay is None):
        return None
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


def evaluate_model(arguments: Namespace) -> None:
    """A model against a series, and beside the baselines if there is a series to fit them on."""
    model = load(arguments.model)
    series = _columns_of(model, arguments.file)
    options: dict[str, Any] = {"horizon": arguments.horizon, "seed": arguments.seed}
    if arguments.inputs is not None:
        options["inputs"] = read_series(arguments.inputs)
    if arguments.train is None:
        compared, found = None, evaluate(model, series, **options)
    else:
        compared = compare_with_baselines(model, _columns_of(model, arguments.train), series, **options)
        found = compared.evaluations[compared.model]
    values: dict[str, Any] = vars(found) | {"embedding": model.delays._asdict()}
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
