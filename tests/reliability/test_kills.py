"""Trainings and sweeps that are killed again and again end where undisturbed ones end.

`pytest -m slow tests/reliability/test_kills.py` kills each fifty times.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import numpy as np
import pytest
from killing import killed, wait_for_workers

from chaoskit import fit, simulate, sweep
from chaoskit.forcing import Sparse
from chaoskit.systems import Henon
from chaoskit.training import npz_file

FEW = pytest.param(2)
MANY = pytest.param(50, marks=pytest.mark.slow)

TRAINING = """
import sys
sys.path.insert(0, sys.argv[1])
from test_kills import train
train(int(sys.argv[2]), sys.argv[3])
"""


def train(epochs, file=None):
    """A training whose every draw comes from its generator: windows, jitter and noise."""
    return fit(
        simulate(Henon(), [0.1, 0.1], 600, transient=100), forcing=Sparse(3, jitter=1), epochs=epochs,
        batches_per_epoch=2, sequence_length=20, batch_size=4, cell="plrnn", n_states=3, input_noise=0.01,
        checkpoint=file,
    )  # fmt: skip


@pytest.mark.parametrize("kills", [FEW, MANY])
def test_a_training_that_is_killed_again_and_again(kills, tmp_path, measured):
    """After each kill a whole file is there that has lost nothing; the end is the same, bit for bit."""
    rng, file, epochs = np.random.default_rng(kills), tmp_path / "run.npz", 150 * kills
    program = tmp_path / "program.py"
    program.write_text(TRAINING)
    reached, half_written = [0], 0
    while len(reached) <= kills:
        before = file.stat().st_mtime_ns if file.exists() else 0
        process = killed(
            program, Path(__file__).parent, epochs, file, rng=rng, longest=0.3,
            under_way=lambda before=before: file.exists() and file.stat().st_mtime_ns != before,
        )  # fmt: skip
        half_written += len(list(tmp_path.glob(f".run.npz.*.{process}.*")))
        header, arrays = npz_file.read(file, "checkpoint")
        epoch, losses = header["epoch"], len(arrays["losses"])
        assert reached[-1] < epoch < epochs
        assert losses == 2 * epoch
        reached.append(epoch)
    measured("kills", f"{kills} before epoch {reached[-1]}, {half_written} in the midst of writing")
    resumed, whole = train(epochs, file), train(epochs)
    for one, other in zip((*resumed.cell, resumed.decoder), (*whole.cell, whole.decoder), strict=True):
        np.testing.assert_array_equal(one, other)
    for name, values in whole.history.items():
        np.testing.assert_array_equal(resumed.history[name], values)
    assert [p.name for p in tmp_path.glob(".*")] == []


SWEEPING = """
import sys
sys.path.insert(0, sys.argv[1])
from test_kills import points
if __name__ == "__main__":
    points(int(sys.argv[2]), sys.argv[3], sys.argv[4], processes=2)
"""


def square(folder, x):
    """Leaves a mark of each call, at its end."""
    time.sleep(0.02)
    Path(folder, f"{x} {uuid.uuid4().hex}").touch()
    return {"value": float(x * x)}


def points(count, folder, out, **options):
    return sweep({"x": list(range(count))}, fixed={"folder": str(folder)}, work=square, out=out, **options)


def calls(folder) -> int:
    """How many points were computed to their end."""
    return len(list(folder.iterdir()))


def finished(out) -> int:
    return len([p for p in out.glob("points/*.json") if not p.name.startswith(".")])


@pytest.mark.parametrize("kills", [FEW, MANY])
def test_a_sweep_that_is_killed_again_and_again(kills, tmp_path, measured):
    """Nothing that was finished is computed again, and nothing is missing at the end."""
    rng, count = np.random.default_rng(kills), 80 * kills
    program, folder, out = tmp_path / "program.py", tmp_path / "calls", tmp_path / "out"
    program.write_text(SWEEPING)
    folder.mkdir()
    done = [0]
    while len(done) <= kills:
        process = killed(
            program, Path(__file__).parent, count, folder, out, rng=rng, longest=0.7,
            under_way=lambda before=done[-1]: finished(out) > before,
        )  # fmt: skip
        wait_for_workers(process)
        done.append(finished(out))
        assert done[-2] < done[-1] < count
    before = calls(folder)
    assert 0 <= before - done[-1] <= 2 * kills  # what both workers had in hand when they lost their parent
    found = points(count, folder, out, executor="serial")
    assert found.computed == count - done[-1]
    assert [row["value"] for row in found.rows] == [float(x * x) for x in range(count)]
    assert calls(folder) == before + count - done[-1]
    measured("kills", f"{kills} before point {done[-1]}, {before - done[-1]} points in hand were lost")
    assert not list(out.rglob(".*"))
