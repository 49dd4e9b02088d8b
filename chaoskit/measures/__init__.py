"""How faithful a free run is: measures between true and generated series, floors, intervals, a verdict."""

from __future__ import annotations

from . import published_2021
from .bootstrap import bootstrap_interval, correlation_time
from .floors import floor
from .judged import Measure
from .prediction import (
    ValidPredictionTimes,
    prediction_error,
    valid_prediction_time,
    valid_prediction_times,
)
from .retraced import retracing
from .series_comparison import SeriesComparison, compare
from .spectral import spectral_distance
from .state_space import StateSpaceDivergence, state_space_divergence
from .verdict import Exponent, Retracing

__all__ = [
    "Exponent", "Measure", "Retracing", "SeriesComparison", "StateSpaceDivergence", "ValidPredictionTimes",
    "bootstrap_interval", "compare", "correlation_time", "floor", "prediction_error", "published_2021",
    "retracing", "spectral_distance", "state_space_divergence", "valid_prediction_time",
    "valid_prediction_times",
]  # fmt: skip
