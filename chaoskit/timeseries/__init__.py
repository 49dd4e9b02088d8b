"""Measured series: embedding, exponents and dimensions without equations, and what they ask of a training."""

from __future__ import annotations

from .correlation import CorrelationDimension, correlation_dimension
from .embedding import (
    choose_delay,
    choose_dimension,
    embed,
    false_neighbours,
    mean_period,
    mutual_information,
)
from .exponent import estimate_lyapunov
from .recommendation import Recommendation, recommend, recommended_forcing, window_length
from .result import DataLyapunov, forcing_interval
from .surrogates import SurrogateTest, amplitude_adjusted, phase_randomised, surrogate_test
from .zero_one import ZeroOneTest, zero_one_test

__all__ = [
    "CorrelationDimension",
    "DataLyapunov",
    "Recommendation",
    "SurrogateTest",
    "ZeroOneTest",
    "amplitude_adjusted",
    "choose_delay",
    "choose_dimension",
    "correlation_dimension",
    "embed",
    "estimate_lyapunov",
    "false_neighbours",
    "forcing_interval",
    "mean_period",
    "mutual_information",
    "phase_randomised",
    "recommend",
    "recommended_forcing",
    "surrogate_test",
    "window_length",
    "zero_one_test",
]
