"""The shallow piecewise-linear RNN: a piecewise-linear map with one hidden layer."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ._init import prepare, scaled_normal, scaled_uniform
from ._math import relu, relu_slope
from .plrnn import PLRNN
from .protocol import Layout, largest, spectral_norm


def hidden_bound(cell, size: float, drive: float, features: float) -> float:
    """`immediate_bound` where the hidden features are no longer than `features`."""
    own = 1.0 + drive**2 + size**2 + features**2
    return math.sqrt(own + spectral_norm(cell.W1) ** 2 * (size**2 + 1.0))


class ShPLRNN(NamedTuple):
    """Shallow PLRNN, x' = A x + W1 relu(W2 x + h2) + C u + h1 (Hess et al. 2023, arXiv 2306.04406, Eq. 2).

    Parameters
    ----------
    A : ndarray, shape (N,)
        Diagonal of the linear part.
    W1 : ndarray, shape (N, K)
        Weights from the hidden layer of width K.
    W2 : ndarray, shape (K, N)
        Weights to the hidden layer.
    h1 : ndarray, shape (N,)
        Biases of the states.
    h2 : ndarray, shape (K,)
        Biases of the hidden layer.
    C : ndarray, shape (N, M)
        Input weights; M may be 0.

    Examples
    --------
    >>> ShPLRNN.init(3, n_hidden=20, rng=0).W2.shape
    (20, 3)
    """

    A: np.ndarray
    W1: np.ndarray
    W2: np.ndarray
    h1: np.ndarray
    h2: np.ndarray
    C: np.ndarray

    layout = Layout(parameters=2, features=1)
    shapes = {"A": ("N",), "W1": ("N", "K"), "W2": ("K", "N"), "h1": ("N",), "h2": ("K",), "C": ("N", "M")}
    identity_values = {"A": 1.0, "W1": 0.0, "h1": 0.0}

    @classmethod
    def init(
        cls, n: int, n_inputs: int = 0, *, n_hidden: int = 50, rng: Any = None, dtype: Any = np.float64
    ) -> ShPLRNN:
        """Random cell with n states and n_hidden hidden units, near the identity: A = 1, W1 small.

        Directions that the data leave open then keep their length at first, instead of shrinking: networks
        trained from A = 0.9 and larger W1 contract too fast (docs/verification.md).
        """
        rng = prepare(rng, dtype, n=n, n_inputs=n_inputs, n_hidden=n_hidden)
        return cls(
            A=np.ones(n, dtype),
            W1=scaled_uniform(rng, (n, n_hidden), n_hidden, dtype, gain=0.1),
            W2=scaled_uniform(rng, (n_hidden, n), n, dtype),
            h1=np.zeros(n, dtype),
            h2=scaled_uniform(rng, n_hidden, 1, dtype),
            C=scaled_normal(rng, (n, n_inputs), n_inputs, dtype),
        )

    @classmethod
    def from_relus(cls, W, h, z, bound):
        """(network, states) that follow z' = W relu(z) + h from states z."""
        n = len(h)
        return cls(np.zeros(n), W, np.eye(n), h, np.zeros(n), np.zeros((n, 0))), z

    def jacobian_bound(cell):
        return largest(cell.A) + spectral_norm(cell.W1) * spectral_norm(cell.W2)

    def kinks(cell):
        return cell.W2, cell.h2

    def immediate_bound(cell, size, drive):
        return hidden_bound(cell, size, drive, spectral_norm(cell.W2) * size + float(np.linalg.norm(cell.h2)))

    def weights(cell):
        return cell.W1

    def input_weights(cell):
        return cell.C

    def hidden_weights(cell):
        return cell.W2

    def unit_parameters(cell):
        return (cell.A, cell.h1)

    def feature_parameters(cell):
        return (cell.h2,)

    def feature(cell, f, x):
        return relu(x + f[0])

    def feature_slope(cell, f, x):
        return relu_slope(x + f[0])

    def feature_gradient(cell, f, x, g):
        return (relu_slope(x + f[0]) * g,)

    # outside the hidden layer the rule is that of the PLRNN
    local, slopes = PLRNN.local, PLRNN.slopes
    local_jvp, local_vjp, parameter_gradient = PLRNN.local_jvp, PLRNN.local_vjp, PLRNN.parameter_gradient
