"""Trainings that are broken off go on to the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import chaoskit
from chaoskit import fit, simulate
from chaoskit.errors import InvalidInputError, ModelFileError
from chaoskit.forcing import AdaptiveGeneralized, Sparse
from chaoskit.systems import Henon
from chaoskit.training import npz_file

HENON = simulate(Henon(), [0.1, 0.1], 600, transient=100)
OPTIONS = {
    "forcing": Sparse(3, jitter=1), "epochs": 6, "batches_per_epoch": 4, "sequence_length": 20,
    "batch_size": 4, "cell": "plrnn", "n_states": 3, "input_noise": 0.01, "track_exponents": 1,
}  # fmt: skip


class Broken(Exception):
    pass


def break_after(epoch):
    def stop(state):
        if state.epoch == epoch:
            raise Broken

    return stop


def same(a, b):
    for x, y in zip((*a.cell, a.decoder), (*b.cell, b.decoder), strict=True):
        np.testing.assert_array_equal(x, y)
    assert a.history.keys() == b.history.keys()
    for name in a.history:
        np.testing.assert_array_equal(a.history[name], b.history[name])
    assert a.best_update == b.best_update


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "forcing": AdaptiveGeneralized(),
            "optimizer": "radam",
            "cell": "shplrnn",
            "latent_state": "learned",
        },
    ],
    ids=["sparse", "adaptive"],
)
def test_a_resumed_run_gives_the_same_bits(options, tmp_path):
    options = OPTIONS | options
    whole = fit(HENON, **options)
    file = tmp_path / "run.npz"
    with pytest.raises(Broken):
        fit(HENON, checkpoint=file, on_epoch=break_after(4), **options)
    assert npz_file.read(file, "checkpoint")[0]["epoch"] == 3  # the fourth was not written any more
    seen = []
    resumed = fit(HENON, checkpoint=file, on_epoch=lambda s: seen.append(s.epoch), **options)
    assert seen == [4, 5, 6]
    same(whole, resumed)
    again = fit(HENON, checkpoint=file, on_epoch=lambda s: seen.append(s.epoch), **options)
    assert len(seen) == 3  # a finished training is read, not run
    same(whole, again)


def test_the_interval_says_what_is_lost(tmp_path):
    file = tmp_path / "run.npz"
    with pytest.raises(Broken):
        fit(HENON, checkpoint=file, checkpoint_interval=2, on_epoch=break_after(5), **OPTIONS)
    assert npz_file.read(file, "checkpoint")[0]["epoch"] == 4


def test_restarts_have_a_file_each(tmp_path):
    options = OPTIONS | {"epochs": 2, "restarts": 2}
    fit(HENON, checkpoint=tmp_path / "run.npz", **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.0.npz", "run.1.npz"]


def test_another_training_is_refused(tmp_path):
    file = tmp_path / "run.npz"
    options = OPTIONS | {"epochs": 2}
    fit(HENON, checkpoint=file, **options)
    for series, changed in ((HENON, {"learning_rate": 1e-4}), (HENON + 1e-9, {}), (HENON, {"seed": 1})):
        with pytest.raises(InvalidInputError, match="belongs to a training with other data or options"):
            fit(series, checkpoint=file, **(options | changed))


def test_damaged_files_and_places(tmp_path):
    file = tmp_path / "run.npz"
    options = OPTIONS | {"epochs": 2}
    model = fit(HENON, checkpoint=file, **options)
    header, arrays = npz_file.read(file, "checkpoint")
    arrays["cell.W"] = arrays["cell.W"][:1]
    npz_file.write(file, "checkpoint", header, arrays)
    with pytest.raises(ModelFileError, match="expected a complete checkpoint, got a flaw"):
        fit(HENON, checkpoint=file, **options)
    file.write_bytes(b"no archive")
    with pytest.raises(ModelFileError, match="expected a checkpoint saved by chaoskit"):
        fit(HENON, checkpoint=file, **options)
    model.save(file)
    with pytest.raises(ModelFileError, match="expected a checkpoint saved by chaoskit"):
        fit(HENON, checkpoint=file, **options)
    with pytest.raises(ModelFileError, match=r"the folder .* is not there"):
        fit(HENON, checkpoint=tmp_path / "nowhere" / "run.npz", **options)
    with pytest.raises(InvalidInputError, match="checkpoint: expected a file name"):
        fit(HENON, checkpoint=3, **options)


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from test_checkpoints import HENON, OPTIONS
from chaoskit import fit
print("ready", flush=True)
fit(HENON, checkpoint={file!r}, **(OPTIONS | {more!r}))
"""


@pytest.mark.parametrize("delay", [0.02, 0.3])
def test_killed_at_any_moment(delay, tmp_path):
    """The file is there as a whole, and the run that goes on from it ends where the unbroken one ends."""
    more = {"epochs": 400, "batches_per_epoch": 2, "track_exponents": 0}
    file = str(tmp_path / "run.npz")
    program = PROGRAM.format(tests=str(Path(__file__).parent), file=file, more=more)
    environment = os.environ | {"PYTHONPATH": str(Path(chaoskit.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    process.stdout.readline()
    deadline = time.monotonic() + 60
    while not os.path.exists(file) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    header, arrays = npz_file.read(file, "checkpoint")
    assert 1 <= header["epoch"] < 400, "killed too late to show anything"
    assert len(arrays["losses"]) == 2 * header["epoch"]
    (tmp_path / "run.npz_left.tmp").write_bytes(b"of the killed writer")
    resumed = fit(HENON, checkpoint=file, **(OPTIONS | more))
    same(resumed, fit(HENON, **(OPTIONS | more)))
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]
