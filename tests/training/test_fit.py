"""Tiny trainings: that they run, repeat and fail as they should. The science is tested apart."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit import evaluate, fit, lyapunov_spectrum, simulate
from chaoskit.cells import ALRNN, LSTM, PLRNN, ShPLRNN, Tanh
from chaoskit.errors import ChaoskitWarning, DivergenceError, InvalidInputError
from chaoskit.forcing import AdaptiveGeneralized, Annealed, Generalized, Never, Sparse, Truncated, Windowed
from chaoskit.systems import Henon, Lorenz63
from chaoskit.training import FitResult

HENON = simulate(Henon(), [0.1, 0.1], 1500, transient=100)
QUICK = {"epochs": 2, "batches_per_epoch": 5, "sequence_length": 20, "batch_size": 4}


def quick(series=HENON, **options):
    return fit(series, **({"forcing": Sparse(3)} | QUICK | options))


@pytest.fixture(scope="module")
def model():
    return quick(seed=1)


@pytest.fixture(scope="module")
def learned():
    """With a learned decoder, and more states than data."""
    return quick(cell="lstm", n_states=4, seed=1)


# ---- training
def test_it_learns(model):
    long = fit(HENON, forcing=Sparse(3), epochs=20, batches_per_epoch=40, sequence_length=20)
    assert long.history["loss"][-20:].mean() < 0.1 * long.history["loss"][:5].mean()
    assert len(long.history["loss"]) == 800
    x = HENON[:500]
    assert np.mean((long.predict(x[:-1], 1)[:, 0] - x[1:]) ** 2) < 0.1 * x.var()
    result = evaluate(long, HENON[:1000])
    assert result.diverged_at is None
    assert result.prediction_error < 2
    assert result.n_true == 1000


def test_the_same_seed_gives_the_same_model(model):
    again, other = quick(seed=1), quick(seed=2)
    for a, b in zip(model.cell, again.cell, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.history["loss"], again.history["loss"])
    np.testing.assert_array_equal(model.generate(50).series, again.generate(50).series)
    assert (model.cell.W1 != other.cell.W1).any()


def test_defaults_and_settings(model):
    assert type(model.cell) is ShPLRNN
    np.testing.assert_array_equal(model.decoder, np.eye(2))
    assert model.tau == 3
    assert model.settings["sequence_length"] == 20
    assert model.lyapunov is None
    np.testing.assert_allclose(model.mean, HENON.mean(axis=0))
    assert "ShPLRNN" in repr(model)


def test_the_data_are_left_alone():
    series = HENON.copy()
    quick(series)
    np.testing.assert_array_equal(series, HENON)


def test_a_cell_can_be_a_name_a_class_or_an_instance():
    start = Tanh.init(2, rng=5)
    kept = start.W.copy()
    models = [quick(cell=c) for c in ("TANH", Tanh, start)]
    assert all(type(m.cell) is Tanh for m in models)
    np.testing.assert_array_equal(start.W, kept)
    with pytest.raises(InvalidInputError, match="n_states"):
        quick(cell=start, n_states=3)


def test_a_learned_decoder(learned):
    assert learned.decoder.shape == (2, 4)
    assert type(learned.cell) is LSTM
    assert learned.start_state.shape == (8,)
    np.testing.assert_array_equal(learned.start_state[4:], 0)  # forcing sets c to 0
    np.testing.assert_allclose(learned.decode(learned.encode(HENON[:5])), HENON[:5], atol=1e-9)
    assert np.abs(learned.decoder @ learned.decoder.T - np.eye(2)).max() > 0  # it has moved


def test_float32():
    model = quick(dtype=np.float32)
    assert model.settings["dtype"] == "float32"
    assert all(a.dtype == np.float64 for a in model.cell)  # trained in float32, run in float64
    assert model.generate(10).series.dtype == np.float64


def test_one_column_and_a_list():
    model = quick(HENON[:, 0].tolist())
    assert model.generate(7).series.shape == (7, 1)


def test_never_warns():
    with pytest.warns(ChaoskitWarning, match="Never"):
        model = quick(forcing=Never())
    assert model.tau is None


def test_an_interval_beyond_the_window_raises():
    for tau in (20, 500):
        with pytest.raises(InvalidInputError, match=f"tau={tau} is not smaller than the sequence length"):
            quick(forcing=Sparse(tau))
    quick(forcing=Sparse(19))


def test_automatic_forcing():
    model = quick(simulate(Lorenz63(), [1.0, 2.0, 20.0], 6000, transient=1000), forcing="auto", dt=0.01,
                  sequence_length="auto", epochs=1, batches_per_epoch=1,
                  validation_measure="prediction_error")  # fmt: skip
    assert model.tau == model.lyapunov.recommended_tau
    assert model.settings["sequence_length"] == max(4 * model.tau, 200)
    with pytest.raises(InvalidInputError, match=r"forcing=Sparse\(tau\)"):
        quick(np.sin(0.1 * np.arange(3000)), forcing="auto")


def test_the_last_parameters_are_kept_where_nothing_is_to_choose():
    """Whatever their runs and losses are: here the loss rises at the end, which "loss" would not take."""
    options = {"forcing": Sparse(4), "epochs": 6, "batches_per_epoch": 10, "final_learning_rate": 0.3}
    last, least = (quick(validation_measure=name, **options) for name in ("last", "loss"))
    assert last.best_update == 60
    assert least.best_update < 60


def test_divergence_in_training_keeps_the_best_model():
    with pytest.warns(
        ChaoskitWarning, match=r"diverged in epoch \d+ .* is kept; try a smaller learning_rate"
    ):
        model = fit(HENON, cell="plrnn", forcing=Sparse(19), sequence_length=20, epochs=30,
                    batches_per_epoch=5, learning_rate=1e-2, final_learning_rate=1e30,
                    gradient_clip=np.inf)  # fmt: skip
    assert model.diverged_at == len(model.history["loss"])
    assert 0 < model.best_update < model.diverged_at
    assert all(np.isfinite(a).all() for a in model.cell)
    assert np.isfinite(model.history["validation"]).any()


def test_divergence_before_any_model_raises():
    with pytest.raises(DivergenceError, match="in epoch 1") as caught:
        fit(HENON, cell="plrnn", forcing=Sparse(19), sequence_length=20, epochs=2, batches_per_epoch=50,
            learning_rate=1e200, final_learning_rate=1e200)  # fmt: skip
    assert caught.value.step >= 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"cell": "gruu"}, "cell: expected one of tanh, relu, plrnn, shplrnn, clippedshplrnn"),
        ({"cell": 3}, "cell: expected one of"),
        ({"cell": np.ndarray}, "cell: expected one of"),
        ({"cell": Tanh.init(2, 1)}, "cell: expected a network with 0 inputs"),
        ({"cell_options": {"n_inputs": 1}}, "cell_options: expected none for n_inputs"),
        ({"cell_options": {"width": 3}}, "cell_options"),
        ({"n_states": 1}, "n_states: expected at least 2"),
        ({"n_states": "many"}, "n_states"),
        ({"forcing": "sometimes"}, 'forcing: expected "auto"'),
        ({"forcing": 3}, "forcing"),
        ({"sequence_length": 2000}, "sequence_length: expected at most"),
        ({"sequence_length": 1}, "sequence_length"),
        ({"sequence_length": "long"}, "sequence_length"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"batches_per_epoch": 0}, "batches_per_epoch"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"final_learning_rate": -1}, "final_learning_rate"),
        ({"gradient_clip": np.nan}, "gradient_clip"),
        ({"dtype": int}, "dtype"),
        ({"dt": 0}, "dt"),
    ],
)
def test_bad_options(options, text):
    with pytest.raises(InvalidInputError, match=text):
        quick(**options)


@pytest.mark.parametrize(
    ("series", "text"),
    [
        (np.where(np.arange(3000).reshape(1500, 2) == 77, np.nan, HENON[:1500]), "series: expected finite"),
        (np.ones((500, 1)), "column 0 never changes"),
        (HENON[:10], "at least 20 rows"),
        (np.ones((25, 30)), "transpose"),
        ("file.csv", "series: expected an array"),
        (HENON[None], "series: expected shape"),
        ([], "series"),
        (HENON * 1j, "series: expected an array"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in multiply")
def test_bad_series(series, text):
    with pytest.raises(InvalidInputError, match=text):
        quick(series)


# ---- the model
def diverging(scale=10.0):
    """A model that leaves the finite numbers within a few hundred steps."""
    cell = PLRNN(np.full(2, 40.0), np.zeros((2, 2)), np.zeros((2, 0)), np.ones(2))
    return FitResult(
        cell=cell, decoder=np.eye(2), mean=np.zeros(2), scale=np.full(2, scale), context=np.ones(2), dt=1.0,
        tau=3, lyapunov=None, history={"loss": np.zeros(1)}, settings={}, best_update=1,
    )  # fmt: skip


@pytest.mark.parametrize("scale", [0.1, 1e3])
def test_generate_never_raises(scale):
    for steps in (1, 5, 500):
        run = diverging(scale).generate(steps)
        assert np.isfinite(run.series).all()
        assert (run.diverged_at is None) == (len(run.series) == steps)
    assert run.diverged_at == len(run.series)
    assert 1 < run.diverged_at < 10


def test_forecast_raises_where_it_diverges():
    with pytest.raises(DivergenceError, match="forecast") as caught:
        diverging().forecast(np.ones((3, 2)), 500)
    assert caught.value.step == diverging().generate(500).diverged_at


def test_evaluate_of_a_diverged_run():
    result = evaluate(diverging(), HENON[:600])
    assert result.diverged_at is not None
    assert result.state_space_divergence is None
    assert result.spectral_distance is None
    assert result.prediction_error is None
    assert result.exponents is None
    assert result.state_space_floor > 0
    assert len(result.remarks) == 2
    array = HENON[:600].copy()
    array[300:] = np.nan
    assert evaluate(array, HENON[:600]).diverged_at == 300


def test_forecast_goes_on_from_the_last_row(model):
    a = model.forecast(HENON[:10], 5)
    np.testing.assert_array_equal(a, model.forecast(HENON[9], 5))
    np.testing.assert_array_equal(a, model.predict(HENON[9:10], 5)[0])
    np.testing.assert_allclose(model.generate(5).series, model.forecast(HENON[-1], 5))
    state = simulate(model, model.encode(HENON[9:10])[0], 5)
    np.testing.assert_allclose(model.decode(state)[1:], a)
    for bad in (np.ones(3), np.ones((0, 2)), [[np.nan, 1.0]]):
        with pytest.raises(InvalidInputError, match="context"):
            model.forecast(bad, 5)
    for steps in (0, -1, 2.5):
        with pytest.raises(InvalidInputError, match="steps"):
            model.generate(steps)


def test_exponents_of_a_model_start_where_the_series_ended(model):
    result = lyapunov_spectrum(model, steps=200, transient=0, dt=0.5)
    assert result.units == "per unit time"
    np.testing.assert_array_equal(
        result.exponents, lyapunov_spectrum(model.cell, model.start_state, 200, transient=0, dt=0.5).exponents
    )


# ---- every forcing, optimizer and option
@pytest.mark.parametrize(
    "forcing",
    [
        Sparse(4, jitter=2),
        Annealed(1, 8),
        Generalized(0.3),
        AdaptiveGeneralized(),
        AdaptiveGeneralized("product", interval=2),
        AdaptiveGeneralized("weights"),
        Windowed(5),
        Truncated(5),
    ],
    ids=repr,
)
def test_every_forcing_trains(forcing):
    models = [quick(forcing=forcing, epochs=4, seed=3) for _ in range(2)]
    loss = models[0].history["loss"]
    assert np.isfinite(loss).all()
    np.testing.assert_array_equal(loss, models[1].history["loss"])
    assert models[0].settings["forcing"] == repr(forcing)


def test_adaptive_forcing_weakens():
    seen = []
    quick(forcing=AdaptiveGeneralized(decay=0.5), epochs=6, on_epoch=lambda s: seen.append(s.alpha))
    assert seen[0] < 1.0
    assert seen[-1] < 0.9
    quick(on_epoch=lambda s: seen.append(s.alpha))
    assert seen[-1] is None


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "radam"},
        {"optimizer": "adamw"},
        {"weight_decay": 0.5},
        {"learning_rate_decay": "cosine"},
        {"learning_rate_decay": "constant"},
        {"value_clip": 1e-3},
        {"input_noise": 0.2},
    ],
    ids=str,
)
def test_every_option_acts(options, model):
    changed = quick(seed=1, **options)
    assert np.isfinite(changed.history["loss"]).all()
    assert (changed.cell.W1 != model.cell.W1).any()


def test_a_mask_is_not_trained():
    trained = quick(cell="alrnn", n_states=4, cell_options={"n_relu": 2}, optimizer="adamw")
    assert type(trained.cell) is ALRNN
    np.testing.assert_array_equal(trained.cell.mask, [0, 0, 1, 1])


def test_a_callback_sees_and_stops():
    seen = []

    def on_epoch(state):
        seen.append((state.epoch, state.update, len(state.losses)))
        state.cell.W1[:] = np.nan  # a copy
        return state.epoch == 2

    stopped = quick(epochs=5, on_epoch=on_epoch)
    assert seen == [(1, 5, 5), (2, 10, 10)]
    assert len(stopped.history["loss"]) == 10
    assert np.isfinite(stopped.cell.W1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer: expected one of"),
        ({"learning_rate_decay": "step"}, "learning_rate_decay: expected one of"),
        ({"value_clip": 0}, "value_clip"),
        ({"weight_decay": -1}, "weight_decay"),
        ({"input_noise": "x"}, "input_noise"),
        ({"forcing": AdaptiveGeneralized("weights"), "cell": "lstm"}, "estimator: LSTM gives no bound"),
    ],
)
def test_bad_options_of_the_training(options, message):
    with pytest.raises(InvalidInputError, match=message):
        quick(**options)
