"""Certificates: never violated, right about every T, and refused where they would be false."""

from __future__ import annotations

import chain_oracle as oracle
import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chaoskit
from chaoskit import cells, gradient_bound
from chaoskit.errors import InvalidInputError
from chaoskit.gradients.contraction import _adapted_roots, along_orbit, kappa_for, window_norms
from chaoskit.systems import Henon


def tanh(W, b=None, inputs=0, seed=0):
    n = len(W)
    U = np.random.default_rng(seed).standard_normal((n, inputs))
    return cells.Tanh(W, U, np.zeros(n) if b is None else b)


def largest_gradient(cell, x0, T, inputs=None, series=None, B=None):
    """Largest ||dL_T/dtheta|| over T steps by the dense recursion."""
    n = len(x0)
    inputs = [None] * T if inputs is None else inputs
    states = naive.orbit(cell, x0, T, inputs)
    tangent = oracle.forward_recursion(cell, states[:-1], inputs)[1]
    rows = np.full((T + 1, n), 1 / np.sqrt(n))
    if series is not None:
        rows = 2 / len(B) * (states @ B.T - series) @ B
    return max(np.linalg.norm(rows[t] @ tangent[t]) for t in range(1, T + 1))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(0.2, 0.95), st.integers(1, 5))
def test_global_norm_is_never_violated(seed, norm, n):
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((n, n))
    cell = tanh(norm * W / np.linalg.norm(W, 2), rng.standard_normal(n))
    x0 = 3 * rng.standard_normal(n)
    bound = gradient_bound(cell, x0, steps=3)
    assert bound.certified == "every T: global norm"
    assert bound.steps is None
    assert largest_gradient(cell, x0, 40) <= bound.bound * (1 + 1e-6)


def test_driven_network_and_data():
    """P11a: any input within what was given; and the loss against data, through a decoder."""
    rng, T = np.random.default_rng(0), 30
    W = rng.standard_normal((3, 3))
    cell = tanh(0.8 * W / np.linalg.norm(W, 2), inputs=2)
    u, B = rng.standard_normal((T, 2)), rng.standard_normal((2, 3))
    series, x0 = 4 * rng.standard_normal((T + 1, 2)), rng.standard_normal(3)
    bound = gradient_bound(cell, x0, steps=T, inputs=u, series=series, decoder=B)
    assert bound.certified == "every T: global norm"
    assert largest_gradient(cell, x0, T, u, series, B) <= bound.bound


def test_large_inputs_count():
    """The step of a linear network has the derivative (z, u, 1) in each row."""
    rng = np.random.default_rng(0)
    cell = cells.Linear(0.5 * np.eye(2), 1e-3 * rng.standard_normal((2, 2)), np.zeros(2))
    u = 50 * rng.standard_normal((20, 2))
    bound = gradient_bound(cell, [0.1, 0.1], steps=20, inputs=u)
    assert bound.certified == "every T: global norm"
    assert bound.immediate >= np.sqrt(np.linalg.norm(u, axis=1).max() ** 2 + 1)


def test_points_that_do_not_return_certify_nothing():
    """Far out the network is flat, but it does not stay there."""
    bound = gradient_bound(tanh(np.array([[1.5]])), cycle=[5.0], steps=3)
    assert not bound.certified.startswith("every T")


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_neighbourhood_of_a_fixed_point_is_never_violated(seed):
    """Norm above 1, yet a stable fixed point: certified for every T from some step on, if it settles."""
    rng = np.random.default_rng(seed)
    cell = tanh(1.3 * rng.standard_normal((4, 4)) / 2, rng.standard_normal(4))
    x0 = rng.standard_normal(4)
    bound = gradient_bound(cell, x0)
    if bound.certified.startswith("every T"):
        assert largest_gradient(cell, x0, 60) <= bound.bound * (1 + 1e-6)
        states = naive.orbit(cell, x0, 60)
        J = np.array([naive.jacobian(cell, z) for z in states])
        for length, norm in enumerate(window_norms(J, 40)):
            assert norm <= bound.kappa * bound.rate**length * (1 + 1e-9)


def test_neighbourhood_of_a_cycle():
    """A network whose pattern of signs rotates has a stable 5-cycle; given or found, it is certified."""
    cell = tanh(2.0 * np.roll(np.eye(5), 1, axis=0))
    x0 = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    found = gradient_bound(cell, x0)
    assert found.certified == "every T: neighbourhood of a 5-cycle"
    assert found.period == 5
    assert largest_gradient(cell, x0, 60) <= found.bound
    points = naive.orbit(cell, naive.orbit(cell, x0, 500)[-1], 4)
    given_ = gradient_bound(cell, cycle=points)
    assert given_.entered == 0
    assert given_.exists


def test_piecewise_linear_neighbourhood():
    """Until the nearest kink the Jacobian is constant: the ball may be large."""
    rng = np.random.default_rng(1)
    cell = cells.ShPLRNN.init(4, n_hidden=4, rng=1)
    W1, h1 = 0.7 * rng.standard_normal((4, 4)), rng.standard_normal(4)
    cell = cell._replace(A=0.5 * rng.uniform(-1, 1, 4), W1=W1, h1=h1)
    x0 = rng.standard_normal(4)
    bound = gradient_bound(cell, x0)
    assert bound.certified == "every T: neighbourhood of a fixed point"
    z = naive.orbit(cell, x0, 300)[-1]
    distance = np.abs(cell.W2 @ z + cell.h2) / np.linalg.norm(cell.W2, axis=1)
    assert bound.radius == pytest.approx(distance.min(), rel=1e-6)
    assert largest_gradient(cell, x0, 60) <= bound.bound


