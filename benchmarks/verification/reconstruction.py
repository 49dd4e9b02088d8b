"""Systems learned from their series: ``python -m benchmarks.verification.reconstruction [SETTING ...]``.

For each data set the baselines, then one line a seed of each setting, then the medians. Markdown on standard
output.
"""

from __future__ import annotations

import argparse
import time
import warnings
from statistics import median
from typing import Any, NamedTuple

import numpy as np

import chaoskit
from chaoskit.forcing import AdaptiveGeneralized, Generalized, Never, Sparse
from chaoskit.training import fit_baselines

from .reconstruction_data import DATA, Data

# as many training steps as the default's 300 epochs of windows of 200
LONG = {"sequence_length": 1000, "epochs": 60, "learning_rate": 1e-3, "dtype": "float64"}


class Setting(NamedTuple):
    """A way to train on a data set."""

    data: str
    options: dict[str, Any]
    contracting: bool = False  # start: see `one_run`


SETTINGS: dict[str, Setting] = {
    "sparse": Setting("lorenz", {}),
    "adaptive": Setting("lorenz", {"forcing": AdaptiveGeneralized()}),
    "plrnn": Setting("lorenz", {"cell": "plrnn", "n_states": 30, "learning_rate": 6e-3, "epochs": 400}),
    "lstm": Setting("lorenz", {"cell": "lstm", "n_states": 30, "epochs": 100}),
    "never": Setting("lorenz", {"forcing": Never(), **LONG}, True),
    "far": Setting("lorenz", {"forcing": Sparse(500), **LONG}, True),
    "noisy-sparse": Setting("noisy", {}),
    "noisy-adaptive": Setting("noisy", {"forcing": AdaptiveGeneralized()}),
    "noisy-generalized": Setting("noisy", {"forcing": Generalized(0.1)}),
    "partial-sparse": Setting("partial", {"embedding": (8, 5), "cell_options": {"n_hidden": 100}}),
    "duffing": Setting("duffing", {}),
    "duffing-blind": Setting("duffing", {}),
}
BLIND = ("duffing-blind",)  # without the inputs: what the inputs are worth


def one_run(data: Data, seed: int, name: str) -> dict[str, Any]:
    """Train and judge one network; CPU time of this process in seconds."""
    setting = SETTINGS[name]
    options, driven = dict(setting.options), data.inputs is not None and name not in BLIND
    if setting.contracting:
        # From the default start, near the identity, a free run of hundreds of steps overflows at once; from a
        # contracting cell it fails for the reason that is to be shown.
        start = chaoskit.cells.ShPLRNN.init(3, rng=seed)
        options["cell"] = start._replace(A=np.full(3, 0.9))
    begin = time.process_time()
    model = chaoskit.fit(data.train, dt=data.dt, seed=seed, inputs=data.inputs if driven else None, **options)
    seconds = time.process_time() - begin
    judged = chaoskit.evaluate(
        model, data.test, inputs=data.test_inputs if driven else None, embedding=data.embedding,
        n_exponents=len(data.exponents),
    )  # fmt: skip
    return {"model": model, "seconds": seconds, "evaluation": judged}


def deviations(found: np.ndarray | None, true: tuple[float, ...]) -> tuple[float, float]:
    """Largest relative deviation of the nonzero exponents, largest absolute one of the zero ones."""
    if found is None:
        return np.inf, np.inf
    pairs = list(zip(found, true, strict=False))
    relative = [abs(a / b - 1) for a, b in pairs if b != 0]
    return max(relative), max((abs(a) for a, b in pairs if b == 0), default=0.0)


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def baselines(data: Data) -> None:
    """The same measures for what costs a linear regression."""
    print("\n| baseline | divergence | spectral distance | error, 20 steps | CPU s |\n|---|---|---|---|---|")
    begin = time.process_time()
    found = fit_baselines(data.train)
    seconds = time.process_time() - begin
    for name, model in found.items():
        begin = time.process_time()
        e = chaoskit.evaluate(model, data.test, embedding=data.embedding)
        seconds += time.process_time() - begin
        shown = f"diverged at {e.diverged_at}" if e.diverged_at else number(e.state_space_divergence)
        print(f"| {name} | {shown} | {number(e.spectral_distance)} | {number(e.prediction_error)} | |")
    print(f"| floor | {number(e.state_space_floor)} | {number(e.spectral_floor)} | | all: {seconds:.0f} |")


def trainings(data: Data, name: str, seeds: int) -> None:
    """One line a seed, and the medians."""
    print(f"\n{name}: {SETTINGS[name].options}\n")
    print("| seed | tau | divergence | spectral distance | error, 20 steps | exponents | CPU s |")
    print("|---|---|---|---|---|---|---|")
    rows = []
    for seed in range(seeds):
        try:
            run = one_run(data, seed, name)
        except chaoskit.errors.DivergenceError as error:
            print(f"| {seed} | - | training diverged at update {error.step} | - | - | - | - |", flush=True)
            rows.append((np.inf,) * 5)
            continue
        e, model = run["evaluation"], run["model"]
        shown = f"diverged at {e.diverged_at}" if e.diverged_at else number(e.state_space_divergence)
        exponents = "-" if e.exponents is None else ", ".join(f"{x:.3f}" for x in e.exponents)
        print(
            f"| {seed} | {model.tau or '-'} | {shown} | {number(e.spectral_distance)} | "
            f"{number(e.prediction_error)} | {exponents} | {run['seconds']:.0f} |",
            flush=True,
        )
        value = np.inf if e.state_space_divergence is None else e.state_space_divergence
        found = np.full(len(data.exponents), np.nan) if e.exponents is None else e.exponents
        rows.append((value, *deviations(e.exponents, data.exponents), run["seconds"], *found))
    columns = [median(c) for c in zip(*rows, strict=False)]
    print(
        f"\nmedians: divergence {columns[0]:.3f}, relative deviation of the exponents {columns[1]:.3f}, "
        f"of the zero one {columns[2]:.3f}, CPU {columns[3]:.0f} s; exponents "
        + ", ".join(f"{x:.3f}" for x in columns[4:])
        + f" (true {', '.join(f'{x:g}' for x in data.exponents)})"
    )


def main(names: list[str], seeds: int) -> None:
    warnings.simplefilter("ignore", chaoskit.ChaoskitWarning)
    shown = ""
    for name in names or SETTINGS:
        kind = SETTINGS[name].data
        if kind != shown:
            data, shown = DATA[kind](), kind
            print(f"\n## {kind}")
            baselines(data)
        trainings(data, name, seeds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", nargs="*", choices=[*SETTINGS, []])
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    main(arguments.settings, arguments.seeds)
