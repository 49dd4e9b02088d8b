"""Trained models as files: which arrays and header fields, and whether what is read fits together."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from .. import _check, cells
from ..cells._validate import checked_cell
from ..errors import InvalidInputError, ModelFileError
from ..gradients.decoder import checked_decoder
from ..gradients.latent import ObservedStates, checked_latent
from ..kernels import packing
from ..timeseries import DataLyapunov
from . import npz_file
from .data import Embedding
from .result import FitResult

_KIND = "model"
_ROWS = ("mean", "scale", "context", "context_inputs", "input_mean", "input_scale")
_HISTORY = {  # columns, and the one that says when
    "update": "update", "loss": "update", "gradient_norm": "update",
    "validation_update": "validation_update", "validation": "validation_update",
}  # fmt: skip


def save(model: FitResult, path: Any) -> None:
    """Write the model to one .npz file, as a whole or not at all."""
    cls = type(model.cell)
    if getattr(cells, cls.__name__, None) is not cls:
        raise ModelFileError(f"{cls.__name__}: only cells of chaoskit.cells can be saved")
    try:
        checked_decoder(model.decoder, packing.sizes_of(model.cell).n, model.cell[0].dtype)
    except InvalidInputError as error:
        raise ModelFileError(
            f"{path}: this model could not be loaded again: {error}; train again with a "
            "DecoderConditionPenalty, a smaller learning_rate, or without columns that are nearly the same"
        ) from None
    arrays = {f"cell.{name}": array for name, array in model.cell._asdict().items()}
    arrays |= {"decoder": model.decoder} | {name: getattr(model, name) for name in _ROWS}
    arrays |= {f"history.{name}": values for name, values in model.history.items()}
    header: dict[str, Any] = {
        "cell": cls.__name__, "dt": model.dt, "tau": model.tau, "settings": model.settings,
        "best_update": model.best_update, "diverged_at": model.diverged_at, "lyapunov": None,
        "delays": list(model.delays), "observed_states": model.initial_map is not None,
    }  # fmt: skip
    if model.initial_map is not None:
        arrays["initial_map"] = model.initial_map
    if model.lyapunov is not None:
        header["lyapunov"] = asdict(model.lyapunov)
        arrays["lyapunov.curve"] = header["lyapunov"].pop("curve")
    npz_file.write(path, _KIND, header, arrays)


def load(path: Any) -> FitResult:
    """Read a model saved by `FitResult.save`.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    FitResult

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, of another version, or holds arrays that do not fit together.
        Nothing in the file is ever executed.
    """
    header, arrays = npz_file.read(path, _KIND)
    try:
        return _model(header, arrays, str(path))
    except (InvalidInputError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: expected a complete chaoskit model, got a flaw: {error}") from None


def _model(header: dict[str, Any], arrays: dict[str, np.ndarray], path: str) -> FitResult:
    cls = getattr(cells, str(header["cell"]), None)
    if cls not in cells.ALL_CELLS:
        raise InvalidInputError(f"unknown cell {header['cell']!r}")
    cell = checked_cell(cls(*(arrays[f"cell.{name}"] for name in cls._fields)))
    sizes = packing.sizes_of(cell)
    decoder = checked_decoder(arrays["decoder"], sizes.n, cell[0].dtype)
    delays = Embedding(*(_check.integer(value, "delays", 1) for value in header["delays"]))
    initial_map = None
    if header["observed_states"]:
        latent = ObservedStates(arrays["initial_map"])
        initial_map = checked_latent(latent, sizes.n, sizes.nx, cell[0].dtype)[0]
        if initial_map.shape[1] != len(decoder):
            raise InvalidInputError("initial_map: expected as many columns as the decoder has rows")
    rows = _rows(arrays, len(decoder), delays, sizes.inputs)
    if not isinstance(header["settings"], dict):
        raise InvalidInputError("settings: expected a mapping")
    counts: dict[str, Any] = {"best_update": _check.integer(header["best_update"], "best_update")}
    for name in ("tau", "diverged_at"):
        counts[name] = None if header[name] is None else _check.integer(header[name], name, 1)
    return FitResult(
        cell=cell, decoder=decoder, **rows, dt=_check.positive(header["dt"], "dt"), **counts,
        lyapunov=_estimate(header, arrays), history=_history(arrays), settings=header["settings"],
        initial_map=initial_map, delays=delays, path=path,
    )  # fmt: skip


def _rows(arrays: dict[str, np.ndarray], width: int, delays: Embedding, inputs: int) -> dict[str, np.ndarray]:
    """Series-like arrays, checked against the decoder, the embedding and the cell."""
    D = width // delays.dimension
    found = {name: _check.array(arrays[name], name, np.float64) for name in _ROWS}
    length = len(found["context"]) if found["context"].ndim == 2 else 0
    wanted = {
        "mean": (D,), "scale": (D,), "context": (length, D), "context_inputs": (length - 1, inputs),
        "input_mean": (inputs,), "input_scale": (inputs,),
    }  # fmt: skip
    for name, shape in wanted.items():
        if found[name].shape != shape:
            raise InvalidInputError(f"{name}: expected shape {shape}, got {found[name].shape}")
    if D * delays.dimension != width or length <= delays.span:
        raise InvalidInputError("delays: expected an embedding that fits the decoder and the context")
    if not ((found["scale"] > 0).all() and (found["input_scale"] > 0).all()):
        raise InvalidInputError("scale: expected numbers above 0")
    return found


def _estimate(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> DataLyapunov | None:
    estimate = header["lyapunov"]
    if estimate is None:
        return None
    curve, quality, tau = arrays["lyapunov.curve"], estimate["quality"], estimate["recommended_tau"]
    if curve.ndim != 2 or curve.shape[1] != 2 or curve.dtype.kind != "f" or not isinstance(quality, str):
        raise InvalidInputError("lyapunov: expected a curve of two columns and a quality in words")
    checked: dict[str, Any] = {name: _number(estimate[name]) for name in ("exponent", "predictability_time")}
    for name in ("interval", "fit_range", "fit"):
        first, second = estimate[name]
        checked[name] = _number(first), _number(second)
    for name, least in (("delay", 1), ("dimension", 1), ("theiler", 0)):
        checked[name] = _check.integer(estimate[name], f"lyapunov.{name}", least)
    checked["recommended_tau"] = None if tau is None else _check.integer(tau, "lyapunov.recommended_tau", 1)
    dt = _check.positive(estimate["dt"], "lyapunov.dt")
    estimates = estimate.get("estimates", {})  # not in the files of 0.1.0
    checked["estimates"] = {str(name): _number(value) for name, value in dict(estimates).items()}
    checked["noise_level"] = _number(estimate.get("noise_level", math.nan))
    for name in ("agreement", "origin"):
        if not isinstance(estimate.get(name, ""), str):
            raise InvalidInputError(f"lyapunov.{name}: expected words, got {estimate[name]!r}")
    return DataLyapunov(**{**estimate, **checked, "quality": quality, "dt": dt, "curve": curve})


def _number(value: Any) -> float:
    """A number of an estimate, which may be NaN or infinite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInputError(f"lyapunov: expected a number, got {value!r}")
    return float(value)


def _history(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    prefix = "history."
    history = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
    for name in (*_HISTORY, *history):
        if history[name].ndim != (2 if name == "exponents" else 1) or history[name].dtype.kind not in "fi":
            raise InvalidInputError(f"history.{name}: expected one column of numbers")
    for name, when in _HISTORY.items():
        if len(history[name]) != len(history[when]):
            raise InvalidInputError(f"history.{name}: expected as many numbers as {when} has")
    return history
