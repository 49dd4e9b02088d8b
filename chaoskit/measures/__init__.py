"""How faithful a free run is: measures between true and generated series, and their floors."""

from __future__ import annotations

from .floors import floor
from .prediction import prediction_error, valid_prediction_time
from .retraced import retracing
from .spectral import spectral_distance
from .state_space import StateSpaceDivergence, state_space_divergence

__all__ = [
    "StateSpaceDivergence",
    "floor",
    "prediction_error",
    "retracing",
    "spectral_distance",
    "state_space_divergence",
    "valid_prediction_time",
]
