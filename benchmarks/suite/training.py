"""asv: loss and gradients, whole updates, threads, long sequences."""

from __future__ import annotations

import time

import numpy as np

import chaoskit
from chaoskit.forcing import Never, Sparse
from chaoskit.gradients.backpropagation import Backpropagation

from ..peers.gradients import BATCH, TAU, D, T, drawn, engine, trainer
from . import DEVICES, needs

NAMES = ("Tanh", "PLRNN", "ShPLRNN", "LSTM")


class Backward:
    """Loss and gradient of 16 sequences of 200 steps forced every 20, float32."""

    params = (NAMES, (16, 50, 256), DEVICES)
    param_names = ("cell", "states", "device")

    def setup(self, name, n, device):
        needs(device)
        self.run = engine(*drawn(name, n), Sparse(TAU), device=device)
        self.run()

    def time_gradient(self, name, n, device):
        self.run()


class Threads:
    """Loss and gradient of 64 sequences of 50 states on one thread and on two, forced or never."""

    params = (("Tanh", "PLRNN", "LSTM"), (Sparse(TAU), Never()), (1, 2))
    param_names = ("cell", "forcing", "threads")
    timer = time.perf_counter

    def setup(self, name, forcing, threads):
        self.run = engine(*drawn(name, 50, 64), forcing, threads=threads)
        self.run()

    def time_gradient(self, name, forcing, threads):
        self.run()


class Updates:
    """Updates of the published training (arXiv 2110.07238): 32 sequences of 100 steps, 30 states."""

    params = (("Tanh", "PLRNN", "LSTM"),)
    param_names = ("cell",)
    updates = 100

    def setup(self, name):
        self.trainer = trainer(name, 30, 32, 100, TAU)
        self.trainer.update(0.0)

    def time_hundred_updates(self, name):
        for i in range(self.updates):
            self.trainer.update(i / self.updates)

    def track_seconds_of_the_published_training(self, name):
        """All 30,000 updates, from a thousand."""
        start = time.process_time()
        for i in range(1000):
            self.trainer.update(i / 1000)
        return 30.0 * (time.process_time() - start)

    track_seconds_of_the_published_training.unit = "s"


class LongSequence:
    """One batch of 16 sequences of 100,000 steps without forcing, all states kept or every 300th."""

    params = (None, 300)
    param_names = ("states kept every",)
    length = 100_000

    def setup(self, every):
        self.given = drawn("Tanh", 50, BATCH, self.length)
        self.run = engine(*self.given, Never(), checkpoint_every=every)
        self.run()

    def time_gradient(self, every):
        self.run()

    def peakmem_gradient(self, every):
        self.run()

    def track_work_memory(self, every):
        cell, decoder, _ = self.given
        latent = chaoskit.gradients.latent.DecoderInversion(decoder)
        run = Backpropagation(cell, latent, self.length, BATCH, checkpoint_every=every)
        run(cell, latent, self.given[2], Never().schedule(self.length))
        return sum(array.nbytes for work in run.work for array in work)

    track_work_memory.unit = "bytes"


class Fit:
    """A short training from beginning to end, with its validation and its choice of a checkpoint."""

    params = DEVICES
    param_names = ("device",)

    def setup(self, device):
        needs(device)
        self.series = np.random.default_rng(0).standard_normal((3000, D))
        self.time_fit(device)

    def time_fit(self, device):
        chaoskit.fit(
            self.series, cell="plrnn", n_states=20, forcing=Sparse(TAU), sequence_length=T, epochs=4,
            batches_per_epoch=20, device=device,
        )  # fmt: skip

    def peakmem_fit(self, device):
        self.time_fit(device)
