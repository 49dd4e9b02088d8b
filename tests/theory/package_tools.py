"""The tools of the laws, taken from the package."""

from __future__ import annotations

import numpy as np
from laws import Tools

from chaoskit import gradient_bound, gradient_growth, jacobian, jacobian_product, lyapunov_spectrum
from chaoskit.gradients.chains import Parameters, Sensitivities
from chaoskit.gradients.orbit_walk import Walk
from chaoskit.gradients.setting import setting


def jacobians(cell, states, inputs=None):
    return jacobian(cell, states, inputs)


def product(cell, x0, steps, inputs=None):
    return jacobian_product(cell, x0, steps, inputs=inputs)


def sensitivity(cell, x0, steps, inputs=None):
    where = setting(cell, x0, steps, inputs=inputs)
    own = Parameters(where.cell, where.model)
    forward = Sensitivities(own)
    for chunk in Walk(where.model, where.start, where.inputs, [steps], steps):
        forward.go(chunk)
    return np.ldexp(own.own_rows(forward.packed), forward.exponent)


def immediate(cell, states, inputs=None):
    """What the parameters do in one step: the derivative after a step from a state without derivatives."""
    rows = [None] * len(states) if inputs is None else inputs[:, None]
    return np.stack([sensitivity(cell, z, 1, u) for z, u in zip(states, rows, strict=True)])


def growth(cell, x0, steps, **options):
    return gradient_growth(cell, x0, steps, **options)


def spectrum(cell, x0, steps, inputs=None, k=None):
    result = lyapunov_spectrum(cell, x0, steps, k=k, inputs=inputs, transient=0, tangent_transient=0)
    return result.exponents


def kappa(J, rate, starts=None):
    """Smallest kappa >= 1 with ||J_t ... J_{s+1}|| <= kappa rate^(t - s) for all t and s, or the given s."""
    largest = 1.0
    for s in range(len(J)) if starts is None else starts:
        product = np.eye(J.shape[1])
        for lag, factor in enumerate(J[s:], 1):
            product = factor @ product
            largest = max(largest, np.linalg.norm(product, 2) / rate**lag)
    return largest


def bound(cell, x0, steps, inputs=None):
    return gradient_bound(cell, x0, steps=steps, inputs=inputs)


PACKAGE = Tools(jacobians, product, immediate, sensitivity, growth, spectrum, kappa, bound)
