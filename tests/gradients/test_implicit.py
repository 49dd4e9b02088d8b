"""Derivatives of fixed points and cycles against finite differences of the cycle itself, and P1 and P2."""

from __future__ import annotations

import chain_oracle as oracle
import naive
import numpy as np
import pytest

from chaoskit import cells, cycle_derivative, cycle_gradient
from chaoskit.errors import InvalidInputError


def ring(k, gain=1.3, bias=0.05):
    """A tanh network whose pattern of signs rotates: a stable k-cycle for odd and even k alike."""
    W = gain * np.roll(np.eye(k), 1, axis=0)
    return cells.Tanh(W, np.zeros((k, 0)), bias * np.arange(k))


def settled(cell, x, k, u=None, rounds=400):
    """Points of the stable k-cycle that x falls on, by iteration."""
    for _ in range(rounds):
        for i in range(k):
            x = naive.step(cell, x, None if u is None else u[i])
    points = [x]
    for i in range(k - 1):
        points.append(naive.step(cell, points[-1], None if u is None else u[i]))
    return np.array(points)


def finite_differences(cell, points, u=None, h=1e-5):
    """Central differences of the points (k, N) by all trained numbers: (k, N, P)."""
    columns = []
    for name in oracle.trained_fields(cell):
        for index in np.ndindex(getattr(cell, name).shape):
            ends = []
            for sign in (1, -1):
                moved = getattr(cell, name).copy()
                moved[index] += sign * h
                ends.append(settled(cell._replace(**{name: moved}), points[0], len(points), u))
            columns.append((ends[0] - ends[1]) / (2 * h))
    return np.moveaxis(np.array(columns), 0, -1)


def as_matrix(derivative, k, n):
    return np.concatenate([a.reshape(k, n, -1) for a in derivative], axis=2)


@pytest.mark.parametrize("k", [1, 3])
def test_points_move_as_finite_differences_say(k):
    cell = ring(3)
    start = np.array([1.0, -1.0, -1.0]) if k == 3 else np.ones(3)
    points = settled(cell, start, k)
    wanted = finite_differences(cell, points)
    got = as_matrix(cycle_derivative(cell, points), k, 3)
    np.testing.assert_allclose(got, wanted, atol=1e-7)
    weights = np.random.default_rng(0).standard_normal((k, 3))
    gradient = oracle.flat(cycle_gradient(cell, points, weights))
    np.testing.assert_allclose(gradient, np.einsum("kn,knp->p", weights, got), atol=1e-12)
    first = oracle.flat(cycle_gradient(cell, points, weights[0]))
    np.testing.assert_allclose(first, weights[0] @ got[0], atol=1e-12)


def test_two_planes_and_periodic_inputs():
    """An LSTM under inputs of period 2: the response has that period and moves with all parameters (P11b)."""
    rng = np.random.default_rng(0)
    cell = naive.perturbed(cells.LSTM.init(2, 1, rng=0), rng, 0.1, 0.7)
    u = np.array([[0.5], [-1.0]])
    points = settled(cell, np.zeros(4), 2, u)
    got = as_matrix(cycle_derivative(cell, points, inputs=u), 2, 4)
    np.testing.assert_allclose(got, finite_differences(cell, points, u), atol=1e-7)


def test_unstable_fixed_point_in_closed_form():
    """x' = a x + h per unit: z = h / (1 - a), dz/dh = 1 / (1 - a), dz/da = h / (1 - a)^2, stable or not."""
    a, h = np.array([1.8, -3.0, 0.2]), np.array([1.0, 2.0, -1.0])
    none, one = np.zeros((3, 1)), np.ones(1)
    cell = cells.ShPLRNN(a, none, none.T, h, one, np.zeros((3, 0)))
    derivative = cycle_derivative(cell, h / (1 - a))
    np.testing.assert_allclose(derivative.h1[0], np.diag(1 / (1 - a)), atol=1e-13)
    np.testing.assert_allclose(derivative.A[0], np.diag(h / (1 - a) ** 2), atol=1e-13)


@pytest.mark.parametrize("k", [1, 3])
def test_forward_recursion_tends_to_it(k):
    """P1 and P2: on the way dz_T/dtheta becomes what implicit differentiation gives at the point reached."""
    from chaoskit.gradients.chains import Parameters, Sensitivities
    from chaoskit.gradients.orbit_walk import Walk
    from chaoskit.gradients.setting import setting

    cell = ring(3)
    points = settled(cell, np.array([1.0, -1.0, -1.0]) if k == 3 else np.ones(3), k)
    where = setting(cell, points[0], 600 + k)
    own = Parameters(cell, where.model)
    forward = Sensitivities(own)
    wanted = as_matrix(cycle_derivative(cell, points), k, 3)
    for chunk in Walk(where.model, where.start, where.inputs, 600 + np.arange(k + 1), 1000):
        forward.go(chunk)
        got = np.ldexp(own.own_rows(forward.packed), forward.exponent)
        np.testing.assert_allclose(got, wanted[chunk.end % k], atol=1e-9)


@pytest.mark.parametrize(
    ("points", "arguments", "message"),
    [
        (np.ones(3), {}, "follow each other"),
        (np.zeros((2, 2)), {}, "points of 3"),
        (np.zeros((2, 2, 3)), {}, "one fixed point"),
        (None, {"weights": np.zeros(2)}, "weights: expected"),
        (None, {"inputs": np.zeros(2)}, "inputs: expected"),
    ],
)
def test_bad_input(points, arguments, message):
    cell = ring(3)
    points = settled(cell, np.ones(3), 1) if points is None else points
    with pytest.raises(InvalidInputError, match=message):
        cycle_gradient(cell, points, **{"weights": np.ones(3), **arguments})


def test_bifurcation_is_refused():
    """The origin of a tanh unit with gain 1 is a pitchfork: its eigenvalue is 1."""
    cell = cells.Tanh(np.eye(2), np.zeros((2, 0)), np.zeros(2))
    with pytest.raises(InvalidInputError, match="eigenvalue 1"):
        cycle_gradient(cell, np.zeros(2), np.ones(2))
