"""What a second process pays: import, first warm call, cache misses."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

SCRIPT = """
import time
t = time.perf_counter()
import chaoskit
imported = time.perf_counter() - t
import numpy as np
from chaoskit.kernels import cpu_tangent
t = time.perf_counter()
chaoskit.lyapunov_spectrum(chaoskit.cells.Tanh.init(16, rng=0), steps=1000)
first = time.perf_counter() - t
kernels = [d for d in cpu_tangent.tangent_products.dispatchers.values()]
print(imported, first, sum(sum(d.stats.cache_misses.values()) for d in kernels))
"""


def main(runs: int = 7) -> None:
    rows = []
    for _ in range(runs + 1):
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
        rows.append([float(word) for word in done.stdout.split()])
    warm = rows[1:]  # the first may compile
    print(f"import {median(r[0] for r in warm):.2f} s, first warm call {median(r[1] for r in warm):.2f} s, "
          f"cache misses {sum(r[2] for r in warm):.0f} (medians of {runs} processes)")  # fmt: skip


if __name__ == "__main__":
    main()
