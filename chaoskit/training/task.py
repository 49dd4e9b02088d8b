"""One call of `fit`: its arguments checked, and the runs and the model that come of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import _check
from .._identity import identity
from ..errors import ChaoskitWarning, DivergenceError, InvalidInputError, ModelFileError
from ..gradients.backpropagation import checked_schedule
from ..gradients.latent import Latent, ObservedStates
from ..kernels import packing
from .data import prepare_data
from .network import Network, initial_network
from .options import checked_options, choose_forcing, choose_length, float_type, longest_interval
from .penalties import as_penalties, check_penalties
from .result import FitResult
from .run import Run
from .trainer import Trainer
from .validation import Checkpoint, Validation

_HORIZON = 20  # steps of forecasts where no forcing interval says how far to look
_NO_HISTORY: Mapping[str, np.ndarray] = {"loss": np.zeros(0)}
_ADVICE = "try a smaller learning_rate, a smaller forcing interval or a smaller gradient_clip"
# options that say how far a training goes and what is written, but change no bit of it
_INDECISIVE = ("restarts", "patience", "checkpoint_interval", "threads", "validation_measure", "columns")


class Task:
    """What the restarts of one call share.

    Parameters
    ----------
    given : dict
        The arguments of `fit` by name.
    """

    def __init__(self, given: dict[str, Any]):
        self.given = given
        self.data = prepare_data(
            given["series"], given["inputs"], given["embedding"], given["validation_share"],
            float_type(given["dtype"]),
        )  # fmt: skip
        self.dt, self.seed = (
            _check.time_unit(given["dt"], given["series"]),
            _check.integer(given["seed"], "seed"),
        )
        if not isinstance(given["cell_options"], (Mapping, type(None))):
            raise InvalidInputError(
                f"cell_options: expected a mapping of names to values, got {given['cell_options']!r}"
            )
        self.options = checked_options(given)
        self.cell_options = dict(given["cell_options"] or {})
        held_out = given["validation_share"] > 0
        trained_on = self.data.series[: self.data.judged_from] if held_out else self.data.judged
        self.forcing, self.estimate = choose_forcing(given["forcing"], trained_on, self.dt)
        self.tau = getattr(self.forcing, "tau", None)
        self.length = choose_length(
            given["sequence_length"], longest_interval(self.forcing), self.data.longest
        )
        checked_schedule(self.forcing, self.length)
        self.penalties = as_penalties(given["regularization"])
        warm_up = 0 if given["latent_state"] == "inversion" else min(self.length, len(self.data.judged) // 4)
        self.context_length = self.data.embedding.span + 1 + warm_up

    def begin(self, restart: int) -> Run:
        """The run of a restart, in the state of its checkpoint if there is one."""
        seed = self.seed + restart
        rng = np.random.default_rng(seed)
        network = initial_network(
            self.given["cell"], self.given["n_states"], self.cell_options, self.given["latent_state"],
            self.data, rng,
        )  # fmt: skip
        check_penalties(self.penalties, *network)
        sizes = packing.sizes_of(network.cell)
        if self.options["track_exponents"] > sizes.nx:
            raise InvalidInputError(
                f"track_exponents: expected at most {sizes.nx}, the number of states, got "
                f"{self.options['track_exponents']}"
            )
        settings = self._settings(network, seed)
        trainer = Trainer(
            *network, self.data, self.forcing, self.penalties, settings, self._decisive(settings), rng
        )
        validation = Validation(
            self.data, lambda cell, latent: self.model(settings, cell, latent),
            self.given["validation_measure"], self.context_length, self.tau or _HORIZON,
            self.options["track_exponents"],
        )  # fmt: skip
        file = _file(self.given["checkpoint"], restart, self.options["restarts"])
        return Run(trainer, validation, self.given["on_epoch"], file)

    def _settings(self, network: Network, seed: int) -> dict[str, Any]:
        """Plain values for the trainer, and for those who want to know what a model came from."""
        alone = self.options["restarts"] == 1  # a single training divides its batches among the threads
        return {
            "cell": type(network.cell).__name__, "n_states": packing.sizes_of(network.cell).n,
            "cell_options": self.cell_options, "forcing": repr(self.forcing),
            "sequence_length": self.length, **self.options, "dtype": str(self.data.rows.dtype),
            "threads": (self.options["threads"] or 1) if alone else 1, "dt": self.dt, "seed": seed,
            "n_rows": len(self.data.series), "embedding": self.data.embedding._asdict(),
            "latent_state": self.given["latent_state"], "regularization": repr(self.penalties),
            "validation_share": float(self.given["validation_share"]),
            "segments": len(self.data.stretches), "columns": list(self.data.names),
        }  # fmt: skip

    def _decisive(self, settings: dict[str, Any]) -> dict[str, Any]:
        """What decides the bits of a run."""
        kept = {name: value for name, value in settings.items() if name not in _INDECISIVE}
        return kept | {
            "stretches": repr(self.data.stretches), "batch_threads": settings["threads"],
            "forcing": identity(self.forcing),
            "regularization": identity(self.penalties),
            "validation_measure": identity(self.given["validation_measure"]),
        }  # fmt: skip

    def model(
        self,
        settings: dict[str, Any],
        cell: Any,
        latent: Latent,
        history: Mapping[str, np.ndarray] = _NO_HISTORY,
        best_update: int = 0,
        diverged_at: int | None = None,
    ) -> FitResult:
        """The model of these parameters, in float64."""
        data, length = self.data, self.context_length
        return FitResult(
            cell=type(cell)(*(a.astype(np.float64) for a in cell)),
            decoder=latent.readout(settings["n_states"]).astype(np.float64), mean=data.scaling.mean,
            scale=data.scaling.scale, context=data.judged[-length:].copy(), dt=self.dt, tau=self.tau,
            lyapunov=self.estimate, history=dict(history), settings=settings, best_update=best_update,
            diverged_at=diverged_at, delays=data.embedding,
            initial_map=latent[0].astype(np.float64) if isinstance(latent, ObservedStates) else None,
            context_inputs=data.judged_inputs[len(data.judged) - length : -1].copy(),
            input_mean=data.input_scaling.mean, input_scale=data.input_scaling.scale,
        )  # fmt: skip

    def best_of(self, runs: list[Run], checkpoints: list[Checkpoint | None]) -> FitResult:
        """The model of the best run, with a word about divergences."""
        kept = [(c, run) for c, run in zip(checkpoints, runs, strict=True) if c is not None]
        if not kept:
            raise DivergenceError(
                f"training: the loss left the finite numbers in epoch {runs[0].epoch} (update "
                f"{runs[0].trainer.diverged_at}), before any model was worth keeping; {_ADVICE}",
                step=len(runs[0].trainer.losses),
            )
        best, run = min(kept, key=lambda pair: pair[0].score)
        history = run.history()
        if len(runs) > 1:
            history["restart_seed"] = np.array([r.trainer.settings["seed"] for r in runs])
            scores = [math.inf if c is None else c.score for c in checkpoints]
            history["restart_validation"] = np.array(scores)
        diverged_at = run.trainer.diverged_at
        if diverged_at is not None:
            warnings.warn(
                f"training diverged in epoch {run.epoch} (update {diverged_at}); the best model so far, of "
                f"update {best.update}, is kept; {_ADVICE}",
                ChaoskitWarning,
                stacklevel=3,
            )
        elif math.isinf(best.score):
            warnings.warn(
                "training: no checkpoint could be told from another, because the free run of each diverges "
                f"or stands still; the last one is kept; train longer, or {_ADVICE}",
                ChaoskitWarning,
                stacklevel=3,
            )
        return self.model(run.trainer.settings, best.cell, best.latent, history, best.update, diverged_at)


def _file(path: Any, restart: int, restarts: int) -> Path | None:
    """Where a run keeps its state; restarts have a file each."""
    if path is None:
        return None
    try:
        file = Path(path)
    except TypeError:
        file = Path()
    if not file.name or "\0" in str(file):
        raise InvalidInputError(f"checkpoint: expected a file name, got {path!r}")
    if not file.parent.is_dir():
        raise ModelFileError(f"checkpoint: {file}: the folder {file.parent} is not there; make it first")
    return file if restarts == 1 else file.with_name(f"{file.stem}.{restart}{file.suffix}")
