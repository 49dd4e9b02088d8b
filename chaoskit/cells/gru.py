"""The gated recurrent unit, reset after the product."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ._init import prepare, scaled_uniform
from ._math import STEEPEST_SIGMOID_SLOPE, STEEPEST_TANH_SLOPE, like, sigmoid, sigmoid_slope, tanh, tanh_slope
from .protocol import Layout, bend_of_units, largest, row_norm


class GRU(NamedTuple):
    """Gated recurrent unit in the form of cuDNN, PyTorch and Keras (reset after the product).

    r, z = sigmoid(W_r x + U_r u + b_r), sigmoid(W_z x + U_z u + b_z);
    n = tanh(U_n u + b_out + r (W_n x + b_in)); x' = (1 - z) n + z x (Cho et al. 2014, arXiv 1406.1078).

    Parameters
    ----------
    W : ndarray, shape (3n, n)
        Recurrent weights, gate order r, z, n as in PyTorch.
    U : ndarray, shape (3n, M)
        Input weights; M may be 0.
    b : ndarray, shape (4n,)
        Biases of r and z (the sums of PyTorch's two), of n inside the reset (b_in), and outside it (b_out).

    Examples
    --------
    >>> GRU.init(5, rng=0).b.shape
    (20,)
    """

    W: np.ndarray
    U: np.ndarray
    b: np.ndarray

    layout = Layout(gates=3, saved=4, parameters=4, coefficients=5)
    shapes = {"W": ("3n", "n"), "U": ("3n", "M"), "b": ("4n",)}

    @classmethod
    def init(cls, n: int, n_inputs: int = 0, *, rng: Any = None, dtype: Any = np.float64) -> GRU:
        """Random cell with n units, all parameters uniform on +-1 / sqrt(n)."""
        rng = prepare(rng, dtype, n=n, n_inputs=n_inputs)
        return cls(
            W=scaled_uniform(rng, (3 * n, n), n, dtype),
            U=scaled_uniform(rng, (3 * n, n_inputs), n, dtype),
            b=scaled_uniform(rng, 4 * n, n, dtype),
        )

    @classmethod
    def from_tanh(cls, W, x):
        """(network, states) that follow x' = tanh(W x) from states x: the reset is 1/2, the update 1e-18."""
        n = len(W)
        nothing, zeros = np.zeros((n, n)), np.zeros(n)
        b = np.concatenate([zeros, np.full(n, -41.0), zeros, zeros])
        return cls(np.concatenate([nothing, nothing, 2.0 * W]), np.zeros((3 * n, 0)), b), x

    def kernel_class(cell):
        return _DrivenGRU if np.shape(cell.U)[-1] else GRU

    def immediate_bound(cell, size, drive):
        # slopes of a unit by its gates r and z, by what the reset multiplies, and by what stands outside it
        n = np.shape(cell.W)[1]
        reset = row_norm(cell.W[2 * n :]) * size + largest(cell.b[2 * n : 3 * n])
        gates = (reset**2 + (size + 1.0) ** 2) / 16 * (size**2 + drive**2 + 1.0)
        return math.sqrt(gates + (size**2 + 1.0) + (drive**2 + 1.0))

    def jacobian_lipschitz(cell, size):
        # second derivatives of n + z (x - n) by r, z, by q = what the reset multiplies, and by x
        n, s, t = np.shape(cell.W)[1], STEEPEST_SIGMOID_SLOPE, STEEPEST_TANH_SLOPE
        q = row_norm(cell.W[2 * n :]) * size + largest(cell.b[2 * n : 3 * n])
        bend = np.diag([t * q**2 / 16 + s * q, s * (size + 1.0), t, 0.0])
        bend[0, 2] = bend[2, 0] = t * q / 4 + 0.25
        bend[0, 1] = bend[1, 0] = q / 16
        bend[1, 2] = bend[2, 1] = bend[1, 3] = bend[3, 1] = 0.25
        return bend_of_units(cell.W, n, bend)

    def weights(cell):
        return cell.W

    def input_weights(cell):
        return cell.U

    def unit_parameters(cell):
        return (cell.b,)

    def local(cell, p, x, a):
        r, z, q = sigmoid(a[0] + p[0]), sigmoid(a[1] + p[1]), a[2] + p[2]
        n = tanh(p[3] + r * q)
        return (n + z * (x[0] - n),), (r, z, n, q)

    def slopes(cell, p, x, y, s):
        r, z, n, q = s
        dn = tanh_slope(n) * (like(z, 1.0) - z)
        return dn * q * sigmoid_slope(r), (x[0] - n) * sigmoid_slope(z), dn * r, z, dn

    def local_jvp(cell, c, v, da):
        return (c[0] * da[0] + c[1] * da[1] + c[2] * da[2] + c[3] * v[0],)

    def local_vjp(cell, c, g):
        return (c[3] * g[0],), (c[0] * g[0], c[1] * g[0], c[2] * g[0])

    def parameter_gradient(cell, c, x, g, ga):
        return ga[0], ga[1], ga[2], c[4] * g[0]


class _DrivenGRU(GRU):
    """The rules with inputs: what they add to n stands outside the reset, in a gate plane of its own."""

    __slots__ = ()
    layout = GRU.layout._replace(gates=4)

    def weights(cell):
        n = np.shape(cell.W)[1]
        return np.concatenate([cell.W, np.zeros((n, n), cell.W.dtype)])

    def weights_back(grad, G):
        grad.W[...] = G[: len(grad.W)]

    def input_weights(cell):
        n = np.shape(cell.W)[1]
        return np.concatenate([cell.U[: 2 * n], np.zeros_like(cell.U[:n]), cell.U[2 * n :]])

    def input_weights_back(grad, G):
        n = np.shape(grad.W)[1]
        grad.U[: 2 * n], grad.U[2 * n :] = G[: 2 * n], G[3 * n :]

    def local(cell, p, x, a):
        r, z, q = sigmoid(a[0] + p[0]), sigmoid(a[1] + p[1]), a[2] + p[2]
        n = tanh(a[3] + p[3] + r * q)
        return (n + z * (x[0] - n),), (r, z, n, q)

    def local_jvp(cell, c, v, da):
        return (c[0] * da[0] + c[1] * da[1] + c[2] * da[2] + c[3] * v[0] + c[4] * da[3],)

    def local_vjp(cell, c, g):
        return (c[3] * g[0],), (c[0] * g[0], c[1] * g[0], c[2] * g[0], c[4] * g[0])
