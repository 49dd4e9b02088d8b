"""Do the bootstrap intervals of the measures hold? Many pairs of series from cheap systems; five minutes.

The truth is the mean of the measure over 400 pairs of the same length: a measure depends on the length,
and the interval is about other stretches of that length, not about infinitely long ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

import chaoskit
from chaoskit.measures import (
    bootstrap_interval,
    spectral_distance,
    state_space_divergence,
    valid_prediction_times,
)
from chaoskit.measures.bootstrap import statistic_interval
from chaoskit.systems import Henon, Lorenz63
from chaoskit.timeseries import embed

PAIRS, JUDGED = 400, 100
Many = Callable[[int], np.ndarray]  # seed to series, (PAIRS, T, D)


def linear(a: float, rows: int) -> Many:
    """x' = a x + noise, in two delayed coordinates."""

    def make(seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(size=(PAIRS, rows + 500))
        return np.array([embed(x[500:], 1, 2) for x in lfilter([1.0], [1.0, -a], noise)])

    return make


def orbits(system: object, spread: float, centre: tuple[float, ...], rows: int, **options: object) -> Many:
    """Orbits from random states."""

    def make(seed: int) -> np.ndarray:
        starts = np.random.default_rng(seed).normal(centre, spread, (PAIRS, len(centre)))
        return np.asarray(chaoskit.simulate(system, starts, rows - 1, **options))

    return make


def lorenz(rows: int, rho: float = 28.0) -> Many:
    return orbits(Lorenz63(rho=rho), 5.0, (0.0, 0.0, 25.0), rows, dt=0.02, transient=1000)


def henon(rows: int, a: float = 1.4) -> Many:
    return orbits(Henon(a=a), 0.05, (0.1, 0.1), rows, transient=200)


CASES: list[tuple[str, int, Many, Many]] = [
    ("AR(1) 0.8 against itself", 4000, linear(0.8, 4000), linear(0.8, 4000)),
    ("AR(1) 0.9 against 0.7", 4000, linear(0.9, 4000), linear(0.7, 4000)),
    ("AR(1) 0.9 against 0.7", 20_000, linear(0.9, 20_000), linear(0.7, 20_000)),
    ("Hénon against itself", 4000, henon(4000), henon(4000)),
    ("Hénon 1.4 against 1.35", 4000, henon(4000), henon(4000, 1.35)),
    ("Lorenz-63 (dt 0.02) against itself", 10_000, lorenz(10_000), lorenz(10_000)),
    ("Lorenz-63 rho 28 against 32", 10_000, lorenz(10_000), lorenz(10_000, 32.0)),
]


def of_measure(measure: Callable[..., object], true: np.ndarray, generated: np.ndarray) -> list[float]:
    """Mean and scatter over the pairs, half the mean width, share of the intervals that hold the mean."""
    values = np.array([float(measure(a, b)) for a, b in zip(true, generated, strict=True)])  # type: ignore[arg-type]
    intervals = np.array([bootstrap_interval(measure, true[k], generated[k], seed=k) for k in range(JUDGED)])
    held = (intervals[:, 0] <= values.mean()) & (values.mean() <= intervals[:, 1])
    half = (intervals[:, 1] - values[:JUDGED]).mean()
    return [values.mean(), 1.96 * values.std(), half, 100 * held.mean()]


def of_means() -> None:
    """Interval of the mean of correlated values (the prediction error), and of the median valid time."""
    held = []
    for seed in range(400):
        x = lfilter([1.0], [1.0, -0.7], np.random.default_rng(seed).normal(size=600))[100:] ** 2
        low, high = statistic_interval(lambda v: float(np.mean(v)), x, seed)
        held.append(low <= 1 / (1 - 0.49) <= high)
    print(f"\nmean of 500 correlated squares: held {100 * np.mean(held):.1f} % of 400")
    times = 0.01 * np.arange(1, 1500)
    held = []
    for seed in range(400):
        sizes = 10.0 ** -np.random.default_rng(seed).uniform(2, 3, 100)
        error = (sizes[:, None] * np.exp(0.9 * times))[..., None]
        low, high = valid_prediction_times(0 * error, error, scale=1.0, dt=0.01, exponent=0.9).interval
        held.append(low <= math.log(0.4 / 10**-2.5) <= high)
    print(f"median valid prediction time of 100 starts: held {100 * np.mean(held):.1f} % of 400")


def main() -> None:
    print("| series | rows | measure | mean | 1.96 sd over pairs | half width | held |")
    print("|---|---|---|---|---|---|---|")
    for name, rows, first, second in CASES:
        true, generated = first(1), second(2)
        for measure in (state_space_divergence, spectral_distance):
            mean, scatter, half, share = of_measure(measure, true, generated)
            label = measure.__name__.replace("_", " ")
            row = f"| {name} | {rows} | {label} | {mean:.3f} | {scatter:.3f} | {half:.3f} | {share:.0f} % |"
            print(row, flush=True)
    of_means()


if __name__ == "__main__":
    main()
