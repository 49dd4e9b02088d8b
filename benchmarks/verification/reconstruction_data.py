"""What the reconstruction runs learn: Lorenz-63 whole, noisy and by one coordinate; a driven oscillator."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import chaoskit

ROWS = 100_000  # to train on, and as many that follow to judge by
DT, DUFFING_DT = 0.01, 0.1
NOISE = 0.05  # standard deviations


class Data(NamedTuple):
    """A training series, what it is judged by, and the true exponents per unit time."""

    train: np.ndarray
    test: np.ndarray
    dt: float
    exponents: tuple[float, ...]
    inputs: np.ndarray | None = None
    test_inputs: np.ndarray | None = None
    embedding: tuple[int, int] | None = None  # of the coordinates in which all models are compared


def train_and_test(rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Two stretches of one Lorenz-63 orbit (rho = 28, dt = 0.01), shape (rows, 3) each."""
    orbit = chaoskit.simulate(
        chaoskit.systems.Lorenz63(), [1.0, 2.0, 20.0], 2 * rows - 1, dt=DT, transient=2000
    )
    return orbit[:rows], orbit[rows:]


def lorenz() -> Data:
    """All three coordinates."""
    return Data(*train_and_test(), DT, (0.9056, 0.0, -14.5723))


def noisy() -> Data:
    """The same with observation noise on the training series; judged by clean data."""
    data = lorenz()
    noise = np.random.default_rng(0).standard_normal(data.train.shape)
    return data._replace(train=data.train + NOISE * data.train.std(axis=0) * noise)


def partial() -> Data:
    """The first coordinate alone, compared in three delay coordinates."""
    data = lorenz()
    return data._replace(train=data.train[:, :1], test=data.test[:, :1], embedding=(16, 3))


def duffing() -> Data:
    """Duffing's oscillator sampled at every second integration step, with its driving force as input."""
    flow, every, skipped = chaoskit.systems.Duffing(), 2, 20_000
    dt = DUFFING_DT / every
    orbit = chaoskit.simulate(flow, [0.2, 0.0], skipped + 2 * every * ROWS - 1, dt=dt)[skipped::every]
    force = np.cos(dt * (skipped + every * np.arange(len(orbit))))[:, None]
    return Data(orbit[:ROWS], orbit[ROWS:], DUFFING_DT, flow.reference_exponents, force[:ROWS], force[ROWS:])


DATA: dict[str, Any] = {"lorenz": lorenz, "noisy": noisy, "partial": partial, "duffing": duffing}
