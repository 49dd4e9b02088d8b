"""Backpropagation through time against JAX and PyTorch in one run: CPU time, interleaved, medians.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.bptt_peers [step training threads published memory]

Needs `pip install jax torch`, and `tests` beside `benchmarks`. Ten minutes. One thread, float32, batch 16,
200 steps forced every 20, three observed dimensions, but for what a table says of itself.
"""

from __future__ import annotations

import inspect
import math
import sys
import time

import numpy as np

from chaoskit import cells, fit
from chaoskit.forcing import Never, Sparse
from chaoskit.gradients.backpropagation import Backpropagation
from chaoskit.gradients.decoder import initial_decoder
from chaoskit.gradients.latent import DecoderInversion
from chaoskit.kernels import packing
from chaoskit.training.task import Task
from chaoskit.training.trainer import Trainer

from .lyapunov_peers import interleaved  # sets the threads of XLA and OpenBLAS to one

T, TAU, D, BATCH = 200, 20, 3, 16
TORCH = ("Tanh", "PLRNN", "LSTM")


def drawn(name: str, n: int, batch: int = BATCH, length: int = T):
    """(cell, decoder, data)."""
    rng = np.random.default_rng(0)
    cell = getattr(cells, name).init(n, rng=rng, dtype=np.float32)
    X = rng.standard_normal((length + 1, batch, D)).astype(np.float32)
    return cell, initial_decoder(D, n, rng, np.float32), X


def operations(cell, batch: int = BATCH, length: int = T) -> float:
    """Of the products: one forward, one back and one for the weights."""
    s = packing.sizes_of(cell)
    coupled = s.na * s.m if cells.protocol.is_coupled(cell) else 0
    hidden = s.m * s.n if cells.protocol.has_hidden(cell) else 0
    return 6.0 * batch * length * (coupled + hidden + s.n * D)


def peak(n: int = 1500) -> float:
    """Float32 operations a second of one core, by a large product of the BLAS that the kernels call."""
    from scipy.linalg.blas import sgemm

    a = np.asfortranarray(np.random.default_rng(0).standard_normal((n, n)), np.float32)
    return 2.0 * n**3 / interleaved({"product": lambda: sgemm(1.0, a, a)})["product"]


def engine(cell, decoder, X, forcing, **options):
    """A call that computes loss and gradients."""
    length, batch = len(X) - 1, X.shape[1]
    latent, schedule = DecoderInversion(decoder), forcing.schedule(length)
    run = Backpropagation(cell, latent, length, batch, **options)
    return lambda: run(cell, latent, X, schedule)


def steps(sizes=(16, 50, 256)) -> None:
    """Loss and gradients of one batch, all cells."""
    from . import bptt_jax

    ceiling = peak()
    print(f"\nloss and gradients, microseconds a step of {BATCH} sequences; peak {ceiling / 1e9:.0f} GFLOP/s")
    print("| cell | states | PyTorch | JAX | JAX, side by side | chaoskit | ratios | GFLOP/s | of peak |")
    print("|---|---|---|---|---|---|---|---|---|")
    for cell_class in cells.ALL_CELLS:
        name = cell_class.__name__
        for n in sizes:
            cell, decoder, X = drawn(name, n)
            runs = {"ours": engine(cell, decoder, X, Sparse(TAU))}
            for peer in ("scanned", "side_by_side"):
                run = bptt_jax.gradient(getattr(bptt_jax, peer)(name, T, TAU))
                given = bptt_jax.arrays(cell, decoder, X)
                runs[peer] = lambda run=run, given=given: run(*given)
            _check_loss(runs)
            if name in TORCH:
                runs["torch"] = _torch_gradient(cell, decoder, X)
            us = {k: 1e6 * v / T for k, v in interleaved(runs).items()}
            rate = operations(cell) / (us["ours"] * 1e-6 * T)
            ratios = [f"{us[k] / us['ours']:.2f}" for k in ("torch", "scanned", "side_by_side") if k in us]
            print(
                f"| {name} | {n} | {us['torch']:.1f}" if "torch" in us else f"| {name} | {n} | ",
                f"| {us['scanned']:.2f} | {us['side_by_side']:.2f} | {us['ours']:.3f} | {', '.join(ratios)} "
                f"| {rate / 1e9:.0f} | {100 * rate / ceiling:.0f} % |",
                flush=True,
            )


def _check_loss(runs) -> None:
    """The peers compute the same number."""
    losses = [float(run()[0]) for run in runs.values()]
    if not np.allclose(losses, losses[0], rtol=1e-4):
        raise RuntimeError(f"losses differ: {losses}")


