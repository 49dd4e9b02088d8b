"""What fit makes of data: inputs, delay vectors, a held-out end, states that data set only in part."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit import evaluate, fit, load, lyapunov_spectrum, simulate
from chaoskit.cells import Linear
from chaoskit.errors import InvalidInputError
from chaoskit.forcing import Sparse
from chaoskit.systems import Henon
from chaoskit.timeseries import embed
from chaoskit.training import DecoderConditionPenalty, LatentRegularization
from chaoskit.training.data import Embedding, prepare_data

HENON = simulate(Henon(), [0.1, 0.1], 800, transient=100)[:800]
QUICK = {"epochs": 2, "batches_per_epoch": 5, "sequence_length": 20, "batch_size": 4}


def quick(series=HENON, **options):
    return fit(series, **({"forcing": Sparse(3), "dtype": np.float64} | QUICK | options))


# ---- a driven linear system is learned exactly, so that every unit and every row of inputs is in its place
A, B = np.array([[0.8, 0.3], [-0.3, 0.6]]), np.array([[1.0], [0.5]])
RNG = np.random.default_rng(0)
DRIVE = 5.0 + 2.0 * RNG.standard_normal((600, 1))
DRIVEN = np.zeros((600, 2))
for _t in range(599):
    DRIVEN[_t + 1] = A @ DRIVEN[_t] + B @ DRIVE[_t]
LEARN = {
    "cell": "linear", "epochs": 40, "batches_per_epoch": 50, "learning_rate": 3e-2, "sequence_length": 10,
    "final_learning_rate": 1e-4, "batch_size": 16, "forcing": Sparse(2),
}  # fmt: skip


@pytest.fixture(scope="module")
def driven():
    return quick(DRIVEN[:500], inputs=DRIVE[:500], **LEARN)


def test_a_driven_system_is_learned(driven):
    assert driven.n_inputs == 1
    assert driven.history["loss"][-1] < 1e-8
    # back in the units of the data
    S = np.diag(driven.scale)
    np.testing.assert_allclose(S @ driven.cell.W @ np.linalg.inv(S), A, atol=1e-3)
    np.testing.assert_allclose(S @ driven.cell.C / driven.input_scale, B, atol=1e-3)


def test_runs_of_a_driven_network_follow_their_inputs(driven):
    later, drive = DRIVEN[500:], DRIVE[500:]
    run = driven.generate(100, inputs=DRIVE[499:599])  # the first row drives the step to row 500
    np.testing.assert_allclose(run.series, later, atol=2e-2)
    assert np.abs(driven.generate(100, inputs=DRIVE[498:598]).series - later).max() > 0.5
    np.testing.assert_allclose(driven.forecast(later[:10], 50, inputs=drive[:59]), later[10:60], atol=2e-2)
    pair = driven.predict(later[[[0], [20]]], 5, inputs=np.stack([drive[:5], drive[20:25]]))
    np.testing.assert_allclose(pair, np.stack([later[1:6], later[21:26]]), atol=2e-2)
    for bad in (None, drive[:3], np.zeros((5, 2))):
        with pytest.raises(InvalidInputError, match="inputs: expected shape"):
            driven.predict(later[:1], 5, inputs=bad)


def test_orbits_and_exponents_take_inputs_in_their_own_units(driven, tmp_path):
    found = lyapunov_spectrum(driven, steps=100, inputs=DRIVE, transient=10, tangent_transient=100)
    wanted = np.sort(np.log(np.abs(np.linalg.eigvals(A))))[::-1]
    np.testing.assert_allclose(found.exponents, wanted, atol=2e-2)
    states = simulate(driven, driven.encode(DRIVEN[:1])[0], 50, inputs=DRIVE[:50])
    np.testing.assert_allclose(driven.decode(states), DRIVEN[:51], atol=2e-2)
    driven.save(tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    drive = DRIVE[499:599]
    np.testing.assert_array_equal(
        again.generate(100, inputs=drive).series, driven.generate(100, inputs=drive).series
    )


@pytest.mark.parametrize(
    "inputs", [DRIVE[:10], np.full(500, np.nan), "u", np.zeros((500, 0)), np.zeros((500, 1, 1))]
)
def test_inputs_that_do_not_fit(inputs):
    with pytest.raises(InvalidInputError, match="inputs"):
        quick(DRIVEN[:500], inputs=inputs)


def test_a_cell_must_take_the_inputs():
    with pytest.raises(InvalidInputError, match="expected a network with 1 inputs"):
        quick(DRIVEN[:500], inputs=DRIVE[:500], cell=Linear.init(2, 0))


# ---- delay vectors
def test_delay_vectors_are_those_of_embed():
    data = prepare_data(HENON, None, (3, 4), 0.0, np.dtype(np.float64))
    scored = (HENON - HENON.mean(axis=0)) / HENON.std(axis=0)
    np.testing.assert_allclose(data.rows, embed(scored, 3, 4), rtol=1e-13)
    assert Embedding(3, 4).span == 9


def test_a_partly_observed_system(tmp_path):
    model = quick(HENON[:, 0], embedding=(1, 2), epochs=40, batches_per_epoch=40)
    assert model.embedding == (1, 2)
    assert model.context_length == 2
    assert model.cell.A.shape == (2,)
    x = HENON[:, 0]
    contexts = np.stack([x[k : k + 2, None] for k in range(100, 200)])
    error = model.predict(contexts, 1)[:, 0, 0] - x[102:202]
    assert np.mean(error**2) < 0.05 * x.var()
    run = model.generate(50)
    assert run.series.shape == (50, 1)
    np.testing.assert_array_equal(model.forecast(x[-2:], 50), run.series)
    np.testing.assert_array_equal(model.forecast(x[-7:], 50), run.series)  # the newest vector alone decides
    np.testing.assert_allclose(  # its newest entry is the row
        model.decode(model.encode(contexts)), contexts[:, -1], rtol=1e-12
    )
    model.save(tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    assert again.embedding == (1, 2)
    np.testing.assert_array_equal(again.generate(50).series, run.series)
    assert evaluate(model, x).prediction_error is not None


def test_embedding_chosen_from_the_series():
    model = quick(HENON[:, 0], embedding="auto")
    assert model.embedding.dimension >= 2
    assert model.settings["embedding"] == model.embedding._asdict()


@pytest.mark.parametrize("embedding", ["yes", 3, (1, 2, 3), (0, 2), (1.5, 2), (400, 3)])
def test_embeddings_that_do_not_fit(embedding):
    with pytest.raises(InvalidInputError, match=r"embedding|delay|dimension"):
        quick(HENON[:, 0], embedding=embedding)


# ---- how data set the state
@pytest.mark.parametrize("latent_state", ["identity", "learned"])
def test_states_that_are_observed(latent_state, tmp_path):
    model = quick(n_states=4, cell="lstm", latent_state=latent_state)
    np.testing.assert_array_equal(model.decoder, np.eye(2, 4))
    assert model.initial_map.shape == (6, 2)
    assert (np.abs(model.initial_map).max() > 0) == (latent_state == "learned")
    assert model.context_length == 21
    # the warm-up sets the observed states and runs the others on
    context = HENON[100:121]
    state = model.encode(context[None])[0]
    scored = (context - model.mean) / model.scale
    z = np.concatenate([scored[0], model.initial_map @ scored[0]])
    for row in scored[1:]:
        z = simulate(model.cell, z, 1)[1]
        z[:2] = row
    np.testing.assert_allclose(state, z, rtol=1e-12)
    first = simulate(model.cell, z, 1)[1]
    np.testing.assert_allclose(model.forecast(context, 1)[0], model.decode(first), rtol=1e-12)
    model.save(tmp_path / "model.npz")
    np.testing.assert_array_equal(load(tmp_path / "model.npz").start_state, model.start_state)


def test_unknown_latent_state():
    with pytest.raises(InvalidInputError, match="latent_state: expected one of"):
        quick(latent_state="decoder")


def test_regularization_acts_and_is_checked():
    plain, pulled = quick(), quick(regularization=LatentRegularization(10.0))
    assert np.abs(pulled.cell.W2).mean() < np.abs(plain.cell.W2).mean()
    with pytest.raises(InvalidInputError, match="condition of the decoder"):
        quick(regularization=[DecoderConditionPenalty(1.0)])


# ---- what is held out
def test_training_does_not_see_what_is_held_out():
    other = HENON.copy()
    other[600:] = HENON[:200] * 1.1
    a, b = quick(validation_share=0.25), quick(other, validation_share=0.25)
    np.testing.assert_array_equal(a.history["loss"], b.history["loss"])
    np.testing.assert_array_equal(a.mean, b.mean)
    assert (a.history["validation"] != b.history["validation"]).all()
    np.testing.assert_array_equal(a.context, HENON[-1:])  # runs go on where the data end


def test_shares_that_leave_nothing():
    for share in (0.99, 0.001):
        with pytest.raises(InvalidInputError, match="validation_share: expected at least 20 rows"):
            quick(validation_share=share)
    with pytest.raises(InvalidInputError, match="validation_share: expected a number from 0 to 1"):
        quick(validation_share=2)
