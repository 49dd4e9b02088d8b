"""The standard RNN with rectified linear units."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._math import relu, relu_slope
from .protocol import Layout
from .tanh_network import Tanh


class ReLU(NamedTuple):
    """Standard recurrent network, x' = relu(W x + U u + b).

    Parameters
    ----------
    W : ndarray, shape (N, N)
        Recurrent weights.
    U : ndarray, shape (N, M)
        Input weights; M may be 0.
    b : ndarray, shape (N,)
        Biases.

    Examples
    --------
    >>> ReLU.init(3, 2, rng=0).U.shape
    (3, 2)
    """

    W: np.ndarray
    U: np.ndarray
    b: np.ndarray

    layout = Layout()
    shapes = {"W": ("N", "N"), "U": ("N", "M"), "b": ("N",)}

    @classmethod
    def init(cls, n: int, n_inputs: int = 0, *, rng: Any = None, dtype: Any = np.float64) -> ReLU:
        """Random cell as a `Tanh`."""
        return cls(*Tanh.init(n, n_inputs, rng=rng, dtype=dtype))

    # all but the nonlinearity is that of the tanh network
    weights, input_weights, unit_parameters = Tanh.weights, Tanh.input_weights, Tanh.unit_parameters
    jacobian_bound, immediate_bound = Tanh.jacobian_bound, Tanh.immediate_bound
    local_jvp, local_vjp, parameter_gradient = Tanh.local_jvp, Tanh.local_vjp, Tanh.parameter_gradient

    @classmethod
    def from_relus(cls, W, h, z, bound):
        """(network, states) that follow z' = W relu(z) + h from states z: the state is relu(z)."""
        return cls(W, np.zeros((len(h), 0)), h), np.maximum(z, 0.0)

    def kinks(cell):
        return cell.W, cell.b, cell.U

    def local(cell, p, x, a):
        return (relu(a[0] + p[0]),), ()

    def slopes(cell, p, x, y, s):
        return (relu_slope(y[0]),)
