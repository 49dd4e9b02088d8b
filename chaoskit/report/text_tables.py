"""Tables in text files, with the line of whatever is wrong in them."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import InvalidInputError, ModelFileError

_SEPARATORS = {";": "semicolon", "\t": "tab", ",": "comma", None: "whitespace"}
_MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-"}
_GZIP = b"\x1f\x8b"


class TextTable:
    """Cells of a text file; columns become numbers when they are asked for.

    Parameters
    ----------
    source : Path
    """

    def __init__(self, source: Path):
        self.source = source
        lines = [(number, line.strip()) for number, line in enumerate(_text(source).splitlines(), 1)]
        self.lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
        if not self.lines:
            raise InvalidInputError(f"{source}: expected rows of numbers, got an empty file")
        self.separator = next((s for s in (";", "\t", ",") if s in self.lines[0][1]), None)
        self.first = self._split(self.lines[0][1])
        self.names: tuple[str, ...] = ()
        self.rows: list[list[str]] = []
        self.first_time: np.datetime64 | None = None

    @property
    def width(self) -> int:
        """Columns of the rows; of the first line before they are read."""
        return len(self.rows[0]) if self.rows else len(self.first)

    def take_header(self, wanted: list[int] | None) -> None:
        """Take the first line as a header if no wanted cell of it is a number, or if nothing says which."""
        cells = self.first if wanted is None else [self.first[k] for k in wanted]
        text = [cell for cell in cells if cell.lower() not in _MISSING]
        if text and all(self._number(cell) is None for cell in cells):
            self.names, self.lines = tuple(self.first), self.lines[1:]
            if not self.lines:
                raise InvalidInputError(f"{self.source}: expected rows of numbers, got only a header")

    def read_rows(self) -> None:
        """Split all lines, each into as many cells as the first."""
        self.rows = [self._split(line) for _, line in self.lines]
        width = len(self.rows[0])
        for (number, _), cells in zip(self.lines, self.rows, strict=True):
            if len(cells) != width:
                raise InvalidInputError(
                    f"{self.source}, line {number}: expected {width} values separated by "
                    f"{_SEPARATORS[self.separator]} as in the rows before, got {len(cells)}; complete the "
                    "row or remove it"
                )
        if len(self.names) != width:  # a header of another width names nothing
            self.names, self.first = (), []

    def where(self, row: int) -> str:
        return f"{self.source}, line {self.lines[row][0]}"

    def label(self, column: int) -> str:
        name = f" ({self.names[column]})" if column < len(self.names) else ""
        return f"column {column + 1}{name}"

    def numbers(self, column: int) -> np.ndarray:
        """A column, NaN where a value is missing."""
        return self._converted(column, self._number, "a finite number")

    def times(self, column: int) -> np.ndarray:
        """A column of numbers or dates, dates as seconds after the first row."""
        return self._converted(column, self._time, "a number or a date such as 2020-01-31T12:00")

    def _converted(self, column: int, convert: Callable[[str], float | None], wanted: str) -> np.ndarray:
        values = np.empty(len(self.rows))
        for row, cells in enumerate(self.rows):
            cell = cells[column]
            value = math.nan if cell.lower() in _MISSING else convert(cell)
            if value is None or math.isinf(value):
                raise InvalidInputError(
                    f"{self.where(row)}, {self.label(column)}: expected {wanted}, got {cell!r}; correct it, "
                    "or drop or interpolate such rows first"
                )
            values[row] = value
        return values

    def missing(self, row: int, column: int) -> str:
        """What stands where a value is missing."""
        return repr(self.rows[row][column])

    def _split(self, line: str) -> list[str]:
        return [cell.strip().strip('"').strip() for cell in line.split(self.separator)]

    def _number(self, text: str) -> float | None:
        """The number, or None if it is none; in semicolon tables a comma is a decimal point."""
        try:
            return float(text.replace(",", ".") if self.separator == ";" else text)
        except ValueError:
            return None

    def _time(self, text: str) -> float | None:
        value = self._number(text)
        if value is not None:
            return value
        try:
            stamp = np.datetime64(text.removesuffix("Z").replace("/", "-"), "us")
        except (ValueError, OverflowError):
            return None
        if np.isnat(stamp):
            return None
        if self.first_time is None:
            self.first_time = stamp  # counted from here, or microseconds are lost
        return float((stamp - self.first_time) / np.timedelta64(1, "s"))


def _text(source: Path) -> str:
    try:
        data = source.read_bytes()
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError):
        text = "\0"
    except Exception as error:  # zlib.error has no public base
        if type(error).__module__ != "zlib":
            raise
        text = "\0"
    if "\0" in text:
        raise ModelFileError(f"{source}: expected text or a .npy array, got other bytes")
    return text
