"""The experiments of arXiv 2110.07238, computed anew and set beside the published numbers."""

from .reproducing import NAMES, Reproduction, reproduce
from .theorems import Theorems

__all__ = ["NAMES", "Reproduction", "Theorems", "reproduce"]