@pytest.mark.parametrize("slope", [0.0, 1e-3])
def test_dead_units_and_a_long_way_to_them(slope):
    """Jacobians of 0 at the end have no rate; a long expanding way at a small rate would overflow."""
    cell = cells.ReLU(np.array([[1.1, 0.0], [0.0, slope]]), np.zeros((2, 0)), np.array([-1.0, 0.1]))
    x0 = [10.0 - 1e-11, 5.0]
    bound = gradient_bound(cell, x0)
    assert bound.certified == "every T: neighbourhood of a fixed point"
    assert bound.entered > 200
    assert bound.exists
    assert largest_gradient(cell, x0, 300) <= bound.bound * (1 + 1e-6)


def test_gated_networks_are_certified_by_the_curvature_of_their_gates():
    rng = np.random.default_rng(2)
    cell = naive.perturbed(cells.LSTM.init(2, rng=2), rng, 0.1, 0.8)
    x0 = rng.standard_normal(4)
    bound = gradient_bound(cell, x0)
    assert bound.certified == "every T: neighbourhood of a fixed point"
    assert largest_gradient(cell, x0, 60) <= bound.bound


def test_nonnormal_maps_need_kappa():
    """Both eigenvalues 1/2, but norms far above 1 on the way: kappa says how far."""
    cell = tanh(np.array([[0.5, 30.0], [0.0, 0.5]]))
    bound = gradient_bound(cell, np.ones(2))
    assert bound.certified == "every T: neighbourhood of a fixed point"
    assert bound.kappa > 15
    assert largest_gradient(cell, np.ones(2), 60) <= bound.bound


def test_products_from_the_start_alone_give_a_false_bound():
    """The counterexample: an orbit that shrinks first and grows later.

    All products that begin at the start are below kappa r^t, and yet the gradient exceeds the bound that
    would follow; the one from all windows holds.
    """
    down, up = np.full(20, 0.1), np.full(10, 3.0)
    a = np.concatenate([down, up])
    J = a[:, None, None]
    from_start = np.abs(np.concatenate([[1.0], np.cumprod(a)]))
    rate = 0.9
    false = float(kappa_for(from_start, rate)[0])
    assert false == 1.0
    tangent = 0.0
    for factor in a:
        tangent = factor * tangent + 1.0  # the immediate derivative is 1
    assert tangent > 1000 * false / (1 - rate)
    right = along_orbit(J, 200)
    assert right is not None
    assert tangent <= right.total
    for length, norm in enumerate(window_norms(J, 30)):
        assert norm <= right.kappa * right.rate**length * (1 + 1e-12)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_all_products_are_below_kappa_r(seed, T):
    """Windows of every length and place, also those longer than the one that shrank, by plain products."""
    rng = np.random.default_rng(seed)
    J = rng.standard_normal((T, 3, 3)) * rng.uniform(0.1, 0.6, T)[:, None, None]
    norms = list(window_norms(J, T))
    found = along_orbit(J, 200)
    for length in range(1, T + 1):
        products = [np.linalg.multi_dot([np.eye(3), *J[s : s + length][::-1]]) for s in range(T - length + 1)]
        largest = max(np.linalg.norm(P, 2) for P in products)
        assert norms[length] == pytest.approx(largest, rel=1e-9)
        if found is not None:
            assert largest <= found.kappa * found.rate**length * (1 + 1e-9)


def test_adapted_norms_fit_together_around_a_cycle():
    """P_i = 1 + J_i' P_{i+1} J_i, once around and back to the first."""
    J = np.random.default_rng(0).standard_normal((3, 4, 4)) / 3.5
    P = [R.T @ R for R in _adapted_roots(J)]
    for i in range(3):
        np.testing.assert_allclose(P[i], np.eye(4) + J[i].T @ P[(i + 1) % 3] @ J[i], rtol=1e-9)
    assert _adapted_roots(4 * J) is None


def test_a_finite_orbit_is_certified_for_its_steps_only():
    """A quasi-periodic input, so that there is no cycle: the window norms of these steps."""
    rng, T = np.random.default_rng(5), 60
    cell = tanh(1.2 * rng.standard_normal((3, 3)) / np.sqrt(3), inputs=1)
    u = 2 * np.cos(np.sqrt(2) * np.arange(T))[:, None]
    bound = gradient_bound(cell, np.zeros(3), steps=T, inputs=u)
    assert bound.certified == f"T <= {T}: these steps"
    assert bound.steps == T
    assert largest_gradient(cell, np.zeros(3), T, u) <= bound.bound
    states = chaoskit.simulate(cell, np.zeros(3), T, inputs=u)
    assert gradient_bound(cell, states, inputs=u).bound == pytest.approx(bound.bound, rel=1e-12)


def test_the_start_may_depend_on_the_parameters():
    cell = tanh(0.5 * np.eye(2))
    alone, more = (gradient_bound(cell, np.ones(2), steps=1, start_gradient=g) for g in (0.0, 3.0))
    assert more.bound == pytest.approx(alone.bound + 3.0)


def test_no_bound_on_chaos():
    W = np.random.default_rng(0).standard_normal((50, 50)) * 2.5 / np.sqrt(50)
    bound = gradient_bound(tanh(W))
    assert not bound.exists
    assert "chaotic" in bound.reason
    assert "none" in repr(bound)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"orbit": np.ones((4, 2))}, "follow each other"),
        ({"orbit": np.ones((1, 2))}, "at least 2 states"),
        ({"steps": 10**8}, "steps: the Jacobians"),
        ({"cycle": np.ones(3)}, "expected"),
        ({"start_gradient": -1.0}, "start_gradient"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        gradient_bound(tanh(0.5 * np.eye(2)), **arguments)
    with pytest.raises(InvalidInputError, match="not trained here"):
        gradient_bound(Henon())
