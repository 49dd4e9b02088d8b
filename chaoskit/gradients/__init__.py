"""Gradients of losses through time: backpropagation with forcing, how gradients grow, what bounds them."""

from .backpropagation import loss_and_gradient
from .bound import gradient_bound
from .bound_result import GradientBound
from .decomposition import GradientDecomposition, gradient_decomposition
from .growth import gradient_growth
from .growth_result import GradientGrowth
from .implicit import cycle_derivative, cycle_gradient
from .latent import DecoderInversion, ObservedStates

__all__ = [
    "DecoderInversion", "GradientBound", "GradientDecomposition", "GradientGrowth", "ObservedStates",
    "cycle_derivative", "cycle_gradient", "gradient_bound", "gradient_decomposition", "gradient_growth",
    "loss_and_gradient",
]  # fmt: skip
