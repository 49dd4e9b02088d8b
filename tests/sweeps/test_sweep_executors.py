"""The same rows whoever computes them; workers that die; nothing recorded that never ran."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import works

import chaoskit
from chaoskit import sweep
from chaoskit.errors import ChaoskitWarning, InvalidInputError, SweepError
from chaoskit.sweeps import computing, local_workers

SERIES = np.arange(5000.0)  # large enough to be sent once
GRID = {"x": [1, 2, 3, 4]}
TOTALS = [float(SERIES.sum() + 5000 * x) for x in GRID["x"]]


def totals(out, **options):
    found = sweep(GRID, fixed={"series": SERIES}, work=works.total, out=out, **options)
    assert [row["x"] for row in found.rows] == GRID["x"]
    assert all(row["writeable"] for row in found.rows)
    return [row["total"] for row in found.rows]


def test_processes_give_what_one_process_gives(tmp_path, monkeypatch):
    """And what many points have in common is sent once a process, not once a point."""
    sizes = []
    give = local_workers._Worker.give
    monkeypatch.setattr(
        local_workers._Worker, "give",
        lambda self, task, message: (sizes.append(len(message)), give(self, task, message)),
    )  # fmt: skip
    assert totals(tmp_path / "serial", executor="serial") == TOTALS
    assert totals(tmp_path / "processes", processes=2) == TOTALS
    assert len(sizes) == 4
    assert max(sizes) < 1000 < SERIES.nbytes
    assert SERIES[1] == 1.0  # the work changed a copy


def test_workers_have_one_thread_each(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    rows = sweep({"x": [1, 2, 3]}, work=works.surroundings, out=tmp_path, processes=1).rows
    for row in rows:
        names = [name for name in row if name.endswith("_NUM_THREADS")]
        assert [row[name] for name in names] == ["1"] * 4
    assert len({row["process"] for row in rows} - {os.getpid()}) == 1
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_workers_that_the_system_kills(tmp_path):
    """Their points are tried once more; the others are computed whatever happens to these."""
    with pytest.warns(ChaoskitWarning, match="1 of 5 points failed"):
        found = sweep(
            {"x": [0, 1, 2, 3, 4]}, fixed={"folder": str(tmp_path), "deaths": {1: 99, 3: 1}},
            work=works.mortal, out=tmp_path / "out", processes=2,
        )  # fmt: skip
    assert [row["value"] for row in found.rows] == [0, None, 2, 3, 4]
    assert found.rows[1]["error"].startswith("WorkerDied: ")
    assert "died 2 times (killed by SIGKILL)" in found.rows[1]["error"]
    assert len(list(tmp_path.glob("1 *"))) == 2


def test_a_script_without_a_guard_says_so(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nsys.path.insert(0, sys.argv[1])\nimport works\nfrom chaoskit import sweep\n"
        "sweep({'x': [5]}, work=works.failing, out=sys.argv[2], processes=1)\n"
    )
    done = subprocess.run(
        [sys.executable, str(program), str(Path(__file__).parent), str(tmp_path / "out")],
        env=os.environ | {"PYTHONPATH": str(Path(chaoskit.__file__).parents[1])},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert "SweepError: a process of the sweep ended while it started (exit code 1)" in done.stderr
    assert 'if __name__ == "__main__":' in done.stderr.splitlines()[-1]


def test_what_cannot_be_sent_is_said_beforehand(tmp_path):
    with pytest.raises(InvalidInputError, match="define functions and classes at the top of a module"):
        sweep({"x": [1]}, work=lambda x: {"value": x}, out=tmp_path)


def test_anything_with_submit(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        assert totals(tmp_path, executor=pool) == TOTALS


class Polled:
    """A future that can be looked at only."""

    def __init__(self, function, arguments):
        self.thread = threading.Thread(target=self._run, args=(function, arguments))
        self.thread.start()

    def _run(self, function, arguments):
        self.value = function(*arguments)

    def done(self):
        return not self.thread.is_alive()

    def result(self):
        return self.value


class Pool:
    def submit(self, function, *arguments):
        return Polled(function, arguments)


def test_futures_that_cannot_call_back(tmp_path):
    assert totals(tmp_path, executor=Pool()) == TOTALS


class Breaking:
    """Two points are computed, one is lost by itself, then the executor breaks."""

    def __init__(self, error):
        self.error, self.count = error, 0

    def submit(self, function, *arguments):
        future, self.count = Future(), self.count + 1
        if self.count == 3:
            future.set_exception(self.error)
        else:
            future.set_result(function(*arguments))
        return future


def test_a_point_that_the_executor_loses_is_a_failure(tmp_path):
    with pytest.warns(ChaoskitWarning, match="1 of 4 points failed, such as MemoryError: gone"):
        found = sweep(
            GRID,
            fixed={"series": SERIES},
            work=works.total,
            out=tmp_path,
            executor=Breaking(MemoryError("gone")),
        )
    assert [row["status"] for row in found.rows] == ["done", "done", "failed", "done"]


def test_an_executor_that_breaks_ends_the_sweep(tmp_path):
    """What never ran is no failure of a point."""
    with pytest.raises(SweepError, match="the executor broke"):
        totals(tmp_path, executor=Breaking(BrokenExecutor("all gone")))
    assert len(list((tmp_path / "points").iterdir())) == 2
    assert totals(tmp_path, executor="serial") == TOTALS


def test_joblib(tmp_path):
    joblib = pytest.importorskip("joblib", reason='needs joblib: pip install "chaoskit[cluster]"')
    with pytest.raises(InvalidInputError, match='return_as="generator_unordered"'):
        totals(tmp_path, executor=joblib.Parallel(n_jobs=1))
    parallel = joblib.Parallel(n_jobs=2, return_as="generator_unordered", backend="threading")
    assert totals(tmp_path / "threads", executor=parallel) == TOTALS
    rows = sweep({"x": [1, 2]}, work=works.surroundings, out=tmp_path, executor="joblib", processes=2).rows
    assert {row["OPENBLAS_NUM_THREADS"] for row in rows} == {"1"}
    assert os.getpid() not in {row["process"] for row in rows}


@pytest.fixture
def client():
    distributed = pytest.importorskip("distributed", reason='needs Dask: pip install "chaoskit[cluster]"')
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50, memory_limit=None
        ) as cluster,
        distributed.Client(cluster) as made,
    ):
        yield made


def test_dask_with_all_workers_killed_in_mid_run(client, tmp_path):
    """The work of the killed workers, and the series that only they had, are made again."""
    assert totals(tmp_path / "totals", executor=client) == TOTALS
    calls, out = tmp_path / "calls", tmp_path / "out"
    calls.mkdir()
    killed = []

    def kill():
        while len(list(out.glob("points/*.json"))) < 2:
            time.sleep(0.02)
        process = client.run(os.getpid)
        killed.extend(process.values())
        for number in killed:
            os.kill(number, 9)

    killer = threading.Thread(target=kill)
    killer.start()
    found = sweep(
        {"x": list(range(12))}, fixed={"folder": str(calls), "wait": 0.2, "series": SERIES},
        work=works.counted, out=out, executor=client,
    )  # fmt: skip
    killer.join()
    assert len(killed) == 2
    assert [row["value"] for row in found.rows] == [3.0 * x for x in range(12)]
    assert not found.failed


def test_works_get_copies():
    seen = []
    outcome = computing.compute(lambda a: seen.append(a) or {"n": len(a)}, {}, {"a": SERIES})
    assert outcome["result"] == {"n": 5000}
    assert seen[0] is not SERIES
