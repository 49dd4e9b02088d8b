"""Which class an orbit belongs to: fixed point, cycle, quasi-periodic, chaotic, diverging."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _check
from ..dynamics.lyapunov import checked_count, initial_state
from ..dynamics.model import Model, prepare
from ..dynamics.orbits import orbit_jacobians, run
from ..errors import DivergenceError, InvalidInputError
from .drive import Drive, drive_for
from .orbit_class import OrbitClass
from .recurrence import Recurrence, grows_without_bound, returns
from .search import cycles
from .stretches import Stretches, two_stretches
from .verdicts import of_flow, of_map

_MOST_NUMBERS = 1 << 24  # of the states that are kept
_NEUTRAL = 1e-6  # distance of a multiplier from the unit circle that cannot be told from none
_LONGER = 4  # times as many steps where an orbit is undecided
_FURTHER = 1.7  # times as far in as many steps again: faster than a random walk
_OFF = 10.0  # times the distance that multipliers say is left to a cycle
_SAME_RATE = 0.2  # relative difference of the rate of approach and of the largest exponent


class Setting(NamedTuple):
    """What a classification needs beside the state it starts from."""

    given: Any
    model: Model
    drive: Drive
    steps: int
    warm: int
    k: int
    max_period: int
    max_steps: int
    inputs: Any  # one period of them as they were given, None for none

    @property
    def kept(self) -> int:
        """Steps of a stretch whose states are kept."""
        return max(min(self.steps, _MOST_NUMBERS // self.model.dim), 4 * self.max_period + 64)

    @property
    def late(self) -> int:
        """Steps looked at once more after those of the exponents; a flow crosses a section in them."""
        return self.kept if self.model.is_flow else 4 * self.max_period + 64

    @property
    def needed(self) -> int:
        """Steps in all, without the transient."""
        return self.kept + self.warm + 2 * self.steps + self.late


def classify_orbit(
    model: Any,
    x0: Any = None,
    *,
    steps: int = 10_000,
    transient: int = 5_000,
    max_period: int = 256,
    max_steps: int | None = None,
    inputs: Any = None,
    k: int | None = None,
    dt: float | None = None,
    integrator: Any = None,
    seed: int = 0,
) -> OrbitClass:
    """Class of the orbit from x0 once its transient is over.

    A fixed point or cycle of a map is an exact return, confirmed by its multipliers, or a return whose
    distance shrinks at the rate of the largest exponent. An orbit is chaotic only if its largest exponent
    exceeds five standard errors in two consecutive stretches, and tangents grow by ten nats in each. It is
    quasi-periodic if it is bounded, does not return, and tangents neither grow nor shrink by more than they
    swing. A limit cycle of a flow crosses a section in the same points again and again, with all exponents
    but the zero along the flow below zero. Whatever fits none of these is undecided.

    Parameters
    ----------
    model : cell, Stack, System or FitResult
        Any network, map or flow. A driven network's class is that of its response to the input.
    x0 : array_like, shape (N,), optional
        Initial state. Default: the system's own, the start of a fitted model, or random for a cell.
    steps : int
        Steps of each of three stretches: one whose returns are looked at, two for exponents. Exponents that
        differ from zero by less than about 10 / steps are not told from zero.
    transient : int
        Steps to leave out first.
    max_period : int
        Longest cycle looked for, in steps of a map or crossings of a section by a flow.
    max_steps : int, optional
        An orbit that is undecided is followed further, by stretches four times as long, as long as these have
        at most so many steps; 4 * steps by default.
    inputs : array_like, shape (M,), (period, M) or (T, M), optional
        Of a driven network: a constant input, one period of a periodic one, or as many rows as there are
        steps: about 3.2 * steps + 8 * max_period + transient. Cycles have a multiple of the input's period.
    k : int, optional
        Number of exponents of an orbit that does not return; 2, for a flow 3, or all if there are fewer.
    dt : float, optional
        Integration step of a flow; the time of a step of a cell or map.
    integrator : RungeKutta4 or DormandPrince, optional
        How a flow is integrated.
    seed : int
        For the initial state of a cell.

    Returns
    -------
    OrbitClass

    Raises
    ------
    InvalidInputError
        If arguments do not fit together.

    References
    ----------
    Monfared, Mikhaeil and Durstewitz, arXiv 2110.07238: the classes for which theorems 1 to 3 tell what
    gradients do.

    Examples
    --------
    >>> from chaoskit.systems import Logistic
    >>> classify_orbit(Logistic(3.83)).label
    'cycle of period 3'
    >>> classify_orbit(Logistic(4.0)).kind
    'chaotic'
    """
    transient = _check.integer(transient, "transient")
    prepared = prepare(model, dt=dt, integrator=integrator)
    start = initial_state(prepared, x0, np.random.default_rng(_check.integer(seed, "seed")))
    setting = setting_for(
        model, prepared, steps=steps, transient=transient, max_period=max_period, max_steps=max_steps, k=k,
        inputs=inputs,
    )  # fmt: skip
    return classify_from(setting, start, transient)


def setting_for(
    given: Any, model: Model, *, steps: Any, transient: int, max_period: Any, max_steps: Any, k: Any, inputs
) -> Setting:
    """The setting of checked arguments; `transient` steps of input come before its stretches."""
    steps = _check.integer(steps, "steps", 200)
    max_period = _check.integer(max_period, "max_period", 1)
    longest = (_MOST_NUMBERS // model.dim - 64) // 4
    if max_period > longest:
        raise InvalidInputError(
            f"max_period: expected at most {longest} for {model.dim} states, whose returns are looked for in "
            f"memory, got {max_period}"
        )
    most = _LONGER * steps if max_steps is None else _check.integer(max_steps, "max_steps", steps)
    k = min(3 if model.is_flow else 2, model.dim) if k is None else checked_count(k, model)
    nothing = Drive(np.zeros((0, 1, 0)), 1)
    setting = Setting(given, model, nothing, steps, max(steps // 10, 100), k, max_period, most, None)
    drive = drive_for(inputs, model, transient + setting.needed)
    one_period = None if inputs is None else np.asarray(inputs)
    if one_period is not None and one_period.shape != (model.n_inputs,):
        one_period = one_period[: max(drive.period, 1)]
    return setting._replace(drive=drive, inputs=one_period)


def classify_from(setting: Setting, start: np.ndarray, transient: int, t: int = 0) -> OrbitClass:
    """The class of the orbit that is in `start` at step t."""
    try:
        return _class_of(setting, start, transient, t)
    except DivergenceError as error:
        return _unclassified(setting, "diverging", f"not finite from step {error.step} on", error.step)


def _class_of(setting: Setting, start: np.ndarray, transient: int, t: int) -> OrbitClass:
    state, t = _go_on(setting, start, t, transient), t + transient
    while True:
        result, t = _attempt(setting, state, t)
        longer = setting._replace(steps=_LONGER * setting.steps, warm=_LONGER * setting.warm)
        enough = longer.steps <= setting.max_steps and setting.drive.has(t + longer.needed)
        if result.kind != "undecided" or result.state is None or not enough:
            return result
        setting, state = longer, result.state


def _attempt(setting: Setting, state: np.ndarray, t: int) -> tuple[OrbitClass, int]:
    """(class, step reached) by stretches of the length in `setting`."""
    states, t = record(setting, state, t, setting.kept), t + setting.kept
    found = returned(setting, states, t)
    if found is not None:
        return found, t
    if setting.drive.period and grows_without_bound(states):
        far, states, t = _grown(setting, states, t)
        if far is not None:
            return _unclassified(setting, "diverging", far), t
        found = returned(setting, states, t)
        if found is not None:
            return found, t
    recurrence = _recurrence(setting, states, True)
    inputs = setting.drive.part(0, t + setting.warm + 2 * setting.steps)[:, 0]
    parts = two_stretches(
        setting.given, setting.model, states[-1].copy(), inputs, t, setting.steps, setting.warm, setting.k
    )
    late = record(setting, parts.state, parts.t, setting.late)
    found = returned(setting, late, parts.t + setting.late)
    if found is None:
        found = _approached(setting, states, t, recurrence, parts)
    if found is None:
        judge = of_flow if setting.model.is_flow else of_map
        kind, reason, period = judge(parts, recurrence, late, setting.max_period, setting.model.dt)
        if setting.drive.period == 0:
            reason = "the input does not repeat, so no response can; " + reason.partition(";")[0]
        both = parts.both
        found = OrbitClass(
            kind, reason, period, both.exponents, both.stderr, both.units, state=late[-1].copy()
        )
    return found, parts.t + setting.late


def _grown(setting: Setting, states: np.ndarray, t: int) -> tuple[str | None, np.ndarray, int]:
    """(why an orbit that grew diverges, or None; its states further on; the step they end at).

    An orbit that leaves an unstable point grows, too, so it is followed twice as far as four stretches.
    """
    origin, state = states[0], states[-1]
    sizes = [float(np.linalg.norm(state - origin))]
    for _ in range(2):
        state, t = _go_on(setting, state, t, 4 * setting.kept), t + 4 * setting.kept
        sizes.append(float(np.linalg.norm(state - origin)))
    if sizes[2] > _FURTHER * sizes[1] > _FURTHER**2 * sizes[0]:
        reason = f"goes on growing, from a distance of {sizes[0]:.3g} from where it was to {sizes[2]:.3g}"
        return reason, states, t
    return None, record(setting, state, t, setting.kept), t + setting.kept


def _recurrence(setting: Setting, states: np.ndarray, drifts: bool) -> Recurrence:
    """Returns of a map, rest of a flow; none under an input that does not repeat."""
    period = setting.drive.period
    if period == 0:
        return Recurrence(0, np.inf)
    return returns(states, 1 if setting.model.is_flow else setting.max_period, period, drifts)


def returned(setting: Setting, states: np.ndarray, t: int) -> OrbitClass | None:
    """The class of an orbit that is at rest or repeats, with `states` up to step t; None if it does not."""
    return _confirmed(setting, states, t, _recurrence(setting, states, False))


def _confirmed(setting: Setting, states: np.ndarray, t: int, found: Recurrence) -> OrbitClass | None:
    """The class of a return that the multipliers confirm, None for a saddle passed by or a slow drift."""
    if not found.period:
        return None
    first = t - found.period + 1
    back = first % setting.drive.period  # so that the inputs given begin at the first point
    end = len(states) - back
    result = cycle_class(setting, states[end - found.period : end], first - back, found.residual)
    exact = found.residual < 1e4 * float(np.finfo(states.dtype).eps)
    if not (result.stable or exact) or _is_shorter(result, found.residual * float(np.abs(states).max())):
        return None
    return result


def _is_shorter(cycle: OrbitClass, residual: float) -> bool:
    """Do its points differ by no more than they are still off, so that it is one of a shorter period?

    Around a fixed point with a multiplier near -1 the orbit seems to return after two steps long before it
    does after one.
    """
    points, multipliers = cycle.points, cycle.multipliers
    if points is None or multipliers is None:
        return False
    count, off = len(points), _OFF * residual / max(1.0 - float(np.abs(multipliers[0])), _NEUTRAL)
    shorter = (d for d in range(1, count) if count % d == 0)
    return any(np.abs(np.roll(points, -d, axis=0) - points).max() <= off for d in shorter)


def _approached(setting: Setting, states, t: int, seen: Recurrence, parts: Stretches) -> OrbitClass | None:
    """The class of an orbit on its way to a cycle that Newton's method finds, and that attracts as fast."""
    if not (seen.drifting and seen.rate < 0):
        return None
    step = setting.model.dt or 1.0
    largest = parts.both.exponents[0] * step
    if abs(seen.rate - largest) > _SAME_RATE * abs(seen.rate):
        return None
    back = t % setting.drive.period  # to the last step with the first of the inputs given
    near, t = states[len(states) - 1 - back], t - back
    try:
        found = cycles(
            setting.given, seen.drifting, starts=near[None], inputs=setting.inputs, dt=setting.model.dt
        )
    except InvalidInputError:  # a flow that depends on time has no equilibria
        return None
    for points in found.points.astype(setting.model.dtype):
        first, last = (np.linalg.norm(points - state, axis=1).min() for state in (states[0], states[-1]))
        result = cycle_class(setting, points, t, np.nan, seen.rate)
        as_fast = abs(result.exponents[0] * step - seen.rate) <= _SAME_RATE * abs(seen.rate)
        if result.stable and as_fast and last < first:
            return result
    return None


