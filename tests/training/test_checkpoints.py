"""Trainings that are broken off go on to the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import chaoskit
from chaoskit import fit, simulate
from chaoskit._files import _HERE
from chaoskit.errors import InvalidInputError, ModelFileError
from chaoskit.forcing import AdaptiveGeneralized, Sparse
from chaoskit.systems import Henon
from chaoskit.training import LatentRegularization, npz_file

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
            "validation_measure": "prediction_error",
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
    for series, changed in (
        (HENON, {"learning_rate": 1e-4}),
        (HENON + 1e-9, {}),
        (HENON, {"seed": 1}),
        (HENON, {"dt": 0.5}),
        (HENON, {"forcing": Sparse(3)}),
    ):
        with pytest.raises(InvalidInputError, match="belongs to a training with other data or options"):
            fit(series, checkpoint=file, **(options | changed))


def test_what_changes_no_bit_does_not_matter(tmp_path):
    file = tmp_path / "run.npz"
    whole = fit(HENON, **OPTIONS, regularization=[LatentRegularization(1e-3)])
    with pytest.raises(Broken):
        fit(
            HENON, checkpoint=file, on_epoch=break_after(4), **OPTIONS,
            regularization=LatentRegularization(1e-3), checkpoint_interval=2, patience=50,
        )  # fmt: skip
    same(whole, fit(HENON, checkpoint=file, **OPTIONS, regularization=[LatentRegularization(1e-3)]))


def measure_with(value, model, series, inputs):
    return value


def test_measures_are_told_apart_by_what_they_do(tmp_path):
    options = OPTIONS | {"epochs": 2}

    def made(value):
        return lambda model, series, inputs: value

    for k, (one, other) in enumerate(
        [(made(1.0), made(2.0)), (partial(measure_with, 1.0), partial(measure_with, 2.0))]
    ):
        file = tmp_path / f"{k}.npz"
        fit(HENON, checkpoint=file, validation_measure=one, **options)
        fit(HENON, checkpoint=file, validation_measure=one, **options)
        with pytest.raises(InvalidInputError, match="other data or options"):
            fit(HENON, checkpoint=file, validation_measure=other, **options)
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_checkpoints as t; "
    code += "from chaoskit._identity import identity; "
    code += "print(identity(t.partial(t.measure_with, t.Sparse(2))))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True,
            env=os.environ | {"PYTHONPATH": str(Path(chaoskit.__file__).parents[1])},
        ).stdout
        for _ in range(2)
    }  # fmt: skip
    assert len(seen) == 1  # no address in it


def test_a_training_that_its_callback_ended_goes_on(tmp_path):
    file = tmp_path / "run.npz"
    ended = fit(HENON, checkpoint=file, on_epoch=lambda s: s.epoch == 2, **OPTIONS)
    assert len(ended.history["loss"]) == 8
    np.testing.assert_array_equal(
        fit(HENON, checkpoint=file, **OPTIONS).history["loss"], fit(HENON, **OPTIONS).history["loss"]
    )


def test_neighbours_links_and_rights_are_left_alone(tmp_path):
    options = OPTIONS | {"epochs": 1}
    others = [tmp_path / "run_measurements.tmp", tmp_path / "run.npzx.tmp"]
    for other in others:
        other.write_text("")
    real, link = tmp_path / "real.npz", tmp_path / "run.npz"
    fit(HENON, checkpoint=real, **options)
    real.chmod(0o600)
    link.symlink_to(real)
    fit(HENON, checkpoint=link, **(options | {"epochs": 1}))
    fit(HENON, **options).save(link)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert all(other.exists() for other in others)


def test_a_file_is_replaced_as_a_whole(tmp_path, monkeypatch):
    """The new file is on the disk before it takes the place of the old one, which survives a failure."""
    file, calls = tmp_path / "run.npz", []
    options = OPTIONS | {"epochs": 1}
    fit(HENON, checkpoint=file, **options)
    old = file.read_bytes()
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), fsync(handle)))

    def fail(source, target):
        calls.append("replace")
        assert file.read_bytes() == old
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ModelFileError, match="No space left"):
        npz_file.write(file, "checkpoint", {}, {"a": np.zeros(1000)})
    assert calls == ["fsync", "replace"]
    assert file.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


@pytest.mark.parametrize(
    ("header", "arrays"),
    [
        ({"epoch": -1}, {}),
        ({"epoch": 10**18}, {}),
        ({"epoch": float("inf")}, {}),
        ({"optimizer_updates": -1}, {}),
        ({"alpha": 1e30}, {}),
        ({"diverged_at": "x"}, {}),
        ({"generator": {}}, {}),
        ({}, {"losses": np.zeros(3)}),
        ({}, {"norms": np.zeros((8, 2))}),
        ({}, {"validation_scores": np.zeros(9)}),
        ({}, {"validation_exponents": np.zeros((2, 5))}),
        ({}, {"finalist_scores": np.zeros(1)}),
        ({}, {"mean.0": np.full(3, np.nan, np.float32)}),
    ],
    ids=str,
)
def test_damaged_checkpoints(header, arrays, finished):
    file, options = finished
    good_header, good = npz_file.read(file, "checkpoint")
    content = file.read_bytes()
    for name in ("format", "version"):
        good_header.pop(name)
    npz_file.write(file, "checkpoint", good_header | header, good | arrays)
    with pytest.raises(ModelFileError, match="expected a complete checkpoint, got a flaw"):
        fit(HENON, checkpoint=file, **options)
    file.write_bytes(content)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    file = tmp_path_factory.mktemp("finished") / "run.npz"
    options = OPTIONS | {"epochs": 2}
    fit(HENON, checkpoint=file, **options)
    return file, options


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
    for bad in (3, "", "a\0b"):
        with pytest.raises(InvalidInputError, match="checkpoint: expected a file name"):
            fit(HENON, checkpoint=bad, **options)


def test_what_killed_writers_left_is_removed(tmp_path):
    """Of this computer's dead processes, and of no others."""
    file, options = tmp_path / "run.npz", OPTIONS | {"epochs": 1}
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = {
        "dead": f".run.npz.{_HERE}.{dead.pid}.x.chaoskit-tmp",
        "alive": f".run.npz.{_HERE}.{os.getpid()}.x.chaoskit-tmp",
        "elsewhere": f".run.npz.0.{dead.pid}.x.chaoskit-tmp",
    }
    for name in left.values():
        (tmp_path / name).write_bytes(b"half of a file")
    fit(HENON, checkpoint=file, **options)
    assert {p.name for p in tmp_path.iterdir()} == {"run.npz", left["alive"], left["elsewhere"]}
