"""Lorenz-63 learned from its series: ``python -m benchmarks.verification.reconstruction [SETTING]``.

Settings: default, plrnn, lstm, never, far (an interval far too large). One line a seed, then the medians.
Before them, the baselines on the same series.
"""

from __future__ import annotations

import argparse
import time
import warnings
from statistics import median
from typing import Any

import numpy as np

import chaoskit
from chaoskit.forcing import Never, Sparse

from .lorenz_data import DT, TRUE_EXPONENTS, train_and_test

LONG = {"sequence_length": 1000, "epochs": 40, "learning_rate": 1e-3, "dtype": "float64"}
SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "plrnn": {"cell": "plrnn", "n_states": 30, "learning_rate": 6e-3, "epochs": 400},
    "lstm": {"cell": "lstm", "n_states": 30, "epochs": 100},
    "never": {"forcing": Never(), **LONG},
    "far": {"forcing": Sparse(500), **LONG},
}
# From the default start, near the identity, a free run of hundreds of steps overflows at once; these two
# start from a contracting cell, so that they fail for the reason that is to be shown.
CONTRACTING = ("never", "far")


def one_run(train: np.ndarray, test: np.ndarray, seed: int, name: str) -> dict[str, Any]:
    """Train and judge one network; times in seconds of this process's CPU and of the clock."""
    options = SETTINGS[name]
    wall, cpu = time.perf_counter(), time.process_time()
    if name in CONTRACTING:
        start = chaoskit.cells.ShPLRNN.init(3, rng=seed)
        options = {**options, "cell": start._replace(A=np.full(3, 0.9))}
    model = chaoskit.fit(train, dt=DT, seed=seed, **options)
    seconds = time.perf_counter() - wall, time.process_time() - cpu
    return {"model": model, "seconds": seconds, "evaluation": chaoskit.evaluate(model, test)}


def worst_deviation(exponents: np.ndarray) -> tuple[float, float]:
    """Largest relative deviation of the two nonzero exponents, absolute deviation of the zero one."""
    first, zero, last = exponents[:3]
    relative = max(abs(first / TRUE_EXPONENTS[0] - 1), abs(last / TRUE_EXPONENTS[2] - 1))
    return relative, abs(zero)


def baselines(train: np.ndarray, test: np.ndarray) -> None:
    """One line for each baseline, so that the networks have something to beat."""
    print("| baseline | divergence (floor) | spectral distance | error 20 steps ahead (by analogue) |")
    print("|---|---|---|---|")
    for name, model in chaoskit.training.fit_baselines(train).items():
        e = chaoskit.evaluate(model, test)
        shown = [
            "-" if v is None else f"{v:.3g}"
            for v in (e.state_space_divergence, e.state_space_floor, e.spectral_distance, e.prediction_error)
        ]
        error = f"{shown[3]} ({e.prediction_floor:.3g})"
        print(f"| {name} | {shown[0]} ({shown[1]}) | {shown[2]} | {error} |", flush=True)


def main(names: list[str], seeds: int) -> None:
    warnings.simplefilter("ignore", chaoskit.ChaoskitWarning)
    train, test = train_and_test()
    baselines(train, test)
    for name in names or SETTINGS:
        rows = []
        print(f"\n{name}: {SETTINGS[name]}")
        print("| seed | tau | divergence (floor) | spectral distance | exponents | fit: wall s, CPU s |")
        print("|---|---|---|---|---|---|")
        for seed in range(seeds):
            try:
                run = one_run(train, test, seed, name)
            except chaoskit.errors.DivergenceError as error:
                print(f"| {seed} | - | training diverged at update {error.step} | - | - | - |", flush=True)
                rows.append((np.inf, np.inf, np.inf, np.nan))
                continue
            e, model = run["evaluation"], run["model"]
            diverged = f"diverged at step {e.diverged_at}"
            shown = diverged if e.state_space_divergence is None else f"{e.state_space_divergence:.3f}"
            spectral = "-" if e.spectral_distance is None else f"{e.spectral_distance:.3f}"
            exponents = "-" if e.exponents is None else ", ".join(f"{x:.3f}" for x in e.exponents[:3])
            print(
                f"| {seed} | {model.tau} | {shown} ({e.state_space_floor:.3f}) | {spectral} | "
                f"{exponents} | {run['seconds'][0]:.0f}, {run['seconds'][1]:.0f} |",
                flush=True,
            )
            value = np.inf if e.state_space_divergence is None else e.state_space_divergence
            deviation = (np.inf, np.inf) if e.exponents is None else worst_deviation(e.exponents)
            rows.append((value, *deviation, run["seconds"][0]))
        labels = ("divergence", "relative error of the exponents", "zero exponent", "wall s")
        columns = zip(*rows, strict=True)
        print("medians: " + ", ".join(f"{t} {median(c):.3g}" for t, c in zip(labels, columns, strict=True)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", nargs="*", choices=[*SETTINGS, []])
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    main(arguments.settings, arguments.seeds)
