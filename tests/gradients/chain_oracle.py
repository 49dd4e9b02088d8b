"""Dense recursions of gradients through time in plain NumPy, to test the scaled ones against."""

from __future__ import annotations

import naive
import numpy as np

from chaoskit.cells import protocol


def trained_fields(cell):
    return [name for name in cell._fields if name not in protocol.fixed_fields(cell)]


def flat(gradient):
    """One vector over the trained arrays of a cell."""
    return np.concatenate([np.ravel(getattr(gradient, name)) for name in trained_fields(gradient)])


def immediate_derivative(cell, x, u=None, h=1e-6):
    """Central differences of one step by every trained number, (N, P)."""
    columns = []
    for name in trained_fields(cell):
        for index in np.ndindex(getattr(cell, name).shape):
            ends = []
            for sign in (1, -1):
                moved = getattr(cell, name).copy()
                moved[index] += sign * h
                ends.append(naive.step(cell._replace(**{name: moved}), x, u))
            columns.append((ends[0] - ends[1]) / (2 * h))
    return np.array(columns).T


def forward_recursion(cell, states, inputs, factors=None):
    """Lists over t = 0..T of dz_t/dz_0 and dz_t/dtheta along given states (T, N) that steps begin at.

    factors (T, N): how much of the derivative of the state passes where it was forced before step t.
    """
    n = len(states[0])
    product, tangent = [np.eye(n)], [np.zeros((n, immediate_derivative(cell, states[0], inputs[0]).shape[1]))]
    for t, (z, u) in enumerate(zip(states, inputs, strict=True)):
        J = naive.jacobian(cell, z, u)
        if factors is not None:
            J = J * factors[t]
        product.append(J @ product[-1])
        tangent.append(J @ tangent[-1] + immediate_derivative(cell, z, u))
    return product, tangent


def log_norm(matrix):
    with np.errstate(divide="ignore"):
        return np.log(np.linalg.norm(matrix, 2))
