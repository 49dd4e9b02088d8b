"""A number that the gradient of the loss can never exceed, with what makes it so."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import _check
from ..cells import protocol
from ..dynamics.orbits import state_jacobians
from ..errors import InvalidInputError
from .bound_result import GradientBound
from .chains import Parameters, Sensitivities
from .contraction import Contraction, Tube, along_orbit, best_from, tubes, window_norms
from .implicit import cycle_points, images
from .orbit_walk import Chunk, Walk
from .setting import Setting, setting

_NUMBERS = 3e7  # of the Jacobians along an orbit
_LONGEST = 200  # factors of a product that must have shrunk
_PREFIX = 300  # steps before a neighbourhood is entered
_PERIODS = 64
_CLOSE = 1e-6  # of the size of a state: a return


def gradient_bound(
    model: Any,
    orbit: Any = None,
    *,
    steps: int = 500,
    cycle: Any = None,
    series: Any = None,
    decoder: Any = None,
    inputs: Any = None,
    start_gradient: float = 0.0,
    seed: int = 0,
) -> GradientBound:
    """Bound of ||dL_T/dtheta|| along an orbit: for every T where that can be certified, else for its steps.

    For every T: the better of a bound of all Jacobians of the network below 1, and a neighbourhood of a
    stable fixed point or cycle that the orbit enters and cannot leave. Where there is neither: all products
    of Jacobians along the orbit itself.

    Parameters
    ----------
    model : cell or FitResult
    orbit : array_like, shape (N,) or (T + 1, N), optional
        Initial state, from which `steps` steps are run, or the states of an orbit. Default: a point of the
        cycle; what the first row of the series sets; the start of a fitted model; random.
    steps : int
        Length T of the orbit, if it is not given.
    cycle : array_like, shape (N,) or (k, N), or object with ``points``, optional
        Fixed point or cycle whose neighbourhood is to be certified. Default: what the orbit returns to.
    series, decoder, inputs
        As in `gradient_growth`, with its loss. "Every T" then means: as long as data and inputs stay within
        what they are here.
    start_gradient : float
        ||dz_0/dtheta|| if the initial state depends on the parameters.
    seed : int
        For a random initial state.

    Returns
    -------
    GradientBound

    Raises
    ------
    InvalidInputError
        If arguments do not fit together, or the orbit is too long to keep its Jacobians.
    DivergenceError
        If the orbit leaves the finite numbers.

    Notes
    -----
    With ||J_t ... J_{s+1}|| <= kappa r^(t - s) for all s <= t and r < 1,

        ||dL_T/dtheta|| <= sup ||dL_t/dz_t|| kappa (sup ||d+z_t/dtheta|| / (1 - r) + r^T ||dz_0/dtheta||).

    All products count, not only those from the start: an orbit that shrinks and then grows would give a false
    bound. Bounds hold up to the round-off of the norms.

    References
    ----------
    Monfared et al., arXiv 2110.07238, Theorem 1 (ii) and its proof.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.cells import Tanh
    >>> cell = Tanh(0.5 * np.eye(2), np.zeros((2, 0)), np.ones(2))
    >>> gradient_bound(cell, [0.0, 0.0]).certified.partition(":")[0]
    'every T'
    """
    start_gradient = _check.not_negative(start_gradient, "start_gradient")
    points = None if cycle is None else cycle_points(cycle)
    if orbit is None and points is not None:
        orbit = points[0]
    states = None if orbit is None else _check.array(orbit, "orbit", np.float64)
    given = states if states is not None and states.ndim == 2 else None
    if given is not None and len(given) < 2:
        raise InvalidInputError(f"orbit: expected at least 2 states, got {len(given)}")
    steps = _check.integer(steps, "steps", 1) if given is None else len(given) - 1
    start = states if given is None else given[0]
    where = setting(model, start, steps, series=series, decoder=decoder, inputs=inputs, seed=seed)
    if where.cell is None:
        raise InvalidInputError(
            f"model: expected a cell or a fitted model, got {where.model.name}, which is not trained here"
        )
    if points is not None and points.shape[1] != where.model.dim:
        raise InvalidInputError(f"cycle: expected points of {where.model.dim} numbers, got {points.shape}")
    search = _Search(where, _states(where, given, steps), start_gradient)
    found = [b for b in (search.global_norm(), search.neighbourhood(points)) if b is not None]
    return min(found, key=lambda b: b.bound) if found else search.these_steps()


def _states(where: Setting, given: np.ndarray | None, steps: int) -> np.ndarray:
    """States (T + 1, N) of the orbit, which must be one of the model."""
    n = where.model.dim
    if steps * n * n > _NUMBERS:
        raise InvalidInputError(
            f"steps: the Jacobians of {steps} steps of {n} states are {steps * n * n:.0e} numbers, more than "
            f"{_NUMBERS:.0e}; take at most {int(_NUMBERS / n**2)} steps"
        )
    if given is None:
        walk = Walk(where.model, where.start, where.inputs, np.array([steps]), steps)
        chunks = list(walk)
        return np.concatenate([*(c.states for c in chunks), chunks[-1].after[None]])
    off = np.abs(images(where.model, given[:-1], where.inputs) - given[1:]).max()
    if not off <= 1e-6 * (1.0 + np.abs(given).max()):
        raise InvalidInputError(
            f"orbit: expected states that follow each other under {where.model.name}, got one that is "
            f"{off:.1e} off; give an initial state, or the same inputs"
        )
    return given


class _Suprema(NamedTuple):
    """Bounds of ||dL_t/dz_t|| and of the immediate derivative."""

    loss: float
    immediate: float


class _Search:
    """The certificates one after the other."""

    def __init__(self, where: Setting, states: np.ndarray, start_gradient: float):
        self.where, self.states, self.start_gradient = where, states, start_gradient
        self.steps = len(states) - 1
        self.drive = float(np.linalg.norm(where.inputs, axis=1).max(initial=0.0))
        self.known: np.ndarray | None = None

    def global_norm(self) -> GradientBound | None:
        """Every T, where all Jacobians have a norm below 1."""
        rate = protocol.jacobian_bound(self.where.cell)
        if rate is None or not rate < 1.0:
            return None
        n = self.where.model.dim
        pushes = images(self.where.model, np.zeros((self.steps, n)), self.where.inputs)
        furthest = float(np.linalg.norm(pushes, axis=1).max()) / (1.0 - rate)
        size = max(float(np.linalg.norm(self.states[0])), furthest)
        suprema = self._everywhere(size)
        if suprema is None:
            return None
        reason = f"all Jacobians have a norm of at most {rate:.6g}, whatever the state"
        return self._result(Contraction(1.0, rate), suprema, "every T: global norm", reason)

    def neighbourhood(self, points: np.ndarray | None) -> GradientBound | None:
        """Every T, where the orbit enters a neighbourhood that contracts; the best of several."""
        where = self.where
        if np.ptp(where.inputs, axis=0).any():
            return None  # the map changes from step to step
        points = self._return() if points is None else points
        if points is None:
            return None
        drive = np.broadcast_to(where.inputs[:1], (len(points), where.inputs.shape[1]))
        after, J = images(where.model, points, drive), state_jacobians(where.model, points, drive)
        found = (self._inside(tube) for tube in tubes(points, after, J, where.cell, drive))
        return min((b for b in found if b is not None), key=lambda b: b.bound, default=None)

    def these_steps(self) -> GradientBound:
        """Only the T of this orbit, or why there is no bound."""
        J = self._jacobians()
        contraction = along_orbit(J, min(_LONGEST, self.steps))
        if contraction is None:
            growth = _growth(J)
            kind = "the orbit expands" if growth > 0 else "no product of so many factors has shrunk"
            reason = (
                f"{kind}: ln of the product of all {self.steps} Jacobians grows by {growth:.4g} per step, "
                f"and products of up to {min(_LONGEST, self.steps)} factors reach norms of 1 and more"
            )
            if growth > 0:
                reason += "; on a chaotic orbit the gradient diverges and no bound exists"
            return GradientBound(math.inf, math.nan, math.nan, "nothing", reason, math.nan, math.nan)
        suprema = _Suprema(self._loss(self.steps), self._immediate(self.steps))
        reason = "all products of consecutive Jacobians of this orbit; later steps may do otherwise"
        return self._result(contraction, suprema, f"T <= {self.steps}: these steps", reason, steps=self.steps)

    def _inside(self, tube: Tube) -> GradientBound | None:
        """The certificate of one neighbourhood, if the orbit enters it."""
        entered = tube.entered(self.states[: _PREFIX + 1])
        if entered is None:
            return None
        before = np.array(list(window_norms(self._jacobians()[:entered], entered)))
        on_the_way = best_from(tube.contraction.rate, before)
        kappa, rate = tube.contraction.kappa * on_the_way.kappa, on_the_way.rate
        if not math.isfinite(kappa):
            return None
        later = float(tube.distances(self.states[entered : entered + 1])[0]) + tube.missing  # it only shrinks
        reach = float(np.linalg.norm(tube.points, axis=1).max()) + min(tube.radius, later)
        suprema = self._everywhere(reach)
        if suprema is None:
            return None
        loss, immediate = self._loss(entered), self._immediate(entered)
        suprema = _Suprema(max(suprema.loss, loss), max(suprema.immediate, immediate))
        k = len(tube.points)
        what = "a fixed point" if k == 1 else f"a {k}-cycle"
        reason = (
            f"the orbit enters at step {entered} what the map takes into itself at a rate "
            f"{tube.contraction.rate:.6g}"
        )
        return self._result(
            Contraction(kappa, rate), suprema, f"every T: neighbourhood of {what}", reason, period=k,
            radius=tube.radius, entered=entered,
        )  # fmt: skip

    def _everywhere(self, size: float) -> _Suprema | None:
        """Suprema over all states no longer than `size`."""
        immediate = protocol.immediate_bound(self.where.cell, size, self.drive)
        if immediate is None:
            return None
        if self.where.series is None:
            return _Suprema(1.0, immediate)
        B = self.where.readout
        norm, data = float(np.linalg.norm(B, 2)), np.linalg.norm(self.where.series, axis=1).max()
        return _Suprema(2.0 / len(B) * norm * (norm * size + float(data)), immediate)

    def _return(self) -> np.ndarray | None:
        """Points of the cycle that the end of the orbit is close to."""
        z = self.states
        allowed = _CLOSE * (1.0 + np.linalg.norm(z[-1]))
        for k in range(1, min(_PERIODS, self.steps) + 1):
            if np.linalg.norm(z[-1] - z[-1 - k]) <= allowed:
                return z[-k:]
        return None

    def _jacobians(self) -> np.ndarray:
        if self.known is None:
            self.known = state_jacobians(self.where.model, self.states[:-1], self.where.inputs)
        return self.known

    def _loss(self, steps: int) -> float:
        """Largest ||dL_t/dz_t|| of the first steps."""
        times = range(1, steps + 1)
        return max(
            (float(np.linalg.norm(self.where.loss_gradient(self.states[t], t))) for t in times), default=0.0
        )

    def _immediate(self, steps: int) -> float:
        """Largest norm of the immediate derivative of the first steps."""
        own, largest = Parameters(self.where.cell, self.where.model), 0.0
        step = Sensitivities(own)
        for t in range(steps):
            step.S[:], step.exponent = 0, 0
            one = (self.where.inputs[t : t + 1], np.zeros(1, np.int64), np.ones(1))
            step.go(Chunk(t, self.states[t : t + 1], *one, self.states[t + 1]))
            norm = np.linalg.norm(own.own_rows(step.packed), 2) * 2.0**step.exponent
            largest = max(largest, float(norm))
        return largest

    def _result(self, c: Contraction, s: _Suprema, certified: str, reason: str, **more: Any) -> GradientBound:
        bound = s.loss * (s.immediate * c.total + c.kappa * self.start_gradient)
        return GradientBound(
            bound, c.kappa, c.rate, certified, reason, s.loss, s.immediate, self.start_gradient, **more
        )


def _growth(jacobians: np.ndarray) -> float:
    """Growth per step of one tangent along the Jacobians."""
    v = np.random.default_rng(0).standard_normal(jacobians.shape[1])
    total = 0.0
    for J in jacobians:
        v = J @ v
        length = float(np.linalg.norm(v))
        if length == 0.0:
            return -math.inf
        total, v = total + math.log(length), v / length
    return total / len(jacobians)
