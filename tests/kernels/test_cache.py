"""The disk cache: an edit to any compiled source counts, and a second process compiles nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import chaoskit

PROGRAM = """
import json, time
start = time.perf_counter()
import chaoskit
ready = time.perf_counter()
import numpy as np
from chaoskit.kernels import cpu_forward
import {module} as own
call = time.perf_counter()
cell = own.Cell(np.full((2, 2), 0.5), np.zeros((2, 0)), np.zeros(2))
value = float(chaoskit.simulate(cell, [0.3, 0.2], 1)[1, 0])
done = time.perf_counter()
stats = [d.stats for d in cpu_forward.orbit.dispatchers.values()]
print(json.dumps({{
    "value": value, "import": ready - start, "first_call": done - call,
    "hits": sum(sum(s.cache_hits.values()) for s in stats),
    "misses": sum(sum(s.cache_misses.values()) for s in stats),
}}))
"""

OWN_CELL = """
from typing import NamedTuple
import numpy as np
from chaoskit.cells import Layout, Tanh

class Cell(NamedTuple):
    W: np.ndarray
    U: np.ndarray
    b: np.ndarray
    layout = Layout()
    weights, input_weights, unit_parameters = Tanh.weights, Tanh.input_weights, Tanh.unit_parameters
    def local(cell, p, x, a):
        return (2.0 * a[0] + p[0],), ()
"""


def run(folder: Path, module: str) -> dict:
    """The program in a process of its own, with the package found in `folder` and a cache beside it."""
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module)], env=environment, cwd=folder, text=True,
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(chaoskit.__file__).parent, folder / "chaoskit", ignore=ignored)
    (folder / "inside.py").write_text("from chaoskit.cells import ReLU as Cell\n")
    (folder / "outside.py").write_text(OWN_CELL)
    return folder


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    shutil.rmtree(file.parent / "__pycache__", ignore_errors=True)


def test_an_edit_of_a_cell_recompiles_and_a_second_process_does_not(copy, measured):
    first = run(copy, "inside")
    assert (first["hits"], first["misses"]) == (0, 1)
    assert first["value"] == pytest.approx(0.25)
    second = run(copy, "inside")
    assert (second["hits"], second["misses"]) == (1, 0)
    measured("import_seconds", f"{second['import']:.2f}")
    measured("first_warm_call_seconds", f"{second['first_call']:.2f}")
    print(f"import {second['import']:.2f} s, first warm call {second['first_call']:.2f} s")
    edit(
        copy / "chaoskit" / "cells" / "relu_network.py",
        "return (relu(a[0] + p[0]),), ()",
        "return (relu(a[0] + p[0]) - p[0] + 9.0 * a[0],), ()",
    )
    third = run(copy, "inside")
    assert (third["hits"], third["misses"]) == (0, 1)
    assert third["value"] == pytest.approx(2.5)


def test_an_edit_of_ones_own_cell_recompiles(copy):
    first = run(copy, "outside")
    assert first["value"] == pytest.approx(0.5)
    assert run(copy, "outside")["misses"] == 0
    edit(copy / "outside.py", "2.0 * a[0]", "4.0 * a[0]")
    third = run(copy, "outside")
    assert third["misses"] == 1
    assert third["value"] == pytest.approx(1.0)


OWN_MAP = """
import chaoskit

def halve(x, p, out):
    out[0] = 0.5 * x[0]

print(chaoskit.simulate(chaoskit.systems.Map(halve, dim=1), [1.0], 2)[:, 0].tolist())
"""


def test_a_system_of_ones_own_is_found_from_another_module(tmp_path):
    """Its kernel is known by the text of its functions, wherever they are."""
    package = Path(chaoskit.__file__).parent.parent
    for place in ("here", "there"):
        folder = tmp_path / place
        folder.mkdir()
        (folder / f"own_{place}.py").write_text(OWN_MAP)
        found = {"PYTHONPATH": f"{folder}{os.pathsep}{package}", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        done = subprocess.run(
            [sys.executable, "-c", f"import own_{place}"], env=os.environ | found, text=True,
            capture_output=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "[1.0, 0.5, 0.25]"
