"""From the arguments of `chaoskit train` to those of `fit`."""

from __future__ import annotations

import ast
import inspect
import math
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import _check, fit
from .._labelled import TimeSeries
from ..errors import InvalidInputError, ModelFileError
from ..forcing import AdaptiveGeneralized, Annealed, Generalized, Never, Sparse, Truncated, Windowed
from ..report import read_series
from ..timeseries import choose_delay, choose_dimension

# What each way of forcing takes from the command line.
_TAKEN = {
    "sparse": ("tau", "jitter"), "annealed": ("tau", "start"), "generalized": ("alpha",),
    "adaptive": ("estimator",), "windowed": ("tau",), "truncated": ("tau",), "never": (),
}  # fmt: skip
FORCINGS = tuple(_TAKEN)
FORCING_OPTIONS = ("tau", "alpha", "start", "jitter", "estimator")
# Keywords of `fit` that have an option of their own, or that no text can give.
_OWN = {
    "series", "cell", "n_states", "cell_options", "forcing", "sequence_length", "dt", "batch_size", "epochs",
    "learning_rate", "seed", "progress", "optimizer", "on_epoch", "inputs", "embedding", "latent_state",
    "regularization", "validation_share", "patience", "restarts", "checkpoint",
}  # fmt: skip


def checked_target(arguments: Namespace) -> Path:
    """Where the model goes, before any time is spent on it; with a report it need not be said."""
    if arguments.output is None:
        if arguments.report is None:
            raise InvalidInputError("--output: expected a file for the model, or --report; give one of them")
        arguments.output = f"{Path(arguments.file).name.partition('.')[0]}-model.npz"
    target = Path(arguments.output)
    if target.suffix != ".npz":
        raise InvalidInputError(f"--output: expected a file name that ends in .npz, got {arguments.output!r}")
    if not target.parent.is_dir():
        raise ModelFileError(f"{target}: the folder {target.parent} is not there; make it first")
    if arguments.checkpoint is not None:
        file = Path(arguments.checkpoint)
        restarts = [file.with_name(f"{file.stem}.{k}{file.suffix}") for k in range(arguments.restarts)]
        if target.resolve() in {path.resolve() for path in (file, *restarts)}:
            raise InvalidInputError(
                f"--checkpoint: expected another file than --output, got {arguments.checkpoint!r}, which "
                "would be overwritten by the model"
            )
    return target


def fit_options(arguments: Namespace, read: TimeSeries) -> dict[str, Any]:
    """Keywords of `fit` for a series, but for the progress bar."""
    given = {
        "sequence_length": arguments.sequence_length, "epochs": arguments.epochs,
        "batch_size": arguments.batch_size, "learning_rate": arguments.learning_rate,
        "n_states": arguments.n_states, "checkpoint": arguments.checkpoint, "patience": arguments.patience,
    }  # fmt: skip
    options = {name: value for name, value in given.items() if value is not None}
    options |= _further(arguments.option)
    cell_options = _pairs(arguments.cell_option, "--cell-option")
    if arguments.n_hidden is not None:
        if "n_hidden" in cell_options:
            raise InvalidInputError("--cell-option: n_hidden is given by --n-hidden already; leave one out")
        cell_options["n_hidden"] = arguments.n_hidden
    if arguments.inputs is not None:
        options["inputs"] = read_series(arguments.inputs)
    return options | {
        "cell": arguments.cell, "cell_options": cell_options, "dt": read.dt, "seed": arguments.seed,
        "forcing": _forcing(arguments), "embedding": _embedding(arguments, read.longest),
        "optimizer": arguments.optimizer, "latent_state": arguments.latent_state,
        "validation_share": arguments.validation_share, "restarts": arguments.restarts,
    }  # fmt: skip


def _further(given: Sequence[str]) -> dict[str, Any]:
    """--option: keywords of `fit` without an option of their own."""
    names = [name for name in inspect.signature(fit).parameters if name not in _OWN]
    pairs = _pairs(given, "--option")
    for name in pairs:
        if name not in names:
            own = f"; {name} has an option of its own" if name in _OWN else ""
            raise InvalidInputError(f"--option: expected one of {', '.join(names)}, got {name!r}{own}")
    return pairs


def _pairs(given: Sequence[str], option: str) -> dict[str, Any]:
    """NAME=VALUE as a mapping."""
    pairs: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not (name and equals):
            raise InvalidInputError(f"{option}: expected NAME=VALUE, got {text!r}")
        if name in pairs:
            raise InvalidInputError(f"{option}: {name} is given twice; leave one out")
        pairs[name] = _value(value.strip())
    return pairs


def _value(text: str) -> Any:
    """A Python literal, infinity, or else the text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return math.inf if text.lower() in ("inf", "infinity") else text


def _forcing(arguments: Namespace) -> Any:
    """The forcing of --forcing and of the options that belong to it."""
    options = {option: getattr(arguments, option) for option in FORCING_OPTIONS}
    return forcing_of(arguments.forcing, {k: v for k, v in options.items() if v is not None})


def forcing_of(name: str, options: Mapping[str, Any], prefix: str = "--") -> Any:
    """A forcing by its name and the options that are given with it.

    `prefix` stands before the names of options where they are written.
    """
    for option in options:
        if option not in _TAKEN[name]:
            fitting = [forcing for forcing, taken in _TAKEN.items() if option in taken]
            listed = " or ".join(filter(None, (", ".join(fitting[:-1]), fitting[-1])))
            raise InvalidInputError(f"{prefix}{option}: expected with {prefix}forcing {listed} only")
    if name == "sparse":
        if "tau" not in options and "jitter" in options:
            raise InvalidInputError(f"{prefix}jitter: expected {prefix}tau with it")
        return Sparse(options["tau"], jitter=options.get("jitter", 0)) if "tau" in options else "auto"
    if name == "adaptive":
        return AdaptiveGeneralized(**options)
    if name == "never":
        return Never()
    needed = "alpha" if name == "generalized" else "tau"
    if needed not in options:
        raise InvalidInputError(f"{prefix}forcing {name}: expected {prefix}{needed} with it")
    if name == "annealed":
        return Annealed(options.get("start", 1), options["tau"])
    kinds = {"generalized": Generalized, "windowed": Windowed, "truncated": Truncated}
    return kinds[name](options[needed])


def _embedding(arguments: Namespace, raw: np.ndarray) -> Any:
    """Delay and copies; several columns are taken as the state unless told otherwise.

    What is left to choose comes from the rows that are trained on, not from those that judge.
    """
    delay, dimension = arguments.delay, arguments.dimension
    if dimension == 1 or (dimension is None and raw.shape[1] > 1 and delay is None):
        return None
    if delay is None and dimension is None:
        return "auto"
    share = _check.share(arguments.validation_share, "--validation-share")
    trained = raw[: round((1.0 - share) * len(raw))]
    if delay is None:
        delay = choose_delay(trained)
    if dimension is None:
        dimension = max(2, choose_dimension(trained, _check.integer(delay, "--delay", 1)))
    return delay, dimension
