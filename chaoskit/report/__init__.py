"""Reports: series from files, measured examples, pictures, tables, and the demo that uses them all."""

from __future__ import annotations

from .demo import run_demo
from .gradient_figure import draw_gradients, gradients_by_regime, gradients_of_model
from .jsonable import to_json
from .series_files import read_series
from .tables import table

__all__ = [
    "draw_gradients",
    "gradients_by_regime",
    "gradients_of_model",
    "read_series",
    "run_demo",
    "table",
    "to_json",
]
