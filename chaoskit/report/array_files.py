"""Arrays in .npy and .npz files, and Parquet tables through pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .._labelled import unpack
from .._sampling import seconds
from ..errors import InvalidInputError, MissingDependencyError, ModelFileError


class ArrayTable:
    """Columns of numbers, with their names where they have some; rows are counted from 0."""

    def __init__(
        self,
        source: Path,
        values: Any,
        names: tuple[str, ...] = (),
        extra: dict[str, np.ndarray] | None = None,
    ):
        self.source, self.values, self.names = source, values, names
        self.row_times: np.ndarray | None = None
        self.extra = extra or {}  # further columns that may hold the time

    @property
    def width(self) -> int:
        return self.values.shape[1]

    def where(self, row: int) -> str:
        return f"{self.source}, row {row}"

    def label(self, column: int) -> str:
        return f"column {column} (from 0)" if not self.names else f"column {self.names[column]!r}"

    def numbers(self, column: int) -> np.ndarray:
        """A column, NaN where a value is missing."""
        return self._finite(self.values[:, column].astype(np.float64), column)

    def _finite(self, values: np.ndarray, column: int) -> np.ndarray:
        bad = np.flatnonzero(np.isinf(values))
        if len(bad):
            raise InvalidInputError(
                f"{self.where(int(bad[0]))}, {self.label(column)}: expected finite numbers, got "
                f"{values[bad[0]]}; drop or interpolate such rows first"
            )
        return values

    def times(self, column: int) -> np.ndarray:
        return self.numbers(column)

    def missing(self, row: int, column: int) -> str:
        return str(self.values[row, column])


class FrameTable(ArrayTable):
    """A table of pandas, whose columns become numbers when they are asked for."""

    def __init__(self, source: Path, frame: Any):
        super().__init__(source, frame, tuple(str(name) for name in frame.columns))
        index = np.asarray(frame.index)
        self.row_times = seconds(index) if index.dtype.kind in "mMf" else None  # mere numbers of rows

    def numbers(self, column: int) -> np.ndarray:
        table = unpack(self.values.iloc[:, [column]], str(self.source))
        return self._finite(np.zeros(0) if table is None else table.values[:, 0], column)

    def times(self, column: int) -> np.ndarray:
        times = seconds(np.asarray(self.values.iloc[:, column]))
        if times is None:
            raise InvalidInputError(
                f"{self.source}, {self.label(column)}: expected numbers or dates, none missing"
            )
        return times

    def missing(self, row: int, column: int) -> str:
        return "a missing value"


def read_npy(source: Path) -> ArrayTable:
    """A single array."""
    array = _loaded(source)
    if not isinstance(array, np.ndarray):
        raise InvalidInputError(f"{source}: expected numbers of shape (T,) or (T, D), got an archive")
    return ArrayTable(source, _two_dimensional(array, str(source)))


def read_npz(source: Path, key: str | None) -> ArrayTable:
    """One array of an archive; the others, where they are as long, may be named as its times."""
    arrays = _loaded(source)
    if isinstance(arrays, np.ndarray):
        raise ModelFileError(f"{source}: expected an archive saved by numpy.savez, got a single array")
    names = sorted(arrays)
    if key is None:
        if len(names) != 1:
            raise InvalidInputError(f"{source}: holds {', '.join(names) or 'nothing'}; say which by key")
        key = names[0]
    if key not in arrays:
        raise InvalidInputError(f"{source}: holds {', '.join(names) or 'nothing'}, got key {key!r}")
    values = _two_dimensional(arrays[key], f"{source}, {key}")
    several = values.shape[1] > 1
    columns = tuple(f"{key}[{k}]" if several else str(key) for k in range(values.shape[1]))
    others = {n: a for n, a in arrays.items() if n != key and a.shape == (len(values),)}
    return ArrayTable(source, values, columns, extra=others)


def read_parquet(source: Path) -> FrameTable:
    """A table through pandas."""
    try:
        import pandas  # type: ignore[import-not-found]
    except ImportError:
        raise MissingDependencyError(
            f'{source}: reading Parquet needs pandas and pyarrow: pip install "chaoskit[tables]"'
        ) from None
    try:
        frame: Any = pandas.read_parquet(source)
    except ImportError as error:
        raise MissingDependencyError(f"{source}: reading Parquet needs more: {error}") from None
    except Exception as error:  # pyarrow and fastparquet raise what they like
        raise ModelFileError(f"{source}: expected a Parquet table ({type(error).__name__})") from None
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        raise InvalidInputError(f"{source}: expected rows of numbers, got an empty table")
    return FrameTable(source, frame)


def _loaded(source: Path) -> np.ndarray | dict[str, np.ndarray]:
    """The array of a file, or the arrays of an archive by name."""
    try:
        with open(source, "rb") as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            with found:
                return {name: np.asarray(found[name]) for name in found.files}
    except Exception as error:  # the header of an array is parsed as Python: damage may raise anything
        if "pickle" in str(error) and "Object arrays" in str(error):
            raise ModelFileError(
                f"{source}: holds Python objects, which are not loaded because that would run code; save a "
                "plain array of numbers"
            ) from None
        raise ModelFileError(f"{source}: expected arrays saved by numpy, got something else") from None


def _two_dimensional(array: np.ndarray, source: str) -> np.ndarray:
    if array.dtype.kind not in "fiub" or array.ndim not in (1, 2):
        raise InvalidInputError(
            f"{source}: expected numbers of shape (T,) or (T, D), got {array.dtype} of shape {array.shape}"
        )
    if array.size == 0:
        raise InvalidInputError(f"{source}: expected a series, got an empty array of shape {array.shape}")
    return array.reshape(len(array), -1)
