"""Maps and flows: known systems with published exponents, and your own from plain Python functions."""

from .base import Flow, Map, System
from .flows import Lorenz63, Lorenz96, Roessler
from .integrators import DormandPrince, RungeKutta4
from .maps import Henon, Logistic

__all__ = [
    "DormandPrince", "Flow", "Henon", "Logistic", "Lorenz63", "Lorenz96", "Map", "Roessler", "RungeKutta4",
    "System",
]  # fmt: skip
