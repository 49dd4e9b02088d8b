"""asv: spectra, backpropagation and orbits at the sizes of the performance notes."""

from __future__ import annotations

import numpy as np

import chaoskit
from chaoskit.forcing import Sparse
from chaoskit.gradients.backpropagation import Backpropagation
from chaoskit.gradients.latent import DecoderInversion


class Spectra:
    """Full spectrum of a random tanh network (gain 2), float64."""

    params = ((3, 16, 64, 256),)
    param_names = ("states",)

    def setup(self, n):
        rng = np.random.default_rng(0)
        W = rng.standard_normal((n, n)) * 2 / np.sqrt(n)
        self.cell = chaoskit.cells.Tanh(W, np.zeros((n, 0)), np.zeros(n))
        self.steps = max(100, int(1e8 / n**3)) if n > 3 else 20_000
        self.time_spectrum(n)  # compiles, or loads the cache

    def time_spectrum(self, n):
        chaoskit.lyapunov_spectrum(self.cell, steps=self.steps, transient=100, qr_every=1)


class Backward:
    """Loss and gradient of 16 sequences of 200 steps forced every 20, float32."""

    params = (("Tanh", "PLRNN", "ShPLRNN", "LSTM"), (16, 50))
    param_names = ("cell", "states")

    def setup(self, name, n):
        rng = np.random.default_rng(0)
        self.cell = getattr(chaoskit.cells, name).init(n, rng=0, dtype=np.float32)
        decoder = np.linalg.qr(rng.standard_normal((n, 3)))[0].T
        self.latent = DecoderInversion(np.ascontiguousarray(decoder, np.float32))
        self.data = rng.standard_normal((201, 16, 3)).astype(np.float32)
        self.schedule = Sparse(20).schedule(200)
        self.step = Backpropagation(self.cell, self.latent, 200, 16)
        self.time_gradient(name, n)

    def time_gradient(self, name, n):
        self.step(self.cell, self.latent, self.data, self.schedule)


class GradientGrowth:
    """Growth of gradients along chaos: a product over 10,000 steps, and the parameters' part over 1000."""

    params = (30, 50)
    param_names = ("states",)

    def setup(self, n):
        rng = np.random.default_rng(0)
        W = rng.standard_normal((n, n)) * 2.5 / np.sqrt(n)
        self.cell = chaoskit.cells.Tanh(W, np.zeros((n, 0)), np.zeros(n))
        for part in (self.time_states, self.time_forward_recursion, self.time_adjoint_passes):
            part(n)

    def time_states(self, n):
        chaoskit.gradient_growth(self.cell, steps=10_000, parameters="none")

    def time_forward_recursion(self, n):
        chaoskit.gradient_growth(self.cell, steps=1000)

    def time_adjoint_passes(self, n):
        chaoskit.gradient_growth(self.cell, steps=1000, parameters="loss")


class Flows:
    """Lorenz-63 spectrum, 100,000 Runge-Kutta steps."""

    def setup(self):
        self.time_lorenz63()

    def time_lorenz63(self):
        chaoskit.lyapunov_spectrum(chaoskit.systems.Lorenz63(), steps=100_000)
