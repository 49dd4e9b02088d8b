"""Which rows and which inputs belong together: in training windows, warm-ups, free runs and validation."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit import fit, simulate
from chaoskit.cells import Linear, ShPLRNN
from chaoskit.forcing import Sparse
from chaoskit.timeseries import embed
from chaoskit.training import loss_and_gradient

# a step this small leaves every parameter as it is, so that losses are those of the cell that was given
STILL = {"learning_rate": 1e-300, "final_learning_rate": 1e-300, "dtype": np.float64}
ROWS, HELD_OUT = 240, 60
RNG = np.random.default_rng(0)
INPUTS = 3.0 + 2.0 * RNG.standard_normal((ROWS, 1))
NOISE = 1.0 + RNG.standard_normal((ROWS, 2))


def scored(values):
    return (values - values.mean(axis=0)) / values.std(axis=0)


# ---- training windows
def test_windows_start_at_every_row_they_can():
    series, length = NOISE[:40], 10
    cell = Linear.init(2, rng=1)
    model = fit(
        series, cell=cell, forcing=Sparse(3), sequence_length=length, batch_size=1, epochs=1,
        batches_per_epoch=600, validation_measure=lambda *_: 0.0, **STILL,
    )  # fmt: skip
    rows = scored(series)
    starts = range(len(rows) - length)  # the last window ends with the last row
    wanted = [
        loss_and_gradient(cell, np.eye(2), rows[s : s + length + 1], forcing=Sparse(3))[0] for s in starts
    ]
    assert len(wanted) == 30
    found = np.unique(np.round(model.history["loss"], 10))
    np.testing.assert_allclose(found, np.sort(wanted), atol=1e-9)


# ---- delay vectors of a driven system
AR, GAIN = (0.6, -0.3), 0.8
SECOND_ORDER = np.zeros((ROWS, 1))
for _t in range(1, ROWS - 1):
    SECOND_ORDER[_t + 1] = AR[0] * SECOND_ORDER[_t] + AR[1] * SECOND_ORDER[_t - 1] + GAIN * INPUTS[_t]


@pytest.fixture(scope="module")
def exact():
    """The law itself, on delay vectors of three rows: any input in a wrong place is an error of order 1."""
    trained, driving = SECOND_ORDER[:-HELD_OUT], INPUTS[:-HELD_OUT]
    mean, scale = trained.mean(), trained.std()
    cell = Linear(
        W=np.array([[0.0, 1, 0], [0, 0, 1], [0, AR[1], AR[0]]]),
        C=np.array([[0.0], [0], [GAIN * driving.std() / scale]]),
        h=np.array([0, 0, ((sum(AR) - 1) * mean + GAIN * driving.mean()) / scale]),
    )
    return fit(
        SECOND_ORDER, inputs=INPUTS, embedding=(1, 3), cell=cell, forcing=Sparse(4), sequence_length=20,
        batch_size=4, epochs=1, batches_per_epoch=20, validation_share=HELD_OUT / ROWS,
        validation_measure="prediction_error", **STILL,
    )  # fmt: skip


def test_inputs_stand_beside_the_newest_row_of_a_delay_vector(exact):
    assert exact.history["loss"].max() < 1e-24


def test_the_held_out_end_is_judged_with_its_own_inputs(exact):
    assert exact.history["validation"].max() < 1e-24


def test_runs_on_delay_vectors_follow_their_inputs(exact):
    ends = np.array([10, 57, 100])
    contexts = SECOND_ORDER[ends[:, None] + np.arange(-2, 1)]
    drive = INPUTS[ends[:, None] + np.arange(-2, 5)]
    runs = exact.predict(contexts, 5, inputs=drive)
    np.testing.assert_allclose(runs, SECOND_ORDER[ends[:, None] + np.arange(1, 6)], rtol=1e-10)
    # the last row of the inputs drives the first step beyond the series
    run = exact.generate(1, inputs=INPUTS[-1:]).series[0]
    wanted = AR[0] * SECOND_ORDER[-1] + AR[1] * SECOND_ORDER[-2] + GAIN * INPUTS[-1]
    np.testing.assert_allclose(run, wanted, rtol=1e-10)


# ---- states that data do not set are warmed up along a driven context
@pytest.fixture(scope="module", params=[None, (2, 2)], ids=["rows", "delay vectors"])
def learned(request):
    columns = NOISE if request.param is None else NOISE[:, :1]
    model = fit(
        columns, inputs=INPUTS, cell="shplrnn", n_states=4, latent_state="learned", embedding=request.param,
        forcing=Sparse(3), sequence_length=8, batch_size=4, epochs=3, batches_per_epoch=5, learning_rate=3e-2,
        dtype=np.float64, validation_share=HELD_OUT / ROWS, validation_measure="prediction_error",
    )  # fmt: skip
    # the columns are noise, so that no row can stand in for another
    assert type(model.cell) is ShPLRNN
    assert np.abs(model.initial_map).max() > 1e-3
    assert np.abs(model.cell.C).max() > 1e-3
    assert model.context_length == model.delays.span + 9
    return model, columns


def warmed(model, rows, drive):
    """State after a context, one step at a time; drive[k] acts on the step from row k to row k + 1."""
    vectors = embed((rows - model.mean) / model.scale, *model.delays)
    first = len(rows) - len(vectors)  # the row that the first delay vector ends with
    z = np.concatenate([vectors[0], model.initial_map @ vectors[0]])
    for k, vector in enumerate(vectors[1:]):
        u = (drive[first + k] - model.input_mean) / model.input_scale
        z = simulate(model.cell, z, 1, inputs=u[None])[1]
        z[: len(vector)] = vector
    return z


def run_by_hand(model, columns, end, drive):
    """Rows that follow row `end` under inputs of their own."""
    context = slice(end + 1 - model.context_length, end + 1)
    z = warmed(model, columns[context], INPUTS[context])
    states = simulate(model.cell, z, len(drive), inputs=(drive - model.input_mean) / model.input_scale)
    width = len(model.mean)
    newest = states[1:, len(model.decoder) - width : len(model.decoder)]
    return newest * model.scale + model.mean


def test_a_warm_up_takes_the_inputs_of_its_rows(learned):
    model, columns = learned
    contexts = np.stack([columns[20:32], columns[90:102]])
    drive = np.stack([INPUTS[20:31], INPUTS[90:101]])
    states = model.encode(contexts, drive)
    for state, rows, u in zip(states, contexts, drive, strict=True):
        np.testing.assert_allclose(state, warmed(model, rows, u), rtol=1e-12, atol=1e-14)
        late = warmed(model, rows, np.roll(u, 1, axis=0))
        assert np.abs(state - late).max() > 1e-3


def test_runs_go_on_with_the_inputs_after_the_series(learned):
    model, columns = learned
    later = np.concatenate([INPUTS[-1:], INPUTS[:6]])
    run = model.generate(7, inputs=later).series
    np.testing.assert_allclose(run, run_by_hand(model, columns, ROWS - 1, later), rtol=1e-10, atol=1e-12)
    drive = np.concatenate([model.context_inputs, later])
    np.testing.assert_array_equal(run, model.predict(model.context[None], 7, inputs=drive)[0])
    np.testing.assert_array_equal(model.start_state, model.encode(model.context[None], drive[:-7])[0])


def test_forecasts_that_judge_a_checkpoint_have_the_inputs_of_their_rows(learned):
    model, columns = learned
    first = ROWS - HELD_OUT
    ends = np.arange(first + model.context_length - 1, ROWS - 3)  # fewer than the 200 that are taken at most
    runs = [run_by_hand(model, columns, end, INPUTS[end : end + 3])[-1] for end in ends]
    wanted = np.mean(((runs - columns[ends + 3]) / model.scale) ** 2)
    scores = model.history["validation"]
    assert len(scores) == 3
    assert model.best_update == model.history["validation_update"][np.argmin(scores)]
    assert scores.min() == pytest.approx(wanted, rel=1e-10)


def test_a_window_of_a_driven_network_takes_the_inputs_of_its_rows():
    """The whole series is one window, so that its loss is known whatever is drawn."""
    series, drive = NOISE[:30], INPUTS[:30]
    cell = Linear.init(2, 1, rng=2)
    model = fit(
        series, inputs=drive, cell=cell, forcing=Sparse(5), sequence_length=29, batch_size=2, epochs=1,
        batches_per_epoch=1, validation_measure=lambda *_: 0.0, **STILL,
    )  # fmt: skip
    wanted, _, _ = loss_and_gradient(
        cell, np.eye(2), scored(series), forcing=Sparse(5), inputs=scored(drive)[:-1]
    )
    assert model.history["loss"][0] == pytest.approx(wanted, rel=1e-12)
