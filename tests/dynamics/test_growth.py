"""Products of Jacobians, finite-time exponents, two neighbouring orbits."""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest

from chaoskit import finite_time_exponents, jacobian_product, lyapunov_spectrum, simulate, two_orbit_exponent
from chaoskit.cells import PLRNN, ReLU, Tanh
from chaoskit.errors import DivergenceError, InvalidInputError
from chaoskit.systems import Henon, Logistic, Lorenz63


def net(dtype=np.float64, n=4, g=2.5):
    W = g * np.random.default_rng(5).standard_normal((n, n)) / math.sqrt(n)
    return Tanh(W.astype(dtype), np.zeros((n, 0), dtype), np.full(n, 0.1, dtype))


# ---- products
def test_a_product_is_the_product_of_the_jacobians():
    x0, P = np.full(4, 0.3), np.eye(4)
    for x in simulate(net(), x0, 19):
        P = naive.jacobian(net(), x) @ P
    mantissa, log_scale = jacobian_product(net(), x0, 20)
    np.testing.assert_allclose(mantissa * math.exp(log_scale), P, rtol=1e-12, atol=1e-14 * np.abs(P).max())
    assert np.linalg.norm(mantissa, 2) == pytest.approx(1.0)


@pytest.mark.parametrize(("dtype", "allowed"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_the_scale_of_a_million_factors(dtype, allowed, measured):
    """Against NumPy in float64 along the same orbit: two independent roundings of the same product."""
    cell, steps = net(dtype, n=3), 1_000_000
    mantissa, log_scale = jacobian_product(cell, np.full(3, 0.3), steps)
    states = simulate(cell, np.full(3, 0.3), steps - 1)
    truth = _scale_in_long_double(cell, states)
    error = abs(log_scale - truth) / abs(truth)
    measured("scale", f"{log_scale:.3f}, off {error:.1e}")
    assert error <= allowed
    assert np.isfinite(mantissa).all()


def _scale_in_long_double(cell, states):
    """ln of the norm of the product, in chunks of steps multiplied pairwise."""
    W, b = cell.W.astype(np.longdouble), cell.b.astype(np.longdouble)
    slopes = 1.0 / np.cosh(states.astype(np.longdouble) @ W.T + b) ** 2
    factors = (slopes[:, :, None] * W).astype(np.float64)
    logs = np.zeros(len(factors))
    while len(factors) > 1:
        if len(factors) % 2:
            factors, logs = np.concatenate([factors, np.eye(3)[None]]), np.append(logs, 0.0)
        factors = factors[1::2] @ factors[::2]
        logs = logs[1::2] + logs[::2]
        size = np.abs(factors).max(axis=(1, 2))
        factors /= size[:, None, None]
        logs += np.log(size)
    return float(logs[0] + math.log(np.linalg.norm(factors[0], 2)))


def test_growth_and_decay_beyond_floating_point():
    for a in (3.0, 1e-3):
        A = np.array([a, 0.5 * a])
        cell = PLRNN(A, np.zeros((2, 2)), np.zeros((2, 0)), np.zeros(2))
        mantissa, log_scale = jacobian_product(cell, [0.0, 0.0], 5000)
        assert log_scale == pytest.approx(5000 * math.log(a), rel=1e-13)
        np.testing.assert_allclose(np.abs(mantissa), [[1, 0], [0, 0]], atol=1e-15)


def test_a_product_that_vanishes():
    cell = ReLU(np.eye(2), np.zeros((2, 0)), np.full(2, -5.0))
    mantissa, log_scale = jacobian_product(cell, [1.0, 1.0], 10)
    assert log_scale == -math.inf
    assert (mantissa == 0).all()


def test_products_continue_each_other():
    """Transient and time of a driven flow: the second half starts where the first ends."""
    x0 = [1.0, 2.0, 20.0]
    whole, first = jacobian_product(Lorenz63(), x0, 60), jacobian_product(Lorenz63(), x0, 25)
    second = jacobian_product(Lorenz63(), x0, 35, transient=25)
    P = second.mantissa @ first.mantissa * math.exp(second.log_scale + first.log_scale)
    np.testing.assert_allclose(P, whole.mantissa * math.exp(whole.log_scale), rtol=1e-10, atol=1e-12)


# ---- finite times
def test_finite_time_exponents_average_to_the_spectrum():
    for model in (Henon(), Lorenz63()):
        local = finite_time_exponents(model, window=50, count=120)
        whole = lyapunov_spectrum(model, steps=6000)
        assert local.shape == (120, model.dim)
        np.testing.assert_allclose(local.mean(axis=0), whole.exponents, atol=1e-9)
        assert local[:, 0].std() > 0.01
    assert finite_time_exponents(net(), window=7, count=5, k=2, qr_every=3).shape == (5, 2)


# ---- two orbits
@pytest.mark.parametrize("model", [Henon(), Lorenz63(), net()], ids=["Henon", "Lorenz63", "tanh"])
def test_two_orbits_give_the_largest_exponent(model):
    """Along the same orbit the two methods differ by the curvature only."""
    pair = two_orbit_exponent(
        model, np.full(model.dim, 0.1) if hasattr(model, "dim") else np.full(4, 0.1), 20_000
    )
    start = np.full(model.dim, 0.1) if hasattr(model, "dim") else np.full(4, 0.1)
    tangents = lyapunov_spectrum(model, start, 20_000)
    assert pair.exponent == pytest.approx(tangents.exponents[0], abs=2e-5 + 1e-4 * abs(tangents.exponents[0]))
    assert pair.stderr == pytest.approx(tangents.stderr[0], rel=0.5, abs=1e-5)


def test_bad_arguments():
    with pytest.raises(InvalidInputError, match="distance"):
        two_orbit_exponent(Henon(), distance=1e-15)
    with pytest.raises(InvalidInputError, match="every"):
        two_orbit_exponent(Henon(), every=0)
    with pytest.raises(InvalidInputError, match="window"):
        finite_time_exponents(Henon(), window=0)
    with pytest.raises(InvalidInputError, match="steps"):
        jacobian_product(Logistic(), steps=0)
    for call in (jacobian_product, two_orbit_exponent, finite_time_exponents):
        with pytest.raises(DivergenceError):
            call(Henon(), [10.0, 10.0])
