"""The bounds that cells declare are never exceeded, at random states and at those that nearly reach them."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from chain_oracle import immediate_derivative

import chaoskit
from chaoskit import cells
from chaoskit.cells import protocol

BOUNDED = [c for c in cells.ALL_CELLS if hasattr(c, "immediate_bound")]
SMOOTH = [c for c in cells.ALL_CELLS if hasattr(c, "jacobian_lipschitz")]


@pytest.mark.parametrize("cls", BOUNDED, ids=lambda c: c.__name__)
def test_immediate_derivative_is_bounded(cls):
    rng, tightest = np.random.default_rng(0), 0.0
    for trial in range(12):
        cell = naive.perturbed(cls.init(3, 2, rng=trial), rng, 0.3, 1.5)
        x = rng.standard_normal(3 * cls.layout.state) * 10.0 ** rng.uniform(-1, 1)
        u = rng.standard_normal(2)
        norm = np.linalg.norm(immediate_derivative(cell, x, u), 2)
        bound = protocol.immediate_bound(cell, float(np.linalg.norm(x)), float(np.linalg.norm(u)))
        assert norm <= bound * (1 + 1e-6)
        tightest = max(tightest, norm / bound)
    assert tightest > 0.05  # a bound that is far off says nothing


@pytest.mark.parametrize("cls", SMOOTH, ids=lambda c: c.__name__)
def test_jacobian_is_lipschitz(cls):
    """Finite distances, and the steepest of many directions where the curvature is large."""
    rng, largest = np.random.default_rng(1), 0.0
    for trial in range(300):
        cell = naive.perturbed(cls.init(2, 2, rng=trial), rng, 0.3, 10.0 ** rng.uniform(-1, 0.5))
        n = 2 * cls.layout.state
        x, u = rng.standard_normal(n) * 10.0 ** rng.uniform(-1, 0.5), rng.standard_normal(2)
        y = x + rng.standard_normal(n) * 10.0 ** rng.uniform(-3, 0.5)
        apart = np.linalg.norm(naive.jacobian(cell, x, u) - naive.jacobian(cell, y, u), 2)
        share = apart / np.linalg.norm(x - y)
        bound = protocol.jacobian_lipschitz(cell, max(np.linalg.norm(x), np.linalg.norm(y)))
        assert share <= bound * (1 + 1e-9) + 1e-12
        largest = max(largest, share / bound) if bound else largest
    assert largest > 0.05 or cls in (cells.Linear, cells.DiagonalLinear)


def test_lipschitz_constant_is_reached_by_one_unit():
    """|tanh''| is largest where tanh^2 = 1/3; there the constant of one unit is the slope's own."""
    one = np.ones((1, 1))
    cell = cells.Tanh(2.0 * one, np.zeros((1, 0)), np.zeros(1))
    x, h = np.arctanh(np.sqrt(1 / 3)) / 2.0, 1e-5
    slope = (naive.jacobian(cell, np.array([x + h])) - naive.jacobian(cell, np.array([x - h]))) / (2 * h)
    assert abs(slope[0, 0]) == pytest.approx(protocol.jacobian_lipschitz(cell, 1.0), rel=1e-6)


def test_immediate_bound_is_reached_by_one_hidden_unit():
    """Steep weights behind the hidden layer; every factor of the bound is there."""
    one, x, u = np.ones((1, 1)), np.array([2.0]), np.array([0.5])
    cell = cells.ShPLRNN(np.ones(1), 10.0 * one, 3.0 * one, np.zeros(1), np.ones(1), one)
    norm = np.linalg.norm(immediate_derivative(cell, x, u), 2)
    assert norm == pytest.approx(protocol.immediate_bound(cell, 2.0, 0.5), rel=1e-6)


def test_a_class_without_the_rules_declares_none():
    class Bare(tuple):
        pass

    assert protocol.immediate_bound(Bare(), 1.0, 1.0) is None
    assert protocol.jacobian_lipschitz(Bare(), 1.0) is None


def test_immediate_bound_is_nearly_reached_by_a_gate():
    """One GRU unit whose reset stands half open before a large term; the slope is q / 4."""
    W, b = np.array([[0.0], [0.0], [1000.0]]), np.array([0.0, -40.0, 0.0, -500.0])
    cell = cells.GRU(W, np.zeros((3, 0)), b)
    norm = np.linalg.norm(immediate_derivative(cell, np.ones(1), None), 2)
    assert norm == pytest.approx(protocol.immediate_bound(cell, 1.0, 0.0), rel=0.02)


def test_a_mask_may_be_anything():
    """Beyond 0 and 1 a unit is steeper below its kink than above, and the bounds know it."""
    cell = cells.ALRNN.init(3, rng=0)._replace(mask=np.array([0.0, 1.0, 9.0]))
    x = np.array([0.1, 0.1, -1.0])
    slopes = np.where(x > 0, 1.0, 1.0 - cell.mask)
    J = np.diag(cell.A) + cell.W * slopes
    np.testing.assert_allclose(chaoskit.jacobian(cell, x), J, atol=1e-12)
    assert np.linalg.norm(J, 2) > np.abs(cell.A).max() + np.linalg.norm(cell.W, 2)
    assert np.linalg.norm(J, 2) <= cell.jacobian_bound()
    immediate = np.linalg.norm(np.concatenate([x, slopes * x, [1.0]]))
    assert immediate <= protocol.immediate_bound(cell, float(np.linalg.norm(x)), 0.0)
