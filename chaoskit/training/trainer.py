"""One training run: parameters, optimizer, forcing, and the windows they see."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..cells import protocol
from ..forcing import AdaptiveGeneralized, Changing, Generalized, Schedule
from ..kernels import packing
from ..kernels.windows import gather_windows
from .adaptive import growth
from .bptt import Backpropagation
from .optimizer import learning_rate_at, optimizer_class


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
    """

    epoch: int
    update: int
    cell: Any
    decoder: np.ndarray
    losses: np.ndarray
    gradient_norms: np.ndarray
    alpha: float | None


class Trainer:
    """Parameters, optimizer and the windows they see."""

    def __init__(self, network, latent, trained, data, forcing, settings, rng):
        length, batch = settings["sequence_length"], settings["batch_size"]
        self.cell = type(network)(*(np.array(a) for a in network))
        self.latent, self.settings = type(latent)(*(np.array(a) for a in latent)), settings
        self.data, self.length, self.batch, self.rng = data, length, batch, rng
        self.forcing: Any = forcing
        self.adaptive = isinstance(forcing, AdaptiveGeneralized)
        self.alpha = forcing.start if self.adaptive else math.nan
        self.step = Backpropagation(self.cell, self.latent, length, batch)
        fixed = protocol.fixed_fields(self.cell)
        self.fields = [name for name in self.cell._fields if name not in fixed]
        self.trained = trained
        parameters = [getattr(self.cell, name) for name in self.fields]
        options = {"clip": settings["gradient_clip"], "value_clip": settings["value_clip"]}
        if settings["weight_decay"] is not None:
            options["weight_decay"] = settings["weight_decay"]
        make = optimizer_class(settings["optimizer"])
        self.optimizer = make([*parameters, *self.latent] if trained else parameters, **options)
        self.windows = np.empty((length + 1, batch, data.shape[1]), data.dtype)
        # beyond it the optimizer's mean squares overflow, and training stands still
        self.largest_norm = math.sqrt(float(np.finfo(data.dtype).max))
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.diverged_at: int | None = None

    @property
    def decoder(self) -> np.ndarray:
        """A copy of the readout (D, n)."""
        return self.latent.readout(packing.sizes_of(self.cell).n).copy()

    @property
    def updates(self) -> int:
        return self.optimizer.updates

    def update(self, progress: float) -> None:
        """One batch, at a share of the training; after a divergence nothing happens any more."""
        if self.diverged_at is not None:
            return
        starts = self.rng.integers(0, len(self.data) - self.length, self.batch)
        gather_windows(self.data, starts, self.windows)
        schedule = self._schedule(progress)
        loss, gradient, latent_gradient = self.step(
            self.cell, self.latent, self.windows, schedule, noise=self._noise(schedule)
        )
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
                self.alpha = forcing.follow(self.alpha, growth(forcing, self.cell, self._forced_states()))
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
        shape = len(schedule.keep), self.batch, self.data.shape[1]
        return (size * self.rng.standard_normal(shape)).astype(self.data.dtype)

    def state(self, epoch: int) -> TrainingState:
        """For a callback."""
        return TrainingState(
            epoch, self.updates, type(self.cell)(*(a.copy() for a in self.cell)), self.decoder,
            np.array(self.losses), np.array(self.norms), self.alpha if self.adaptive else None,
        )  # fmt: skip

    def history(self) -> dict[str, np.ndarray]:
        return {
            "update": np.arange(1, len(self.losses) + 1),
            "loss": np.array(self.losses),
            "gradient_norm": np.array(self.norms),
        }
