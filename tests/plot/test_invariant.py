"""The picture of an attractor with its fixed points and cycles."""

from __future__ import annotations

import io

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import chaoskit
from chaoskit.errors import InvalidInputError
from chaoskit.plot import invariant_sets
from chaoskit.plot._style import new_figure
from chaoskit.systems import Henon, Logistic, Lorenz63

HENON = Henon()
ORBIT = chaoskit.simulate(HENON, [0.1, 0.1], 500, transient=100)
POINTS, PAIR = chaoskit.fixed_points(HENON), chaoskit.cycles(HENON, 2)


def rendered(ax) -> bool:
    stream = io.BytesIO()
    ax.figure.savefig(stream, format="png")
    return stream.getvalue().startswith(b"\x89PNG")


def texts(ax) -> list[str]:
    return [t.get_text() for t in ax.get_legend().get_texts()]


def test_points_cycles_and_directions_are_where_they_belong():
    ax = invariant_sets(ORBIT, POINTS, PAIR, kind="points")
    assert texts(ax) == ["fixed points: 2, 0 stable", "2-cycles: 1, 0 stable"]
    lines = [line.get_xydata() for line in ax.lines]
    np.testing.assert_array_equal(lines[0], ORBIT)
    for point in POINTS.points[:, 0]:
        assert any(len(xy) == 1 and np.allclose(xy, point) for xy in lines)
    ring = np.concatenate([PAIR.points[0], PAIR.points[0][:1]])
    assert any(xy.shape == ring.shape and np.allclose(xy, ring) for xy in lines)
    segment = next(xy for xy in lines if len(xy) == 2 and np.allclose(xy.mean(axis=0), POINTS.points[0, 0]))
    along = segment[1] - segment[0]
    vector = POINTS.unstable_directions[0][0, 0]
    assert abs(along @ vector) == pytest.approx(np.linalg.norm(along) * np.linalg.norm(vector))
    assert rendered(ax)
    assert len(invariant_sets(ORBIT, POINTS, directions=False).lines) == 4  # orbit, two points, legend


def test_stable_points_are_filled():
    model = Logistic(r=3.2)
    orbit = chaoskit.simulate(model, [0.3], 50)
    ax = invariant_sets(orbit, chaoskit.fixed_points(model), chaoskit.cycles(model, 2))
    faces = {tuple(line.get_xydata()[0].round(3)): line.get_markerfacecolor() for line in ax.lines if
             line.get_marker() in ("o", "s") and len(line.get_xydata())}  # fmt: skip
    assert faces[(0.688, 0.688)] == "white"
    assert faces[(0.513, 0.799)] != "white"
    assert ax.get_xlabel() == "x(t)"
    assert "2-cycles: 1, 1 stable" in texts(ax)
    assert rendered(ax)


def test_space_decoder_and_points_outside():
    orbit = chaoskit.simulate(Lorenz63(), [1.0, 2.0, 20.0], 500, transient=500)
    found = chaoskit.fixed_points(Lorenz63(), starts=60)
    ax = invariant_sets(10.0 + 2.0 * orbit, found, decode=lambda z: 10.0 + 2.0 * z)
    assert rendered(ax)
    places = [np.array(line.get_data_3d())[:, 0] for line in ax.lines if line.get_marker() == "o"
              and line.get_data_3d()[0].size]  # fmt: skip
    for point in found.points[:, 0]:
        assert any(np.allclose(place, 10.0 + 2.0 * point) for place in places)
    small = invariant_sets(orbit[:20], found)
    assert texts(small)[0].endswith("outside")
    flat = invariant_sets(orbit, found, columns=(0, 2))
    assert (flat.get_xlabel(), flat.get_ylabel()) == ("$x_1$", "$x_3$")
    figure = new_figure(3, 3)
    ax = figure.add_subplot(projection="3d")
    assert invariant_sets(orbit, found, ax=ax) is ax


def test_an_empty_set_is_drawn():
    ax = invariant_sets(ORBIT, chaoskit.cycles(HENON, 3, starts=20))
    assert texts(ax) == ["3-cycles: 0, 0 stable"]
    assert rendered(ax)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: invariant_sets(ORBIT, POINTS, kind="dots"), "kind"),
        (lambda: invariant_sets(ORBIT[:, 0], POINTS), "2 columns of the states"),
        (lambda: invariant_sets(ORBIT, ORBIT), "expected CycleSet"),
        (lambda: invariant_sets(ORBIT, POINTS, columns=(0, 5)), "columns"),
        (lambda: invariant_sets(ORBIT, POINTS, columns=(0,)), "columns"),
        (lambda: invariant_sets(ORBIT[:, 0], columns=(0, 1)), "against itself"),
        (lambda: invariant_sets(np.zeros((9, 3)), ax=new_figure(1, 1).add_subplot()), "3d"),
    ],
)
def test_bad_input_is_named(draw, message):
    with pytest.raises(InvalidInputError, match=message):
        draw()
