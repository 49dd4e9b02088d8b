"""The update of Adam, in place."""

from __future__ import annotations

import math

from .._jit import kernel


@kernel
def adam_update(parameter, gradient, mean, square, rate, scale, beta1, beta2, epsilon, update):
    """One Adam step on flat arrays; `scale` multiplies the gradient (clipping), `update` counts from 1."""
    correct1 = 1.0 / (1.0 - beta1**update)
    correct2 = 1.0 / (1.0 - beta2**update)
    for i in range(parameter.size):
        g = gradient[i] * scale
        mean[i] = beta1 * mean[i] + (1.0 - beta1) * g
        square[i] = beta2 * square[i] + (1.0 - beta2) * g * g
        parameter[i] -= rate * mean[i] * correct1 / (math.sqrt(square[i] * correct2) + epsilon)


@kernel
def sum_of_squares(values):
    """Sum of squares in float64; NaN or infinity if any value is not finite."""
    total = 0.0
    for i in range(values.size):
        total += float(values[i]) * float(values[i])
    return total
