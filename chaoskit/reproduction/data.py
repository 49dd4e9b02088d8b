"""The series of the experiments, made anew from their equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..dynamics import simulate
from ..sweeps import Together
from ..systems import Duffing, Lorenz63, Lorenz96, MackeyGlass, Roessler

ROWS = 100_000  # to train on, and as many that follow to judge by


class DataSet(NamedTuple):
    """A series to train on, the rows that follow to judge by, and what is known of the system.

    train, test (T, D); exponents per unit time, in descending order, of the equations themselves; inputs and
    test_inputs (T, M) of a driven system; embedding: (delay, dimension) of the coordinates of histograms.
    """

    train: np.ndarray
    test: np.ndarray
    dt: float
    exponents: tuple[float, ...]
    inputs: np.ndarray | None = None
    test_inputs: np.ndarray | None = None
    embedding: tuple[int, int] | None = None

    @property
    def predictability_time(self) -> float:
        """ln 2 / lambda in steps."""
        return float(np.log(2.0) / (self.exponents[0] * self.dt))

    def keywords(self) -> Together:
        """As keywords of `chaoskit.sweeps.train_and_judge`."""
        evaluation: dict[str, Any] = {"n_resamples": 0, "n_exponents": min(len(self.exponents), 10)}
        if self.inputs is not None:
            evaluation["inputs"] = self.test_inputs
        if self.embedding is not None:
            evaluation["embedding"] = self.embedding
        given = Together(
            series=self.train, test=self.test, dt=self.dt, true_exponents=self.exponents,
            evaluate_options=evaluation,
        )  # fmt: skip
        if self.inputs is not None:
            given["inputs"] = self.inputs
        return given


def _halves(orbit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    half = len(orbit) // 2
    return orbit[:half], orbit[half:]


def lorenz63(rows: int, rho: float = 38.0, exponents: tuple[float, ...] = (1.1053, 0.0, -14.772)) -> DataSet:
    """Lorenz-63 of the paper: rho = 38, not the usual 28; exponents of long ensembles of its equations."""
    orbit = simulate(Lorenz63(rho=rho), [1.0, 2.0, 20.0], 2 * rows - 1, dt=0.01, transient=2_000)
    return DataSet(*_halves(orbit), 0.01, exponents)


def usual_lorenz63(rows: int) -> DataSet:
    """Lorenz-63 with rho = 28, which generalized forcing was published on."""
    return lorenz63(rows, 28.0, (0.9056, 0.0, -14.5723))


def lorenz2d(rows: int) -> DataSet:
    """The same orbit, of which x and y are observed."""
    whole = lorenz63(rows)
    return whole._replace(
        train=np.ascontiguousarray(whole.train[:, :2]), test=np.ascontiguousarray(whole.test[:, :2])
    )


def roessler(rows: int) -> DataSet:
    """Rössler's system with a = 0.15, b = 0.2, c = 10; five integration steps a row."""
    every = 5
    system = Roessler(a=0.15, b=0.2, c=10.0)
    orbit = simulate(system, [1.0, 1.0, 0.1], every * (2 * rows) - 1, dt=0.1 / every, transient=10_000)
    return DataSet(*_halves(orbit[::every]), 0.1, (0.0890, 0.0, -9.80))


def duffing(rows: int) -> DataSet:
    """Duffing's oscillator x'' + 0.1 x' - x + x^3 = 0.35 cos 1.4 t, its force observed as an input.

    A periodic attractor coexists; this start goes to the chaotic one.
    """
    every, dt, skipped = 4, 0.1773, 8_000
    system = Duffing(d=0.1, A=0.35, w=1.4)
    orbit = simulate(system, [0.2, 0.0], skipped + 2 * every * rows - 1, dt=dt / every)[skipped::every]
    force = np.cos(1.4 * (dt / every) * (skipped + every * np.arange(len(orbit))))[:, None]
    forces = _halves(force)
    return DataSet(*_halves(orbit), dt, (0.1326, -0.2326), *forces)


def mackey_glass(rows: int) -> DataSet:
    """x of the Mackey-Glass equation with delay 17, a row for each unit of time, in delay coordinates."""
    system = MackeyGlass(points=85)
    every = 5
    orbit = simulate(system, system.default_state, every * (2 * rows) - 1, transient=10_000)
    series = np.ascontiguousarray(orbit[::every, :1])
    return DataSet(*_halves(series), 1.0, (0.0047,), embedding=(6, 4))


def lorenz96(rows: int) -> DataSet:
    """Lorenz-96 with 20 variables and F = 8."""
    start = 8.0 + 0.01 * np.sin(np.arange(20.0))
    orbit = simulate(Lorenz96(n=20), start, 2 * rows - 1, dt=0.04, transient=5_000)
    return DataSet(*_halves(orbit), 0.04, (1.550,))


DATA: dict[str, Callable[[int], DataSet]] = {
    "lorenz63": lorenz63, "roessler": roessler, "duffing": duffing, "lorenz2d": lorenz2d,
    "mackey_glass": mackey_glass, "usual_lorenz63": usual_lorenz63, "lorenz96": lorenz96,
}  # fmt: skip
