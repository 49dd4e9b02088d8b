"""chaoskit: recurrent networks on chaotic data.

A series goes in; its Lyapunov exponent sets the forcing interval; a network is trained by sparsely forced
backpropagation through time; its free run comes out with its exponents and its distance from the data.
"""

from . import cells, errors, forcing, interop, measures, sweeps, systems, training
from .dynamics import (
    CovariantResult,
    JacobianProduct,
    LyapunovResult,
    TwoOrbitExponent,
    covariant_vectors,
    finite_time_exponents,
    jacobian,
    jacobian_product,
    lyapunov_spectrum,
    simulate,
    two_orbit_exponent,
)
from .errors import ChaoskitError, ChaoskitWarning
from .gradients import (
    GradientBound,
    GradientDecomposition,
    GradientGrowth,
    cycle_derivative,
    cycle_gradient,
    gradient_bound,
    gradient_decomposition,
    gradient_growth,
)
from .invariant_sets import (
    AttractorSet,
    BifurcationScan,
    CycleSet,
    OrbitClass,
    SlowPoints,
    attractors,
    bifurcation_scan,
    classify_orbit,
    cycles,
    fixed_points,
    slow_points,
)
from .measures import SeriesComparison, compare
from .sweeps import SweepResult, sweep
from .timeseries import DataLyapunov, Recommendation, estimate_lyapunov, recommend
from .training import Evaluation, FitResult, evaluate, fit, load

__version__ = "0.1.0"

__all__ = [
    "AttractorSet", "BifurcationScan", "ChaoskitError", "ChaoskitWarning", "CovariantResult", "CycleSet",
    "DataLyapunov", "Evaluation", "FitResult", "GradientBound", "GradientDecomposition", "GradientGrowth",
    "JacobianProduct", "LyapunovResult", "OrbitClass", "Recommendation", "SeriesComparison", "SlowPoints",
    "SweepResult", "TwoOrbitExponent", "__version__", "attractors", "bifurcation_scan", "cells",
    "classify_orbit", "compare", "covariant_vectors", "cycle_derivative", "cycle_gradient", "cycles",
    "errors", "estimate_lyapunov", "evaluate", "finite_time_exponents", "fit", "fixed_points", "forcing",
    "gradient_bound", "gradient_decomposition", "gradient_growth", "interop", "jacobian", "jacobian_product",
    "load", "lyapunov_spectrum", "measures", "recommend", "simulate", "slow_points", "sweep", "sweeps",
    "systems", "training", "two_orbit_exponent",
]  # fmt: skip
