"""Evaluation by the face alone: errors known exactly, delay coordinates, driven systems."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from driven_map import Driven

from chaoskit import evaluate
from chaoskit.cells import Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.measures import Exponent, Measure, floor, spectral_distance, state_space_divergence
from chaoskit.measures.verdict import agreement, verdict
from chaoskit.timeseries import embed
from chaoskit.training import (
    FitResult,
    Forecaster,
    Generated,
    fit_gaussian_noise,
    fit_linear_autoregression,
)
from chaoskit.training.evaluate import _largest

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def process() -> np.ndarray:
    """x' = 0.8 x + noise, so that the best forecast n steps ahead errs by 1 - 0.64^n of the variance."""
    x = RANDOM.normal(size=40_000)
    for t in range(1, len(x)):
        x[t] += 0.8 * x[t - 1]
    return x


@pytest.mark.parametrize(("exponent", "word"), [(0.42, "faithful"), (0.01, "faithful"), (-0.1, "wrong")])
def test_a_network_that_settles_later_is_not_faithful(exponent, word):
    """The rows judged may still be chaotic; an exponent of a longer run that is surely negative decides."""
    alike = Exponent(0.42, (0.4, 0.44), "good")
    values = {
        "true_exponents": None, "exponents": np.array([exponent]), "exponents_stderr": np.array([0.02]),
        "data_exponent": alike, "generated_exponent": alike,
    }  # fmt: skip
    near = Measure(0.1, (0.05, 0.15), 0.1, (0.05, 0.15), "at the floor")
    said = verdict(near, near, agreement(*_largest(values)))
    assert said.startswith(word)
    assert ("settles within" in said) == (word == "wrong")


@pytest.mark.parametrize("horizon", [1, 3])
def test_errors_of_baselines_are_those_of_the_process(process, horizon):
    train, test = process[:30_000], process[30_000:]
    best = 1 - 0.64**horizon
    wanted = {
        fit_linear_autoregression(train, order=1): best,
        fit_linear_autoregression(train, order=1, noise_scale=1.0): 2 * best,
        fit_gaussian_noise(train): 2.0,
    }
    floors = set()
    for model, error in wanted.items():
        found = evaluate(model, test, horizon=horizon)
        assert found.prediction_error == pytest.approx(error, rel=0.2)
        assert found.exponents is None
        floors.add(found.prediction_floor)
    assert len(floors) == 1
    assert floors.pop() > best


class Repeat(Forecaster):
    """Says the last seven rows again and again."""

    name, mean, scale, context_length = "repeat", np.zeros(1), np.ones(1), 7
    start = np.zeros((7, 1))

    def _continue(self, contexts, steps, inputs, seed):
        return contexts[:, -7:][:, np.arange(steps) % 7]

    def _go_on(self, steps, inputs, seed):
        return self._continue(self.start[None], steps, inputs, seed)


def test_contexts_end_where_forecasts_begin():
    pattern = np.array([1.0, 5.0, 2.0, 8.0, 3.0, 3.0, 9.0])
    series = np.tile(pattern, 90)
    found = evaluate(Repeat(), series, horizon=10)
    assert found.prediction_error == 0.0
    assert evaluate(Repeat(), np.append(series, 4.0)[1:], horizon=10).prediction_error > 0


def test_the_divergence_is_taken_in_delay_coordinates(process):
    true, made = process[:3000], process[3000:6000] ** 2
    found = evaluate(made, true, embedding=(2, 3))
    divergence = state_space_divergence(embed(true, 2, 3), embed(made, 2, 3))
    assert (found.state_space_divergence, found.outside) == (divergence.value, divergence.outside)
    assert found.state_space_floor == floor(state_space_divergence, embed(true, 2, 3)).value
    assert found.spectral_distance == spectral_distance(true, made)
    assert (found.embedding, found.n_true, found.remarks) == ((2, 3), 3000, ())
    assert evaluate(Generated(made[:, None]), true, embedding=[2, 3]) == found
    flat = evaluate(made, true)
    assert flat.embedding is None
    assert "histograms of one column" in flat.remarks[0]
    assert flat.state_space_divergence == state_space_divergence(true, made).value


def test_a_model_brings_its_embedding(process):
    class Embedded(Repeat):
        embedding = (2, 3)
        start = process[:7, None]

    assert evaluate(Embedded(), process[:800]).embedding == (2, 3)
    assert evaluate(Embedded(), process[:800], embedding=(5, 2)).embedding == (5, 2)
    assert evaluate(Embedded(), process[:800], embedding=(1, 1)).embedding is None


