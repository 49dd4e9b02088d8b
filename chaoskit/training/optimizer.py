"""Adam and its kin on cells: moments are arrays of the same shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import InvalidInputError
from ..kernels.optimizer import adam_update, sum_of_squares


class Adam:
    """Adam (Kingma and Ba, arXiv 1412.6980, Algorithm 1) with clipping.

    Parameters
    ----------
    parameters : sequence of ndarray
        C-contiguous arrays, to be changed in place.
    clip : float
        Largest norm of the whole gradient; infinity for none.
    value_clip : float
        Largest absolute value of an entry of the gradient, before the norm is taken; infinity for none.
    weight_decay : float
        Share of the parameters, times the step size, that each update takes off them (as in `AdamW`).
    beta1, beta2, epsilon : float
        As in the paper.

    Raises
    ------
    InvalidInputError
        If a parameter is no C-contiguous array, such as a transposed view.
    """

    def __init__(
        self,
        parameters: Sequence[np.ndarray],
        *,
        clip: float = math.inf,
        value_clip: float = math.inf,
        weight_decay: float = 0.0,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ):
        for index, p in enumerate(parameters):
            if not (isinstance(p, np.ndarray) and p.flags.c_contiguous):  # reshape would change a copy
                raise InvalidInputError(
                    f"parameters: expected C-contiguous arrays, to be changed in place, got another one at "
                    f"index {index}; pass np.ascontiguousarray of it and use that"
                )
        self.parameters: list[np.ndarray] = [p.reshape(-1) for p in parameters]
        self.mean: list[np.ndarray] = [np.zeros_like(p) for p in self.parameters]
        self.square: list[np.ndarray] = [np.zeros_like(p) for p in self.parameters]
        self.clip: float = clip
        self.value_clip: float = value_clip
        self.weight_decay: float = weight_decay
        self.beta1: float = beta1
        self.beta2: float = beta2
        self.epsilon: float = epsilon
        self.updates: int = 0

    def update(self, gradients: Sequence[np.ndarray], rate: float) -> float:
        """One step of size `rate`; returns the norm of the gradient before it is scaled down to `clip`.

        A gradient that is not finite leaves the parameters as they are.
        """
        flat = [g.reshape(-1) for g in gradients]
        norm = math.sqrt(sum(sum_of_squares(g, self.value_clip) for g in flat))
        if not math.isfinite(norm):
            return norm
        self.updates += 1
        scale = min(1.0, self.clip / norm) if norm > 0 else 1.0
        adaptive = self._adaptive()
        for p, g, m, s in zip(self.parameters, flat, self.mean, self.square, strict=True):
            adam_update(
                p, g, m, s, rate, scale, self.value_clip, self.beta1, self.beta2, self.epsilon,
                self.weight_decay, adaptive, self.updates,
            )  # fmt: skip
        return norm

    def _adaptive(self) -> float:
        """Factor of a step over the root mean square; 0 for none."""
        return 1.0


class AdamW(Adam):
    """Adam with decoupled weight decay, by default 0.01 (Loshchilov and Hutter, arXiv 1711.05101)."""

    def __init__(self, parameters: Sequence[np.ndarray], *, weight_decay: float = 0.01, **options: float):
        super().__init__(parameters, weight_decay=weight_decay, **options)


class RAdam(Adam):
    """Rectified Adam: no adaptive steps while their variance is unknown (Liu et al., arXiv 1908.03265)."""

    def _adaptive(self) -> float:
        decayed = self.beta2**self.updates
        longest = 2.0 / (1.0 - self.beta2) - 1.0
        length = longest - 2.0 * self.updates * decayed / (1.0 - decayed)
        if length <= 5.0:
            return 0.0
        return math.sqrt(
            (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length)
        )


OPTIMIZERS: dict[str, type[Adam]] = {"adam": Adam, "adamw": AdamW, "radam": RAdam}


def optimizer_class(name: str) -> type[Adam]:
    """The class of a name; raises InvalidInputError for an unknown one."""
    found = OPTIMIZERS.get(name) if isinstance(name, str) else None
    if found is None:
        raise InvalidInputError(f"optimizer: expected one of {sorted(OPTIMIZERS)}, got {name!r}")
    return found


DECAYS = ("exponential", "cosine", "constant")


def learning_rate_at(decay: str, first: float, last: float, progress: float) -> float:
    """Step size at a share of the training, from `first` to `last`."""
    if decay == "constant":
        return first
    if decay == "cosine":
        return last + 0.5 * (first - last) * (1.0 + math.cos(math.pi * progress))
    return first * (last / first) ** progress
