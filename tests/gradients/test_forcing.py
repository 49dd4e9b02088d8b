"""Every way of forcing: its schedule, and gradients against differences of a plain run of it."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from chaoskit import forcing
from chaoskit.cells import (
    ALL_CELLS,
    GRU,
    LSTM,
    Antisymmetric,
    DiagonalLinear,
    Linear,
    ShPLRNN,
    Tanh,
    protocol,
)
from chaoskit.errors import InvalidInputError
from chaoskit.gradients.backpropagation import Backpropagation
from chaoskit.gradients.latent import DecoderInversion
from chaoskit.training import ObservedStates, loss_and_gradient

RNG = np.random.default_rng(5)
SCHEMES = {
    "sparse": forcing.Sparse(3),
    "jittered": forcing.Sparse(4, jitter=3).at(0.5, RNG),
    "annealed": forcing.Annealed(1, 4).at(0.5, RNG),
    "generalized": forcing.Generalized(0.3),
    "replaced": forcing.Generalized(1.0),
    "free": forcing.Generalized(0.0),
    "adaptive": forcing.AdaptiveGeneralized(start=0.6),
    "windowed": forcing.Windowed(4),
    "truncated": forcing.Truncated(3),
    "never": forcing.Never(),
}
SMOOTH = (Tanh, LSTM, GRU, Antisymmetric, Linear, DiagonalLinear)
T = 11

cells = pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)
schemes = pytest.mark.parametrize("scheme", SCHEMES)
latents = pytest.mark.parametrize("kind", [DecoderInversion, ObservedStates], ids=["decoder", "observed"])


def draw(cell_class, kind, scheme, *, n=4, D=2, noise=None):
    """A cell, a latent state, data and inputs whose pre-activations all stay 1e-4 away from a kink."""
    rng = np.random.default_rng(3)
    options = {"n_hidden": 5} if cell_class is ShPLRNN else {}
    for _ in range(50):
        cell = naive.perturbed(cell_class.init(n, 1, rng=rng, **options), rng, 0.1, 0.8)
        shape = (D, n) if kind is DecoderInversion else (n * cell_class.layout.state - D, D)
        latent = kind(rng.standard_normal(shape))
        series, inputs = rng.standard_normal((T + 1, D)), rng.standard_normal((T, 1))
        states = naive.scheduled_run(cell, latent, series, scheme, inputs, noise=noise)[1]
        apart = np.concatenate(
            [naive.pre_activations(cell, z, u) for z, u in zip(states, inputs, strict=True)]
        )
        # exactly 0 is a state that was set to 0: it stays there, and no derivative is taken across the kink
        near = np.abs(apart[apart != 0.0]).min()
        if np.isfinite(states).all() and (cell_class in SMOOTH or near > 1e-4):
            return cell, latent, series, inputs
    raise AssertionError("no draw without a kink")


def differences(cell, latent, series, inputs, scheme, noise=None, h=2e-6):
    """The oracle's loss differentiated by all that is trained, in the order of cell and latent state."""
    # a cut holds the state, whatever the parameters do to it
    frozen = naive.scheduled_run(cell, latent, series, scheme, inputs, noise=noise)[1]
    parts, found = [*cell, *latent], []
    for k, value in enumerate(parts):
        out = np.zeros_like(value)
        fixed = k < len(cell) and cell._fields[k] in protocol.fixed_fields(cell)
        for at in () if fixed else np.ndindex(value.shape):
            sides = []
            for step in (h, -h):
                moved = value.copy()
                moved[at] += step
                all_parts = [*parts[:k], moved, *parts[k + 1 :]]
                one, start = type(cell)(*all_parts[:-1]), type(latent)(all_parts[-1])
                sides.append(
                    naive.scheduled_run(one, start, series, scheme, inputs, frozen=frozen, noise=noise)[0]
                )
            out[at] = (sides[0] - sides[1]) / (2 * h)
        found.append(out)
    return found


