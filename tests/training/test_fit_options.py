"""That options of fit reach the training, with the size they were given: against updates made by hand."""

from __future__ import annotations

from typing import NamedTuple

import naive
import numpy as np
import pytest

from chaoskit import fit, simulate
from chaoskit.cells import LSTM, Linear, ShPLRNN
from chaoskit.errors import InvalidInputError
from chaoskit.forcing import AdaptiveGeneralized, Annealed, Generalized, Sparse
from chaoskit.systems import Henon
from chaoskit.timeseries import choose_delay, choose_dimension, estimate_lyapunov
from chaoskit.training import DecoderConditionPenalty, ObservedStates, loss_and_gradient
from chaoskit.training.data import prepare_data
from chaoskit.training.network import initial_network
from chaoskit.training.options import choose_forcing
from chaoskit.training.validation import Validation

HENON = simulate(Henon(), [0.1, 0.1], 1300, transient=100)[:1300]
# one window is the whole series: its loss is known whatever is drawn
SERIES, LENGTH = HENON[:31], 30
ROWS = (SERIES - SERIES.mean(axis=0)) / SERIES.std(axis=0)
STILL = {"learning_rate": 1e-300, "final_learning_rate": 1e-300}  # leaves every parameter as it is
RATE, EPSILON = 1e-3, 1e-8  # the latter is Adam's


def one_window(series=SERIES, **options):
    """One update unless told otherwise; all checkpoints are equal, so that the last one is kept."""
    return fit(
        series,
        **(
            {
                "sequence_length": len(series) - 1, "batch_size": 1, "epochs": 1, "batches_per_epoch": 1,
                "dtype": np.float64, "forcing": Sparse(3), "learning_rate": RATE,
                "validation_measure": lambda *_: 0.0,
            }
            | options
        ),
    )  # fmt: skip


def first_step(gradient):
    """What the first update of Adam adds: it sees the sign of a gradient, but of a tiny one the size."""
    return -RATE * gradient / (np.abs(gradient) + EPSILON)


# ---- clipping
CELL = ShPLRNN.init(2, rng=3)


@pytest.mark.parametrize("option", ["gradient_clip", "value_clip"])
def test_gradients_are_clipped(option):
    limit = 1e-9  # below epsilon, where Adam shows the size of a gradient
    model = one_window(cell=CELL, **{option: limit})
    gradient = loss_and_gradient(CELL, np.eye(2), ROWS, forcing=Sparse(3))[1]
    norm = np.sqrt(sum(np.sum(g**2) for g in gradient))
    values = np.sqrt(sum(np.sum(np.clip(g, -limit, limit) ** 2) for g in gradient))
    assert model.history["gradient_norm"][0] == pytest.approx(
        norm if option == "gradient_clip" else values, rel=1e-10
    )
    for new, old, g in zip(model.cell, CELL, gradient, strict=True):
        clipped = g * limit / norm if option == "gradient_clip" else np.clip(g, -limit, limit)
        np.testing.assert_allclose(new - old, first_step(clipped), rtol=1e-6, atol=1e-15)


# ---- noise
def test_noise_on_the_data_has_the_size_asked_for():
    """Of the identity forced at every step, the error of a step is the noise and the change of the data."""
    identity = Linear(np.eye(2), np.zeros((2, 0)), np.zeros(2))
    size = 3.0
    model = one_window(cell=identity, forcing=Sparse(1), input_noise=size, batch_size=2000, **STILL)
    changes = np.mean(np.diff(ROWS, axis=0) ** 2)
    # 120 000 numbers: their mean square scatters by 0.4 %
    assert model.history["loss"][0] - changes == pytest.approx(size**2, rel=0.02)


# ---- forcing that changes
def losses_of(taus):
    return [loss_and_gradient(CELL, np.eye(2), ROWS, forcing=Sparse(tau))[0] for tau in taus]


