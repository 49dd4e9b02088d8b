"""Reports: series from files, measured examples, pictures, tables, a page about a training, and the demo."""

from __future__ import annotations

from .._tables import table
from .demo import run_demo
from .gradient_figure import draw_gradients, gradients_by_regime, gradients_of_model
from .jsonable import to_json
from .page import Report, write_report
from .series_files import load_series, read_series

__all__ = [
    "Report",
    "draw_gradients",
    "gradients_by_regime",
    "gradients_of_model",
    "load_series",
    "read_series",
    "run_demo",
    "table",
    "to_json",
    "write_report",
]
