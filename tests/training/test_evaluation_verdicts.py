"""The verdict of an evaluation, on models known to be right, wrong or copies; and the split in time."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit import evaluate, simulate
from chaoskit.errors import InvalidInputError
from chaoskit.systems import Henon
from chaoskit.training import (
    Forecaster,
    compare_with_baselines,
    fit_gaussian_noise,
    fit_linear_autoregression,
    fit_next_generation_reservoir,
    split_in_time,
)
from chaoskit.training.split import trained_on

HENON = simulate(Henon(), [0.1, 0.1], 6000, transient=100)
TRAIN, TEST = HENON[:3500], HENON[3500:]


class Tape(Forecaster):
    """Plays back what it was trained on."""

    name, context_length = "tape", 1
    mean, scale = TRAIN.mean(axis=0), TRAIN.std(axis=0)

    def _continue(self, contexts, steps, inputs, seed):
        nearest = [np.argmin(((TRAIN - context[-1]) ** 2).sum(axis=1)) for context in contexts]
        return np.array([TRAIN[(k + 1 + np.arange(steps)) % len(TRAIN)] for k in nearest])

    def _go_on(self, steps, inputs, seed):
        return TRAIN[np.arange(steps) % len(TRAIN)][None]


def test_the_right_map_is_faithful():
    found = evaluate(
        fit_next_generation_reservoir(TRAIN), TEST, training=TRAIN, true_exponents=[0.419, -1.62]
    )
    assert found.verdict.startswith("faithful: ")
    low, high = found.state_space_interval
    assert low <= found.state_space_divergence <= high
    low, high = found.prediction_interval
    assert low <= found.prediction_error <= high
    assert found.retracing < 0.1
    # the fitted map errs by about 1e-8; ln(0.4 / 1e-8) is 17 Lyapunov times, beyond the 10 looked at
    assert found.valid_prediction_held > 0.5
    assert found.valid_prediction_unit == "Lyapunov times"
    assert found.valid_prediction_time == pytest.approx(10.0, abs=0.3)
    assert found.data_exponent.value == pytest.approx(0.419, rel=0.1)
    assert repr(found) == f"Evaluation({found.verdict})"
    for word in (
        "at least",
        "valid prediction (Lyapunov times)",
        "largest exponent",
        "retracing",
        "faithful",
    ):
        assert word in str(found)


def test_a_linear_model_with_noise_is_wrong_though_its_spectrum_is_right():
    column = TRAIN[:, 0]
    model = fit_linear_autoregression(column, max_order=20, noise_scale=1.0)
    found = evaluate(model, TEST[:, 0], embedding=(1, 2))
    assert found.spectral_distance < 2.0 * found.spectral_floor
    assert "spectral" not in found.verdict
    assert found.verdict.startswith("wrong: state-space divergence ")
    assert found.valid_prediction_time < 2.0
    assert found.retracing is None


def test_shuffled_rows_are_wrong_and_a_tape_is_a_copy():
    shuffled = evaluate(np.random.default_rng(0).permutation(TEST), TEST, n_resamples=0)
    assert shuffled.state_space_divergence == 0.0
    assert shuffled.verdict.startswith("wrong: spectral distance ")
    assert np.isnan(shuffled.state_space_interval).all()
    tape = evaluate(Tape(), TEST, training=TRAIN, n_resamples=0)
    assert tape.verdict.startswith("copy: ")
    assert tape.retracing == 1.0
    assert tape.retracing_floor < 0.1
    assert evaluate(Tape(), TEST, n_resamples=0).verdict.startswith("faithful")  # nobody can know without


def test_a_run_that_diverges_and_one_that_rests():
    model = fit_next_generation_reservoir(TRAIN)
    model.readout[:, 1:] *= -5
    found = evaluate(model, TEST, training=TRAIN, n_resamples=0)
    assert found.verdict.startswith("diverged: the free run left the finite numbers at step ")
    assert found.retracing is None
    assert found.generated_exponent is None
    assert evaluate(np.ones_like(TEST), TEST, n_resamples=0).verdict.startswith("wrong: ")


def test_time_has_units():
    model = fit_linear_autoregression(TRAIN, order=1)
    fast, slow = (evaluate(model, TEST, dt=dt, n_resamples=0) for dt in (0.5, 1.0))
    assert fast.data_exponent.value == pytest.approx(2 * slow.data_exponent.value, rel=1e-9)
    assert fast.valid_prediction_time == pytest.approx(slow.valid_prediction_time, rel=0.1)
    noise = np.random.default_rng(0).normal(size=(3000, 2))
    found = evaluate(fit_gaussian_noise(noise), noise, dt=0.5, n_resamples=0)
    assert found.valid_prediction_unit == "time units"
    assert found.verdict.startswith("undecided: ")


def test_baselines_stand_beside_the_model_with_their_verdicts():
    found = compare_with_baselines(Tape(), TRAIN, TEST, n_resamples=0)
    words = {row[0]: row[-1] for row in found.table()["rows"]}
    assert words["tape"] == "copy"
    assert words["next-generation reservoir"] == "faithful"
    assert words["Gaussian noise"] == words["linear autoregression with noise"] == "wrong"
    floors = {e.state_space_floor for e in found.evaluations.values()}
    assert len(floors) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dt": 0.0}, "dt"),
        ({"n_resamples": 7}, "n_resamples"),
        ({"training": TRAIN[:, 0]}, "series and training"),
        ({"true_exponents": [-1.0, 0.4]}, "true_exponents: expected exponents in descending order"),
        ({"true_exponents": []}, "true_exponents"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(InvalidInputError, match=message):
        evaluate(Tape(), TEST, **options)


def test_it_is_said_when_a_model_is_judged_by_what_it_was_trained_on():
    class Fitted:
        context = TRAIN[-2:]

    assert trained_on(Fitted(), TRAIN)
    assert trained_on(Fitted(), HENON)
    assert not trained_on(Fitted(), TEST)
    assert not trained_on(Fitted(), TEST[:1])
    assert not trained_on(Tape(), TRAIN)


def test_the_split_is_in_time():
    x = np.arange(1000.0) % 37
    train, test = split_in_time(x, test_share=0.3)
    np.testing.assert_array_equal(test[:, 0], x[700:])
    assert len(train) == 670  # a period has no end of its memory: the gap is a tenth of the test part
    np.testing.assert_array_equal(train[:, 0], x[:670])
    whole, rest = split_in_time(x, gap=0)
    assert (len(whole), len(rest)) == (800, 200)
    for bad in ({"test_share": 0.0}, {"test_share": 1.0}, {"gap": 790}, {"gap": "none"}, {"test_share": 2}):
        with pytest.raises(InvalidInputError):
            split_in_time(x, **bad)
