"""Loss and gradients of forced sequences against the oracle and its central differences."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from chaoskit.cells import (
    ALL_CELLS,
    GRU,
    LSTM,
    PLRNN,
    Antisymmetric,
    DiagonalLinear,
    Linear,
    ShPLRNN,
    Tanh,
    protocol,
)
from chaoskit.errors import InvalidInputError
from chaoskit.forcing import Never, Schedule, Sparse
from chaoskit.training import loss_and_gradient

cells = pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)


def draw(cell_class, seed, *, n=6, m=2, T=30, batch=2, D=3, tau=7):
    """A cell, a decoder, data and inputs whose pre-activations all stay 1e-4 away from a kink."""
    rng = np.random.default_rng(seed)
    options = {"n_hidden": 8} if cell_class is ShPLRNN else {}
    for _ in range(50):
        cell = cell_class.init(n, m, rng=rng, **options)
        cell = naive.perturbed(cell, rng, 0.05, 0.9)
        B = np.linalg.qr(rng.standard_normal((n, D)))[0].T + 0.2 * rng.standard_normal((D, n))
        X, U = rng.standard_normal((batch, T + 1, D)), rng.standard_normal((batch, T, m)) if m else None
        loss, distance = naive.forced_loss(cell, B, X, tau, U)
        smooth = cell_class in (Tanh, LSTM, GRU, Antisymmetric, Linear, DiagonalLinear)
        if np.isfinite(loss) and (smooth or distance > 1e-4):
            return cell, B, X, U
    raise AssertionError("no draw without a kink")


def central_differences(f, value, h):
    """Derivative of the scalar f at the array `value`."""
    out = np.empty_like(value)
    for at in np.ndindex(value.shape):
        high, low = value.copy(), value.copy()
        high[at] += h
        low[at] -= h
        out[at] = (f(high) - f(low)) / (2 * h)
    return out


def oracle_gradients(cell, B, X, U, tau, h=2e-6):
    """The oracle's loss differentiated by every entry of the cell and of the decoder."""
    parts = []
    for k, value in enumerate(cell):
        if cell._fields[k] in protocol.fixed_fields(cell):
            parts.append(np.zeros_like(value))
            continue
        parts.append(
            central_differences(
                lambda a, k=k: naive.forced_loss(type(cell)(*cell[:k], a, *cell[k + 1 :]), B, X, tau, U)[0],
                value,
                h,
            )
        )
    parts.append(central_differences(lambda a: naive.forced_loss(cell, a, X, tau, U)[0], B, h))
    return parts


def relative_error(parts, others):
    size = max(np.abs(a).max(initial=0) for a in others)
    return max(np.abs(a - b).max(initial=0) for a, b in zip(parts, others, strict=True)) / size


@cells
def test_gradients_with_forcing_and_inputs(cell_class, measured):
    size = {"n": 4, "D": 2, "T": 20, "tau": 5}
    cell, B, X, U = draw(cell_class, 3, **size)
    loss, gradient, decoder_gradient = loss_and_gradient(cell, B, X, forcing=Sparse(5), inputs=U)
    assert type(gradient) is cell_class
    assert loss == pytest.approx(naive.forced_loss(cell, B, X, 5, U)[0], rel=1e-13)
    error = relative_error([*gradient, decoder_gradient], oracle_gradients(cell, B, X, U, 5))
    measured("gradient_error", f"{error:.1e}")
    assert error <= 1e-7


@cells
@pytest.mark.parametrize("tau", [1, 2, 3, 10, None], ids=lambda t: f"tau={t}")
def test_loss_is_that_of_the_oracle(cell_class, tau):
    forcing = Never() if tau is None else Sparse(tau)
    for m, D, batch, T in ((0, 6, 1, 10), (1, 2, 3, 11), (9, 1, 2, 1)):
        cell, B, X, U = draw(cell_class, 7, m=m, D=D, batch=batch, T=T, tau=tau)
        got = loss_and_gradient(cell, B, X, forcing=forcing, inputs=U)[0]
        assert got == pytest.approx(naive.forced_loss(cell, B, X, tau, U)[0], rel=1e-12)


@pytest.mark.parametrize("cell_class", [PLRNN, LSTM], ids=lambda c: c.__name__)
def test_gradients_without_forcing_and_inputs(cell_class):
    cell, B, X, _ = draw(cell_class, 5, n=3, m=0, T=12, D=2, tau=None)
    _, gradient, decoder_gradient = loss_and_gradient(cell, B, X, forcing=Never())
    assert relative_error([*gradient, decoder_gradient], oracle_gradients(cell, B, X, None, None)) <= 1e-7


