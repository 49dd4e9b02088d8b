"""Nothing is computed twice, nothing is lost, and nothing is dropped silently."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import works

import chaoskit
from chaoskit import sweep
from chaoskit.errors import ChaoskitWarning, ModelFileError
from chaoskit.sweeps import store


@pytest.fixture
def folder(tmp_path):
    """Where calls leave their files."""
    made = tmp_path / "calls"
    made.mkdir()
    return made


def run(grid, folder, tmp_path, **options):
    return sweep(
        grid, fixed={"folder": str(folder)}, work=works.counted, out=tmp_path / "out",
        **({"executor": "serial"} | options),
    )  # fmt: skip


def test_resuming_computes_nothing_twice(folder, tmp_path):
    first = run({"x": [1, 2]}, folder, tmp_path)
    assert works.calls(folder) == ["1 0", "2 0"]
    again = run({"x": [1, 2]}, folder, tmp_path)
    assert again.rows == first.rows
    assert (first.computed, again.computed) == (2, 0)
    larger = run({"x": [3, 2], "seed": [0, 1]}, folder, tmp_path)  # seed 0 given is another call than none
    assert works.calls(folder) == ["1 0", "2 0", "2 0", "2 1", "3 0", "3 1"]
    assert [r["value"] for r in larger.rows] == [9, 10, 6, 7]


def test_a_damaged_file_is_computed_again(folder, tmp_path):
    run({"x": [1, 2, 3]}, folder, tmp_path)
    files = sorted((tmp_path / "out" / "points").iterdir())
    whole = files[1].read_text()
    for damage in ("", whole[: len(whole) // 2], "{}", "[]", whole.replace(files[1].stem, files[0].stem)):
        files[1].write_text(damage)
        with pytest.warns(ChaoskitWarning, match="damaged .*; this point is computed again"):
            assert run({"x": [1, 2, 3]}, folder, tmp_path).computed == 1
        kept = json.loads(files[1].read_text())
        assert kept["outcome"]["result"] == json.loads(whole)["outcome"]["result"]
    assert len(works.calls(folder)) == 8


def test_results_of_another_version_are_told_apart(folder, tmp_path, monkeypatch):
    run({"x": [1, 2]}, folder, tmp_path)
    monkeypatch.setattr(chaoskit, "__version__", "9.9")
    with pytest.warns(ChaoskitWarning, match=r"2 by 0\..*this is 9\.9"):
        found = run({"x": [1, 2, 3]}, folder, tmp_path)
    assert found.computed == 1
    file = next((tmp_path / "out" / "points").iterdir())
    file.write_text(file.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(ModelFileError, match="expected format version 1, got 2"):
        run({"x": [1, 2, 3]}, folder, tmp_path)


def test_failures_are_rows_with_a_reason(tmp_path):
    grid = {"x": [0, 1, 2, 3, 4]}
    with pytest.warns(ChaoskitWarning, match="4 of 5 points failed, such as DivergenceError: training"):
        found = sweep(grid, work=works.failing, out=tmp_path, executor="serial")
    assert [row["status"] for row in found.rows] == ["done"] + ["failed"] * 4
    reasons = [row["error"] for row in found.failed]
    assert reasons[0] == "DivergenceError: training: the loss left the finite numbers"
    assert reasons[1].startswith("InvalidInputError: work: expected it to return a mapping")
    assert reasons[2] == "SystemExit: 4"
    assert reasons[3].startswith("InvalidInputError: work: expected other names for its results than x")
    assert found.rows[0]["warnings"] == "something to look at"
    assert "4 failed" in str(found)
    assert "DivergenceError" in str(found)
    traces = [json.loads(f.read_text())["outcome"].get("failure") for f in (tmp_path / "points").iterdir()]
    assert any("works.py" in failure["trace"] for failure in traces if failure)
    with pytest.warns(ChaoskitWarning, match="4 of 5"):
        assert sweep(grid, work=works.failing, out=tmp_path, executor="serial").computed == 0
    with pytest.warns(ChaoskitWarning, match="4 of 5"):
        again = sweep(grid, work=works.failing, out=tmp_path, executor="serial", retry_failed=True)
    assert again.computed == 4


def test_an_interrupt_ends_the_sweep_and_keeps_what_is_there(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        sweep({"x": [0, 1, 2, 3]}, work=works.interrupted, out=tmp_path, executor="serial")
    assert len(list((tmp_path / "points").iterdir())) == 2
    assert sweep({"x": [0, 1]}, work=works.interrupted, out=tmp_path, executor="serial").computed == 0


def alive(process: int) -> bool:
    """Whether it runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import works
from chaoskit import sweep
if __name__ == "__main__":
    sweep({"x": [-1, *range(16)]}, fixed={"folder": sys.argv[2], "wait": 0.1}, work=works.counted,
          out=sys.argv[3], processes=2)
"""


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
def test_a_killed_sweep_goes_on(signal_number, folder, tmp_path):
    """Killed as a whole in mid-run: no finished point is computed again, its workers end, nothing is left."""
    program, out = tmp_path / "program.py", tmp_path / "out"
    program.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(program), str(Path(__file__).parent), str(folder), str(out)],
        env=os.environ | {"PYTHONPATH": str(Path(chaoskit.__file__).parents[1])}, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(list(out.glob("points/*.json"))) < 3 and time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    process.send_signal(signal_number)
    process.wait()
    process.stderr.close()
    (out / "points" / ".half.0.1.chaoskit-tmp").write_bytes(b"")  # of another computer
    (busy,) = folder.glob("process *")
    while alive(int(busy.name.split()[1])) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert time.monotonic() < deadline, "a worker outlived the sweep"
    busy.unlink()
    time.sleep(0.3)  # the other one, were it there, would go on
    finished, called = len(list(out.glob("points/*.json"))), len(works.calls(folder))
    assert 3 <= finished < 16, "killed too late to show anything"
    time.sleep(0.3)
    assert len(works.calls(folder)) == called
    found = sweep(
        {"x": list(range(16))}, fixed={"folder": str(folder), "wait": 0.1}, work=works.counted, out=out,
        executor="serial",
    )  # fmt: skip
    assert found.computed == 16 - finished
    assert [row["value"] for row in found.rows] == [3.0 * x for x in range(16)]
    assert len(works.calls(folder)) == called + 16 - finished
    assert called - finished <= 1  # in flight


def test_two_sweeps_on_one_folder(folder, tmp_path):
    """The second finds a file that appears while it runs, and overwrites it by the same."""
    inner = []

    def work(x):
        if not inner:
            inner.append(None)
            inner.append(sweep({"x": [1, 2]}, work=work, out=tmp_path, executor="serial").computed)
        return {"value": x}

    found = sweep({"x": [1, 2, 3]}, work=work, out=tmp_path, executor="serial")
    assert inner[1] == 2
    assert [row["value"] for row in found.rows] == [1, 2, 3]
    assert not list(tmp_path.glob("points/.*"))


def test_infinite_results_survive(tmp_path):
    def work(x):
        return {"value": np.float32(x), "whole": np.int64(3), "yes": np.bool_(True), "none": None}

    values = [float("inf"), 0.1, -2.5]
    first = sweep({"x": values}, work=work, out=tmp_path, executor="serial")
    again = sweep({"x": values}, work=work, out=tmp_path, executor="serial")
    assert again.rows == first.rows
    assert [type(v) for v in list(again.rows[1].values())[1:5]] == [float, int, bool, type(None)]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelFileError, match="cannot be written"):
        store.Store(tmp_path / "file")
