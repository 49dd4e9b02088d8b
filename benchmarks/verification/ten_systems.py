"""The largest exponent of ten systems from 10,000 rows of one coordinate, clean and with 5 % noise.

``--other`` runs the other systems of the zoo, on which no threshold was looked at.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import chaoskit
from chaoskit import systems
from chaoskit.timeseries import mean_period

ROWS = 10_000
NOISE = 0.05
TEN = (  # name, system, sampling step, integration step
    ("Lorenz-63", systems.Lorenz63(), 0.02, 0.01),
    ("Rössler", systems.Roessler(), 0.1, 0.02),
    ("Chen", systems.Chen(), 0.01, 0.002),
    ("Thomas", systems.Thomas(), 0.2, 0.05),
    ("Duffing", systems.Duffing(), 0.1, 0.02),
    ("Lorenz-96, N = 5", systems.Lorenz96(n=5), 0.05, 0.01),
    ("Mackey-Glass", systems.MackeyGlass(points=85), 1.0, 0.2),
    ("Hénon", systems.Henon(), 1.0, None),
    ("logistic", systems.Logistic(), 1.0, None),
    ("Ikeda", systems.Ikeda(), 1.0, None),
)


def others() -> list[tuple]:
    """The rest of the zoo at 40 rows in a mean period; a pendulum's angle grows, and is left out."""
    known = {type(system) for _, system, _, _ in TEN} | {systems.DrivenPendulum, systems.KuramotoSivashinsky}
    found = []
    for system in systems.zoo():
        if type(system) in known:
            continue
        name = type(system).__name__ + " " + getattr(system, "case", "")
        step, inner = 1.0, None
        if system.is_flow:
            inner = system.default_dt
            orbit = chaoskit.simulate(
                system, np.asarray(system.default_state), 40_000, transient=5000, dt=inner
            )
            step = inner * max(1, round(mean_period(orbit[:, 0]) / 40))
        found.append((name.strip(), system, step, inner))
    return found


def series(system, step: float, inner: float | None, seed: int) -> np.ndarray:
    """The first coordinate from a disturbed default state."""
    state = np.asarray(system.default_state, float)
    kicks = np.random.default_rng(seed).standard_normal(len(state))
    state = state * (1 + 0.01 * kicks) + 1e-3 * kicks
    if inner is None:
        return chaoskit.simulate(system, state, ROWS - 1, transient=2000)[:, 0]
    every = round(step / inner)
    orbit = chaoskit.simulate(system, state, (ROWS - 1) * every, transient=20_000, dt=inner)
    return orbit[::every, 0]


def true_exponent(system, inner: float | None) -> float:
    """From the equations, over a long run."""
    options = {"dt": inner} if inner else {}
    steps = 500_000 if len(system.default_state) > 10 else 2_000_000
    run = chaoskit.lyapunov_spectrum(system, steps=steps, transient=20_000, k=1, **options)
    return float(run.exponents[0])


def word(found) -> str:
    """The verdict without its explanation."""
    return found.quality.partition(":")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--other", action="store_true")
    arguments = parser.parse_args()
    print("| system | true | noise | estimate, relative to it, and verdict, by seed | noise seen | CPU s |")
    print("|---|---|---|---|---|---|")
    kinds = "all", "given a number", "within 10 %", "interval holds", "called good", "good but beyond 10 %"
    counts = dict.fromkeys(kinds, 0)
    for name, system, step, inner in others() if arguments.other else TEN:
        true = true_exponent(system, inner)
        clean = [series(system, step, inner, arguments.first + i) for i in range(arguments.seeds)]
        for noise in (0.0, NOISE):
            cells, clock = [], time.process_time()
            for seed, x in enumerate(clean):
                kicks = np.random.default_rng(100 + seed).standard_normal(len(x))
                found = chaoskit.estimate_lyapunov(x + noise * x.std() * kicks, step)
                error = found.exponent / true - 1
                good, near = found.quality == "good", abs(error) <= 0.1
                counts["all"] += 1
                counts["given a number"] += bool(np.isfinite(error))
                counts["within 10 %"] += near
                counts["interval holds"] += found.interval[0] <= true <= found.interval[1]
                counts["called good"] += good
                counts["good but beyond 10 %"] += good and not near
                cells.append(f"{100 * error:+.0f} % {word(found)}" if np.isfinite(error) else word(found))
            seconds = (time.process_time() - clock) / len(clean)
            print(
                f"| {name} | {true:.4g} | {100 * noise:.0f} % | {', '.join(cells)} | "
                f"{found.noise_level:.3f} | {seconds:.1f} |",
                flush=True,
            )
    print("\n" + ", ".join(f"{kind}: {count}" for kind, count in counts.items()))


if __name__ == "__main__":
    main()
