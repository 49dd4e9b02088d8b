"""`chaoskit gradients`: the figure of the theory, and the same of a model."""

from __future__ import annotations

import json

import numpy as np
import pytest

import chaoskit
from chaoskit.cli import main


def growths(capsys, *arguments) -> dict:
    capsys.readouterr()
    assert main(["gradients", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["growths"]


def test_the_three_regimes(tmp_path, capsys):
    picture = tmp_path / "gradients.png"
    assert main(["gradients", "--output", str(picture)]) == 0
    out = capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in out
    assert [line.split(":")[1].split()[0] for line in out.splitlines() if ": " in line] == [
        "bounded", "sub-exponential", "explodes",
    ]  # fmt: skip
    found = growths(capsys, "--steps", 200)
    assert found["stable 5-cycle"]["rate"] == pytest.approx(np.log(0.2) / 5, rel=1e-3)
    largest = {name: max(v for v in g["log_loss"] if v is not None) for name, g in found.items()}
    assert largest["stable 5-cycle"] < largest["quasi-periodic"] < 10 < largest["chaotic"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gradients")
    series = chaoskit.simulate(chaoskit.systems.Henon(), [0.1, 0.1], 1999, transient=100)
    np.save(folder / "series.npy", series)
    model = chaoskit.fit(
        series,
        forcing=chaoskit.forcing.Sparse(3),
        epochs=8,
        sequence_length=20,
        cell_options={"n_hidden": 10},
    )
    model.save(folder / "model.npz")
    return folder


def test_a_model_with_and_without_forcing(trained, capsys):
    found = growths(capsys, trained / "model.npz", trained / "series.npy", "--steps", 60)
    free, forced = found["without forcing"], found["forced every 3 steps"]
    assert forced["kind"] == "cut"
    assert all(value is None for value in forced["log_state"][3:])  # -inf, which JSON does not know
    assert len(free["log_state"]) == len(forced["log_state"])
    assert list(growths(capsys, trained / "model.npz", "--steps", 60)) == ["free run"]


def test_what_cannot_be(trained, tmp_path, capsys):
    for arguments, words in (
        ([trained / "model.npz", trained / "series.npy", "--steps", 5000], "series"),
        ([trained / "series.npy"], "series.npy"),
        (["--steps", 0], "steps"),
        (["--inputs", trained / "series.npy"], "MODEL"),
        (["--output", tmp_path / "no" / "folder.png"], "folder.png"),
    ):
        capsys.readouterr()
        assert main(["gradients", *map(str, arguments)]) == 2
        assert words in capsys.readouterr().err
