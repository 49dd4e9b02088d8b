"""Gradients of losses through time: backpropagation with forcing, how gradients grow, what bounds them."""

from .backpropagation import loss_and_gradient
from .latent import DecoderInversion, ObservedStates

__all__ = ["DecoderInversion", "ObservedStates", "loss_and_gradient"]
