"""Lines and numbers of tables in Markdown."""

from __future__ import annotations

import math


def line(cells: list[str]) -> str:
    """A row of a table."""
    return "| " + " | ".join(cells) + " |"


def number(value: float | None) -> str:
    """Three digits; a dash where there is none; what is infinite diverged."""
    if value is None:
        return "-"
    return "diverged" if math.isinf(value) else f"{value:.3g}"
