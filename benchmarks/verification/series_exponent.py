"""The largest exponent of Lorenz-63 from series alone, over initial states and lengths."""

from __future__ import annotations

import time

import numpy as np

import chaoskit

TRUE = 0.9056


def main() -> None:
    rng = np.random.default_rng(0)
    print("| rows | columns | estimates over 5 initial states | largest error | tau | CPU s |")
    print("|---|---|---|---|---|---|")
    starts = [np.array([1.0, 2.0, 20.0]) + rng.normal(size=3) for _ in range(5)]
    for rows in (10_000, 30_000, 100_000):
        orbits = [chaoskit.simulate(chaoskit.systems.Lorenz63(), x, rows - 1, transient=2000) for x in starts]
        for name, columns in (("x", slice(0, 1)), ("x, y, z", slice(0, 3))):
            clock = time.process_time()
            found = [chaoskit.estimate_lyapunov(orbit[:, columns], 0.01) for orbit in orbits]
            seconds = (time.process_time() - clock) / len(found)
            values = [f.exponent for f in found]
            error = max(abs(v / TRUE - 1) for v in values)
            print(
                f"| {rows} | {name} | {', '.join(f'{v:.3f}' for v in values)} | {100 * error:.1f} % | "
                f"{sorted({f.recommended_tau for f in found}, key=str)} | {seconds:.1f} |"
            )


if __name__ == "__main__":
    main()
