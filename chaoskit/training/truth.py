"""What is said of the data alone, once for all models that are judged by them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..measures import spectral_distance, state_space_divergence
from ..measures.judged import floor_of
from ..measures.state_space import outside_share
from ..measures.verdict import Exponent, Retracing, exponents_of, retracing_between, retracing_horizon
from ..timeseries import DataLyapunov, embed


class Truth:
    """True rows with their floors and their exponent.

    Parameters
    ----------
    rows : ndarray, shape (T, D)
        The data that runs are compared with.
    delays : tuple of int or None
        Delay and dimension of the coordinates of the divergence.
    dt : float
    n_bins, n_resamples, seed : int
    training : ndarray, shape (T', D), optional
        What a model may have copied.
    """

    def __init__(
        self,
        rows: np.ndarray,
        delays: tuple[int, int] | None,
        dt: float,
        n_bins: int,
        n_resamples: int,
        seed: int,
        training: np.ndarray | None = None,
    ):
        self.rows, self.delays, self.dt, self.training = rows, delays, dt, training
        self.n_resamples, self.seed = n_resamples, seed
        self.states = self.embedded(rows)
        self.divergence = floor_of(state_space_divergence, self.states, n_resamples, seed, n_bins=n_bins)
        self.spectrum = floor_of(spectral_distance, rows, n_resamples, seed)
        self._estimate: DataLyapunov | None = None

    def embedded(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.delays is None else embed(rows, *self.delays)

    def measures(self, run: np.ndarray) -> dict[str, Any]:
        """Divergence and spectral distance of a run, as `Measure`, and its share outside the box."""
        states = self.embedded(run)
        return {
            "divergence": self.divergence.beside(self.states, states, self.n_resamples, self.seed),
            "spectrum": self.spectrum.beside(self.rows, run, self.n_resamples, self.seed),
            "outside": outside_share(self.states, states),
        }

    def exponents(self, run: np.ndarray | None) -> tuple[Exponent | None, Exponent | None]:
        """Of the data and of a run, by one method."""
        self._estimate, of_data, of_run = exponents_of(self.rows, run, self.dt, self._estimate)
        return of_data, of_run

    def retracing(self, run: np.ndarray, exponent: Exponent | None) -> Retracing | None:
        """Of the training series by a run, and by these data, which are no copy; None without one."""
        if self.training is None:
            return None
        horizon = retracing_horizon(exponent, self.dt, min(len(run), len(self.training)))
        return retracing_between((run, self.training), (self.rows, self.training), horizon)
