"""Where a search begins: stretches of orbits, those first that nearly return."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..dynamics.model import checked_state
from ..dynamics.orbits import run
from ..errors import InvalidInputError
from .problem import Ring

_ORBITS = 16
_STEPS = 300  # of each orbit, the way to the attractor included
_GROWTH = 10.0  # in the second half of an orbit: more, and it is leaving
_FAR = 1e3  # times the size of the first states: too far to look for anything


def starting_rings(ring: Ring, starts: Any, default: int, rng: np.random.Generator) -> np.ndarray:
    """Rings (n, k, N) from given states (n, N), from a wanted number, or from the default number of starts.

    Rings whose orbit leaves the finite numbers are left out.
    """
    if starts is None or np.ndim(starts) == 0:
        count = default if starts is None else _check.integer(starts, "starts", 1)
        return _from_orbits(ring, count, rng)
    states = np.atleast_2d(checked_state(starts, ring.model, "starts"))
    _check.squarable(states, "starts")
    rings = np.ascontiguousarray(_orbits(ring, states, ring.period - 1).transpose(1, 0, 2))
    rings = rings[np.isfinite(rings).all(axis=(1, 2))]
    if len(rings) == 0:
        raise InvalidInputError(
            f"starts: all {len(states)} orbits left the finite numbers within {ring.period} steps; "
            "start nearer"
        )
    return rings


def _orbits(ring: Ring, states: np.ndarray, steps: int) -> np.ndarray:
    """Orbits (steps + 1, rows, N) from the states, NaN where they diverge."""
    rows = len(states)
    out = np.empty((steps + 1, rows, ring.dim))
    out[0] = states
    driving = np.repeat(ring.inputs[np.arange(steps) % ring.period, None], rows, axis=1)
    run(ring.model, out, driving, 0, np.zeros(rows, np.int64))
    return out


def _from_orbits(ring: Ring, count: int, rng: np.random.Generator) -> np.ndarray:
    """A third from close returns, a third from anywhere on orbits, a third from around them.

    Among the last are the origin and the mean.
    """
    orbits = _orbits(ring, _initial_states(ring, rng), _STEPS + ring.period)
    bounded = _bounded(orbits)
    times = np.arange(0, _STEPS, ring.input_period)
    windows = orbits[times[:, None] + np.arange(ring.period + 1)]  # (times, k + 1, orbits, N)
    windows = windows.transpose(0, 2, 1, 3)[bounded[times + ring.period]]
    if len(windows) == 0:  # nothing is bounded: fixed points are then repellers near the origin, if any
        windows = rng.standard_normal((count, 1, ring.dim)).repeat(ring.period + 1, axis=1)
    returns = np.linalg.norm(windows[:, -1] - windows[:, 0], axis=1)
    rings = windows[:, :-1]
    nearest = rings[np.argsort(returns, kind="stable")[: max(1, len(rings) // 4)]]
    third = count // 3
    anywhere = rings[rng.integers(0, len(rings), count - third)]
    spread = rings.std(axis=(0, 1)) + 0.05 * np.sqrt(np.mean(rings**2) + np.finfo(float).tiny)
    around = anywhere[third:].copy()
    around += rng.uniform(0, 2, (len(around), 1, 1)) * spread * rng.standard_normal(around.shape)
    around[0] = 0.0  # often a fixed point itself, and out of reach when it repels in many directions
    around[-1] = rings.mean(axis=(0, 1))
    return np.concatenate([nearest[rng.integers(0, len(nearest), third)], anywhere[:third], around])


def _initial_states(ring: Ring, rng: np.random.Generator) -> np.ndarray:
    """The state that the model brings along and states around it, or random ones near and far."""
    noise = rng.standard_normal((_ORBITS, ring.dim))
    if ring.model.default_state is None:
        noise[_ORBITS // 2 :] *= 3.0
        return noise
    known = np.asarray(ring.model.default_state, np.float64)
    size = max(float(np.sqrt(np.mean(known**2))), 1e-3)
    noise[0] = 0.0
    noise[1 : _ORBITS // 2] *= 0.1
    return known + size * noise


def _bounded(orbits: np.ndarray) -> np.ndarray:
    """Which states (time, orbit) belong to orbits that stay; if none does, which are still near the start."""
    with np.errstate(all="ignore"):
        sizes = np.abs(orbits).max(axis=2)
        settled = sizes[-1] <= _GROWTH * sizes[len(sizes) // 2]
        near = sizes <= _FAR * np.median(sizes[0])
    return np.broadcast_to(settled, sizes.shape) if settled.any() else near
