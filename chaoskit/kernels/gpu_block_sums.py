"""Sums and largest entries over all threads of a block, and norms of rows in the memory of a GPU."""

from __future__ import annotations

import math

from .._jit import gpu_function
from ..cells._math import like
from .gpu_launch import cuda


@gpu_function
def total_of(part, buffer, t, threads):
    """The sum of the parts of all threads, a power of two of them."""
    buffer[t] = part
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if t < half:
            buffer[t] += buffer[t + half]
        cuda.syncthreads()
        half //= 2
    total = buffer[0]
    cuda.syncthreads()
    return total


@gpu_function
def largest_of(part, buffer, t, threads):
    """The largest of the parts of all threads."""
    buffer[t] = part
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if t < half:
            buffer[t] = buffer[t] if buffer[t + half] <= buffer[t] else buffer[t + half]
        cuda.syncthreads()
        half //= 2
    largest = buffer[0]
    cuda.syncthreads()
    return largest


@gpu_function
def norm_of(V, row, nx, buffer, t, threads):
    """Length of a row whose squares may underflow or overflow."""
    zero = like(V[0], 0.0)
    size = zero
    for i in range(t, nx, threads):
        value = abs(V[row + i])
        size = size if value <= size else value
    size = largest_of(size, buffer, t, threads)
    if not (size > zero and size < like(size, math.inf)):
        size = size if size == zero else like(size, math.nan)
    # the inverse of the smallest numbers there are is out of range
    invertible = size >= (like(size, 2.3e-308) if V.itemsize == 8 else like(size, 1.2e-38))
    inverse = like(size, 1.0) / size if invertible else zero
    total = zero
    for i in range(t, nx, threads):
        ratio = V[row + i] * inverse if invertible or size == zero else V[row + i] / size
        total += ratio * ratio
    return size * math.sqrt(total_of(total, buffer, t, threads))
