"""The run behind every spectrum: what it must not depend on."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit.cells import LSTM, PLRNN, ShPLRNN, Tanh
from chaoskit.dynamics.model import prepare
from chaoskit.dynamics.tangent_run import TangentRun
from chaoskit.systems import DormandPrince, Henon, Ikeda, Lorenz63, Lorenz96


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
    run = started(Lorenz63(), integrator=DormandPrince(1e-6, 1e-6))
    here, states = run.place(), []
    for every in (1, 4):
        run.go_to(here)
        run.work.h[0] = 0.0
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
