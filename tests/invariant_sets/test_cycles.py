"""Fixed points and cycles of smooth models against those that are known in closed form."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import chaoskit
from chaoskit import cycles, fixed_points, slow_points
from chaoskit.cells import GRU, LSTM, Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.invariant_sets.newton import newton_steps, ring_matrices
from chaoskit.systems import Duffing, Henon, Logistic, Lorenz63, Map

# points of period k of the logistic map at r = 4: cycles by Moebius inversion of 2^k
NUMBER_OF_CYCLES = {1: 2, 2: 1, 3: 2, 4: 3, 5: 6, 6: 9}


def ring_cell(k: int, gain: float = 3.0) -> Tanh:
    """Tanh network whose unit i + 1 copies unit i: a pattern of signs goes round."""
    return Tanh(gain * np.roll(np.eye(k), 1, axis=0), np.zeros((k, 0)), np.zeros(k))


def test_logistic_cycles_are_all_found():
    for k, count in NUMBER_OF_CYCLES.items():
        found = cycles(Logistic(), k)
        assert len(found) == count
        # x = sin^2(theta), theta -> 2 theta: every multiplier is +-2^k, but at the end point 0 it is 4
        moduli = np.abs(found.eigenvalues[:, 0])
        at_zero = np.abs(found.points[:, 0, 0]) < 1e-9
        np.testing.assert_allclose(moduli[~at_zero], 2.0**k, rtol=1e-8)
        np.testing.assert_allclose(moduli[at_zero], 4.0, rtol=1e-12)
        theta = np.arcsin(np.sqrt(np.clip(found.points[..., 0], 0, 1))) * 2 / np.pi
        turns = theta * (2.0**k + 1), theta * (2.0**k - 1)  # 2^k theta = +-theta modulo 2
        off = np.minimum(*(np.abs(t - 2 * np.round(t / 2)) for t in turns))
        assert off.max() < 1e-6


def test_henon_fixed_points_and_cycles():
    a, b = 1.4, 0.3
    found = fixed_points(Henon(a, b))
    roots = np.sort(np.roots([a, 1 - b, -1]).real)
    np.testing.assert_allclose(np.sort(found.points[:, 0, 0]), roots, atol=1e-12)
    for cycle in found:
        x = cycle.points[0, 0]
        wanted = np.roots([1, 2 * a * x, -b])
        np.testing.assert_allclose(np.sort(cycle.eigenvalues.real), np.sort(wanted), atol=1e-10)
    assert [len(cycles(Henon(a, b), k)) for k in (2, 3, 4, 5, 6)] == [1, 0, 1, 0, 2]


def test_equilibria_of_a_flow_with_their_rates():
    found = fixed_points(Lorenz63())
    r = np.sqrt(72.0)
    np.testing.assert_allclose(found.points[:, 0], [[0, 0, 0], [-r, -r, 27], [r, r, 27]], atol=1e-10)
    origin = np.array([(-11 + np.sqrt(1201)) / 2, -8 / 3, (-11 - np.sqrt(1201)) / 2])
    np.testing.assert_allclose(found.rates[0], origin, rtol=1e-10)
    # lambda^3 + (sigma + b + 1) lambda^2 + b (sigma + rho) lambda + 2 sigma b (rho - 1) = 0
    focus = np.roots([1, 41 / 3, 8 / 3 * 38, 2 * 10 * 8 / 3 * 27])
    np.testing.assert_allclose(found.rates[1], focus[np.argsort(-focus.real)], rtol=1e-9)
    np.testing.assert_allclose(found.eigenvalues, np.exp(0.01 * found.rates), rtol=1e-12)
    assert found.unstable_dimension.tolist() == [1, 2, 2]
    assert not found.stable.any()
    assert found.units == "per unit time"
    # the plane of the unstable directions is invariant under the Jacobian
    plane = found.unstable_directions[1][0]
    moved = plane @ Lorenz63().evaluate_jacobian(found.points[1, 0]).T
    assert np.linalg.matrix_rank(plane, tol=1e-9) == 2
    assert np.linalg.matrix_rank(np.vstack([plane, moved]), tol=1e-9) == 2


@pytest.mark.parametrize("k", range(1, 9))
def test_a_cycle_made_on_purpose_is_found_with_its_period(k):
    cell = ring_cell(k)
    found = cycles(cell, k)
    stable = [c for c in found if c.stable]
    assert stable
    for cycle in stable:
        moved = chaoskit.simulate(cell, cycle.points[0], k)
        np.testing.assert_allclose(moved[:-1], cycle.points, atol=1e-9)
        np.testing.assert_allclose(moved[-1], cycle.points[0], atol=1e-9)
    pulse = np.full(k, -1.0)
    pulse[0] = 1.0  # a single + among -: it takes k steps to come round
    settled = chaoskit.simulate(cell, pulse, 0, transient=50 * k)[0]
    distance = min(np.abs(c.points - settled).max(axis=1).min() for c in stable)
    assert distance < 1e-8


def test_a_cycle_is_not_reported_with_a_multiple_of_its_period():
    stable_pair = Logistic(r=3.2)
    assert len(cycles(stable_pair, 2)) == 1
    assert len(cycles(stable_pair, 4)) == 0
    assert len(cycles(stable_pair, 6)) == 0


def test_unstable_directions_are_carried_along_a_cycle():
    found = cycles(Henon(), 4)
    points, along = found.points[0], found.unstable_directions[0][:, 0]
    for i in range(4):
        moved = chaoskit.jacobian(Henon(), points[i]) @ along[i]
        cosine = moved @ along[(i + 1) % 4] / np.linalg.norm(moved)
        assert abs(cosine) == pytest.approx(1.0, abs=1e-9)


def test_driven_network_has_cycles_of_its_inputs():
    """With norm of W below 1 there is one orbit for each input, so one cycle of its period."""
    rng = np.random.default_rng(0)
    W = rng.standard_normal((4, 4))
    cell = Tanh(0.8 * W / np.linalg.norm(W, 2), rng.standard_normal((4, 2)), np.zeros(4))
    inputs = rng.standard_normal((3, 2))
    found = cycles(cell, 3, inputs=inputs)
    settled = chaoskit.simulate(cell, np.zeros(4), 2, inputs=np.tile(inputs, (101, 1)), transient=300)
    assert len(found) == 1
    assert found.stable[0]
    np.testing.assert_allclose(found.points[0], settled, atol=1e-9)
    assert len(cycles(cell, 6, inputs=inputs)) == 0
    np.testing.assert_allclose(cycles(cell, 3, inputs=np.tile(inputs, (2, 1))).points, found.points)
    steady = fixed_points(cell, inputs=inputs[0])
    np.testing.assert_allclose(
        np.tanh(cell.W @ steady.points[0, 0] + cell.U @ inputs[0]), steady.points[0, 0]
    )
    with pytest.raises(InvalidInputError, match="period: expected a multiple of 3"):
        cycles(cell, 2, inputs=inputs)


def test_inputs_of_a_fitted_model_are_in_their_own_units():
    cell = Tanh(0.5 * np.eye(2), np.array([[1.0], [-0.5]]), np.zeros(2))
    fitted = SimpleNamespace(cell=cell, start_state=np.zeros(2), scale_inputs=lambda u: (u - 10.0) / 2.0)
    found, wanted = fixed_points(fitted, inputs=[13.0]), fixed_points(cell, inputs=[1.5])
    np.testing.assert_allclose(found.points, wanted.points, atol=1e-12)
    assert len(found) == 1


def test_states_of_two_planes_and_inputs():
    """LSTM and GRU: the residuals are those of the map itself, the eigenvalues of its Jacobian."""
    for cell in (LSTM.init(4, rng=1), GRU.init(4, rng=1)):
        found = fixed_points(cell, starts=50)
        assert len(found) >= 1
        for cycle in found:
            moved = chaoskit.simulate(cell, cycle.points[0], 1)[1]
            np.testing.assert_allclose(moved, cycle.points[0], atol=1e-9)
            J = chaoskit.jacobian(cell, cycle.points[0])
            np.testing.assert_allclose(
                np.sort(np.abs(cycle.eigenvalues)), np.sort(np.abs(np.linalg.eigvals(J))), atol=1e-8
            )


def test_single_precision_is_searched_in_double():
    cell = ring_cell(3)
    single = Tanh(*(a.astype(np.float32) for a in cell))
    np.testing.assert_allclose(fixed_points(single).points, fixed_points(cell).points, atol=1e-9)


def _past_a_saddle_node(x, p, out):
    out[0] = x[0] + x[0] * x[0] + p[0]


def test_condensed_step_is_that_of_the_whole_system():
    rng = np.random.default_rng(0)
    jacobians, gaps = rng.standard_normal((3, 4, 2, 2)), rng.standard_normal((3, 4, 2))
    whole = np.linalg.solve(ring_matrices(jacobians), -gaps.reshape(3, 8, 1))
    np.testing.assert_allclose(newton_steps(jacobians, gaps).reshape(3, 8, 1), whole, rtol=1e-10)


def test_slow_points():
    """x' = x + x^2 + eps: fixed points +-sqrt(-eps), and for eps > 0 a ghost at 0 with a step of eps."""
    ghost = Map(_past_a_saddle_node, dim=1, parameters=(0.01,))
    found = slow_points(ghost, starts=[[0.3], [-0.4]])
    assert len(found) == 1
    assert found.points[0, 0] == pytest.approx(0.0, abs=1e-4)
    assert found.speeds[0] == pytest.approx(0.01, rel=1e-6)
    assert len(fixed_points(ghost, starts=[[0.3], [-0.4]])) == 0
    real = Map(_past_a_saddle_node, dim=1, parameters=(-0.01,))
    assert len(slow_points(real, starts=[[0.3], [-0.4]])) == 0
    roots = fixed_points(real, starts=[[0.3], [-0.4]])
    np.testing.assert_allclose(np.sort(roots.points.ravel()), [-0.1, 0.1], atol=1e-12)


