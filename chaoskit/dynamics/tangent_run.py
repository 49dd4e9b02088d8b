"""A state with its tangents on the way along an orbit, and the interval between orthonormalisations."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .._progress import progress_bar
from ..errors import ChaoskitWarning, DivergenceError, InvalidInputError
from ..kernels.cpu_tangent import tangent_products
from ..kernels.packing import aligned
from .model import Model

BLOCKS = 1000  # rows of the history, and samples for the standard errors
# What an interval may cost: the error of an exponent, in units of the largest rate met along the orbit.
TOLERATED_LOSS = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-5}
# Loss of an interval given by hand, relative to the largest rate.
_WORTH_A_WARNING = {np.dtype(np.float64): 1e-7, np.dtype(np.float32): 1e-3}
_TOO_MUCH = 0.01
CANDIDATES = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 50)
_ONE_PANEL, _PANEL = 48, 16  # below 48 rows one panel beats the blocked form
_PILOT = 5e7  # operations of a pilot run that are not worth saving
_SECOND = 2e9  # operations a kernel call may take before Python can be interrupted


class TangentRun:
    """A state with k tangents (rows) on its way along an orbit.

    Attributes
    ----------
    every : int
        Steps between two orthonormalisations.
    loss : float
        Error of an exponent, in nats per step, that intervals of more than one step can have cost in the
        blocks counted so far.
    """

    def __init__(self, model: Model, state, k: int, t0: int, inputs, rng):
        self.model, self.k, self.t, self.inputs = model, k, t0, inputs
        n = model.dim
        frame = np.linalg.qr(rng.standard_normal((n, k)))[0].T
        self.V = aligned((k + 1) * n, model.dtype)
        self.V[:] = np.concatenate([np.atleast_2d(state), frame]).ravel()
        self.scratch = aligned((k + 1) * n, model.dtype)
        self.work = model.work(1, k)
        self.rng = rng
        self.panel = _PANEL if k > _ONE_PANEL else k
        self.every = 1
        self.limit = 0.0  # spread per step beyond which the interval is halved; 0: never
        self.loss_of_spread = float(np.finfo(model.dtype).eps)
        self.spread = np.zeros(1)
        self.counted = 0

    @property
    def state(self) -> np.ndarray:
        return self.V[: self.model.dim].copy()

    def place(self) -> tuple[np.ndarray, int, Any]:
        """Where the run is: its rows, its step, and the substep of an adaptive integrator."""
        substep = getattr(self.work, "h", None)
        return self.V.copy(), self.t, None if substep is None else substep.copy()

    def go_to(self, place: tuple[np.ndarray, int, Any]) -> None:
        """Take the run to a place where it was."""
        self.V[:], self.t, substep = place
        if substep is not None:
            self.work.h[:] = substep

    @property
    def loss(self) -> float:
        eps = float(np.finfo(self.model.dtype).eps)
        return max(self.loss_of_spread * float(self.spread[0]) / max(self.counted, 1), eps)

    def products(self, blocks: int, block_steps: int, every: int, limit: float = 0.0, spread=None):
        """Sums of log norms (blocks, k) of the next steps; `spread` (1,) gains what they spread."""
        logs = np.zeros((blocks, self.k))
        steps = blocks * block_steps
        driving = np.ascontiguousarray(self.inputs[self.t : self.t + steps]).reshape(-1)
        self.every, broken = tangent_products(
            self.model.tag, self.model.pack, self.work, self.V, self.scratch, driving, self.t,
            self.k, blocks, block_steps, every, limit, self.panel, logs,
            np.zeros(1) if spread is None else spread,
        )  # fmt: skip
        if broken >= 0 and every > 1 and np.isfinite(self.state).all():
            raise InvalidInputError(
                f"qr_every: the tangents overflowed within {every} steps, while the orbit stayed finite; "
                'take fewer steps, or "auto"'
            )
        if broken >= 0:
            raise diverged(self.model, self.t + broken)
        self.t += steps
        return logs

    def align(self, steps: int, renew: bool = True) -> None:
        """Steps that are not counted, orthonormalised at each.

        With `renew`, directions that were wiped out on the way begin anew: what happened once need not
        happen again.
        """
        if not steps:
            return
        self.products(1, steps, 1)
        if not renew:
            return
        rows = self.V[self.model.dim :].reshape(self.k, self.model.dim)
        alive = rows.any(axis=1)
        if not alive.all():
            new = self.rng.standard_normal((self.k - int(alive.sum()), self.model.dim))
            q, r = np.linalg.qr(np.concatenate([rows[alive], new]).T.astype(np.float64))
            rows[:] = (q * np.where(np.diag(r) < 0, -1.0, 1.0)).T

    def choose_interval(self, steps: int, wanted: int = 0) -> float:
        """Set `every`, and the guard, by what intervals cost on a stretch of the orbit ahead.

        The next steps are taken once with an orthonormalisation at each, by the form that loses nothing
        however far the tangents spread (one panel), and again with wider and wider intervals, by the fast
        form; the widest one whose exponents agree is kept. Returns the loss of the one chosen, or of
        `wanted`, an interval given by hand, which is kept, in units of the largest rate.
        """
        cost = self.k * self.model.dim * (self.model.dim + self.k)
        affordable = min(max(steps // 200, int(_PILOT / cost)), 400, steps // 4)
        stretch = max(affordable, 12, 3 * wanted)
        if wanted:
            stretch = min(stretch, steps)
        self.limit, self.every = 0.0, wanted or 1
        if stretch > steps or (wanted == 1 and self.k <= _ONE_PANEL):
            return 0.0
        here, panel = self.place(), self.panel
        self.panel = self.k
        true = self.products(1, stretch, 1)
        self.panel = panel
        rate = max(float(np.abs(true[np.isfinite(true)]).max(initial=0.0)) / stretch, 1e-3)
        allowed = TOLERATED_LOSS[np.dtype(self.model.dtype)] * rate
        chosen = (wanted, math.inf, math.inf)
        for every in (wanted,) if wanted else CANDIDATES:
            self.go_to(here)
            loss, spread = self._loss(true, stretch, every)
            if not (loss <= allowed or wanted > 1):
                break
            chosen = (every, loss, spread)
            if 2 * every > stretch:
                break
        self.go_to(here)
        return self._keep(*chosen, allowed, stretch) / rate

    def _keep(self, every: int, loss: float, spread: float, allowed: float, stretch: int) -> float:
        """Set what follows from a measured loss; returns the loss that is left."""
        self.every = every or 1
        if self.every == 1:
            if not loss <= allowed:
                self.panel = self.k
            return 0.0
        if math.isfinite(loss):
            self.loss_of_spread = max(loss, float(np.finfo(self.model.dtype).eps)) * stretch / spread
            self.limit = allowed / self.loss_of_spread
        return loss

    def _loss(self, true: np.ndarray, stretch: int, every: int) -> tuple[float, float]:
        """(error of the worst exponent per step, spread) of an interval against one of 1."""
        spread = np.zeros(1)
        try:
            logs = self.products(1, stretch, every, spread=spread)
        except InvalidInputError:  # overflow
            return math.inf, math.inf
        with np.errstate(invalid="ignore"):
            difference = np.abs(logs - true)
        difference[logs == true] = 0.0  # both may be minus infinity
        return float(difference.max()) / stretch, float(spread[0])

    def advance(self, count: int, length: int, guard: bool):
        """Log sums (count, k) of the next `count` blocks of `length` steps.

        With `guard` the interval is halved where the spread exceeds what it was chosen for. A direction
        that dies within a wide interval is looked at again step by step: it may only have been lost in
        round-off, in which case the interval shrinks, or raises if it was given by hand.
        """
        before, dead, wide = self.place(), self._dead(), self.every
        logs = self._products_in_range(before, count, length, guard)
        self.counted += count * length
        if wide > 1 and self._dead() > dead:
            after, now = self.place(), self.every
            self.go_to(before)
            again = self.products(count, length, 1)
            if np.array_equal(np.isneginf(again), np.isneginf(logs)):
                self.go_to(after)
                self.every = now
            elif guard:
                logs, self.every = again, max(1, min(now, wide // 2))
            else:
                raise lost_in_round_off(wide)
        return logs

    def _products_in_range(self, before, count: int, length: int, guard: bool) -> np.ndarray:
        """The next blocks; with `guard`, again with shorter intervals where the tangents overflow."""
        spread = self.spread.copy()
        while True:
            try:
                return self.products(count, length, self.every, self.limit if guard else 0.0, self.spread)
            except InvalidInputError:
                if not guard:
                    raise
            self.go_to(before)
            self.spread[:], self.every = spread, max(1, self.every // 4)

    def _dead(self) -> int:
        """Number of directions that have been wiped out."""
        rows = self.V[self.model.dim :].reshape(self.k, self.model.dim)
        return int((~rows.any(axis=1)).sum())

    def accumulate(self, steps: int, length: int, guard: bool, bar=None) -> tuple[np.ndarray, np.ndarray]:
        """Log sums of blocks of `length` steps (the last may be shorter), and the lengths in steps."""
        bar = progress_bar(steps, "", False) if bar is None else bar
        blocks, rest = divmod(steps, length)
        cost = length * self.k * self.model.dim * (self.model.dim + self.k)
        group = int(np.clip(_SECOND / cost, 1, max(blocks, 1)))
        logs, lengths = [], []
        measured = blocks // 10
        for at in range(0, blocks, group):
            count = min(group, blocks - at)
            if guard and at >= 3 * measured > 0:  # the orbit may have come to another place
                measured = at
                self.choose_interval(steps - at * length)
            logs.append(self.advance(count, length, guard))
            lengths.append(np.full(count, length))
            bar.update(count * length)
        if rest:
            logs.append(self.advance(1, rest, guard))
            lengths.append(np.full(1, rest))
            bar.update(rest)
        return np.concatenate(logs), np.concatenate(lengths)


def block_length(steps: int, every: int) -> int:
    """Steps a block: a multiple of the interval, about a thousand blocks in all."""
    return every * math.ceil(steps / (BLOCKS * every))


def diverged(model: Model, step: int) -> DivergenceError:
    """The error for an orbit that is no longer finite."""
    return DivergenceError(
        f"x0: expected an orbit of {model.name} that stays finite, got infinity or NaN by step {step}; "
        "start inside the basin of attraction" + (", or take a smaller dt" if model.is_flow else ""),
        step=step,
    )


def judge_interval(loss: float, every: int, dtype: Any, stacklevel: int = 3) -> None:
    """Raise or warn if an interval given by hand loses too much; `loss` relative to the largest rate."""
    if not loss <= _TOO_MUCH:
        raise lost_in_round_off(every)
    if loss > _WORTH_A_WARNING[np.dtype(dtype)]:
        warnings.warn(
            f"qr_every={every}: compared with an orthonormalisation at each step the exponents are off by "
            f'{loss:.0e} of the largest rate; take fewer steps, or "auto"',
            ChaoskitWarning,
            stacklevel=stacklevel + 1,
        )


def lost_in_round_off(every: int) -> InvalidInputError:
    """The error for an interval given by hand in which tangents become indistinguishable."""
    return InvalidInputError(
        f"qr_every={every}: within so many steps tangents overflow, or become parallel to the last digit, "
        'and their exponents are lost; take fewer steps, or "auto"'
    )
