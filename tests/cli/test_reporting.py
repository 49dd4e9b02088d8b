"""`chaoskit train --report`: what is held out, and what drives or interrupts the series goes with it."""

from __future__ import annotations

import numpy as np
import pytest

import chaoskit
from chaoskit._labelled import TimeSeries
from chaoskit.cli import main
from chaoskit.cli.reporting import hold_out
from chaoskit.errors import InvalidInputError


def test_the_end_of_the_longest_segment_is_held_out():
    rows = np.random.default_rng(0).standard_normal((4000, 1))
    read = TimeSeries(rows, segments=((0, 500), (500, 3500), (3500, 4000)), labels=np.arange(4000))
    held = hold_out(read, 0.2)
    gap = 3000 - 600 - (held.train.segments[1][1] - 500)
    assert (held.held.start, held.held.stop) == (2900, 3500)
    np.testing.assert_array_equal(held.test, rows[2900:3500])
    assert held.train.segments == ((0, 500), (500, 2900 - gap), (2900 - gap, 3400 - gap))
    assert 0 <= gap <= 60
    np.testing.assert_array_equal(held.train.values, rows[held.kept])
    np.testing.assert_array_equal(held.train.labels, np.flatnonzero(held.kept))
    np.testing.assert_array_equal(held.train.longest, rows[500 : 2900 - gap])
    assert not held.kept[2900 - gap : 3500].any()


def test_a_series_in_one_piece():
    rows = np.random.default_rng(0).standard_normal((2500, 2))
    held = hold_out(TimeSeries(rows), 0.2)
    np.testing.assert_array_equal(held.test, rows[2000:])
    np.testing.assert_array_equal(held.train.values, rows[: len(held.train)])
    assert held.train.segments == ()
    with pytest.raises(InvalidInputError, match="at least 400 rows to judge by, got 250"):
        hold_out(TimeSeries(rows), 0.1)


@pytest.mark.slow  # a linear driven cell is compiled for gradients and fixed points
def test_a_driven_network(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    drive = np.random.default_rng(0).standard_normal(2500)
    x = np.zeros((2500, 1))
    for t in range(2499):
        x[t + 1] = 0.7 * x[t] + drive[t] + 0.5
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "u.npy", drive)
    series, inputs = str(tmp_path / "x.npy"), str(tmp_path / "u.npy")
    call = [
        "train", series, "--report", str(tmp_path / "p.html"), "-o", str(tmp_path / "m.npz"),
        "--inputs", inputs, "--cell", "linear", "--dimension", "1", "--forcing", "generalized",
        "--alpha", "0.5", "--epochs", "30", "--sequence-length", "10", "--learning-rate", "0.05",
    ]  # fmt: skip
    assert main(call) == 0
    assert "report" in capsys.readouterr().out
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    for words in ("inputs held at their mean", "1 column of inputs", "1 found, 1 stable"):
        assert words in page
    assert "Not computed" not in page
    model = chaoskit.load(tmp_path / "m.npz")
    place = model.decode(chaoskit.fixed_points(model, inputs=model.input_mean).points[0, 0])
    assert place[0] == pytest.approx((0.5 + drive[:2000].mean()) / 0.3, rel=0.05)
    assert f"<td>{place[0]:.3g}</td>" in page
    np.save(tmp_path / "u.npy", drive[:-1])
    assert main(call) == 2
    assert "--inputs: expected one row for each of 2500 rows" in capsys.readouterr().err
