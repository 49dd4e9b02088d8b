"""Series for the commands: read by one set of options."""

from __future__ import annotations

import warnings
from argparse import Namespace

import numpy as np

from .._labelled import TimeSeries
from ..errors import ChaoskitWarning
from ..report import load_series


def series_of(arguments: Namespace, file: str | None = None) -> TimeSeries:
    """The series of `file`, or of the command's FILE, as the command's options say."""
    return load_series(
        arguments.file if file is None else file, arguments.columns, time_column=arguments.time_column,
        dt=getattr(arguments, "dt", None), key=arguments.key, segments=arguments.segments,
    )  # fmt: skip


def longest(series: TimeSeries) -> np.ndarray:
    """Rows without a gap; a warning says how many are left out."""
    rows = series.longest
    if len(rows) < len(series):
        warnings.warn(
            f"the longest of {len(series.segments)} segments is taken, {len(rows)} of {len(series)} rows",
            ChaoskitWarning,
            stacklevel=2,
        )
    return rows
