"""Bifurcations of a network while it is trained: a callback for `fit`."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from .. import _check
from ..cells._validate import checked_cell
from ..errors import InvalidInputError
from ..invariant_sets import OrbitClass, classify_orbit
from ..invariant_sets.scan import kicked
from ..invariant_sets.transitions import bifurcations
from ..kernels import packing
from .loss_jumps import loss_jumps
from .trainer import TrainingState
from .watch_result import WatchEvent, WatchResult
from .watch_tracks import Follower

_COME_OR_GO = ("fold", "border collision", "unpaired")
_ALONG = 4  # one search in so many starts on the free run, the others from anywhere


class BifurcationWatch:
    """Follows fixed points, cycles and the free run of a network from epoch to epoch: `on_epoch` of `fit`.

    At every watched epoch the points known are continued by Newton's method and others are looked for; their
    multipliers tell which bifurcation they pass. The free run goes on from where it ended an epoch before
    and is classified, over up to four times `steps` where it is undecided. A jump of the loss is a change of
    its logarithm by more than eight of the robust standard deviations of the changes before. What happens
    twice between two looks is not seen, and a point that no search finds is not followed.

    Parameters
    ----------
    every : int
        Epochs between two looks; the loss is kept at each.
    max_period : int
        Longest cycle that is followed; a search for each period is made at each look.
    starts : int
        States that each search begins from, beside the points known.
    steps, transient : int
        Of the free run, as in `classify_orbit`.
    inputs : array_like, shape (M,) or (period, M), optional
        Of a driven network, in the units of the cell (the z-scored inputs of the training): a constant or
        one period. Default: zero, the mean of the inputs.
    seed : int
        For the starts.

    Notes
    -----
    One object may watch several restarts, in threads: `results` has one entry a seed. A training that goes
    on from a checkpoint goes on here if it is given the same object; a new object begins at that epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit import fit, simulate
    >>> from chaoskit.forcing import Sparse
    >>> from chaoskit.systems import Henon
    >>> watch = BifurcationWatch(every=5)
    >>> series = simulate(Henon(), [0.1, 0.1], 500, transient=100)
    >>> model = fit(series, cell="plrnn", forcing=Sparse(3), sequence_length=20, epochs=10,
    ...             batches_per_epoch=5, on_epoch=watch)
    >>> watch.result().epochs.tolist()
    [5, 10]
    """

    def __init__(
        self,
        *,
        every: int = 1,
        max_period: int = 1,
        starts: int = 32,
        steps: int = 1_000,
        transient: int = 500,
        inputs: Any = None,
        seed: int = 0,
    ):
        self.every: int = _check.integer(every, "every", 1)
        self.max_period: int = _check.integer(max_period, "max_period", 1)
        self.starts: int = _check.integer(starts, "starts", 1)
        self.steps: int = _check.integer(steps, "steps", 200)
        self.transient: int = _check.integer(transient, "transient")
        self.inputs: np.ndarray | None = (
            None if inputs is None else _check.array(inputs, "inputs", np.float64)
        )
        self.seed: int = _check.integer(seed, "seed")
        self._runs: dict[int, _Watched] = {}
        self._lock = threading.Lock()

    def __call__(self, state: TrainingState) -> None:
        """Look at the network after an epoch."""
        with self._lock:
            run = self._runs.get(state.seed)
            if run is None or (run.loss_epochs and state.epoch <= run.loss_epochs[-1]):
                run = self._runs[state.seed] = _Watched(self)  # a new training with the same seed
        run.add_loss(state)
        arrays = [np.asarray(array) for array in state.cell]
        if state.epoch % self.every == 0 and all(np.isfinite(array).all() for array in arrays):
            run.look(type(state.cell)(*(array.astype(np.float64) for array in arrays)), state.epoch)

    @property
    def results(self) -> dict[int, WatchResult]:
        """What was seen, by the seed of the run."""
        return {seed: run.result(seed) for seed, run in self._runs.items()}

    def result(self, seed: int | None = None) -> WatchResult:
        """What was seen of one run.

        Parameters
        ----------
        seed : int, optional
            Of the run; may be left out if there was only one.

        Returns
        -------
        WatchResult

        Raises
        ------
        InvalidInputError
            If nothing was watched, or not this seed, or several and none is named.
        """
        if seed is None and len(self._runs) == 1:
            seed = next(iter(self._runs))
        seed = None if seed is None else _check.integer(seed, "seed")
        if seed not in list(self._runs):
            raise InvalidInputError(
                f"seed: expected one of the runs watched, {sorted(self._runs)}, got {seed}"
            )
        return self._runs[seed].result(seed)

    def __repr__(self) -> str:
        return f"BifurcationWatch(every {self.every} epochs, {len(self._runs)} runs watched)"


class _Watched:
    """One run."""

    def __init__(self, watch: BifurcationWatch):
        self.watch = watch
        self.rng = np.random.default_rng(watch.seed)
        self.loss_epochs: list[int] = []
        self.losses: list[float] = []
        self.seen = 0
        self.epochs: list[int] = []
        self.orbits: list[OrbitClass] = []
        self.followers: list[Follower] = []
        self.state: np.ndarray | None = None
        self.size = 0.0

    def add_loss(self, state: TrainingState) -> None:
        """Mean loss of the updates since the last epoch."""
        new = state.losses[self.seen :]
        self.seen = len(state.losses)
        self.loss_epochs.append(state.epoch)
        self.losses.append(float(np.mean(new)) if len(new) else np.nan)

    def look(self, cell: Any, epoch: int) -> None:
        cell = checked_cell(cell)
        sizes = packing.sizes_of(cell)
        inputs = self._inputs(sizes.inputs)
        first = self.rng.standard_normal(sizes.nx)
        self.state = first if self.state is None else kicked(self.state, first, self.rng)
        orbit = classify_orbit(
            cell, self.state, steps=self.watch.steps, transient=self.watch.transient, max_period=64, k=1,
            inputs=inputs,
        )  # fmt: skip
        if orbit.state is not None:
            self.state = orbit.state
            self.size = max(self.size, float(np.abs(orbit.state).max()))
        self.epochs.append(epoch)
        self.orbits.append(orbit)
        self._search(cell, epoch, inputs)

    def _search(self, cell: Any, epoch: int, inputs: Any) -> None:
        """Continue and look for fixed points and cycles, of multiples of the period of the inputs."""
        if not self.followers:
            own = 1 if inputs is None or inputs.ndim == 1 else len(inputs)
            self.followers = [Follower(p, inputs) for p in range(own, self.watch.max_period + 1, own)]
        if self.state is None:
            return
        starts = self.rng.standard_normal((self.watch.starts, len(self.state)))
        near = len(starts) // _ALONG
        starts[:near] = self.state + 0.1 * max(self.size, 1e-3) * starts[:near]
        starts[near:] *= max(self.size, 1.0)
        for follower in self.followers:
            follower.look(cell, epoch, starts)

    def _inputs(self, count: int) -> np.ndarray | None:
        if count == 0:
            return None
        return np.zeros(count) if self.watch.inputs is None else self.watch.inputs

    def result(self, seed: int) -> WatchResult:
        epochs = np.array(self.epochs, dtype=np.int64)
        events = [event for follower in self.followers for event in follower.events]
        doubled = {(e.epoch, e.where) for e in events if e.kind in ("period doubling", "border collision")}
        events = [e for e in events if not _is_told(e, doubled)]
        for change in bifurcations(epochs, tuple(self.orbits), self.size):
            events.append(WatchEvent(int(change.after), change.kind, "free run", change.detail))
        losses = np.array(self.losses)
        for at in loss_jumps(losses):
            detail = f"loss {losses[at - 1]:.3g} to {losses[at]:.3g}"
            events.append(WatchEvent(self.loss_epochs[at], "loss jump", "loss", detail))
        return WatchResult(
            seed=seed, epochs=epochs, exponents=np.array([o.exponents[0] for o in self.orbits]),
            stderr=np.array([o.stderr[0] for o in self.orbits]), orbits=tuple(self.orbits),
            tracks=tuple(track for follower in self.followers for track in follower.result()),
            loss_epochs=np.array(self.loss_epochs, dtype=np.int64), losses=losses,
            events=tuple(sorted(events, key=lambda event: event.epoch)),
        )  # fmt: skip


def _is_told(event: WatchEvent, doubled: set[tuple[int, str]]) -> bool:
    """Is it the cycle of twice the period that a period doubling brings or takes?"""
    if event.kind not in _COME_OR_GO or not event.where.startswith("cycle of period "):
        return False
    half, odd = divmod(int(event.where.rpartition(" ")[2]), 2)
    origin = "fixed point" if half == 1 else f"cycle of period {half}"
    return not odd and (event.epoch, origin) in doubled
