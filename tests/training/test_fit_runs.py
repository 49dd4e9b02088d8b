"""How a training goes on: measures of checkpoints, patience, exponents, restarts."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit import fit, lyapunov_spectrum, simulate
from chaoskit.errors import ChaoskitWarning, DivergenceError, InvalidInputError
from chaoskit.forcing import Schedule, Sparse
from chaoskit.systems import Henon
from chaoskit.training import LatentRegularization

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
    with pytest.warns(ChaoskitWarning, match="no checkpoint could be told from another"):
        lost = quick(validation_measure=lambda *_: np.nan, patience=2)
    assert len(lost.history["validation"]) == 6
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


def test_the_loss_as_measure():
    model = quick(validation_measure="loss")
    means = model.history["loss"].reshape(6, 5).mean(axis=1)
    np.testing.assert_allclose(model.history["validation"], means, rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"validation_share": 0.15},
        {"series": HENON[:150]},
        {"series": HENON[:300], "inputs": np.ones(300)},  # half of the rows are run beside the inputs
        {"validation_share": 0.2, "embedding": (60, 3), "inputs": np.ones(800)},
    ],
    ids=["share", "series", "driven", "embedding"],
)
def test_what_is_too_short_to_be_judged_is_refused(options):
    with pytest.raises(InvalidInputError, match="validation_measure: expected enough rows for"):
        quick(**options)


def test_too_short_for_forecasts_or_exponents():
    with pytest.raises(InvalidInputError, match="validation_measure: expected at least 31 rows"):
        quick(
            validation_share=0.03,
            forcing=Sparse(30),
            sequence_length=60,
            validation_measure="prediction_error",
        )
    with pytest.raises(InvalidInputError, match="track_exponents: expected at least 1000 rows"):
        quick(inputs=np.ones(len(HENON)), track_exponents=1)
    with pytest.raises(InvalidInputError, match="track_exponents: expected at most 2"):
        quick(track_exponents=3)


def test_a_callback_may_answer_with_a_numpy_boolean():
    assert len(quick(on_epoch=lambda state: state.losses[-1] < 1e9).history["loss"]) == 5


def test_a_measure_cannot_write_into_the_series():
    series = HENON.copy()

    def vandal(model, judged, inputs):
        judged[:] = 0.0

    with pytest.raises(ValueError, match="read-only"):
        quick(series, validation_measure=vandal)
    np.testing.assert_array_equal(series, HENON)
    with pytest.raises(InvalidInputError, match="a function that returns one number"):
        quick(validation_measure=lambda *_: None)


def test_penalties_from_a_generator_serve_every_restart():
    penalty = LatentRegularization(1.0)
    a = quick(restarts=2, regularization=(p for p in (penalty,)))
    b = quick(restarts=2, regularization=[penalty])
    np.testing.assert_array_equal(a.history["restart_validation"], b.history["restart_validation"])


class Scheme:
    """A forcing of one's own, with whatever schedule it is given."""

    def __init__(self, **fields):
        self.fields = fields

    def schedule(self, length):
        slot = np.full(length, -1)
        slot[[0, 5]] = 0, 1
        return Schedule(slot, np.zeros(2))._replace(**self.fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"slot": np.arange(20) + 1000},
        {"slot": np.zeros(3, int)},
        {"slot": np.zeros(20)},
        {"slot": np.full(20, -1)},
        {"slot": np.r_[-1, 0, np.full(17, -1), 1]},
        {"keep": np.ones(2)},
        {"keep": np.zeros(1)},
        {"keep": np.array([0.0, np.nan])},
        {"flow": np.zeros(5)},
        {"flow": np.ones(2)},
        {"source": np.zeros(1)},
    ],
    ids=str,
)
def test_schedules_of_ones_own_are_checked(fields):
    assert quick(forcing=Scheme(), epochs=1).tau is None
    with pytest.raises(InvalidInputError, match="forcing: expected a schedule"):
        quick(forcing=Scheme(**fields), epochs=1)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"restarts": 0}, "restarts"),
        ({"on_epoch": 3}, "on_epoch: expected a function"),
        ({"gradient_clip": np.array([1, 2])}, "gradient_clip"),
        ({"validation_share": 1.0, "embedding": "auto"}, "validation_share: expected at least 20 rows"),
        ({"forcing": Sparse(19, jitter=18)}, "tau=37 is not smaller than the sequence length 20"),
        ({"threads": 0}, "threads"),
        ({"patience": 0}, "patience"),
        ({"track_exponents": -1}, "track_exponents"),
        ({"checkpoint_interval": 0}, "checkpoint_interval"),
        ({"checkpoint_every": 0}, "checkpoint_every"),
        ({"validation_measure": "error"}, "validation_measure: expected one of"),
        ({"validation_measure": None}, "validation_measure: expected one of"),
    ],
)
def test_bad_options(options, text):
    with pytest.raises(InvalidInputError, match=text):
        quick(**options)
