"""Where orbits end: fixed points, cycles, attractors and their classes."""

from .cycle_set import Continuum, Cycle, CycleSet, SlowPoints
from .search import cycles, fixed_points
from .slow import slow_points

__all__ = ["Continuum", "Cycle", "CycleSet", "SlowPoints", "cycles", "fixed_points", "slow_points"]
