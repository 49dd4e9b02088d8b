"""Series from files: what is read, and what is refused with the line that is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit.errors import ChaoskitError, InvalidInputError, ModelFileError
from chaoskit.report import read_series

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
