"""Measured series: delay embedding, and the largest Lyapunov exponent without equations."""

from __future__ import annotations

from .embedding import (
    choose_delay,
    choose_dimension,
    embed,
    false_neighbours,
    mean_period,
    mutual_information,
)
from .exponent import estimate_lyapunov
from .result import DataLyapunov, forcing_interval

__all__ = [
    "DataLyapunov",
    "choose_delay",
    "choose_dimension",
    "embed",
    "estimate_lyapunov",
    "false_neighbours",
    "forcing_interval",
    "mean_period",
    "mutual_information",
]
