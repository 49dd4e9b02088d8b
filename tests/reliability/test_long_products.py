"""Products over a million steps: finite, and what the sum of logarithms says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chaoskit import gradient_growth, jacobian_product, lyapunov_spectrum, simulate
from chaoskit.cells import PLRNN
from chaoskit.systems import Henon, Logistic

STEPS = 1_000_000


def test_a_product_of_numbers_is_the_sum_of_their_logarithms():
    """Of 4 (1 - 2x) along an orbit of the logistic map; their product is near 10^300,000."""
    orbit = simulate(Logistic(), [0.3], STEPS - 1)[:, 0]
    truth = math.fsum(np.log(np.abs(4.0 * (1.0 - 2.0 * orbit))))
    assert jacobian_product(Logistic(), [0.3], STEPS).log_scale == pytest.approx(truth, rel=1e-14)
    growth = gradient_growth(Logistic(), [0.3], STEPS, parameters="none")
    assert growth.log_state[-1] == pytest.approx(truth, rel=1e-14)
    assert np.isfinite(growth.log_state).all()


def test_exponents_add_up_to_the_logarithm_of_the_determinant():
    """Which is ln 0.3 at every step of the Henon map."""
    assert lyapunov_spectrum(Henon(), steps=STEPS).exponents.sum() == pytest.approx(math.log(0.3), rel=1e-11)


@pytest.mark.parametrize("a", [3.0, 1e-3])
def test_a_power_is_the_power(a):
    """Of a linear network with a and a/2 on the diagonal, at the state 0, where it stays."""
    cell = PLRNN(np.array([a, 0.5 * a]), np.zeros((2, 2)), np.zeros((2, 0)), np.zeros(2))
    product = jacobian_product(cell, [0.0, 0.0], STEPS)
    assert product.log_scale == pytest.approx(STEPS * math.log(a), rel=1e-13)
    np.testing.assert_allclose(np.abs(product.mantissa), [[1.0, 0.0], [0.0, 0.0]], atol=1e-15)
    growth = gradient_growth(cell, [0.0, 0.0], STEPS, parameters="none")
    assert growth.log_state[-1] == pytest.approx(STEPS * math.log(a), rel=1e-13)
