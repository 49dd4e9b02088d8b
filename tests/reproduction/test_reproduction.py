"""Experiments of the paper: data from equations, published settings, pages that lose nothing."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest

from chaoskit import lyapunov_spectrum
from chaoskit.cli import main
from chaoskit.errors import InvalidInputError, ModelFileError
from chaoskit.measures import published_2021
from chaoskit.reproduction import NAMES, reproduce, reproducing
from chaoskit.reproduction.data import DATA
from chaoskit.reproduction.experiments import EXPERIMENTS, QUICK, Size
from chaoskit.reproduction.floors import floors
from chaoskit.reproduction.medians import DISTANCES, best, settings_of
from chaoskit.reproduction.tables import page
from chaoskit.sweeps import SweepResult
from chaoskit.systems import Duffing, Lorenz63, Roessler

SYSTEMS = {
    "lorenz63": (Lorenz63(rho=38.0), 0.01), "usual_lorenz63": (Lorenz63(), 0.01),
    "roessler": (Roessler(a=0.15, b=0.2, c=10.0), 0.02), "duffing": (Duffing(d=0.1, A=0.35, w=1.4), 0.04),
}  # fmt: skip


@pytest.mark.parametrize("name", DATA)
def test_two_stretches_of_one_orbit(name):
    data = DATA[name](1_000)
    assert data.train.shape == data.test.shape
    assert len(data.train) == 1_000
    joined = np.concatenate([data.train, data.test])
    steps = np.abs(np.diff(joined, axis=0)).max(axis=1)
    assert steps[999] <= 1.5 * steps.max()  # the test data go on where the training data end
    assert 5.0 < data.predictability_time < 200.0
    assert np.ptp(data.train, axis=0).min() > 0.1


@pytest.mark.parametrize("name", SYSTEMS)
def test_exponents_are_those_of_the_equations(name):
    system, dt = SYSTEMS[name]
    data = DATA[name](1_000)
    found = lyapunov_spectrum(system, steps=100_000, dt=dt, transient=5_000)
    assert found.exponents[0] == pytest.approx(data.exponents[0], rel=0.06)
    assert sum(found.exponents) == pytest.approx(sum(data.exponents), rel=0.01)


def test_inputs_of_duffing_are_its_force():
    data = DATA["duffing"](2_000)
    x, v = data.train.T
    acceleration = (v[2:] - v[:-2]) / (2.0 * data.dt)
    expected = -0.1 * v[1:-1] + x[1:-1] - x[1:-1] ** 3 + 0.35 * data.inputs[1:-1, 0]
    assert np.median(np.abs(acceleration - expected)) < 0.03 * np.std(acceleration)


def test_long_intervals_have_long_windows():
    points = list(EXPERIMENTS["lorenz63"].points(Size()))
    assert len(points) == 3 * (3 * 8 + 1)
    for point in points:
        tau, setting = point["interval"].label, point["network"].value
        if tau != "auto":
            assert setting["sequence_length"] == (1000 if tau >= 100 else 100)
            assert setting["epochs"] * setting["batches_per_epoch"] == 30_000
            assert (setting["gradient_clip"], setting["validation_measure"]) == (math.inf, "last")
    clipped = [
        p["network"].value
        for p in EXPERIMENTS["baselines"].points(Size())
        if p["scheme"].label.startswith("clipped")
    ]
    assert {setting["sequence_length"] for setting in clipped} == {1000}


@pytest.fixture
def tiny(monkeypatch):
    """As a quick run, smaller still: one kind of network."""
    size = QUICK._replace(share=0.001)
    monkeypatch.setattr(reproducing, "QUICK", size)
    experiment = EXPERIMENTS["lorenz63"]

    def points(size):
        return (p for p in experiment.points(size) if p["network"].label == "tanh RNN")

    monkeypatch.setitem(EXPERIMENTS, "lorenz63", experiment._replace(points=points))


def test_an_experiment_from_equations_to_page_and_back_again(tiny, tmp_path):
    (first,) = reproduce("lorenz63", out=tmp_path, quick=True, executor="serial")
    assert [row["interval"] for row in first.networks.rows] == [5, 46, 200]
    assert not first.networks.failed
    for row in first.networks.rows:
        assert row["published_divergence"] > row["published_divergence_floor"] > 0.0
    assert {path.name for path in first.files} == {
        "lorenz63.md", "lorenz63.csv", "lorenz63-baselines.csv", "lorenz63.png",
    }  # fmt: skip
    assert first.files[3].read_bytes()[:4] == b"\x89PNG"
    with open(first.files[1], newline="") as table:  # models are where the table says, seen from its folder
        assert all((tmp_path / row["model"]).is_file() for row in csv.DictReader(table))
        assert str(tmp_path) not in first.files[1].read_text()
    text = first.files[0].read_text()
    for words in ("| tanh RNN | 46 |", "| Gaussian noise |", "floor: two true series", "8.7"):
        assert words in text
    (again,) = reproduce("lorenz63", out=tmp_path, quick=True, executor="serial")
    assert again.networks.computed == again.baselines.computed == 0
    assert again.page == text


def test_command(tiny, tmp_path, capsys):
    arguments = ["reproduce", "lorenz63", "--quick", "-o", str(tmp_path), "--processes", "1", "--json"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["interval"] for row in told["results"][0]["networks"]] == [5, 46, 200]


def test_theorems(tmp_path):
    (found,) = reproduce("theorems", out=tmp_path, quick=True)
    for regimes in found.values().values():
        assert regimes["stable 5-cycle"]["kind"] == "vanishes"
        assert regimes["quasi-periodic"]["kind"] == "sub-exponential"
        assert regimes["chaotic"]["kind"] == "explodes"
        assert regimes["chaotic"]["rate"] == pytest.approx(regimes["chaotic"]["exponent"], abs=0.05)
    assert all(path.exists() for path in found.files)


def test_unknown_names_and_places(tmp_path):
    with pytest.raises(InvalidInputError, match=r"name: expected one of lorenz63, .*got 'lorenz'"):
        reproduce("lorenz", out=tmp_path)
    with pytest.raises(InvalidInputError, match="seeds"):
        reproduce("lorenz63", out=tmp_path, seeds=0)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ModelFileError, match="cannot be written"):
        reproduce("theorems", out=blocked / "folder", quick=True)
    promised = "lorenz63 roessler duffing lorenz2d mackey_glass baselines theorems gtf"
    assert set(promised.split()) <= set(NAMES)


FLOORS = {"divergence": 0.05, "spectral_distance": 0.01, "published_divergence": 0.01}


def row(seed, divergence, **more):
    values = {
        "network": "LSTM", "interval": 30, "seed": seed, "divergence": divergence, "spectral_distance": 0.1,
        "published_divergence": divergence, "published_spectral_distance": 0.1, "exponent_1": 1.0,
        "training_diverged_at": None, "verdict": "wrong", "status": "done", "error": None, "seconds": 60.0,
    }  # fmt: skip
    return values | more


def result(tmp_path, *rows):
    return SweepResult(list(rows), ("network", "interval", "seed"), 0, tmp_path)


def test_what_diverged_is_the_worst_and_is_counted(tmp_path):
    """Two of three that diverge, of which one left a number from before, make a median that diverged."""
    lost = row(1, 0.2, training_diverged_at=40), row(2, None, diverged_at=7, published_divergence=None)
    (setting,) = settings_of(result(tmp_path, row(0, 0.1), *lost), "interval")
    assert (setting.median("divergence"), setting.spreads["divergence"].lost) == (math.inf, 2)
    assert best([setting], "divergence") is None
    (kept,) = settings_of(result(tmp_path, row(0, 0.1), row(1, 0.3), lost[1]), "interval")
    assert kept.median("divergence") == 0.3
    assert kept.spreads["divergence"].largest == math.inf


def test_a_page_of_failures_alone(tmp_path):
    """Nothing was measured, and the page says why."""
    data = DATA["lorenz63"](1_000)
    failed = {"network": "LSTM", "interval": 30, "seed": 0, "status": "failed", "error": "WorkerDied: gone"}
    lost = SweepResult([failed | {"baseline": "Gaussian noise"}], ("baseline",), 0, tmp_path)
    text = page("lorenz63", EXPERIMENTS["lorenz63"], data, result(tmp_path, failed), lost, FLOORS, Size())
    assert "| LSTM | 30 | - | - | 0.062 |" in text
    assert "1 trainings failed, such as WorkerDied: gone." in text


def test_a_page_says_which_baseline_is_better(tmp_path):
    data = DATA["lorenz63"](1_000)
    networks = result(tmp_path, row(0, 0.5), row(1, 0.6), row(2, 0.7))
    baselines = SweepResult(
        [
            row(0, 0.08, baseline="next-generation reservoir"), row(0, 2.0, baseline="Gaussian noise"),
            row(0, None, baseline="linear autoregression", diverged_at=3),
        ],
        ("baseline",), 0, tmp_path,
    )  # fmt: skip
    text = page("lorenz63", EXPERIMENTS["lorenz63"], data, networks, baselines, FLOORS, Size())
    assert "Better, and without training by gradients: next-generation reservoir (0.08)." in text
    assert "score 2: 0 of 1 settings are worse" in text
    assert "| LSTM | 30 | 0.6 (0.5 to 0.7) | 0.6 (0.5 to 0.7) | 0.062 |" in text
    assert "| linear autoregression | diverged |" in text
    assert "0 of 3 networks have at most twice the floor" in text
    scored = (data.test - data.train.mean(axis=0)) / data.train.std(axis=0)
    assert f"holds {published_2021.counted_share(scored):.0%} of the rows" in text


def test_floors_are_of_series_as_long_as_those_judged():
    """Twice as long series are nearer to each other; what cannot be taken of many columns is left out."""
    short, long = (floors(DATA["lorenz63"](rows)) for rows in (2_500, 10_000))
    assert set(long) == {*DISTANCES}
    assert long["divergence"] < short["divergence"]
    assert "published_divergence" not in floors(DATA["lorenz96"](2_500))
