"""The clipped shallow PLRNN: bounded orbits."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._math import relu, relu_slope
from .plrnn import PLRNN
from .protocol import Layout
from .shplrnn import ShPLRNN, hidden_bound


class ClippedShPLRNN(NamedTuple):
    """Clipped shallow PLRNN, x' = A x + W1 [relu(W2 x + h2) - relu(W2 x)] + C u + h1.

    Hess et al. 2023, arXiv 2306.04406, Eq. 4. The bracket is bounded, so orbits are too where all |A| < 1.

    Parameters
    ----------
    A, W1, W2, h1, h2, C : ndarray
        As in `ShPLRNN`.

    Examples
    --------
    >>> ClippedShPLRNN.init(3, n_hidden=20, rng=0).W2.shape
    (20, 3)
    """

    A: np.ndarray
    W1: np.ndarray
    W2: np.ndarray
    h1: np.ndarray
    h2: np.ndarray
    C: np.ndarray

    layout = Layout(parameters=2, features=1)
    shapes, identity_values = ShPLRNN.shapes, ShPLRNN.identity_values

    @classmethod
    def init(
        cls, n: int, n_inputs: int = 0, *, n_hidden: int = 50, rng: Any = None, dtype: Any = np.float64
    ) -> ClippedShPLRNN:
        """Random cell as a `ShPLRNN`, with A a little inside the unit circle."""
        start = ShPLRNN.init(n, n_inputs, n_hidden=n_hidden, rng=rng, dtype=dtype)
        return cls(*start._replace(A=np.full(n, 0.99, dtype)))

    @classmethod
    def from_relus(cls, W, h, z, bound):
        """(network, states) that follow z' = W relu(z) + h from states z < bound: the state is z - bound."""
        n = len(h)
        return cls(np.zeros(n), W, np.eye(n), h - bound, np.full(n, bound), np.zeros((n, 0))), z - bound

    def kinks(cell):
        return np.concatenate([cell.W2, cell.W2]), np.concatenate([cell.h2, np.zeros_like(cell.h2)])

    weights, input_weights, hidden_weights = ShPLRNN.weights, ShPLRNN.input_weights, ShPLRNN.hidden_weights
    unit_parameters, feature_parameters = ShPLRNN.unit_parameters, ShPLRNN.feature_parameters

    def immediate_bound(cell, size, drive):
        return hidden_bound(cell, size, drive, float(np.linalg.norm(cell.h2)))

    def feature(cell, f, x):
        return relu(x + f[0]) - relu(x)

    def feature_slope(cell, f, x):
        return relu_slope(x + f[0]) - relu_slope(x)

    def feature_gradient(cell, f, x, g):
        return (relu_slope(x + f[0]) * g,)

    local, slopes = PLRNN.local, PLRNN.slopes
    local_jvp, local_vjp, parameter_gradient = PLRNN.local_jvp, PLRNN.local_vjp, PLRNN.parameter_gradient
    jacobian_bound = ShPLRNN.jacobian_bound
