"""Training on a series in segments: no window crosses a gap, and one segment is no segments."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit import estimate_lyapunov, fit, load
from chaoskit._labelled import TimeSeries
from chaoskit.errors import InvalidInputError
from chaoskit.forcing import Sparse
from chaoskit.training.data import prepare_data

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(400, 2)).cumsum(axis=0)
CUT = TimeSeries(VALUES, names=("x", "y"), segments=((0, 100), (100, 330), (330, 345), (345, 400)))


def test_windows_lie_within_segments():
    data = prepare_data(CUT, np.arange(400.0), (3, 4), 0.0, np.dtype("float64"))
    # nine rows of each segment begin no delay vector
    assert data.stretches == ((0, 91), (91, 312), (312, 318), (318, 364))
    starts = data.window_starts(20)
    assert len(starts) == 71 + 201 + 0 + 26
    for start in starts:
        rows = data.driving[start : start + 21, 0] * data.input_scaling.scale + data.input_scaling.mean
        np.testing.assert_allclose(np.diff(rows), 1.0)  # consecutive rows of the series
        first = round(rows[0])
        assert {k for k, (a, b) in enumerate(CUT.segments) if a <= first - 9 and first + 20 < b}
        newest = data.rows[start, -2:] * data.scaling.scale + data.scaling.mean
        np.testing.assert_allclose(newest, VALUES[first])
    np.testing.assert_array_equal(data.judged, VALUES[100:330])
    np.testing.assert_array_equal(data.judged_inputs[:, 0], np.arange(100, 330))


OPTIONS = {"forcing": Sparse(2), "epochs": 2, "batches_per_epoch": 5, "sequence_length": 20}


def test_a_model_of_segments_goes_on_from_the_longest(tmp_path):
    model = fit(CUT, **OPTIONS)
    np.testing.assert_array_equal(model.context, VALUES[329:330])
    assert (model.settings["segments"], model.settings["columns"]) == (4, ["x", "y"])
    model.save(tmp_path / "m.npz")
    assert load(tmp_path / "m.npz").settings["columns"] == ["x", "y"]
    again = fit(CUT, **OPTIONS)
    np.testing.assert_array_equal(model.cell.W1, again.cell.W1)


def test_one_segment_is_the_same_training():
    plain, one = fit(VALUES, **OPTIONS), fit(TimeSeries(VALUES, dt=0.5, segments=((0, 400),)), **OPTIONS)
    np.testing.assert_array_equal(plain.cell.W1, one.cell.W1)
    assert (plain.dt, one.dt) == (1.0, 0.5)
    assert fit(TimeSeries(VALUES, dt=0.5), dt=0.1, **OPTIONS).dt == 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_share": 0.2}, "validation_share: expected 0 for a series in 4 segments"),
        ({"sequence_length": 230}, "sequence_length: expected at most 229 steps for 230 rows"),
        ({"embedding": (80, 4)}, "embedding: expected at least 260 rows .* got 230"),
    ],
)
def test_what_does_not_fit_the_segments(options, message):
    with pytest.raises(InvalidInputError, match=message):
        fit(CUT, **(OPTIONS | options))


def test_others_want_one_stretch():
    with pytest.raises(InvalidInputError, match="got 4 segments"):
        estimate_lyapunov(CUT)
    assert len(CUT.longest) == 230
    assert "4 segments" in repr(CUT)
