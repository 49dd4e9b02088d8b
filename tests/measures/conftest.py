"""Data shared by the tests of the measures."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def lorenz() -> np.ndarray:
    """20,000 points of Lorenz-63 (10, 28, 8/3): 5 orbits side by side, dt 0.01, after a transient.

    Shape (20_000, 3). Within each 4000 rows consecutive points are consecutive in time.
    """

    def slope(u):
        x, y, z = u
        return np.array([10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z])

    dt, u = 0.01, np.random.default_rng(0).normal([[0.0], [0.0], [25.0]], 5.0, (3, 5))
    orbit = np.empty((4000, 3, 5))
    for t in range(-500, 4000):
        a = slope(u)
        b = slope(u + dt / 2 * a)
        c = slope(u + dt / 2 * b)
        d = slope(u + dt * c)
        u = u + dt / 6 * (a + 2 * b + 2 * c + d)
        if t >= 0:
            orbit[t] = u
    return np.concatenate(np.moveaxis(orbit, 2, 0))
