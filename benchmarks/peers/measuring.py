"""Work done by several in turn, and the table of who takes how long."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

# before NumPy and JAX are imported: one thread for everybody
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

OURS = "chaoskit"
PEERS = ("NumPy", "JAX", "JAX, rewritten", "PyTorch", "pynamicalsys", "nolds")
LEAST = 0.15  # seconds a timed stretch: short ones are charged wrongly where a peer works in threads


@dataclass(frozen=True)
class Work:
    """The same work by chaoskit and by peers.

    name, size: what it is.
    unit: what one of it is, such as a step.
    runs: a call for each, and how many units it does.
    operations: floating-point operations a unit, as chaoskit does them; 0 where they are not what counts.
    dtype: of these operations.
    """

    name: str
    size: str
    unit: str
    runs: dict[str, tuple[Callable[[], object], int]]
    operations: float = 0.0
    dtype: type = np.float64


def installed(package: str) -> bool:
    """Peers that are not there are left out."""
    return importlib.util.find_spec(package) is not None


def interleaved(runs: dict[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """Median CPU seconds of one call of each, taken in turn, each repeated for at least `LEAST` seconds."""
    repeats = {}
    for name, run in runs.items():
        run()
        start = time.process_time()
        run()
        repeats[name] = max(1, round(LEAST / max(time.process_time() - start, 1e-6)))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.process_time()
            for _ in range(repeats[name]):
                run()
            times[name].append((time.process_time() - start) / repeats[name])
    return {name: float(np.median(values)) for name, values in times.items()}


def product(dtype: type, n: int = 1500) -> tuple[Callable[[], object], float]:
    """A large product by the BLAS that the kernels call, and its operations."""
    from scipy.linalg.blas import dgemm, sgemm

    a = np.asfortranarray(np.random.default_rng(0).standard_normal((n, n)), dtype)
    gemm = sgemm if dtype is np.float32 else dgemm
    return lambda: gemm(1.0, a, a), 2.0 * n**3


def row(work: Work, rounds: int) -> str:
    """A line of the table: chaoskit's time, how many times longer each peer takes, the share of the peak.

    The peak is that of a large product which takes its turn with the others.
    """
    runs = {name: run for name, (run, _) in work.runs.items()}
    peak = 0.0
    if work.operations:
        runs["peak"], peak = product(work.dtype)
    found = interleaved(runs, rounds)
    each = {name: found[name] / count for name, (_, count) in work.runs.items()}
    ours = each[OURS]
    ratios = [f"{each[name] / ours:.2f}" if name in each else "" for name in PEERS]
    share = f"{100.0 * work.operations / ours / (peak / found['peak']):.0f} %" if peak else ""
    return f"| {work.name} | {work.size} | {_time(ours)} a {work.unit} | {' | '.join(ratios)} | {share} |"


def header() -> str:
    return f"| work | size | {OURS} | {' | '.join(PEERS)} | of peak |\n|{'---|' * (len(PEERS) + 4)}"


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
