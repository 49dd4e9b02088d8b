"""Parts along covariant vectors sum to the gradient, and the expanding direction carries the explosion."""

from __future__ import annotations

import chain_oracle as oracle
import naive
import numpy as np
import pytest

from chaoskit import cells, gradient_decomposition, gradient_growth
from chaoskit.errors import InvalidInputError
from chaoskit.systems import Henon


def chaotic(n=40, gain=3.0):
    W = np.random.default_rng(0).standard_normal((n, n)) * gain / np.sqrt(n)
    return cells.Tanh(W, np.zeros((n, 0)), np.zeros(n))


@pytest.mark.parametrize("loss", ["last", "sum"])
def test_parts_sum_to_the_gradient(loss):
    """And the gradient is that of the dense recursion along the same orbit, with data."""
    rng, T = np.random.default_rng(0), 6
    cell = naive.perturbed(cells.Tanh.init(3, 2, rng=2), rng, 0.3)
    u, B, series = rng.standard_normal((400, 2)), rng.standard_normal((2, 3)), rng.standard_normal((T + 1, 2))
    parts = gradient_decomposition(cell, steps=T, loss=loss, series=series, decoder=B, inputs=u)
    states = naive.orbit(cell, np.linalg.pinv(B) @ series[0], T, u)
    tangent = oracle.forward_recursion(cell, states[:-1], u[:T])[1]
    wanted = sum(
        (B @ states[t] - series[t]) @ B @ tangent[t] for t in (range(1, T + 1) if loss == "sum" else (T,))
    )
    whole = oracle.flat(parts.gradient) * np.exp(parts.log_scale)
    np.testing.assert_allclose(whole, wanted, atol=1e-8)
    total = sum(oracle.flat(p) for p in parts.parts)
    np.testing.assert_allclose(total, oracle.flat(parts.gradient), atol=1e-12)
    assert parts.shares.sum() == pytest.approx(1.0, abs=1e-12)


def test_expanding_direction_carries_the_explosion():
    cell = chaotic()
    parts = gradient_decomposition(cell, np.ones(40), 400)
    growth = gradient_growth(cell, np.ones(40), 400, transient=1100, parameters="loss")
    assert parts.exponents[0] > 0.05
    assert parts.largest == 0
    assert parts.shares[0] == pytest.approx(1.0, abs=1e-6)
    assert parts.log_parts[0] == pytest.approx(parts.exponents[0] * 400, abs=15)
    assert parts.log_parts[0] == pytest.approx(growth.log_loss[-1], abs=25)
    # part i grows with exponent i, as long as it does
    assert parts.log_parts[0] - parts.log_parts[1] > 0.5 * 400 * (
        parts.exponents[0] - max(parts.exponents[1], 0)
    )
    assert "vector 0" in repr(parts)


def test_directions_that_are_wiped_out():
    """A unit that nothing reaches (weights 0): the Jacobian is singular, and the parts still sum."""
    cell = chaotic(4)
    W = cell.W.copy()
    W[0] = 0.0
    parts = gradient_decomposition(cell._replace(W=W), np.ones(4), 50)
    total = sum(oracle.flat(p) for p in parts.parts)
    np.testing.assert_allclose(total, oracle.flat(parts.gradient), rtol=1e-9, atol=1e-12)
    assert parts.exponents[-1] == -np.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "all"}, "loss: expected"),
        ({"series": np.zeros((30, 2)), "transient": 5}, "transient: expected 0"),
        ({"steps": 10**7}, "steps: the Jacobians"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        gradient_decomposition(chaotic(4), **{"steps": 20, **arguments})
    with pytest.raises(InvalidInputError, match="not trained here"):
        gradient_decomposition(Henon(), steps=20)
