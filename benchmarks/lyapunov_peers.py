"""Spectra against NumPy, JAX and pynamicalsys in one run: CPU time, interleaved, one thread, medians.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.lyapunov_peers [full leading strong ensemble flows cells]

Needs `pip install jax pynamicalsys`. Five minutes.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from chaoskit.cells import LSTM, PLRNN, ShPLRNN, Tanh
from chaoskit.dynamics.ensemble import members_of
from chaoskit.dynamics.lane_run import LaneRun
from chaoskit.dynamics.model import prepare
from chaoskit.dynamics.tangent_run import TangentRun
from chaoskit.systems import Lorenz63, Lorenz96

LEAST = 0.15  # seconds a timed stretch: short ones are charged wrongly where a peer works in threads


def interleaved(runs: dict[str, Callable[[], None]], rounds: int = 5) -> dict[str, float]:
    """Median CPU seconds of one call of each, taken in turn, each repeated for at least `LEAST` seconds."""
    repeats = {}
    for name, run in runs.items():
        run()
        start = time.perf_counter()
        run()
        repeats[name] = max(1, round(LEAST / max(time.perf_counter() - start, 1e-6)))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.process_time()
            for _ in range(repeats[name]):
                run()
            times[name].append((time.process_time() - start) / repeats[name])
    return {name: float(np.median(values)) for name, values in times.items()}


def peak(n: int = 1500) -> float:
    """Float64 operations a second of one core, by a large product."""
    a = np.random.default_rng(0).standard_normal((n, n))
    return 2.0 * n**3 / interleaved({"product": lambda: a @ a})["product"]


def network(n: int, g: float) -> Tanh:
    W = g * np.random.default_rng(1).standard_normal((n, n)) / math.sqrt(n)
    return Tanh(W, np.zeros((n, 0)), np.zeros(n))


def settled(model, k: int, warm: int = 300) -> TangentRun:
    """A run on the attractor whose interval has been chosen."""
    prepared = prepare(model)
    rng = np.random.default_rng(2)
    x0 = prepared.default_state if prepared.default_state is not None else rng.standard_normal(prepared.dim)
    run = TangentRun(prepared, x0, k, 0, np.zeros((10_000_000, prepared.n_inputs)), rng)
    run.align(warm)
    run.choose_interval(20_000 if prepared.dim < 100 else 2000)
    return run


def numpy_steps(W, k: int, steps: int) -> None:
    """The loop that papers publish."""
    n = len(W)
    h, Q = np.full(n, 0.1), np.linalg.qr(np.random.default_rng(0).standard_normal((n, k)))[0]
    sums = np.zeros(k)
    for _ in range(steps):
        h = np.tanh(W @ h)
        Q, R = np.linalg.qr((1 - h**2)[:, None] * (W @ Q))
        sums += np.log(np.abs(np.diag(R)))


def spectra(sizes, g: float, leading: bool = False) -> None:
    """Full spectrum (or the leading exponent) of tanh networks."""
    from .lyapunov_jax import single

    ceiling = peak()
    print(
        f"\ng = {g}, {'leading exponent' if leading else 'full spectrum'}, microseconds a step; peak "
        f"{ceiling / 1e9:.0f} GFLOP/s"
    )
    print("| N | NumPy | JAX | JAX, our interval | chaoskit | interval | ratios | of peak |")
    print("|---|---|---|---|---|---|---|---|")
    for n in sizes:
        cell, k = network(n, g), 1 if leading else n
        run = settled(cell, k)
        q = run.every
        flops = 2.0 * n * n * (k + 1) + 2.0 * n * k * k / q
        steps = int(np.clip(1e9 / flops, 60, 20_000)) // q * q
        slow, few = max(steps // 20, 6), max(steps // 4 // q * q, 2 * q)
        found = interleaved(
            {
                "numpy": lambda cell=cell, k=k, slow=slow: numpy_steps(cell.W, k, slow),
                "jax": single(cell.W, k, few, 1),
                "jax_q": single(cell.W, k, few, q),
                "ours": lambda run=run, steps=steps, q=q: run.products(1, steps, q),
            }
        )
        us = {
            name: 1e6 * found[name] / count
            for name, count in (("numpy", slow), ("jax", few), ("jax_q", few), ("ours", steps))
        }
        best = min(us["numpy"], us["jax"])
        print(
            f"| {n} | {us['numpy']:.2f} | {us['jax']:.2f} | {us['jax_q']:.2f} | {us['ours']:.3f} | {q} | "
            f"{best / us['ours']:.1f}, {us['jax_q'] / us['ours']:.1f} | "
            f"{100 * flops / (us['ours'] * 1e-6) / ceiling:.0f} % |",
            flush=True,
        )


def ensembles() -> None:
    """A thousand different networks, full spectrum; JAX by vmap."""
    from .lyapunov_jax import ensemble

    print("\n1000 networks, g = 1.8, nanoseconds a network and step")
    print("| N | JAX vmap | chaoskit, every step | chaoskit, chosen | intervals | ratios |")
    print("|---|---|---|---|---|---|")
    for n in (3, 8, 16):
        rng = np.random.default_rng(0)
        W = 1.8 * rng.standard_normal((1000, n, n)) / math.sqrt(n)
        b, x0 = 0.1 * rng.standard_normal((1000, n)), rng.standard_normal((1000, n))
        peer = ensemble(n, 20)
        members = members_of(Tanh(W, np.zeros((1000, n, 0)), b), 1000)
        with ThreadPoolExecutor(1) as pool:
            run = LaneRun(members, x0, np.zeros((10_000_000, 1, 0)), n, 0, pool)
            run.advance(500, 500)
            run.choose_intervals(5000)
            chosen = run.every.copy()

            def ours(every, run=run):
                run.every[:] = every
                run.advance(2000, 2000)

            found = interleaved(
                {
                    "jax": lambda peer=peer, at=(W, b, x0): peer(*at).block_until_ready(),
                    "one": lambda ours=ours: ours(1),
                    "chosen": lambda ours=ours, chosen=chosen: ours(chosen),
                }
            )
        ns = {name: found[name] / 1000 / (20 if name == "jax" else 2000) * 1e9 for name in found}
        print(
            f"| {n} | {ns['jax']:.0f} | {ns['one']:.1f} | {ns['chosen']:.1f} | "
            f"{chosen.min()} to {chosen.max()} | {ns['jax'] / ns['one']:.0f}, "
            f"{ns['jax'] / ns['chosen']:.0f} |",
            flush=True,
        )


def pynamicalsys_flow(name: str, duration: float) -> Callable[[], object]:
    """All exponents of a flow over a time, in steps of 0.01."""
    from numba import njit
    from pynamicalsys import ContinuousDynamicalSystem

    if name == "Lorenz63":
        plain = ContinuousDynamicalSystem(model="lorenz system")
        plain.integrator("rk4", time_step=0.01)
        start = np.array([1.0, 1.5, 20.0])
        return lambda: plain.lyapunov(start, duration, parameters=[10.0, 28.0, 8 / 3])

    @njit
    def rhs(t, x, p):
        n = x.size
        out = np.empty(n)
        for i in range(n):
            out[i] = (x[(i + 1) % n] - x[i - 2]) * x[i - 1] - x[i] + p[0]
        return out

    @njit
    def jacobian(t, x, p):
        n = x.size
        J = np.zeros((n, n))
        for i in range(n):
            J[i, i] -= 1.0
            J[i, (i + 1) % n] += x[i - 1]
            J[i, i - 2] -= x[i - 1]
            J[i, i - 1] += x[(i + 1) % n] - x[i - 2]
        return J

    ring = ContinuousDynamicalSystem(
        equations_of_motion=rhs, jacobian=jacobian, system_dimension=40, number_of_parameters=1
    )
    ring.integrator("rk4", time_step=0.01)
    x40 = Lorenz96().default_state
    return lambda: ring.lyapunov(x40, duration, parameters=[8.0])


def flows() -> None:
    """Lorenz-63 and Lorenz-96 with all exponents, Runge-Kutta 4, against pynamicalsys."""
    print("\nflows, nanoseconds a Runge-Kutta step")
    print("| flow | pynamicalsys | chaoskit | interval | ratio |")
    print("|---|---|---|---|---|")
    for name, flow, few, many in (
        ("Lorenz63", Lorenz63(), 10_000, 100_000),
        ("Lorenz96", Lorenz96(), 1000, 2000),
    ):
        theirs, run = pynamicalsys_flow(name, few / 100), settled(flow, flow.dim, 2000)
        found = interleaved(
            {"peer": theirs, "ours": lambda run=run, many=many: run.products(1, many, run.every)}
        )
        peer, ours = found["peer"] / few * 1e9, found["ours"] / many * 1e9
        print(f"| {name} | {peer:.0f} | {ours:.0f} | {run.every} | {peer / ours:.1f} |", flush=True)


def cells() -> None:
    """Other cells against tanh, for the operations of their products and of Gram-Schmidt."""
    print("\ncells of 64 states, every step, microseconds; time over operations, relative to tanh")
    print("| cell | microseconds | operations | relative |")
    print("|---|---|---|---|")
    n, rng = 64, np.random.default_rng(0)
    made = {
        "Tanh": (network(n, 1.5), 2.0 * n**3),
        "PLRNN": (PLRNN.init(n, rng=rng), 2.0 * n**3),
        "ShPLRNN": (ShPLRNN.init(n, n_hidden=n, rng=rng), 4.0 * n**3),
        "LSTM": (LSTM.init(n // 2, rng=rng), 2.0 * n * (n // 2) * 2 * n),
    }
    runs = {name: settled(cell, n) for name, (cell, _) in made.items()}

    starts = {name: run.place() for name, run in runs.items()}

    def again(name):
        runs[name].go_to(starts[name])  # some of these random networks diverge in the end
        runs[name].products(1, 600, 1)

    found = interleaved({name: lambda name=name: again(name) for name in runs}, 9)
    rate = found["Tanh"] / (made["Tanh"][1] + 2.0 * n**3)
    for name, (_, product) in made.items():
        flops = product + 2.0 * n**3
        print(
            f"| {name} | {found[name] / 600 * 1e6:.1f} | {flops:.3g} | {found[name] / flops / rate:.2f} |",
            flush=True,
        )


def main() -> None:
    wanted = sys.argv[1:] or ["full", "leading", "strong", "ensemble", "flows", "cells"]
    jobs = {
        "full": lambda: spectra((3, 16, 64, 128, 256, 512), 1.5),
        "leading": lambda: spectra((64, 256, 512), 1.5, leading=True),
        "strong": lambda: spectra((3, 16, 64, 128, 256, 512), 3.0),
        "ensemble": ensembles,
        "flows": flows,
        "cells": cells,
    }
    for name in wanted:
        jobs[name]()


if __name__ == "__main__":
    main()
