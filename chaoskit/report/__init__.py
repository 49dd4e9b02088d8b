"""Reports: series from files, measured examples, pictures, tables, and the demo that uses them all."""

from __future__ import annotations

from .._tables import table
from .demo import run_demo
from .gradient_figure import draw_gradients, gradients_by_regime, gradients_of_model
from .jsonable import to_json
from .series_files import load_series, read_series

__all__ = [
    "draw_gradients",
    "gradients_by_regime",
    "gradients_of_model",
    "load_series",
    "read_series",
    "run_demo",
    "table",
    "to_json",
]