def _torch_gradient(cell, decoder, X):
    import torch

    from . import bptt_torch

    peer, data = bptt_torch.Peer(cell, decoder, TAU), torch.tensor(X)
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


def training(n: int = 50) -> None:
    """Whole updates with Adam and clipping; chaoskit draws its windows as well."""
    import torch

    from . import bptt_jax, bptt_torch

    print(f"\nwhole updates, {n} states, milliseconds")
    print("| cell | PyTorch | JAX | JAX, side by side | chaoskit | ratios |")
    print("|---|---|---|---|---|---|")
    for name in TORCH:
        cell, decoder, X = drawn(name, n)
        ours, peer = trainer(name, n, BATCH, T, TAU), bptt_torch.Peer(cell, decoder, TAU)
        eager, data = peer.training(1e-3, 10.0), torch.tensor(X)
        runs = {"ours": lambda ours=ours: ours.update(0.0), "torch": lambda e=eager, d=data: e(d)}
        for kind in ("scanned", "side_by_side"):
            loss = getattr(bptt_jax, kind)(name, T, TAU)
            runs[kind] = bptt_jax.training(loss, 1e-3, 10.0, bptt_jax.arrays(cell, decoder, X))
        ms = {k: 1e3 * v for k, v in interleaved(runs).items()}
        ratios = ", ".join(f"{ms[k] / ms['ours']:.1f}" for k in ("torch", "scanned", "side_by_side"))
        print(
            f"| {name} | {ms['torch']:.2f} | {ms['scanned']:.3f} | {ms['side_by_side']:.3f} | "
            f"{ms['ours']:.3f} | {ratios} |",
            flush=True,
        )


def threads(n: int = 50, batch: int = 64) -> None:
    """Wall time of one and of two threads, in turn; the best of many, because cores are shared."""
    print(f"\ntwo threads, {n} states, {batch} sequences, milliseconds of wall time, best of 300")
    print("| cell | forcing | one | two | ratio |")
    print("|---|---|---|---|---|")
    for name in TORCH:
        cell, decoder, X = drawn(name, n, batch)
        for forcing in (Sparse(TAU), Never()):
            runs = [engine(cell, decoder, X, forcing, threads=k) for k in (1, 2)]
            best = [math.inf, math.inf]
            for _ in range(300):
                for i, run in enumerate(runs):
                    start = time.perf_counter()
                    run()
                    best[i] = min(best[i], time.perf_counter() - start)
            one, two = 1e3 * best[0], 1e3 * best[1]
            print(f"| {name} | {forcing!r} | {one:.3f} | {two:.3f} | {one / two:.2f} |", flush=True)


def published(updates: int = 3000) -> None:
    """3000 epochs of 10 batches of 32 sequences of 100 steps, 30 states; a tenth of it is run."""
    print(f"\nthe published training, CPU seconds for 30,000 updates (from {updates})")
    print("| cell | forcing | seconds |")
    print("|---|---|---|")
    for name in TORCH:
        run = trainer(name, 30, 32, 100, TAU)
        run.update(0.0)
        start = time.process_time()
        for i in range(updates):
            run.update(i / updates)
        seconds = (time.process_time() - start) * 30_000 / updates
        print(f"| {name} | {Sparse(TAU)!r} | {seconds:.1f} |", flush=True)


def memory(length: int = 100_000, n: int = 50) -> None:
    """Megabytes of a long sequence, and CPU seconds, with and without checkpoints."""
    print(f"\ntanh, {n} states, one batch of {BATCH} sequences of {length} steps without forcing")
    print("| states kept | MB | seconds |")
    print("|---|---|---|")
    cell, decoder, X = drawn("Tanh", n, BATCH, length)
    latent, schedule = DecoderInversion(decoder), Never().schedule(length)
    for every in (None, 300):
        run = Backpropagation(cell, latent, length, BATCH, checkpoint_every=every)
        run(cell, latent, X, schedule)
        start = time.process_time()
        run(cell, latent, X, schedule)
        seconds = time.process_time() - start
        size = sum(a.nbytes for work in run.work for a in work) / 1e6
        print(f"| {'all' if every is None else f'every {every}'} | {size:.0f} | {seconds:.2f} |", flush=True)


def main() -> None:
    jobs = {
        "step": steps, "training": training, "threads": threads, "published": published, "memory": memory,
    }  # fmt: skip
    for name in sys.argv[1:] or jobs:
        jobs[name]()


if __name__ == "__main__":
    main()
