"""Seconds of a first call with an empty compile cache, and with a warm one in a new process. A minute."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

CALLS = {
    "Lorenz-63, 20,000 steps": "ck.lyapunov_spectrum(ck.systems.Lorenz63())",
    "tanh network of 16, 20,000 steps": "ck.lyapunov_spectrum(ck.cells.Tanh.init(16, rng=0))",
    "1000 tanh networks of 3, 1000 steps": (
        "ck.lyapunov_spectrum(ck.cells.Tanh(np.ones((1000, 3, 3)), np.zeros((1000, 3, 0)), "
        "np.zeros((1000, 3))), steps=1000, transient=100)"
    ),
}
SCRIPT = """
import time, numpy as np, chaoskit as ck
start = time.perf_counter(); {call}; first = time.perf_counter() - start
start = time.perf_counter(); {call}; print(first, time.perf_counter() - start)
"""


def main() -> None:
    print("| call | cold cache | warm cache, new process | again |")
    print("|---|---|---|---|")
    for name, call in CALLS.items():
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"NUMBA_CACHE_DIR": folder, "OPENBLAS_NUM_THREADS": "1"}
            times = []
            for _ in range(2):
                command = [sys.executable, "-c", SCRIPT.format(call=call)]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
                times.append([float(word) for word in done.stdout.split()])
        print(f"| {name} | {times[0][0]:.1f} s | {times[1][0]:.2f} s | {times[1][1]:.3f} s |", flush=True)


if __name__ == "__main__":
    main()
