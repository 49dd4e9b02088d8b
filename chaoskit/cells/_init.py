"""Random numbers for the `init` of cells."""

from __future__ import annotations

import numpy as np


def generator(rng) -> np.random.Generator:
    """A Generator from a seed, a Generator or None."""
    return np.random.default_rng(rng)


def scaled_normal(rng, shape, fan_in, dtype, gain=1.0) -> np.ndarray:
    """Gaussian entries of variance gain^2 / fan_in."""
    return (rng.standard_normal(shape) * (gain / np.sqrt(max(fan_in, 1)))).astype(dtype)


def scaled_uniform(rng, shape, fan_in, dtype, gain=1.0) -> np.ndarray:
    """Entries uniform on +-gain / sqrt(fan_in)."""
    return (rng.uniform(-1.0, 1.0, shape) * (gain / np.sqrt(max(fan_in, 1)))).astype(dtype)
