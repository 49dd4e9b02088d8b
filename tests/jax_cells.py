"""One step of every cell in JAX, from the equations in the docstrings: for the oracle and for benchmarks."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def step(name, c, z, u):
    """One step of a batch (batch, N) from the equations in the cells' docstrings."""
    relu = jax.nn.relu
    if name in ("Tanh", "ReLU"):
        return (jnp.tanh if name == "Tanh" else relu)(z @ c.W.T + u @ c.U.T + c.b)
    if name == "Antisymmetric":
        M = c.W - c.W.T - c.damping[0] * jnp.eye(len(c.W))
        return z + c.step[0] * jnp.tanh(z @ M.T + u @ c.U.T + c.b)
    if name == "Linear":
        return z @ c.W.T + u @ c.C.T + c.h
    if name == "DiagonalLinear":
        return c.A * z + u @ c.C.T + c.h
    if name == "GRU":
        return gru(c, z, u)
    if name == "LSTM":
        return lstm(c, z, u)
    if name == "PLRNN":
        return c.A * z + relu(z) @ c.W.T + u @ c.C.T + c.h
    if name == "ALRNN":
        return c.A * z + jnp.where(c.mask > 0, relu(z), z) @ c.W.T + u @ c.C.T + c.h
    if name == "DendPLRNN":
        phi = relu(z[:, :, None] - c.thresholds) @ c.alpha
        return c.A * z + phi @ c.W.T + u @ c.C.T + c.h
    a = z @ c.W2.T
    phi = relu(a + c.h2) - (relu(a) if name == "ClippedShPLRNN" else 0.0)
    return c.A * z + phi @ c.W1.T + u @ c.C.T + c.h1


def gru(c, z, u):
    """The three gates' products as one, as XLA would not join them."""
    (wr, wz, wn), (ur, uz, un), b = (
        jnp.split(z @ c.W.T, 3, axis=1), jnp.split(u @ c.U.T, 3, axis=1), c.b.reshape(4, -1),
    )  # fmt: skip
    r, s = jax.nn.sigmoid(wr + ur + b[0]), jax.nn.sigmoid(wz + uz + b[1])
    new = jnp.tanh(un + b[3] + r * (wn + b[2]))
    return (1 - s) * new + s * z


def lstm(c, z, u):
    n = z.shape[1] // 2
    i, f, g, o = jnp.split(z[:, :n] @ c.W.T + u @ c.U.T + c.b, 4, axis=1)
    new = jax.nn.sigmoid(f) * z[:, n:] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jnp.concatenate([jax.nn.sigmoid(o) * jnp.tanh(new), new], axis=1)
