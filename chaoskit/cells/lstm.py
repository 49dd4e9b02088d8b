"""The long short-term memory cell with its full state (h, c)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ._init import prepare, scaled_uniform
from ._math import STEEPEST_SIGMOID_SLOPE, STEEPEST_TANH_SLOPE, like, sigmoid, sigmoid_slope, tanh, tanh_slope
from .protocol import Layout, bend_of_units


class LSTM(NamedTuple):
    """Long short-term memory; the state of n units is (h, c), N = 2n numbers.

    i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of W h + U u + b; c' = f c + i g; h' = o tanh(c').

    Parameters
    ----------
    W : ndarray, shape (4n, n)
        Recurrent weights, gate order i, f, g, o as in PyTorch.
    U : ndarray, shape (4n, M)
        Input weights; M may be 0.
    b : ndarray, shape (4n,)
        Biases (the sum of PyTorch's two).

    Examples
    --------
    >>> LSTM.init(5, rng=0).W.shape
    (20, 5)
    """

    W: np.ndarray
    U: np.ndarray
    b: np.ndarray

    layout = Layout(state=2, gates=4, saved=5, parameters=4, coefficients=6)
    shapes = {"W": ("4n", "n"), "U": ("4n", "M"), "b": ("4n",)}

    @classmethod
    def init(cls, n: int, n_inputs: int = 0, *, rng: Any = None, dtype: Any = np.float64) -> LSTM:
        """Random cell with n units, all weights uniform on +-1 / sqrt(n), forget biases raised by 1."""
        rng = prepare(rng, dtype, n=n, n_inputs=n_inputs)
        b = scaled_uniform(rng, 4 * n, n, dtype)
        b[n : 2 * n] += 1
        return cls(
            W=scaled_uniform(rng, (4 * n, n), n, dtype),
            U=scaled_uniform(rng, (4 * n, n_inputs), n, dtype),
            b=b,
        )

    @classmethod
    def from_tanh(cls, W, x):
        """(network, states) that follow x' = tanh(W x) from states x, in the output gate.

        The other gates are constant, so c rests at i g / (1 - f), and h = tanh(c) (1 + x) / 2.
        """
        n = len(W)
        input_, forget, new = 1.0, -3.0, 1.0
        c = np.tanh(new) * (1.0 + np.exp(forget)) / (1.0 + np.exp(-input_))
        size, nothing = np.tanh(c), np.zeros((n, n))
        constant = [np.full(n, a) for a in (input_, forget, new)]
        cell = cls(
            np.concatenate([nothing, nothing, nothing, 4.0 / size * W]),
            np.zeros((4 * n, 0)),
            np.concatenate([*constant, -2.0 * W.sum(axis=1)]),
        )
        return cell, np.concatenate([size * (1.0 + x) / 2.0, np.full(np.shape(x), c)], axis=-1)

    def immediate_bound(cell, size, drive):
        # a unit has parameters of its own: (h, u, 1) times the slopes of i, f, g for c, of these and o for h
        return math.sqrt((size**2 + drive**2 + 1.0) * (2.0 * (1.0 + 1 / 16 + size**2 / 16) + 1 / 16))

    def jacobian_lipschitz(cell, size):
        # second derivatives of c' = f c + i g by (i, f, g, o, c), where |c| <= size, and of h' = o tanh(c')
        s, t = STEEPEST_SIGMOID_SLOPE, STEEPEST_TANH_SLOPE
        bend = np.zeros((5, 5))
        bend[0, 0], bend[1, 1], bend[2, 2] = s, s * size, t
        bend[0, 2] = bend[2, 0] = bend[1, 4] = bend[4, 1] = 0.25
        slope, out = np.array([0.25, size / 4, 1.0, 0.0, 1.0]), np.eye(5)[3]
        through = bend + t * np.outer(slope, slope) + 0.25 * (np.outer(slope, out) + np.outer(out, slope))
        through[3, 3] += s
        return bend_of_units(cell.W, len(cell.W) // 4, np.vstack([bend, through]))

    def weights(cell):
        return cell.W

    def input_weights(cell):
        return cell.U

    def unit_parameters(cell):
        return (cell.b,)

    def local(cell, p, x, a):
        i = sigmoid(a[0] + p[0])
        f = sigmoid(a[1] + p[1])
        g = tanh(a[2] + p[2])
        o = sigmoid(a[3] + p[3])
        c = f * x[1] + i * g
        t = tanh(c)
        return (o * t, c), (i, f, g, o, t)

    def slopes(cell, p, x, y, s):
        i, f, g, o, t = s
        return (
            g * sigmoid_slope(i),
            x[1] * sigmoid_slope(f),
            i * tanh_slope(g),
            t * sigmoid_slope(o),
            f,
            o * tanh_slope(t),
        )

    def local_jvp(cell, c, v, da):
        dc = c[4] * v[1] + c[0] * da[0] + c[1] * da[1] + c[2] * da[2]
        return c[5] * dc + c[3] * da[3], dc

    def local_vjp(cell, c, g):
        d = g[1] + g[0] * c[5]
        return (like(d, 0.0), d * c[4]), (d * c[0], d * c[1], d * c[2], g[0] * c[3])

    def parameter_gradient(cell, c, x, g, ga):
        return ga
