"""Networks and products whose exponents are known exactly, or in the limit of many units."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import digamma

from chaoskit import lyapunov_spectrum
from chaoskit.cells import ReLU, Tanh
from chaoskit.systems import Flow, Map, SkewTent


def _next_seed(x, p, out):
    out[0] = (48271.0 * x[0]) % 2147483647.0
    for i in range(1, x.size):
        out[i] = 0.0


def _gaussian_matrix(x, p, out):
    # a random matrix that depends on the state, drawn by Box and Muller; not the derivative of the step
    seed = x[0]
    n = x.size
    for i in range(n):
        for j in range(n):
            seed = (16807.0 * seed + 1.0) % 2147483647.0
            seed = (16807.0 * seed) % 2147483647.0
            radius = math.sqrt(-2.0 * math.log((seed + 1.0) / 2147483648.0))
            seed = (69621.0 * seed) % 2147483647.0
            out[i, j] = p[0] * radius * math.cos(2.0 * math.pi * seed / 2147483647.0)


def gaussian_products(n, s):
    return Map(_next_seed, _gaussian_matrix, dim=n, parameters=(s,))


def newman(n, s):
    """Newman 1986: (1/2) (ln 2 + psi((n - i + 1) / 2)) + ln s."""
    i = np.arange(1, n + 1)
    return 0.5 * (math.log(2.0) + digamma((n - i + 1) / 2)) + math.log(s)


def test_products_of_gaussian_matrices(measured):
    np.testing.assert_allclose(
        newman(4, 0.5), [-0.13518142, -0.32832860, -0.63518142, -1.32832860], atol=1e-8
    )
    start = np.zeros(4)
    start[0] = 12345.0
    result = lyapunov_spectrum(gaussian_products(4, 0.5), start, 200_000)
    z = (result.exponents - newman(4, 0.5)) / result.stderr
    measured("z", str(z.round(2)))
    assert np.abs(z).max() < 4
    assert result.stderr.max() < 0.004
    assert not result.deterministic.any()


@pytest.mark.parametrize("name", ["skew tent", "Gaussian products"])
def test_intervals_cover_the_truth(name, measured):
    """A small version of benchmarks/verification/coverage.py: 300 runs, three binomial standard errors."""
    rng, runs = np.random.default_rng(0), 300
    if name == "skew tent":
        model, true = SkewTent(), np.array(SkewTent().reference_exponents)
        starts = rng.uniform(0.05, 0.95, (runs, 1))
    else:
        model, true = gaussian_products(4, 0.5), newman(4, 0.5)
        starts = np.zeros((runs, 4))
        starts[:, 0] = rng.integers(1, 2**31 - 2, runs)
    result = lyapunov_spectrum(model, starts, 2000, transient=100)
    held = (np.abs(result.exponents - true) <= result.confidence_interval[..., 1] - result.exponents).mean(
        axis=0
    )
    measured("coverage", str(held.round(3)))
    assert (held > 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)).all()
    assert (held < 0.995).all()


def test_the_skew_tent_as_a_network(measured):
    """Two ReLU units that both see x: x' = relu(x) / a - (1 / a + 1 / (1 - a)) relu(x - a)."""
    a = 0.3
    out = np.array([1 / a, -(1 / a + 1 / (1 - a))])
    cell = ReLU(np.stack([out, out]), np.zeros((2, 0)), np.array([0.0, -a]))
    result = lyapunov_spectrum(cell, [0.2, 0.0], 50_000)
    true = -a * math.log(a) - (1 - a) * math.log(1 - a)
    measured("exponent", f"{result.exponents[0]:.5f} +- {result.stderr[0]:.5f}")
    assert abs(result.exponents[0] - true) < 4 * result.stderr[0] < 0.02
    assert result.exponents[1] == -math.inf


def test_an_antisymmetric_network_at_rest():
    """x' = tanh((1 - eps gamma) x + eps (W - W') x) at 0: (1/2) ln((1 - eps gamma)^2 + eps^2 w^2)."""
    rng = np.random.default_rng(0)
    W, eps, gamma = rng.standard_normal((6, 6)), 0.1, 0.3
    A = eps * (W - W.T) * 0.3 + (1 - eps * gamma) * np.eye(6)
    w = np.linalg.eigvals(0.3 * (W - W.T)).imag
    true = np.sort(0.5 * np.log((1 - eps * gamma) ** 2 + (eps * w) ** 2))[::-1]
    cell = Tanh(A, np.zeros((6, 0)), np.zeros(6))
    result = lyapunov_spectrum(cell, np.zeros(6), 3000, transient=0, tangent_transient=2000)
    np.testing.assert_allclose(result.exponents, true, atol=1e-3)
    assert result.exponents.sum() == pytest.approx(true.sum(), abs=1e-12)


def test_a_continuous_rate_network():
    """x' = -x + J tanh(x) with J_ii = 0: the exponents sum to -n whatever the orbit."""
    n = 6
    J = 2.5 * np.random.default_rng(1).standard_normal((n, n)) / math.sqrt(n)
    np.fill_diagonal(J, 0.0)

    def rhs(t, x, p, out):
        for i in range(x.size):
            out[i] = -x[i]
            for j in range(x.size):
                out[i] += p[i * x.size + j] * math.tanh(x[j])

    def slope(t, x, p, out):
        for i in range(x.size):
            for j in range(x.size):
                out[i, j] = p[i * x.size + j] * (1.0 - math.tanh(x[j]) ** 2)
            out[i, i] -= 1.0

    flow = Flow(rhs, slope, dim=n, parameters=J.ravel(), default_dt=0.05)
    result = lyapunov_spectrum(flow, np.full(n, 0.5), 2000)
    assert result.exponents.sum() == pytest.approx(-n, abs=1e-4)


@pytest.mark.parametrize(("g", "largest", "mean"), [(2.0, 0.154724, -1.149023), (5.0, 0.532428, -4.906771)])
def test_the_mean_field_of_random_networks(g, largest, mean, measured):
    """x' = tanh(g W x) of 128 units against the limit of many: both exponents to a few per cent."""
    found = []
    for seed in range(2):
        W = g * np.random.default_rng(seed).standard_normal((128, 128)) / math.sqrt(128)
        result = lyapunov_spectrum(Tanh(W, np.zeros((128, 0)), np.zeros(128)), steps=300, seed=seed)
        assert result.exponents[0] > 5 * result.stderr[0]
        found.append((result.exponents[0], result.exponents.mean()))
    found = np.mean(found, axis=0)
    measured(f"g={g}", f"largest {found[0]:.4f}, mean {found[1]:.4f}")
    assert found[0] == pytest.approx(largest, rel=0.15)
    assert found[1] == pytest.approx(mean, rel=0.05)
