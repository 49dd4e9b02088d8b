"""A training on disk: all that decides how it goes on, so that a resumed run gives the same bits."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import real_path, remove_leftovers
from ..errors import InvalidInputError, ModelFileError
from . import npz_file
from .validation import Checkpoint

if TYPE_CHECKING:
    from .run import Run
    from .trainer import Trainer

_KIND = "checkpoint"


def fingerprint(trainer: Trainer) -> str:
    """Of everything given from outside that decides the bits: options, data, and the first network."""
    digest = hashlib.sha256(json.dumps(trainer.decisive, sort_keys=True, default=repr).encode())
    data = trainer.data
    for array in (data.series, data.inputs, *trainer.cell, *trainer.latent):
        digest.update(repr((array.shape, array.dtype)).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def save(run: Run, path: Path) -> None:
    """Write the state of a run, as a whole or not at all."""
    trainer, validation = run.trainer, run.validation
    arrays = _flat("cell", trainer.cell) | _flat("latent", trainer.latent)
    arrays |= _numbered("mean", trainer.optimizer.mean) | _numbered("square", trainer.optimizer.square)
    arrays |= {"losses": np.array(trainer.losses), "norms": np.array(trainer.norms)}
    arrays |= {
        "validation_updates": np.array(validation.updates, np.int64),
        "validation_scores": np.array(validation.scores, np.float64),
        "validation_exponents": np.array(validation.exponents, np.float64).reshape(
            len(validation.exponents), validation.n_exponents
        ),
        "finalist_scores": np.array([c.score for c in validation.finalists]),
        "finalist_updates": np.array([c.update for c in validation.finalists], np.int64),
    }
    for k, finalist in enumerate(validation.finalists):
        arrays |= _flat(f"finalist{k}.cell", finalist.cell) | _flat(f"finalist{k}.latent", finalist.latent)
    header = {
        "fingerprint": run.fingerprint, "epoch": run.epoch,
        "optimizer_updates": trainer.optimizer.updates, "alpha": trainer.alpha,
        "diverged_at": trainer.diverged_at, "generator": trainer.rng.bit_generator.state,
    }  # fmt: skip
    npz_file.write(path, _KIND, header, arrays)


def resume(run: Run, path: Path) -> None:
    """Put a run into the state of a file, if there is one.

    Raises ModelFileError if the file is damaged, InvalidInputError if it belongs to another training.
    """
    if path.exists():
        header, arrays = npz_file.read(path, _KIND)
        if header.get("fingerprint") != run.fingerprint:
            raise InvalidInputError(
                f"checkpoint: {path} belongs to a training with other data or options; give another file, or "
                "delete it to begin anew"
            )
        try:
            _restore(run, header, arrays)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ModelFileError(f"{path}: expected a complete checkpoint, got a flaw: {error!r}") from None
    target = real_path(path)
    remove_leftovers(target.parent, target.name)


def _restore(run: Run, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    trainer, validation = run.trainer, run.validation
    per_epoch, epochs = trainer.settings["batches_per_epoch"], trainer.settings["epochs"]
    losses, norms = _row(arrays, "losses"), _row(arrays, "norms")
    epoch = _count(header["epoch"], 1, epochs)
    diverged = header["diverged_at"]
    if diverged is not None:
        diverged = _count(diverged, len(losses), len(losses))
    if len(norms) != len(losses) or (diverged is None and len(losses) != epoch * per_epoch):
        raise ValueError(f"{len(losses)} losses in {epoch} epochs")
    updates = _count(header["optimizer_updates"], 0, len(losses))
    alpha = float(header["alpha"])
    if not (math.isnan(alpha) or 0.0 <= alpha <= 1.0):
        raise ValueError(f"alpha {alpha}")
    generator = np.random.default_rng(0)
    generator.bit_generator.state = header["generator"]
    checks, scores = _row(arrays, "validation_updates", np.int64), _row(arrays, "validation_scores")
    exponents = arrays["validation_exponents"]
    wanted = (len(scores) if validation.n_exponents else 0, validation.n_exponents)
    if len(checks) != len(scores) or exponents.shape != wanted or exponents.dtype != np.float64:
        raise ValueError("checks of different number")
    finalists = _finalists(trainer, arrays)
    moments = trainer.optimizer
    stored = (
        *_same("cell", trainer.cell, arrays), *_same("latent", trainer.latent, arrays),
        *_same_list("mean", moments.mean, arrays), *_same_list("square", moments.square, arrays),
    )  # fmt: skip
    # from here on nothing can fail: a damaged file leaves the run as it was
    mine = (*trainer.cell, *trainer.latent, *moments.mean, *moments.square)
    for array, value in zip(mine, stored, strict=True):
        array[...] = value
    moments.updates, trainer.alpha = updates, alpha
    trainer.diverged_at, trainer.rng = diverged, generator
    trainer.losses, trainer.norms = losses.tolist(), norms.tolist()
    validation.updates, validation.scores = checks.tolist(), scores.tolist()
    validation.exponents, validation.finalists, run.epoch = list(exponents), finalists, epoch


def _finalists(trainer: Trainer, arrays: dict[str, np.ndarray]) -> list[Checkpoint]:
    scores, updates = _row(arrays, "finalist_scores"), _row(arrays, "finalist_updates", np.int64)
    return [
        Checkpoint(
            float(score), int(update), _same(f"finalist{k}.cell", trainer.cell, arrays),
            _same(f"finalist{k}.latent", trainer.latent, arrays),
        )
        for k, (score, update) in enumerate(zip(scores, updates, strict=True))
    ]  # fmt: skip


def _count(value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{value!r} where a number from {least} to {most} is wanted")
    return value


def _row(arrays: dict[str, np.ndarray], name: str, dtype: Any = np.float64) -> np.ndarray:
    array = arrays[name]
    if array.ndim != 1 or array.dtype != dtype:
        raise ValueError(f"{name} has shape {array.shape} and dtype {array.dtype}")
    return array


def _flat(prefix: str, values: Any) -> dict[str, np.ndarray]:
    return {f"{prefix}.{name}": array for name, array in values._asdict().items()}


def _numbered(prefix: str, values: Any) -> dict[str, np.ndarray]:
    return {f"{prefix}.{k}": array for k, array in enumerate(values)}


def _same(prefix: str, like: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Arrays of the file in the class, shapes and dtypes of `like`."""
    return type(like)(
        *(_checked(arrays[f"{prefix}.{name}"], array, name) for name, array in like._asdict().items())
    )


def _same_list(prefix: str, like: Any, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [_checked(arrays[f"{prefix}.{k}"], array, prefix) for k, array in enumerate(like)]


def _checked(array: np.ndarray, like: np.ndarray, name: str) -> np.ndarray:
    if array.shape != like.shape or array.dtype != like.dtype:
        raise ValueError(f"{name} has shape {array.shape} and dtype {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is not finite")
    return array.copy()
