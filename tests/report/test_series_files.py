"""Series from files: what is read, and what is refused with the line that is wrong."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from chaoskit.errors import ChaoskitError, InvalidInputError, MissingDependencyError, ModelFileError
from chaoskit.report import load_series, read_series

EXPECTED = [[1.0, 2.5], [3.0, -4.0], [5.0, 6e-3]]


@pytest.mark.parametrize(
    "text",
    [
        "1,2.5\n3,-4\n5,6e-3\n",
        "x,y\n1,2.5\n3,-4\n5,6e-3\n",
        '"x";"y"\n1;2,5\n3;-4\n5;6e-3\n',
        "1;2.5\r\n3;-4\r\n5;6e-3\r\n",
        "1 2.5\n 3   -4\n5 6e-3",
        "# a comment\n\n1\t2.5\n3\t-4\n\n5\t6e-3\n",
        "\ufeffx, y\n1, 2.5\n3, -4\n5, 6e-3\n",
    ],
    ids=["comma", "header", "decimal comma", "semicolon", "spaces", "tabs and comments", "byte order mark"],
)
def test_tables_are_read(tmp_path, text):
    file = tmp_path / "series.csv"
    file.write_text(text, encoding="utf-8", newline="")
    np.testing.assert_array_equal(read_series(file), EXPECTED)


def test_one_column(tmp_path):
    file = tmp_path / "series.txt"
    file.write_text("1\n2\n3\n")
    np.testing.assert_array_equal(read_series(file), [[1.0], [2.0], [3.0]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
def test_arrays_are_read(tmp_path, dtype):
    file = tmp_path / "series.npy"
    np.save(file, np.arange(6, dtype=dtype).reshape(3, 2))
    result = read_series(file)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, np.arange(6).reshape(3, 2))
    np.save(file, np.arange(4, dtype=dtype))
    assert read_series(file).shape == (4, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        ("\n# nothing\n", "empty file"),
        ("x,y\n", "only a header"),
        ("1,2\n3,four\n", "line 2, column 2: expected a finite number, got 'four'"),
        ("x,y\n1,2\n\n3,nan\n", "line 4, column 2"),
        ("1,2\n3,inf\n", "line 2, column 2"),
        ("1,2\n3,\n", "line 2, column 2: expected a finite number, got ''"),
        ("1,2\n3,4,5\n", "line 2: expected 2 values separated by comma"),
        ("1 2\n3\n", "line 2: expected 2 values separated by whitespace"),
        ("1,two\n3,4\n", "line 1, column 2"),
    ],
)
def test_wrong_tables_name_the_line(tmp_path, text, message):
    file = tmp_path / "series.csv"
    file.write_text(text)
    with pytest.raises(InvalidInputError, match=message):
        read_series(file)


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(ModelFileError, match="no such file"):
        read_series(tmp_path / "missing.csv")
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_series(tmp_path)
    binary = tmp_path / "series.csv"
    binary.write_bytes(bytes(range(256)))
    with pytest.raises(ModelFileError, match="other bytes"):
        read_series(binary)
    binary.write_bytes(b"1,2\0\n")
    with pytest.raises(ModelFileError, match="other bytes"):
        read_series(binary)


def test_arrays_that_are_refused(tmp_path):
    file = tmp_path / "series.npy"
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ModelFileError, match="Python objects"):
        read_series(file)
    file.write_bytes(b"\x93NUMPY broken")
    with pytest.raises(ModelFileError, match="got something else"):
        read_series(file)
    file.write_bytes(b"text")
    with pytest.raises(ModelFileError):
        read_series(file)
    for array in (np.zeros((2, 2, 2)), np.array(["a"]), np.zeros((0, 3)), np.array([1j]), np.float64(3.0)):
        np.save(file, array)
        with pytest.raises(ChaoskitError, match="expected"):
            read_series(file)
    np.save(file, np.array([[1.0, 2.0], [3.0, np.nan]]))
    with pytest.raises(InvalidInputError, match="row 1, column 1"):
        read_series(file)


def test_columns_are_taken_in_the_order_of_the_file(tmp_path):
    text, array = tmp_path / "series.csv", tmp_path / "series.npy"
    text.write_text("time,x,1\nnoon,1,2\nnight,nan,3\nlate,4,5\n")
    np.testing.assert_array_equal(read_series(text, [3]), [[1.0], [2.0], [3.0], [5.0]])
    with pytest.raises(InvalidInputError, match=r"line 3, column 2 \(x\): expected a finite number"):
        read_series(text, [2])
    np.save(array, [[1.0, np.nan, 3.0], [4.0, 5.0, np.inf]])
    np.testing.assert_array_equal(read_series(array, [1]), [[1.0], [4.0]])
    with pytest.raises(InvalidInputError, match=r"row 1, column 2 \(from 0\)"):
        read_series(array, [3, 1])
    np.save(array, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    np.testing.assert_array_equal(read_series(array, [3, 1]), [[1.0, 3.0], [4.0, 6.0]])
    for bad in ([], [0], [1, 1], [4], [1.5]):
        with pytest.raises(InvalidInputError, match="column"):
            read_series(array, bad)


# ---- names, times, gaps, archives
TABLE = "t,x,y\n0.0,1,2\n0.1,3,4\n0.2,5,7\n0.6,5,6\n0.7,6,8\n"


@pytest.fixture
def text(tmp_path):
    def write(content, name="series.csv"):
        file = tmp_path / name
        file.write_text(content)
        return file

    return write


def test_columns_by_name_and_a_time_column(text):
    even = text("t;x;y\n0,0;1;2\n0,5;3;4\n1,0;5;7\n")
    found = load_series(even, ["y", "x"], time_column="t")
    np.testing.assert_array_equal(found.values, [[1, 2], [3, 4], [5, 7]])  # in the order of the file
    assert (found.dt, found.names, found.segments) == (0.5, ("x", "y"), ((0, 3),))
    np.testing.assert_array_equal(load_series(even, time_column=1).values, found.values)
    np.testing.assert_array_equal(load_series(even, [3], time_column=1).values, [[2], [4], [7]])
    assert load_series(even, ["x"], dt=2.0).dt == 2.0
    assert load_series(even, ["x"]).dt is None
    days = text("date,x\n2020-01-30,1\n2020-01-31,3\n2020-02-01,2\n")
    assert load_series(days, time_column="date").dt == 86400.0
    stamps = text("date,x\n2020-01-01T00:00:00Z,1\n2020-01-01T00:00:00.004Z,3\n")
    assert load_series(stamps, time_column="date").dt == pytest.approx(0.004)


def test_gaps_are_refused_with_their_line_or_cut(text):
    gap = text(TABLE)
    with pytest.raises(InvalidInputError, match=r"series.csv, line 5: a gap, the time goes on by 0.4"):
        load_series(gap, time_column="t")
    found = load_series(gap, time_column="t", segments=True)
    assert found.segments == ((0, 3), (3, 5))
    assert found.dt == pytest.approx(0.1)
    np.testing.assert_array_equal(found.longest, [[1, 2], [3, 4], [5, 7]])
    holes = text("x,y\n1,2\nNA,3\n3,4\n4,5\n5,\n6,7\n")
    with pytest.raises(InvalidInputError, match=r"line 3, column 1 \(x\): expected a finite .*, got 'NA'"):
        load_series(holes)
    found = load_series(holes, segments=True)
    assert found.segments == ((0, 1), (1, 3), (3, 4))
    np.testing.assert_array_equal(found.values[:, 0], [1, 3, 4, 6])
    for wrong in ("x,y\n1,2\nfour,3\n", "x,y\n1,2\ninf,3\n"):  # not missing, but wrong
        with pytest.raises(InvalidInputError, match="line 3, column 1"):
            load_series(text(wrong), segments=True)
    with pytest.raises(InvalidInputError, match="without missing values, got none"):
        load_series(text("x,y\n1,\n,2\n"), segments=True)
    missing_time = text("t,x\n0,1\n,2\n2,3\n3,4\n")
    with pytest.raises(InvalidInputError, match="line 3: expected a time"):
        load_series(missing_time, time_column="t")
    assert load_series(missing_time, time_column="t", segments=True).segments == ((0, 1), (1, 3))
    with pytest.raises(InvalidInputError, match="line 4: expected a time after 1, got 0"):
        load_series(text("t,x\n0,1\n1,2\n0.5,3\n2,4\n"), time_column="t", segments=True)


def test_a_time_column_that_nobody_named_is_refused(text):
    rows = "".join(f"{0.1 * k:.1f},{k * k % 7}\n" for k in range(20))
    file = text("t,x\n" + rows)
    with pytest.raises(InvalidInputError, match=r"column 1 \(t\): goes up evenly by 0.1, as a time does"):
        load_series(file)
    assert load_series(file, time_column="t").dt == pytest.approx(0.1)
    assert load_series(file, [1, 2]).values.shape == (20, 2)
    np.savetxt(file, np.arange(20.0))
    assert load_series(file).values.shape == (20, 1)  # the only column is the series


def test_a_header_of_another_width_names_nothing(text):
    wide = text("time (s) x\n1 2\n3 5\n")
    assert (load_series(wide).names, load_series(wide).values.shape) == ((), (2, 2))
    with pytest.raises(InvalidInputError, match="has no names, got column 'x'"):
        load_series(wide, ["x"])
    with pytest.raises(InvalidInputError, match="has 2 columns, got column 3"):
        load_series(wide, [3])
    with pytest.raises(InvalidInputError, match="a column beside that of the time"):
        load_series(text("1\n2\n3\n"), time_column=1)


def test_archives(tmp_path):
    file = tmp_path / "series.npz"
    x, t = np.arange(12.0).reshape(6, 2) ** 2, 0.5 * np.arange(6)
    np.savez_compressed(file, x=x, t=t, name=np.array("laser"))
    found = load_series(file, key="x", time_column="t")
    np.testing.assert_array_equal(found.values, x)
    assert (found.dt, found.names) == (0.5, ("x[0]", "x[1]"))
    np.testing.assert_array_equal(load_series(file, ["x[1]"], key="x").values, x[:, 1:])
    for key in (None, "y"):
        with pytest.raises(InvalidInputError, match="holds name, t, x"):
            load_series(file, key=key)
    with pytest.raises(InvalidInputError, match="expected numbers of shape"):
        load_series(file, key="name")
    np.savez(file, x[:, 0])
    np.testing.assert_array_equal(load_series(file).values, x[:, :1])
    np.save(tmp_path / "a.npy", x)
    with pytest.raises(InvalidInputError, match=r"key: expected with an \.npz archive only"):
        load_series(tmp_path / "a.npy", key="x")
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(ModelFileError):
        load_series(file)


def test_compressed_text(tmp_path):
    import gzip

    file = tmp_path / "series.csv.gz"
    file.write_bytes(gzip.compress(b"x,y\n1,2\n3,4\n"))
    assert load_series(file).names == ("x", "y")
    file.write_bytes(gzip.compress(b"x,y\n1,2\n3,4\n" * 100)[:-9])
    with pytest.raises(ModelFileError, match="other bytes"):
        load_series(file)


def test_parquet(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    when = pd.date_range("2020-01-01", periods=5, freq="s")
    frame = pd.DataFrame({"when": when, "x": [1.0, 2, 4, 3, 5], "place": list("abcde")})
    file = tmp_path / "series.parquet"
    frame.to_parquet(file)
    found = load_series(file, ["x"], time_column="when")
    assert (found.dt, found.names) == (1.0, ("x",))
    np.testing.assert_array_equal(found.values[:, 0], [1, 2, 4, 3, 5])
    with pytest.raises(InvalidInputError, match="column 'place': expected numbers"):
        load_series(file, time_column="when")
    frame.set_index("when")[["x"]].drop(when[2]).to_parquet(file)
    with pytest.raises(InvalidInputError, match="row 2: a gap"):
        load_series(file)
    assert load_series(file, segments=True).segments == ((0, 2), (2, 4))
    file.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(ModelFileError, match="expected a Parquet table"):
        load_series(file)


def test_parquet_without_pandas(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    (tmp_path / "series.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingDependencyError, match=r"pip install .chaoskit\[tables\]"):
        load_series(tmp_path / "series.parquet")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ["z"]}, "has t, x, y, got column 'z' for columns"),
        ({"columns": "x"}, "expected a list of numbers or names"),
        ({"columns": ["x", 2]}, "columns: expected different ones"),
        ({"columns": ["t"], "time_column": "t"}, "and not the time"),
        ({"time_column": 4}, "has 3 columns, got column 4"),
        ({"time_column": 0}, "time_column"),
        ({"time_column": "t", "dt": 0.1}, "expected a time column or dt, got both"),
        ({"dt": 0.0}, "dt"),
    ],
)
def test_options_that_do_not_fit(text, options, message):
    with pytest.raises(InvalidInputError, match=message):
        load_series(text(TABLE), **options)
