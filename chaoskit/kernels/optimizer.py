"""The update of Adam and its kin, in place."""

from __future__ import annotations

import math

from .._jit import kernel


@kernel
def adam_update(
    parameter, gradient, mean, square, rate, scale, limit, beta1, beta2, epsilon, decay, adaptive, update
):
    """One step on flat arrays.

    Gradients are cut to +-limit and multiplied by `scale`; `decay` shrinks the parameters, apart from the
    gradient; `adaptive` is the factor of the step divided by the root of the mean square, or 0 for a step
    along the mean alone; `update` counts from 1.
    """
    correct1 = 1.0 / (1.0 - beta1**update)
    correct2 = 1.0 / (1.0 - beta2**update)
    for i in range(parameter.size):
        g = gradient[i]
        g = limit if g > limit else (-limit if g < -limit else g)
        g *= scale
        mean[i] = beta1 * mean[i] + (1.0 - beta1) * g
        square[i] = beta2 * square[i] + (1.0 - beta2) * g * g
        step = mean[i] * correct1
        if adaptive > 0.0:
            step *= adaptive / (math.sqrt(square[i] * correct2) + epsilon)
        parameter[i] -= rate * (step + decay * parameter[i])


@kernel
def sum_of_squares(values, limit):
    """Sum in float64 of squares of values cut to +-limit; NaN or infinity if any value is not finite."""
    total = 0.0
    for i in range(values.size):
        value = float(values[i])
        if not math.isfinite(value):
            return math.nan
        value = limit if value > limit else (-limit if value < -limit else value)
        total += value * value
    return total
