"""Running the code cells of a page of the documentation, without Sphinx."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def with_code(folder: Path) -> list[Path]:
    """Pages of a folder that hold code."""
    return sorted(page for page in folder.glob("*.md") if "{code-cell}" in page.read_text(encoding="utf-8"))


def run_page(page: Path) -> int:
    """Run all code cells of a page one after the other; the number of figures they made."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    text = page.read_text(encoding="utf-8")
    names = {"__name__": "page", "print": lambda *args: None}
    try:
        for cell in re.finditer(r"^```\{code-cell\} python\n(.*?)^```$", text, re.M | re.S):
            above = "\n" * text[: cell.start(1)].count("\n")  # so that errors name the line of the page
            with contextlib.chdir(page.parent):  # as Sphinx does, for files that lie beside a page
                exec(compile(above + cell[1], str(page), "exec"), names)
        return len(plt.get_fignums())
    finally:
        plt.close("all")
