"""What a model does: orbits, Jacobians, Lyapunov spectra."""

from .covariant import CovariantResult, covariant_vectors
from .growth import (
    JacobianProduct,
    TwoOrbitExponent,
    finite_time_exponents,
    jacobian_product,
    two_orbit_exponent,
)
from .lyapunov import lyapunov_spectrum
from .lyapunov_result import LyapunovResult
from .orbits import jacobian, simulate

__all__ = [
    "CovariantResult", "JacobianProduct", "LyapunovResult", "TwoOrbitExponent", "covariant_vectors",
    "finite_time_exponents", "jacobian", "jacobian_product", "lyapunov_spectrum", "simulate",
    "two_orbit_exponent",
]  # fmt: skip
