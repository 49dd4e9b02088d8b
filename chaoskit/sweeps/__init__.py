"""Grids of trainings on one computer or many: every point kept, failures told, broken-off sweeps resumed."""

from .grid import Labelled, Together
from .judging import train_and_judge
from .result import SweepResult, SweepSummary
from .sweeping import sweep

__all__ = ["Labelled", "SweepResult", "SweepSummary", "Together", "sweep", "train_and_judge"]
