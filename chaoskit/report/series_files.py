"""Series from files: text tables, .npy, .npz and Parquet; their time step, and where they have gaps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import _check
from .._labelled import TimeSeries
from .._sampling import gaps, regular_step, seconds
from ..errors import InvalidInputError, ModelFileError
from .array_files import ArrayTable, read_npy, read_npz, read_parquet
from .text_tables import TextTable

_RAMP = 10  # rows that go up evenly and are taken for a time column
_ADVICE = "drop or interpolate such rows first, or cut the series into segments there"


def load_series(
    path: Any,
    columns: Sequence[int | str] | None = None,
    *,
    time_column: int | str | None = None,
    dt: float | None = None,
    key: str | None = None,
    segments: bool = False,
) -> TimeSeries:
    """Read a series with its time step and the names of its columns.

    Parameters
    ----------
    path : str or path-like
        `.npy`: an array of numbers, shape (T,) or (T, D). `.npz`: an archive of such arrays. `.parquet` or
        `.pq`: a table, through pandas. Anything else: text (or text compressed by gzip) with one row a line,
        values separated by semicolons, tabs, commas or whitespace; the first line may be a header; blank
        lines and lines that start with # are skipped. Where semicolons separate, a comma is a decimal point.
    columns : sequence of int or str, optional
        Which to take, counted from 1 or by name; they come in the order of the file. The others may hold
        anything.
    time_column : int or str, optional
        Column with the time of each row, numbers or dates (then the unit is the second); in an archive the
        key of an array. Its even step is `dt`; where it jumps there is a gap.
    dt : float, optional
        Time between two rows, where no column says it.
    key : str, optional
        Array of an archive; not needed if it holds one only.
    segments : bool
        Cut the series at gaps and at rows with missing values, instead of refusing them.

    Returns
    -------
    TimeSeries
        `fit` takes it as it is. With more than one segment, rows with missing values are left out.

    Raises
    ------
    ModelFileError
        If the file is missing, cannot be read, or is of another kind.
    MissingDependencyError
        If the file is Parquet and pandas is not installed.
    InvalidInputError
        If the file is empty, a line has another number of values, a value is missing or no finite number, or
        the time is not even; the message names the line. If there is no such column. If a column goes up
        evenly, as a time does, and nothing is said of it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "series.csv"
    >>> _ = file.write_text("t,x,y\\n0.0,1,2\\n0.1,3,4\\n0.2,5,7\\n0.6,5,6\\n0.7,6,8\\n")
    >>> load_series(file, time_column="t", segments=True)
    TimeSeries(5 rows, 2 columns (x, y), dt 0.1, 2 segments)
    """
    if dt is not None:
        dt = _check.positive(dt, "dt")
        if time_column is not None:
            raise InvalidInputError("dt: expected a time column or dt, got both; leave one out")
    source = Path(path)
    table = _opened(source, key)
    kept, at = _places(table, columns, time_column)
    if isinstance(table, TextTable):
        table.take_header(kept if columns is not None else None)
        table.read_rows()
        kept, at = _places(table, columns, time_column)  # again: rows may be wider than the header
    values = np.column_stack([table.numbers(k) for k in kept])
    times = _times(table, at, time_column)
    missing = np.any(np.isnan(values), axis=1)
    if missing.any() and not segments:
        row = int(np.argmax(missing))
        column = kept[int(np.argmax(np.isnan(values[row])))]
        raise InvalidInputError(
            f"{table.where(row)}, {table.label(column)}: expected a finite number, got "
            f"{table.missing(row, column)}; {_ADVICE}"
        )
    if columns is None and at is None and len(kept) > 1:
        _refuse_ramps(table, kept, values)
    stretches, step = _stretches(table, missing, times, segments)
    names = tuple(table.names[k] for k in kept) if table.names else ()
    rows = np.concatenate([np.arange(start, stop) for start, stop in stretches])
    lengths = [stop - start for start, stop in stretches]
    ends = np.cumsum(lengths).tolist()
    cut = tuple((end - length, end) for end, length in zip(ends, lengths, strict=True))
    return TimeSeries(values[rows], step if dt is None else dt, names, cut)


def read_series(path: Any, columns: Sequence[int | str] | None = None) -> np.ndarray:
    """Read the numbers of a series, one row for each time.

    Parameters
    ----------
    path, columns
        As for `load_series`.

    Returns
    -------
    ndarray, shape (T, D), float64

    Raises
    ------
    ModelFileError, MissingDependencyError, InvalidInputError
        As for `load_series`.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "series.csv"
    >>> _ = file.write_text("x,y\\n1,2\\n3,4\\n")
    >>> read_series(file)
    array([[1., 2.],
           [3., 4.]])
    """
    return load_series(path, columns).values


def _opened(source: Path, key: str | None) -> TextTable | ArrayTable:
    """The reader that the name or the first bytes ask for."""
    try:
        with open(source, "rb") as file:
            start = file.read(6)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        missing = isinstance(error, FileNotFoundError)
        reason = (
            "no such file" if missing else f"cannot be read ({getattr(error, 'strerror', None) or error})"
        )
        raise ModelFileError(f"{source}: {reason}; give a .csv, .npy, .npz or .parquet file") from None
    zipped = source.suffix == ".npz" or start[:4] == b"PK\x03\x04"
    if key is not None and not zipped:
        raise InvalidInputError(f"key: expected with an .npz archive only, got {key!r} for {source}")
    if source.suffix in (".parquet", ".pq") or start[:4] == b"PAR1":
        return read_parquet(source)
    if zipped:
        return read_npz(source, key)
    if source.suffix == ".npy" or start == b"\x93NUMPY":
        return read_npy(source)
    return TextTable(source)


def _places(
    table: TextTable | ArrayTable, columns: Sequence[int | str] | None, time_column: Any
) -> tuple[list[int], int | None]:
    """Columns to take and that of the time, counted from 0; None for a time that is no column."""
    at = None
    if time_column is not None and not (isinstance(table, ArrayTable) and time_column in table.extra):
        at = _place(table, time_column, "time_column")
    if columns is None:
        kept = [k for k in range(table.width) if k != at]
        if not kept:
            raise InvalidInputError(f"{table.source}: expected a column beside that of the time, got none")
        return kept, at
    if isinstance(columns, (str, bytes)) or not isinstance(columns, Sequence):
        raise InvalidInputError(f"columns: expected a list of numbers or names, got {columns!r}")
    kept = sorted(_place(table, column, "columns") for column in columns)
    if not kept or len(set(kept)) < len(kept) or at in kept:
        raise InvalidInputError(
            f"columns: expected different ones, at least one and not the time, got {list(columns)}"
        )
    return kept, at


def _place(table: TextTable | ArrayTable, column: Any, name: str) -> int:
    """A column from 0, given by name or by a number from 1."""
    if isinstance(column, str):
        names = table.first if isinstance(table, TextTable) else table.names
        if column not in names:
            known = ", ".join(names) if names else "no names"
            raise InvalidInputError(f"{table.source}: has {known}, got column {column!r} for {name}")
        return list(names).index(column)
    place = _check.integer(column, name, 1) - 1
    if place >= table.width:
        raise InvalidInputError(f"{table.source}: has {table.width} columns, got column {place + 1} to take")
    return place


def _times(table: TextTable | ArrayTable, at: int | None, time_column: Any) -> np.ndarray | None:
    """Time of each row; None where nothing tells it."""
    if at is not None:
        return table.times(at)
    if not isinstance(table, ArrayTable):
        return None
    if time_column in table.extra:
        times = seconds(table.extra[time_column])
        if times is None:
            raise InvalidInputError(f"{table.source}: expected times, got others in {time_column!r}")
        return times
    return table.row_times


def _refuse_ramps(table: TextTable | ArrayTable, kept: list[int], values: np.ndarray) -> None:
    """A time column among the variables spoils everything that follows, and nobody would see it."""
    steps = np.diff(values, axis=0)
    if len(steps) < _RAMP:
        return
    with np.errstate(invalid="ignore"):
        even = (np.abs(steps - steps[:1]) <= 1e-6 * np.abs(steps[:1])).all(axis=0) & (steps[0] > 0)
    if even.any():
        column = kept[int(np.argmax(even))]
        raise InvalidInputError(
            f"{table.source}, {table.label(column)}: goes up evenly by {steps[0][np.argmax(even)]:.6g}, as a "
            "time does; name it as the time column, or name the columns to take"
        )


def _stretches(
    table: TextTable | ArrayTable, missing: np.ndarray, times: np.ndarray | None, segments: bool
) -> tuple[list[tuple[int, int]], float | None]:
    """First row and row after the last of each stretch without a gap, and the time step."""
    rows = len(missing)
    if not segments:
        return [(0, rows)], None if times is None or rows < 2 else regular_step(times, table.where)
    new = np.zeros(rows + 1, bool)
    new[[0, rows]] = True
    if times is not None:
        missing = missing | np.isnan(times)
        known = np.flatnonzero(~missing)
        new[known[gaps(times[known])]] = True
    new[:rows] |= missing
    new[1:] |= missing
    edges = np.flatnonzero(new)
    pairs = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    found = [(start, stop) for start, stop in pairs if not missing[start]]
    if not found:
        raise InvalidInputError(f"{table.source}: expected rows without missing values, got none")
    if times is None:
        return found, None
    steps = [
        (stop - start - 1, regular_step(times[start:stop], lambda row, first=start: table.where(first + row)))
        for start, stop in found
        if stop - start > 1
    ]
    counts = sum(count for count, _ in steps)
    return found, sum(count * step for count, step in steps) / counts if counts else None
