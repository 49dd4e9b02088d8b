"""Lyapunov spectra beside NumPy, JAX and pynamicalsys."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from chaoskit.cells import Tanh
from chaoskit.dynamics.ensemble import members_of
from chaoskit.dynamics.lane_run import LaneRun
from chaoskit.dynamics.model import prepare
from chaoskit.dynamics.tangent_run import TangentRun
from chaoskit.systems import Lorenz63, Lorenz96

from .measuring import OURS, Work, installed


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


def networks(sizes, g: float, leading: bool = False) -> Iterator[Work]:
    """Full spectrum (or the leading exponent) of tanh networks.

    JAX takes a QR decomposition at every step; rewritten, at the interval that chaoskit has chosen. Counted
    are 2 N^2 (k + 1) operations for the product and 2 N k^2 / interval for Gram-Schmidt.
    """
    for n in sizes:
        cell, k = network(n, g), 1 if leading else n
        run = settled(cell, k)
        q = run.every
        operations = 2.0 * n * n * (k + 1) + 2.0 * n * k * k / q
        steps = int(np.clip(1e9 / operations, 60, 20_000)) // q * q
        slow, few = max(steps // 20, 6), max(steps // 4 // q * q, 2 * q)
        runs: dict[str, tuple[Callable[[], object], int]] = {
            OURS: (lambda run=run, steps=steps, q=q: run.products(1, steps, q), steps),
            "NumPy": (lambda cell=cell, k=k, slow=slow: numpy_steps(cell.W, k, slow), slow),
        }
        if installed("jax"):
            from .spectra_jax import single

            runs["JAX"] = single(cell.W, k, few, 1), few
            runs["JAX, rewritten"] = single(cell.W, k, few, q), few
        name = "leading exponent" if leading else "full spectrum"
        yield Work(f"{name}, gain {g}, interval {q}", f"{n} states", "step", runs, operations)


def ensembles(sizes=(3, 8, 16), members: int = 1000) -> Iterator[Work]:
    """A thousand different networks, full spectrum; JAX by vmap."""
    for n in sizes:
        rng = np.random.default_rng(0)
        W = 1.8 * rng.standard_normal((members, n, n)) / math.sqrt(n)
        b, x0 = 0.1 * rng.standard_normal((members, n)), rng.standard_normal((members, n))
        with ThreadPoolExecutor(1) as pool:
            prepared = members_of(Tanh(W, np.zeros((members, n, 0)), b), members)
            run = LaneRun(prepared, x0, np.zeros((10_000_000, 1, 0)), n, 0, pool)
            run.advance(500, 500)
            run.choose_intervals(5000)
            chosen = run.every.copy()
            peers: dict[str, tuple[Callable[[], object], int]] = {}
            if installed("jax"):
                from .spectra_jax import ensemble

                peer, at = ensemble(n, 20), (W, b, x0)
                peers["JAX"] = lambda peer=peer, at=at: peer(*at).block_until_ready(), 20 * members
            for name, every in (("every step", 1), (f"intervals {chosen.min()} to {chosen.max()}", chosen)):

                def ours(run=run, every=every):
                    run.every[:] = every
                    run.advance(2000, 2000)

                yield Work(
                    f"{members} networks, {name}", f"{n} states", "network and step",
                    {OURS: (ours, 2000 * members)} | peers,
                )  # fmt: skip


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


def flows() -> Iterator[Work]:
    """Lorenz-63 and Lorenz-96 with all exponents, Runge-Kutta 4."""
    for name, flow, few, many in (
        ("Lorenz63", Lorenz63(), 10_000, 100_000),
        ("Lorenz96", Lorenz96(), 1000, 2000),
    ):
        run = settled(flow, flow.dim, 2000)
        runs: dict[str, tuple[Callable[[], object], int]] = {
            OURS: (lambda run=run, many=many: run.products(1, many, run.every), many)
        }
        if installed("pynamicalsys"):
            runs["pynamicalsys"] = pynamicalsys_flow(name, few / 100), few
        yield Work(f"{name}, full spectrum, interval {run.every}", f"{flow.dim} variables", "step", runs)
