"""Small tables as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def cell(value: Any) -> str:
    """A value in at most a few letters: four digits of a number, a dash where there is none."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    return str(value)


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows below a header, columns aligned: the first one left, the others right.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences
        As many entries each as the header.

    Returns
    -------
    str

    Examples
    --------
    >>> print(table(["model", "divergence"], [["floor", 0.1], ["network", None]]))
    model    divergence
    -------  ----------
    floor           0.1
    network           -
    """
    texts = [list(header)] + [[cell(value) for value in row] for row in rows]
    widths = [max(len(row[i]) for row in texts) for i in range(len(header))]
    texts.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(_aligned(row, widths)).rstrip() for row in texts)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        text.ljust(width) if i == 0 else text.rjust(width)
        for i, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
