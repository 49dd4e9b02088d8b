"""A training on disk: all that decides how it goes on, so that a resumed run gives the same bits."""

from __future__ import annotations

import glob
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidInputError, ModelFileError
from . import npz_file
from .validation import Checkpoint

if TYPE_CHECKING:
    from .run import Run

_KIND = "checkpoint"


def fingerprint(run: Run) -> str:
    """Of everything that is given from outside: settings, data, and the network before the first update."""
    trainer = run.trainer
    digest = hashlib.sha256(json.dumps(trainer.settings, sort_keys=True, default=repr).encode())
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
        "validation_exponents": np.array(validation.exponents, np.float64),
        "finalist_scores": np.array([c.score for c in validation.finalists]),
    }
    for k, finalist in enumerate(validation.finalists):
        arrays |= _flat(f"finalist{k}.cell", finalist.cell) | _flat(f"finalist{k}.latent", finalist.latent)
    header = {
        "fingerprint": run.fingerprint, "epoch": run.epoch, "finished": run.finished,
        "optimizer_updates": trainer.optimizer.updates, "alpha": trainer.alpha,
        "diverged_at": trainer.diverged_at, "generator": trainer.rng.bit_generator.state,
        "finalist_updates": [c.update for c in validation.finalists],
    }  # fmt: skip
    npz_file.write(path, _KIND, header, arrays)


def resume(run: Run, path: Path) -> None:
    """Put a run into the state of a file, if there is one.

    Raises ModelFileError if the file is damaged, InvalidInputError if it belongs to another training.
    """
    for leftover in glob.glob(f"{glob.escape(str(path))}*.tmp"):  # of a writer that was killed
        Path(leftover).unlink(missing_ok=True)
    if not path.exists():
        return
    header, arrays = npz_file.read(path, _KIND)
    if header.get("fingerprint") != run.fingerprint:
        raise InvalidInputError(
            f"checkpoint: {path} belongs to a training with other data or options; give another file, or "
            "delete it to begin anew"
        )
    try:
        _restore(run, header, arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{path}: expected a complete checkpoint, got a flaw: {error!r}") from None


def _restore(run: Run, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    trainer, validation = run.trainer, run.validation
    finalists = [
        Checkpoint(
            float(score), int(update), _same(f"finalist{k}.cell", trainer.cell, arrays),
            _same(f"finalist{k}.latent", trainer.latent, arrays),
        )
        for k, (score, update) in enumerate(
            zip(arrays["finalist_scores"], header["finalist_updates"], strict=True)
        )
    ]  # fmt: skip
    generator = np.random.default_rng(0)
    generator.bit_generator.state = header["generator"]
    cell, latent = _same("cell", trainer.cell, arrays), _same("latent", trainer.latent, arrays)
    moments = trainer.optimizer
    means, squares = _same_list("mean", moments.mean, arrays), _same_list("square", moments.square, arrays)
    # from here on nothing can fail: a damaged file leaves the run as it was
    for mine, stored in zip(
        (*trainer.cell, *trainer.latent, *moments.mean, *moments.square),
        (*cell, *latent, *means, *squares),
        strict=True,
    ):
        mine[...] = stored
    moments.updates, trainer.alpha = int(header["optimizer_updates"]), float(header["alpha"])
    trainer.diverged_at, trainer.rng = header["diverged_at"], generator
    trainer.losses, trainer.norms = arrays["losses"].tolist(), arrays["norms"].tolist()
    validation.updates = arrays["validation_updates"].tolist()
    validation.scores = arrays["validation_scores"].tolist()
    validation.exponents = list(arrays["validation_exponents"])
    validation.finalists = finalists
    run.epoch, run.finished = int(header["epoch"]), bool(header["finished"])


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
    return array.copy()
