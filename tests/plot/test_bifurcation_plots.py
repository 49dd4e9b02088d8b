"""Pictures of scans: they show every sample, and mark what was found."""

from __future__ import annotations

import io

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chaoskit import bifurcation_scan
from chaoskit.cells import Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.plot import bifurcation_diagram, bifurcation_watch
from chaoskit.plot._style import new_figure
from chaoskit.systems import Logistic
from chaoskit.training import BifurcationWatch, TrainingState

SCAN = bifurcation_scan(Logistic, "r", [2.9, 3.1, 3.2, 3.9, 4.1])


def test_the_diagram_shows_samples_and_exponents():
    upper, lower = bifurcation_diagram(SCAN)
    stream = io.BytesIO()
    upper.figure.savefig(stream, format="png")
    assert stream.getvalue().startswith(b"\x89PNG")
    drawn = np.concatenate([line.get_xydata() for line in upper.lines if line.get_marker() == "."])
    assert len(drawn) == sum(len(s) for s in SCAN.samples) == 1 + 2 + 2 + 200
    names = [text.get_text() for text in upper.get_legend().get_texts()]
    assert names == ["fixed point, cycle", "chaotic"]
    marks = [line.get_xdata()[0] for line in upper.lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(marks, [(b.before + b.after) / 2 for b in SCAN.bifurcations])
    exponents = next(line for line in lower.lines if line.get_label() == r"$\lambda_1$").get_ydata()
    np.testing.assert_allclose(exponents[:4], SCAN.exponents[:4, 0])
    assert np.isnan(exponents[4])
    assert (lower.get_xlabel(), lower.get_ylabel()) == ("r", r"$\lambda$ per step")


def test_given_axes_are_used():
    figure = new_figure(6, 6)
    pair = [figure.add_subplot(2, 1, row + 1) for row in range(2)]
    assert list(bifurcation_diagram(SCAN, axes=pair)) == pair
    with pytest.raises(InvalidInputError, match="axes"):
        bifurcation_diagram(SCAN, axes=pair[:1])


def watched():
    """A unit whose gain grows through 1, with a loss that jumps."""
    watch, losses = BifurcationWatch(), np.where(np.arange(20) < 14, 1.0, 9.0) + 0.01 * np.arange(20)
    for epoch in range(1, 21):
        cell = Tanh(np.array([[0.8 + 0.03 * epoch]]), np.zeros((1, 0)), np.zeros(1))
        watch(TrainingState(epoch, epoch, cell, np.eye(1), losses[:epoch], losses[:epoch], None, 0, None))
    return watch.result()


def test_a_watched_training():
    result = watched()
    loss, exponent, moduli = bifurcation_watch(result)
    stream = io.BytesIO()
    loss.figure.savefig(stream, format="png")
    assert stream.getvalue().startswith(b"\x89PNG")
    np.testing.assert_array_equal(loss.lines[0].get_xydata(), np.c_[result.loss_epochs, result.losses])
    jump = next(line for line in loss.lines if line.get_marker() == "v")
    assert jump.get_xdata().tolist() == [15]
    curves = [line for line in moduli.lines if line.get_marker() == "."]
    assert len(curves) == len(result.tracks) == 3
    marks = {line.get_xdata()[0] for line in exponent.lines if line.get_linestyle() == "--"}
    assert marks == {e.epoch for e in result.events if e.kind != "loss jump"} == {7}
    figure = new_figure(6, 8)
    three = tuple(figure.add_subplot(3, 1, row + 1) for row in range(3))
    assert tuple(bifurcation_watch(result, axes=three)) == three