@pytest.mark.parametrize("forcing", [Annealed(1, 8), Annealed(9, 2)], ids=repr)
def test_annealed_forcing_goes_through_its_intervals(forcing):
    model = one_window(cell=CELL, forcing=forcing, epochs=3, batches_per_epoch=4, **STILL)
    taus = [round(forcing.start * (forcing.stop / forcing.start) ** (k / 12)) for k in range(12)]
    np.testing.assert_allclose(model.history["loss"], losses_of(taus), rtol=1e-12)
    assert len(set(taus)) > 5


def test_jittered_forcing_takes_all_its_intervals():
    model = one_window(cell=CELL, forcing=Sparse(4, jitter=2), batches_per_epoch=60, **STILL)
    found = np.unique(np.round(model.history["loss"], 10))
    np.testing.assert_allclose(found, np.sort(losses_of(range(2, 7))), atol=1e-9)


def test_adaptive_forcing_follows_the_jacobians_at_its_interval():
    """The Jacobian of an LSTM depends on its inputs; data set its c to 0."""
    rng = np.random.default_rng(4)
    drive = 1.0 + rng.standard_normal((len(SERIES), 1))
    cell = naive.perturbed(LSTM.init(2, 1, rng=rng), rng, 1.0, 3.0)
    alphas = []
    one_window(
        cell=cell, inputs=drive, forcing=AdaptiveGeneralized("mean", decay=0.5, interval=3), epochs=8,
        on_epoch=lambda state: alphas.append(state.alpha), **STILL,
    )  # fmt: skip
    u = (drive - drive.mean(axis=0)) / drive.std(axis=0)
    states = np.concatenate([ROWS, np.zeros_like(ROWS)], axis=1)
    norms = [np.linalg.norm(naive.jacobian(cell, states[t], u[t]), 2) for t in range(LENGTH)]
    aim = 1 - 1 / np.mean(norms)
    assert 0.1 < aim < 0.9
    wanted, alpha = [], 1.0
    for batch in range(8):
        if batch % 3 == 0:  # an estimate before the first batch, the fourth and the seventh
            alpha = 0.5 * alpha + 0.5 * aim
        wanted.append(alpha)
    np.testing.assert_allclose(alphas, wanted, rtol=1e-10)


# ---- what is trained beside the cell
@pytest.mark.parametrize(
    ("latent_state", "regularization"),
    [("inversion", ()), ("inversion", DecoderConditionPenalty(2.0)), ("learned", ())],
    ids=["decoder", "decoder with penalty", "initial map"],
)
def test_the_first_update_of_the_latent_state(latent_state, regularization):
    clip, seed = 1e-9, 7
    model = one_window(
        cell="shplrnn", n_states=4, latent_state=latent_state, regularization=regularization,
        gradient_clip=clip, seed=seed,
    )  # fmt: skip
    data = prepare_data(SERIES, None, None, 0.0, np.dtype(np.float64))
    cell, latent, trained = initial_network("shplrnn", 4, {}, latent_state, data, np.random.default_rng(seed))
    assert trained
    where = latent if isinstance(latent, ObservedStates) else latent.decoder
    _, gradient, of_latent = loss_and_gradient(cell, where, ROWS, forcing=Sparse(3))
    own = of_latent.initial_map if isinstance(of_latent, ObservedStates) else of_latent
    if regularization:
        term = type(latent)(np.zeros_like(own))
        regularization.add(cell, latent, gradient, term)
        assert np.abs(term.decoder).max() > 0.1
        own = own + term.decoder
    norm = np.sqrt(sum(np.sum(g**2) for g in (*gradient, own)))
    assert model.history["gradient_norm"][0] == pytest.approx(norm, rel=1e-10)
    new = model.initial_map if latent_state == "learned" else model.decoder
    step = first_step(own * clip / norm)
    assert np.abs(step).max() > 1e-8
    np.testing.assert_allclose(new - latent[0], step, rtol=1e-6, atol=1e-14)


