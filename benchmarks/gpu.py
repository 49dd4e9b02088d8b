"""chaoskit on a GPU beside JAX on the same GPU, in one run: wall time, medians, shares of measured ceilings.

    python -m benchmarks.gpu [ceilings ensembles large training] [--rehearse]

Needs a card and `pip install "chaoskit[cuda]"`; with `jax[cuda12]` its columns are filled, with the extra
`cuda-blas` large products are cuBLAS's. `--rehearse` takes tiny sizes: in the simulator
(NUMBA_ENABLE_CUDASIM=1) it shows that everything runs, and its times mean nothing.
"""

from __future__ import annotations

import argparse
import math
import os
from typing import Any, NamedTuple

import numpy as np
from numba import cuda as _cuda

from chaoskit import cells
from chaoskit.cells import Tanh
from chaoskit.dynamics.device_run import DeviceRun
from chaoskit.dynamics.ensemble import members_of
from chaoskit.dynamics.model import prepare
from chaoskit.forcing import Sparse
from chaoskit.gradients.backpropagation import Backpropagation
from chaoskit.gradients.decoder import initial_decoder
from chaoskit.gradients.latent import DecoderInversion
from chaoskit.kernels import packing
from chaoskit.kernels.gpu_products import product_library
from chaoskit.kernels.gpu_spectrum import spectrum_design

from .gpu_ceilings import ceilings, seconds

cuda: Any = _cuda
_STRONG, _MILD = 3.0, 1.8  # size of the random weights


class Sizes(NamedTuple):
    """What is run."""

    ensembles: tuple[tuple[int, int], ...]  # (units, members)
    ensemble_steps: int  # many, since states go up and down once a call
    large: tuple[tuple[int, int], ...]  # (units, steps)
    trainings: tuple[tuple[int, int, int], ...]  # (units, systems, sequences)
    length: int
    tau: int
    cells: tuple[str, ...]
    least: float  # seconds a timed stretch
    rounds: int
    ceilings: dict[str, int]


FULL = Sizes(
    ((3, 196_608), (8, 32_768), (16, 16_384), (32, 4096), (64, 1024)), 2048,
    ((128, 400), (256, 200), (512, 100), (1024, 50), (2048, 20), (4096, 10)),
    ((16, 1, 512), (16, 16, 32), (50, 1, 512), (50, 16, 32), (256, 1, 512)), 200, 20,
    ("Tanh", "PLRNN", "LSTM"), 0.2, 5, {},
)  # fmt: skip
TINY = Sizes(
    ((2, 3),), 3, ((3, 2),), ((2, 2, 2),), 4, 2, ("Tanh",), 0.0, 1, {"blocks": 1, "threads": 2, "size": 64}
)  # fmt: skip


