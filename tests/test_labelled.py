"""Tables of pandas and arrays of xarray wherever an array is taken, and time stamps."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit import _check, compare, estimate_lyapunov, evaluate
from chaoskit._labelled import TimeSeries, unpack
from chaoskit._sampling import gaps, regular_step, seconds
from chaoskit.errors import InvalidInputError


def where(row: int) -> str:
    return f"line {row}"


@pytest.mark.parametrize("step", [1.0, 0.01, 1 / 360, 7e5])
def test_even_times_have_a_step(step):
    times = 3.0 + step * np.arange(1000)
    assert regular_step(times, where) == pytest.approx(step)
    assert len(gaps(times)) == 0


def test_rounded_times_are_even():
    assert regular_step(np.round(np.arange(5000) / 360, 3), where) == pytest.approx(1 / 360, rel=1e-4)
    months = np.arange("1950-01", "2010-01", dtype="datetime64[M]").astype("datetime64[D]")
    assert regular_step(seconds(months), where) == pytest.approx(30.44 * 86400, rel=1e-3)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0, 1, 2, 4, 5], "line 3: a gap, the time goes on by 2 where 1 is usual"),
        ([0, 1, 2, 2, 3], "line 3: expected a time after 2, got 2"),
        ([0, 1, 2, 1, 3], "line 3: expected a time after 2, got 1"),
        ([0, 1, 2, 2.2, 3.2], "line 3: irregular sampling"),
        (np.cumsum(1.0 + 0.3 * np.sin(np.arange(400) / 60)), "irregular sampling, the time is off by"),
        ([0, 1, np.nan, 3], "line 2: expected a time, got nan"),
        ([4.0], "at least 2 times"),
    ],
)
def test_uneven_times_are_named(times, message):
    with pytest.raises(InvalidInputError, match=message):
        regular_step(np.array(times, float), where)


def test_gaps_and_labels_that_are_no_times():
    np.testing.assert_array_equal(gaps(np.array([0, 1, 2, 7, 8, 11.0, 12])), [3, 5])
    assert len(gaps(np.array([1.0]))) == 0
    assert seconds(np.array(["a", "b"])) is None
    assert seconds(np.array(["2020-01-01", "NaT"], dtype="datetime64[s]")) is None
    np.testing.assert_array_equal(seconds(np.array([5, 6], "timedelta64[m]")), [0, 60])


class Column:
    """The least that a column of a table has."""

    def __init__(self, values, index=None):
        self.values, self.name = np.asarray(values), "x"
        self.index = np.arange(len(values)) if index is None else np.asarray(index)

    def to_numpy(self):
        return self.values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


class Table:
    """The least that a table has: named columns, and an index."""

    def __init__(self, columns, index=None):
        self.parts, self.columns = columns, list(columns)
        rows = len(next(iter(columns.values()))) if columns else 0
        self.index = np.arange(rows) if index is None else np.asarray(index)

    def to_numpy(self):
        raise AssertionError("columns are taken one by one")

    def __getitem__(self, name):
        return Column(self.parts[name])


def henon(rows: int) -> np.ndarray:
    x = [0.1, 0.1]
    for _ in range(rows + 100):
        x.append(1 - 1.4 * x[-1] ** 2 + 0.3 * x[-2])
    return np.array(x[-rows:])


def test_a_table_is_taken_wherever_an_array_is():
    x = henon(2000)
    index = np.datetime64("2020-01-01") + np.arange(2000) * np.timedelta64(500, "ms")
    table = Table({"x": x[1:], "y": x[:-1]}, index[1:])
    plain = np.column_stack([x[1:], x[:-1]])
    np.testing.assert_array_equal(_check.series(table), plain)
    assert estimate_lyapunov(table).exponent == estimate_lyapunov(plain, 0.5).exponent
    assert estimate_lyapunov(table, 1.0).exponent == estimate_lyapunov(plain).exponent
    assert estimate_lyapunov(Column(x)).exponent == estimate_lyapunov(x).exponent
    one, other = Table({"x": x[1:1000], "y": x[:999]}, index[1:1000]), plain[1000:]
    assert compare(one, other, n_resamples=0) == compare(plain[:999], other, dt=0.5, n_resamples=0)
    judged = evaluate(Table({"x": x[:1000]}), Column(x[1000:], index[1000:]), n_resamples=0)
    assert judged.state_space_divergence == evaluate(x[:1000], x[1000:], n_resamples=0).state_space_divergence


def test_what_is_wrong_in_a_table_is_named():
    x = np.arange(6.0) % 4
    y = np.array([1, 2, np.nan, 3, 4, 5.0])
    with pytest.raises(InvalidInputError, match=r"got nan in row 2 \(2\), column 'y'"):
        _check.series(Table({"x": x, "y": y}))
    with pytest.raises(InvalidInputError, match="column 'y': expected numbers"):
        _check.series(Table({"x": x, "y": list("abcdef")}))
    with pytest.raises(InvalidInputError, match=r"column 'y': expected numbers \(dtype datetime64"):
        _check.series(Table({"y": np.arange(6).astype("datetime64[s]")}))
    with pytest.raises(InvalidInputError, match="at least one column"):
        _check.series(Table({}))
    with pytest.raises(InvalidInputError, match=r"row 3 \(index 4\): a gap.*drop the index"):
        _check.time_unit(None, Table({"x": x}, [0, 1, 2, 4, 5, 6]))
    with pytest.raises(InvalidInputError, match="a gap"):  # a given step does not mend it
        _check.time_unit(0.1, Table({"x": x}, [0, 1, 2, 4, 5, 6]))
    assert _check.time_unit(None, Table({"x": x}, [0, 2, 4, 6, 8, 10])) == 2.0
    assert _check.time_unit(None, Table({"x": x}, list("abcdef"))) == 1.0
    assert _check.time_unit(None, TimeSeries(x, 0.3)) == 0.3


# ---- the packages themselves, where they are installed
def test_pandas():
    pd = pytest.importorskip("pandas")
    index = pd.date_range("2020-01-01", periods=6, freq="min")
    frame = pd.DataFrame({"x": [1, 2, 3, 4, 5, 7], "flag": [True, False] * 3}, index=index)
    frame["n"] = pd.array([1, 2, 3, 4, 5, 6], dtype="Int64")
    np.testing.assert_array_equal(
        _check.series(frame), [[1, 1, 1], [2, 0, 2], [3, 1, 3], [4, 0, 4], [5, 1, 5], [7, 0, 6]]
    )
    assert _check.time_unit(None, frame) == 60.0
    assert _check.time_unit(None, frame["x"]) == 60.0
    assert unpack(frame, "").names == ("x", "flag", "n")
    np.testing.assert_array_equal(_check.series(frame["x"])[:, 0], [1, 2, 3, 4, 5, 7])
    with pytest.raises(InvalidInputError, match=r"row 3 \(2020-01-01T00:04.*a gap|index 2020-01-01T00:04"):
        _check.time_unit(None, frame.drop(index[3]))
    frame.loc[index[2], "n"] = pd.NA
    with pytest.raises(InvalidInputError, match=r"got nan in row 2 .*column 'n'"):
        _check.series(frame)
    frame["text"] = list("abcdef")
    with pytest.raises(InvalidInputError, match="column 'text': expected numbers"):
        _check.series(frame)
    frame["when"] = index
    with pytest.raises(InvalidInputError, match="column 'when': expected numbers"):
        _check.series(frame[["when"]])
    twice = pd.concat([frame["x"], 2 * frame["x"]], axis=1)  # the same name twice
    np.testing.assert_array_equal(_check.series(twice)[:, 1], [2, 4, 6, 8, 10, 14])


def test_xarray():
    xr = pytest.importorskip("xarray")
    values = np.arange(12.0).reshape(6, 2) ** 2
    array = xr.DataArray(
        values, dims=("time", "site"), coords={"time": 0.1 * np.arange(6), "site": ["a", "b"]}
    )
    np.testing.assert_array_equal(_check.series(array), values)
    np.testing.assert_array_equal(_check.series(array.T), values)  # the dimension called time is that of rows
    assert _check.time_unit(None, array) == pytest.approx(0.1)
    assert unpack(array, "").names == ("a", "b")
    one = array.sel(site="b")
    np.testing.assert_array_equal(_check.series(one)[:, 0], values[:, 1])
    data = xr.Dataset({"u": one, "v": 2 * one})
    np.testing.assert_array_equal(_check.series(data), np.column_stack([values[:, 1], 2 * values[:, 1]]))
    assert unpack(data, "").names == ("u", "v")
    data["w"] = array
    with pytest.raises(InvalidInputError, match="one and the same dimension"):
        _check.series(data)
    with pytest.raises(InvalidInputError, match="one or two dimensions"):
        _check.series(xr.DataArray(np.zeros((2, 2, 2))))
