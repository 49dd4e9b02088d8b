"""Arguments of `fit`: checked, with what is left to choose chosen, as one mapping of plain values."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .. import _check
from .._device import checked_device
from ..errors import ChaoskitWarning, InvalidInputError
from ..forcing import Forcing, Never
from ..gradients.backpropagation import check_forcing
from ..timeseries import DataLyapunov, estimate_lyapunov, recommended_forcing, window_length
from .optimizer import DECAYS, optimizer_class
from .validation import MEASURES


def checked_options(given: dict[str, Any]) -> dict[str, Any]:
    """Options of the training in `given`, each checked by itself."""
    integers = {"batch_size": 1, "epochs": 1, "batches_per_epoch": 1, "restarts": 1, "checkpoint_interval": 1}
    checked: dict[str, Any] = {k: _check.integer(given[k], k, least) for k, least in integers.items()}
    for name in ("learning_rate", "final_learning_rate"):
        checked[name] = _check.positive(given[name], name)
    for name in ("gradient_clip", "value_clip"):
        checked[name] = _clip(given[name], name)
    checked["input_noise"] = _check.not_negative(given["input_noise"], "input_noise")
    checked["weight_decay"] = (
        None if given["weight_decay"] is None else _check.not_negative(given["weight_decay"], "weight_decay")
    )
    for name in ("patience", "threads", "checkpoint_every"):
        checked[name] = None if given[name] is None else _check.integer(given[name], name, 1)
    checked["track_exponents"] = _check.integer(given["track_exponents"], "track_exponents")
    checked["device"] = checked_device(given["device"])
    optimizer_class(given["optimizer"])
    _check.choice(given["learning_rate_decay"], "learning_rate_decay", DECAYS)
    if given["on_epoch"] is not None and not callable(given["on_epoch"]):
        raise InvalidInputError(
            f"on_epoch: expected a function of a TrainingState, got {given['on_epoch']!r}"
        )
    measure = given["validation_measure"]
    if not callable(measure) and not (isinstance(measure, str) and measure in MEASURES):
        raise InvalidInputError(
            f"validation_measure: expected one of {MEASURES} or a function of a model, a series and its "
            f"inputs, got {measure!r}"
        )
    checked["validation_measure"] = (
        getattr(measure, "__qualname__", repr(measure)) if callable(measure) else measure
    )
    return checked | {k: given[k] for k in ("optimizer", "learning_rate_decay")}


def _clip(value: Any, name: str) -> float:
    """A number above 0; infinity switches clipping off."""
    infinite = np.ndim(value) == 0 and not isinstance(value, str) and value == math.inf
    return math.inf if infinite else _check.positive(value, name)


def choose_forcing(forcing: Any, data: np.ndarray, dt: float) -> tuple[Forcing, DataLyapunov | None]:
    """The forcing asked for, or the one that the series itself asks for."""
    if not isinstance(forcing, str):
        check_forcing(forcing)
        if isinstance(forcing, Never):
            warnings.warn(
                "Never(): gradients of a chaotic series grow without bound over the window; a window "
                "restarts from data, so a short one hides the failure",
                ChaoskitWarning,
                stacklevel=3,
            )
        return forcing, None
    if forcing != "auto":
        raise InvalidInputError(f'forcing: expected "auto" or an object such as Sparse(tau), got {forcing!r}')
    estimate = estimate_lyapunov(data, dt)
    chosen = recommended_forcing(estimate)
    if chosen is None:
        raise InvalidInputError(
            f"forcing: no predictability time in this series ({estimate.quality}; exponent "
            f"{estimate.exponent:.3g}, interval {estimate.interval[0]:.3g} to {estimate.interval[1]:.3g}); "
            "give the interval yourself: forcing=Sparse(tau)"
        )
    return chosen, estimate


def longest_interval(forcing: Forcing) -> int | None:
    """The largest number of steps between two forcings, None for a scheme without intervals."""
    tau = getattr(forcing, "tau", None)
    return None if tau is None else tau + getattr(forcing, "jitter", 0)


def choose_length(value: int | str, tau: int | None, rows: int) -> int:
    """Steps of a training window; longer than the forcing interval, shorter than the series."""
    longest = rows - 1
    if isinstance(value, str):
        if value != "auto":
            raise InvalidInputError(f'sequence_length: expected "auto" or a number of steps, got {value!r}')
        length = min(window_length(tau), longest)
    else:
        length = _check.integer(value, "sequence_length", 2)
    if length > longest:
        raise InvalidInputError(
            f"sequence_length: expected at most {longest} steps for {rows} rows, got {length}; give a "
            "shorter one or a longer series"
        )
    if tau is not None and tau >= length:
        raise InvalidInputError(
            f"forcing: the interval tau={tau} is not smaller than the sequence length {length}; a window "
            "restarts from data, so that the interval would never be reached: give a longer sequence_length"
        )
    return length