def test_analogues_are_sought_in_delay_coordinates():
    """One value of a wave does not tell whether it rises or falls, two do."""
    wave = np.sin(0.1 * np.arange(2000))
    model = fit_linear_autoregression(wave, order=2)
    blind, seeing = (evaluate(model, wave, embedding=e).prediction_floor for e in ((1, 1), (8, 2)))
    assert blind > 0.5
    assert seeing < 1e-3


class DrivenSlowly(Driven):
    """The same law from an older row."""

    context_length = 4


INPUTS = RANDOM.normal(size=(1001, 1))
DRIVEN = np.zeros((1001, 1))
for t in range(1000):
    DRIVEN[t + 1] = DRIVEN[t] / 2 + INPUTS[t]
SERIES = DRIVEN[1:]
INPUTS = INPUTS[1:]


@pytest.mark.parametrize("model", [Driven(), DrivenSlowly()], ids=["one row", "four rows"])
def test_a_driven_model_runs_beside_the_data(model):
    found = evaluate(model, SERIES, inputs=INPUTS)
    assert found.n_true == found.n_generated == 800
    assert found.state_space_divergence == 0.0
    assert found.spectral_distance == 0.0
    assert found.prediction_error == 0.0
    assert found.state_space_floor == floor(state_space_divergence, SERIES[200:]).value
    late = evaluate(model, SERIES, inputs=np.roll(INPUTS, 1, axis=0))
    assert late.prediction_error > 0.1
    assert late.spectral_distance > 0.0


def test_conditional_exponents_follow_the_inputs():
    """x' = tanh(x / 2 + u / 10) has the mean of ln (1 - x'^2) / 2 along its run."""

    class DrivenFit(FitResult):
        n_inputs = 1

        def scale_inputs(self, inputs):
            return inputs / 10

        def _continue(self, contexts, steps, inputs, seed):
            return np.zeros((len(contexts), steps, 1)) + np.linspace(0, 1, steps)[:, None]

    one = np.ones(1)
    model = DrivenFit(
        cell=Tanh(W=np.full((1, 1), 0.5), U=np.ones((1, 1)), b=np.zeros(1)), decoder=np.eye(1),
        mean=0 * one, scale=one, context=one, dt=0.1, tau=1, lyapunov=None, history={"loss": np.zeros(1)},
        settings={}, best_update=1,
    )  # fmt: skip
    found = evaluate(model, SERIES, inputs=INPUTS)
    x, logs = 1.0, []
    for u in INPUTS[:, 0]:
        x = np.tanh(x / 2 + u / 10)
        logs.append(np.log((1 - x**2) / 2))
    # a tenth of the rows settles the state, another one the tangents
    np.testing.assert_allclose(found.exponents, [np.mean(logs[200:]) / 0.1], rtol=1e-9)
    # a row says "true" only where a true exponent stands in it
    two = replace(found, exponents=np.array([-7.0, -9.0]), exponents_stderr=np.ones(2))
    named = [[row[0] for row in e.rows()][-2:] for e in (two, replace(two, true_exponents=np.array([-7.0])))]
    assert named == [["exponent 1", "exponent 2"], ["exponent 1 (true)", "exponent 2"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"inputs: expected shape \(1000, 1\), one row for each row of the series, got none"),
        ({"inputs": INPUTS[1:]}, "inputs: expected shape"),
        ({"inputs": INPUTS[:, [0, 0]]}, "inputs: expected shape"),
        ({"inputs": INPUTS * np.nan}, "inputs: expected finite"),
        ({"reconstruction": SERIES, "inputs": INPUTS}, "inputs: expected none"),
        ({"reconstruction": fit_gaussian_noise(SERIES), "inputs": INPUTS}, "inputs: expected none"),
        ({"inputs": INPUTS, "embedding": 3}, r"embedding: expected \(delay, dimension\), got 3"),
        ({"inputs": INPUTS, "embedding": (0, 2)}, "embedding"),
        ({"inputs": INPUTS, "embedding": (500, 3)}, "longer series or a smaller window"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(InvalidInputError, match=message):
        evaluate(**({"reconstruction": Driven(), "series": SERIES} | options))


@pytest.mark.parametrize("horizon", [199, 200, 250, 5000])
def test_forecasts_that_reach_beyond_the_series_are_left_out(process, horizon):
    model = fit_linear_autoregression(process[:1000], order=1)
    found = evaluate(model, process[1000:1400], horizon=horizon)
    if horizon == 199:  # from the first row of the second half to the last of all
        assert found.prediction_error is not None
    else:
        assert found.prediction_error is None
        assert f"the series is too short for forecasts {horizon} steps ahead" in found.remarks
