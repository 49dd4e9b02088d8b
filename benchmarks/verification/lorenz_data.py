"""The Lorenz-63 series of the reconstruction runs: 100,000 rows to train on and the 100,000 that follow."""

from __future__ import annotations

import numpy as np

import chaoskit

DT = 0.01
TRUE_EXPONENTS = (0.9056, 0.0, -14.5723)


def train_and_test(rows: int = 100_000) -> tuple[np.ndarray, np.ndarray]:
    """Two stretches of one orbit (rho = 28, dt = 0.01), shape (rows, 3) each."""
    orbit = chaoskit.simulate(
        chaoskit.systems.Lorenz63(), [1.0, 2.0, 20.0], 2 * rows - 1, dt=DT, transient=2000
    )
    return orbit[:rows], orbit[rows:]
