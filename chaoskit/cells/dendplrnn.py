"""The dendritic PLRNN: a spline with trainable kinks in place of the relu."""

from __future__ import annotations

import math
import sys
from typing import Any, NamedTuple

import numpy as np

from .._jit import helper
from ._init import prepare, scaled_normal, scaled_uniform
from ._math import like, relu, relu_slope
from .plrnn import PLRNN
from .protocol import Layout, largest, spectral_norm


class DendPLRNN(NamedTuple):
    """Dendritic PLRNN, x' = A x + W sum_b alpha_b relu(x - thresholds_b) + C u + h.

    Brenner et al. 2022, arXiv 2207.02542, Eq. 4.

    Parameters
    ----------
    A : ndarray, shape (N,)
        Diagonal of the linear part.
    W : ndarray, shape (N, N)
        Recurrent weights.
    alpha : ndarray, shape (B,)
        Slopes of the bases, the same for all units.
    thresholds : ndarray, shape (N, B)
        Kinks of each unit.
    h : ndarray, shape (N,)
        Biases.
    C : ndarray, shape (N, M)
        Input weights; M may be 0.

    Examples
    --------
    >>> DendPLRNN.init(4, n_bases=10, rng=0).thresholds.shape
    (4, 10)
    """

    A: np.ndarray
    W: np.ndarray
    alpha: np.ndarray
    thresholds: np.ndarray
    h: np.ndarray
    C: np.ndarray

    layout = Layout(parameters=2)
    shapes = {
        "A": ("N",), "W": ("N", "N"), "alpha": ("B",), "thresholds": ("N", "B"), "h": ("N",), "C": ("N", "M"),
    }  # fmt: skip
    identity_values = PLRNN.identity_values

    @classmethod
    def init(
        cls, n: int, n_inputs: int = 0, *, n_bases: int = 5, rng: Any = None, dtype: Any = np.float64
    ) -> DendPLRNN:
        """Random cell with n states and n_bases kinks a unit within z-scored data; slopes +-1 / n_bases."""
        rng = prepare(rng, dtype, n=n, n_inputs=n_inputs, n_bases=n_bases)
        return cls(
            A=scaled_uniform(rng, n, n, dtype),
            W=scaled_uniform(rng, (n, n), n, dtype),
            alpha=scaled_uniform(rng, n_bases, n_bases**2, dtype),
            thresholds=scaled_uniform(rng, (n, n_bases), 1, dtype, gain=2.0),
            h=np.zeros(n, dtype),
            C=scaled_normal(rng, (n, n_inputs), n_inputs, dtype),
        )

    @classmethod
    def from_relus(cls, W, h, z, bound):
        """(network, states) that follow z' = W relu(z) + h from states z, through the first base."""
        n, bases = len(h), 5
        thresholds = np.zeros((n, bases))
        return cls(np.zeros(n), W, np.eye(bases)[0], thresholds, h, np.zeros((n, 0))), z

    def kernel_class(cell):
        return _with_bases(np.shape(cell.alpha)[-1])

    def jacobian_bound(cell):
        return largest(cell.A) + spectral_norm(cell.W) * float(np.abs(cell.alpha).sum())

    def kinks(cell):
        n, bases = np.shape(cell.thresholds)
        return np.repeat(np.eye(n), bases, axis=0), -np.ravel(cell.thresholds)

    def immediate_bound(cell, size, drive):
        reach = size + np.linalg.norm(cell.thresholds, axis=0)  # of relu(x - threshold), by base
        features = float(np.abs(cell.alpha) @ reach)
        inside = float(reach @ reach + cell.alpha @ cell.alpha)  # by alpha, by the thresholds
        own = size**2 + features**2 + drive**2 + 1.0
        return math.sqrt(own + spectral_norm(cell.W) ** 2 * inside)

    def weights(cell):
        return cell.W

    def input_weights(cell):
        return cell.C

    def unit_parameters(cell):
        return (cell.A, cell.h)

    def feature_parameters(cell):
        alpha = np.repeat(cell.alpha, len(cell.thresholds))
        return np.ascontiguousarray(cell.thresholds.T).reshape(-1), alpha

    def feature_parameters_back(grad, planes):
        n, bases = grad.thresholds.shape
        by_base = planes.reshape(2, bases, n)
        grad.thresholds[...] = by_base[0].T
        grad.alpha[...] = by_base[1].sum(axis=1)

    local, slopes = PLRNN.local, PLRNN.slopes
    local_jvp, local_vjp, parameter_gradient = PLRNN.local_jvp, PLRNN.local_vjp, PLRNN.parameter_gradient


def _with_bases(count: int):
    """The class for `count` bases: their number decides how many planes the feature has."""
    name = f"_DendPLRNN{count}"
    module = sys.modules[__name__]
    known = getattr(module, name, None)
    if known is None:
        feature, slope, by_threshold, by_slope = _sums(count)
        known = type(
            name,
            (DendPLRNN,),
            {
                "__slots__": (),
                "__module__": __name__,
                "layout": DendPLRNN.layout._replace(features=2 * count),
                "feature": lambda cell, f, x: feature(f, x),
                "feature_slope": lambda cell, f, x: slope(f, x),
                "feature_gradient": lambda cell, f, x, g: by_threshold(f, x, g) + by_slope(f, x, g),
            },
        )
        setattr(module, name, known)
    return known


def _sums(count: int):
    """Sum over the bases, its slope, and its gradients by threshold and alpha, as functions of planes f.

    Made one base after the other, so that each index is a constant for the compiler.
    """
    feature, slope = _first_terms(count)
    by_threshold, by_slope = _first_gradients(count)
    for b in range(1, count):
        feature, slope = _next_terms(b, count, feature, slope)
        by_threshold, by_slope = _next_gradients(b, count, by_threshold, by_slope)
    return feature, slope, by_threshold, by_slope


def _first_terms(count):
    @helper
    def feature(f, x):
        return f[count] * relu(x - f[0])

    @helper
    def slope(f, x):
        return f[count] * relu_slope(x - f[0])

    return feature, slope


def _next_terms(b, count, feature, slope):
    at = count + b

    @helper
    def more(f, x):
        return feature(f, x) + f[at] * relu(x - f[b])

    @helper
    def steeper(f, x):
        return slope(f, x) + f[at] * relu_slope(x - f[b])

    return more, steeper


def _first_gradients(count):
    @helper
    def by_threshold(f, x, g):
        return (like(x, -1.0) * f[count] * relu_slope(x - f[0]) * g,)

    @helper
    def by_slope(f, x, g):
        return (relu(x - f[0]) * g,)

    return by_threshold, by_slope


def _next_gradients(b, count, by_threshold, by_slope):
    at = count + b

    @helper
    def thresholds(f, x, g):
        return by_threshold(f, x, g) + (like(x, -1.0) * f[at] * relu_slope(x - f[b]) * g,)

    @helper
    def slopes(f, x, g):
        return by_slope(f, x, g) + (relu(x - f[b]) * g,)

    return thresholds, slopes
