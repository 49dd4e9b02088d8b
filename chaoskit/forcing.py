"""How a training run is forced back to the data: schedules as small frozen objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from . import _check
from .errors import InvalidInputError

__all__ = [
    "ESTIMATORS",
    "AdaptiveGeneralized",
    "Annealed",
    "Changing",
    "Forcing",
    "Generalized",
    "Never",
    "Schedule",
    "Sparse",
    "Truncated",
    "Windowed",
]  # fmt: skip


class Schedule(NamedTuple):
    """Forcing of one training sequence of T steps.

    slot : ndarray of int, shape (T,)
        Index of the forced state before step t, or -1; slot[0] is 0, the start.
    keep : ndarray of float, shape (slots,)
        How much of the network's own state survives: z = keep z + (1 - keep) z_data. keep[0] = 0.
    flow : ndarray of float, shape (slots,), or None
        How much of the gradient passes back to the network's own state; as much as is kept if None.
        flow[0] = 0.
    source : ndarray of float, shape (slots,), or None
        Factor of z_data: 1 (the same as None), or 0 where the state is drawn to zero instead.
    """

    slot: np.ndarray
    keep: np.ndarray
    flow: np.ndarray | None = None
    source: np.ndarray | None = None

    @property
    def times(self) -> np.ndarray:
        """Times of the forced states, shape (slots,)."""
        return np.flatnonzero(self.slot >= 0)


@runtime_checkable
class Forcing(Protocol):
    """Anything that turns a length into a `Schedule`."""

    def schedule(self, length: int) -> Schedule: ...


@runtime_checkable
class Changing(Protocol):
    """A forcing that changes in the course of training."""

    def at(self, progress: float, rng: np.random.Generator) -> Forcing:
        """The forcing of a batch, `progress` from 0 to 1 through the training."""
        ...


def _every(interval: int, length: int) -> Schedule:
    slot = np.full(length, -1, np.int64)
    times = np.arange(0, length, interval)
    slot[times] = np.arange(len(times))
    return Schedule(slot, np.zeros(len(times)))


def _interval(value: Any, name: str = "tau") -> int:
    return _check.integer(value, name, 1)


@dataclass(frozen=True)
class Sparse:
    """Replace the state by the inverted observation every `tau` steps (arXiv 2110.07238, Eq. 9).

    Parameters
    ----------
    tau : int
        Steps between two forcings, at least 1; the predictability time ln 2 / lambda or somewhat less.
    jitter : int
        In training, tau is drawn anew for each batch, uniformly from tau - jitter to tau + jitter.

    Examples
    --------
    >>> Sparse(3).schedule(7).times.tolist()
    [0, 3, 6]
    """

    tau: int
    jitter: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tau", _interval(self.tau))
        object.__setattr__(self, "jitter", _check.integer(self.jitter, "jitter"))
        if self.jitter >= self.tau:
            raise InvalidInputError(f"jitter: expected less than tau={self.tau}, got {self.jitter}")

    def __repr__(self) -> str:
        return f"Sparse(tau={self.tau}" + (f", jitter={self.jitter})" if self.jitter else ")")

    def schedule(self, length: int) -> Schedule:
        """Forced at 0, tau, 2 tau, ... below `length`."""
        return _every(self.tau, length)

    def at(self, progress: float, rng: np.random.Generator) -> Sparse:
        """The forcing of one batch."""
        if self.jitter == 0:
            return self
        return Sparse(int(rng.integers(self.tau - self.jitter, self.tau + self.jitter + 1)))


@dataclass(frozen=True)
class Annealed:
    """Sparse forcing whose interval goes from `start` to `stop` in the course of training, by equal factors.

    Parameters
    ----------
    start, stop : int
        First and last interval, at least 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> [Annealed(1, 16).at(p, rng).tau for p in (0.0, 0.5, 1.0)]
    [1, 4, 16]
    """

    start: int
    stop: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _interval(self.start, "start"))
        object.__setattr__(self, "stop", _interval(self.stop, "stop"))

    @property
    def tau(self) -> int:
        """The longest interval."""
        return max(self.start, self.stop)

    def schedule(self, length: int) -> Schedule:
        """That of the end of training."""
        return _every(self.stop, length)

    def at(self, progress: float, rng: np.random.Generator) -> Sparse:
        """The forcing of one batch."""
        return Sparse(max(1, round(self.start * (self.stop / self.start) ** progress)))


@dataclass(frozen=True)
class Generalized:
    """Draw the state towards the data at every step: z~ = (1 - alpha) z + alpha z_data.

    The chain of Jacobians is multiplied by 1 - alpha a step (Hess et al. 2023, arXiv 2306.04406, Eq. 8).

    Parameters
    ----------
    alpha : float
        0 to 1: 0 is no forcing after the start, 1 replaces the state at every step.

    Examples
    --------
    >>> Generalized(0.25).schedule(3).keep.tolist()
    [0.0, 0.75, 0.75]
    """

    alpha: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", _check.share(self.alpha, "alpha"))

    def schedule(self, length: int) -> Schedule:
        """Forced at every time."""
        keep = np.full(length, 1.0 - self.alpha)
        keep[:1] = 0.0
        return Schedule(np.arange(length), keep)


ESTIMATORS = ("weights", "maximum", "geometric_mean", "product", "mean")


@dataclass(frozen=True)
class AdaptiveGeneralized:
    """Generalized forcing whose alpha follows the Jacobians: alpha = max(0, 1 - 1 / sigma).

    Training starts at `start`; every `interval` batches alpha becomes the estimate if that is larger, else
    decay * alpha + (1 - decay) * estimate.

    Parameters
    ----------
    estimator : {"geometric_mean", "maximum", "mean", "product", "weights"}
        What sigma is, of the Jacobians J at the states that forcing sets along the sequences of a batch: the
        largest geometric mean of the norms along a sequence; the largest norm; the mean norm; the largest
        growth rate of the norm of the product along a sequence; or a bound from the weights alone. Where
        forcing sets the first states only (`latent_state` "identity" or "learned"), the Jacobians are taken
        with the others at what they start from, `initial_map @ x`, and not where the network has led them.
    start, decay : float
        0 to 1.
    interval : int
        Batches between two estimates.

    References
    ----------
    Hess et al. 2023, arXiv 2306.04406, section 3.3 and appendix 6.3.

    Examples
    --------
    >>> AdaptiveGeneralized().estimator
    'geometric_mean'
    """

    estimator: str = "geometric_mean"
    start: float = 1.0
    decay: float = 0.999
    interval: int = 5

    def __post_init__(self) -> None:
        _check.choice(self.estimator, "estimator", ESTIMATORS)
        object.__setattr__(self, "start", _check.share(self.start, "start"))
        object.__setattr__(self, "decay", _check.share(self.decay, "decay"))
        object.__setattr__(self, "interval", _check.integer(self.interval, "interval", 1))

    def schedule(self, length: int) -> Schedule:
        """That of the start."""
        return Generalized(self.start).schedule(length)

    def follow(self, alpha: float, sigma: float) -> float:
        """The next alpha after an estimate."""
        new = max(0.0, 1.0 - 1.0 / sigma) if sigma > 0 else 0.0
        return new if new > alpha else self.decay * alpha + (1.0 - self.decay) * new


@dataclass(frozen=True)
class Windowed:
    """Set the state to zero every `tau` steps, without data: a baseline.

    Examples
    --------
    >>> Windowed(2).schedule(5).source.tolist()
    [1.0, 0.0, 0.0]
    """

    tau: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "tau", _interval(self.tau))

    def schedule(self, length: int) -> Schedule:
        """Zeros at tau, 2 tau, ... below `length`."""
        schedule = _every(self.tau, length)
        source = np.zeros(len(schedule.keep))
        source[:1] = 1.0
        return schedule._replace(source=source)


@dataclass(frozen=True)
class Truncated:
    """Keep the state, but cut the chain of gradients every `tau` steps, as truncated backpropagation does.

    Examples
    --------
    >>> Truncated(2).schedule(5).flow.tolist()
    [0.0, 0.0, 0.0]
    """

    tau: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "tau", _interval(self.tau))

    def schedule(self, length: int) -> Schedule:
        """Cut at tau, 2 tau, ... below `length`."""
        schedule = _every(self.tau, length)
        keep = np.ones(len(schedule.keep))
        keep[:1] = 0.0
        return schedule._replace(keep=keep, flow=np.zeros(len(keep)))


@dataclass(frozen=True)
class Never:
    """Start from the data and never force again: plain backpropagation through time.

    Examples
    --------
    >>> Never().schedule(7).times.tolist()
    [0]
    """

    def schedule(self, length: int) -> Schedule:
        """Forced at 0 only."""
        return _every(max(length, 1), length)
