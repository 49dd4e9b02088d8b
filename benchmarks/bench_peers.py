"""asv: the same work by chaoskit and by its peers, CPU time of one thread; absent peers are skipped.

`python -m benchmarks.lyapunov_peers` takes them in turn and prints the ratios.
"""

from __future__ import annotations

import importlib.util
import time

from chaoskit.systems import Lorenz63, Lorenz96

from .lyapunov_peers import jax_steps, network, numpy_steps, pynamicalsys_flow, settled


def needs(package: str) -> None:
    """Skip what cannot be measured here."""
    if importlib.util.find_spec(package) is None:
        raise NotImplementedError(f"{package} is not installed")


class FullSpectrum:
    """A hundred steps of a random tanh network, gain 1.5, all exponents."""

    params = ((3, 16, 64, 256), ("chaoskit", "chaoskit, every step", "numpy", "jax"))
    param_names = ("states", "by")
    timer = time.process_time

    def setup(self, n, by):
        cell = network(n, 1.5)
        if by == "numpy":
            self.run = lambda: numpy_steps(cell.W, n, 100)
        elif by == "jax":
            needs("jax")
            self.run = jax_steps(cell.W, n, 100, 1)
        else:
            run = settled(cell, n)
            every = 1 if by.endswith("step") else run.every
            self.run = lambda: run.products(1, 100, every)
        self.run()

    def time_hundred_steps(self, n, by):
        self.run()


class LeadingExponent(FullSpectrum):
    """The same for the largest exponent alone."""

    params = ((64, 256, 512), ("chaoskit", "numpy", "jax"))

    def setup(self, n, by):
        cell = network(n, 1.5)
        if by == "numpy":
            self.run = lambda: numpy_steps(cell.W, 1, 100)
        elif by == "jax":
            needs("jax")
            self.run = jax_steps(cell.W, 1, 100, 1)
        else:
            run = settled(cell, 1)
            self.run = lambda: run.products(1, 100, run.every)
        self.run()


class FlowSpectrum:
    """A thousand Runge-Kutta steps with all exponents."""

    params = (("Lorenz63", "Lorenz96"), ("chaoskit", "pynamicalsys"))
    param_names = ("flow", "by")
    timer = time.process_time

    def setup(self, name, by):
        flow = Lorenz63() if name == "Lorenz63" else Lorenz96()
        if by == "pynamicalsys":
            needs("pynamicalsys")
            self.run = pynamicalsys_flow(name, 10.0)
        else:
            run = settled(flow, flow.dim, 2000)
            self.run = lambda: run.products(1, 1000, run.every)
        self.run()

    def time_thousand_steps(self, name, by):
        self.run()
