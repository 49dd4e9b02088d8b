"""What a model does: orbits, Jacobians, Lyapunov spectra."""

from .lyapunov import LyapunovResult, lyapunov_spectrum
from .orbits import jacobian, simulate

__all__ = ["LyapunovResult", "jacobian", "lyapunov_spectrum", "simulate"]
