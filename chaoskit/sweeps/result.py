"""What a sweep gives: a row for each point, failures among them, and medians over seeds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._files import write_whole
from .._tables import table
from ..errors import InvalidInputError, MissingDependencyError

_SHOWN = 5  # columns of results in the printed table
_LONGEST = 60  # letters of a reason in the printed table


@dataclass(frozen=True, repr=False)
class SweepResult:
    """Rows in the order of the grid.

    Attributes
    ----------
    rows : list of dict
        For each point its labels, what the work returned (None where it failed, or where it did not say),
        "status" ("done" or "failed"), "error" (reason of a failure, or None), "warnings" (of a training, or
        None) and, where models are kept, "model" (a file, or None). All rows have the same keys.
    names : tuple of str
        Names of the grid: the first keys of each row.
    computed : int
        Points that were computed in this call; the others were there already.
    out : Path
        The folder.
    """

    rows: list[dict[str, Any]]
    names: tuple[str, ...]
    computed: int
    out: Path

    @property
    def columns(self) -> list[str]:
        """Keys of the rows."""
        return list(self.rows[0])

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Rows of points that failed, each with its reason under "error"."""
        return [row for row in self.rows if row["status"] == "failed"]

    def to_csv(self, path: Any) -> None:
        """Write the rows as a table in text; None is an empty field.

        Raises ModelFileError if the file cannot be written.
        """
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_whole(path, lambda file: file.write(text.getvalue().encode()))

    def to_frame(self) -> Any:
        """The rows as a table of pandas.

        Raises MissingDependencyError if pandas is not installed.
        """
        try:
            import pandas  # type: ignore[import-not-found]
        except ImportError:
            raise MissingDependencyError(
                'to_frame needs pandas: pip install "chaoskit[tables]", or take rows or to_csv'
            ) from None
        return pandas.DataFrame(self.rows, columns=self.columns)

    def summary(self, column: str, *, over: str | Sequence[str] = "seed") -> SweepSummary:
        """Median and spread of a column over seeds, for each combination of the other names.

        Parameters
        ----------
        column : str
            Of numbers.
        over : str or sequence of str
            Names of the grid whose values are put together.

        Returns
        -------
        SweepSummary

        Raises
        ------
        InvalidInputError
            If there is no such column or name, or the column holds text.
        """
        together = (over,) if isinstance(over, str) else tuple(over)
        for name in together:
            if name not in self.names:
                raise InvalidInputError(
                    f"over: expected some of {', '.join(self.names)}, which the grid names, got {name!r}"
                )
        if column not in self.columns:
            raise InvalidInputError(f"column: expected one of {', '.join(self.columns)}, got {column!r}")
        kept = tuple(name for name in self.names if name not in together)
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in self.rows:
            groups.setdefault(tuple(row[name] for name in kept), []).append(row)
        rows = [
            dict(zip(kept, values, strict=True)) | _spread(column, group) for values, group in groups.items()
        ]
        return SweepSummary(column, kept, rows)

    def __repr__(self) -> str:
        return f"SweepResult({len(self.rows)} points, {len(self.failed)} failed)"

    def __str__(self) -> str:
        others = [c for c in self.columns if c not in self.names and c not in ("status", "error", "warnings")]
        shown = [*self.names, *others[:_SHOWN]] + (["error"] if self.failed else [])
        rows = [[_short(row[name]) for name in shown] for row in self.rows]
        ends = f"{len(self.rows)} points, {len(self.failed)} failed; {self.out}"
        return "\n".join([table(shown, rows), "", ends])


@dataclass(frozen=True, repr=False)
class SweepSummary:
    """A column over seeds.

    Attributes
    ----------
    column : str
    names : tuple of str
        Names of the grid that tell the rows apart.
    rows : list of dict
        For each combination: its labels, "points", "missing" (failed, or without a number), and of the others
        "median", "low" and "high" (quartiles), "least" and "largest"; None where there is no number.
    """

    column: str
    names: tuple[str, ...]
    rows: list[dict[str, Any]]

    def __repr__(self) -> str:
        return f"SweepSummary({self.column}, {len(self.rows)} rows)"

    def __str__(self) -> str:
        header = [*self.names, "median", "low", "high", "points", "missing"]
        return f"{self.column}\n" + table(header, [[row[name] for name in header] for row in self.rows])


def _spread(column: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Quartiles of what is there, and how much is not."""
    values = [row[column] for row in rows if row[column] is not None]
    for value in values:
        if isinstance(value, str):
            raise InvalidInputError(f"column: expected numbers under {column!r}, got {value!r}")
    numbers = [float(value) for value in values if not math.isnan(value)]
    counts = {"points": len(rows), "missing": len(rows) - len(numbers)}
    keys = ("least", "low", "median", "high", "largest")
    if not numbers:
        return dict.fromkeys(keys) | counts
    # by entries of the list alone where one is infinite: between two of them there would be no number; the
    # larger one, so that half of the seeds lost is not called a success
    method = "linear" if all(map(math.isfinite, numbers)) else "higher"
    found = np.quantile(numbers, [0.0, 0.25, 0.5, 0.75, 1.0], method=method)
    return dict(zip(keys, found.tolist(), strict=True)) | counts


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return value[: _LONGEST - 3] + "..."
    return value
