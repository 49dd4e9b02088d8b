"""Loss and gradients against JAX's, to round-off. Runs where JAX is installed (extra `oracle`)."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from chaoskit.cells import ALL_CELLS, LSTM, ShPLRNN, protocol
from chaoskit.forcing import Never, Sparse
from chaoskit.training import loss_and_gradient

pytestmark = pytest.mark.oracle
jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
jax_cells = pytest.importorskip("jax_cells")


def loss(cell, B, X, U, tau):
    """The loss as `loss_and_gradient` describes it."""
    name, P, n = type(cell).__name__, jnp.linalg.pinv(B), B.shape[1]

    def forced(x):
        h = x @ P.T
        return jnp.concatenate([h, jnp.zeros_like(h)], axis=1) if name == "LSTM" else h

    z, total = forced(X[:, 0]), 0.0
    for t in range(1, X.shape[1]):
        z = jax_cells.step(name, cell, z, U[:, t - 1])
        total = total + jnp.sum((X[:, t] - z[:, :n] @ B.T) ** 2)
        if tau is not None and t % tau == 0:
            z = forced(X[:, t])
    return total / X[:, 1:].size


@pytest.fixture(scope="module", autouse=True)
def double_precision():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("tau", [5, None], ids=["sparse", "never"])
@pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)
def test_loss_and_gradients(cell_class, tau, measured):
    n, m, D, T, batch = 6, 2, 3, 17, 3
    rng = np.random.default_rng(0)
    cell = cell_class.init(n, m, rng=rng, **({"n_hidden": 9} if cell_class is ShPLRNN else {}))
    cell = naive.perturbed(cell, rng, 0.05, 0.8)
    B = rng.standard_normal((D, n))
    X, U = rng.standard_normal((batch, T + 1, D)), rng.standard_normal((batch, T, m))
    value, gradients = jax.value_and_grad(loss, argnums=(0, 1))(cell, B, X, U, tau)
    forcing = Never() if tau is None else Sparse(tau)
    ours, gradient, decoder_gradient = loss_and_gradient(cell, B, X, forcing=forcing, inputs=U)
    trained = [k for k in cell._fields if k not in protocol.fixed_fields(cell)]
    parts = [*(getattr(gradient, k) for k in trained), decoder_gradient]
    others = [np.asarray(a) for a in (*(getattr(gradients[0], k) for k in trained), gradients[1])]
    size = max(np.abs(a).max() for a in others)
    error = max(np.abs(a - b).max() for a, b in zip(parts, others, strict=True)) / size
    measured("jax_error", f"{error:.1e}")
    assert ours == pytest.approx(float(value), rel=1e-12)
    assert error <= 1e-12


def test_the_state_of_an_lstm_is_h_and_c():
    assert LSTM.layout.state == 2
