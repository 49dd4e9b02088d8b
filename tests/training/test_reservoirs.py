"""Reservoirs and noise: exact on what they can represent, near the floor on Lorenz' attractor."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit import evaluate, simulate
from chaoskit.errors import InvalidInputError
from chaoskit.systems import Henon, Lorenz63
from chaoskit.training import (
    fit_echo_state_network,
    fit_gaussian_noise,
    fit_linear_autoregression,
    fit_next_generation_reservoir,
)

LORENZ = simulate(Lorenz63(), [1.0, 2.0, 20.0], 30_000, dt=0.01, transient=1000)


def test_a_quadratic_map_is_found_exactly():
    series = simulate(Henon(), [0.1, 0.1], 2000, transient=100)[:, 0]
    model = fit_next_generation_reservoir(series, lags=2, ridge=1e-14)
    run = model.generate(25).series[:, 0]
    true = simulate(Henon(), [series[-1], 0.3 * series[-2]], 25)[1:, 0]
    np.testing.assert_allclose(run, true, atol=1e-5)


def test_delays_are_spaced():
    """A series that follows its value three steps ago only."""
    x = np.empty(900)
    x[:3] = 0.3, 0.5, 0.7
    for t in range(3, 900):
        x[t] = 3.9 * x[t - 3] * (1 - x[t - 3])
    model = fit_next_generation_reservoir(x[:800], lags=2, spacing=2, ridge=1e-13)
    np.testing.assert_allclose(model.generate(10).series[:, 0], x[800:810], atol=1e-5)
    np.testing.assert_allclose(model.forecast(x[:400], 5)[:, 0], x[400:405], atol=1e-5)
    assert model.context_length == 3
    contexts = np.stack([x[k : k + 3, None] for k in (10, 300)])
    np.testing.assert_allclose(model.predict(contexts, 2)[..., 0], [x[13:15], x[303:305]], atol=1e-5)


def test_an_echo_state_network_forecasts():
    model = fit_echo_state_network(LORENZ[:20_000])
    assert model.context_length == model.washout == 200
    run = model.generate(200).series
    scale = LORENZ.std(axis=0)
    assert np.abs((run - LORENZ[20_000:20_200]) / scale).max() < 0.3  # 1.8 Lyapunov times
    starts = np.array([22_000, 26_000])
    again = model.predict(LORENZ[starts[:, None] + np.arange(-999, 1)], 100)
    assert np.abs((again - LORENZ[starts[:, None] + np.arange(1, 101)]) / scale).max() < 0.1
    np.testing.assert_allclose(model.forecast(LORENZ[:20_000], 100), run[:100], atol=1e-8)
    other = fit_echo_state_network(LORENZ[:20_000], seed=1)
    assert (other.recurrent != model.recurrent).any()
    same = fit_echo_state_network(LORENZ[:20_000])
    np.testing.assert_array_equal(same.readout, model.readout)
    assert max(abs(np.linalg.eigvals(model.recurrent))) == pytest.approx(0.9)


def test_their_order_on_lorenz():
    """Reservoirs are near the floor, noise and linear models are not."""
    train, test = LORENZ[:15_000], LORENZ[15_000:]
    found = {
        "echo": fit_echo_state_network(train),
        "next": fit_next_generation_reservoir(train),
        "noise": fit_gaussian_noise(train),
        "linear": fit_linear_autoregression(train),
    }
    judged = {name: evaluate(model, test) for name, model in found.items()}
    floor = judged["echo"].state_space_floor
    divergence = {name: e.state_space_divergence for name, e in judged.items()}
    for name in ("echo", "next"):
        assert divergence[name] < 1.5 * floor
        assert judged[name].spectral_distance < 0.2
    assert divergence["noise"] > 4 * floor
    assert divergence["linear"] > 4 * floor
    assert judged["noise"].spectral_distance > 0.5


def test_noise_has_the_moments_of_the_data():
    model = fit_gaussian_noise(LORENZ)
    rows = model.generate(200_000, seed=3).series
    np.testing.assert_allclose(rows.mean(axis=0), LORENZ.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.cov(rows.T), np.cov(LORENZ.T), rtol=0.03, atol=0.5)
    assert (model.generate(3).series == model.generate(3).series).all()


def test_blocks_of_rows_make_no_difference(monkeypatch):
    whole = fit_next_generation_reservoir(LORENZ[:3000]), fit_echo_state_network(LORENZ[:3000], n_units=40)
    monkeypatch.setattr("chaoskit.training.reservoirs._CHUNK", 20_000)
    parts = fit_next_generation_reservoir(LORENZ[:3000]), fit_echo_state_network(LORENZ[:3000], n_units=40)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a.readout, b.readout, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_echo_state_network(LORENZ[:100]), "series: expected at least 220 rows"),
        (lambda: fit_echo_state_network(LORENZ, leak=2), "leak"),
        (lambda: fit_echo_state_network(LORENZ, spectral_radius=0), "spectral_radius"),
        (lambda: fit_next_generation_reservoir(LORENZ, lags=0), "lags"),
        (lambda: fit_next_generation_reservoir(LORENZ, ridge=-1), "ridge"),
        (lambda: fit_next_generation_reservoir(LORENZ).forecast(LORENZ[:1], 3), "context"),
        (lambda: fit_next_generation_reservoir(LORENZ).forecast(LORENZ[:, :2], 3), "context"),
        (lambda: fit_gaussian_noise(LORENZ).generate(0), "steps"),
        (lambda: fit_gaussian_noise(np.ones(50)), "never changes"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()
