"""Adam on cells: moments are cells too."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..kernels.optimizer import adam_update, sum_of_squares


class Adam:
    """Adam (Kingma and Ba, arXiv 1412.6980, Algorithm 1) with clipping of the global norm.

    Parameters
    ----------
    parameters : sequence of ndarray
        Arrays to be changed in place.
    clip : float
        Largest norm of the whole gradient; infinity for none.
    """

    def __init__(
        self,
        parameters: Sequence[np.ndarray],
        *,
        clip: float = math.inf,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ):
        self.parameters = [p.reshape(-1) for p in parameters]
        self.mean = [np.zeros_like(p) for p in self.parameters]
        self.square = [np.zeros_like(p) for p in self.parameters]
        self.clip, self.beta1, self.beta2, self.epsilon = clip, beta1, beta2, epsilon
        self.updates = 0

    def update(self, gradients: Sequence[np.ndarray], rate: float) -> float:
        """One step of size `rate`; returns the norm of the gradient before clipping.

        A gradient that is not finite leaves the parameters as they are.
        """
        flat = [g.reshape(-1) for g in gradients]
        norm = math.sqrt(sum(sum_of_squares(g) for g in flat))
        if not math.isfinite(norm):
            return norm
        self.updates += 1
        scale = min(1.0, self.clip / norm) if norm > 0 else 1.0
        for p, g, m, s in zip(self.parameters, flat, self.mean, self.square, strict=True):
            adam_update(p, g, m, s, rate, scale, self.beta1, self.beta2, self.epsilon, self.updates)
        return norm
