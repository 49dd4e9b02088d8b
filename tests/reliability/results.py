"""Results of one process as digests: ``python results.py CORES`` prints them as JSON.

Cores are as many as the process is told that there are; threads, where they are chosen, as many.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

import numpy as np

from chaoskit import cells, estimate_lyapunov, fit, fixed_points, lyapunov_spectrum, simulate
from chaoskit.forcing import Sparse
from chaoskit.systems import Henon


def digest(*arrays) -> str:
    """Of shapes, dtypes and every bit."""
    parts = [repr((a.shape, a.dtype.str)).encode() + a.tobytes() for a in map(np.ascontiguousarray, arrays)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def tanh_networks(count: int, n: int) -> cells.Tanh:
    """Random networks of gain 1.8."""
    W = 1.8 * np.random.default_rng(1).standard_normal((count, n, n)) / np.sqrt(n)
    return cells.Tanh(W, np.zeros((count, n, 0)), np.full((count, n), 0.1))


def one_of(networks: cells.Tanh) -> cells.Tanh:
    return cells.Tanh(*(a[0] for a in networks))


def training(series, **options):
    """Digest of a trained model."""
    given = {"cell": "plrnn", "epochs": 3, "batches_per_epoch": 4, "forcing": Sparse(5), "seed": 3}
    model = fit(series, **(given | {"sequence_length": 20, "batch_size": 4} | options))
    return digest(*model.cell, model.decoder, *model.history.values())


def results(threads: int) -> dict[str, str]:
    """What each function returns."""
    orbit = simulate(Henon(), [0.1, 0.1], 2000, transient=100)
    found = {"orbit": digest(orbit)}
    found["spectrum"] = digest(lyapunov_spectrum(one_of(tanh_networks(1, 12)), steps=3000).exponents)
    for name, count, n in (("ensemble in lanes", 40, 3), ("ensemble one by one", 6, 20)):
        spectrum = lyapunov_spectrum(tanh_networks(count, n), steps=1000)
        found[name] = digest(spectrum.exponents, spectrum.stderr)
    fixed = fixed_points(one_of(tanh_networks(1, 12)), starts=500)
    found["fixed points"] = digest(fixed.points)
    estimate = estimate_lyapunov(orbit[:, 0])
    found["exponent of a series"] = digest(np.array([estimate.exponent, *estimate.interval]))
    found["restarts"] = training(orbit, n_states=3, restarts=3, threads=threads)
    found["batches shared by threads"] = training(
        orbit, n_states=40, threads=threads, batch_size=64, sequence_length=100, epochs=1
    )
    return found


if __name__ == "__main__":
    cores = int(sys.argv[1])
    os.cpu_count = lambda: cores
    os.sched_getaffinity = lambda process: set(range(cores))
    print(json.dumps(results(cores)))
