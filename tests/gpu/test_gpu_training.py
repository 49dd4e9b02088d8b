"""Training with its gradients on a GPU."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from chaoskit.dynamics import simulate
from chaoskit.errors import DeviceError, InvalidInputError
from chaoskit.forcing import AdaptiveGeneralized, Sparse
from chaoskit.systems import Henon, Lorenz63
from chaoskit.training import LatentRegularization, fit
from chaoskit.training.together import Together

SERIES = simulate(Henon(), [0.1, 0.1], 200)
OPTIONS = {
    "cell": "plrnn", "forcing": Sparse(2), "sequence_length": 4, "batch_size": 2, "epochs": 2,
    "batches_per_epoch": 1, "dtype": np.float64, "validation_measure": "loss",
}  # fmt: skip


@pytest.fixture
def few_threads(monkeypatch):
    """What the simulator can bear."""
    from chaoskit.kernels import gpu_adjoint, gpu_launch

    monkeypatch.setattr(gpu_adjoint, "_LINE", 8)
    monkeypatch.setattr(gpu_adjoint, "_LOSSES", 4)
    monkeypatch.setattr(gpu_launch, "_THREADS", 8)
    products = gpu_adjoint.Products
    monkeypatch.setattr(gpu_adjoint, "Products", lambda dtype, _, **k: products(dtype, "own", threads=2, **k))


def arrays(model):
    return [*model.cell, model.decoder, model.history["loss"], model.history["gradient_norm"]]


def assert_close(found, wanted):
    for a, b in zip(arrays(found), arrays(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def assert_same(found, wanted):
    for a, b in zip(arrays(found), arrays(wanted), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.simulator
@pytest.mark.usefixtures("few_threads")
def test_as_on_the_cpu():
    """Two updates agree up to round-off, and with themselves bit by bit."""
    found = fit(SERIES, **OPTIONS, device="cuda")
    assert_close(found, fit(SERIES, **OPTIONS))
    assert_same(fit(SERIES, **OPTIONS, device="cuda"), found)
    assert found.settings["device"] == "cuda"


@pytest.mark.simulator
@pytest.mark.usefixtures("few_threads")
def test_all_that_is_around_it():
    """More units than columns, a penalty, noise, adaptive forcing, checkpoints of activations, inputs."""
    options = OPTIONS | {
        "cell": "shplrnn", "n_states": 3, "cell_options": {"n_hidden": 5}, "forcing": AdaptiveGeneralized(),
        "latent_state": "learned", "input_noise": 0.1, "regularization": LatentRegularization(0.1),
        "checkpoint_every": 3, "inputs": np.sin(np.arange(len(SERIES))),
    }  # fmt: skip
    assert_close(fit(SERIES, **options, device="cuda"), fit(SERIES, **options))


@pytest.mark.simulator
@pytest.mark.usefixtures("few_threads")
def test_restarts_share_their_launches(monkeypatch):
    """Each restart comes to the bits of a training from its seed; all updates of a round are one launch."""
    from chaoskit.gradients.backpropagation import Backpropagation

    sizes = []
    several = Backpropagation.several
    monkeypatch.setattr(
        Backpropagation, "several", lambda self, calls: (sizes.append(len(calls)), several(self, calls))[1]
    )
    all_there, under_way = threading.Barrier(3), Together.under_way

    @contextmanager
    def with_the_others(self):
        with under_way(self):
            all_there.wait(60.0)
            yield

    monkeypatch.setattr(Together, "under_way", with_the_others)
    best = fit(SERIES, **OPTIONS, device="cuda", restarts=3)
    assert sizes == [3, 3]
    seed = best.settings["seed"]
    assert_same(best, fit(SERIES, **OPTIONS, device="cuda", seed=seed))
    scores = best.history["restart_validation"]
    for k, score in enumerate(scores):
        assert fit(SERIES, **OPTIONS, device="cuda", seed=k).history["validation"].min() == score


@pytest.mark.simulator
@pytest.mark.usefixtures("few_threads")
def test_a_checkpoint_goes_on_where_it_was_written(tmp_path):
    file = tmp_path / "run.npz"
    longer = OPTIONS | {"epochs": 3}
    whole = fit(SERIES, **longer, device="cuda")
    fit(SERIES, **longer, device="cuda", checkpoint=file, on_epoch=lambda state: state.epoch == 1)
    assert_same(fit(SERIES, **longer, device="cuda", checkpoint=file), whole)
    with pytest.raises(InvalidInputError, match="belongs to a training with other data or options"):
        fit(SERIES, **longer, checkpoint=file)


class Recorded:
    """Stands for gradients: remembers who was there together, and may fail."""

    def __init__(self, fails=False):
        self.rounds, self.fails = [], fails

    def several(self, calls):
        self.rounds.append(sorted(name for (name,) in calls))
        if self.fails:
            raise DeviceError("none left")
        return [name * 2 for (name,) in calls]


def in_threads(together, counts):
    """Threads that call so many times, and leave when so many others wait; what each got, or died of."""
    found = {}
    start = threading.Barrier(len(counts))

    def run(name, count, waiting):
        try:
            with together.under_way():
                start.wait()
                found[name] = [together(name) for _ in range(count)]
                while len(together.waiting) < waiting:
                    time.sleep(1e-3)
        except DeviceError as error:
            found[name] = str(error)

    threads = [threading.Thread(target=run, args=(k, *v), daemon=True) for k, v in counts.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20.0)
    assert not any(thread.is_alive() for thread in threads)
    return found


def test_who_is_under_way_is_waited_for():
    """A run that has ended keeps nobody waiting."""
    run = Recorded()
    assert in_threads(Together(run), {"a": (1, 2), "b": (3, 0), "c": (2, 1)}) == {
        "a": ["aa"], "b": ["bb"] * 3, "c": ["cc"] * 2,
    }  # fmt: skip
    assert run.rounds == [["a", "b", "c"], ["b", "c"], ["b"]]


def test_a_failure_reaches_all():
    assert in_threads(Together(Recorded(fails=True)), {"a": (2, 0), "b": (2, 0)}) == {
        "a": "none left",
        "b": "none left",
    }


@pytest.mark.ptx
def test_compiles(launches):
    """A float32 training from the public function."""
    fit(SERIES, **OPTIONS | {"dtype": np.float32}, device="cuda")
    assert {"_forward", "_backward", "_gather", "_residuals"} <= launches.names()
    assert [line for name in launches.names() for line in launches.float64_instructions(name)] == []


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_training(dtype):
    """Forty updates of a Lorenz network: near those of the CPU, the same again, and restarts as alone."""
    series = simulate(Lorenz63(), [1.0, 1.0, 20.0], 5000, dt=0.02, transient=500)
    options = {
        "cell": "plrnn", "n_states": 10, "forcing": Sparse(10), "sequence_length": 100,
        "batch_size": 64, "epochs": 4, "batches_per_epoch": 10, "dtype": dtype, "validation_measure": "loss",
    }  # fmt: skip
    found = fit(series, **options, device="cuda")
    assert_same(fit(series, **options, device="cuda"), found)
    wanted = fit(series, **options)
    tolerance = 1e-8 if dtype == np.float64 else 2e-2
    np.testing.assert_allclose(found.history["loss"], wanted.history["loss"], rtol=tolerance)
    best = fit(series, **options, device="cuda", restarts=8)
    assert_same(best, fit(series, **options, device="cuda", seed=best.settings["seed"]))
