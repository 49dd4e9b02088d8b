"""Maps and flows: known systems with published exponents, and your own from plain Python functions."""

from .base import Flow, Map, System
from .flows import Lorenz63, Lorenz96, Roessler
from .maps import Henon, Logistic

__all__ = ["Flow", "Henon", "Logistic", "Lorenz63", "Lorenz96", "Map", "Roessler", "System"]
