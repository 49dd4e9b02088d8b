"""Random numbers for the `init` of cells."""

from __future__ import annotations

import numpy as np

from .. import _check
from ..errors import InvalidInputError


def prepare(rng, dtype, **sizes) -> np.random.Generator:
    """A Generator from a seed, a Generator or None, once sizes and dtype are those of a cell."""
    for name, value in sizes.items():
        _check.integer(value, name, 0 if name == "n_inputs" else 1)
        if not isinstance(value, (int, np.integer)):  # it becomes a size as it is
            raise InvalidInputError(f"{name}: expected an int, got {value!r}")
    _check.float_type(dtype)
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"rng: expected a seed or a Generator, got {rng!r} ({error})") from None


def scaled_normal(rng, shape, fan_in, dtype, gain=1.0) -> np.ndarray:
    """Gaussian entries of variance gain^2 / fan_in."""
    return (rng.standard_normal(shape) * (gain / np.sqrt(max(fan_in, 1)))).astype(dtype)


def scaled_uniform(rng, shape, fan_in, dtype, gain=1.0) -> np.ndarray:
    """Entries uniform on +-gain / sqrt(fan_in)."""
    return (rng.uniform(-1.0, 1.0, shape) * (gain / np.sqrt(max(fan_in, 1)))).astype(dtype)
