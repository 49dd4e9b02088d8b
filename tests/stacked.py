"""Slow oracle of a stack: its layers one by one, by the equations of their class."""

from __future__ import annotations

import naive
import numpy as np

from chaoskit.cells import LSTM, Stack


def stack_of(cell_class, units, n_inputs=0, *, closed=False, seed=0, gain=1.5):
    """Layers with so many units, no bias of which is 0; `closed`: with a readout."""
    rng = np.random.default_rng(seed)
    below = (n_inputs, *units[:-1])
    layers = [
        naive.perturbed(cell_class.init(n, m, rng=rng), rng, 0.3, gain)
        for n, m in zip(units, below, strict=True)
    ]
    readout = rng.standard_normal((n_inputs, units[-1])), rng.standard_normal(n_inputs)
    return Stack(layers, readout=readout if closed else None)


def _planes(layer):
    return 2 if isinstance(layer, LSTM) else 1


def _inputs(stack, parts, u):
    if stack.readout is None:
        return u
    C, d = stack.readout
    return C @ parts[-1][: C.shape[1]] + d


def step(stack, x, u=None):
    """One step of a stack."""
    parts, new = stack.split(x), []
    u = _inputs(stack, parts, u)
    for layer, part in zip(stack.layers, parts, strict=True):
        new.append(naive.step(layer, part, u))
        u = new[-1][: len(part) // _planes(layer)]
    return np.concatenate(new)


def jacobian(stack, x, u=None):
    """Derivative of `step`, block by block: a layer by its own state, and by its inputs what these are by x.

    The latter by differences in the complex plane, exact to the last digits.
    """
    parts, rows = stack.split(x), []
    ends = np.cumsum([0, *(len(part) for part in parts)])
    u = _inputs(stack, parts, u)
    of_u = None
    if stack.readout is not None:
        C = stack.readout[0]
        of_u = np.zeros((len(C), len(x)))
        of_u[:, ends[-2] : ends[-2] + C.shape[1]] = C
    for l, (layer, part) in enumerate(zip(stack.layers, parts, strict=True)):
        block = np.zeros((len(part), len(x)))
        block[:, ends[l] : ends[l + 1]] = naive.jacobian(layer, part, u)
        if of_u is not None:
            block += _by_inputs(layer, part, u) @ of_u
        rows.append(block)
        n = len(part) // _planes(layer)
        u, of_u = naive.step(layer, part, u)[:n], block[:n]
    return np.concatenate(rows)


def _by_inputs(layer, x, u):
    """Derivative of one step of a layer by its inputs u."""
    if type(layer).__name__ == "ReLU":
        return np.diag(naive.pre_activations(layer, x, u) > 0).astype(float) @ layer.U
    h = 1e-30
    return np.stack([naive.step(layer, x, u + 1j * h * e).imag / h for e in np.eye(len(u))], axis=1)
