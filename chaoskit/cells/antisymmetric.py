"""The antisymmetric RNN: a differential equation with neutral dynamics, one Euler step at a time."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import _check
from ._init import prepare, scaled_normal
from ._math import STEEPEST_TANH_SLOPE, tanh_and_slope
from .protocol import Layout, largest, row_norm, spectral_norm


class Antisymmetric(NamedTuple):
    """Antisymmetric RNN, x' = x + step tanh((W - W' - damping I) x + U u + b).

    Chang et al. 2019, arXiv 1902.09689, Eq. 13. Linearised at 0 its exponents are
    ln sqrt((1 - step damping)^2 + (step w)^2) for the eigenvalues +-i w of W - W'.

    Parameters
    ----------
    W : ndarray, shape (N, N)
        Only its antisymmetric part acts.
    U : ndarray, shape (N, M)
        Input weights; M may be 0.
    b : ndarray, shape (N,)
        Biases.
    step, damping : ndarray, shape (1,)
        Length of the Euler step and strength of the damping. Not trained.

    Examples
    --------
    >>> Antisymmetric.init(4, rng=0).step
    array([0.1])
    """

    W: np.ndarray
    U: np.ndarray
    b: np.ndarray
    step: np.ndarray
    damping: np.ndarray

    layout = Layout(saved=2, parameters=2, coefficients=2)
    shapes = {"W": ("N", "N"), "U": ("N", "M"), "b": ("N",), "step": ("1",), "damping": ("1",)}
    fixed = ("step", "damping")

    @classmethod
    def init(
        cls,
        n: int,
        n_inputs: int = 0,
        *,
        step: float = 0.1,
        damping: float = 0.01,
        gain: float = 1.0,
        rng: Any = None,
        dtype: Any = np.float64,
    ) -> Antisymmetric:
        """Random cell with n states, W Gaussian of variance gain^2 / n."""
        rng = prepare(rng, dtype, n=n, n_inputs=n_inputs)
        step, damping = _check.positive(step, "step"), _check.number(damping, "damping")
        gain = _check.number(gain, "gain")
        return cls(
            W=scaled_normal(rng, (n, n), n, dtype, gain),
            U=scaled_normal(rng, (n, n_inputs), n_inputs, dtype),
            b=np.zeros(n, dtype),
            step=np.array([step], dtype),
            damping=np.array([damping], dtype),
        )

    def jacobian_bound(cell):
        return 1.0 + largest(cell.step) * spectral_norm(Antisymmetric.weights(cell))

    def immediate_bound(cell, size, drive):
        # |(dW - dW') x| <= sqrt(2) |dW| |x|: an antisymmetric matrix has its singular values twice
        return largest(cell.step) * math.sqrt(2.0 * size**2 + drive**2 + 1.0)

    def jacobian_lipschitz(cell, size):
        W = Antisymmetric.weights(cell)
        return largest(cell.step) * STEEPEST_TANH_SLOPE * row_norm(W) * spectral_norm(W)

    def weights(cell):
        return np.ascontiguousarray(
            cell.W - cell.W.T - cell.damping * np.eye(len(cell.W), dtype=cell.W.dtype)
        )

    def weights_back(grad, G):
        grad.W[...] = G - G.T

    def input_weights(cell):
        return cell.U

    def unit_parameters(cell):
        return cell.b, np.repeat(cell.step, len(cell.b))

    def unit_parameters_back(grad, planes):
        grad.b[...] = planes[: len(grad.b)]

    def local(cell, p, x, a):
        t, slope = tanh_and_slope(a[0] + p[0])
        return (x[0] + p[1] * t,), (slope, t)

    def slopes(cell, p, x, y, s):
        return p[1] * s[0], s[1]

    def local_jvp(cell, c, v, da):
        return (v[0] + c[0] * da[0],)

    def local_vjp(cell, c, g):
        return (g[0],), (c[0] * g[0],)

    def parameter_gradient(cell, c, x, g, ga):
        return ga[0], c[1] * g[0]