def test_the_decoder_gradient_flows_through_its_inverse():
    cell, B, X, U = draw(Tanh, 11, n=4, D=2, T=9, tau=3)
    _, _, whole = loss_and_gradient(cell, B, X, forcing=Sparse(3), inputs=U)
    P = np.linalg.pinv(B)
    kept = _decoder_gradient_with_fixed_inverse(cell, B, P, X, U, 3)
    true = central_differences(lambda a: naive.forced_loss(cell, a, X, 3, U)[0], B, 2e-6)
    assert np.abs(whole - true).max() <= 1e-7 * np.abs(true).max()
    assert np.abs(kept - true).max() > 1e-2 * np.abs(true).max()  # the part through pinv(B) matters


def _decoder_gradient_with_fixed_inverse(cell, B, P, X, U, tau):
    def loss(readout):
        total = []
        for x, u in zip(X, U, strict=True):
            z = P @ x[0]
            for t in range(1, len(x)):
                z = naive.step(cell, z, u[t - 1])
                total.append(np.mean((x[t] - readout @ z) ** 2))
                z = P @ x[t] if t % tau == 0 else z
        return np.mean(total)

    return central_differences(loss, B, 2e-6)


@cells
def test_a_batch_is_the_mean_of_its_sequences(cell_class):
    cell, B, X, U = draw(cell_class, 2, T=12, batch=3, tau=4)
    whole = loss_and_gradient(cell, B, X, forcing=Sparse(4), inputs=U)
    single = [loss_and_gradient(cell, B, X[i], forcing=Sparse(4), inputs=U[i]) for i in range(3)]
    assert whole[0] == pytest.approx(np.mean([s[0] for s in single]), rel=1e-12)
    for k in range(len(cell)):
        np.testing.assert_allclose(
            whole[1][k], np.mean([s[1][k] for s in single], axis=0), rtol=1e-9, atol=1e-12
        )
    np.testing.assert_allclose(whole[2], np.mean([s[2] for s in single], axis=0), rtol=1e-9, atol=1e-12)


def test_gradient_does_not_depend_on_earlier_calls():
    """The memory of the adjoint is used again; what a call returns must not change with the next one."""
    cell, B, X, U = draw(Tanh, 4, T=10, tau=5)
    first = loss_and_gradient(cell, B, X, forcing=Sparse(5), inputs=U)
    kept = [a.copy() for a in first[1]]
    loss_and_gradient(cell, B, 2 * X, forcing=Sparse(5), inputs=U)
    assert all((a == b).all() for a, b in zip(first[1], kept, strict=True))


# ---- P9: nothing flows across a forcing that replaces the whole state
class _OnlyLater:
    """Forced at 0 and at `at`, so that a sequence of zeros up to there can be told from the rest."""

    def __init__(self, at, keep=0.0):
        self.at, self.keep = at, keep

    def schedule(self, length):
        slot = np.full(length, -1, np.int64)
        slot[0], slot[self.at] = 0, 1
        return Schedule(slot, np.array([0.0, self.keep]))


@cells
@pytest.mark.parametrize("at", [1, 4])
def test_no_gradient_across_a_forcing(cell_class, at):
    """The gradient is the sum of those of the pieces: no later error reaches an earlier step."""
    T = 9
    cell, B, X, U = draw(cell_class, 8, T=T, batch=1, tau=at)
    whole = loss_and_gradient(cell, B, X[0], forcing=_OnlyLater(at), inputs=U[0])
    first = loss_and_gradient(cell, B, X[0, : at + 1], forcing=Never(), inputs=U[0, :at])
    rest = loss_and_gradient(cell, B, X[0, at:], forcing=Never(), inputs=U[0, at:])
    assert whole[0] * T == pytest.approx(first[0] * at + rest[0] * (T - at), rel=1e-12)
    for a, b, c in zip([*whole[1], whole[2]], [*first[1], first[2]], [*rest[1], rest[2]], strict=True):
        np.testing.assert_allclose(T * a, at * b + (T - at) * c, rtol=1e-9, atol=1e-11)


@cells
def test_late_errors_do_not_reach_early_inputs(cell_class):
    """Inputs act before the forcing, errors come after it: the gradient of their weights is 0."""
    T, at = 9, 4
    cell, B, X, U = draw(cell_class, 6, T=T, batch=1, tau=at)
    U[:, at:] = 0.0
    z = naive.orbit(cell, _start(cell, B, X[0, 0]), at, U[0])
    X[0, 1 : at + 1] = z[1:, : B.shape[1]] @ B.T
    forced = loss_and_gradient(cell, B, X, forcing=_OnlyLater(at), inputs=U)[1]
    free = loss_and_gradient(cell, B, X, forcing=Never(), inputs=U)[1]
    name = "U" if hasattr(cell, "U") else "C"
    assert np.abs(getattr(forced, name)).max() < 1e-13  # what is left is the round-off of the early errors
    assert np.abs(getattr(free, name)).max() > 1e-6


def _start(cell, B, x):
    h = np.linalg.pinv(B) @ x
    return np.concatenate([h, np.zeros_like(h)]) if type(cell) is LSTM else h


