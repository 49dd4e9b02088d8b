"""A network trained on delay vectors, seen as a model of the measured columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..training import FitResult, Forecaster


def measured(model: FitResult) -> Forecaster:
    """The model with contexts and runs in the columns of the series that was embedded for its training."""
    embedding = model.settings.get("embedding", {"delay": 1, "dimension": 1})
    return model if embedding["dimension"] == 1 else DelayedNetwork(model, **embedding)


class DelayedNetwork(Forecaster):
    """Takes the window of a delay vector as context, and gives the newest values of the vectors it makes.

    Attributes
    ----------
    network : FitResult
    embedding : tuple of int
        Delay and dimension.
    """

    def __init__(self, network: FitResult, delay: int, dimension: int):
        columns = len(network.mean) // dimension
        self.network, self.name, self.embedding = network, network.name, (delay, dimension)
        self.mean, self.scale = network.mean[-columns:], network.scale[-columns:]
        self.context_length = (dimension - 1) * delay + 1

    def _continue(self, contexts: np.ndarray, steps: int, inputs: Any, seed: int) -> np.ndarray:
        vectors = contexts[:, -self.context_length :: self.embedding[0]].reshape(len(contexts), 1, -1)
        return self.network._continue(vectors, steps, inputs, seed)[..., -len(self.mean) :]

    def _go_on(self, steps: int, inputs: Any, seed: int) -> np.ndarray:
        return self.network._go_on(steps, inputs, seed)[..., -len(self.mean) :]
