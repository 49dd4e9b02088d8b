"""Estimates of the growth of Jacobians, against NumPy, and bounds from the weights."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from chaoskit.cells import ALL_CELLS, GRU, LSTM, PLRNN, Antisymmetric, ReLU, ShPLRNN, Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.forcing import ESTIMATORS, AdaptiveGeneralized
from chaoskit.training.adaptive import growth, weight_bound


def jacobians(cell, states):
    return np.array([[naive.jacobian(cell, x) for x in row] for row in states])


@pytest.mark.parametrize("cell_class", [Tanh, PLRNN, LSTM, ShPLRNN], ids=lambda c: c.__name__)
def test_estimators(cell_class):
    rng = np.random.default_rng(0)
    cell = naive.perturbed(cell_class.init(3, rng=1), rng, 0.3)
    states = rng.standard_normal((10, 4, 6 if cell_class is LSTM else 3))
    J = jacobians(cell, states)
    norms = np.linalg.norm(J, 2, axis=(2, 3))
    products = []
    for b in range(4):
        product = np.eye(J.shape[2])
        for t in range(10):
            product = J[t, b] @ product
        products.append(np.linalg.norm(product, 2) ** 0.1)
    wanted = {
        "maximum": norms.max(),
        "mean": norms.mean(),
        "geometric_mean": np.exp(np.log(norms).mean(axis=0)).max(),
        "product": max(products),
    }
    for name, value in wanted.items():
        assert growth(AdaptiveGeneralized(name), cell, states) == pytest.approx(value, rel=1e-10), name
    assert wanted["product"] <= wanted["geometric_mean"] <= wanted["maximum"]


def test_dead_units_have_no_growth():
    cell = ReLU(np.eye(2), np.zeros((2, 0)), np.array([-9.0, -9.0]))
    states = np.zeros((5, 2, 2))
    for name in ("maximum", "mean", "geometric_mean", "product"):
        assert growth(AdaptiveGeneralized(name), cell, states) == 0.0


@pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)
def test_bounds_from_the_weights_are_never_exceeded(cell_class):
    rng = np.random.default_rng(2)
    cell = naive.perturbed(cell_class.init(4, rng=rng), rng, 0.5)
    if cell_class in (LSTM, GRU):
        with pytest.raises(InvalidInputError, match="gives no bound"):
            weight_bound(cell)
        return
    bound = weight_bound(cell)
    norms = [np.linalg.norm(naive.jacobian(cell, x), 2) for x in 3 * rng.standard_normal((200, 4))]
    assert max(norms) <= bound * (1 + 1e-12)
    assert bound <= 30 * max(norms)
    assert growth(AdaptiveGeneralized("weights"), cell, np.zeros((1, 1, 4))) == bound


def test_all_estimators_are_named():
    assert set(ESTIMATORS) == {"weights", "maximum", "geometric_mean", "product", "mean"}
    assert weight_bound(Antisymmetric.init(3, rng=0)) > 1
