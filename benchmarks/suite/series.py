"""asv: the exponent of a series, its parts and its second opinions; Lorenz-63 at 0.02, first coordinate."""

from __future__ import annotations

import numpy as np

import chaoskit
from chaoskit.timeseries import correlation_dimension, embed, surrogate_test, zero_one_test
from chaoskit.timeseries.divergence import Probe


class Series:
    params = ((10_000, 100_000),)
    param_names = ("rows",)

    def setup(self, rows):
        orbit = chaoskit.simulate(chaoskit.systems.Lorenz63(), [1.0, 2.0, 20.0], 2 * rows, transient=2000)
        x = orbit[::2][:rows, 0]
        self.x = (x - x.mean()) / x.std()
        states = np.ascontiguousarray(embed(self.x, 9, 3))
        self.probe = Probe(states, 230, 4, 30, 1e-10, 5000)
        for method in (self.time_divergence_curve, self.time_estimate):  # compile
            method(rows)

    def time_divergence_curve(self, rows):
        """With the embedding given, 100 lags over ten time units."""
        _, logs = self.probe.follow(100, np.random.default_rng(0))
        np.median(logs, axis=0)

    def time_estimate(self, rows):
        """By default, with its interval."""
        chaoskit.estimate_lyapunov(self.x, 0.02)

    def time_correlation_dimension(self, rows):
        correlation_dimension(self.x)

    def time_zero_one(self, rows):
        zero_one_test(self.x)

    def time_surrogates(self, rows):
        surrogate_test(self.x, 1, delay=9, dimension=3)


class Measures:
    """What an evaluation measures, on orbits of 10,000 states of Lorenz-63."""

    def setup(self):
        orbit = chaoskit.simulate(chaoskit.systems.Lorenz63(), [1.0, 2.0, 20.0], 20_000, transient=2000)
        self.true, self.generated = orbit[:10_000], orbit[10_000:20_000]
        for method in (self.time_state_space_divergence, self.time_spectral_distance):
            method()

    def time_state_space_divergence(self):
        chaoskit.measures.state_space_divergence(self.true, self.generated)

    def time_spectral_distance(self):
        chaoskit.measures.spectral_distance(self.true, self.generated)

    def peakmem_state_space_divergence(self):
        chaoskit.measures.state_space_divergence(self.true, self.generated)
