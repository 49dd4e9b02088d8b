"""Outputs of imported networks, formulas of the frameworks, and weights as these name and order them."""

from __future__ import annotations

import numpy as np

import chaoskit

KINDS = {"tanh": (1, chaoskit.cells.Tanh), "relu": (1, chaoskit.cells.ReLU)}
KINDS |= {"gru": (3, chaoskit.cells.GRU), "lstm": (4, chaoskit.cells.LSTM)}
N, M = 3, 2  # units and inputs
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}


def outputs(model, inputs):
    """h of the last layer, (T, n), from rest under inputs (T, M)."""
    layers = getattr(model, "layers", (model,))
    states = chaoskit.simulate(model, np.zeros(sum(_planes(a) for a in layers)), len(inputs), inputs=inputs)
    units = layers[-1].W.shape[1]
    start = sum(_planes(a) for a in layers[:-1])
    return states[1:, start : start + units]


def _planes(cell) -> int:
    return cell.W.shape[1] * (2 if isinstance(cell, chaoskit.cells.LSTM) else 1)


def agree(got, expected, dtype, accuracy=None) -> None:
    """The same numbers to the accuracy that the dtype, or another, allows, none of them trivial."""
    expected = np.asarray(expected)
    assert got.shape == expected.shape
    assert got.dtype == np.dtype(dtype)
    assert np.abs(expected).max() > 0.05
    assert np.abs(got - expected).max() < TOLERANCE[np.dtype(accuracy or dtype).name]


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def formula(kind, weights, inputs):
    """h of one layer by the formulas of PyTorch's documentation; weights: W_ih, W_hh, b_ih, b_hh."""
    W_ih, W_hh, b_ih, b_hh = weights
    n = W_hh.shape[1]
    h, c, rows = np.zeros(n), np.zeros(n), []
    for u in inputs:
        a, q = W_ih @ u + b_ih, W_hh @ h + b_hh
        if kind == "lstm":
            i, f, g, o = np.split(a + q, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        elif kind == "gru":
            r, z = sigmoid(a[:n] + q[:n]), sigmoid(a[n : 2 * n] + q[n : 2 * n])
            h = (1 - z) * np.tanh(a[2 * n :] + r * q[2 * n :]) + z * h
        else:
            h = np.tanh(a + q) if kind == "tanh" else np.maximum(a + q, 0.0)
        rows.append(h)
    return np.array(rows)


def random_weights(kind, n, M, dtype=np.float64, seed=0):
    """W_ih, W_hh, b_ih, b_hh of one layer."""
    rng, rows = np.random.default_rng(seed), KINDS[kind][0] * n
    shapes = ((rows, M), (rows, n), (rows,), (rows,))
    return [(rng.uniform(-1.0, 1.0, shape) / np.sqrt(n)).astype(dtype) for shape in shapes]


def torch_names(layers, start=""):
    """A state dict of one module."""
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {
        f"{start}{part}_l{i}": a
        for i, layer in enumerate(layers)
        for part, a in zip(parts, layer, strict=True)
    }


def keras_arrays(kind, weights):
    """kernel, recurrent_kernel and bias, with gates in the order of Keras."""
    if kind == "gru":
        weights = [np.concatenate([a[N : 2 * N], a[:N], a[2 * N :]]) for a in weights]
    W_ih, W_hh, b_ih, b_hh = weights
    return [W_ih.T, W_hh.T, np.stack([b_ih, b_hh]) if kind == "gru" else b_ih + b_hh]


def flax_tree(kind, weights):
    """Dense layers by gates; the biases are where Flax has them."""
    names = {"lstm": ["i", "f", "g", "o"], "gru": ["r", "z", "n"]}.get(kind, [""])
    W_ih, W_hh, b_ih, b_hh = (np.split(a, len(names)) for a in weights)
    tree = {}
    for i, name in enumerate(names):
        tree[f"i{name}"], tree[f"h{name}"] = {"kernel": W_ih[i].T}, {"kernel": W_hh[i].T}
        if name == "n":
            tree["in"]["bias"], tree["hn"]["bias"] = b_ih[i], b_hh[i]
        else:
            tree[f"{'h' if kind == 'lstm' else 'i'}{name}"]["bias"] = b_ih[i] + b_hh[i]
    return tree
