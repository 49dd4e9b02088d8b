"""Growth of gradients against dense recursions, exact rates, and what must not overflow."""

from __future__ import annotations

import chain_oracle as oracle
import naive
import numpy as np
import pytest

import chaoskit
from chaoskit import cells, gradient_growth
from chaoskit.errors import DivergenceError, InvalidInputError
from chaoskit.forcing import Generalized, Never, Sparse, Truncated, Windowed
from chaoskit.gradients.chains import Adjoint, Parameters, Sensitivities
from chaoskit.gradients.orbit_walk import Walk
from chaoskit.gradients.setting import setting
from chaoskit.kernels.pull_back import SEGMENT
from chaoskit.systems import Henon, Lorenz63
from chaoskit.training import FitResult, ObservedStates
from chaoskit.training.data import Embedding

CLASSES = [cells.Tanh, cells.ShPLRNN, cells.LSTM]


def chaotic(n=50, gain=2.5, seed=0):
    rng = np.random.default_rng(seed)
    return cells.Tanh(rng.standard_normal((n, n)) * gain / np.sqrt(n), np.zeros((n, 0)), np.zeros(n))


def small(cls, rng, n=3, inputs=2):
    options = {"n_hidden": 4} if cls is cells.ShPLRNN else {}
    return naive.perturbed(cls.init(n, inputs, rng=2, **options), rng, 0.3)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_agrees_with_dense_recursions(cls):
    rng, T = np.random.default_rng(0), 7
    cell = small(cls, rng)
    n = 3 * cls.layout.state
    x0, u = rng.standard_normal(n), rng.standard_normal((T, 2))
    states = naive.orbit(cell, x0, T, u)
    product, tangent = oracle.forward_recursion(cell, states[:-1], u)
    growth = gradient_growth(cell, x0, T, inputs=u)
    np.testing.assert_allclose(
        growth.log_state, [oracle.log_norm(product[t]) for t in growth.lags], atol=1e-12
    )
    wanted = [oracle.log_norm(tangent[t]) for t in growth.times]
    np.testing.assert_allclose(growth.log_parameters, wanted, atol=1e-8)
    wanted = [oracle.log_norm(tangent[t].sum(axis=0) / np.sqrt(n)) for t in growth.times]
    np.testing.assert_allclose(growth.log_loss, wanted, atol=1e-8)
    back = gradient_growth(cell, x0, T, inputs=u, parameters="loss")
    np.testing.assert_allclose(back.log_loss, growth.log_loss, atol=1e-12)
    assert back.log_parameters is None


def test_loss_gradient_is_that_of_backpropagation():
    """The gradients of the losses at 1..T sum to the one of `loss_and_gradient`, T times their mean."""
    rng, T = np.random.default_rng(1), 6
    cell, decoder = small(cells.Tanh, rng, inputs=0), rng.standard_normal((2, 3))
    series = rng.standard_normal((T + 1, 2))
    growth = gradient_growth(cell, steps=1, series=series, decoder=decoder)
    _, gradient, _ = chaoskit.training.loss_and_gradient(cell, decoder, series[:2], forcing=Never())
    assert growth.log_loss[0] == pytest.approx(np.log(np.linalg.norm(oracle.flat(gradient))), abs=1e-12)


@pytest.mark.parametrize("forcing", [Sparse(3), Generalized(0.4), Windowed(4), Truncated(3)], ids=repr)
@pytest.mark.parametrize("observed", [False, True], ids=["inversion", "observed"])
def test_forced_chain(forcing, observed):
    """Along the forced orbit of the oracle, with the forced columns of each factor scaled."""
    rng, T, n = np.random.default_rng(2), 9, 3
    cell = small(cells.Tanh, rng, inputs=2)
    latent = ObservedStates(rng.standard_normal((1, 2))) if observed else rng.standard_normal((2, n))
    series, u = rng.standard_normal((T + 1, 2)), rng.standard_normal((T, 2))
    rows = naive.forcing_terms(forcing, T)
    latent_of = latent if observed else chaoskit.gradients.DecoderInversion(latent)
    states = naive.scheduled_run(cell, latent_of, series, forcing, u)[1]
    factors = np.ones((T, n))
    for t in range(1, T):
        keep, _, cut, whole = rows[t]
        passes = 0.0 if cut else keep
        if passes < 1.0:
            factors[t, : n if whole or not observed else 2] = passes
    product, tangent = oracle.forward_recursion(cell, states, u, factors)
    growth = gradient_growth(cell, steps=T, series=series, decoder=latent, inputs=u, forcing=forcing)
    wanted = np.array([oracle.log_norm(product[t]) for t in growth.lags])
    np.testing.assert_allclose(growth.log_state, wanted, atol=1e-11)
    wanted = [oracle.log_norm(tangent[t]) for t in growth.times]
    np.testing.assert_allclose(growth.log_parameters, wanted, atol=1e-8)
    back = gradient_growth(
        cell, steps=T, series=series, decoder=latent, inputs=u, forcing=forcing, parameters="loss"
    )
    np.testing.assert_allclose(back.log_loss, growth.log_loss, atol=1e-11)


