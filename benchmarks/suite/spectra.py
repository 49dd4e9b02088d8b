"""asv: Lyapunov spectra, orbits and growth of gradients."""

from __future__ import annotations

import numpy as np

import chaoskit
from chaoskit.cells import LSTM, PLRNN, ShPLRNN, Tanh

from . import DEVICES, needs


def tanh_network(n: int, gain: float, members: int | None = None) -> Tanh:
    """Random, without inputs or biases."""
    batch = () if members is None else (members,)
    W = np.random.default_rng(0).standard_normal((*batch, n, n)) * gain / np.sqrt(n)
    return Tanh(W, np.zeros((*batch, n, 0)), np.zeros((*batch, n)))


class Spectra:
    """Full spectrum of a random tanh network (gain 2), float64, Gram-Schmidt at every step."""

    params = ((3, 16, 64, 256), DEVICES)
    param_names = ("states", "device")

    def setup(self, n, device):
        needs(device)
        self.cell = tanh_network(n, 2.0)
        self.steps = max(100, int(1e8 / n**3)) if n > 3 else 20_000
        self.time_spectrum(n, device)

    def time_spectrum(self, n, device):
        chaoskit.lyapunov_spectrum(self.cell, steps=self.steps, transient=100, qr_every=1, device=device)

    def peakmem_spectrum(self, n, device):
        chaoskit.lyapunov_spectrum(self.cell, steps=self.steps, transient=100, qr_every=1, device=device)


class ChosenIntervals:
    """The same by default, and how wide the interval is that was chosen."""

    params = (3, 16, 64)
    param_names = ("states",)

    def setup(self, n):
        self.cell = tanh_network(n, 1.5)
        self.time_spectrum(n)

    def time_spectrum(self, n):
        chaoskit.lyapunov_spectrum(self.cell, steps=5000)

    def track_interval(self, n):
        return chaoskit.lyapunov_spectrum(self.cell, steps=5000).qr_every

    track_interval.unit = "steps"


class Ensembles:
    """1000 tanh networks at once."""

    params = ((3, 8, 16), DEVICES)
    param_names = ("states", "device")

    def setup(self, n, device):
        needs(device)
        self.cell = tanh_network(n, 1.8, 1000)
        self.time_spectra(n, device)

    def time_spectra(self, n, device):
        chaoskit.lyapunov_spectrum(self.cell, steps=1000, transient=100, device=device)


class Cells:
    """Full spectrum of 64 states of several networks: time goes with the operations, 1 : 1 : 1.5 : 1."""

    params = (("Tanh", "PLRNN", "ShPLRNN", "LSTM"),)
    param_names = ("cell",)

    def setup(self, name):
        made = {
            "Tanh": lambda: tanh_network(64, 1.5), "PLRNN": lambda: PLRNN.init(64, rng=0),
            "ShPLRNN": lambda: ShPLRNN.init(64, n_hidden=64, rng=0), "LSTM": lambda: LSTM.init(32, rng=0),
        }  # fmt: skip
        self.cell = made[name]()
        self.time_spectrum(name)

    def time_spectrum(self, name):
        chaoskit.lyapunov_spectrum(self.cell, steps=600, transient=100, qr_every=1)


class Flows:
    """Lorenz-63 and Lorenz-96, spectra by Runge-Kutta 4."""

    params = (("Lorenz63", "Lorenz96"),)
    param_names = ("flow",)

    def setup(self, name):
        self.flow = getattr(chaoskit.systems, name)()
        self.steps = 100_000 if name == "Lorenz63" else 2000
        self.time_spectrum(name)

    def time_spectrum(self, name):
        chaoskit.lyapunov_spectrum(self.flow, steps=self.steps)


class Orbits:
    """The step alone: 16 orbits of a network of 50 states, 10,000 steps."""

    params = DEVICES
    param_names = ("device",)

    def setup(self, device):
        needs(device)
        self.cell, self.x0 = tanh_network(50, 1.5), np.random.default_rng(1).standard_normal((16, 50))
        self.time_orbits(device)

    def time_orbits(self, device):
        chaoskit.simulate(self.cell, self.x0, 10_000, device=device)


class GradientGrowth:
    """Growth of gradients along chaos: a product over 10,000 steps, and the parameters' part over 1000."""

    params = (30, 50)
    param_names = ("states",)

    def setup(self, n):
        self.cell = tanh_network(n, 2.5)
        for part in (self.time_states, self.time_forward_recursion, self.time_adjoint_passes):
            part(n)

    def time_states(self, n):
        chaoskit.gradient_growth(self.cell, steps=10_000, parameters="none")

    def time_forward_recursion(self, n):
        chaoskit.gradient_growth(self.cell, steps=1000)

    def time_adjoint_passes(self, n):
        chaoskit.gradient_growth(self.cell, steps=1000, parameters="loss")