def test_a_condition_penalty_keeps_the_decoder_orthogonal():
    options = {"cell": "shplrnn", "n_states": 4, "batches_per_epoch": 100, "learning_rate": 1e-2}
    plain = one_window(**options)
    held = one_window(**options, regularization=DecoderConditionPenalty(1.0))
    assert np.linalg.cond(plain.decoder) > 1.1
    assert np.linalg.cond(held.decoder) < 1.01


# ---- what is chosen from the series
def test_choices_are_those_of_the_part_that_is_trained_on():
    trained = HENON[:1000, 0]
    slow = 3.0 * np.sin(0.05 * np.arange(300))  # asks for a long delay, and its neighbours do not part
    models = [
        fit(
            np.concatenate([trained, end]), embedding="auto", forcing="auto", validation_share=300 / 1300,
            epochs=1, batches_per_epoch=1, sequence_length=20, dtype=np.float64,
            validation_measure=lambda *_: 0.0,
        )
        for end in (HENON[1000:, 0], slow)
    ]  # fmt: skip
    delay = choose_delay(trained)
    estimate = estimate_lyapunov(trained)
    for model in models:
        assert model.embedding == (delay, max(2, choose_dimension(trained, delay)))
        assert model.lyapunov.exponent == estimate.exponent
        assert model.lyapunov.interval == estimate.interval
        assert model.tau == estimate.recommended_tau
    # the end would have changed both
    whole = np.concatenate([trained, slow])
    assert estimate_lyapunov(whole).exponent != estimate.exponent
    assert prepare_data(whole, None, "auto", 0.0, np.dtype(float)).embedding != models[0].embedding


def test_noise_in_the_series_makes_the_forcing_generalized():
    noise = np.random.default_rng(0).standard_normal((len(HENON), 2))
    forcing, estimate = choose_forcing("auto", HENON + 0.05 * HENON.std(axis=0) * noise, 1.0)
    assert isinstance(forcing, Generalized)
    assert estimate.noise_level > 0.02
    assert choose_forcing("auto", HENON, 1.0)[0] == Sparse(1)
    with pytest.raises(InvalidInputError, match="no predictability time"):
        choose_forcing("auto", noise, 1.0)


# ---- the long run of a finalist
class Marked(NamedTuple):
    """A cell in name only: how far from the series its model is, and the row at which it leaves."""

    away: np.ndarray
    leaves: np.ndarray


class Stub:
    """A model that follows the series at a distance for so many rows, and then leaves it."""

    def __init__(self, series, cell):
        self.series, self.cell, self.context = series, cell, series[-1:]

    def predict(self, contexts, steps, inputs=None):
        run = self.series[:steps] + self.cell.away * np.sin(np.arange(steps))[:, None]
        run[self.cell.leaves[0] :] = np.nan
        return np.tile(run, (len(contexts), 1, 1))


@pytest.mark.parametrize(("rows", "short", "driven"), [(10_400, 10_000, False), (800, 399, True)])
def test_a_finalist_that_leaves_late_is_not_kept(rows, short, driven):
    series = np.tile(HENON, (8, 1))[:rows] if rows > 1300 else HENON[:rows]
    inputs = np.random.default_rng(0).standard_normal(rows) if driven else None
    data = prepare_data(series, inputs, None, 0.0, np.dtype(np.float64))

    def best(*checkpoints):
        validation = Validation(data, lambda cell, latent: Stub(series, cell), "reconstruction", 1, 3, 0)
        for update, (away, leaves) in enumerate(checkpoints, 1):
            validation.judge(Marked(np.array([away]), np.array([leaves])), Marked(*np.zeros((2, 1))), update)
        assert np.isfinite(validation.scores).all()  # no short run sees a model leave
        return validation.best(), validation.scores

    stays, leaves_late = (0.5, rows), (0.0, short)
    kept, scores = best(stays, leaves_late)
    assert scores[1] < scores[0]
    assert kept.update == 1
    assert np.isfinite(kept.score)
    # without a reason to leave it, the better one is kept
    assert best(stays, (0.0, rows))[0].update == 2