def relative_error(parts, others):
    size = max(np.abs(a).max(initial=0.0) for a in others)
    return max(np.abs(a - b).max(initial=0.0) for a, b in zip(parts, others, strict=True)) / size


@latents
@schemes
@cells
def test_loss_and_gradients(cell_class, scheme, kind, measured):
    way = SCHEMES[scheme]
    cell, latent, series, inputs = draw(cell_class, kind, way)
    loss, gradient, latent_gradient = loss_and_gradient(cell, latent, series, forcing=way, inputs=inputs)
    assert loss == pytest.approx(naive.scheduled_run(cell, latent, series, way, inputs)[0], rel=1e-12)
    of_latent = latent_gradient if kind is ObservedStates else (latent_gradient,)
    error = relative_error([*gradient, *of_latent], differences(cell, latent, series, inputs, way))
    measured("difference_error", f"{error:.1e}")
    assert error <= 1e-7


@latents
@pytest.mark.parametrize("D", [1, 4])
@pytest.mark.parametrize("cell_class", [Tanh, LSTM], ids=lambda c: c.__name__)
def test_one_observation_and_one_for_every_unit(cell_class, D, kind):
    """With D = n all states of a Tanh are observed, and the c of an LSTM alone is not."""
    way = SCHEMES["generalized"]
    cell, latent, series, inputs = draw(cell_class, kind, way, D=D)
    found = loss_and_gradient(cell, latent, series, forcing=way, inputs=inputs)
    of_latent = found[2] if kind is ObservedStates else (found[2],)
    true = differences(cell, latent, series, inputs, way)
    assert relative_error([*found[1], *of_latent], true) <= 1e-7


@latents
@pytest.mark.parametrize("scheme", ["sparse", "generalized", "windowed"])
def test_noise_on_the_forced_data(scheme, kind):
    """Data with noise set the state, data without it are what is predicted."""
    way = SCHEMES[scheme]
    schedule = way.schedule(T)
    noise = np.zeros((T, 2))
    noise[schedule.times] = np.random.default_rng(8).standard_normal((len(schedule.times), 2))
    cell, latent, series, inputs = draw(Tanh, kind, way, noise=noise)
    run = Backpropagation(cell, latent, T, 1)
    loss, gradient, latent_gradient = run(
        cell, latent, series[:, None], schedule, inputs[:, None], noise[schedule.times][:, None]
    )
    true = differences(cell, latent, series, inputs, way, noise)
    assert loss == pytest.approx(
        naive.scheduled_run(cell, latent, series, way, inputs, noise=noise)[0], rel=1e-12
    )
    assert relative_error([*gradient, *latent_gradient], true) <= 1e-7


@latents
def test_one_memory_serves_every_schedule(kind):
    """A run leaves nothing behind: no slots, no gradients of states that the next one does not set."""
    cell, latent, series, inputs = draw(LSTM, kind, SCHEMES["free"])
    run = Backpropagation(cell, latent, T, 1)
    for name in ("replaced", "windowed", "sparse", "truncated", "generalized", "windowed", "never"):
        schedule = SCHEMES[name].schedule(T)
        again = run(cell, latent, series[:, None], schedule, inputs[:, None])
        fresh = Backpropagation(cell, latent, T, 1)(cell, latent, series[:, None], schedule, inputs[:, None])
        assert again[0] == fresh[0]
        for a, b in zip([*again[1], *again[2]], [*fresh[1], *fresh[2]], strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_changes_in_training():
    rng = np.random.default_rng(0)
    drawn = {forcing.Sparse(10, jitter=3).at(0.5, rng).tau for _ in range(300)}
    assert drawn == set(range(7, 14))
    assert forcing.Sparse(5).at(0.2, rng) == forcing.Sparse(5)
    annealed = forcing.Annealed(1, 50)
    taus = [annealed.at(p, rng).tau for p in np.linspace(0, 1, 11)]
    assert taus[0] == 1
    assert taus[-1] == 50
    assert taus == sorted(taus)
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
