"""A training as a row of a table, alone and in a sweep that keeps its models."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from chaoskit import evaluate, fit, load, simulate, sweep
from chaoskit.errors import ChaoskitWarning, InvalidInputError, MissingDependencyError
from chaoskit.forcing import Sparse
from chaoskit.measures import published_2021
from chaoskit.sweeps import SweepResult, Together, train_and_judge
from chaoskit.systems import Henon
from chaoskit.training import split_in_time

HENON = simulate(Henon(), [0.1, 0.1], 2499, transient=100)
TRAIN, TEST = split_in_time(HENON)
OPTIONS = {
    "epochs": 1, "batches_per_epoch": 5, "batch_size": 4, "sequence_length": 20,
    "cell_options": {"n_hidden": 10},
}  # fmt: skip
JUDGED = {"evaluate_options": {"n_resamples": 0}}


# Five updates leave networks whose runs may stand still.
pytestmark = pytest.mark.filterwarnings(
    "ignore:training. no checkpoint could be told:chaoskit.ChaoskitWarning"
)


def test_the_numbers_are_those_of_fit_and_evaluate():
    row = train_and_judge(
        TRAIN, TEST, forcing=Sparse(2), seed=0, true_exponents=Henon.reference_exponents, **OPTIONS, **JUDGED
    )
    model = fit(TRAIN, forcing=Sparse(2), seed=0, threads=1, **OPTIONS)
    judged = evaluate(model, TEST, n_resamples=0, true_exponents=Henon.reference_exponents)
    assert row["divergence"] == judged.state_space_divergence
    assert row["divergence_floor"] == judged.state_space_floor
    assert row["spectral_distance"] == judged.spectral_distance
    assert row["prediction_error"] == judged.prediction_error
    assert (row["exponent_1"], row["exponent_2"]) == tuple(judged.exponents)
    assert row["exponent_2_error"] == judged.exponents_stderr[1]
    assert row["verdict"] == judged.verdict.split(":")[0]
    assert (row["tau"], row["updates"], row["loss"]) == (2, 5, float(model.history["loss"][-1]))
    assert row["divergence_low"] is None  # no resamples, no interval
    assert row["seconds"] > 0
    assert not any(isinstance(value, float) and math.isnan(value) for value in row.values())


def test_the_end_of_a_single_series_judges():
    one = train_and_judge(HENON, forcing=Sparse(2), **OPTIONS, **JUDGED)
    two = train_and_judge(TRAIN, TEST, forcing=Sparse(2), **OPTIONS, **JUDGED)
    assert one | {"seconds": 0} == two | {"seconds": 0}
    with pytest.raises(InvalidInputError, match="test: expected one for a driven system"):
        train_and_judge(HENON, inputs=HENON, forcing=Sparse(2), **OPTIONS)


def test_published_measures_stand_beside_the_others():
    """Of a run from the first test row, all in standard deviations of the training series."""
    row = train_and_judge(TRAIN, TEST, forcing=Sparse(2), published_rows=400, **OPTIONS, **JUDGED)
    model = fit(TRAIN, forcing=Sparse(2), threads=1, **OPTIONS)
    run = model.predict(TEST[None, :1], 400)[0]
    true, made, trained = ((x - model.mean) / model.scale for x in (TEST, run, TRAIN))
    assert row["published_divergence"] == published_2021.state_space_divergence(true, made)
    assert row["published_divergence_floor"] == published_2021.state_space_divergence(true, trained)
    assert row["published_spectral_distance"] is None  # 400 rows are too few for its pieces


def test_baselines_stand_beside_the_network():
    row = train_and_judge(TRAIN, TEST, forcing=Sparse(2), baselines=True, **OPTIONS, **JUDGED)
    assert row["baseline_divergence"] < row["divergence"]  # five updates are no training
    assert "echo-state" in row["better_baselines"]


def test_a_sweep_keeps_its_models_and_tells_of_trainings_that_fail(tmp_path):
    """The seed changes the model, a wrong option fails alone, and what is kept is what was judged."""
    data = {"henon": Together(series=TRAIN, test=TEST)}
    grid = {"data": data, "seed": [0, 1], "learning_rate": [1e-3, -1.0]}
    fixed = {"forcing": Sparse(2), **OPTIONS, **JUDGED}
    with pytest.warns(ChaoskitWarning, match="2 of 4 points failed, such as InvalidInputError: l"):
        found = sweep(grid, fixed=fixed, out=tmp_path, processes=1, keep_models=True)
    assert [row["status"] for row in found.rows] == ["done", "failed"] * 2
    here = train_and_judge(TRAIN, TEST, seed=1, learning_rate=1e-3, **fixed)
    there = {name: found.rows[2][name] for name in here}
    assert there | {"seconds": 0} == here | {"seconds": 0}  # the same bits in another process
    model = load(found.rows[2]["model"])
    assert evaluate(model, TEST, n_resamples=0).state_space_divergence == there["divergence"]
    assert found.rows[1]["model"] is None
    Path(found.rows[0]["model"]).unlink()
    with pytest.warns(ChaoskitWarning, match="2 of 4"):
        assert sweep(grid, fixed=fixed, out=tmp_path, executor="serial", keep_models=True).computed == 1
    with pytest.warns(ChaoskitWarning, match="2 of 4"):
        assert sweep(grid, fixed=fixed, out=tmp_path, processes=1, keep_models=True).computed == 0


def result(rows):
    full = [{"status": "done", "error": None, "warnings": None} | row for row in rows]
    return SweepResult(full, ("tau", "seed"), 0, "folder")


def test_medians_over_seeds():
    values = {1: [1.0, 2.0, 10.0, None], 2: [float("inf"), 3.0, float("nan"), 5.0], 3: [None] * 4}
    rows = [{"tau": t, "seed": s, "value": v} for t, vs in values.items() for s, v in enumerate(vs)]
    found = result(rows).summary("value")
    assert [(r["tau"], r["points"], r["missing"]) for r in found.rows] == [(1, 4, 1), (2, 4, 1), (3, 4, 4)]
    assert [found.rows[0][k] for k in ("least", "low", "median", "high", "largest")] == [1, 1.5, 2, 6, 10]
    assert (found.rows[1]["median"], found.rows[1]["largest"]) == (5.0, float("inf"))
    assert found.rows[2]["median"] is None
    assert "missing" in str(found)
    assert len(result(rows).summary("value", over=("tau", "seed")).rows) == 1
    with pytest.raises(InvalidInputError, match="over: expected some of tau, seed"):
        result(rows).summary("value", over="cell")
    with pytest.raises(InvalidInputError, match="column: expected one of"):
        result(rows).summary("values")
    with pytest.raises(InvalidInputError, match="expected numbers under 'status'"):
        result(rows).summary("status")


def test_tables(tmp_path, monkeypatch):
    rows = [{"tau": 1, "seed": 0, "value": 0.1 + 0.2}, {"tau": 2, "seed": 0, "value": None}]
    found = result(rows)
    found.to_csv(tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", newline="") as file:
        read = list(csv.DictReader(file))
    assert (float(read[0]["value"]), read[1]["value"]) == (0.1 + 0.2, "")
    pandas = pytest.importorskip("pandas")
    frame = found.to_frame()
    assert list(frame.columns) == found.columns
    assert frame["value"][0] == 0.1 + 0.2
    assert np.isnan(frame["value"][1])
    monkeypatch.setitem(__import__("sys").modules, pandas.__name__, None)
    with pytest.raises(MissingDependencyError, match="to_frame needs pandas"):
        found.to_frame()
