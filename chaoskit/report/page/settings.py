"""Section of a report that says how the network was made, so that it can be made again."""

from __future__ import annotations

from ... import __version__
from .findings import Findings
from .html import Html, facts, paragraphs, section, tag


def settings_section(f: Findings) -> Html:
    """Every option of the training, folded away."""
    rows = [[name, str(value)] for name, value in f.model.settings.items()]
    return section(
        "settings", "Settings of the training",
        paragraphs(f"chaoskit {__version__}; arguments of chaoskit.fit that repeat the training."),
        tag("details", tag("summary", "All arguments"), facts(rows)),
    )  # fmt: skip
