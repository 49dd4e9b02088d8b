"""Loss and gradients against JAX's, to round-off. Runs where JAX is installed (extra `oracle`)."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from chaoskit.cells import ALL_CELLS, LSTM, ShPLRNN, protocol
from chaoskit.forcing import AdaptiveGeneralized, Annealed, Generalized, Never, Sparse, Truncated, Windowed
from chaoskit.gradients.latent import DecoderInversion
from chaoskit.training import ObservedStates, loss_and_gradient

SCHEMES = [
    Sparse(5),
    Sparse(6, jitter=4).at(0.5, np.random.default_rng(1)),
    Annealed(1, 16).at(0.25, np.random.default_rng(0)),
    Generalized(0.3),
    Generalized(1.0),
    Generalized(0.0),
    AdaptiveGeneralized(start=0.6),
    Windowed(4),
    Truncated(4),
    Never(),
]

pytestmark = pytest.mark.oracle
jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
jax_cells = pytest.importorskip("jax_cells")


def maps(latent, planes):
    """(B, M): observations are read as B h from the first state plane, and give the state M x."""
    if isinstance(latent, ObservedStates):
        D = latent.initial_map.shape[1]
        M = jnp.concatenate([jnp.eye(D), latent.initial_map])
        return jnp.eye(D, len(M) // planes), M
    P = jnp.linalg.pinv(latent.decoder)
    return latent.decoder, jnp.concatenate([P] + [jnp.zeros_like(P)] * (planes - 1))


@jax.jit
def loss_and_derivatives(cell, latent, X, U, terms):
    """The loss as `loss_and_gradient` describes it, and its derivatives by cell and latent state.

    X (T + 1, batch, D), U (T, batch, M); terms are those of `naive.forcing_terms`, so that one compiled
    function serves all schemes.
    """

    def loss(cell, latent):
        B, M = maps(latent, 2 if isinstance(cell, LSTM) else 1)
        n, some = B.shape[1], len(B) if isinstance(latent, ObservedStates) else len(M)

        def advance(z, now):
            (keep, data, cut, whole), x, u, predicted = now
            own = jnp.where(cut > 0, jax.lax.stop_gradient(z), z)
            touched = (whole > 0) | (jnp.arange(len(M)) < some)
            z = jnp.where(touched, keep * own + data * (x @ M.T), own)
            z = jax_cells.step(type(cell).__name__, cell, z, u)
            return z, jnp.sum((predicted - z[:, :n] @ B.T) ** 2)

        start = jnp.zeros((X.shape[1], len(M)))
        return jnp.sum(jax.lax.scan(advance, start, (terms, X[:-1], U, X[1:]))[1]) / X[1:].size

    return jax.value_and_grad(loss, argnums=(0, 1))(cell, latent)


@pytest.fixture(scope="module", autouse=True)
def double_precision():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@pytest.mark.parametrize("kind", [DecoderInversion, ObservedStates], ids=["decoder", "observed"])
@pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)
def test_loss_and_gradients(cell_class, kind, scheme, measured):
    n, m, D, T, batch = 6, 2, 3, 17, 3
    rng = np.random.default_rng(0)
    cell = cell_class.init(n, m, rng=rng, **({"n_hidden": 9} if cell_class is ShPLRNN else {}))
    cell = naive.perturbed(cell, rng, 0.05, 0.8)
    nx = n * cell_class.layout.state
    latent = kind(rng.standard_normal((D, n) if kind is DecoderInversion else (nx - D, D)))
    X, U = rng.standard_normal((batch, T + 1, D)), rng.standard_normal((batch, T, m))
    value, derivatives = loss_and_derivatives(
        cell, latent, X.swapaxes(0, 1), U.swapaxes(0, 1), naive.forcing_terms(scheme, T)
    )
    ours, gradient, latent_gradient = loss_and_gradient(cell, latent, X, forcing=scheme, inputs=U)
    trained = [k for k in cell._fields if k not in protocol.fixed_fields(cell)]
    parts = [getattr(gradient, k) for k in trained]
    parts += latent_gradient if kind is ObservedStates else [latent_gradient]
    others = [np.asarray(a) for a in (*(getattr(derivatives[0], k) for k in trained), *derivatives[1])]
    error = max(np.abs(a - b).max() / (np.abs(b).max() or 1.0) for a, b in zip(parts, others, strict=True))
    measured("jax_error", f"{error:.1e}")
    assert ours == pytest.approx(float(value), rel=1e-12)
    assert error <= 1e-12  # of each array by itself


def test_the_state_of_an_lstm_is_h_and_c():
    assert LSTM.layout.state == 2
