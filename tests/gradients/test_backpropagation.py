"""Pieces side by side, threads and checkpoints: the same loss and gradients in whichever way."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit.cells import PLRNN, ShPLRNN, Tanh
from chaoskit.forcing import Generalized, Never, Sparse, Truncated, Windowed
from chaoskit.gradients import backpropagation as bptt
from chaoskit.gradients.backpropagation import Backpropagation
from chaoskit.gradients.latent import DecoderInversion, ObservedStates
from chaoskit.kernels import pieces

T, B, D, N = 41, 6, 2, 5
FORCINGS = (Sparse(7), Never(), Generalized(0.3), Windowed(4), Truncated(6))
forcings = pytest.mark.parametrize("forcing", FORCINGS, ids=lambda f: type(f).__name__)
networks = pytest.mark.parametrize("cell_class", [Tanh, PLRNN, ShPLRNN], ids=lambda c: c.__name__)


def draw(cell_class=PLRNN, inputs=1, observed=False, batch=B, length=T):
    """A cell, a latent state, data, inputs and noise."""
    rng = np.random.default_rng(1)
    cell = cell_class.init(N, inputs, rng=rng)
    if observed:
        latent = ObservedStates(0.3 * rng.standard_normal((N - D, D)))
    else:
        latent = DecoderInversion(rng.standard_normal((D, N)))
    X = rng.standard_normal((length + 1, batch, D))
    return cell, latent, X, rng.standard_normal((length, batch, inputs)), rng


def gradients(drawn, forcing, **options):
    """Loss and all gradients as one list of arrays, by a fresh engine."""
    cell, latent, X, U, _ = drawn
    run = Backpropagation(cell, latent, len(X) - 1, X.shape[1], **options)
    loss, gradient, latent_gradient = run(cell, latent, X, forcing.schedule(len(X) - 1), U)
    return [np.array(loss), *(a.copy() for a in (*gradient, *latent_gradient))]


def assert_same(got, wanted, rtol=1e-12):
    size = max(np.abs(a).max() for a in wanted)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * size)


@pytest.fixture
def any_work_is_shared(monkeypatch):
    monkeypatch.setattr(bptt, "_LEAST_WORK", 1)


@pytest.mark.parametrize("observed", [False, True], ids=["decoder", "observed"])
@forcings
@networks
def test_checkpoints(cell_class, forcing, observed):
    drawn = draw(cell_class, observed=observed)
    wanted = gradients(drawn, forcing)
    for every in (1, 5, 8, 40):
        assert_same(gradients(drawn, forcing, checkpoint_every=every), wanted)


@pytest.mark.parametrize("observed", [False, True], ids=["decoder", "observed"])
@forcings
@pytest.mark.usefixtures("any_work_is_shared")
def test_threads(forcing, observed):
    drawn = draw(observed=observed)
    wanted = gradients(drawn, forcing)
    for threads in (2, 4, 100):
        got = gradients(drawn, forcing, threads=threads)
        assert_same(got, wanted)
        again = gradients(drawn, forcing, threads=threads)
        assert all((a == b).all() for a, b in zip(got, again, strict=True))


@pytest.mark.usefixtures("any_work_is_shared")
def test_threads_with_checkpoints_and_noise():
    drawn = draw()
    cell, latent, X, U, rng = drawn
    schedule = Sparse(7).schedule(T)
    noise = rng.standard_normal((len(schedule.keep), B, D))
    plain, shared = (
        Backpropagation(cell, latent, T, B, **options)(cell, latent, X, schedule, U, noise)
        for options in ({}, {"threads": 3, "checkpoint_every": 4})
    )
    assert len(shared) == 3
    assert_same([np.array(shared[0]), *shared[1], *shared[2]], [np.array(plain[0]), *plain[1], *plain[2]])
    assert abs(plain[0] - gradients(drawn, Sparse(7))[0]) > 1e-3 * plain[0]


def test_little_work_stays_in_one_thread():
    cell, latent, *_ = draw()
    assert Backpropagation(cell, latent, T, B, threads=2).pool is None
    assert Backpropagation(cell, latent, 100 * T, 100 * B, threads=2).pool is not None


@pytest.mark.parametrize("rows", [1, B, 3 * B, 1000])
@networks
def test_pieces_side_by_side(cell_class, rows, monkeypatch):
    """However many pieces share a product, the last of them shorter than the others."""
    drawn = draw(cell_class)
    wanted = gradients(drawn, Sparse(7))
    monkeypatch.setattr(pieces, "_ROWS", rows)
    assert_same(gradients(drawn, Sparse(7)), wanted)


def plan_of(forcing, length, columns=1, segment=None, nx=N, width=N):
    s = forcing.schedule(length)
    flow = s.keep if s.flow is None else s.flow
    return pieces.plan(s.slot, np.full(len(s.keep), width), s.keep, flow, nx, columns, segment or length)


def test_pieces_of_a_schedule():
    plan = plan_of(Sparse(4), 11)
    assert plan.start.tolist() == [0, 4, 8]
    assert plan.length.tolist() == [4, 4, 3]
    assert plan.group.tolist() == [0, 3]
    assert not plan.forced_inside


@pytest.mark.parametrize(
    "plan", [plan_of(Generalized(0.5), 9), plan_of(Truncated(3), 9)], ids=["generalized", "truncated"]
)
def test_a_state_that_survives_forcing_does_not_end_a_piece(plan):
    assert plan.length.tolist() == [9]
    assert plan.forced_inside


def test_a_state_that_is_forced_in_part_does_not_end_a_piece():
    s = Sparse(3).schedule(9)
    plan = pieces.plan(s.slot, np.array([N, D, D]), s.keep, s.keep, N, 1, 9)
    assert plan.length.tolist() == [9]
    assert plan.forced_inside


def test_schedules_may_change_from_call_to_call():
    """Memory grows where a schedule needs more of it, and what was there before is not read."""
    cell, latent, X, U, _ = drawn = draw()
    run = Backpropagation(cell, latent, T, B)
    order = [Sparse(k) for k in range(1, 20)] + [*FORCINGS, *FORCINGS[::-1], Sparse(3)]
    for forcing in order:
        loss, gradient, latent_gradient = run(cell, latent, X, forcing.schedule(T), U)
        assert_same([np.array(loss), *gradient, *latent_gradient], gradients(drawn, forcing))


def memory_of(run):
    return sum(a.nbytes for work in run.work for a in work)


def test_memory_with_checkpoints(measured):
    """A hundred thousand steps without forcing in a hundredth of the memory."""
    length, batch = 100_000, 2
    cell, latent, X, U, _ = draw(Tanh, batch=batch, length=length)
    found = {}
    for every in (None, 300):
        run = Backpropagation(cell, latent, length, batch, checkpoint_every=every)
        loss = run(cell, latent, X, Never().schedule(length), U)[0]
        found[every] = memory_of(run), loss
    measured("bytes", {str(k): v[0] for k, v in found.items()})
    assert found[300][1] == pytest.approx(found[None][1], rel=1e-12)
    states = (length / 300 + 300) * batch * N * 8
    assert found[300][0] < 5 * states
    assert found[300][0] < 0.02 * found[None][0]
