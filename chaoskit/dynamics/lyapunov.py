"""Lyapunov spectra of cells, maps and flows, with standard errors."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from .. import _check
from .._progress import progress_bar
from ..errors import ChaoskitWarning, InvalidInputError
from .ensemble import Plan, ensemble_size, initial_states, members_of, run_ensemble
from .identities import check_sum, warn_of_sum, with_zero_exponent
from .lyapunov_result import LyapunovResult, single, summarise
from .model import Model, checked_inputs, checked_state, device_for, prepare
from .orbits import last_state, warn_of_divergence
from .statistics import mean_errors
from .tangent_run import BLOCKS, TangentRun, block_length, diverged, judge_interval


def lyapunov_spectrum(
    model: Any,
    x0: Any = None,
    steps: int = 20_000,
    *,
    k: int | None = None,
    dt: float | None = None,
    inputs: Any = None,
    transient: int = 1_000,
    tangent_transient: int | str = "auto",
    qr_every: int | str = "auto",
    seed: int = 0,
    progress: bool = False,
    tolerance: float | None = None,
    max_steps: int | None = None,
    integrator: Any = None,
    device: str = "cpu",
) -> LyapunovResult:
    """Lyapunov exponents along an orbit, by Jacobian products with reorthonormalisation; or of an ensemble.

    Parameters
    ----------
    model : cell, Stack, System or FitResult
        A cell may be driven by `inputs` (conditional exponents). A cell whose arrays have a leading batch
        axis, or a system with arrays for parameters, is an ensemble.
    x0 : array_like, shape (N,) or (batch, N), optional
        Initial state; rows make an ensemble. Default: the system's own, the start of a fitted model, or
        random for a cell.
    steps : int
        Number of steps the average is taken over.
    k : int, optional
        Number of leading exponents; all N by default.
    dt : float, optional
        Integration step of a flow (its own by default). For a cell or map, the time one step stands
        for: exponents are then per unit time.
    inputs : array_like, shape (T, M) or (batch, T, M), optional
        inputs[t] drives step t, counted from x0; T >= transient + tangent transient + steps.
    transient : int
        Steps for the state to reach the attractor.
    tangent_transient : int or "auto"
        Further steps for the tangents to align; "auto" is a tenth of `steps`, between 100 and 10,000.
    qr_every : int or "auto"
        Steps between orthonormalisations. "auto" measures what wide intervals cost on a stretch of the orbit,
        takes the widest that agrees with an orthonormalisation at each step to 1e-10 (float64) or 1e-5
        (float32) of the largest rate, and halves it where tangents spread more than they did there.
    seed : int
        For the initial tangents, and the initial state of a cell.
    progress : bool
        Show a progress bar (needs tqdm).
    tolerance : float, optional
        Go on beyond `steps` until the largest standard error is at most this, in the units of the exponents.
        Not for ensembles.
    max_steps : int, optional
        Where `tolerance` gives up; a hundred times `steps` by default, or what `inputs` allow.
    integrator : RungeKutta4 or DormandPrince, optional
        How a flow is integrated (chaoskit.systems); Runge-Kutta 4 with steps of dt by default.
    device : {"cpu", "cuda"}
        "cuda" runs cells, one or an ensemble, on an NVIDIA GPU, in the precision of their arrays; maps, flows
        and `tolerance` need the CPU. Ensembles of thousands gain most. `checks` then hold "loss" alone, and
        divergence is looked for once a block of steps.

    Returns
    -------
    LyapunovResult
        In nats per step for cells and maps, per unit time for flows and when dt is given; of an ensemble,
        with a leading batch axis, NaN for members that diverge. `checks` holds
        "loss" (what wide intervals can have cost the weakest exponent); for a full spectrum "sum",
        "mean_log_det" (of each one-step Jacobian by itself) and "sum_residual", all over the first
        `check_steps` steps; for an autonomous flow "zero_exponent" and "along_the_flow" (what it must be:
        the growth of the velocity along the orbit).

    Raises
    ------
    InvalidInputError
        If arguments do not fit together, or an interval given by hand loses the exponents.
    DivergenceError
        If the orbit leaves the finite numbers.
    DeviceError
        If there is no GPU for device="cuda", or too little memory on it.

    Warns
    -----
    ChaoskitWarning
        If an interval given by hand loses digits that matter, the sum of the exponents disagrees with the
        mean log-determinant, an autonomous flow shows no zero exponent, `tolerance` was not reached, or
        members of an ensemble diverge (`diverged_at` of the warning and of the result says when).

    References
    ----------
    Benettin et al. 1980, doi:10.1007/BF02128236; for networks, Monfared et al., arXiv 2110.07238, Eq. 2.

    Examples
    --------
    >>> from chaoskit.systems import Henon
    >>> lyapunov_spectrum(Henon(), steps=20_000).exponents.sum().round(6)
    np.float64(-1.203973)
    """
    steps = _check.integer(steps, "steps", 1)
    transient = _check.integer(transient, "transient")
    warm = tangent_steps(tangent_transient, steps)
    every = checked_interval(qr_every)
    x0 = None if x0 is None else _check.array(x0, "x0")
    inputs = None if inputs is None else _check.array(inputs, "inputs")
    device = device_for(device, model)
    if device == "cuda":
        _refuse_tolerance(tolerance, max_steps)
    count = ensemble_size(model, x0)
    if count is not None or device == "cuda":
        if tolerance is not None:
            raise InvalidInputError("tolerance: expected a single run; an ensemble takes a number of steps")
        members = members_of(model, count or 1, dt, integrator=integrator)
        k, seed = checked_count(k, members[0]), _check.integer(seed, "seed")
        plan = Plan(transient, warm, steps, k, every, seed, device)
        if count is None:
            return _single_on_gpu(members, x0, inputs, plan._replace(blocks=BLOCKS), progress)
        return _ensemble(members, x0, inputs, plan, progress)
    prepared = prepare(model, dt=dt, integrator=integrator)
    k = checked_count(k, prepared)
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    start = initial_state(prepared, x0, rng)
    target, most = _target(tolerance, max_steps, steps, inputs, transient + warm)
    driving = checked_inputs(inputs, prepared, transient + warm + most, 1)

    bar = progress_bar(transient + warm + steps, "exponents", progress)
    run = start_run(prepared, start, driving, transient, k, rng)
    bar.update(transient)
    run.align(warm)
    bar.update(warm)
    cost = set_interval(run, steps, every)
    checks = check_sum(run, steps, every == 0) if k == prepared.dim else {}
    begin = run.state
    if target is None:
        logs, lengths = run.accumulate(steps, block_length(steps, run.every), every == 0, bar)
    else:
        logs, lengths = _until(run, steps, target, most, every == 0, bar)
    bar.close()
    checks["loss"] = run.loss / (prepared.dt or 1.0)
    if every > 1:
        rates = np.abs(logs.sum(axis=0) / lengths.sum())
        final = run.loss / max(float(rates[np.isfinite(rates)].max(initial=0.0)), 1e-3)
        if final > 10.0 * cost:  # more than at the beginning, where it was judged
            judge_interval(final, every, prepared.dtype)
    result = single(summarise(logs[None], lengths, prepared, run.every, checks))
    result = with_zero_exponent(result, model, begin, run.state, run.t * (prepared.dt or 1.0))
    warn_of_sum(result, prepared.dtype)
    return result


def _ensemble(members: list[Model], x0, inputs, plan: Plan, progress: bool) -> LyapunovResult:
    """The spectra of all members in one result."""
    result, lost = _summary(members, x0, inputs, plan, progress)
    if lost.any():
        warn_of_divergence(members[0], lost, "members of the ensemble", 4)
    return replace(result, diverged_at=lost)


def _summary(
    members: list[Model], x0, inputs, plan: Plan, progress: bool
) -> tuple[LyapunovResult, np.ndarray]:
    """(result, step by which each member was no longer finite or 0)."""
    states = initial_states(members, x0, plan.seed)
    total = (plan.transient + plan.warm + plan.steps) * len(members)
    bar = progress_bar(total, "exponents", progress)
    run = run_ensemble(members, states, inputs, plan, bar)
    bar.close()
    checks = {"loss": run.loss / (members[0].dt or 1.0)}
    return summarise(run.logs, run.lengths, members[0], run.every, checks), run.diverged_at


def _refuse_tolerance(tolerance: float | None, max_steps: int | None) -> None:
    """Raise InvalidInputError for runs that the GPU does not make."""
    if tolerance is not None or max_steps is not None:
        raise InvalidInputError(
            'tolerance: expected none with device="cuda", which takes a number of steps; give `steps`, or '
            'device="cpu"'
        )


def _single_on_gpu(members: list[Model], x0, inputs, plan: Plan, progress: bool) -> LyapunovResult:
    """The spectrum of an ensemble of one."""
    result, lost = _summary(members, x0, inputs, plan, progress)
    if lost[0]:
        raise diverged(members[0], int(lost[0]))
    return single(result)


def tangent_steps(value: int | str, steps: int) -> int:
    """Length of the tangent transient before a run of `steps` steps."""
    if isinstance(value, str) and value == "auto":
        return int(np.clip(steps // 10, 100, 10_000))
    if isinstance(value, str):
        raise InvalidInputError(f'tangent_transient: expected "auto" or a number of steps, got {value!r}')
    return _check.integer(value, "tangent_transient")


def checked_count(k: int | None, model: Model) -> int:
    """Number of exponents, all by default."""
    k = model.dim if k is None else _check.integer(k, "k", 1)
    if k > model.dim:
        raise InvalidInputError(f"k: expected at most {model.dim} exponents for {model.name}, got {k}")
    return k


def checked_interval(qr_every: int | str) -> int:
    """The interval given by hand, 0 for an automatic one."""
    if isinstance(qr_every, str) and qr_every != "auto":
        raise InvalidInputError(f'qr_every: expected "auto" or a number of steps, got {qr_every!r}')
    return 0 if isinstance(qr_every, str) else _check.integer(qr_every, "qr_every", 1)


def initial_state(model: Model, x0: Any, rng: np.random.Generator) -> np.ndarray:
    """x0 (N,), or the state a model brings along, or a random one."""
    if model.batch not in (None, 1):
        raise InvalidInputError("model: expected scalar parameters, got a batch; give one system at a time")
    if x0 is None:
        if model.default_state is not None:
            return np.asarray(model.default_state, model.dtype)
        return rng.standard_normal(model.dim).astype(model.dtype)
    state = checked_state(x0, model)
    if state.ndim != 1:
        raise InvalidInputError(f"x0: expected one state of shape ({model.dim},), got {state.shape}")
    return state


def start_run(model: Model, start, driving, transient: int, k: int, rng) -> TangentRun:
    """A run that begins `transient` steps after `start`, with random tangents."""
    bad = np.zeros(1, np.int64)
    state = last_state(model, start[None], driving, transient, bad)[0]
    if bad[0]:
        raise diverged(model, int(bad[0]))
    return TangentRun(model, state, k, transient, driving[:, 0], rng)


def _target(tolerance, max_steps, steps: int, inputs, before: int) -> tuple[float | None, int]:
    """(tolerance or None, largest number of steps)."""
    if tolerance is None:
        if max_steps is not None:
            raise InvalidInputError("max_steps: it limits `tolerance`; give both, or neither")
        return None, steps
    most = _check.integer(100 * steps if max_steps is None else max_steps, "max_steps", steps)
    if inputs is not None and max_steps is None:
        most = max(steps, min(most, len(np.atleast_1d(inputs)) - before))
    return _check.positive(tolerance, "tolerance"), most


def set_interval(run: TangentRun, steps: int, wanted: int) -> float:
    """Choose the interval; for one given by hand, say what it costs. Returns the cost."""
    loss = run.choose_interval(steps, wanted)
    if wanted:
        judge_interval(loss, wanted, run.model.dtype, 3)
    return loss


def _until(run: TangentRun, steps: int, target: float, most: int, guard: bool, bar):
    """Blocks until the largest standard error is at most `target`; neighbours merge as they grow many."""
    length = block_length(steps, run.every)
    logs, _ = run.accumulate(max(steps // length, 1) * length, length, guard, bar)
    while True:
        error = _largest_error(logs, length * (run.model.dt or 1.0))
        done = len(logs) * length
        if error <= target or done + length > most:
            break
        growth = 2.0 if not math.isfinite(error) else float(np.clip(1.1 * (error / target) ** 2, 1.2, 4.0))
        wanted = min(int(done * growth), most) - done
        more, _ = run.accumulate(max(wanted // length, 1) * length, length, guard, bar)
        logs = np.concatenate([logs, more])
        if len(logs) > 2 * BLOCKS and len(logs) % 2 and (len(logs) + 1) * length <= most:
            logs = np.concatenate([logs, run.accumulate(length, length, guard, bar)[0]])
        if len(logs) > 2 * BLOCKS and len(logs) % 2 == 0:
            logs, length = logs.reshape(-1, 2, run.k).sum(axis=1), 2 * length
    if error > target:
        warnings.warn(
            f"tolerance: the largest standard error is {error:.1e} after max_steps={most} steps, not "
            f"{target:.1e}; take more, or ask for less",
            ChaoskitWarning,
            stacklevel=3,
        )
    return logs, np.full(len(logs), length)


def _largest_error(logs: np.ndarray, length: float) -> float:
    error = mean_errors(logs / length).stderr
    error = np.where(np.isneginf(logs).any(axis=0), 0.0, error)
    return float(error.max()) if np.isfinite(error).all() else math.inf
