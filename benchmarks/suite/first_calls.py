"""asv: import, and first calls with an empty compile cache and with a warm one, each in a new process."""

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


def in_a_new_process(code: str, cache: str) -> list[float]:
    """The numbers that it prints."""
    environment = os.environ | {"NUMBA_CACHE_DIR": cache, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


class Import:
    """Seconds of ``import chaoskit``, and how many modules it loads."""

    def track_seconds(self):
        code = "import time; t = time.perf_counter(); import chaoskit; print(time.perf_counter() - t)"
        return min(in_a_new_process(code, "")[0] for _ in range(5))

    track_seconds.unit = "s"

    def track_modules(self):
        return in_a_new_process("import sys, chaoskit; print(len(sys.modules))", "")[0]

    track_modules.unit = "modules"


class FirstCalls:
    """The table of docs/benchmarks.md: ``python -m benchmarks.suite.first_calls`` prints it."""

    params = tuple(CALLS)
    param_names = ("call",)
    timeout = 300

    def setup_cache(self):
        return {call: first_calls(code) for call, code in CALLS.items()}

    def track_cold(self, found, call):
        return found[call][0]

    def track_warm(self, found, call):
        return found[call][1]

    setup_cache.timeout = 900
    track_cold.unit = track_warm.unit = "s"


def first_calls(call: str) -> tuple[float, float, float]:
    """Seconds with an empty cache, in a new process with a warm one, and again in that process."""
    with tempfile.TemporaryDirectory() as folder:
        cold, _ = in_a_new_process(SCRIPT.format(call=call), folder)
        warm, again = in_a_new_process(SCRIPT.format(call=call), folder)
    return cold, warm, again


def main() -> None:
    print("| call | cold cache | warm cache, new process | again |")
    print("|---|---|---|---|")
    for name, call in CALLS.items():
        cold, warm, again = first_calls(call)
        print(f"| {name} | {cold:.1f} s | {warm:.2f} s | {again:.3f} s |", flush=True)


if __name__ == "__main__":
    main()
