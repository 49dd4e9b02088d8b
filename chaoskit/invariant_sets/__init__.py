"""Where orbits end: fixed points, cycles, attractors and their classes."""

from .attractor_set import Attractor, AttractorSet
from .attractors import attractors
from .classify import classify_orbit
from .orbit_class import OrbitClass

__all__ = ["Attractor", "AttractorSet", "OrbitClass", "attractors", "classify_orbit"]
