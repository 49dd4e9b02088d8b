"""One network in training: parameters, optimizer, forcing, and the windows they see."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from ..cells import protocol
from ..forcing import AdaptiveGeneralized, Changing, Forcing, Generalized, Schedule
from ..gradients.backpropagation import Backpropagation
from ..gradients.latent import Latent
from ..kernels import packing
from ..kernels.windows import gather_windows
from .adaptive import growth
from .data import TrainingData
from .optimizer import learning_rate_at, optimizer_class
from .penalties import Penalty
from .together import Together


class TrainingState(NamedTuple):
    """What a callback sees after an epoch.

    Attributes
    ----------
    epoch, update : int
        Epochs and updates done.
    cell, decoder : cell, ndarray
        Copies of the parameters, in the arithmetic of the training.
    losses, gradient_norms : ndarray, shape (update,)
        So far.
    alpha : float or None
        Strength of adaptive generalized forcing.
    seed : int
        Of this run; restarts differ in it.
    validation : float or None
        The latest value of the measure of checkpoints.
    """

    epoch: int
    update: int
    cell: Any
    decoder: np.ndarray
    losses: np.ndarray
    gradient_norms: np.ndarray
    alpha: float | None
    seed: int
    validation: float | None


class Trainer:
    """Parameters, optimizer and the windows they see.

    `trained`: whether the arrays of the latent state (decoder or initial map) are parameters, too;
    `decisive`: what decides the bits of the training beside data and first network (see `checkpoint`);
    `step`: makes the gradients, for this run alone or for several at once.
    """

    def __init__(
        self,
        network: Any,
        latent: Latent,
        trained: bool,
        data: TrainingData,
        forcing: Forcing,
        penalties: tuple[Penalty, ...],
        settings: dict[str, Any],
        decisive: dict[str, Any],
        rng: np.random.Generator,
        step: Backpropagation | Together,
    ):
        length, batch = settings["sequence_length"], settings["batch_size"]
        self.cell = type(network)(*(np.array(a) for a in network))
        self.latent = type(latent)(*(np.array(a) for a in latent))
        self.trained, self.data, self.penalties = trained, data, penalties
        self.settings, self.decisive = settings, decisive
        self.length, self.batch, self.rng = length, batch, rng
        self.forcing: Any = forcing
        self.adaptive = isinstance(forcing, AdaptiveGeneralized)
        self.alpha = forcing.start if isinstance(forcing, AdaptiveGeneralized) else math.nan
        self.step = step
        fixed = protocol.fixed_fields(self.cell)
        self.fields = [name for name in self.cell._fields if name not in fixed]
        parameters = [getattr(self.cell, name) for name in self.fields]
        options = {"clip": settings["gradient_clip"], "value_clip": settings["value_clip"]}
        if settings["weight_decay"] is not None:
            options["weight_decay"] = settings["weight_decay"]
        make = optimizer_class(settings["optimizer"])
        self.optimizer = make([*parameters, *self.latent] if trained else parameters, **options)
        dtype = data.rows.dtype
        self.starts = data.window_starts(length)
        self.windows = np.empty((length + 1, batch, data.rows.shape[1]), dtype)
        self.driving = np.empty((length, batch, data.driving.shape[1]), dtype)
        # beyond it the optimizer's mean squares overflow, and training stands still
        self.largest_norm = math.sqrt(float(np.finfo(dtype).max))
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.diverged_at: int | None = None

    def under_way(self) -> AbstractContextManager[None]:
        """While this run trains, others that share its launches wait for it."""
        return self.step.under_way() if isinstance(self.step, Together) else nullcontext()

    @property
    def updates(self) -> int:
        return self.optimizer.updates

    def update(self, progress: float) -> None:
        """One batch, at a share of the training; after a divergence nothing happens any more."""
        if self.diverged_at is not None:
            return
        starts = self.starts[self.rng.integers(0, len(self.starts), self.batch)]
        gather_windows(self.data.rows, starts, self.windows)
        if self.driving.shape[2]:
            gather_windows(self.data.driving, starts, self.driving)
        schedule = self._schedule(progress)
        loss, gradient, latent_gradient = self.step(
            self.cell, self.latent, self.windows, schedule, self.driving, self._noise(schedule)
        )
        for penalty in self.penalties:
            penalty.add(self.cell, self.latent, gradient, latent_gradient)
        gradients = [getattr(gradient, name) for name in self.fields]
        if self.trained:
            gradients.extend(latent_gradient)
        s = self.settings
        rate = learning_rate_at(
            s["learning_rate_decay"], s["learning_rate"], s["final_learning_rate"], progress
        )
        norm = self.optimizer.update(gradients, rate)
        self.losses.append(loss)
        self.norms.append(norm)
        if not (math.isfinite(loss) and norm < self.largest_norm):
            self.diverged_at = len(self.losses)

    def _schedule(self, progress: float) -> Schedule:
        """Forcing of this batch."""
        forcing = self.forcing
        if self.adaptive:
            if self.updates % forcing.interval == 0:
                sigma = growth(forcing, self.cell, self._forced_states(), self.driving)
                self.alpha = forcing.follow(self.alpha, sigma)
            forcing = Generalized(self.alpha)
        elif isinstance(forcing, Changing):
            forcing = forcing.at(progress, self.rng)
        return forcing.schedule(self.length)

    def _forced_states(self) -> np.ndarray:
        """States (T, batch, N) that the windows set."""
        return self.windows[:-1] @ self.latent.encoder(packing.sizes_of(self.cell).nx).T

    def _noise(self, schedule: Schedule) -> np.ndarray | None:
        size = self.settings["input_noise"]
        if size == 0.0:
            return None
        shape = len(schedule.keep), *self.windows.shape[1:]
        return (size * self.rng.standard_normal(shape)).astype(self.windows.dtype)

    def state(self, epoch: int, validation: float | None) -> TrainingState:
        """For a callback."""
        return TrainingState(
            epoch, self.updates, type(self.cell)(*(a.copy() for a in self.cell)),
            self.latent.readout(packing.sizes_of(self.cell).n).copy(),
            np.array(self.losses), np.array(self.norms), self.alpha if self.adaptive else None,
            self.settings["seed"], validation,
        )  # fmt: skip

    def history(self) -> dict[str, np.ndarray]:
        return {
            "update": np.arange(1, len(self.losses) + 1),
            "loss": np.array(self.losses),
            "gradient_norm": np.array(self.norms),
        }
