"""Linear networks: what can be had without nonlinearity, and exact laws to test against."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ._init import prepare, scaled_normal
from ._math import like
from .plrnn import PLRNN
from .protocol import Layout, largest, spectral_norm


class Linear(NamedTuple):
    """Linear network, x' = W x + C u + h. Its exponents are ln |eigenvalues of W|.

    Parameters
    ----------
    W : ndarray, shape (N, N)
    C : ndarray, shape (N, M)
        Input weights; M may be 0.
    h : ndarray, shape (N,)
        Biases.

    Examples
    --------
    >>> Linear.init(4, rng=0).W.shape
    (4, 4)
    """

    W: np.ndarray
    C: np.ndarray
    h: np.ndarray

    layout = Layout()
    shapes = {"W": ("N", "N"), "C": ("N", "M"), "h": ("N",)}

    @classmethod
    def init(cls, n: int, n_inputs: int = 0, *, rng: Any = None, dtype: Any = np.float64) -> Linear:
        """Random cell with n states, W a random rotation times 0.95."""
        rng = prepare(rng, dtype, n=n, n_inputs=n_inputs)
        q, r = np.linalg.qr(rng.standard_normal((n, n)))
        return cls(
            W=(0.95 * q * np.sign(np.diag(r))).astype(dtype),
            C=scaled_normal(rng, (n, n_inputs), n_inputs, dtype),
            h=np.zeros(n, dtype),
        )

    def jacobian_bound(cell):
        return spectral_norm(cell.W)

    def kinks(cell):
        return np.zeros((0, len(cell.h))), np.zeros(0)

    def immediate_bound(cell, size, drive):
        return math.sqrt(size**2 + drive**2 + 1.0)

    def jacobian_lipschitz(cell, size):
        return 0.0

    def weights(cell):
        return cell.W

    def input_weights(cell):
        return cell.C

    def unit_parameters(cell):
        return (cell.h,)

    def local(cell, p, x, a):
        return (a[0] + p[0],), ()

    def slopes(cell, p, x, y, s):
        return (like(p[0], 1.0),)

    def local_jvp(cell, c, v, da):
        return (da[0],)

    def local_vjp(cell, c, g):
        return (like(g[0], 0.0),), (g[0],)

    def parameter_gradient(cell, c, x, g, ga):
        return (g[0],)


class DiagonalLinear(NamedTuple):
    """Linear network of units that do not see each other, x' = A x + C u + h. Its exponents are ln |A|.

    Parameters
    ----------
    A : ndarray, shape (N,)
        Factor of each unit.
    C : ndarray, shape (N, M)
        Input weights; M may be 0.
    h : ndarray, shape (N,)
        Biases.

    Examples
    --------
    >>> DiagonalLinear.init(4, rng=0).A.shape
    (4,)
    """

    A: np.ndarray
    C: np.ndarray
    h: np.ndarray

    layout = Layout(parameters=2)
    shapes = {"A": ("N",), "C": ("N", "M"), "h": ("N",)}
    identity_values = {"A": 1.0, "h": 0.0}
    coupled = False  # training need not multiply by weights of zero

    @classmethod
    def init(cls, n: int, n_inputs: int = 0, *, rng: Any = None, dtype: Any = np.float64) -> DiagonalLinear:
        """Random cell with n states, A uniform between 0.5 and 1."""
        rng = prepare(rng, dtype, n=n, n_inputs=n_inputs)
        return cls(
            A=rng.uniform(0.5, 1.0, n).astype(dtype),
            C=scaled_normal(rng, (n, n_inputs), n_inputs, dtype),
            h=np.zeros(n, dtype),
        )

    def jacobian_bound(cell):
        return largest(cell.A)

    kinks = Linear.kinks
    immediate_bound, jacobian_lipschitz = Linear.immediate_bound, Linear.jacobian_lipschitz

    def weights(cell):
        return np.zeros((len(cell.A), len(cell.A)), cell.A.dtype)

    def weights_back(grad, G):
        pass  # there are none

    def input_weights(cell):
        return cell.C

    def unit_parameters(cell):
        return (cell.A, cell.h)

    # with weights of zero the rule is that of the PLRNN
    local, slopes = PLRNN.local, PLRNN.slopes
    local_jvp, local_vjp, parameter_gradient = PLRNN.local_jvp, PLRNN.local_vjp, PLRNN.parameter_gradient
