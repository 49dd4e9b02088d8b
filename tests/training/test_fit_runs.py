"""How a training goes on: measures of checkpoints, patience, exponents, restarts."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit import fit, lyapunov_spectrum, simulate
from chaoskit.errors import DivergenceError, InvalidInputError
from chaoskit.forcing import Sparse
from chaoskit.systems import Henon

HENON = simulate(Henon(), [0.1, 0.1], 800, transient=100)[:800]
QUICK = {"epochs": 6, "batches_per_epoch": 5, "sequence_length": 20, "batch_size": 4}


def quick(series=HENON, **options):
    return fit(series, **({"forcing": Sparse(3), "dtype": np.float64} | QUICK | options))


def test_a_measure_of_ones_own_decides():
    asked = []

    def measure(model, series, inputs):
        asked.append((series.shape, inputs.shape))
        return abs(len(asked) - 3)  # the third check is the best

    model = quick(validation_measure=measure, validation_share=0.25)
    assert asked == [((200, 2), (200, 0))] * 6
    assert model.best_update == 15
    np.testing.assert_array_equal(model.history["validation"], [2, 1, 0, 1, 2, 3])


def test_forecast_errors_as_measure():
    model = quick(validation_measure="prediction_error")
    scores = model.history["validation"]
    best = model.history["validation_update"][np.argmin(scores)]
    assert model.best_update == best
    x = HENON
    ends = np.unique(np.linspace(0, len(x) - 4, 200).astype(int))
    ahead = np.arange(1, 4)
    error = model.predict(x[ends], 3) - x[ends[:, None] + ahead]
    assert scores.min() == pytest.approx(np.mean((error[:, -1] / model.scale) ** 2), rel=1e-9)


def test_patience_ends_a_training_that_does_not_improve():
    model = quick(validation_measure=lambda *_: 1.0, patience=2)
    assert len(model.history["validation"]) == 3
    assert len(model.history["loss"]) == 15
    assert len(quick(validation_measure=lambda *_: np.nan, patience=2).history["validation"]) == 6
    falling = iter([5, 4, 3, 3, 3, 0])
    assert len(quick(validation_measure=lambda *_: next(falling), patience=2).history["validation"]) == 5


def test_exponents_in_the_course_of_training():
    model = quick(track_exponents=2, dt=0.5)
    assert model.history["exponents"].shape == (6, 2)
    last = []

    def keep(state):
        last.append(state)

    quick(track_exponents=2, dt=0.5, on_epoch=keep)
    assert [s.epoch for s in last] == [1, 2, 3, 4, 5, 6]
    cell = last[-1].cell
    true = lyapunov_spectrum(cell, model.start_state, 5000, dt=0.5, transient=0, tangent_transient=500)
    np.testing.assert_allclose(model.history["exponents"][-1], true.exponents, rtol=0.05, atol=0.02)


def test_restarts_are_single_trainings_and_the_best_is_kept():
    singles = [quick(seed=s) for s in (5, 6, 7)]
    for threads in (1, 3):
        model = quick(seed=5, restarts=3, threads=threads)
        assert model.history["restart_seed"].tolist() == [5, 6, 7]
        chosen = singles[int(np.argmin(model.history["restart_validation"]))]
        assert model.settings["seed"] == chosen.settings["seed"]
        for a, b in zip(model.cell, chosen.cell, strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(model.history["loss"], chosen.history["loss"])


def test_a_run_that_fails_ends_the_others():
    epochs = []

    def fail(state):
        epochs.append(state.epoch)
        if state.seed == 1:
            raise RuntimeError("the user's own")

    with pytest.raises(RuntimeError, match="the user's own"):
        quick(restarts=2, threads=2, epochs=500, on_epoch=fail)
    assert max(epochs) < 400


def test_restarts_that_all_diverge():
    with pytest.raises(DivergenceError, match="before any model was worth keeping"):
        quick(restarts=2, learning_rate=1e30, gradient_clip=np.inf, epochs=1)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"restarts": 0}, "restarts"),
        ({"threads": 0}, "threads"),
        ({"patience": 0}, "patience"),
        ({"track_exponents": -1}, "track_exponents"),
        ({"checkpoint_interval": 0}, "checkpoint_interval"),
        ({"checkpoint_every": 0}, "checkpoint_every"),
        ({"validation_measure": "loss"}, "validation_measure: expected one of"),
        ({"validation_measure": None}, "validation_measure: expected one of"),
    ],
)
def test_bad_options(options, text):
    with pytest.raises(InvalidInputError, match=text):
        quick(**options)
