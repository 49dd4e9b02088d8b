"""Coexisting attractors: networks in which their number and shares are known."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit import attractors
from chaoskit.cells import Linear, Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.invariant_sets.clouds import Cloud
from chaoskit.systems import Logistic, Lorenz63, Map


def tanh(W, U=None):
    W = np.asarray(W, float)
    return Tanh(W, np.zeros((len(W), 0)) if U is None else U, np.zeros(len(W)))


def cubic(x, p, out):
    out[0] = p[0] * x[0] - x[0] ** 3


def test_a_bistable_unit_each():
    """W = 2 I: every pattern of signs is a fixed point, and reached from its own orthant."""
    found = attractors(tanh(2.0 * np.eye(3)), 400)
    assert len(found) == 8
    ends = np.array([a.orbit.points[0] for a in found])
    np.testing.assert_allclose(np.abs(ends), 0.957504024, atol=1e-8)
    np.testing.assert_array_equal(np.sign(ends)[found.labels], np.sign(found.starts))
    for one in found:
        assert one.orbit.kind == "fixed point"
        assert abs(one.share - 1 / 8) < 4 * one.stderr
        assert one.stderr == pytest.approx(np.sqrt(one.share * (1 - one.share) / 400))
    assert sum(a.count for a in found) == 400
    assert [a.count for a in found] == sorted((a.count for a in found), reverse=True)


def test_a_memory_of_two_patterns():
    """Hopfield's network holds its patterns and their negatives."""
    patterns = np.sign(np.random.default_rng(0).standard_normal((2, 40)))
    found = attractors(tanh(4.0 / 40 * patterns.T @ patterns), 60)
    ends = np.sign([a.orbit.points[0] for a in found])
    assert len(found) == 4
    assert {tuple(e) for e in ends} == {tuple(s * p) for p in patterns for s in (1, -1)}


def test_a_ring_has_a_cycle_for_each_necklace():
    """Signs that go round a ring of six: 14 necklaces, of periods 1, 2, 3 and 6."""
    found = attractors(tanh(2.0 * np.roll(np.eye(6), 1, axis=0)), 600)
    periods = sorted(int(a.orbit.period) for a in found)
    assert periods == [1, 1, 2, 3, 3, *[6] * 9]


def test_a_fixed_point_beside_a_cycle():
    """Units that hold each other up, or turn each other over: both rest and 2-cycle attract."""
    found = attractors(tanh([[0.0, 2.0], [2.0, 0.0]]), 200)
    assert sorted(a.orbit.label for a in found) == ["cycle of period 2", "fixed point", "fixed point"]
    same_sign = np.sign(found.starts).prod(axis=1) > 0
    rest = np.array([a.orbit.kind == "fixed point" for a in found])
    np.testing.assert_array_equal(rest[found.labels], same_sign)


def test_two_chaotic_attractors_stay_two():
    """x' = a x - x^3 at a = 2.5 has one on either side of 0; at 2.7 they have joined."""
    starts = np.linspace(-1.0, 1.0, 20)[:, None]
    found = attractors(Map(cubic, dim=1, parameters=(2.5,)), starts)
    assert [a.orbit.kind for a in found] == ["chaotic", "chaotic"]
    assert [a.count for a in found] == [10, 10]
    assert len({np.sign(a.states).mean() for a in found} & {-1.0, 1.0}) == 2
    assert len(attractors(Map(cubic, dim=1, parameters=(2.7,)), starts)) == 1


def test_one_chaotic_attractor_and_starts_that_diverge():
    found = attractors(Logistic(4.0), [[0.1], [0.2], [0.35], [2.0], [-1.0]])
    assert [a.orbit.kind for a in found] == ["chaotic"]
    assert found[0].share == pytest.approx(0.6)
    assert found.diverged_share == pytest.approx(0.4)
    np.testing.assert_array_equal(found.labels, [0, 0, 0, -1, -1])


def test_chaos_beside_rest_in_a_flow():
    """Between rho = 24.06 and 24.74 the foci of Lorenz attract beside the chaos."""
    starts = np.array([[1.0, 2.0, 20.0], [7.9, 7.9, 23.4], [-7.9, -7.9, 23.4], [3.0, 1.0, 25.0]])
    found = attractors(Lorenz63(rho=24.4), starts)
    assert [a.orbit.kind for a in found] == ["chaotic", "fixed point", "fixed point"]
    np.testing.assert_array_equal(found.labels, [0, 1, 2, 0])


def test_each_circle_of_a_rotation_is_one():
    cell = Linear(np.array([[0.6, -0.8], [0.8, 0.6]]), np.zeros((2, 0)), np.zeros(2))
    found = attractors(cell, [[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    assert [a.orbit.kind for a in found] == ["quasi-periodic"] * 2
    assert found[0].count == 2


def test_under_a_periodic_input_phases_count():
    """A unit that follows its sign and is kicked: two responses of the period of the input."""
    found = attractors(tanh([[3.0]], U=np.ones((1, 1))), 40, inputs=np.array([[0.1], [-0.1]]))
    assert [a.orbit.label for a in found] == ["cycle of period 2"] * 2


@pytest.mark.parametrize("others", [0, 20])
def test_clouds(others):
    """In few dimensions by a tree, in many by all distances."""
    rng = np.random.default_rng(0)
    still = np.zeros((1000, others))
    a, b, far = (Cloud(np.c_[rng.uniform(size=(1000, 2)) + shift, still]) for shift in (0.0, 0.0, 3.0))
    assert a.covers_the_same(b, False)
    assert not a.covers_the_same(far, False)
    half = Cloud(np.c_[rng.uniform(size=(1000, 2)) * [0.5, 1.0], still])
    assert not a.covers_the_same(half, False)


def test_the_table():
    text = repr(attractors(tanh(2.0 * np.eye(2)), 50)).splitlines()
    assert text[0] == "AttractorSet(4 from 50 starts)"
    assert len(text) == 5
    assert "fixed point" in text[1]


def test_bad_arguments():
    with pytest.raises(InvalidInputError, match="starts"):
        attractors(tanh(np.eye(2)), np.zeros((3, 3)))
    with pytest.raises(InvalidInputError, match="starts"):
        attractors(tanh(np.eye(2)), 0)
    with pytest.raises(InvalidInputError, match="max_period"):
        attractors(tanh(np.eye(2)), max_period=0)


def test_points_that_are_zero_to_round_off_are_one():
    """Each start comes to the origin with its own last digits."""
    rng = np.random.default_rng(0)
    cell = Tanh(0.9 * np.linalg.qr(rng.standard_normal((3, 3)))[0], np.zeros((3, 0)), np.zeros(3))
    found = attractors(cell, 5, steps=500, transient=100)
    assert [(a.orbit.kind, a.count) for a in found] == [("fixed point", 5)]
