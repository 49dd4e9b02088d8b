"""What the cells' rules need on a GPU and do not bring along."""

from __future__ import annotations

from .._jit import ON_GPU, overload
from ..cells._math import tanh_and_slope


@overload(tanh_and_slope, target="cuda", jit_options=ON_GPU)
def _tanh_and_slope(x):
    """The library of the GPU, as in Python, in place of the polynomials for vector registers."""
    return tanh_and_slope
