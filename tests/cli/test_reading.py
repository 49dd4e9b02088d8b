"""Options that say how a file is read, and the verdict, from the shell."""

from __future__ import annotations

import json

import numpy as np
import pytest
from henon_rows import henon

import chaoskit
from chaoskit.cli import main


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A table with a time column, and one with a gap in it."""
    folder = tmp_path_factory.mktemp("reading")
    table = np.column_stack([0.5 * np.arange(1500), henon(1500)])
    options = {"delimiter": ",", "header": "time,x,y", "comments": ""}
    np.savetxt(folder / "even.csv", table, **options)
    np.savetxt(folder / "gap.csv", np.delete(table, np.arange(900, 950), axis=0), **options)
    np.savez(folder / "many.npz", series=table[:, 1:], t=table[:, 0])
    return folder


def run(capsys, *arguments) -> dict:
    capsys.readouterr()
    assert main([*(str(a) for a in arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, *arguments) -> str:
    capsys.readouterr()
    assert main([str(a) for a in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_the_step_comes_from_the_time_column(files, capsys):
    found = run(capsys, "analyze", files / "even.csv", "--time-column", "time")
    assert (found["dt"], found["columns"]) == (0.5, 2)
    again = run(capsys, "analyze", files / "even.csv", "--columns", "x,y", "--dt", 0.5)
    assert again["exponent"] == found["exponent"]
    archive = run(capsys, "analyze", files / "many.npz", "--key", "series", "--time-column", "t")
    assert archive["exponent"] == found["exponent"]
    said = refused(capsys, "analyze", files / "even.csv")
    assert "column 1 (time): goes up evenly by 0.5, as a time does" in said
    both = refused(capsys, "analyze", files / "even.csv", "--time-column", 1, "--dt", 1)
    assert "expected a time column or dt, got both" in both
    assert "holds series, t" in refused(capsys, "analyze", files / "many.npz")


def test_gaps_are_refused_or_cut(files, tmp_path, capsys):
    gap, model = files / "gap.csv", tmp_path / "m.npz"
    options = ["--time-column", "time"]
    assert "line 902: a gap, the time goes on by 25.5" in refused(capsys, "analyze", gap, *options)
    assert main(["analyze", str(gap), *options, "--segments"]) == 0
    captured = capsys.readouterr()
    assert "the longest of 2 segments is taken, 900 of 1450 rows" in captured.err
    assert "900 rows" in captured.out
    training = ["--tau", 2, "--epochs", 1, "--sequence-length", 20, "--n-hidden", 10]
    assert "a gap" in refused(capsys, "train", gap, "-o", model, *options, *training)
    found = run(capsys, "train", gap, "-o", model, *options, "--segments", *training)
    assert (found["segments"], found["names"], found["dt"], found["rows"]) == (2, ["x", "y"], 0.5, 1450)
    fitted = chaoskit.load(model)
    assert (fitted.settings["columns"], fitted.settings["segments"], fitted.dt) == (["x", "y"], 2, 0.5)
    np.testing.assert_allclose(fitted.context[0], henon(1500)[899])
    assert main(["evaluate", str(model), str(files / "even.csv"), *options]) == 0
    out = capsys.readouterr().out
    for word in ("model [95 %]", "valid prediction", "largest exponent, from series (data)"):
        assert word in out
    assert out.splitlines()[-1].split(":")[0] in (
        "wrong",
        "diverged",
        "close",
        "undecided",
        "faithful",
        "copy",
    )
