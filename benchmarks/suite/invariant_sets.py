"""asv: searches for fixed points and cycles."""

from __future__ import annotations

import numpy as np

import chaoskit

from . import DEVICES, needs
from .spectra import tanh_network


class FixedPoints:
    """1000 Newton starts on a random tanh network of 100 units (gain 1.5)."""

    params = DEVICES
    param_names = ("device",)

    def setup(self, device="cpu"):
        needs(device)
        self.cell = tanh_network(100, 1.5)
        self.time_newton(device)

    def time_newton(self, device="cpu"):
        chaoskit.fixed_points(self.cell, starts=1000, device=device)


class Cycles:
    """400 starts for cycles of a random tanh network of 20 units (gain 2)."""

    params = ((2, 8),)
    param_names = ("period",)

    def setup(self, period):
        self.cell = tanh_network(20, 2.0)
        self.time_newton(period)

    def time_newton(self, period):
        chaoskit.cycles(self.cell, period)


class Exact:
    """All fixed points of a shallow PLRNN of 3 states and 50 hidden units: 20,876 regions."""

    def setup(self):
        self.cell = chaoskit.cells.ShPLRNN.init(3, n_hidden=50, rng=0)._replace(h1=np.array([0.1, 0.2, 0.3]))
        self.time_exact()

    def time_exact(self):
        chaoskit.fixed_points(self.cell)
