"""Every way of forcing: its schedule, and gradients against differences of a plain run of it."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from chaoskit import forcing
from chaoskit.cells import GRU, LSTM, DendPLRNN, ShPLRNN, Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.training import loss_and_gradient

SCHEMES = {
    "sparse": forcing.Sparse(3),
    "generalized": forcing.Generalized(0.3),
    "replaced": forcing.Generalized(1.0),
    "free": forcing.Generalized(0.0),
    "windowed": forcing.Windowed(4),
    "truncated": forcing.Truncated(3),
    "never": forcing.Never(),
}


def plain_loss(cell, decoder, series, schedule, inputs, frozen=None):
    """(loss, states before each forcing) of one sequence; `frozen`: states to go on from at cuts."""
    P = np.linalg.pinv(decoder)
    n = len(P)
    z, errors, met = None, [], {}
    for t in range(len(series) - 1):
        slot = schedule.slot[t]
        if slot >= 0:
            source = 1.0 if schedule.source is None else schedule.source[slot]
            target = np.concatenate([P @ series[t] * source, np.zeros(cell.layout.state * n - n)])
            own = np.zeros_like(target) if z is None else z
            met[t] = own
            if frozen is not None:
                own = frozen[t]
            z = schedule.keep[slot] * own + (1 - schedule.keep[slot]) * target
        z = naive.step(cell, z, inputs[t])
        errors.append(series[t + 1] - decoder @ z[:n])
    return np.mean(np.square(errors)), met


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("cell_class", [Tanh, LSTM, GRU, ShPLRNN, DendPLRNN], ids=lambda c: c.__name__)
def test_loss_and_gradients(cell_class, scheme):
    rng = np.random.default_rng(3)
    options = {"n_hidden": 5} if cell_class is ShPLRNN else {}
    cell = naive.perturbed(cell_class.init(4, 1, rng=rng, **options), rng, 0.1, 0.8)
    decoder = rng.standard_normal((2, 4))
    series, inputs = rng.standard_normal((12, 2)), rng.standard_normal((11, 1))
    schedule = SCHEMES[scheme].schedule(11)
    loss, gradient, decoder_gradient = loss_and_gradient(
        cell, decoder, series, forcing=SCHEMES[scheme], inputs=inputs
    )
    value, met = plain_loss(cell, decoder, series, schedule, inputs)
    frozen = met if scheme == "truncated" else None  # a cut holds the state, whatever the schedule says
    assert loss == pytest.approx(value, rel=1e-12)
    parts = [*cell, decoder]
    scale = max(np.abs(a).max() for a in (*gradient, decoder_gradient))
    for k, (value, found) in enumerate(zip(parts, [*gradient, decoder_gradient], strict=True)):
        for at in np.ndindex(value.shape):
            sides = []
            for h in (2e-6, -2e-6):
                moved = [a.copy() for a in parts]
                moved[k][at] += h
                sides.append(
                    plain_loss(type(cell)(*moved[:-1]), moved[-1], series, schedule, inputs, frozen)[0]
                )
            assert found[at] == pytest.approx((sides[0] - sides[1]) / 4e-6, abs=1e-7 * scale)


def test_generalized_forcing_shrinks_the_chain():
    """P10: from an input to a late error the gradient falls by 1 - alpha for each step in between."""
    cell = Tanh.init(3, 1, rng=0)
    cell = cell._replace(U=np.zeros_like(cell.U), b=np.zeros_like(cell.b))
    T = 6
    series, inputs = np.zeros((T + 1, 3)), np.zeros((T, 1))
    inputs[0], series[T] = 1.0, 1.0  # drives the first step only; the error is at the end only

    def gradient(alpha):
        return loss_and_gradient(cell, np.eye(3), series, forcing=forcing.Generalized(alpha), inputs=inputs)[
            1
        ].U

    for alpha in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(gradient(alpha), (1 - alpha) ** (T - 1) * gradient(0.0), rtol=1e-12)
    assert (gradient(1.0) == 0.0).all()


def test_what_changes_in_training():
    rng = np.random.default_rng(0)
    drawn = {forcing.Sparse(10, jitter=3).at(0.5, rng).tau for _ in range(300)}
    assert drawn == set(range(7, 14))
    assert forcing.Sparse(10, jitter=3).densest() == forcing.Sparse(7)
    assert forcing.Sparse(5).at(0.2, rng) == forcing.Sparse(5)
    annealed = forcing.Annealed(1, 50)
    taus = [annealed.at(p, rng).tau for p in np.linspace(0, 1, 11)]
    assert taus[0] == 1
    assert taus[-1] == 50
    assert taus == sorted(taus)
    assert forcing.Annealed(20, 4).densest() == forcing.Sparse(4)
    assert forcing.Annealed(20, 4).tau == 20


def test_alpha_follows_the_estimates():
    adaptive = forcing.AdaptiveGeneralized(decay=0.9)
    assert adaptive.follow(0.2, 2.0) == 0.5  # up at once
    assert adaptive.follow(0.8, 2.0) == pytest.approx(0.9 * 0.8 + 0.1 * 0.5)  # down slowly
    assert adaptive.follow(0.8, 0.5) == pytest.approx(0.72)  # contracting: towards none
    assert adaptive.follow(0.8, 0.0) == pytest.approx(0.72)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: forcing.Sparse(3, jitter=3), "jitter: expected less than tau=3"),
        (lambda: forcing.Sparse(3, jitter=-1), "jitter"),
        (lambda: forcing.Annealed(0, 3), "start"),
        (lambda: forcing.Generalized(1.5), "alpha: expected a number from 0 to 1, got 1.5"),
        (lambda: forcing.Generalized("x"), "alpha"),
        (lambda: forcing.AdaptiveGeneralized("norm"), "estimator: expected one of"),
        (lambda: forcing.AdaptiveGeneralized(decay=2), "decay"),
        (lambda: forcing.Windowed(0), "tau"),
        (lambda: forcing.Truncated(1.5), "tau"),
    ],
)
def test_bad_values(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()
