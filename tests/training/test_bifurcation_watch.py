"""The watch over a training: networks led through known bifurcations, and a short real training."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chaoskit import fit, simulate
from chaoskit.cells import PLRNN, ReLU, Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.forcing import Sparse
from chaoskit.systems import Henon
from chaoskit.training import BifurcationWatch, TrainingState
from chaoskit.training.loss_jumps import loss_jumps


def tanh(W, b=0.0):
    W = np.atleast_2d(np.asarray(W, float))
    return Tanh(W, np.zeros((len(W), 0)), np.zeros(len(W)) + b)


def turning(gain, angle=1.0):
    c, s = math.cos(angle), math.sin(angle)
    return tanh(gain * np.array([[c, -s], [s, c]]))


def watched(cells, losses=None, seed=0, **options):
    """A training that consists of these networks, an epoch each."""
    watch = BifurcationWatch(**options)
    losses = np.ones(len(cells)) if losses is None else np.asarray(losses, float)
    for epoch, cell in enumerate(cells, 1):
        nothing = np.zeros((0, 0))
        watch(TrainingState(epoch, epoch, cell, nothing, losses[:epoch], losses[:epoch], None, seed, None))
    return watch.result()


def events(result, where="fixed point"):
    return [(event.epoch, event.kind) for event in result.events if event.where == where]


def test_a_pitchfork():
    result = watched([tanh(g) for g in (0.8, 0.9, 1.1, 1.2)])
    assert events(result) == [(3, "pitchfork")]
    assert events(result, "free run") == [(3, "pitchfork or transcritical")]
    assert len(result.tracks) == 3
    origin = next(t for t in result.tracks if len(t.epochs) == 4)
    np.testing.assert_allclose(origin.multipliers[:, 0], [0.8, 0.9, 1.1, 1.2])
    assert origin.stable.tolist() == [True, True, False, False]
    assert all(t.stable.all() for t in result.tracks if len(t.epochs) == 2)
    np.testing.assert_allclose(np.exp(result.exponents[:2]), [0.8, 0.9], rtol=1e-6)


def test_a_pitchfork_taken_back():
    assert events(watched([tanh(g) for g in (1.2, 1.1, 0.9, 0.8)])) == [(3, "pitchfork")]


def test_a_fold():
    """x' = tanh(2 x + b) has three fixed points below b* = 0.533, and one above it."""
    result = watched([tanh(2.0, b) for b in (0.4, 0.45, 0.5, 0.52, 0.56, 0.6)])
    assert events(result) == [(5, "fold")]
    assert sorted(len(t.epochs) for t in result.tracks) == [4, 4, 6]
    back = watched([tanh(2.0, b) for b in (0.6, 0.56, 0.52, 0.5)])
    assert events(back) == [(3, "fold")]
    assert "2 appear" in back.events[0].detail


def test_a_period_doubling():
    result = watched([tanh(-g) for g in (0.8, 0.9, 1.1, 1.2)], max_period=2)
    assert events(result) == [(3, "period doubling")]
    assert events(result, "cycle of period 2") == []
    assert [t.period for t in result.tracks] == [1, 2]
    assert result.labels == ("fixed point", "fixed point", "cycle of period 2", "cycle of period 2")


def test_a_neimark_sacker_bifurcation():
    result = watched([turning(g) for g in (0.9, 0.95, 1.1, 1.15)], steps=2_000, transient=2_000)
    assert events(result) == [(3, "Neimark-Sacker")]
    assert events(result, "free run") == [(3, "Neimark-Sacker")]
    assert result.labels[-1] == "quasi-periodic"


def test_border_collisions_of_a_piecewise_linear_network():
    """x' = a x + w relu(x) + h with a + w > 1 > a: two fixed points for h < 0, none for h > 0."""
    cells = [
        PLRNN(np.array([0.5]), np.array([[1.5]]), np.zeros((1, 0)), np.array([h])) for h in (-0.3, -0.1, 0.1)
    ]
    result = watched(cells)
    assert events(result) == [(3, "border collision")]
    assert "2 vanish" in result.events[-1].detail or any("2 vanish" in e.detail for e in result.events)


def test_the_inputs_move_the_kinks():
    """x' = relu(-1.5 x + U u - 1) beside a unit at 1: 0 is a stable fixed point until the input opens it.

    The state alone is below the kink before and after.
    """
    W, b = np.array([[-1.5, 0.0], [0.0, 0.0]]), np.array([-1.0, 1.0])
    cells = [ReLU(W, np.array([[gain], [0.0]]), b) for gain in (0.8, 0.9, 1.1, 1.2)]
    for inputs in ([1.0], [[1.0]]):
        assert events(watched(cells, inputs=inputs)) == [(3, "border collision")]