def cycle_class(
    setting: Setting, points: np.ndarray, first: int, residual: float, approach: float = 0.0
) -> OrbitClass:
    """Class of a fixed point or cycle whose first state is that of step `first`; points (period, N)."""
    model, period = setting.model, len(points)
    rows = setting.drive.part(first, period)[:, 0]
    factors, _ = orbit_jacobians(model, points[0], rows, first)
    product = factors[0].astype(np.float64)
    for factor in factors[1:]:
        product = factor @ product
    multipliers = np.linalg.eigvals(product)
    multipliers = multipliers[np.argsort(-np.abs(multipliers), kind="stable")]
    largest = float(np.abs(multipliers[0]))
    with np.errstate(divide="ignore"):
        exponents = np.log(np.abs(multipliers)) / (period * (model.dt or 1.0))
    stable = largest < 1.0 - _NEUTRAL
    how = f"the states repeat to {residual:.1e} of their size"
    if approach:
        how = f"comes nearer by exp({approach:.3g}) a step, as fast as its exponents say"
    verdict = "" if stable else ", neutral" if largest < 1.0 + _NEUTRAL else ", unstable: it stays by chance"
    return OrbitClass(
        kind="fixed point" if period == 1 else "cycle",
        reason=f"{how}; largest multiplier {largest:.6g}{verdict}",
        period=None if model.is_flow else float(period),
        exponents=exponents,
        stderr=np.zeros(len(exponents)),
        units="per step" if model.dt is None else "per unit time",
        points=points.copy(),
        multipliers=multipliers,
        stable=bool(stable),
        state=points[0].copy(),
    )


def _unclassified(setting: Setting, kind: str, reason: str, step: int | None = None) -> OrbitClass:
    nothing = np.full(setting.k, np.nan)
    units = "per step" if setting.model.dt is None else "per unit time"
    return OrbitClass(kind, reason, None, nothing, nothing.copy(), units, diverged_at=step)


def _go_on(setting: Setting, start: np.ndarray, t: int, steps: int) -> np.ndarray:
    """State (N,) after `steps` steps from step t on."""
    while steps > 0:
        count = min(steps, setting.kept)
        start, t, steps = record(setting, start, t, count)[-1].copy(), t + count, steps - count
    return start


def record(setting: Setting, state: np.ndarray, t: int, steps: int) -> np.ndarray:
    """States (steps + 1, N) from step t on."""
    out = np.empty((steps + 1, 1, setting.model.dim), setting.model.dtype)
    out[0, 0] = state
    bad = np.zeros(1, np.int64)
    run(setting.model, out, setting.drive.part(t, steps), t, bad)
    _raise_if(bad, setting)
    return out[:, 0]


def _raise_if(bad: np.ndarray, setting: Setting) -> None:
    if bad[0]:
        raise DivergenceError(f"{setting.model.name} diverged", step=int(bad[0]))
