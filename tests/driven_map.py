"""A driven model whose forecasts can be worked out by hand."""

from __future__ import annotations

import numpy as np

from chaoskit.training import Forecaster


class Driven(Forecaster):
    """x' = x / 2 + u: the forecast of a driven system, checked by hand."""

    name, mean, scale, context_length, n_inputs = "driven map", np.zeros(1), np.ones(1), 1, 1

    def _continue(self, contexts, steps, inputs, seed):
        x, out = contexts[:, -1], np.empty((len(contexts), steps, 1))
        for t in range(steps):
            x = x / 2 + inputs[:, contexts.shape[1] - 1 + t]
            out[:, t] = x
        return out

    def _go_on(self, steps, inputs, seed):
        return self._continue(np.zeros((1, 1, 1)), steps, inputs, seed)
