"""The loss of `loss_and_gradient` with forcing that sets the whole state, in JAX: jit, scan and gradients."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "tests"))

import jax_cells

jax.config.update("jax_default_matmul_precision", "highest")  # on a GPU, float32 would be less


def scanned(name: str, T: int, tau: int):
    """loss(cell, decoder, X): one scan over time, as one writes it."""
    forced = jnp.asarray(np.arange(T) % tau == 0)

    def loss(cell, B, X):
        start, n = _states(name, B, X[:-1]), B.shape[1]
        step = _step(name, cell, X.shape[1])

        def advance(z, given):
            z = step(jnp.where(given[1], given[0], z))
            return z, z[:, :n]

        Z = jax.lax.scan(advance, jnp.zeros_like(start[0]), (start, forced))[1]
        return jnp.mean((Z @ B.T - X[1:]) ** 2)

    return loss


def side_by_side(name: str, T: int, tau: int):
    """The same where tau divides T, with the pieces between forcings as one larger batch."""

    def loss(cell, B, X):
        batch, D = X.shape[1:]
        n = B.shape[1]
        wanted = X[1:].reshape(T // tau, tau, batch, D).transpose(1, 0, 2, 3).reshape(tau, -1, D)
        z = _states(name, B, X[:-1:tau].reshape(-1, D))
        step = _step(name, cell, len(z))

        def advance(z, _):
            z = step(z)
            return z, z[:, :n]

        return jnp.mean((jax.lax.scan(advance, z, None, length=tau)[1] @ B.T - wanted) ** 2)

    return loss


def _states(name, B, X):
    """pinv(B) x, and zeros for the c of an LSTM."""
    z = X @ jnp.linalg.solve(B @ B.T, B)
    return jnp.concatenate([z, jnp.zeros_like(z)], axis=-1) if name == "LSTM" else z


def _step(name, cell, batch):
    return lambda z: jax_cells.step(name, cell, z, jnp.zeros((batch, 0), z.dtype))


def gradient(loss):
    """A call that takes arrays and waits for the result."""
    run = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
    return lambda cell, B, X: jax.block_until_ready(run(cell, B, X))


def arrays(cell, decoder, X):
    """The arguments of a loss on JAX's side."""
    return type(cell)(*map(jnp.asarray, cell)), jnp.asarray(decoder), jnp.asarray(X)


def training(loss, rate: float, clip: float, given):
    """A call that makes one update: Adam with the norm of the gradient clipped, all of it compiled."""
    tree = jax.tree_util.tree_map

    @jax.jit
    def update(parameters, mean, square, count, X):
        value, g = jax.value_and_grad(lambda p: loss(*p, X))(parameters)
        norm = jnp.sqrt(sum(jnp.sum(a * a) for a in jax.tree_util.tree_leaves(g)))
        g = tree(lambda a: a * jnp.minimum(1.0, clip / norm), g)
        mean = tree(lambda a, b: 0.9 * a + 0.1 * b, mean, g)
        square = tree(lambda a, b: 0.999 * a + 0.001 * b * b, square, g)
        one, two = 1 / (1 - 0.9**count), 1 / (1 - 0.999**count)
        parameters = tree(
            lambda p, a, b: p - rate * (a * one) / (jnp.sqrt(b * two) + 1e-8), parameters, mean, square
        )
        return value, parameters, mean, square

    parameters = given[:2]
    zeros = tree(jnp.zeros_like, parameters)
    now = [parameters, zeros, zeros, 0]

    def run():
        value, *now[:3] = update(*now[:3], float(now[3] + 1), given[2])
        now[3] += 1
        return float(value)

    return run