def test_near_the_origin_a_point_is_followed():
    """A fixed point of size 1e-7 that moves by its own size, or through 0, is the same one."""
    result = watched([tanh(0.5, b) for b in (1e-7, -1e-7, 0.0, 4e-7)])
    assert events(result) == []
    (track,) = result.tracks
    np.testing.assert_allclose(track.points[:, 0, 0], [2e-7, -2e-7, 0.0, 8e-7], atol=1e-12)


def test_points_that_were_overlooked_do_not_appear():
    """The same network again and again, searched from few states: 27 points, found little by little."""
    result = watched([tanh(1.5 * np.eye(3))] * 6, starts=4)
    assert len(result.tracks) > len([t for t in result.tracks if t.epochs[0] == 1])
    assert events(result) == []


def test_the_onset_of_chaos():
    W = np.random.default_rng(0).standard_normal((30, 30)) / math.sqrt(30)
    result = watched([tanh(g * W, 0.1) for g in (0.5, 0.6, 3.0, 3.1)])
    assert (3, "onset of chaos") in events(result, "free run")
    assert (result.exponents[:2] < 0).all()
    assert (result.exponents[2:] > 5 * result.stderr[2:]).all()


def test_loss_jumps():
    rng = np.random.default_rng(0)
    losses = np.exp(-0.05 * np.arange(60) + 0.05 * rng.standard_normal(60))
    assert loss_jumps(losses).tolist() == []
    losses[40:] *= 5.0
    assert loss_jumps(losses).tolist() == [40]
    assert loss_jumps(1.0 / losses).tolist() == [40]
    losses[50] = np.inf
    assert loss_jumps(losses).tolist() == [40]
    result = watched([tanh(0.5)] * 60, losses[:50].tolist() + losses[51:].tolist() + [losses[-1]], every=60)
    assert [(e.epoch, e.kind) for e in result.events] == [(41, "loss jump")]
    assert result.epochs.tolist() == [60]


SERIES = simulate(Henon(), [0.1, 0.1], 500, transient=100)
OPTIONS = {"forcing": Sparse(3), "epochs": 6, "batches_per_epoch": 4, "sequence_length": 20, "batch_size": 4}


def test_in_a_training():
    """Nothing is changed by looking; restarts side by side are told apart."""
    watch = BifurcationWatch(every=2, steps=300, transient=100)
    model = fit(SERIES, cell="plrnn", n_states=3, restarts=2, threads=2, on_epoch=watch, **OPTIONS)
    plain = fit(SERIES, cell="plrnn", n_states=3, restarts=2, threads=2, **OPTIONS)
    for a, b in zip(model.cell, plain.cell, strict=True):
        np.testing.assert_array_equal(a, b)
    assert sorted(watch.results) == [0, 1]
    for result in watch.results.values():
        assert result.epochs.tolist() == [2, 4, 6]
        assert len(result.losses) == 6
        assert len(result.tracks) >= 1
    np.testing.assert_allclose(
        watch.result(model.settings["seed"]).losses, model.history["loss"].reshape(6, 4).mean(axis=1)
    )
    with pytest.raises(InvalidInputError, match="seed"):
        watch.result()


def test_driven_networks_and_checkpoints(tmp_path):
    inputs = np.sin(np.arange(len(SERIES)))
    watch, options = BifurcationWatch(steps=300, transient=100), OPTIONS | {"cell": "plrnn", "inputs": inputs}
    options["checkpoint"] = tmp_path / "run.npz"
    fit(SERIES, on_epoch=lambda state: watch(state) or state.epoch == 3, **options)
    fit(SERIES, on_epoch=watch, **options)
    result = watch.result()
    assert result.epochs.tolist() == [1, 2, 3, 4, 5, 6]
    assert np.isfinite(result.losses).all()


def test_bad_arguments():
    with pytest.raises(InvalidInputError, match="every"):
        BifurcationWatch(every=0)
    with pytest.raises(InvalidInputError, match="seed"):
        BifurcationWatch().result()
    for seed in ([1], "0", np.zeros(2)):
        with pytest.raises(InvalidInputError, match="seed"):
            BifurcationWatch().result(seed)
