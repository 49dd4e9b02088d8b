"""Coexisting attractors of a model, from many initial states at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..dynamics.lyapunov import initial_state
from ..dynamics.model import Model, checked_state, prepare
from ..dynamics.orbits import last_state, run
from ..errors import InvalidInputError
from ..systems import System
from .attractor_set import Attractor, AttractorSet
from .classify import Setting, classify_from, returned, setting_for
from .clouds import Cloud
from .orbit_class import OrbitClass
from .recurrence import same_cycle

_MOST_NUMBERS = 1 << 23  # of the states that are kept at once
_CLOUD = 2_000  # states of an orbit that does not return
_SAME = 1e-4  # distance of cycles that are one, in units of their size
_NOTHING = 1e-8  # and in units of the size of the starts: two points that are 0 to round-off are one
_RETURNING = ("fixed point", "cycle")


def attractors(
    model: Any,
    starts: Any = 200,
    *,
    steps: int = 10_000,
    transient: int = 5_000,
    max_period: int = 64,
    inputs: Any = None,
    k: int | None = None,
    dt: float | None = None,
    integrator: Any = None,
    seed: int = 0,
) -> AttractorSet:
    """Attractors that a model has beside each other, and the share of starts that reaches each.

    All starts are run side by side through the transient. Orbits that return exactly are one attractor if
    their points are the same; others if the states of each lie among those of the other, within three times
    their spacing. Of each attractor one orbit is classified (`classify_orbit`).

    Parameters
    ----------
    model : cell, Stack, System or FitResult
    starts : int or array_like, shape (n, N)
        Initial states, or how many: Gaussian with variance 1 for a cell; for a system and a fitted model
        Gaussian with twice the standard deviation of the orbit from its own state, about its mean. Shares
        refer to this choice, so give states of your own to measure other basins.
    steps, transient, max_period, inputs, k, dt, integrator
        As in `classify_orbit`.
    seed : int
        For the starts.

    Returns
    -------
    AttractorSet

    Raises
    ------
    InvalidInputError
        If arguments do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.cells import Tanh
    >>> found = attractors(Tanh(2.0 * np.eye(2), np.zeros((2, 0)), np.zeros(2)))
    >>> [a.orbit.kind for a in found], round(sum(a.share for a in found), 12)
    (['fixed point', 'fixed point', 'fixed point', 'fixed point'], 1.0)
    """
    transient = _check.integer(transient, "transient")
    prepared = prepare(model, dt=dt, integrator=integrator)
    states = _starts(model, prepared, starts, _check.integer(seed, "seed"))
    together = prepare(model, dt=dt, rows=len(states), integrator=integrator)
    max_period = _check.integer(max_period, "max_period", 1)
    before = transient + 4 * max_period + 2 * _CLOUD
    setting = setting_for(
        model, together, steps=steps, transient=before, max_period=max_period, max_steps=None, k=k,
        inputs=inputs,
    )  # fmt: skip
    search = _Search(setting, transient, _NOTHING * float(np.abs(states).max()))
    size = max(1, _MOST_NUMBERS // (prepared.dim * (setting.late + 1)))
    for at in range(0, len(states), size):
        search.settle(states[at : at + size])
    return search.result(states)


def _starts(given: Any, model: Model, starts: Any, seed: int) -> np.ndarray:
    """Initial states (n, N)."""
    if np.ndim(starts) > 0:
        states = checked_state(starts, model, "starts")
        return np.atleast_2d(states)
    count, rng = _check.integer(starts, "starts", 1), np.random.default_rng(seed)
    noise = rng.standard_normal((count, model.dim))
    if not isinstance(given, System) and model.default_state is None:
        return noise.astype(model.dtype)
    orbit = np.empty((_CLOUD + 1, 1, model.dim), model.dtype)
    orbit[0, 0] = initial_state(model, None, rng)
    bad = np.zeros(1, np.int64)
    run(model, orbit, np.zeros((_CLOUD, 1, model.n_inputs), model.dtype), 0, bad)
    if bad[0]:
        raise InvalidInputError(
            f"starts: the orbit from the own state of {model.name} diverges at step {bad[0]}, so that it "
            "does not tell where to start; give an array of initial states"
        )
    return (orbit[:, 0].mean(axis=0) + 2.0 * orbit[:, 0].std(axis=0) * noise).astype(model.dtype)


class _Search:
    """Attractors found so far; rows of starts are added group by group."""

    def __init__(self, setting: Setting, transient: int, nothing: float):
        self.setting, self.transient, self.nothing = setting, transient, nothing
        self.found: list[OrbitClass] = []
        self.clouds: list[Cloud | None] = []
        self.labels: list[int] = []

    def settle(self, starts: np.ndarray) -> None:
        """Give each start the number of its attractor, -1 if it diverges."""
        setting, t = self.setting, self.transient
        bad = np.zeros(len(starts), np.int64)
        state = last_state(setting.model, starts, self._drive(0, t, len(starts)), t, bad)
        orbits = self._record(state, t, setting.late, bad)
        t += setting.late
        labels = np.full(len(starts), -1)
        open_rows = []
        for row in np.flatnonzero(bad == 0):
            cycle = returned(setting, orbits[row], t)
            if cycle is None:
                open_rows.append(row)
            else:
                labels[row] = self._number_of(cycle)
        size = max(1, _MOST_NUMBERS // (setting.model.dim * _CLOUD))
        for at in range(0, len(open_rows), size):
            rows = open_rows[at : at + size]
            labels[rows] = self._numbers_of_clouds(orbits[rows, -1], t)
        self.labels.extend(labels.tolist())

    def _numbers_of_clouds(self, states: np.ndarray, t: int) -> list[int]:
        bad = np.zeros(len(states), np.int64)
        orbits = self._record(states, t, _CLOUD - 1, bad)
        return [-1 if bad[row] else self._number_of_cloud(orbit, t) for row, orbit in enumerate(orbits)]

    def _number_of_cloud(self, orbit: np.ndarray, t: int) -> int:
        """Number of the attractor of an orbit that does not return, classified if it is a new one."""
        cloud, continuous = Cloud(orbit), self.setting.model.is_flow
        for number, known in enumerate(self.clouds):
            if known is not None and known.covers_the_same(cloud, continuous):
                return number
        result = classify_from(self.setting, orbit[0], 0, t)
        if result.kind == "diverging":
            return -1
        if result.kind in _RETURNING and result.points is not None:
            return self._number_of(result)
        self.found.append(result)
        self.clouds.append(cloud)
        return len(self.found) - 1

    def _number_of(self, cycle: OrbitClass) -> int:
        """Number of the attractor that this cycle is, a new one if it is not known."""
        points, multiple_of = cycle.points, self.setting.drive.period
        if points is None:
            raise InvalidInputError("cycle: expected its points")
        allowed = max(_SAME * float(np.abs(points).max()), self.nothing)
        for number, known in enumerate(self.found):
            if known.points is not None and same_cycle(points, known.points, allowed, multiple_of):
                return number
        self.found.append(cycle)
        self.clouds.append(None)
        return len(self.found) - 1

    def _drive(self, t: int, steps: int, rows: int) -> np.ndarray:
        part = self.setting.drive.part(t, steps)
        return np.broadcast_to(part, (steps, rows, part.shape[2]))

    def _record(self, state: np.ndarray, t: int, steps: int, bad: np.ndarray) -> np.ndarray:
        """Orbits (rows, steps + 1, N)."""
        out = np.empty((steps + 1, *state.shape), state.dtype)
        out[0] = state
        run(self.setting.model, out, self._drive(t, steps, len(state)), t, bad)
        return np.ascontiguousarray(out.transpose(1, 0, 2))

    def result(self, starts: np.ndarray) -> AttractorSet:
        """All that was found, the most frequent first."""
        labels, total = np.array(self.labels), len(self.labels)
        counts = np.bincount(labels[labels >= 0], minlength=len(self.found))
        order = np.argsort(-counts, kind="stable")
        place = np.append(np.argsort(order), -1)  # the last entry is that of label -1
        listed = []
        for number in order:
            orbit, cloud, share = self.found[number], self.clouds[number], counts[number] / total
            states = orbit.points if cloud is None else cloud.states
            listed.append(
                Attractor(
                    orbit=orbit, share=float(share), stderr=float(np.sqrt(share * (1 - share) / total)),
                    count=int(counts[number]), start=starts[int(np.argmax(labels == number))].copy(),
                    states=np.array(states),
                )
            )  # fmt: skip
        return AttractorSet(tuple(listed), place[labels], starts, float((labels < 0).mean()))
