"""Many spectra in one call: batches of networks, of initial states, of parameters.

Small cells lie side by side in vector registers (kernels/lanes.py), and on a GPU all cells run side by side
(kernels/gpu_spectrum.py); anything else is one run a member, on as many threads as there are cores.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..cells._validate import batch_size, member, whole_cell
from ..errors import DivergenceError, InvalidInputError
from ..kernels.packing import Packed
from ..systems import System
from .device_run import DeviceRun
from .lane_run import LaneRun
from .members_run import MembersRun
from .model import Model, checked_inputs, checked_state, prepare
from .orbits import last_state
from .tangent_run import TangentRun, diverged, judge_interval

_LARGEST_IN_LANES = 24  # states; beyond, the products of one member fill the registers
_MEMBER_BLOCKS = 256  # rows of a member's history: enough for the errors, and a quarter of a single run's
_FEWEST_IN_LANES = 8


class Plan(NamedTuple):
    """What to run: steps to skip, to align, to count, and how."""

    transient: int
    warm: int
    steps: int
    k: int
    every: int  # 0: automatic
    seed: int
    device: str = "cpu"
    blocks: int = _MEMBER_BLOCKS  # rows of a history


class EnsembleRun(NamedTuple):
    """Sums of logarithms (members, blocks, k), lengths (blocks,), widest interval, divergence by member."""

    logs: np.ndarray
    lengths: np.ndarray
    every: int
    diverged_at: np.ndarray
    loss: float


def ensemble_size(model: Any, x0: Any) -> int | None:
    """Number of members that batched arrays, parameters or initial states ask for; None for a single run."""
    sizes = {}
    cell = whole_cell(model)
    if cell is not None:
        sizes["model"] = batch_size(cell)
    elif isinstance(model, System):
        sizes["parameters"] = model.batch
    if x0 is not None and np.ndim(x0) == 2:
        sizes["x0"] = len(x0)
    found = {name: size for name, size in sizes.items() if size is not None}
    empty = [name for name, size in found.items() if size == 0]
    if empty:
        raise InvalidInputError(f"{empty[0]}: expected at least one member, got none")
    if len(set(found.values())) > 1:
        raise InvalidInputError(f"x0: expected as many rows as the model has members, got {found}")
    return next(iter(found.values()), None)


def members_of(model: Any, count: int, dt: Any = None, **options: Any) -> list[Model]:
    """One prepared model a member; they share what they have in common."""
    cell = whole_cell(model)
    if cell is not None and batch_size(cell) is not None:
        return [prepare(member(cell, b), dt=dt, **options) for b in range(count)]
    if isinstance(model, System) and model.batch is not None:
        whole = prepare(model, dt=dt, rows=count, **options)
        rows = whole.pack.p
        packs = [whole.pack._replace(p=np.ascontiguousarray(rows[b : b + 1])) for b in range(count)]
        return [replace(whole, pack=pack, batch=None) for pack in packs]
    return [prepare(model, dt=dt, **options)] * count


def initial_states(members: list[Model], x0: Any, seed: int) -> np.ndarray:
    """(members, N): x0, or what the model brings along, or random states."""
    first = members[0]
    if x0 is not None:
        return np.array(np.broadcast_to(checked_state(x0, first), (len(members), first.dim)))
    if first.default_state is not None:
        return np.tile(np.asarray(first.default_state, first.dtype), (len(members), 1))
    rng = np.random.default_rng(seed)
    return rng.standard_normal((len(members), first.dim)).astype(first.dtype)


def run_ensemble(members: list[Model], states: np.ndarray, inputs: Any, plan: Plan, bar) -> EnsembleRun:
    """Run every member; a member that diverges is NaN and does not disturb the others."""
    count, first = len(members), members[0]
    length = -(-plan.steps // plan.blocks)
    total = plan.transient + plan.warm + plan.steps
    rows = 1 if inputs is None or np.ndim(inputs) < 3 else count
    driving = checked_inputs(inputs, first, total, rows)
    if plan.device == "cuda":
        if driving.shape[2] == 0:
            driving = driving[:, :1]
        return _side_by_side(DeviceRun(members, states, driving, plan.k, plan.seed), plan, length, bar)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        if isinstance(first.pack, Packed) and first.dim <= _LARGEST_IN_LANES and count >= _FEWEST_IN_LANES:
            run = LaneRun(members, states, driving, plan.k, plan.seed, pool)
            return _side_by_side(run, plan, length, bar)
        return _one_by_one(range(count), members, states, driving, plan, length, pool, bar)


def _one_by_one(which, members, states, driving, plan: Plan, length: int, pool, bar) -> EnsembleRun:
    """A run a member."""

    def task(b: int):
        rng = np.random.default_rng([plan.seed, b])
        own = driving[:, b if driving.shape[1] > 1 else 0]
        try:
            run = _started(members[b], states[b], own, plan, rng)
            cost = run.choose_interval(plan.steps, plan.every)
            logs, lengths = run.accumulate(plan.steps, min(length, plan.steps), plan.every == 0)
        except DivergenceError as error:
            return None, error.step, 1, 0.0, 0.0
        return (logs, lengths), 0, run.every, run.loss, cost

    results = []
    for result in pool.map(task, which):
        results.append(result)
        if plan.every:
            judge_interval(result[4], plan.every, members[0].dtype, 6)
        bar.update(plan.transient + plan.warm + plan.steps)
    lengths = _lengths(plan.steps, min(length, plan.steps))
    logs = np.full((len(results), len(lengths), plan.k), np.nan)
    for row, (found, *_) in zip(logs, results, strict=True):
        if found is not None:
            row[...] = found[0]
    at = np.array([result[1] for result in results])
    return EnsembleRun(logs, lengths, max(r[2] for r in results), at, max(r[3] for r in results))


def _started(model: Model, state, driving, plan: Plan, rng) -> TangentRun:
    """A run after its transients."""
    bad = np.zeros(1, np.int64)
    start = last_state(model, state[None], driving[:, None], plan.transient, bad)[0]
    if bad[0]:
        raise diverged(model, int(bad[0]))
    run = TangentRun(model, start, plan.k, plan.transient, driving, rng)
    run.align(plan.warm)
    return run


def _lengths(steps: int, length: int) -> np.ndarray:
    blocks, rest = divmod(steps, length)
    return np.array([length] * blocks + [rest] * (rest > 0))


def _side_by_side(run: MembersRun, plan: Plan, length: int, bar) -> EnsembleRun:
    """All members in one run."""
    members = run.members
    run.advance(plan.transient + plan.warm, max(plan.transient + plan.warm, 1))
    bar.update(len(members) * (plan.transient + plan.warm))
    if plan.every == 0:
        run.choose_intervals(plan.steps)
    else:
        run.every[:] = plan.every
        cost = run.losses(np.array([plan.every]), min(3 * plan.every, plan.steps))
        judge_interval(float(cost.max()), plan.every, members[0].dtype, 6)
    before = run.V.copy(), run.t
    logs = run.advance(plan.steps, length)
    bar.update(len(members) * plan.steps)
    while plan.every == 0:  # once more, more often, what lost more than its interval was chosen for
        again = np.flatnonzero(run.doubtful(plan.steps) | _newly_dead(logs, run.every))
        if again.size == 0:
            break
        run.V[again], run.t, run.spread[again] = before[0][again], before[1], 0.0
        run.every[again] //= 2
        logs[again] = run.advance(plan.steps, length, again)
    loss, widest = run.loss(plan.steps), int(run.every.max())
    return EnsembleRun(logs, _lengths(plan.steps, length), widest, run.bad, loss)


def _newly_dead(logs: np.ndarray, every: np.ndarray) -> np.ndarray:
    """Members that lost a direction within wide intervals: it may have been round-off."""
    return np.isneginf(logs[:, -1]).any(axis=1) & (every > 1)
