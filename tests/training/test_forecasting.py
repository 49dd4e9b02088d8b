"""The face that all models share: shapes, errors, inputs, and ensembles with spreads known exactly."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from driven_map import Driven

from chaoskit import simulate
from chaoskit.cells import LSTM
from chaoskit.errors import DivergenceError, InvalidInputError
from chaoskit.training import (
    FitResult,
    ForecastEnsemble,
    Forecaster,
    LinearAutoregression,
    fit_echo_state_network,
    fit_gaussian_noise,
    fit_linear_autoregression,
    fit_next_generation_reservoir,
)

WAVES = np.column_stack([np.sin(0.3 * np.arange(600)), 5 * np.cos(0.5 * np.arange(600)) + 3])


def linear_map(factor: float, *, noise: float = 0.0) -> LinearAutoregression:
    one = np.ones(1)
    return LinearAutoregression(
        np.full((1, 1, 1), factor), 0 * one, np.full((1, 1), noise**2), one[None], 0 * one, 4 * one, 1.0
    )


MODELS = [
    fit_echo_state_network(WAVES, n_units=20, washout=30),
    fit_next_generation_reservoir(WAVES, spacing=3),
    fit_linear_autoregression(WAVES, order=2),
    fit_linear_autoregression(WAVES, order=2, noise_scale=1.0),
    fit_gaussian_noise(WAVES),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_every_model_has_the_same_face(model):
    assert isinstance(model, Forecaster)
    np.testing.assert_allclose(model.scale, WAVES.std(axis=0), rtol=1e-2)
    length = model.context_length
    contexts = np.stack([WAVES[k : k + length] for k in (100, 250, 400)])
    runs = model.predict(contexts, 7)
    assert runs.shape == (3, 7, 2)
    np.testing.assert_array_equal(runs, model.predict(contexts, 7))
    np.testing.assert_allclose(model.forecast(contexts[0], 7), runs[0], rtol=1e-6, atol=1e-6)
    assert model.generate(7).series.shape == (7, 2)
    ensemble = model.forecast_ensemble(contexts[0], 7, members=6, perturbation=0.1, seed=1)
    assert ensemble.members.shape == (6, 7, 2)
    assert (ensemble.spread > 0).all()
    again = model.forecast_ensemble(contexts[0], 7, members=6, perturbation=0.1, seed=1)
    np.testing.assert_array_equal(ensemble.members, again.members)
    other = model.forecast_ensemble(contexts[0], 7, members=6, perturbation=0.1, seed=2)
    assert (ensemble.members[1:] != other.members[1:]).all()
    for call in (
        lambda: model.predict(contexts, 7, inputs=np.zeros((length + 6, 1))),
        lambda: model.generate(7, inputs=np.zeros((7, 1))),
        lambda: model.predict(contexts[:, :, :1], 7),
        lambda: model.predict(contexts[:, : length - 1], 7),
        lambda: model.predict(contexts[:0], 7),
        lambda: model.predict(contexts, 0),
        lambda: model.forecast(contexts[0][: length - 1], 7),
        lambda: model.forecast(contexts, 7),
        lambda: model.generate(0),
    ):
        with pytest.raises(InvalidInputError, match=r"inputs: expected none|contexts?: expected shape|steps"):
            call()


def test_a_context_may_be_one_row_or_one_column():
    one_lag = linear_map(0.5)
    assert one_lag.forecast([8.0], 2).tolist() == one_lag.forecast([3.0, 8.0], 2).tolist() == [[4.0], [2.0]]
    assert one_lag.predict([[8.0], [4.0]], 1).tolist() == [[[4.0]], [[2.0]]]
    noise = fit_gaussian_noise(WAVES)
    np.testing.assert_array_equal(noise.forecast(WAVES[0], 3), noise.forecast(WAVES[:5], 3))


def test_the_spread_of_a_linear_map_grows_by_its_factor():
    ensemble = linear_map(1.5).forecast_ensemble([0.0], 10, members=400, perturbation=0.01, seed=3)
    spread = ensemble.spread[:, 0]
    np.testing.assert_allclose(spread[1:] / spread[:-1], 1.5, rtol=1e-12)
    assert spread[0] == pytest.approx(1.5 * 0.01 * 4, rel=0.1)  # 4 is the standard deviation of the series
    assert (ensemble.members[0] == 0).all()
    np.testing.assert_allclose(ensemble.mean, ensemble.members.mean(axis=0))
    np.testing.assert_allclose(
        ensemble.quantiles([0.0, 0.5, 1.0])[:, :, 0],
        [ensemble.members.min(axis=0)[:, 0], np.median(ensemble.members, axis=0)[:, 0],
         ensemble.members.max(axis=0)[:, 0]],
    )  # fmt: skip


def test_noise_of_a_model_spreads_as_its_process():
    """x' = x / 2 + noise has variance s^2 (1 - 1/4^n) / (1 - 1/4) after n steps."""
    ensemble = linear_map(0.5, noise=2.0).forecast_ensemble([1.0], 6, members=20_000, perturbation=0, seed=1)
    n = np.arange(1, 7)
    np.testing.assert_allclose(ensemble.spread[:, 0] ** 2, 4 * (1 - 0.25**n) / 0.75, rtol=0.05)
    np.testing.assert_allclose(ensemble.mean[:, 0], 0.5**n, atol=0.06)


