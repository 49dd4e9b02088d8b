"""Networks of a wanted regime: cycles and exponents that are exact, and what no class can do."""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest

from chaoskit import jacobian, jacobian_product, lyapunov_spectrum, simulate
from chaoskit.cells import (
    ALL_CELLS,
    ALRNN,
    GRU,
    LSTM,
    PLRNN,
    Antisymmetric,
    ClippedShPLRNN,
    DendPLRNN,
    Linear,
    ReLU,
    ShPLRNN,
    Tanh,
    chaotic,
    contracting,
    cyclic,
    quasi_periodic,
    tent,
)  # fmt: skip
from chaoskit.errors import InvalidInputError

PIECEWISE = (ReLU, PLRNN, ALRNN, ShPLRNN, ClippedShPLRNN, DendPLRNN)
SMOOTH = (Tanh, LSTM, GRU)


def over(classes):
    return pytest.mark.parametrize("cell_class", classes, ids=lambda c: c.__name__)


@over([c for c in ALL_CELLS if c is not Antisymmetric])
def test_a_contracting_network_contracts_everywhere(cell_class):
    network = contracting(cell_class, 5, bound=0.7, rng=1)
    n = len(network.x0)
    rng = np.random.default_rng(0)
    if hasattr(cell_class, "jacobian_bound"):
        assert cell_class.jacobian_bound(network.cell) == pytest.approx(0.7, abs=1e-9)
        norms = np.linalg.norm(jacobian(network.cell, 3.0 * rng.standard_normal((50, n))), 2, axis=(1, 2))
        assert 0.1 < norms.max() <= 0.7 + 1e-9
    starts = np.stack([network.x0, 3.0 * rng.standard_normal(n)])
    ends = simulate(network.cell, starts, 150)[:, -1]
    np.testing.assert_allclose(ends[0], ends[1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(simulate(network.cell, ends[0], 1)[1], ends[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", range(1, 9))
@over(PIECEWISE + SMOOTH)
def test_cycles_are_exact_and_stable(cell_class, k):
    network = cyclic(cell_class, k, multiplier=0.4)
    cell, points = network.cell, network.points
    assert points.shape == (k, len(network.x0))
    exact = 0.0 if cell_class in PIECEWISE else 1e-14  # whole and half numbers, if nothing is rounded
    np.testing.assert_allclose(simulate(cell, points[0], 2 * k)[:-1], np.tile(points, (2, 1)), atol=exact)
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    assert k == 1 or (apart[~np.eye(k, dtype=bool)] > 0.1).all()  # no shorter period

    M = np.eye(len(points[0]))
    for z in points:
        M = naive.jacobian(cell, z) @ M
    size = np.sort(np.abs(np.linalg.eigvals(M)))[::-1]
    copies = k if cell_class in SMOOTH else 1
    np.testing.assert_allclose(size[:copies], 0.4, rtol=1e-6)
    assert (size[copies:] < 0.1).all()
    assert network.exponent == pytest.approx(math.log(0.4) / k)

    near = points[0] + 0.01 * np.random.default_rng(0).standard_normal(points[0].shape)
    np.testing.assert_allclose(simulate(cell, near, 60 * k)[-1], points[0], atol=1e-9)


@over(PIECEWISE + SMOOTH)
def test_a_quasi_periodic_orbit_never_closes(cell_class):
    network = quasi_periodic(cell_class)
    orbit = simulate(network.cell, network.x0, 2000, transient=500)
    back = np.linalg.norm(orbit[1:] - orbit[0], axis=1)
    assert back.min() > 1e-5
    assert back.min() < 0.05 * back.max()  # but it comes back near
    growth = jacobian_product(network.cell, orbit[0], 5000).log_scale
    assert abs(growth) < 3.0
    assert network.exponent == 0.0


@over(PIECEWISE)
def test_the_tent_map_is_followed_exactly(cell_class):
    """(1/T) ln of the growth is ln(2 height) but for the two ends, which are bounded."""
    network = tent(cell_class)
    growth = jacobian_product(network.cell, network.x0, 1000).log_scale
    assert growth == pytest.approx(1000 * math.log(1.9999), abs=2.0)
    skew = tent(cell_class, peak=0.3, height=1.0)
    assert skew.exponent == pytest.approx(-0.3 * math.log(0.3) - 0.7 * math.log(0.7))
    visited = simulate(skew.cell, skew.x0, 20_000)[:, 0]
    visited = visited + (2.0 if cell_class is ClippedShPLRNN else 0.0)
    np.testing.assert_allclose(np.histogram(visited, 5, (0, 1))[0] / 20_001, 0.2, atol=0.015)
    assert tent(cell_class, peak=0.3, height=0.9).exponent is None


def test_the_exponent_of_the_skew_tent():
    network = tent(ShPLRNN, peak=0.3, height=1.0)
    result = lyapunov_spectrum(network.cell, network.x0, 20_000)
    assert abs(result.exponents[0] - network.exponent) < 4 * result.stderr[0] < 0.02


def test_gated_networks_imitate_the_tanh_network():
    """The same chaos, until round-off parts the orbits; h of the LSTM is tanh(c) (1 + x) / 2."""
    tanh = chaotic(Tanh, 60, gain=3.0, rng=2)
    x = simulate(tanh.cell, tanh.x0, 30)
    gru, lstm = (chaotic(c, 60, gain=3.0, rng=2) for c in (GRU, LSTM))
    np.testing.assert_allclose(simulate(gru.cell, gru.x0, 30), x, atol=1e-9)
    h, c = np.split(simulate(lstm.cell, lstm.x0, 30), 2, axis=1)
    np.testing.assert_allclose(h, np.tanh(c[0]) * (1 + x) / 2, atol=1e-9)
    np.testing.assert_allclose(c, c[0, 0], rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: contracting(Antisymmetric, 3), "no Antisymmetric is known to contract"),
        (lambda: contracting(Tanh, 3, bound=1.5), "bound"),
        (lambda: contracting(Tanh, 3, rng="x"), "rng"),
        (lambda: cyclic(Tanh, 0), "k"),
        (lambda: cyclic(Tanh, 2, multiplier=0.0), "multiplier"),
        (lambda: cyclic(Antisymmetric, 2), "Antisymmetric has no such construction"),
        (lambda: cyclic(Linear, 2), "Linear has no such construction"),
        (lambda: cyclic("tanh", 2), "cell_class: expected a class"),
        (lambda: quasi_periodic(Tanh, gain=0.9), "gain"),
        (lambda: tent(Tanh), "Tanh has no such construction"),
        (lambda: tent(ReLU, height=1.0), "height"),
        (lambda: tent(ReLU, peak=1.0), "peak"),
        (lambda: chaotic(ReLU), "ReLU has no such construction"),
    ],
)
def test_what_is_refused(call, text):
    with pytest.raises(InvalidInputError, match=text):
        call()