def test_forcing_bounds_what_explodes_without():
    series = np.random.default_rng(3).standard_normal((301, 3))
    free = gradient_growth(chaotic(), steps=300, series=series, decoder=np.eye(3, 50))
    forced = gradient_growth(chaotic(), steps=300, series=series, decoder=np.eye(3, 50), forcing=Sparse(10))
    assert free.kind == "explodes"
    assert forced.kind == "cut"
    assert forced.log_parameters.max() < 20 < free.log_parameters[-1]
    assert "exactly 0" in repr(forced)


def test_linear_cells_have_exact_rates():
    """A rotation times g: every norm is g^t, so ln of it is exact; a rotation alone is sub-exponential."""
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    one, bias = np.eye(2), np.full(2, 100.0)  # far from the kinks the shallow PLRNN is linear
    for g, kind in ((1.004, "explodes"), (1.0, "sub-exponential"), (0.996, "vanishes")):
        cell = cells.ShPLRNN(np.zeros(2), g * turn, one, -g * turn @ bias, bias, np.zeros((2, 0)))
        growth = gradient_growth(cell, [1e-6, 0.0], 3000)
        np.testing.assert_allclose(growth.log_state, growth.lags * np.log(g), atol=1e-9)
        assert growth.rate == pytest.approx(np.log(g), abs=1e-12)
        assert growth.exponent == pytest.approx(np.log(g), abs=1e-12)
        assert growth.kind == kind
    slow = cells.ShPLRNN(np.zeros(2), 1.02 * turn, one, -1.02 * turn @ bias, bias, np.zeros((2, 0)))
    assert gradient_growth(slow, [1e-6, 0.0], 200).kind == "undecided"  # not to be taken for no growth


def test_long_chaos_stays_finite_and_grows_at_lambda_1():
    """1e5 steps of chaos, far beyond overflow; the rate is lambda_1 of the same steps and of another run."""
    growth = gradient_growth(chaotic(), steps=100_000, parameters="none", transient=200)
    assert np.isfinite(growth.log_state).all()
    assert growth.log_state[-1] > 5000
    assert len(growth.window_rates) >= 50
    assert abs(growth.rate - growth.exponent) < 20 / 100_000
    long_run = chaoskit.lyapunov_spectrum(chaotic(), steps=20_000, k=1, seed=5)
    apart = abs(growth.rate - long_run.exponents[0])
    assert apart < 5 * np.hypot(growth.rate_stderr, long_run.stderr[0])
    assert growth.neglected <= 1e-14


def test_parameter_gradients_grow_at_the_same_rate():
    """P6: (1/T) ln of dL_T/dtheta and lambda_1 of the same steps differ by c/T."""
    growth = gradient_growth(chaotic(), steps=2000, transient=200, parameters="loss")
    apart = np.abs(growth.log_loss - growth.exponent * growth.times)
    assert growth.log_loss[-1] > 200
    assert apart[-1] < 40
    assert growth.kind == "explodes"


@pytest.mark.parametrize("gain", [0.9, 2.5])
def test_long_passes_back_agree_with_the_forward_recursion(gain):
    """One stretch of several segments of activations, where gradients vanish and where they do not."""
    where = setting(chaotic(50, gain), np.ones(50), 3 * SEGMENT + 7)
    own = Parameters(where.cell, where.model)
    walk = Walk(where.model, where.start, where.inputs, [3 * SEGMENT + 7], 10**6)
    forward = Sensitivities(own)
    forward.go(walk[0])
    g = np.random.default_rng(0).standard_normal(50)
    total, power = Adjoint(own).gradient(walk, 0, g)
    wanted = g @ forward.packed
    scaled = np.ldexp(total, power - forward.exponent)
    np.testing.assert_allclose(scaled, wanted, atol=1e-10 * np.abs(wanted).max())


def test_what_was_let_go_is_not_lost_when_the_rest_is_wiped_out():
    """The strong direction is 1e14 times the other when its unit dies, or is forced; the other goes on."""
    inputs = np.zeros((200, 1))
    inputs[60] = -1e30
    cell = cells.ReLU(np.diag([2.0, 0.9]), np.array([[1.0], [0.0]]), np.array([0.1, 0.1]))
    growth = gradient_growth(cell, [0.5, 0.5], 200, inputs=inputs, parameters="none")
    assert growth.neglected == 1.0
    assert growth.kind != "cut"
    np.testing.assert_allclose(growth.log_state[-1], 200 * np.log(0.9), atol=1.0)

    cell = cells.Linear(np.diag([3.0, 0.95]), np.zeros((2, 0)), np.zeros(2))
    series = np.random.default_rng(0).standard_normal((401, 1))
    growth = gradient_growth(cell, None, 400, series=series, forcing=Sparse(50), parameters="none")
    np.testing.assert_allclose(growth.log_state[-1], 400 * np.log(0.95), atol=1.0)


