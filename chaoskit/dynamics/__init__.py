"""What a model does: orbits, Jacobians, Lyapunov spectra."""

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
    "JacobianProduct", "LyapunovResult", "TwoOrbitExponent", "finite_time_exponents", "jacobian",
    "jacobian_product", "lyapunov_spectrum", "simulate", "two_orbit_exponent",
]  # fmt: skip
