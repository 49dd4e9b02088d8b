"""Do 95 % intervals hold the true exponent 95 times in 100? A thousand runs of four systems; two minutes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import digamma

import chaoskit
from chaoskit.cells import Tanh
from chaoskit.systems import Henon, Map, SkewTent

STEPS = 5000


def _next_seed(x, p, out):
    out[0] = (48271.0 * x[0]) % 2147483647.0
    out[1] = 0.0


def _gaussian_matrix(x, p, out):
    # not the derivative of the step, but a random matrix that depends on the state, drawn by Box and Muller
    seed = x[0]
    for i in range(2):
        seed = (16807.0 * seed + 1.0) % 2147483647.0
        seed = (16807.0 * seed) % 2147483647.0
        radius = math.sqrt(-2.0 * math.log((seed + 1.0) / 2147483648.0))
        seed = (69621.0 * seed) % 2147483647.0
        angle = 2.0 * math.pi * seed / 2147483647.0
        out[i, 0] = radius * math.cos(angle)
        out[i, 1] = radius * math.sin(angle)


def gaussian_products() -> Map:
    """A product of independent Gaussian 2 x 2 matrices, as a map whose state is the seed of the next."""
    return Map(_next_seed, _gaussian_matrix, dim=2)


def newman(n: int) -> np.ndarray:
    """Exponents of products of n x n matrices of standard normal numbers (Newman 1986)."""
    i = np.arange(1, n + 1)
    return 0.5 * (math.log(2.0) + digamma((n - i + 1) / 2))


def chaotic_network(n: int = 16) -> Tanh:
    """A random tanh network well inside chaos."""
    W = 3.0 * np.random.default_rng(2).standard_normal((n, n)) / math.sqrt(n)
    return Tanh(W, np.zeros((n, 0)), np.zeros(n))


def cases(
    runs: int, rng: np.random.Generator
) -> Iterator[tuple[str, object, np.ndarray, Callable[[], np.ndarray]]]:
    """(name, model, initial states, true exponents)."""
    yield (
        "skew tent, a = 0.3",
        SkewTent(),
        rng.uniform(0.05, 0.95, (runs, 1)),
        lambda: np.array(SkewTent().reference_exponents),
    )
    yield (
        "Hénon, largest",
        Henon(),
        rng.uniform(-0.1, 0.1, (runs, 2)),
        lambda: _long(Henon(), 1000 * STEPS)[:1],
    )
    seeds = np.zeros((runs, 2))
    seeds[:, 0] = rng.integers(1, 2**31 - 2, runs)
    yield "Gaussian products, both", gaussian_products(), seeds, lambda: newman(2)
    network = chaotic_network()
    starts = rng.standard_normal((runs, 16))
    yield "tanh network of 16, g = 3, largest", network, starts, lambda: _long(network, 1000 * STEPS)[:1]


def _long(model, steps: int) -> np.ndarray:
    return chaoskit.lyapunov_spectrum(model, steps=steps, transient=10_000, k=1).exponents


def coverage(model, starts: np.ndarray, true: np.ndarray, steps: int = STEPS) -> tuple[float, float]:
    """(share of the intervals that hold the true value, root mean square of error over standard error)."""
    result = chaoskit.lyapunov_spectrum(model, starts, steps, k=len(true), transient=500)
    low, high = np.moveaxis(result.confidence_interval, -1, 0)
    z = (result.exponents - true) / result.stderr
    return float(np.mean((low <= true) & (true <= high))), float(np.sqrt(np.mean(z**2)))


def main() -> None:
    print("| system | true | runs | steps | share held | rms error / standard error |")
    print("|---|---|---|---|---|---|")
    for name, model, starts, truth in cases(1000, np.random.default_rng(0)):
        true = truth()
        share, rms = coverage(model, starts, true)
        values = ", ".join(f"{t:.5f}" for t in true)
        print(
            f"| {name} | {values} | {len(starts)} | {STEPS} | {100 * share:.1f} % | {rms:.2f} |", flush=True
        )


if __name__ == "__main__":
    main()