def test_noise_of_a_model_is_independent_of_the_perturbation():
    """x' = 0.9 x + noise from a context with noise: the variances add up to 0.81 + 1."""
    one = np.ones(1)
    model = LinearAutoregression(0.9 * one[None, None], 0 * one, one[None], one[None], 0 * one, one, 1.0)
    ensemble = model.forecast_ensemble([0.0], 1, members=20_000, perturbation=1, seed=0)
    assert ensemble.spread[0, 0] == pytest.approx(np.sqrt(1.81), rel=0.02)


def test_forecasts_with_noise_have_a_seed():
    model = linear_map(0.5, noise=2.0)
    for call in (lambda **o: model.forecast([1.0], 3, **o), lambda **o: model.predict([[1.0]], 3, **o)[0]):
        np.testing.assert_array_equal(call(), call(seed=0))
        assert (call(seed=1) != call()).all()
        with pytest.raises(InvalidInputError, match="seed"):
            call(seed=-1)


def test_members_that_diverge_are_counted_and_left_out():
    """x' = x^2 keeps what is inside the unit interval and sends the rest to infinity."""
    model = fit_next_generation_reservoir(0.99 ** (2.0 ** np.linspace(0, 3, 40)), lags=1)
    model.readout[...] = 0.0
    m, s = model.mean[0], model.scale[0]
    model.readout[0] = [(m * m - m) / s, 2 * m - 1, s]
    ensemble = model.forecast_ensemble([1.0], 60, members=50, perturbation=0.3, seed=0)
    lost = np.isnan(ensemble.members[:, -1, 0])
    assert 10 < lost.sum() == ensemble.diverged < 40
    kept = ensemble.members[~lost, :, 0]
    np.testing.assert_allclose(ensemble.mean[-1], kept[:, -1].mean(), atol=1e-12)
    np.testing.assert_allclose(ensemble.quantiles(0.5)[0, -1], np.median(kept[:, -1]), atol=1e-12)
    with pytest.raises(DivergenceError, match="next-generation reservoir diverged") as caught:
        model.forecast([1.5], 60)
    assert 1 < caught.value.step < 10
    alone = ForecastEnsemble(np.full((3, 2, 1), np.nan))
    assert alone.diverged == 3
    assert np.isnan(alone.mean).all()
    assert np.isnan(alone.quantiles([0.5])).all()


def test_a_run_that_comes_back_stays_lost():
    """2, 3 and a million and one standard deviations away, then back: what follows says nothing."""
    model = Driven()
    u = np.array([2.0, 2.0, 1e6, -5e5])[:, None]
    run = model.predict([[0.0]], 4, inputs=u)[0, :, 0]
    np.testing.assert_array_equal(run, [2.0, 3.0, np.nan, np.nan])
    assert model.generate(4, inputs=u).diverged_at == 2


def test_inputs_of_a_driven_system_are_matched_to_steps():
    model, u = Driven(), np.arange(1.0, 6.0)[:, None]
    # the context has two rows: the first input drives the step inside it
    assert model.forecast([9.0, 8.0], 2, inputs=u[:3]).ravel().tolist() == [6.0, 6.0]
    each = np.stack([u[:3], u[1:4]])
    assert model.predict([[[9.0], [8.0]]] * 2, 2, inputs=each)[..., 0].tolist() == [[6.0, 6.0], [7.0, 7.5]]
    assert model.generate(2, inputs=u[:2]).series.ravel().tolist() == [1.0, 2.5]
    ensemble = model.forecast_ensemble([8.0], 2, members=3, inputs=u[:2])
    assert ensemble.members[0].ravel().tolist() == [5.0, 4.5]
    for bad in (None, u[:2], np.ones((3, 2)), np.full((3, 1), np.nan)):
        with pytest.raises(InvalidInputError, match="inputs: expected"):
            model.forecast([9.0, 8.0], 2, inputs=bad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"members": 0}, "members"),
        ({"perturbation": -0.1}, "perturbation"),
        ({"perturbation": np.nan}, "perturbation"),
        ({"perturbation": [0.1, 0.2]}, "perturbation: expected a number of at least 0"),
        ({"perturbation": np.array([0.1])}, "perturbation: expected a number of at least 0"),
        ({"seed": -1}, "seed"),
        ({"steps": 0}, "steps"),
        ({"context": [[1.0, 2.0]]}, "context: expected shape"),
        ({"context": ["a"]}, "context"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(InvalidInputError, match=message):
        linear_map(0.5).forecast_ensemble(**({"context": [1.0], "steps": 3} | options))


@pytest.mark.parametrize("levels", [[-0.1], [1.1], [[0.5]], "half"])
def test_bad_levels(levels):
    with pytest.raises(InvalidInputError, match="levels"):
        linear_map(0.5).forecast_ensemble([1.0], 3, members=2).quantiles(levels)


def test_a_free_run_is_decoded_in_pieces_and_keeps_no_orbit():
    rng = np.random.default_rng(0)
    cell = LSTM.init(64, rng=0)
    model = FitResult(
        cell=cell, decoder=np.linalg.qr(rng.standard_normal((64, 2)))[0].T.copy(), mean=np.ones(2),
        scale=np.full(2, 3.0), context=np.ones((1, 2)), dt=1.0, tau=1, lyapunov=None,
        history={"loss": np.zeros(1)}, settings={}, best_update=1,
    )  # fmt: skip
    contexts, steps = rng.standard_normal((4, 1, 2)), 5_000
    model.predict(contexts, 1)  # compile
    tracemalloc.start()
    runs = model.predict(contexts, steps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    whole = model.decode(simulate(cell, model.encode(contexts), steps)[:, 1:])
    np.testing.assert_allclose(runs, whole, rtol=1e-13, atol=1e-13)
    assert peak < 25e6  # all states would take 20 MB, and as much again while they are decoded
