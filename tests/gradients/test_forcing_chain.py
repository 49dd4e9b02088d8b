"""What forcing does to the chain of Jacobians: P9 (nothing passes) and P10 (every step shrinks it).

Where one error dwarfs all others, the gradient of a forced state is a row of dz_t/dz_r, so the products of a
run are read off exactly, none of them hidden in a sum over errors.
"""

from __future__ import annotations

import naive
import numpy as np
import pytest

from chaoskit.cells import ALL_CELLS, GRU, LSTM, Linear, ReLU, ShPLRNN, Tanh
from chaoskit.forcing import Generalized, Schedule, Sparse
from chaoskit.gradients.latent import DecoderInversion, widths
from chaoskit.kernels import packing, pieces
from chaoskit.kernels.adjoint_memory import Batch, adjoint_work, room
from chaoskit.kernels.cpu_adjoint import backpropagate
from chaoskit.training import ObservedStates, loss_and_gradient

cells = pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)
N = 4
HUGE = 2.0**200


class Given:
    """Forced before every step, with a share of the state that is given for each."""

    def __init__(self, keep):
        self.keep = np.asarray(keep, float)

    def schedule(self, length):
        return Schedule(np.arange(length), self.keep)


def draw(cell_class, T, D, seed=0):
    """A cell whose products of Jacobians do not vanish, and data for them."""
    rng = np.random.default_rng(seed)
    cell = cell_class.init(N, rng=rng, **({"n_hidden": 7} if cell_class is ShPLRNN else {}))
    cell = naive.perturbed(cell, rng, 0.1)
    if cell_class is ReLU:  # no unit dies: a product that is 0 anyway shows nothing
        cell = cell._replace(b=cell.b + 2.0)
    return cell, rng.standard_normal((T, D))


def latent_state(kind, D, cell, seed=1):
    rng = np.random.default_rng(seed)
    nx = N * type(cell).layout.state
    shape = (D, N) if kind is DecoderInversion else (nx - D, D)
    return kind(rng.standard_normal(shape))


def chain(cell, latent, forcing, data):
    """(derivatives of the last prediction by the data in each forced state, states that steps start from).

    The steps start at times 0 .. T - 1; `data` (T, D) is what forcing draws to. The derivatives, shape
    (slots, D, nx), are those by the forced states times 1 - keep, and 0 for states that are not forced.
    """
    T, D = data.shape
    schedule = forcing.schedule(T)
    slots, tag, packed = len(schedule.keep), packing.tag(cell), packing.pack(cell)
    n, nx = packed.sizes.n, packed.sizes.nx
    # the gradient of the encoder has a row for each forced state: an entry of 1 that the encoder does not see
    wide = D + slots
    decoder, encoder, observed = np.zeros((wide, n)), np.zeros((wide, nx)), np.zeros((slots, wide))
    decoder[:D], encoder[:D] = latent.readout(n), latent.encoder(nx).T
    observed[:, :D], observed[:, D:] = data[schedule.times], np.eye(slots)
    width = widths(latent, schedule, nx)
    plan = pieces.plan(schedule.slot, width, schedule.keep, schedule.keep, nx, 1, T)
    work = adjoint_work(tag, packed, wide, room(plan, 1))

    def by_forced_states(last):
        X = np.zeros((T + 1, wide))
        X[T, :D] = last
        flat = X.reshape(-1), observed.reshape(-1), np.zeros(0), decoder.reshape(-1), encoder.reshape(-1)
        backpropagate(tag, packed, work, Batch(*flat, 1, wide, 0, 1), plan, 1.0)
        return work.GM.reshape(wide, nx)[D:].copy()

    # beside an error of 2^200 all others vanish, and what it does not reach is the same bits without it
    rest = by_forced_states(np.zeros(D))
    found = np.stack([by_forced_states(-HUGE * row) - rest for row in np.eye(D)], axis=1) / HUGE
    return found, states_along(cell, latent, schedule, width, data)


def states_along(cell, latent, schedule, width, data):
    """States (T, nx) that the steps start from, by the oracle."""
    M = naive.latent_maps(latent, type(cell).layout.state)[1]
    z, states = np.zeros(len(M)), []
    for k, x in zip(schedule.slot, data, strict=True):
        if k >= 0:
            keep, touched = schedule.keep[k], np.arange(len(M)) < width[k]
            z = np.where(touched, keep * z + (1.0 - keep) * (M @ x), z)
        states.append(z)
        z = naive.step(cell, z)
    return np.array(states)


def shares(latent, forcing, T, nx):
    """(T, nx): how much of each number of its state a step takes from the step before."""
    passed = np.ones((T, nx))
    schedule = forcing.schedule(T)
    width = latent.initial_map.shape[1] if isinstance(latent, ObservedStates) else nx
    passed[schedule.times, :width] = schedule.keep[:, None]
    passed[0] = 0.0
    return passed


def expected(cell, latent, states, passed):
    """What `chain` finds, for all times, from products of the oracle's Jacobians and of shares (I - P)."""
    B = naive.latent_maps(latent, type(cell).layout.state)[0]
    M = np.zeros((len(B), states.shape[1]))
    M[:, : B.shape[1]] = B
    found = []
    for z, share in zip(states[::-1], passed[::-1], strict=True):
        M = M @ naive.jacobian(cell, z)
        found.append(M * (1.0 - share))
        M = M * share
    return np.array(found[::-1])


def assert_equal_to_round_off(found, true):
    for a, b in zip(found, true, strict=True):
        assert np.abs(a - b).max() <= 1e-12 * np.abs(b).max()


# ---- P9: nothing passes a state that is replaced
WHOLE = [
    pytest.param(c, kind, D, id=f"{c.__name__}-{kind.__name__}-{D}")
    for c in ALL_CELLS
    for kind, D in ((DecoderInversion, 2), (DecoderInversion, N), (ObservedStates, N))
    if kind is DecoderInversion or c.layout.state == 1  # the c of an LSTM is never observed
]