def test_few_operations_let_directions_go_and_say_so():
    few = gradient_growth(chaotic(), steps=3000, parameters="none", max_flops=2e7)
    all_ = gradient_growth(chaotic(), steps=3000, parameters="none")
    assert few.neglected > 1e-14
    assert few.log_state[-1] == pytest.approx(all_.log_state[-1], abs=3.0)


def test_float32_is_taken_in_float64():
    cell = chaotic(n=10)
    single = type(cell)(*(a.astype(np.float32) for a in cell))
    double = type(cell)(*(a.astype(np.float64) for a in single))
    a, b = (gradient_growth(c, np.ones(10), 50) for c in (single, double))
    np.testing.assert_array_equal(a.log_parameters, b.log_parameters)


def fitted(cell, decoder, delays):
    """A trained model, without the training: observations of 2 columns and one input, z-scored."""
    nothing = {"loss": np.zeros(0)}
    return FitResult(
        cell, decoder, np.array([5.0, -2.0]), np.array([2.0, 0.5]), np.zeros((3, 2)), 0.1, 3, None, nothing,
        {}, 0, delays=delays, input_mean=np.array([1.0]), input_scale=np.array([4.0]),
    )  # fmt: skip


@pytest.mark.parametrize("delays", [Embedding(1, 1), Embedding(2, 2)], ids=["rows", "delay vectors"])
def test_fitted_models_take_data_in_their_own_units(delays):
    """Series, delay vectors, inputs and decoder are those of the model; the answer is that of its cell."""
    rng, T = np.random.default_rng(4), 12
    D = 2 * delays.dimension
    cell = small(cells.Tanh, rng, n=5, inputs=1)
    decoder = rng.standard_normal((D, 5))
    model = fitted(cell, decoder, delays)
    scored, u = rng.standard_normal((T + 1 + delays.span, 2)), rng.standard_normal((T + delays.span, 1))
    mine = gradient_growth(
        model, steps=T, series=scored * model.scale + model.mean, inputs=4 * u + 1, forcing=Sparse(4)
    )
    cut = u[delays.span :]
    wanted = gradient_growth(
        cell, steps=T, series=delays.vectors(scored), decoder=decoder, inputs=cut, forcing=Sparse(4)
    )
    np.testing.assert_allclose(mine.log_loss, wanted.log_loss, atol=1e-9)
    np.testing.assert_allclose(mine.log_parameters, wanted.log_parameters, atol=1e-9)
    with pytest.raises(InvalidInputError, match="2 columns as in training"):
        gradient_growth(model, steps=T, series=np.zeros((50, 3)), inputs=4 * u + 1)


def test_systems_have_states_only():
    growth = gradient_growth(Henon(), steps=2000, transient=100)
    assert growth.log_parameters is None
    assert growth.log_loss is None
    assert growth.kind == "explodes"
    assert growth.rate == pytest.approx(0.419, abs=0.04)
    product = chaoskit.jacobian_product(Lorenz63(), [1.0, 1.0, 20.0], 40)
    flow = gradient_growth(Lorenz63(), [1.0, 1.0, 20.0], 40)
    assert flow.log_state[-1] == pytest.approx(product.log_scale, abs=1e-10)


def test_cost_is_named():
    with pytest.raises(InvalidInputError, match=r'operations.*parameters="loss"'):
        gradient_growth(chaotic(), steps=1000, max_flops=1e6)
    with pytest.raises(InvalidInputError, match=r"dL_T/dtheta over 1000 steps takes"):
        gradient_growth(chaotic(), steps=1000, max_flops=1e6, parameters="loss")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps: expected"),
        ({"parameters": "some"}, "parameters: expected"),
        ({"forcing": Sparse(3)}, "series: forcing"),
        ({"decoder": np.eye(2, 10)}, "series: a decoder"),
        ({"series": np.zeros((5, 2))}, "at least steps"),
        ({"series": np.zeros((30, 11))}, "at most 10 columns"),
        ({"series": np.zeros((30, 2)), "transient": 3}, "transient: expected 0"),
        ({"x0": np.zeros(3)}, "x0: expected"),
        ({"inputs": np.zeros((20, 1))}, "inputs: expected"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        gradient_growth(chaotic(n=10), **{"steps": 20, **arguments})


def test_system_takes_no_data_and_divergence_is_reported():
    with pytest.raises(InvalidInputError, match="not trained here"):
        gradient_growth(Henon(), steps=20, series=np.zeros((30, 2)))
    with pytest.raises(DivergenceError):
        gradient_growth(Henon(), [50.0, 0.0], 100)
