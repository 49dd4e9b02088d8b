"""The experiments of arXiv 2110.07238, computed anew and set beside the published numbers."""

from .reproducing import NAMES, Reproduction, reproduce

__all__ = ["NAMES", "Reproduction", "reproduce"]
