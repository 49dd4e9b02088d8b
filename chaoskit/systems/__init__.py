"""Maps and flows: known systems with published exponents, and your own from plain Python functions."""

from .base import Flow, Map, System
from .driven import DrivenPendulum, Duffing, HyperRoessler, Thomas
from .extended import KuramotoSivashinsky, MackeyGlass
from .flows import Lorenz63, Lorenz96, Roessler
from .integrators import DormandPrince, RungeKutta4
from .maps import Baker, Cat, Henon, Ikeda, KaplanYorke, Logistic, Lozi, SkewTent
from .more_maps import Burgers, DelayedLogistic, DissipativeStandard, HolmesCubic, Tinkerbell
from .quadratic import (
    Chen,
    DiffusionlessLorenz,
    Halvorsen,
    Lorenz84,
    QuadraticFlow,
    Sprott,
    SprottJerk,
)


def zoo() -> tuple[System, ...]:
    """Every known system, at the parameters of its published exponents."""
    plain = (
        Logistic, SkewTent, Baker, Cat, KaplanYorke, Henon, Lozi, Ikeda, DelayedLogistic, Tinkerbell, Burgers,
        HolmesCubic, DissipativeStandard, Lorenz63, Roessler, Chen, DiffusionlessLorenz, Halvorsen, Lorenz84,
        SprottJerk, Thomas, DrivenPendulum, Duffing, HyperRoessler, Lorenz96, KuramotoSivashinsky,
        MackeyGlass,
    )  # fmt: skip
    return tuple(system() for system in plain) + tuple(Sprott(case) for case in Sprott.cases)


__all__ = [
    "Baker", "Burgers", "Cat", "Chen", "DelayedLogistic", "DiffusionlessLorenz", "DissipativeStandard",
    "DormandPrince", "DrivenPendulum", "Duffing", "Flow", "Halvorsen", "Henon", "HolmesCubic",
    "HyperRoessler", "Ikeda", "KaplanYorke", "KuramotoSivashinsky", "Logistic", "Lorenz63", "Lorenz84",
    "Lorenz96", "Lozi", "MackeyGlass", "Map", "QuadraticFlow", "Roessler", "RungeKutta4", "SkewTent",
    "Sprott", "SprottJerk", "System", "Thomas", "Tinkerbell", "zoo",
]  # fmt: skip