def test_a_flow_whose_slow_points_are_equilibria():
    assert len(slow_points(Lorenz63(), starts=[[8.0, 8.0, 26.0]])) == 0


def test_result_is_read_as_a_list_and_says_its_verdict():
    found = fixed_points(Henon(), starts=20, seed=1)
    assert len(list(found)) == len(found) == 2
    assert found[0].points.shape == (1, 2)
    assert repr(found).startswith("CycleSet(2 fixed points of Henon, 0 stable; from 20 starts")
    assert not found.exhaustive
    again = fixed_points(Henon(), starts=20, seed=1)
    np.testing.assert_array_equal(found.points, again.points)
    ghosts = slow_points(Map(_past_a_saddle_node, dim=1, parameters=(0.01,)), starts=[[0.3]])
    assert repr(ghosts).startswith("SlowPoints(1 of Map, slowest 0.01")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cycles(Logistic(), 0), "period: expected a whole number of at least 1"),
        (lambda: cycles(Lorenz63(), 2), "period: expected 1 for Lorenz63, a flow"),
        (lambda: fixed_points(Duffing()), "does not depend on time"),
        (lambda: fixed_points("tanh"), "model: expected a cell"),
        (lambda: fixed_points(Logistic(r=np.array([3.0, 4.0]))), "one system at a time"),
        (lambda: fixed_points(Henon(), starts=[[0.0, np.nan]]), "starts: expected finite"),
        (lambda: fixed_points(Henon(), starts=[[0.0]]), "starts: expected shape"),
        (lambda: fixed_points(Henon(), starts=0), "starts: expected a whole number"),
        (lambda: cycles(Logistic(), 40, starts=[[7.0]]), "starts: all 1 orbits left"),
        (lambda: fixed_points(Tanh.init(3, 2, rng=0)), "takes 2 inputs"),
        (lambda: fixed_points(Tanh.init(3, 2, rng=0), inputs=np.zeros((2, 3))), "one row of 2 numbers"),
        (lambda: fixed_points(Henon(), inputs=[1.0]), "inputs"),
        (lambda: cycles(Henon(), 10**9), "period: expected at most 32768"),
        (lambda: fixed_points(Henon(), dt=-1.0), "dt"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()