@pytest.mark.parametrize("cell_class", [Tanh, LSTM], ids=lambda c: c.__name__)
def test_exactly_zero_through_the_kernel(cell_class):
    """At rest all early errors are 0.0; later ones reach back only where nothing is forced."""
    cell = cell_class.init(3, 1, rng=0)
    cell = cell._replace(U=np.zeros_like(cell.U), b=np.zeros_like(cell.b))
    X, U = np.zeros((7, 3)), np.zeros((6, 1))
    X[4:] = 1.0
    U[1] = 1.0  # drives the step from 1 to 2, before the forcing at 3
    forced = loss_and_gradient(cell, np.eye(3), X, forcing=Sparse(3), inputs=U)[1]
    free = loss_and_gradient(cell, np.eye(3), X, forcing=Never(), inputs=U)[1]
    assert (forced.U == 0.0).all()
    assert np.abs(free.U).max() > 1e-4


def test_partial_forcing_mixes_state_and_data():
    """A schedule that keeps part of the state: z = keep z + (1 - keep) pinv(B) x."""
    keep, at, T = 0.3, 4, 9
    cell, B, X, U = draw(Tanh, 9, T=T, batch=1, n=4, D=2, tau=at)

    def loss(W):
        one, P, total = cell._replace(W=W), np.linalg.pinv(B), []
        z = P @ X[0, 0]
        for t in range(1, T + 1):
            z = naive.step(one, z, U[0, t - 1])
            total.append(np.mean((X[0, t] - B @ z) ** 2))
            if t == at:
                z = keep * z + (1 - keep) * P @ X[0, t]
        return np.mean(total)

    got = loss_and_gradient(cell, B, X, forcing=_OnlyLater(at, keep), inputs=U)
    assert got[0] == pytest.approx(loss(cell.W), rel=1e-12)
    true = central_differences(loss, cell.W, 2e-6)
    assert np.abs(got[1].W - true).max() <= 1e-7 * np.abs(true).max()


def test_float32_stays_float32():
    cell, B, X, U = draw(Tanh, 1, T=10, tau=5)
    single = Tanh(*(a.astype(np.float32) for a in cell))
    low = loss_and_gradient(single, B, X, forcing=Sparse(5), inputs=U)
    high = loss_and_gradient(cell, B, X, forcing=Sparse(5), inputs=U)
    assert all(a.dtype == np.float32 for a in [*low[1], low[2]])
    assert relative_error([*low[1], low[2]], [*high[1], high[2]]) < 1e-4


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"cell": 3}, "cell: expected an instance"),
        ({"cell": Tanh}, "cell: expected an instance"),
        ({"decoder": np.eye(2)}, r"decoder: expected shape \(D, 3\)"),
        ({"decoder": np.ones((2, 3))}, "full row rank"),
        ({"decoder": np.zeros((1, 3))}, "full row rank"),
        ({"decoder": np.zeros((0, 3))}, "decoder"),
        ({"decoder": np.ones((4, 3))}, "decoder"),
        ({"series": np.zeros((5, 2))}, "series: expected shape"),
        ({"series": np.zeros((1, 3))}, "series: expected shape"),
        ({"series": np.full((5, 3), np.inf)}, "finite"),
        ({"series": np.zeros(5)}, "series"),
        ({"series": np.zeros((0, 5, 3))}, "series"),
        ({"inputs": np.zeros((4, 2))}, "inputs: expected shape"),
        ({"inputs": np.zeros((3, 1))}, "inputs: expected shape"),
        ({"inputs": None}, "inputs: expected shape"),
        ({"inputs": np.full((4, 1), np.nan)}, "inputs: expected finite"),
        ({"forcing": "auto"}, "forcing: expected an object"),
        ({"forcing": 3}, "forcing: expected an object"),
    ],
)
def test_bad_arguments_give_one_clear_error(change, text):
    good = {
        "cell": Tanh.init(3, 1, rng=0), "decoder": np.eye(3), "series": np.zeros((5, 3)),
        "forcing": Sparse(2), "inputs": np.zeros((4, 1)),
    }  # fmt: skip
    arguments = good | change
    cell, decoder, series = (arguments.pop(name) for name in ("cell", "decoder", "series"))
    with pytest.raises(InvalidInputError, match=text):
        loss_and_gradient(cell, decoder, series, **arguments)


@pytest.mark.parametrize("tau", [0, -1, 2.5, "three", None, np.nan, np.array([1, 2]), True])
def test_a_forcing_interval_is_a_whole_number(tau):
    with pytest.raises(InvalidInputError, match="tau"):
        Sparse(tau)


def test_a_float32_decoder_that_is_nearly_singular_is_refused():
    cell = Tanh.init(2, rng=0, dtype=np.float32)
    B = np.array([[1, 0], [1, 1e-5]], np.float32)
    with pytest.raises(InvalidInputError, match="rank"):
        loss_and_gradient(cell, B, np.zeros((4, 2), np.float32), forcing=Sparse(2))
