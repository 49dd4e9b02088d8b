"""Series from files: .npy arrays and text tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError, ModelFileError

_SEPARATORS = {";": "semicolon", "\t": "tab", ",": "comma", None: "whitespace"}


def read_series(path: Any, columns: Sequence[int] | None = None) -> np.ndarray:
    """Read a series, one row for each time, from a `.npy` file or a text table.

    Parameters
    ----------
    path : str or path-like
        `.npy`: an array of numbers, shape (T,) or (T, D). Anything else: text with one row a line, values
        separated by semicolons, tabs, commas or whitespace; the first line may be a header; blank lines
        and lines that start with # are skipped. Where semicolons separate, a comma is a decimal point.
    columns : sequence of int, optional
        Which to take, counted from 1; they come in the order of the file. The others may hold anything.

    Returns
    -------
    ndarray, shape (T, D), float64

    Raises
    ------
    ModelFileError
        If the file is missing, cannot be read, or is no text or no .npy array.
    InvalidInputError
        If the file is empty, a line has another number of values, or a value is not a finite number; the
        message names the line; if there is no such column.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "series.csv"
    >>> _ = file.write_text("x,y\\n1,2\\n3,4\\n")
    >>> read_series(file)
    array([[1., 2.],
           [3., 4.]])
    """
    source, chosen = Path(path), _chosen(columns)
    try:
        with open(source, "rb") as file:
            start = file.read(6)
    except OSError as error:
        reason = (
            "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        )
        raise ModelFileError(f"{source}: {reason}; give a .csv or .npy file") from None
    if source.suffix == ".npy" or start == b"\x93NUMPY":
        return _checked_array(source, chosen)
    return _table(source, chosen)


def _chosen(columns: Sequence[int] | None) -> list[int] | None:
    """Columns counted from 0, in the order of the file."""
    if columns is None:
        return None
    chosen = sorted(_check.integer(column, "columns", 1) - 1 for column in columns)
    if not chosen or len(set(chosen)) < len(chosen):
        raise InvalidInputError(f"columns: expected different ones, at least one, got {list(columns)}")
    return chosen


def _within(source: Path, chosen: list[int] | None, width: int) -> list[int]:
    """The chosen columns of a file that has so many, or all of them."""
    if chosen is not None and chosen[-1] >= width:
        raise InvalidInputError(f"{source}: has {width} columns, got column {chosen[-1] + 1} to take")
    return list(range(width)) if chosen is None else chosen


def _checked_array(source: Path, chosen: list[int] | None) -> np.ndarray:
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
    data = array.reshape(len(array), -1)
    kept = _within(source, chosen, data.shape[1])
    data = data[:, kept].astype(np.float64)
    bad = np.argwhere(~np.isfinite(data))
    if len(bad):
        row, column = (int(i) for i in bad[0])
        raise InvalidInputError(
            f"{source}: expected finite numbers, got {data[row, column]} in row {row}, column {kept[column]} "
            "(from 0); drop or interpolate such rows first"
        )
    return data


def _table(source: Path, chosen: list[int] | None) -> np.ndarray:
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
    first = _cells(lines[0][1], separator)
    kept = _within(source, chosen, len(first))
    if all(_number(first[k], separator) is None for k in kept):
        lines = lines[1:]  # a header
        if not lines:
            raise InvalidInputError(f"{source}: expected rows of numbers, got only a header")
    width = len(_cells(lines[0][1], separator))
    kept = _within(source, chosen, width)
    return np.array([_row(source, number, line, separator, width, kept) for number, line in lines])


def _cells(line: str, separator: str | None) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _number(text: str, separator: str | None) -> float | None:
    """The number, or None if it is none; in semicolon tables a comma is a decimal point."""
    try:
        return float(text.replace(",", ".") if separator == ";" else text)
    except ValueError:
        return None


def _row(
    source: Path, number: int, line: str, separator: str | None, width: int, kept: list[int]
) -> list[float]:
    cells = _cells(line, separator)
    if len(cells) != width:
        raise InvalidInputError(
            f"{source}, line {number}: expected {width} values separated by {_SEPARATORS[separator]} as "
            f"in the rows before, got {len(cells)}; complete the row or remove it"
        )
    row = []
    for column in kept:
        cell = cells[column]
        value = _number(cell, separator)
        if value is None or not math.isfinite(value):
            raise InvalidInputError(
                f"{source}, line {number}, column {column + 1}: expected a finite number, got {cell!r}; drop "
                "or interpolate such rows first"
            )
        row.append(value)
    return row
