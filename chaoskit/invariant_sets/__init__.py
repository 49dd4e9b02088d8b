"""Where orbits end: fixed points, cycles, attractors and their classes."""

from .attractor_set import Attractor, AttractorSet
from .attractors import attractors
from .classify import classify_orbit
from .cycle_set import Continuum, Cycle, CycleSet, SlowPoints
from .orbit_class import OrbitClass
from .scan import bifurcation_scan
from .scan_result import Bifurcation, BifurcationScan
from .search import cycles, fixed_points
from .slow import slow_points

__all__ = [
    "Attractor", "AttractorSet", "Bifurcation", "BifurcationScan", "Continuum", "Cycle", "CycleSet",
    "OrbitClass", "SlowPoints", "attractors", "bifurcation_scan", "classify_orbit", "cycles", "fixed_points",
    "slow_points",
]  # fmt: skip
