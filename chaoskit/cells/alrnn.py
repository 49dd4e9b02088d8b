"""The almost-linear RNN: a piecewise-linear map with few kinks."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from ._init import prepare, scaled_normal, scaled_uniform
from ._math import like, relu, relu_slope
from .plrnn import PLRNN
from .protocol import Layout, largest, spectral_norm


class ALRNN(NamedTuple):
    """Almost-linear RNN, x' = A x + W phi(x) + C u + h, phi a relu for some units and nothing for others.

    Brenner et al. 2024, arXiv 2410.14240, Eq. 4.

    Parameters
    ----------
    A : ndarray, shape (N,)
        Diagonal of the linear part.
    W : ndarray, shape (N, N)
        Recurrent weights.
    h : ndarray, shape (N,)
        Biases.
    C : ndarray, shape (N, M)
        Input weights; M may be 0.
    mask : ndarray, shape (N,)
        1 for units with a relu, 0 for linear ones. Not trained.

    Examples
    --------
    >>> ALRNN.init(5, n_relu=2, rng=0).mask
    array([0., 0., 0., 1., 1.])
    """

    A: np.ndarray
    W: np.ndarray
    h: np.ndarray
    C: np.ndarray
    mask: np.ndarray

    layout = Layout(parameters=2, features=1)
    shapes = {"A": ("N",), "W": ("N", "N"), "h": ("N",), "C": ("N", "M"), "mask": ("N",)}
    fixed = ("mask",)
    identity_values = PLRNN.identity_values

    @classmethod
    def init(
        cls, n: int, n_inputs: int = 0, *, n_relu: int | None = None, rng: Any = None, dtype: Any = np.float64
    ) -> ALRNN:
        """Random cell with n states as a `PLRNN`; the last n_relu units (by default half) are relus."""
        rng = prepare(rng, dtype, n=n, n_inputs=n_inputs)
        n_relu = (n + 1) // 2 if n_relu is None else _check.integer(n_relu, "n_relu")
        if n_relu > n:
            raise InvalidInputError(f"n_relu: expected at most {n} for {n} states, got {n_relu}")
        return cls(
            A=scaled_uniform(rng, n, n, dtype),
            W=scaled_uniform(rng, (n, n), n, dtype),
            h=np.zeros(n, dtype),
            C=scaled_normal(rng, (n, n_inputs), n_inputs, dtype),
            mask=np.array([0] * (n - n_relu) + [1] * n_relu, dtype),
        )

    @classmethod
    def from_relus(cls, W, h, z, bound):
        """(network, states) that follow z' = W relu(z) + h from states z."""
        n = len(h)
        return cls(np.zeros(n), W, h, np.zeros((n, 0)), np.ones(n)), z

    def kinks(cell):
        bent = np.asarray(cell.mask) != 0
        return np.eye(len(cell.A))[bent], np.zeros(int(bent.sum()))

    def weights(cell):
        return cell.W

    def input_weights(cell):
        return cell.C

    def unit_parameters(cell):
        return (cell.A, cell.h)

    def feature_parameters(cell):
        return (cell.mask,)

    def feature(cell, f, x):
        return f[0] * relu(x) + (like(x, 1.0) - f[0]) * x

    def feature_slope(cell, f, x):
        return f[0] * relu_slope(x) + (like(x, 1.0) - f[0])

    def feature_gradient(cell, f, x, g):
        return ((relu(x) - x) * g,)

    def jacobian_bound(cell):
        return largest(cell.A) + spectral_norm(cell.W) * _steepest(cell)

    def immediate_bound(cell, size, drive):
        return math.sqrt((1.0 + _steepest(cell) ** 2) * size**2 + drive**2 + 1.0)

    # the rest is that of the PLRNN
    local, slopes = PLRNN.local, PLRNN.slopes
    local_jvp, local_vjp, parameter_gradient = PLRNN.local_jvp, PLRNN.local_vjp, PLRNN.parameter_gradient


def _steepest(cell) -> float:
    """Largest slope of the feature: 1 above the kink, 1 - mask below it."""
    return max(1.0, largest(1.0 - cell.mask))
