"""Exact search of piecewise-linear cells: all regions, all itineraries, kinks and continua."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chaoskit
from chaoskit import cycles, fixed_points
from chaoskit.cells import PLRNN, ClippedShPLRNN, DendPLRNN, DiagonalLinear, Linear, ReLU, ShPLRNN
from chaoskit.invariant_sets.regions import count_bound, regions


def tent(s: float) -> ReLU:
    """Two units that make s relu(x) - 2 s relu(x - 1/2) of their common x."""
    return ReLU(np.array([[s, -2 * s], [s, -2 * s]]), np.zeros((2, 0)), np.array([0.0, -0.5]))


def tent_variable(points: np.ndarray, s: float) -> np.ndarray:
    return s * points[..., 0] - 2 * s * points[..., 1]


@pytest.mark.parametrize("s", [1.9999, 1.8])
def test_points_and_short_cycles_of_the_tent_map(s):
    found = fixed_points(tent(s))
    assert found.exhaustive
    x = tent_variable(found.points, s)[:, 0]
    np.testing.assert_allclose(np.sort(x), [0.0, s / (1 + s)], atol=1e-12)
    assert found.on_kink.sum() == 1  # x = 0 is on the kink; its least stable side has slope s
    np.testing.assert_allclose(np.abs(found.eigenvalues[:, 0]), s, rtol=1e-12)
    assert not found.stable.any()

    pair = cycles(tent(s), 2)
    assert pair.exhaustive
    wanted = np.array([s / (1 + s * s), s * s / (1 + s * s)])
    np.testing.assert_allclose(np.sort(tent_variable(pair.points, s)), [wanted], atol=1e-12)
    np.testing.assert_allclose(pair.eigenvalues[:, 0], -s * s, rtol=1e-12)

    threes = cycles(tent(s), 3)
    # left, left, right: x = s (1 - s^2 x), and left, right, right: x = s (1 - s (1 - s x))
    wanted = np.sort([s / (1 + s**3), s * (s - 1) / (s**3 - 1)])
    least = np.sort(tent_variable(threes.points, s).min(axis=1))
    np.testing.assert_allclose(least, wanted, atol=1e-12)


def test_numbers_of_cycles_of_the_tent_map():
    """2^k points of period k of a full tent: each itinerary is met once."""
    for k, count in ((4, 3), (5, 6), (6, 9), (7, 18)):
        found = cycles(tent(1.9999), k)
        assert (len(found), found.exhaustive) == (count, True)
        assert found.residuals.max() < 1e-13
        np.testing.assert_allclose(np.abs(found.eigenvalues[:, 0]), 1.9999**k, rtol=1e-10)


def test_exact_and_newton_search_agree():
    """Whatever Newton finds from many starts is among all of them; in these nets it finds all."""
    rng = np.random.default_rng(0)
    total = 0
    for _ in range(6):
        cell = ReLU(rng.standard_normal((4, 4)), np.zeros((4, 0)), rng.standard_normal(4))
        for k in (1, 2, 3):
            exact, newton = cycles(cell, k), cycles(cell, k, starts=600)
            assert exact.exhaustive
            assert not newton.exhaustive
            assert len(exact) == len(newton)
            np.testing.assert_allclose(
                exact.points, newton.points, atol=1e-7 * (1 + np.abs(exact.points).max(initial=0))
            )
            total += len(exact)
    assert total > 6


def test_every_region_of_a_random_arrangement_is_met():
    """Their number is that of Schlaefli, and each point is inside its region."""
    rng = np.random.default_rng(0)
    for planes, dimension in ((7, 2), (9, 3), (5, 5), (4, 6)):
        normals, offsets = rng.standard_normal((planes, dimension)), rng.standard_normal(planes)
        found = regions(normals, offsets, 10_000)
        assert len(found.inside) == count_bound(planes, min(dimension, planes))
        assert len(np.unique(found.above, axis=0)) == len(found.inside)
    through_zero = regions(rng.standard_normal((6, 3)), np.zeros(6), 10_000)
    central = 2 * sum(math.comb(5, i) for i in range(3))
    assert len(np.unique(through_zero.above, axis=0)) == central  # all planes through one point
    sampled = rng.standard_normal((10_000, 3)) @ through_zero.normals.T > 0
    assert {row.tobytes() for row in sampled} <= {row.tobytes() for row in through_zero.above}
    assert regions(np.eye(20), np.zeros(20), 1000) is None


@pytest.mark.parametrize(
    "cell",
    [
        PLRNN.init(5, rng=3)._replace(h=np.linspace(-1, 1, 5)),
        ShPLRNN.init(3, n_hidden=12, rng=0)._replace(h1=np.array([0.3, -0.2, 0.1])),
        ClippedShPLRNN.init(2, n_hidden=8, rng=0)._replace(h1=np.array([0.3, -0.2])),
        DendPLRNN.init(3, n_bases=3, rng=0)._replace(h=np.array([0.3, -0.2, 0.5])),
    ],
    ids=lambda c: type(c).__name__,
)
def test_all_fixed_points_are_there(cell):
    """What orbits settle at and what Newton finds is among what the search over all regions found."""
    found = fixed_points(cell)
    assert found.exhaustive
    newton = fixed_points(cell, starts=300)
    for point in newton.points[:, 0]:
        assert np.abs(found.points[:, 0] - point).max(axis=1).min() < 1e-7 * (1 + np.abs(point).max())
    for cycle in found:
        moved = chaoskit.simulate(cell, cycle.points[0], 1)[1]
        np.testing.assert_allclose(moved, cycle.points[0], atol=1e-9 * (1 + np.abs(moved).max()))


def test_the_unit_of_the_states_does_not_matter():
    """relu is homogeneous: biases times a number give states times that number."""
    rng = np.random.default_rng(2)
    W, b = rng.standard_normal((4, 4)), rng.standard_normal(4)
    one = fixed_points(ReLU(W, np.zeros((4, 0)), b))
    for unit in (1e-9, 1e9):
        other = fixed_points(ReLU(W, np.zeros((4, 0)), unit * b))
        np.testing.assert_allclose(other.points, unit * one.points, rtol=1e-9, atol=1e-12 * unit)


def test_driven_by_a_constant_input():
    rng = np.random.default_rng(5)
    cell = ReLU(0.5 * rng.standard_normal((3, 3)), rng.standard_normal((3, 2)), rng.standard_normal(3))
    u = np.array([0.7, -1.1])
    biased = ReLU(cell.W, np.zeros((3, 0)), cell.b + cell.U @ u)
    found, wanted = fixed_points(cell, inputs=u), fixed_points(biased)
    assert found.exhaustive
    np.testing.assert_allclose(found.points, wanted.points, atol=1e-12)
    two = cycles(cell, 2, inputs=np.stack([u, -u]))
    assert not two.exhaustive
    moved = chaoskit.simulate(cell, two.points[0, 0], 2, inputs=np.stack([u, -u]))
    np.testing.assert_allclose(moved[2], two.points[0, 0], atol=1e-9)


def test_a_continuum_is_reported_as_such():
    """An eigenvalue of 1 in a region: a line of fixed points, not a handful of random ones."""
    line = DiagonalLinear(np.array([1.0, 0.5]), np.zeros((2, 0)), np.array([0.0, 1.0]))
    found = fixed_points(line)
    assert len(found) == 0
    assert len(found.continua) == 1
    point, directions = found.continua[0]
    assert point[1] == pytest.approx(2.0)
    np.testing.assert_allclose(np.abs(directions), [[1.0, 0.0]], atol=1e-12)
    assert "not isolated in 1 places" in repr(found)
    none = fixed_points(line._replace(h=np.array([0.1, 1.0])))  # drifts: no fixed point at all
    assert (len(none), len(none.continua)) == (0, 0)
    turn = Linear(np.array([[0.0, -1.0], [1.0, 0.0]]), np.zeros((2, 0)), np.zeros(2))
    assert [len(cycles(turn, k).continua) for k in (1, 2, 3, 4)] == [0, 0, 0, 1]
    assert len(fixed_points(turn)) == 1
    half = PLRNN(np.array([1.0]), np.array([[-0.5]]), np.zeros((1, 0)), np.zeros(1))  # x' = x where x < 0
    ray = fixed_points(half)
    assert len(ray.continua) == 1
    assert ray.continua[0].point[0] < 0


def test_too_many_regions_are_searched_from_starts():
    cell = PLRNN.init(6, rng=0)
    assert fixed_points(cell).completeness.startswith("exhaustive over all 64 regions")
    few = fixed_points(cell, most_regions=10)
    assert not few.exhaustive
    assert few.completeness.startswith("from 400 starts")


@pytest.mark.parametrize("slope", [1e-3, 1e-7, 1e-9])
def test_maps_close_to_the_identity_keep_their_points_apart(slope):
    """Most regions have a fixed point of their own at 1 / slope; that says nothing about the points."""
    x = np.array([-10, -3, -2, -1, -0.25, 0.25, 0.75, 1.25, 2, 3, 4, 10.0])
    step = np.array([1, 1, 1, 1, 1, -1, -1, 1, 1, 1, 1, 1.0])
    slopes = 1.0 + slope + np.diff(step) / np.diff(x)
    first = (1.0 + slope) * x[0] + step[0]
    cell = ShPLRNN(
        slopes[:1], np.diff(slopes)[None], np.ones((10, 1)), np.array([first - slopes[0] * x[0]]), -x[1:-1],
        np.zeros((1, 0)),
    )  # fmt: skip
    found = fixed_points(cell)
    assert found.exhaustive
    wanted = [-1 / slope, 0.0, 4.0 / (4.0 + slope)]
    np.testing.assert_allclose(np.sort(found.points.ravel()), wanted, rtol=1e-6, atol=1e-12)
    assert not found.stable.any()
    assert not found.on_kink.any()
