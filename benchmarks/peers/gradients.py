"""Backpropagation through time beside JAX and PyTorch.

One thread, float32, 16 sequences of 200 steps forced every 20, three observed dimensions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import numpy as np

from chaoskit import cells, fit
from chaoskit.forcing import Sparse
from chaoskit.gradients.backpropagation import Backpropagation
from chaoskit.gradients.decoder import initial_decoder
from chaoskit.gradients.latent import DecoderInversion
from chaoskit.kernels import packing
from chaoskit.training.task import Task
from chaoskit.training.trainer import Trainer

from .measuring import OURS, Work, installed

T, TAU, D, BATCH = 200, 20, 3, 16
CELLS = ("Tanh", "PLRNN", "LSTM")  # for which there is a PyTorch program as well
JAX = {"scanned": "JAX", "side_by_side": "JAX, rewritten"}


def drawn(name: str, n: int, batch: int = BATCH, length: int = T):
    """(cell, decoder, data)."""
    rng = np.random.default_rng(0)
    cell = getattr(cells, name).init(n, rng=rng, dtype=np.float32)
    X = rng.standard_normal((length + 1, batch, D)).astype(np.float32)
    return cell, initial_decoder(D, n, rng, np.float32), X


def operations_of(cell, batch: int = BATCH, length: int = T) -> float:
    """Of the products: one forward, one back and one for the weights."""
    s = packing.sizes_of(cell)
    coupled = s.na * s.m if cells.protocol.is_coupled(cell) else 0
    hidden = s.m * s.n if cells.protocol.has_hidden(cell) else 0
    return 6.0 * batch * length * (coupled + hidden + s.n * D)


def engine(cell, decoder, X, forcing, **options):
    """A call that computes loss and gradients."""
    length, batch = len(X) - 1, X.shape[1]
    latent, schedule = DecoderInversion(decoder), forcing.schedule(length)
    run = Backpropagation(cell, latent, length, batch, **options)
    return lambda: run(cell, latent, X, schedule)


def steps(sizes=(16, 50, 256), every_cell: bool = False) -> Iterator[Work]:
    """Loss and gradients of one batch.

    JAX is one scan over the 200 steps; rewritten, the pieces between forcings are one larger batch.
    Operations are those of the products.
    """
    for name in [cls.__name__ for cls in cells.ALL_CELLS] if every_cell else CELLS:
        for n in sizes:
            cell, decoder, X = drawn(name, n)
            calls: dict[str, Callable] = {OURS: engine(cell, decoder, X, Sparse(TAU))}
            if installed("jax"):
                from . import gradients_jax

                for kind, peer in JAX.items():
                    run = gradients_jax.gradient(getattr(gradients_jax, kind)(name, T, TAU))
                    given = gradients_jax.arrays(cell, decoder, X)
                    calls[peer] = lambda run=run, given=given: run(*given)
            if name in CELLS and installed("torch"):
                calls["PyTorch"] = _torch_gradient(cell, decoder, X)
            _check_loss(calls)
            runs = {by: (call, T) for by, call in calls.items()}
            operations = operations_of(cell) / T
            yield Work(f"gradient, {name}", f"{n} states", f"step of {BATCH}", runs, operations, np.float32)


def _check_loss(runs) -> None:
    """The peers compute the same number."""
    losses = [float(run()[0]) for run in runs.values()]
    if not np.allclose(losses, losses[0], rtol=1e-4):
        raise RuntimeError(f"losses differ: {losses}")


def _torch_gradient(cell, decoder, X):
    import torch

    from . import gradients_torch

    peer, data = gradients_torch.Peer(cell, decoder, TAU), torch.tensor(X)
    return lambda: peer.gradient(data)


def trainer(name: str, n: int, batch: int, length: int, tau: int) -> Trainer:
    """What `fit` trains with, on a random series."""
    series = np.random.default_rng(0).standard_normal((10_000, D))
    defaults = {key: p.default for key, p in inspect.signature(fit).parameters.items()}
    given = {
        "series": series, "cell": drawn(name, n, 1, 1)[0], "forcing": Sparse(tau), "sequence_length": length,
        "batch_size": batch,
    }  # fmt: skip
    return Task(defaults | given).begin(0).trainer


def updates(n: int = 50) -> Iterator[Work]:
    """Whole updates with Adam and clipping; chaoskit draws its windows as well."""
    for name in CELLS:
        cell, decoder, X = drawn(name, n)
        ours = trainer(name, n, BATCH, T, TAU)
        runs: dict[str, tuple[Callable[[], object], int]] = {OURS: (lambda ours=ours: ours.update(0.0), 1)}
        if installed("jax"):
            from . import gradients_jax

            for kind, peer in JAX.items():
                loss = getattr(gradients_jax, kind)(name, T, TAU)
                given = gradients_jax.arrays(cell, decoder, X)
                runs[peer] = gradients_jax.training(loss, 1e-3, 10.0, given), 1
        if installed("torch"):
            import torch

            from . import gradients_torch

            eager = gradients_torch.Peer(cell, decoder, TAU).training(1e-3, 10.0)
            data = torch.tensor(X)
            runs["PyTorch"] = (lambda e=eager, d=data: e(d)), 1
        yield Work(f"update, {name}", f"{n} states", "update", runs, operations_of(cell), np.float32)
