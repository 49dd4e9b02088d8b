"""chaoskit: recurrent networks on chaotic data.

A series goes in; its Lyapunov exponent sets the forcing interval; a network is trained by sparsely forced
backpropagation through time; its free run comes out with its exponents and its distance from the data.
"""

from . import cells, errors, forcing, measures, systems, training
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
from .measures import SeriesComparison, compare
from .timeseries import DataLyapunov, estimate_lyapunov
from .training import Evaluation, FitResult, evaluate, fit, load

__version__ = "0.1.0"

__all__ = [
    "ChaoskitError", "ChaoskitWarning", "CovariantResult", "DataLyapunov", "Evaluation", "FitResult",
    "JacobianProduct", "LyapunovResult", "SeriesComparison", "TwoOrbitExponent", "__version__", "cells",
    "compare", "covariant_vectors",
    "errors", "estimate_lyapunov", "evaluate", "finite_time_exponents", "fit", "forcing", "jacobian",
    "jacobian_product", "load", "lyapunov_spectrum", "measures", "simulate", "systems", "training",
    "two_orbit_exponent",
]  # fmt: skip