def jax_on_gpu() -> bool:
    """True if JAX is there and sees a GPU."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # it would take most of the memory
    try:
        import jax
    except ImportError:
        return False
    return jax.default_backend() == "gpu"


def show_ceilings(sizes: Sizes) -> dict[Any, dict[str, float]]:
    """What the card can do at best."""
    found = {}
    print("\n| ceiling | float32 | float64 |\n|---|---|---|")
    for dtype in (np.float32, np.float64):
        found[np.dtype(dtype)] = ceilings(dtype, **sizes.ceilings)
    single, double = found.values()
    for name in single:
        unit = "GB/s" if name in ("copy", "shared") else "GFLOP/s"
        print(f"| {name}, {unit} | {single[name] / 1e9:.0f} | {double[name] / 1e9:.0f} |")
    return found


def networks(n: int, count: int, g: float, dtype: Any) -> tuple[Tanh, np.ndarray]:
    """(a batch of random networks, their states)."""
    rng = np.random.default_rng(0)
    W = (g * rng.standard_normal((count, n, n)) / math.sqrt(n)).astype(dtype)
    b = (0.1 * rng.standard_normal((count, n))).astype(dtype)
    return Tanh(W, np.zeros((count, n, 0), dtype), b), rng.standard_normal((count, n)).astype(dtype)


def ensembles(sizes: Sizes, limits: dict[Any, dict[str, float]]) -> None:
    """Different networks side by side, all exponents, Gram-Schmidt at each step."""
    print("\nensembles, all exponents, every step; system-steps a second")
    print("| N | dtype | members | design | chaoskit | JAX vmap | ratio | GFLOP/s | of multiply-adds |")
    print("|---|---|---|---|---|---|---|---|---|")
    for n, count in sizes.ensembles:
        for dtype in (np.float32, np.float64):
            batch, states = networks(n, count, _MILD, dtype)
            members = members_of(batch, count)
            run = DeviceRun(members, states, np.zeros((10_000_000, 1, 0), dtype), n, 0)
            steps = sizes.ensemble_steps
            rate = (
                count * steps / seconds(lambda run=run, s=steps: run.advance(s, s), sizes.least, sizes.rounds)
            )
            flops = rate * 2.0 * (n * n * (n + 1) + n * n * n)
            first = members[0]
            design = spectrum_design(first.tag, first.pack.sizes, n, True, np.dtype(dtype).itemsize)
            peer = jax_ensemble(batch, states, n) if jax_on_gpu() else None
            print(
                f"| {n} | {np.dtype(dtype)} | {count} | {design} | {rate:.3g} | {shown(peer)} | "
                f"{shown(peer and rate / peer)} | {flops / 1e9:.0f} | "
                f"{share(flops, limits, dtype, 'multiply-add')} |",
                flush=True,
            )


def jax_ensemble(batch: Tanh, states: np.ndarray, n: int, steps: int = 20) -> float:
    """System-steps a second of `spectra_jax.ensemble`."""
    import jax

    from .peers.spectra_jax import ensemble

    run, given = ensemble(n, steps), [jax.device_put(a) for a in (batch.W, batch.b, states)]
    return len(states) * steps / seconds(lambda: run(*given).block_until_ready())


def large(sizes: Sizes, limits: dict[Any, dict[str, float]]) -> None:
    """One random network, all exponents, Gram-Schmidt at each step."""
    print(f"\none network, g = {_STRONG}, all exponents, every step; products: {product_library()}")
    print("| N | dtype | design | ms a step | JAX | ratio | GFLOP/s | of the ceiling | 6500 steps, s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for n, steps in sizes.large:
        for dtype in (np.float32, np.float64):
            batch, states = networks(n, 1, _STRONG, dtype)
            model = prepare(Tanh(batch.W[0], batch.U[0], batch.b[0]))
            run = DeviceRun([model], states, np.zeros((10_000_000, 1, 0), dtype), n, 0)
            ms = 1e3 * seconds(lambda run=run, s=steps: run.advance(s, s), sizes.least, sizes.rounds) / steps
            flops = 4.0 * n**3 / (ms * 1e-3)  # the product and one Gram-Schmidt; twice is our way
            design = spectrum_design(model.tag, model.pack.sizes, n, False, np.dtype(dtype).itemsize)
            peer = 1e3 * jax_single(batch.W[0], n, steps) / steps if jax_on_gpu() else None
            ceiling = "product" if "product" in limits.get(np.dtype(dtype), {}) else "multiply-add"
            print(
                f"| {n} | {np.dtype(dtype)} | {design} | {ms:.3f} | {shown(peer)} | "
                f"{shown(peer and peer / ms)} | {flops / 1e9:.0f} | "
                f"{share(flops, limits, dtype, ceiling)} | {6.5 * ms:.1f} |",
                flush=True,
            )


def jax_single(W: np.ndarray, k: int, steps: int) -> float:
    """Seconds of `spectra_jax.single`."""
    from .peers.spectra_jax import single

    return seconds(single(W, k, steps, 1))


def training(sizes: Sizes, limits: dict[Any, dict[str, float]]) -> None:
    """Loss and gradients, float32, three observed dimensions; data and parameters come from the CPU."""
    print(f"\nloss and gradients, {sizes.length} steps, forced every {sizes.tau}; milliseconds a call")
    print("| cell | N | systems | sequences | chaoskit | JAX | ratio | GFLOP/s | of multiply-adds |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in sizes.cells:
        for n, systems, batch in sizes.trainings:
            rng = np.random.default_rng(0)
            cell = getattr(cells, name).init(n, rng=rng, dtype=np.float32)
            decoder = initial_decoder(2, n, rng, np.float32)
            X = rng.standard_normal((sizes.length + 1, batch, 2)).astype(np.float32)
            latent, schedule = DecoderInversion(decoder), Sparse(sizes.tau).schedule(sizes.length)
            run = Backpropagation(cell, latent, sizes.length, batch, device="cuda")
            calls = [(cell, latent, X, schedule)] * systems
            ms = 1e3 * seconds(lambda run=run, calls=calls: run.several(calls), sizes.least, sizes.rounds)
            s = packing.sizes_of(cell)
            flops = 6.0 * systems * batch * sizes.length * (s.na * s.m + 2 * s.n) / (ms * 1e-3)
            peer = 1e3 * systems * jax_gradient(name, cell, decoder, X, sizes.tau) if jax_on_gpu() else None
            print(
                f"| {name} | {n} | {systems} | {batch} | {ms:.3f} | {shown(peer)} | "
                f"{shown(peer and peer / ms)} | {flops / 1e9:.0f} | "
                f"{share(flops, limits, np.float32, 'multiply-add')} |",
                flush=True,
            )


def jax_gradient(name: str, cell: Any, decoder: np.ndarray, X: np.ndarray, tau: int) -> float:
    """Seconds of one system in JAX."""
    from .peers import gradients_jax

    run = gradients_jax.gradient(gradients_jax.side_by_side(name, len(X) - 1, tau))
    given = gradients_jax.arrays(cell, decoder, X)
    return seconds(lambda: run(*given))


def shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def share(flops: float, limits: dict[Any, dict[str, float]], dtype: Any, name: str) -> str:
    found = limits.get(np.dtype(dtype), {}).get(name)
    return "-" if found is None else f"{100 * flops / found:.0f} %"


def main(arguments: list[str] | None = None) -> None:
    jobs = {"ensembles": ensembles, "large": large, "training": training}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", help=f"of: ceilings {' '.join(jobs)}")
    parser.add_argument("--rehearse", action="store_true")
    given = parser.parse_args(arguments)
    sizes = TINY if given.rehearse else FULL
    wanted = given.jobs or ["ceilings", *jobs]
    device = cuda.get_current_device()
    print(f"card: {getattr(device, 'name', b'?')!r}, JAX on it: {jax_on_gpu()}")
    limits = show_ceilings(sizes) if "ceilings" in wanted else {}
    for name in wanted:
        if name != "ceilings":
            jobs[name](sizes, limits)


if __name__ == "__main__":
    main()
