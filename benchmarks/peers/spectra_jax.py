"""Lyapunov spectra of tanh networks in JAX, as one writes them: jit, scan, vmap and QR decompositions."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_default_matmul_precision", "highest")  # on a GPU, float32 would be less


def single(W, k: int, steps: int, every: int) -> Callable[[], object]:
    """k exponents of one network, with a QR decomposition every `every` steps; a call that waits for them."""

    @jax.jit
    def run(W, h, Q):
        def interval(carry, _):
            h, Q, sums = carry
            for _ in range(every):
                h = jnp.tanh(W @ h)
                Q = (1 - h**2)[:, None] * (W @ Q)
            Q, R = jnp.linalg.qr(Q)
            return (h, Q, sums + jnp.log(jnp.abs(jnp.diagonal(R)))), None

        zeros = jnp.zeros(k, W.dtype)
        return jax.lax.scan(interval, (h, Q, zeros), None, length=steps // every)[0][2]

    n = len(W)
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((n, k)))[0].astype(W.dtype)
    given = jnp.asarray(W), jnp.full(n, 0.1, W.dtype), jnp.asarray(Q)
    return lambda: run(*given).block_until_ready()


def ensemble(n: int, steps: int) -> Callable:
    """A function of (W, b, h), one network of n units a row: all exponents, QR at each step."""

    @jax.jit
    def run(W, b, h):
        def one(W, b, h):
            def step(carry, _):
                h, Q, sums = carry
                h = jnp.tanh(W @ h + b)
                Q, R = jnp.linalg.qr((1 - h**2)[:, None] * (W @ Q))
                return (h, Q, sums + jnp.log(jnp.abs(jnp.diagonal(R)))), None

            start = h, jnp.eye(n, dtype=W.dtype), jnp.zeros(n, W.dtype)
            return jax.lax.scan(step, start, None, length=steps)[0][2]

        return jax.vmap(one)(W, b, h)

    return run
