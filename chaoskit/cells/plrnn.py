"""The piecewise-linear RNN."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ._init import prepare, scaled_normal, scaled_uniform
from ._math import relu, relu_slope
from .protocol import Layout, largest, spectral_norm


class PLRNN(NamedTuple):
    """Piecewise-linear recurrent network, x' = A x + W relu(x) + C u + h (arXiv 2110.07238, Eq. 4).

    Parameters
    ----------
    A : ndarray, shape (N,)
        Diagonal of the linear part.
    W : ndarray, shape (N, N)
        Recurrent weights. The paper sets their diagonal to zero; here all entries are free.
    C : ndarray, shape (N, M)
        Input weights; M may be 0.
    h : ndarray, shape (N,)
        Biases.

    Examples
    --------
    >>> PLRNN.init(4, rng=0).A.shape
    (4,)
    """

    A: np.ndarray
    W: np.ndarray
    C: np.ndarray
    h: np.ndarray

    layout = Layout(parameters=2)
    shapes = {"A": ("N",), "W": ("N", "N"), "C": ("N", "M"), "h": ("N",)}
    identity_values = {"A": 1.0, "W": 0.0, "h": 0.0}

    @classmethod
    def init(cls, n: int, n_inputs: int = 0, *, rng: Any = None, dtype: Any = np.float64) -> PLRNN:
        """Random cell with n states as in the paper: A and W uniform on +-1 / sqrt(n), h = 0."""
        rng = prepare(rng, dtype, n=n, n_inputs=n_inputs)
        return cls(
            A=scaled_uniform(rng, n, n, dtype),
            W=scaled_uniform(rng, (n, n), n, dtype),
            C=scaled_normal(rng, (n, n_inputs), n_inputs, dtype),
            h=np.zeros(n, dtype),
        )

    @classmethod
    def from_relus(cls, W, h, z, bound):
        """(network, states) that follow z' = W relu(z) + h from states z."""
        return cls(np.zeros(len(h)), W, np.zeros((len(h), 0)), h), z

    def jacobian_bound(cell):
        return largest(cell.A) + spectral_norm(cell.W)

    def kinks(cell):
        return np.eye(len(cell.A)), np.zeros(len(cell.A))

    def immediate_bound(cell, size, drive):
        return math.sqrt(2.0 * size**2 + drive**2 + 1.0)  # a row of W, an entry of A, of h, a row of C

    def weights(cell):
        return cell.W

    def input_weights(cell):
        return cell.C

    def unit_parameters(cell):
        return (cell.A, cell.h)

    def feature(cell, f, x):
        return relu(x)

    def feature_slope(cell, f, x):
        return relu_slope(x)

    def local(cell, p, x, a):
        return (p[0] * x[0] + (a[0] + p[1]),), ()

    def slopes(cell, p, x, y, s):
        return (p[0],)

    def local_jvp(cell, c, v, da):
        return (c[0] * v[0] + da[0],)

    def local_vjp(cell, c, g):
        return (c[0] * g[0],), (g[0],)

    def parameter_gradient(cell, c, x, g, ga):
        return (g[0] * x[0], g[0])
