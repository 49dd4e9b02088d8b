"""Series from files: .npy arrays and text tables."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidInputError, ModelFileError

_SEPARATORS = {";": "semicolon", "\t": "tab", ",": "comma", None: "whitespace"}


def read_series(path: Any) -> np.ndarray:
    """Read a series, one row for each time, from a `.npy` file or a text table.

    Parameters
    ----------
    path : str or path-like
        `.npy`: an array of numbers, shape (T,) or (T, D). Anything else: text with one row a line, values
        separated by semicolons, tabs, commas or whitespace; the first line may be a header; blank lines
        and lines that start with # are skipped. Where semicolons separate, a comma is a decimal point.

    Returns
    -------
    ndarray, shape (T, D), float64

    Raises
    ------
    ModelFileError
        If the file is missing, cannot be read, or is no text or no .npy array.
    InvalidInputError
        If the file is empty, a line has another number of values, or a value is not a finite number; the
        message names the line.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "series.csv"
    >>> _ = file.write_text("x,y\\n1,2\\n3,4\\n")
    >>> read_series(file)
    array([[1., 2.],
           [3., 4.]])
    """
    source = Path(path)
    try:
        with open(source, "rb") as file:
            start = file.read(6)
    except OSError as error:
        reason = (
            "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        )
        raise ModelFileError(f"{source}: {reason}; give a .csv or .npy file") from None
    if source.suffix == ".npy" or start == b"\x93NUMPY":
        return _checked_array(source)
    return _table(source)


def _checked_array(source: Path) -> np.ndarray:
    try:
        array = np.load(source, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        if "pickle" in str(error) and "Object arrays" in str(error):
            raise ModelFileError(
                f"{source}: holds Python objects, which are not loaded because that would run code; save a "
                "plain array of numbers"
            ) from None
        raise ModelFileError(f"{source}: expected an array saved by numpy.save, got something else") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub" or array.ndim not in (1, 2):
        found = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else "an archive"
        raise InvalidInputError(f"{source}: expected numbers of shape (T,) or (T, D), got {found}")
    if array.size == 0:
        raise InvalidInputError(f"{source}: expected a series, got an empty array of shape {array.shape}")
    data = array.astype(np.float64).reshape(len(array), -1)
    bad = np.argwhere(~np.isfinite(data))
    if len(bad):
        row, column = (int(i) for i in bad[0])
        raise InvalidInputError(
            f"{source}: expected finite numbers, got {data[row, column]} in row {row}, column {column} "
            "(from 0); drop or interpolate such rows first"
        )
    return data


def _table(source: Path) -> np.ndarray:
    try:
        text = source.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ModelFileError(f"{source}: expected text or a .npy array, got other bytes") from None
    if "\0" in text:
        raise ModelFileError(f"{source}: expected text or a .npy array, got other bytes")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise InvalidInputError(f"{source}: expected rows of numbers, got an empty file")
    separator = next((s for s in (";", "\t", ",") if s in lines[0][1]), None)
    first = [_number(cell, separator) for cell in _cells(lines[0][1], separator)]
    if all(value is None for value in first):
        lines = lines[1:]  # a header
        if not lines:
            raise InvalidInputError(f"{source}: expected rows of numbers, got only a header")
    width = len(_cells(lines[0][1], separator))
    return np.array([_row(source, number, line, separator, width) for number, line in lines])


def _cells(line: str, separator: str | None) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _number(text: str, separator: str | None) -> float | None:
    """The number, or None if it is none; in semicolon tables a comma is a decimal point."""
    try:
        return float(text.replace(",", ".") if separator == ";" else text)
    except ValueError:
        return None


def _row(source: Path, number: int, line: str, separator: str | None, width: int) -> list[float]:
    cells = _cells(line, separator)
    if len(cells) != width:
        raise InvalidInputError(
            f"{source}, line {number}: expected {width} values separated by {_SEPARATORS[separator]} as "
            f"in the rows before, got {len(cells)}; complete the row or remove it"
        )
    row = []
    for column, cell in enumerate(cells, 1):
        value = _number(cell, separator)
        if value is None or not math.isfinite(value):
            raise InvalidInputError(
                f"{source}, line {number}, column {column}: expected a finite number, got {cell!r}; drop or "
                "interpolate such rows first"
            )
        row.append(value)
    return row
