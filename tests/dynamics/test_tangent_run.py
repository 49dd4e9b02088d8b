"""The run behind every spectrum: what it must not depend on."""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest

from chaoskit import covariant_vectors, lyapunov_spectrum, two_orbit_exponent
from chaoskit.cells import LSTM, PLRNN, ReLU, ShPLRNN, Tanh
from chaoskit.dynamics.model import prepare
from chaoskit.dynamics.tangent_run import TangentRun
from chaoskit.errors import ChaoskitWarning, InvalidInputError
from chaoskit.systems import DormandPrince, Henon, Ikeda, Lorenz63, Lorenz96, Map, Roessler


def chaotic(n: int) -> Tanh:
    W = 3.0 * np.random.default_rng(n).standard_normal((n, n)) / np.sqrt(n)
    return Tanh(W, np.zeros((n, 0)), np.zeros(n))


MODELS = {
    "Henon": Henon(),
    "Ikeda": Ikeda(),
    "Lorenz63": Lorenz63(),
    "Lorenz96": Lorenz96(9),
    "tanh 3": chaotic(3),
    "tanh 8": chaotic(8),
    "tanh 20": chaotic(20),
    "LSTM": LSTM.init(5, rng=0),
    "PLRNN": PLRNN.init(7, rng=0),
    "ShPLRNN": ShPLRNN.init(3, n_hidden=10, rng=0),
}


def started(model, **options) -> TangentRun:
    prepared = prepare(model, **options)
    rng = np.random.default_rng(0)
    state = prepared.default_state
    state = 0.5 * rng.standard_normal(prepared.dim) if state is None else state
    run = TangentRun(prepared, state, min(prepared.dim, 4), 0, np.zeros((5000, 0)), rng)
    run.align(50)
    return run


@pytest.mark.parametrize("name", MODELS)
def test_the_orbit_does_not_depend_on_the_interval(name):
    """To the last bit: the compiler's copies of a loop must not round differently, or chaos parts them."""
    run = started(MODELS[name])
    here, states = run.place(), []
    for every in (1, 2, 3, 5, 12):
        run.go_to(here)
        run.products(1, 240, every)
        states.append(run.state)
    for state in states[1:]:
        np.testing.assert_array_equal(state, states[0])


def test_the_orbit_of_an_adaptive_integrator_does_not_either():
    """Its substep belongs to the place of a run."""
    run = started(Lorenz63(), dt=0.1, integrator=DormandPrince(1e-6, 1e-6))
    here, states = run.place(), []
    for every in (1, 4):
        run.go_to(here)
        run.products(1, 240, every)
        states.append(run.state)
    np.testing.assert_array_equal(states[0], states[1])


@pytest.mark.parametrize("name", ["Henon", "Lorenz63", "Lorenz96"])
def test_the_orbit_of_a_system_does_not_depend_on_its_tangents(name):
    """Not so for cells: the state rides in one product with its tangents, whose sums go with their number."""
    run = started(MODELS[name])
    states = []
    for k in range(1, run.k + 1):
        one = TangentRun(run.model, run.state, k, 0, np.zeros((5000, 0)), np.random.default_rng(1))
        one.products(1, 120, 4)
        states.append(one.state)
    for state in states[1:]:
        np.testing.assert_array_equal(state, states[0])


def test_an_adaptive_integrator_in_identities_and_blocks():
    result = lyapunov_spectrum(Roessler(), steps=3000, dt=0.5, integrator=DormandPrince())
    assert result.checks["sum_residual"] < 1e-9
    assert result.qr_every > 1
    whole, blocks = (
        covariant_vectors(
            Lorenz63(), steps=400, dt=0.1, integrator=DormandPrince(), memory=m, adjoint=True, k=2
        )
        for m in (64.0, 1e-3)
    )
    np.testing.assert_array_equal(whole.states, blocks.states)
    np.testing.assert_allclose(whole.adjoint, blocks.adjoint, atol=1e-9)


def burst(x, p, out):
    factor = 2.0 if x[1] < p[0] else p[1]
    y = factor * x[0]
    out[0] = y - math.floor(y)
    out[1] = x[1] + 1


def burst_jacobian(x, p, out):
    out[0, 0] = 2.0 if x[1] < p[0] else p[1]
    out[0, 1] = out[1, 0] = 0.0
    out[1, 1] = 1.0


def test_an_interval_found_in_calm_is_shortened_where_tangents_overflow():
    system = Map(burst, burst_jacobian, dim=2, parameters=(5000.0, 1e8))
    found = lyapunov_spectrum(system, [0.123, 0.0], 20_000, k=1, transient=0, tangent_transient=0)
    assert found.exponents[0] == pytest.approx((5000 * np.log(2) + 15_000 * np.log(1e8)) / 20_000, abs=1e-3)
    with pytest.raises(InvalidInputError, match="overflow"):
        lyapunov_spectrum(system, [0.123, 0.0], 20_000, k=1, transient=0, tangent_transient=0, qr_every=50)


def test_directions_lost_once_begin_anew():
    """A unit that is dead on the way to the attractor only."""
    cell = ReLU.init(4, 0, rng=4)._replace(b=np.full(4, 0.5))
    x0 = np.random.default_rng(4).standard_normal(4)
    late, early = (
        lyapunov_spectrum(cell, x0, 5000, transient=t, tangent_transient=1000).exponents for t in (1000, 0)
    )
    assert np.isneginf(late).sum() == 1
    np.testing.assert_allclose(early, late, atol=1e-3)


def test_wiped_out_directions_in_single_precision():
    for seed in range(12):
        rng = np.random.default_rng(seed)
        W, b = rng.standard_normal((8, 8)) / np.sqrt(8), 0.5 * rng.standard_normal(8)
        if np.abs(naive.orbit(ReLU(W, np.zeros((8, 0)), b), np.ones(8), 4000)).max() > 1e6:
            continue  # it grows without bound
        found = [
            lyapunov_spectrum(ReLU(W.astype(d), np.zeros((8, 0), d), b.astype(d)), np.ones(8), 2000).exponents
            for d in (np.float32, np.float64)
        ]
        np.testing.assert_array_equal(np.isneginf(found[0]), np.isneginf(found[1]))


@pytest.mark.parametrize("members", [3, 12])
def test_intervals_by_hand_are_judged_in_ensembles(members):
    """3 members run one by one, 12 side by side."""
    cell, x0 = chaotic(12), np.random.default_rng(0).standard_normal((members, 12))
    with pytest.raises(InvalidInputError, match="qr_every=40"):
        lyapunov_spectrum(cell, x0, 500, qr_every=40)
    with pytest.warns(ChaoskitWarning, match="qr_every=4: compared"):
        lyapunov_spectrum(cell, x0, 500, qr_every=4)
    with pytest.raises(InvalidInputError, match="qr_every=100000"):
        lyapunov_spectrum(cell, x0, 20, qr_every=100_000)


def test_a_member_that_diverges_is_not_a_lost_interval():
    A = np.full((10, 3), 0.5)
    A[9] = 3.0
    cell = PLRNN(A, np.zeros((10, 3, 3)), np.zeros((10, 3, 0)), np.ones((10, 3)))
    with pytest.warns(ChaoskitWarning, match="1 of 10 members"):
        found = lyapunov_spectrum(cell, steps=1000, qr_every=2)
    np.testing.assert_allclose(found.exponents[:9], np.log(0.5))
    assert np.isnan(found.exponents[9]).all()


def test_orbits_that_come_too_far_apart_are_told():
    with pytest.warns(ChaoskitWarning, match="every=100: the orbits came"):
        two_orbit_exponent(Henon(), steps=5000, every=100)
