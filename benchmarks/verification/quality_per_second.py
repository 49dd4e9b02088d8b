"""How fast a reconstruction of Lorenz-63 gets good: ``python -m benchmarks.verification.quality_per_second``.

For every cell that can be chaotic, and for the baselines: the CPU seconds of training after which the
state-space divergence from held-out data stays below 0.2, below 0.1, and below the floor. Medians over seeds,
and the lowest and highest. The time of judging is not counted.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np

import chaoskit
from chaoskit.forcing import AdaptiveGeneralized, Sparse
from chaoskit.measures import floor, state_space_divergence
from chaoskit.training import fit_echo_state_network, fit_next_generation_reservoir

from .reconstruction_data import DT, train_and_test

TAU = 38  # what the series asks for (`estimate_lyapunov`)
WIDE = {"n_states": 30, "forcing": Sparse(TAU)}
SETTINGS: dict[str, dict[str, Any]] = {
    "shplrnn": {"forcing": Sparse(TAU)},
    "shplrnn, adaptive forcing": {"cell": "shplrnn", "forcing": AdaptiveGeneralized()},
    "clippedshplrnn": {"forcing": Sparse(TAU)},
    **dict.fromkeys(("plrnn", "dendplrnn", "alrnn", "tanh", "relu", "lstm", "gru", "antisymmetric"), WIDE),
}


class Clock:
    """A measure of checkpoints that notes the CPU time of the training so far."""

    def __init__(self, test: np.ndarray):
        self.test, self.begin, self.judging = test, time.process_time(), 0.0
        self.seconds: list[float] = []
        self.divergences: list[float] = []

    def __call__(self, model: chaoskit.FitResult, series: np.ndarray, inputs: np.ndarray) -> float:
        begin = time.process_time()
        self.seconds.append(begin - self.begin - self.judging)
        run = model.predict(self.test[:1], len(self.test) + 1000)[0][1000:]
        found = float(state_space_divergence(self.test, run)) if np.isfinite(run).all() else np.inf
        self.divergences.append(found)
        self.judging += time.process_time() - begin
        return found

    def stays_below(self, limit: float) -> float:
        """Seconds from which on the divergence stays below; infinity if it never does."""
        above = np.flatnonzero(np.array(self.divergences) >= limit)
        first = 0 if above.size == 0 else above[-1] + 1
        return self.seconds[first] if first < len(self.seconds) else np.inf


def shown(values: list[float]) -> str:
    numbers = sorted(values)
    text = ["-" if np.isinf(x) else f"{x:.1f}" for x in (numbers[len(numbers) // 2], numbers[0], numbers[-1])]
    return f"{text[0]} ({text[1]} to {text[2]})"


def main(seeds: int, epochs: int) -> None:
    warnings.simplefilter("ignore", chaoskit.ChaoskitWarning)
    train, test = train_and_test()
    limits = (0.2, 0.1, float(floor(state_space_divergence, test)))
    print(f"\n| | below 0.2 | below 0.1 | at the floor ({limits[2]:.3f}) | lowest | whole training |")
    print("|---|---|---|---|---|---|")
    for name, options in SETTINGS.items():
        options = {"cell": name, "epochs": epochs, **options}
        chaoskit.fit(train, **{**options, "epochs": 1, "batches_per_epoch": 2})  # compiles
        clocks = []
        for seed in range(seeds):
            clocks.append(Clock(test))
            chaoskit.fit(train, dt=DT, seed=seed, validation_measure=clocks[-1], **options)
        times = [shown([clock.stays_below(limit) for clock in clocks]) for limit in limits]
        lowest = np.median([min(clock.divergences) for clock in clocks])
        whole = np.median([clock.seconds[-1] for clock in clocks])
        print(f"| {name} | {' | '.join(times)} | {lowest:.3f} | {whole:.0f} |", flush=True)
    for fitted in (fit_echo_state_network, fit_next_generation_reservoir):
        begin = time.process_time()
        model = fitted(train)
        seconds = time.process_time() - begin
        run = model.generate(len(test) + 1000)
        found = np.inf if run.diverged_at else float(state_space_divergence(test, run.series[1000:]))
        times = [f"{seconds:.1f}" if found < limit else "-" for limit in limits]
        print(f"| {model.name} | {' | '.join(times)} | {found:.3f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=300)
    arguments = parser.parse_args()
    main(arguments.seeds, arguments.epochs)
