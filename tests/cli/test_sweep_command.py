"""`chaoskit sweep`: a configuration in, a table out, and errors that name the key."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from henon_rows import henon

from chaoskit.cli import main
from chaoskit.cli.sweep_plan import read_plan
from chaoskit.forcing import Annealed, Generalized, Never, Sparse
from chaoskit.systems import Henon, Lorenz63

CONFIG = """
out = "points"
processes = 1

[data.orbit]
system = "Henon"
steps = 2499
transient = 100

[data.measured]
file = "series.csv"
columns = ["x", "y"]
dt = 0.5
test_share = 0.25
true_exponents = [0.8, -3.2]

[fixed]
epochs = 1
batches_per_epoch = 5
batch_size = 4
sequence_length = 20
cell_options = {n_hidden = 10}
evaluate_options = {n_resamples = 0}

[grid]
forcing = [{name = "sparse", tau = 2}]
seed = [0, 1]
"""


@pytest.fixture
def config(tmp_path):
    np.savetxt(tmp_path / "series.csv", henon(2000), delimiter=",", header="x,y", comments="")
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    return file


def test_sweep(config, capsys):
    assert main(["sweep", str(config), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["points"], values["computed"], values["failed"]) == (4, 4, 0)
    assert [row["data"] for row in values["rows"]] == ["orbit", "orbit", "measured", "measured"]
    assert [row["seed"] for row in values["rows"]] == [0, 1, 0, 1]
    assert {row["forcing"] for row in values["rows"]} == {"Sparse(tau=2)"}
    with open(config.parent / "points" / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["divergence"]) for row in rows] == [row["divergence"] for row in values["rows"]]
    assert main(["sweep", str(config), "--processes", "2"]) == 0  # everything is there
    out = capsys.readouterr().out
    assert "4 points, 0 failed" in out
    assert "over seeds: divergence" in out


def test_what_a_configuration_asks_for(config):
    config.write_text(
        CONFIG.replace('forcing = [{name = "sparse", tau = 2}]', "").replace(
            "[fixed]", "[fixed]\npatience = 3"
        )
        + 'forcing = ["auto", "never", {name = "annealed", tau = 9}, {name = "generalized", alpha = 0.1}]\n'
        + 'cell = ["plrnn", "lstm"]\nlearning_rate = [1e-3]\n'
        + '[data.partial]\nsystem = "Lorenz63"\nsteps = 3000\ndt = 0.02\ncolumns = [1, 3]\n'
        + "parameters = {rho = 30.0}\n"
    )
    plan = read_plan(config)
    assert plan.grid["forcing"] == ["auto", Never(), Annealed(1, 9), Generalized(0.1)]
    assert plan.grid["cell"] == ["plrnn", "lstm"]
    assert plan.fixed["patience"] == 3
    assert plan.processes == 1
    assert plan.out == config.parent / "points"
    orbit, measured, partial = (plan.grid["data"][name] for name in ("orbit", "measured", "partial"))
    assert orbit["true_exponents"] == Henon.reference_exponents
    assert (measured["dt"], measured["true_exponents"]) == (0.5, [0.8, -3.2])
    np.testing.assert_allclose(measured["test"], henon(2000)[-500:])
    assert partial["series"].values.shape[1] == 2
    assert partial["dt"] == 0.02
    assert "true_exponents" not in partial  # its parameters are not those of the published ones
    assert Lorenz63.reference_exponents is not None


def test_the_configuration_of_the_documentation_is_one(config):
    page = Path(__file__).parents[2] / "docs" / "sweeps.md"
    text = re.search(r"^```toml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)[1]
    config.write_text(text)
    plan = read_plan(config)
    assert list(plan.grid) == ["data", "seed", "n_states", "forcing"]
    assert plan.grid["forcing"][1] == Sparse(20)
    assert len(plan.grid["data"]["lorenz"]["test"]) == 5000


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('out = "points"', "outt = 1", ["outt: unknown; expected some of out"]),
        ('out = "points"', "out = 1", ["out: expected text, got 1"]),
        ("processes = 1", "processes = 0", ["processes: expected a whole number of at least 1"]),
        ("processes = 1", "keep_models = 1", ["keep_models: expected true or false"]),
        ("steps = 2499", "", ["data.orbit: steps: expected how many"]),
        ("steps = 2499", "steps = 2.5", ["data.orbit: steps: expected a whole number"]),
        ("steps = 2499", "steps = 300", ["data.orbit: test_share: expected at least 400 rows"]),
        ("transient = 100", "columns = [3]", ["data.orbit: columns: expected numbers from 1 to 2, got 3"]),
        ("transient = 100", "parameters = {c = 1}", ["data.orbit: parameters: "]),
        ("transient = 100", "tau = 1", ["data.orbit: tau: unknown"]),
        ("transient = 100", "start = [9.0, 9.0]", ["data.orbit: ", "stays finite"]),
        ('"Henon"', '"Hénon"', ["data.orbit: system: expected one of Baker"]),
        ('file = "series.csv"', 'file = "other.csv"', ["data.measured: ", "other.csv"]),
        ('file = "series.csv"', "", ["data.measured: expected a table with file, or with system"]),
        ("test_share = 0.25", "test_share = 2", ["data.measured: test_share: expected a number from 0 to 1"]),
        ('"sparse", tau = 2', '"sparce", tau = 2', ["grid.forcing: name: expected one of auto, sparse"]),
        ('"sparse", tau = 2', '"never", tau = 2', ["grid.forcing: tau: expected with forcing sparse"]),
        ('"sparse", tau = 2', '"windowed"', ["grid.forcing: forcing windowed: expected tau with it"]),
        ('"sparse", tau = 2', '"sparse", taus = 2', ["grid.forcing: taus: unknown"]),
        ("seed = [0, 1]", "seed = 0", ["grid.seed: expected an array of values, got 0"]),
        ("seed = [0, 1]", "data = [0]", ["grid.data: expected other names"]),
        ("seed = [0, 1]", "seeds = [0]", ["takes no seeds"]),
        ("epochs = 1", "epoch = 1", ["takes no epoch"]),
        ("[fixed]", "[fixed", ["expected TOML, got", "line"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_errors_name_the_key(old, new, words, config, capsys):
    assert old in CONFIG
    config.write_text(CONFIG.replace(old, new))
    assert main(["sweep", str(config)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    for word in words:
        assert word in captured.err
    assert not (config.parent / "points").exists()


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert main(["sweep", str(tmp_path / "none.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err
