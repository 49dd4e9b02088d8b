"""Attractors over a parameter, followed from value to value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _check
from ..dynamics.lyapunov import initial_state
from ..dynamics.model import prepare
from ..errors import DivergenceError, InvalidInputError
from .classify import Setting, classify_from, record, setting_for
from .orbit_class import OrbitClass
from .scan_result import BifurcationScan
from .transitions import bifurcations

_KICK = 1e-6  # of the size of the states, so that an orbit leaves what has become unstable


def bifurcation_scan(
    model_family: Callable[..., Any],
    parameter: str,
    values: Any,
    *,
    x0: Any = None,
    follow: bool = True,
    observe: int | Callable[[np.ndarray], Any] = 0,
    samples: int = 200,
    steps: int = 2_000,
    transient: int = 1_000,
    max_period: int = 64,
    inputs: Any = None,
    k: int | None = None,
    dt: float | None = None,
    integrator: Any = None,
    seed: int = 0,
) -> BifurcationScan:
    """Attractors of a family of models over a parameter, and the bifurcations between them.

    At each value the orbit is classified (`classify_orbit`). A bifurcation is told from the classes on its
    two sides and from their multipliers: it lies between two values, and what happens twice between them is
    not seen. On a coarse grid a multiplier is extrapolated, so judge "pitchfork or transcritical" on a finer
    one.

    Parameters
    ----------
    model_family : callable
        Called as ``model_family(**{parameter: value})``, such as `chaoskit.systems.Logistic` with "r", or
        ``lambda gain: cell._replace(W=gain * W)`` with "gain".
    parameter : str
    values : array_like, shape (n,)
        In the order in which they are visited; upwards and downwards differ where there is hysteresis.
    x0 : array_like, shape (N,), optional
        Initial state. Default: as in `classify_orbit`.
    follow : bool
        Start at each value where the orbit of the last one ended, moved by 1e-6 of its size, so that the
        attractor is followed; otherwise always at x0.
    observe : int or callable
        Coordinate that is sampled, or a function of states (n, N) to (n,).
    samples : int
        Number of samples on an attractor that is no cycle; of a flow, at most so many maxima.
    steps, transient, max_period, inputs, k, dt, integrator, seed
        As in `classify_orbit`.

    Returns
    -------
    BifurcationScan

    Raises
    ------
    InvalidInputError
        If arguments do not fit together, or the family does not take the parameter.

    Examples
    --------
    >>> from chaoskit.systems import Logistic
    >>> scan = bifurcation_scan(Logistic, "r", [2.8, 2.9, 3.1, 3.2])
    >>> [(b.kind, b.before, b.after) for b in scan.bifurcations]
    [('period doubling', 2.9, 3.1)]
    """
    values = _check.array(values, "values", np.float64)
    if values.ndim != 1 or values.size == 0 or (np.diff(values) == 0).any():
        raise InvalidInputError(f"values: expected numbers in a row, no two alike, got shape {values.shape}")
    samples = _check.integer(samples, "samples", 1)
    transient = _check.integer(transient, "transient")
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    own = state = None
    orbits, observed, units = [], [], "per step"
    for value in values:
        model = _member(model_family, parameter, float(value))
        prepared = prepare(model, dt=dt, integrator=integrator)
        units = "per step" if prepared.dt is None else "per unit time"
        if own is None:
            own = initial_state(prepared, x0, rng)
        if len(own) != prepared.dim:
            raise InvalidInputError(
                f"model_family: expected models of {len(own)} states for all values, got {prepared.dim} for "
                f"{value:g}"
            )
        setting = setting_for(
            model, prepared, steps=steps, transient=transient, max_period=max_period, max_steps=None, k=k,
            inputs=inputs,
        )  # fmt: skip
        start = kicked(state, own, rng) if follow and state is not None else own
        orbit = classify_from(setting, start.astype(prepared.dtype), transient)
        orbits.append(orbit)
        observed.append(_samples(setting, orbit, observe, samples))
        state = orbit.state if orbit.state is not None else state
    width = min(orbit.exponents.size for orbit in orbits) if k is None else int(k)
    width = min(width, 3)
    ends = [own, *(orbit.state for orbit in orbits if orbit.state is not None)]
    size = max(float(np.abs(end).max()) for end in ends)
    return BifurcationScan(
        parameter=parameter, values=values, orbits=tuple(orbits), samples=tuple(observed),
        exponents=np.stack([orbit.exponents[:width] for orbit in orbits]),
        stderr=np.stack([orbit.stderr[:width] for orbit in orbits]), units=units,
        bifurcations=bifurcations(values, tuple(orbits), size), observed=_name(observe),
    )  # fmt: skip


def _member(family: Callable[..., Any], parameter: str, value: float) -> Any:
    if not callable(family) or not isinstance(parameter, str):
        raise InvalidInputError(
            "model_family: expected a function that is called with one parameter by its name, got "
            f"{family!r} and {parameter!r}"
        )
    try:
        return family(**{parameter: value})
    except TypeError as error:
        raise InvalidInputError(
            f"model_family: expected a function that takes {parameter!r}; the call with "
            f"{value:g} says: {error}"
        ) from error


def kicked(state: np.ndarray, first: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The state, moved a little: by a millionth of its size or that of the first one."""
    size = max(float(np.abs(state).max()), float(np.abs(first).max()))
    return state + _KICK * size * rng.standard_normal(state.shape)


def _samples(setting: Setting, orbit: OrbitClass, observe: Any, count: int) -> np.ndarray:
    """Observed values on the attractor."""
    if orbit.state is None:
        return np.zeros(0)
    if orbit.points is not None:
        return _observed(orbit.points, observe)
    try:
        states = record(setting, orbit.state, 0, setting.kept if setting.model.is_flow else count - 1)
    except DivergenceError:
        return np.zeros(0)
    values = _observed(states, observe)
    if setting.model.is_flow:
        values = _maxima(values)[:count]
    return values


def _maxima(values: np.ndarray) -> np.ndarray:
    """Heights of the local maxima, of the parabola through the three values at each."""
    before, here, after = values[:-2], values[1:-1], values[2:]
    top = (here > before) & (here >= after)
    before, here, after = before[top], here[top], after[top]
    return here - (after - before) ** 2 / (8.0 * (after - 2.0 * here + before))


def _observed(states: np.ndarray, observe: Any) -> np.ndarray:
    """Values (n,) of states (n, N)."""
    if callable(observe):
        values = np.asarray(observe(states), np.float64)
        if values.shape != (len(states),):
            raise InvalidInputError(
                f"observe: expected a function of states {states.shape} to ({len(states)},), got "
                f"{values.shape}"
            )
        return values
    index = _check.integer(observe, "observe")
    if index >= states.shape[1]:
        raise InvalidInputError(f"observe: expected a coordinate below {states.shape[1]}, got {index}")
    return states[:, index].astype(np.float64)


def _name(observe: Any) -> str:
    if callable(observe):
        return getattr(observe, "__name__", "observed").replace("<lambda>", "observed")
    return f"$x_{{{int(observe) + 1}}}$"
