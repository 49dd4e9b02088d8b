"""Many networks, initial states or parameters in one call: every member as if it were alone."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from chaoskit import lyapunov_spectrum, simulate
from chaoskit.cells import GRU, LSTM, PLRNN, DendPLRNN, ReLU, ShPLRNN, Tanh
from chaoskit.dynamics.ensemble import members_of
from chaoskit.dynamics.lane_run import LaneRun
from chaoskit.dynamics.tangent_run import TangentRun
from chaoskit.errors import ChaoskitWarning, InvalidInputError
from chaoskit.systems import Henon, Lorenz63

COUNT = 11  # not a multiple of the lanes


def batch(cell_class, n, m, dtype=np.float64, count=COUNT):
    """Random networks of one size, a little stronger than `init` makes them."""
    rng = np.random.default_rng(3)
    more = {"n_hidden": n + 2} if cell_class is ShPLRNN else {}
    cells = [cell_class.init(n, n_inputs=m, rng=rng, **more) for _ in range(count)]
    arrays = [
        np.stack(parts) + 0.1 * rng.standard_normal((count, *parts[0].shape))
        for parts in zip(*cells, strict=True)
    ]
    return cell_class(*(a.astype(dtype) for a in arrays))


def one(cell, b):
    return type(cell)(*(a[b] for a in cell))


@pytest.mark.parametrize(
    ("cell_class", "n", "m"),
    [
        (Tanh, 3, 0),
        (Tanh, 6, 2),
        (ReLU, 4, 1),
        (PLRNN, 5, 0),
        (ShPLRNN, 3, 1),
        (LSTM, 3, 2),
        (GRU, 3, 1),
        (DendPLRNN, 3, 0),
    ],
)
def test_lanes_are_the_single_run(cell_class, n, m):
    """The same orbits and the same frames: sums of logarithms and tangents agree to round-off."""
    cell = batch(cell_class, n, m)
    members = members_of(cell, COUNT)
    dim, steps, rng = members[0].dim, 37, np.random.default_rng(0)
    states, inputs = rng.standard_normal((COUNT, dim)), rng.standard_normal((steps, COUNT, m))
    with ThreadPoolExecutor(2) as pool:
        lanes = LaneRun(members, states, inputs, dim, 0, pool)
        frames = lanes.V.copy()
        logs = lanes.advance(steps, 10)
    assert logs.shape == (COUNT, 4, dim)
    for b, model in enumerate(members):
        run = TangentRun(model, states[b], dim, 0, inputs[:, b], rng)
        run.V = frames[b].copy()
        blocks = np.concatenate([run.products(3, 10, 1), run.products(1, 7, 1)])
        np.testing.assert_allclose(logs[b], blocks, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(lanes.V[b, :dim], run.state, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_ensemble_of_networks(dtype):
    """Contracting networks: the exponents of each fixed point, whatever the members beside it do."""
    rng = np.random.default_rng(1)
    W = 0.5 * rng.standard_normal((COUNT, 4, 4))
    W *= np.linspace(0.3, 0.9, COUNT)[:, None, None] / np.linalg.norm(W, 2, axis=(1, 2))[:, None, None]
    cell = Tanh(*(a.astype(dtype) for a in (W, np.zeros((COUNT, 4, 0)), np.zeros((COUNT, 4)))))
    result = lyapunov_spectrum(cell, steps=2000, tangent_transient=2000)
    true = np.sort(np.log(np.abs(np.linalg.eigvals(W))), axis=1)[:, ::-1]
    np.testing.assert_allclose(result.exponents, true, atol=2e-2)
    alone = np.stack([lyapunov_spectrum(one(cell, b), steps=2000).exponents for b in range(3)])
    np.testing.assert_allclose(result.exponents[:3], alone, atol=2e-2)
    assert result.exponents.shape == result.stderr.shape == (COUNT, 4)
    assert result.confidence_interval.shape == (COUNT, 4, 2)
    assert result.kaplan_yorke.shape == result.entropy.shape == (COUNT,)
    assert result.history.shape == (COUNT, len(result.times), 4)
    assert not result.diverged_at.any()
    assert "11 members" in repr(result)


def test_chaotic_networks_agree_with_single_runs():
    rng = np.random.default_rng(0)
    W = 2.5 * rng.standard_normal((COUNT, 8, 8)) / math.sqrt(8)
    cell = Tanh(W, np.zeros((COUNT, 8, 0)), np.zeros((COUNT, 8)))
    x0 = rng.standard_normal((COUNT, 8))
    result = lyapunov_spectrum(cell, x0, 20_000)
    for b in range(0, COUNT, 3):
        alone = lyapunov_spectrum(one(cell, b), x0[b], 20_000)
        allowed = 4 * np.hypot(result.stderr[b], alone.stderr) + 2e-4
        assert (np.abs(result.exponents[b] - alone.exponents) <= allowed).all()


def test_intervals_by_hand_in_lanes():
    cell = batch(Tanh, 3, 0)._replace(W=2.0 * batch(Tanh, 3, 0).W)
    few = [lyapunov_spectrum(cell, np.full(3, 0.1), 600, qr_every=q) for q in (1, 2)]
    np.testing.assert_allclose(few[0].exponents, few[1].exponents, atol=1e-8)
    with pytest.raises(InvalidInputError, match="qr_every=200"):
        lyapunov_spectrum(cell, np.full(3, 0.1), 2000, qr_every=200)


def test_dead_units_in_lanes():
    """One member with two dead units: -inf for it, and the others stay right."""
    rng = np.random.default_rng(2)
    R = np.stack([0.9 * np.linalg.qr(rng.standard_normal((4, 4)))[0] for _ in range(COUNT)])
    W, b = np.zeros((COUNT, 6, 6)), np.full((COUNT, 6), -1.0)
    W[:, :4, :4], b[:, :4] = R, 3.0 - 3.0 * R.sum(axis=2)
    W[1:, 4, 4], W[1:, 5, 5], b[1:, 4:] = 0.5, 0.25, 2.0
    result = lyapunov_spectrum(ReLU(W, np.zeros((COUNT, 6, 0)), b), np.full(6, 3.0), 400)
    np.testing.assert_allclose(result.exponents[:, :4], math.log(0.9), atol=1e-9)
    assert (result.exponents[0, 4:] == -math.inf).all()
    np.testing.assert_allclose(
        result.exponents[1:, 4:], [[math.log(0.5), math.log(0.25)]] * (COUNT - 1), atol=1e-9
    )


def test_members_that_diverge():
    """NaN and one warning; the others as if nothing had happened."""
    starts = np.stack([np.full(COUNT, 0.1), np.linspace(0.0, 0.2, COUNT)], axis=1)
    starts[[2, 7]] = 10.0
    with pytest.warns(ChaoskitWarning, match="2 of 11 members") as record:
        result = lyapunov_spectrum(Henon(), starts, 2000)
    assert len(record) == 1
    assert record[0].filename == __file__
    np.testing.assert_array_equal(np.flatnonzero(result.diverged_at), [2, 7])
    assert np.isnan(result.exponents[[2, 7]]).all()
    assert np.isnan(result.kaplan_yorke[[2, 7]]).all()
    good = np.delete(result.exponents, [2, 7], axis=0)
    np.testing.assert_allclose(good[:, 0], 0.419, atol=0.03)
    np.testing.assert_allclose(good.sum(axis=1), math.log(0.3), atol=1e-10)
    cell = batch(PLRNN, 3, 0)
    A = np.full((COUNT, 3), 0.5)
    A[4] = 3.0
    cell = cell._replace(A=A, W=np.zeros_like(cell.W), h=np.ones((COUNT, 3)))
    with pytest.warns(ChaoskitWarning, match="1 of 11 members"):
        result = lyapunov_spectrum(cell, np.ones(3), 1000)
    np.testing.assert_allclose(np.delete(result.exponents, 4, axis=0), math.log(0.5), atol=1e-9)
    with pytest.warns(ChaoskitWarning, match="1 of 11 orbits"):
        orbits = simulate(cell, np.ones(3), 800)
    assert np.isnan(orbits[4, -1]).all()
    assert np.isfinite(np.delete(orbits, 4, axis=0)).all()


def test_parameters_of_a_flow():
    rho = np.array([20.0, 28.0, 35.0])
    result = lyapunov_spectrum(Lorenz63(rho=rho), steps=4000)
    np.testing.assert_allclose(result.exponents.sum(axis=1), -41 / 3, atol=2e-3)
    alone = lyapunov_spectrum(Lorenz63(rho=35.0), steps=4000)
    np.testing.assert_allclose(result.exponents[2, 2], alone.exponents[2], rtol=0.02)
    assert result.exponents[0, 0] < 0 < result.exponents[1, 0]
    assert result.units == "per unit time"


def test_simulate_a_batch_of_networks():
    cell = batch(LSTM, 3, 2)
    rng = np.random.default_rng(0)
    x0, inputs = rng.standard_normal((COUNT, 6)), rng.standard_normal((20, 2))
    orbits = simulate(cell, x0, 12, inputs=inputs, transient=5)
    assert orbits.shape == (COUNT, 13, 6)
    for b in (0, 10):
        np.testing.assert_allclose(orbits[b], simulate(one(cell, b), x0[b], 12, inputs=inputs, transient=5))


def test_shared_arrays_and_bad_batches():
    cell = batch(Tanh, 3, 0)
    shared = cell._replace(b=np.zeros(3))
    np.testing.assert_array_equal(
        simulate(shared, np.ones(3), 4), simulate(cell._replace(b=np.zeros((COUNT, 3))), np.ones(3), 4)
    )
    with pytest.raises(InvalidInputError, match="batch axes of one length"):
        lyapunov_spectrum(cell._replace(b=np.zeros((4, 3))), np.ones(3))
    with pytest.raises(InvalidInputError, match="as many rows"):
        lyapunov_spectrum(cell, np.ones((5, 3)))
    with pytest.raises(InvalidInputError, match="expected 1 or 11 rows"):
        simulate(cell, np.ones((5, 3)), 4)
    with pytest.raises(InvalidInputError, match="tolerance"):
        lyapunov_spectrum(cell, np.ones(3), tolerance=0.1)
    with pytest.raises(InvalidInputError, match="shape"):
        lyapunov_spectrum(cell, np.ones((COUNT, 4)))
    from chaoskit import jacobian

    with pytest.raises(InvalidInputError, match="batch of 11"):
        jacobian(cell, np.ones(3))
