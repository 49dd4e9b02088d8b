"""Validation at the public edge: what comes in leaves as clean arrays, or as one clear error."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from ._device import to_host
from ._labelled import time_step, unpack
from .errors import InvalidInputError

_MOST = 10**15  # a count beyond this is a slip


def integer(value: Any, name: str, minimum: int = 0) -> int:
    """`value` as an int of at least `minimum`; floats without a fraction are let through."""
    message = f"{name}: expected a whole number of at least {minimum}, got {value!r}"
    if isinstance(value, (bool, np.bool_, str, bytes)):
        raise InvalidInputError(message)
    try:
        number = int(value)
        exact = number == value
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError(message) from None
    if not np.all(exact) or number < minimum:
        raise InvalidInputError(message)
    if number > _MOST:
        raise InvalidInputError(f"{name}: expected at most {_MOST:.0e}, got {value!r}")
    return number


def _float(value: Any) -> float:
    """`value` as a float, NaN for what is no number; an array, even of one entry, is none."""
    if isinstance(value, (str, bytes)):
        return float("nan")
    try:
        return float(value) if np.ndim(value) == 0 else float("nan")
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def number(value: Any, name: str) -> float:
    """`value` as a finite float."""
    found = _float(value)
    if not np.isfinite(found):
        raise InvalidInputError(f"{name}: expected a finite number, got {value!r}")
    return found


def positive(value: Any, name: str) -> float:
    """`value` as a finite float above zero."""
    found = _float(value)
    if not (np.isfinite(found) and found > 0):
        raise InvalidInputError(f"{name}: expected a finite number above 0, got {value!r}")
    return found


def not_negative(value: Any, name: str) -> float:
    """`value` as a finite float of at least zero."""
    found = _float(value)
    if not (np.isfinite(found) and found >= 0):
        raise InvalidInputError(f"{name}: expected a number of at least 0, got {value!r}")
    return found


def choice(value: Any, name: str, choices: Collection[str]) -> str:
    """`value`, which must be one of these words."""
    if not isinstance(value, str) or value not in choices:
        raise InvalidInputError(f"{name}: expected one of {tuple(choices)}, got {value!r}")
    return value


def float_type(dtype: Any) -> np.dtype:
    """float32 or float64, however it is named."""
    try:
        kind = None if dtype is None else np.dtype(dtype)
    except (TypeError, ValueError):
        kind = None
    if kind not in (np.float32, np.float64):
        raise InvalidInputError(f"dtype: expected float32 or float64, got {dtype!r}")
    return np.dtype(kind).newbyteorder("=")


def share(value: Any, name: str) -> float:
    """`value` as a float from 0 to 1."""
    found = _float(value)
    if not 0.0 <= found <= 1.0:
        raise InvalidInputError(f"{name}: expected a number from 0 to 1, got {value!r}")
    return found


def real(value: Any, name: str) -> np.ndarray:
    """`value` as an array of real numbers in their own dtype; it may hold NaN and infinity."""
    try:
        if np.ma.is_masked(value):
            raise TypeError(f"{int(np.ma.count_masked(value))} masked values; fill or drop them first")
        raw = np.asarray(unlabelled(to_host(value), name))
        if raw.dtype.kind not in "fiub":
            raise TypeError(f"dtype {raw.dtype}")
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"{name}: expected an array of real numbers, got {error}") from None
    return raw


def array(value: Any, name: str, dtype: Any = None) -> np.ndarray:
    """`value` as a C-contiguous float32 or float64 array without NaN or infinity.

    Tables of pandas and arrays of xarray are taken as well; what is wrong in them is named by their labels.
    Arrays on a GPU are copied.
    """
    labelled = unpack(value, name)
    raw = real(value if labelled is None else labelled, name)
    if dtype is None:
        dtype = np.float32 if raw.dtype == np.float32 else np.float64
    result = np.ascontiguousarray(raw, dtype=dtype).reshape(raw.shape)
    finite = np.isfinite(result)
    if not finite.all():
        at = tuple(int(i) for i in np.argwhere(~finite)[0])
        place = f"at index {at}" if labelled is None else f"in {labelled.place(at)}"
        raise InvalidInputError(
            f"{name}: expected finite numbers, got {result[at]} {place} "
            f"({int((~finite).sum())} such values); drop or interpolate them first"
        )
    return result


def unlabelled(value: Any, name: str) -> Any:
    """The numbers of a table or labelled array, which may hold NaN; anything else as it is."""
    labelled = unpack(value, name)
    if labelled is None:
        return value
    if len(labelled.segments) > 1:
        raise InvalidInputError(
            f"{name}: expected one stretch without gaps, got {len(labelled.segments)} segments; take the "
            "longest"
        )
    return labelled.values


def time_unit(dt: Any, series: Any, otherwise: float = 1.0) -> float:
    """Time between two rows: as given, or of the time index of the series, or else the last argument."""
    unit = None if dt is None else positive(dt, "dt")
    step = time_step(series, "series")  # of an index with a gap this is an error, whatever was given
    return unit or step or otherwise


def series(value: Any, name: str = "series", *, minimum: int = 2, constant: bool = False) -> np.ndarray:
    """A measured series as (T, D) float64; one dimension becomes one column.

    Raises InvalidInputError if it is shorter than `minimum`, has more columns than rows, or, unless
    `constant` is allowed, holds a column that never changes.
    """
    data = array(value, name, np.float64)
    if data.ndim == 1:
        data = data[:, None]
    if data.ndim != 2 or data.shape[1] == 0:
        raise InvalidInputError(
            f"{name}: expected shape (T,) or (T, D), got {np.shape(value)}; one row for each time"
        )
    if data.shape[1] > len(data):
        raise InvalidInputError(
            f"{name}: got {len(data)} rows and {data.shape[1]} columns; rows are times, so transpose it"
        )
    if len(data) < minimum:
        raise InvalidInputError(
            f"{name}: expected at least {minimum} rows, got {len(data)}; give a longer series"
        )
    if not constant:
        still = np.flatnonzero((data == data[0]).all(axis=0))  # a difference may overflow
        if still.size:
            raise InvalidInputError(
                f"{name}: column {int(still[0])} never changes (value {data[0, still[0]]:g}); remove it"
            )
    return data


def function(value: Any, name: str, of: str) -> Callable[..., Any]:
    """`value`, which must be callable; `of` says what it is called with."""
    if not callable(value):
        raise InvalidInputError(f"{name}: expected a function of {of}, got {value!r}")
    return value


def squarable(data: np.ndarray, name: str) -> None:
    """Raise where squares would overflow."""
    largest = float(np.abs(data).max(initial=0.0))
    if largest > 1e100:
        raise InvalidInputError(
            f"{name}: expected numbers up to 1e100, whose squares are finite, got {largest:.1e}"
        )


def moderate(data: np.ndarray, name: str = "series") -> None:
    """Raise where squares would overflow or vanish, for work that needs a standard deviation."""
    largest = np.abs(data).max(axis=0)
    bad = largest[(largest > 1e100) | ((largest > 0) & (largest < 1e-100))]
    if bad.size:
        raise InvalidInputError(
            f"{name}: expected values whose squares are finite, got {bad[0]:.1e} at most; rescale the series"
        )


def same_columns(a: np.ndarray, b: np.ndarray, names: str) -> None:
    """Raise unless the two (T, D) arrays have the same number of columns."""
    if a.shape[1] != b.shape[1]:
        raise InvalidInputError(
            f"{names}: expected the same number of columns, got {a.shape[1]} and {b.shape[1]}"
        )