@pytest.mark.parametrize(("cell_class", "kind", "D"), WHOLE)
def test_nothing_passes_where_the_whole_state_is_replaced(cell_class, kind, D):
    T, at = 7, 3
    cell, data = draw(cell_class, T, D)
    forcing = Given([0.0, 0.5, 0.5, 0.0, 0.5, 0.5, 0.5])
    latent = latent_state(kind, D, cell)
    found, states = chain(cell, latent, forcing, data)
    assert (found[:at] == 0.0).all()  # dz_T/dz_r, r before the forcing
    assert (np.abs(found[at:]).max(axis=(1, 2)) > 1e-4).all()
    true = expected(cell, latent, states, shares(latent, forcing, T, states.shape[1]))
    assert_equal_to_round_off(found[at:], true[at:])


@cells
@pytest.mark.parametrize("D", [1, 2, 3])
def test_observed_states_pass_what_is_not_observed(cell_class, D):
    """The chain is J (I - P) at each forcing, P the projector on the D observed states."""
    T = 8
    cell, data = draw(cell_class, T, D)
    forcing, latent = Sparse(3), latent_state(ObservedStates, D, cell)
    found, states = chain(cell, latent, forcing, data)
    passed = shares(latent, forcing, T, states.shape[1])
    np.testing.assert_array_equal(passed[3], [0.0] * D + [1.0] * (states.shape[1] - D))
    true = expected(cell, latent, states, passed)[::3]
    assert_equal_to_round_off(found, true)
    assert (found[1:, :, D:] == 0.0).all()  # no data are in the others


@pytest.mark.parametrize("D", [1, 2, 3])
def test_the_columns_of_observed_states_are_exactly_zero(D):
    """In whole numbers nothing is rounded: dz_T/dz_0 = W^(T - at) (I - P) W^at, times W^-at."""
    T, at = 6, 2
    W = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [0, 0, 1, 1], [1, 1, 0, 2]])  # determinant 1
    inverse = np.rint(np.linalg.inv(W)).astype(int)
    np.testing.assert_array_equal(W @ inverse, np.eye(N))
    cell = Linear(W.astype(float), np.zeros((N, 0)), np.zeros(N))
    latent = ObservedStates(np.ones((N - D, D)))
    keep = np.where(np.arange(T) % at == 0, 0.0, 1.0)
    keep[2 * at :] = 1.0  # once, in the middle
    found = chain(cell, latent, Given(keep), np.ones((T, D)))[0]
    before_forcing = found[0] @ np.linalg.matrix_power(inverse, at)
    true = np.linalg.matrix_power(W, T - at)[:D]
    np.testing.assert_array_equal(before_forcing[:, :D], 0.0)
    np.testing.assert_array_equal(before_forcing[:, D:], true[:, D:])
    assert true[:, :D].any()


# ---- P10: generalized forcing multiplies the chain
@cells
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("D", [1, 3, N])
@pytest.mark.parametrize("kind", [DecoderInversion, ObservedStates], ids=["decoder", "observed"])
def test_generalized_forcing_is_a_product(cell_class, kind, D, alpha):
    """J_t (I - alpha P), with P = I where a decoder is inverted."""
    T = 8
    cell, data = draw(cell_class, T, D)
    latent, forcing = latent_state(kind, D, cell), Generalized(alpha)
    found, states = chain(cell, latent, forcing, data)
    nx = states.shape[1]
    factor = 1.0 - alpha * (np.arange(nx) < (D if kind is ObservedStates else nx))
    passed = np.concatenate([np.zeros((1, nx)), np.tile(factor, (T - 1, 1))])
    assert_equal_to_round_off(found, expected(cell, latent, states, passed))


@cells
@pytest.mark.parametrize("D", [2, N])
def test_generalized_forcing_shrinks_the_logarithm_of_the_norm(cell_class, D):
    """ln ||forced product|| = n ln(1 - alpha) + ln ||product along the same orbit||."""
    T, alpha = 40, 0.35
    cell, data = draw(cell_class, T, D)
    latent = latent_state(DecoderInversion, D, cell)
    found, states = chain(cell, latent, Generalized(alpha), data)
    passed = np.ones_like(states)
    passed[0] = 0.0
    free = expected(cell, latent, states, passed)[0]
    shrunk = np.log(np.linalg.norm(found[0], 2)) - np.log(np.linalg.norm(free, 2))
    assert shrunk == pytest.approx((T - 1) * np.log(1.0 - alpha), rel=0, abs=1e-12)


@pytest.mark.parametrize("D", [2, 3])
@pytest.mark.parametrize("cell_class", [Tanh, LSTM, GRU], ids=lambda c: c.__name__)
def test_generalized_forcing_shrinks_the_gradient(cell_class, D):
    """The same through the loss: from an input to a late error the gradient falls by 1 - alpha a step."""
    cell = cell_class.init(3, 1, rng=0)
    cell = cell._replace(U=np.zeros_like(cell.U), b=np.zeros_like(cell.b))
    T = 6
    series, inputs = np.zeros((T + 1, D)), np.zeros((T, 1))
    inputs[0], series[T] = 1.0, 1.0  # drives the first step only; the error is at the end only

    def gradient(alpha):
        return loss_and_gradient(cell, np.eye(D, 3), series, forcing=Generalized(alpha), inputs=inputs)[1].U

    for alpha in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(gradient(alpha), (1 - alpha) ** (T - 1) * gradient(0.0), rtol=1e-12)
    assert np.abs(gradient(0.0)).max() > 1e-6
    assert (gradient(1.0) == 0.0).all()
