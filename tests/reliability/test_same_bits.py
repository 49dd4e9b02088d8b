"""The same call gives the same bits, in another process and on another number of threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import chaoskit

# With as many threads: sums over the shares of a batch are taken in the order of the shares.
BY_THREADS = {"batches shared by threads"}


@pytest.fixture(scope="module")
def found():
    """Results of fresh processes, by their name."""

    def results(cores: int) -> dict[str, str]:
        run = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("results.py")), str(cores)],
            env=os.environ | {"PYTHONPATH": str(Path(chaoskit.__file__).parents[1])},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(run.stdout)

    return {"one": results(1), "two": results(2), "two again": results(2)}


def test_runs_agree(found):
    assert found["two"] == found["two again"]


def test_thread_counts_agree(found):
    one, two = found["one"], found["two"]
    assert len(one) == 8
    assert {name for name in one if one[name] != two[name]} == BY_THREADS
