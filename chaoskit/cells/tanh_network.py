"""The standard RNN with tanh units."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ._init import prepare, scaled_normal
from ._math import STEEPEST_TANH_SLOPE, like, tanh_and_slope
from .protocol import Layout, row_norm, spectral_norm


class Tanh(NamedTuple):
    """Standard recurrent network, x' = tanh(W x + U u + b).

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
    >>> Tanh.init(3, rng=0).W.shape
    (3, 3)
    """

    W: np.ndarray
    U: np.ndarray
    b: np.ndarray

    layout = Layout(saved=1)
    shapes = {"W": ("N", "N"), "U": ("N", "M"), "b": ("N",)}

    @classmethod
    def init(cls, n: int, n_inputs: int = 0, *, rng: Any = None, dtype: Any = np.float64) -> Tanh:
        """Random cell with n states: W and U are Gaussian of variance 1/n and 1/M, b is 0."""
        rng = prepare(rng, dtype, n=n, n_inputs=n_inputs)
        return cls(
            W=scaled_normal(rng, (n, n), n, dtype),
            U=scaled_normal(rng, (n, n_inputs), n_inputs, dtype),
            b=np.zeros(n, dtype),
        )

    @classmethod
    def from_tanh(cls, W, x):
        """(network, states) that follow x' = tanh(W x) from states x."""
        return cls(W, np.zeros((len(W), 0)), np.zeros(len(W))), x

    def jacobian_bound(cell):
        return spectral_norm(cell.W)

    def immediate_bound(cell, size, drive):
        return math.sqrt(size**2 + drive**2 + 1.0)  # each row has weights and a bias of its own

    def jacobian_lipschitz(cell, size):
        return STEEPEST_TANH_SLOPE * row_norm(cell.W) * spectral_norm(cell.W)

    def weights(cell):
        return cell.W

    def input_weights(cell):
        return cell.U

    def unit_parameters(cell):
        return (cell.b,)

    def local(cell, p, x, a):
        # the slope is saved, because the value of a saturated unit no longer tells it
        y, slope = tanh_and_slope(a[0] + p[0])
        return (y,), (slope,)

    def slopes(cell, p, x, y, s):
        return s

    def local_jvp(cell, c, v, da):
        return (c[0] * da[0],)

    def local_vjp(cell, c, g):
        return (like(g[0], 0.0),), (c[0] * g[0],)

    def parameter_gradient(cell, c, x, g, ga):
        return (ga[0],)
