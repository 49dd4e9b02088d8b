"""Tables with names and times (of pandas, xarray and their like, or from files) as plain arrays.

No such package is imported here: an object is known by its attributes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._sampling import regular_step, seconds
from .errors import InvalidInputError


@dataclass(frozen=True, eq=False)
class TimeSeries:
    """A series with what is known about its rows and columns; taken wherever an array is.

    Attributes
    ----------
    values : ndarray, shape (T,) or (T, D), float64
        One row for each time.
    dt : float or None
        Time between two rows (seconds where the labels are dates); None if nothing is said of it.
    names : tuple of str
        Of the columns; empty if they have none.
    segments : tuple of (int, int)
        First row and row after the last of each stretch without a gap.
    labels : ndarray, shape (T,), or None
        Of the rows, for messages.
    """

    values: np.ndarray
    dt: float | None = None
    names: tuple[str, ...] = ()
    segments: tuple[tuple[int, int], ...] = ()
    labels: Any = None

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        step = "" if self.dt is None else f", dt {self.dt:.6g}"
        named = f" ({', '.join(self.names)})" if self.names else ""
        cut = f", {len(self.segments)} segments" if len(self.segments) > 1 else ""
        columns = 1 if self.values.ndim == 1 else self.values.shape[1]
        return f"TimeSeries({len(self.values)} rows, {columns} columns{named}{step}{cut})"

    @property
    def longest(self) -> np.ndarray:
        """Rows (T', D) of the longest segment; all rows if there is no gap."""
        if len(self.segments) < 2:
            return self.values
        start, stop = max(self.segments, key=lambda pair: pair[1] - pair[0])
        return self.values[start:stop]

    def place(self, index: tuple[int, ...]) -> str:
        """An entry in words, by the labels that its owner knows."""
        row, column = index[0], (index[1] if len(index) > 1 else 0)
        label = "" if self.labels is None else f" ({self.labels[row]})"
        name = f"column {self.names[column]!r}" if self.names else f"column {column}"
        return f"row {row}{label}, {name}"


def unpack(value: Any, name: str) -> TimeSeries | None:
    """A table or labelled array as a `TimeSeries` that may hold NaN; None for what is neither."""
    if isinstance(value, TimeSeries):
        return value
    if isinstance(value, (np.ndarray, list, tuple)):  # nearly all calls
        return None
    if hasattr(value, "data_vars"):
        return _dataset(value, name)
    if hasattr(value, "dims") and hasattr(value, "coords"):
        return _labelled_array(value, name)
    if hasattr(value, "to_numpy") and hasattr(value, "columns"):
        return _table(value, name)
    if hasattr(value, "to_numpy") and hasattr(value, "index"):
        entries = _numbers(value, f"{name}: the values")
        return TimeSeries(entries, names=_named([value.name]), labels=np.asarray(value.index))
    return None


def time_step(value: Any, name: str) -> float | None:
    """Time between the rows of what has a time index; None for what has none.

    Raises InvalidInputError if the index is one of times or numbers, and irregular.
    """
    found = unpack(value, name)
    if found is None:
        return None
    if found.dt is not None or found.labels is None:
        return found.dt
    times = seconds(found.labels)
    if times is None or len(times) < 2:
        return None
    labels = found.labels
    try:
        return regular_step(times, lambda row: f"{name}, row {row} (index {labels[row]})")
    except InvalidInputError as error:
        raise InvalidInputError(f"{error}; drop the index if it is none of times") from None


def _table(value: Any, name: str) -> TimeSeries:
    """A table of pandas or polars, column by column, so that a wrong one can be named."""
    names = [str(column) for column in value.columns]
    if not names:
        raise InvalidInputError(f"{name}: expected at least one column, got a table without any")
    pick = value.iloc if hasattr(value, "iloc") else None
    columns = []
    for k, column in enumerate(names):
        entries = pick[:, k] if pick is not None else value[column]
        columns.append(_numbers(entries, f"{name}: column {column!r}"))
    labels = np.asarray(value.index) if hasattr(value, "index") else None
    return TimeSeries(np.column_stack(columns), names=tuple(names), labels=labels)


def _labelled_array(value: Any, name: str) -> TimeSeries:
    """An array of xarray: its dimension "time" or "t", or else the first, is that of the rows."""
    dims = [str(dim) for dim in value.dims]
    if len(dims) not in (1, 2):
        raise InvalidInputError(
            f"{name}: expected one or two dimensions, got {dims}; stack the others into one"
        )
    rows = next((dim for dim in dims if dim.lower() in ("time", "t")), dims[0])
    data = np.asarray(value)
    names = _named([value.name])
    if len(dims) == 2:
        other = dims[1 - dims.index(rows)]
        data = data if dims[0] == rows else data.T
        names = tuple(str(c) for c in np.asarray(value.coords[other])) if other in value.coords else ()
    labels = np.asarray(value.coords[rows]) if rows in value.coords else None
    return TimeSeries(_numbers(data, f"{name}: the values"), names=names, labels=labels)


def _dataset(value: Any, name: str) -> TimeSeries:
    """Variables of xarray that share one dimension, as columns."""
    names = [str(variable) for variable in value.data_vars]
    dims = {tuple(value[variable].dims) for variable in value.data_vars}
    if len(dims) != 1 or len(next(iter(dims))) != 1:
        raise InvalidInputError(
            f"{name}: expected variables along one and the same dimension, got {sorted(map(str, dims))}; "
            f'take some of them, such as data[["{names[0] if names else "x"}"]]'
        )
    parts = [
        _labelled_array(value[variable], f"{name}: variable {variable!r}") for variable in value.data_vars
    ]
    return TimeSeries(np.column_stack([p.values for p in parts]), names=tuple(names), labels=parts[0].labels)


def _numbers(entries: Any, what: str) -> np.ndarray:
    """Entries as float64, missing ones as NaN; integers, truth values and nullable types too."""
    try:
        kind = getattr(entries, "dtype", None) or np.asarray(entries).dtype
        if getattr(kind, "kind", None) in ("M", "m", "U", "S", "c"):
            raise TypeError(f"dtype {kind}")
        if hasattr(entries, "isna"):  # pandas has values of its own for what is missing
            return np.asarray(entries.to_numpy(dtype=np.float64, na_value=np.nan))
        return np.asarray(entries, dtype=np.float64)
    except (TypeError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidInputError(f"{what}: expected numbers ({reason}); take the other columns") from None


def _named(names: list[Any]) -> tuple[str, ...]:
    return () if any(n is None for n in names) else tuple(str(n) for n in names)
