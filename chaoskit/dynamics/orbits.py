"""Orbits and Jacobians of any model."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import _check
from .._device import is_device_array
from ..cells._validate import batch_size, member, whole_cell
from ..errors import ChaoskitWarning, DivergenceError, InvalidInputError
from ..kernels.cpu_forward import orbit
from ..kernels.cpu_tangent import jacobians, jacobians_at
from ..systems import System
from .model import Model, checked_inputs, checked_state, device_for, prepare

_CHUNK = 1 << 20  # numbers a kernel call writes before Python can be interrupted


def simulate(
    model: Any,
    x0: Any,
    steps: int,
    *,
    dt: float | None = None,
    inputs: Any = None,
    transient: int = 0,
    integrator: Any = None,
    device: str = "cpu",
) -> Any:
    """Orbit of a model from x0.

    Parameters
    ----------
    model : cell, Stack, System or FitResult
        The network, map or flow. A flow moves on by dt at each step.
    x0 : array_like, shape (N,) or (batch, N)
        Initial state, or states. An LSTM of n units has the N = 2n states (h, c).
    steps : int
        Number of steps (not time) to return.
    dt : float, optional
        Integration step of a flow, in its unit of time; the system's own by default. Unused for cells
        and maps.
    inputs : array_like, shape (T, M) or (batch, T, M), optional
        inputs[t] drives the step from t to t + 1, counted from x0: T >= transient + steps.
    transient : int
        Number of steps to leave out first.
    integrator : RungeKutta4 or DormandPrince, optional
        How a flow is integrated (chaoskit.systems); Runge-Kutta 4 with steps of dt by default.
    device : {"cpu", "cuda"}
        "cuda" takes cells, fitted models and batches of networks to a GPU, in the arithmetic of the cell;
        maps and flows stay on the CPU. An orbit from an x0 in the memory of a GPU stays there.

    Returns
    -------
    ndarray, shape (steps + 1, N) or (batch, steps + 1, N)
        Row 0 is the state after `transient` steps. The dtype is that of the cell, float64 for systems. A
        Numba device array where x0 was an array on a GPU and the device is "cuda".

    Raises
    ------
    InvalidInputError
        If shapes do not fit or numbers are not finite.
    DivergenceError
        If a single orbit leaves the finite numbers; `step` says when. In a batch, such rows are NaN from
        there on, with one ChaoskitWarning whose `diverged_at` holds the step of each row (0: finite).
    DeviceError
        If there is no GPU for "cuda", or too little memory on it.

    Examples
    --------
    >>> from chaoskit.systems import Logistic
    >>> simulate(Logistic(r=2.0), [0.1], 3).ravel().round(4).tolist()
    [0.1, 0.18, 0.2952, 0.4161]
    """
    steps = _check.integer(steps, "steps")
    transient = _check.integer(transient, "transient")
    on_gpu, stay = device_for(device, model) == "cuda", is_device_array(x0)
    x0 = _check.array(x0, "x0")
    inputs = None if inputs is None else _check.array(inputs, "inputs")
    if on_gpu:
        from .gpu_orbits import orbits_on_gpu

        orbits, prepared, bad, batched = orbits_on_gpu(
            model, x0, steps, dt, inputs, transient, integrator, stay
        )  # fmt: skip
        if bad.any():
            _report_divergence(prepared, bad, batched)
        return orbits
    cell = whole_cell(model)
    if cell is not None and batch_size(cell) is not None:
        return _simulate_members(cell, x0, steps, inputs, transient)
    rows = len(x0) if x0.ndim == 2 else 1
    prepared = prepare(model, dt=dt, rows=rows, integrator=integrator)
    state = checked_state(x0, prepared)
    batched = state.ndim == 2 or prepared.batch is not None
    start = np.atleast_2d(state)
    if prepared.batch is not None:
        start = np.broadcast_to(start, (prepared.batch, prepared.dim))
    driving = checked_inputs(inputs, prepared, transient + steps, len(start))
    bad = np.zeros(len(start), np.int64)
    start = last_state(prepared, start, driving, transient, bad)
    try:
        out = np.empty((steps + 1, len(start), prepared.dim), prepared.dtype)
    except MemoryError as error:
        raise InvalidInputError(f"steps: the orbit does not fit in memory ({error}); take fewer") from None
    out[0] = start
    run(prepared, out, driving[transient:], transient, bad)
    if bad.any():
        _report_divergence(prepared, bad, batched)
    return np.ascontiguousarray(out.transpose(1, 0, 2)) if batched else out[:, 0]


def _simulate_members(cell, x0: np.ndarray, steps: int, inputs, transient: int) -> np.ndarray:
    """Orbits (batch, steps + 1, N) of a batch of networks, from their rows of x0 or from the only one."""
    count = batch_size(cell) or 1
    if x0.ndim == 2 and len(x0) not in (1, count):
        raise InvalidInputError(f"x0: expected 1 or {count} rows for {count} networks, got {len(x0)}")
    members = [prepare(member(cell, b)) for b in range(count)]
    starts = np.broadcast_to(checked_state(x0, members[0]), (count, members[0].dim))
    rows = count if np.ndim(inputs) == 3 else 1
    driving = checked_inputs(inputs, members[0], transient + steps, rows)
    out = np.empty((count, steps + 1, members[0].dim), members[0].dtype)
    bad = np.zeros(count, np.int64)
    for b, model in enumerate(members):
        own, here = driving[:, b % rows, None], bad[b : b + 1]
        orbit_of = out[b][:, None]
        orbit_of[0] = last_state(model, starts[b][None], own, transient, here)
        run(model, orbit_of, own[transient:], transient, here)
    if bad.any():
        warn_of_divergence(members[0], bad, f"orbits of {members[0].name}", 4)
    return out


def run(model: Model, out: np.ndarray, inputs: np.ndarray, t0: int, bad: np.ndarray) -> None:
    """Fill out (steps + 1, rows, N) from its first row on; bad (rows,) gets the first non-finite steps."""
    steps, rows = len(out) - 1, out.shape[1]
    chunk = max(1, _CHUNK // (rows * max(model.dim, 8)))
    work = model.work(rows)
    for at in range(0, steps, chunk):
        count = min(chunk, steps - at)
        here = np.zeros(rows, np.int64)
        part, driving = out[at : at + count + 1], inputs[at : at + count]
        orbit(
            model.tag, model.pack, work, part.reshape(-1), rows, model.dim, driving.reshape(-1),
            t0 + at, count, here,
        )  # fmt: skip
        new = (here > 0) & (bad == 0)
        bad[new] = t0 + at + here[new]
        if bad.all():
            out[at + count + 1 :] = np.nan
            return


def last_state(model: Model, start, inputs, steps: int, bad: np.ndarray) -> np.ndarray:
    """State (rows, N) after `steps` steps, without keeping the orbit."""
    chunk = max(1, _CHUNK // (len(start) * max(model.dim, 8)))
    for at in range(0, steps, chunk):
        count = min(chunk, steps - at)
        part = np.empty((count + 1, len(start), model.dim), model.dtype)
        part[0] = start
        run(model, part, inputs[at : at + count], at, bad)
        start = part[-1]
    return start


def _report_divergence(model: Model, bad: np.ndarray, batched: bool) -> None:
    """An error for a single orbit that left the finite numbers, a warning for rows of a batch."""
    advice = "start inside the basin of attraction" + (" or take a smaller dt" if model.is_flow else "")
    if not batched:
        raise DivergenceError(
            f"x0: expected an orbit of {model.name} that stays finite, got infinity or NaN at step "
            f"{bad[0]}; {advice}",
            step=int(bad[0]),
        )
    warn_of_divergence(model, bad, f"orbits of {model.name}", 4)


def warn_of_divergence(model: Model, bad: np.ndarray, what: str, stacklevel: int) -> None:
    """One warning for the rows that left the finite numbers; bad (rows,): at which step, 0 for never."""
    lost = np.flatnonzero(bad)
    warning = ChaoskitWarning(
        f"{lost.size} of {bad.size} {what} left the finite numbers, the first at step "
        f"{bad[lost].min()} (row {lost[bad[lost].argmin()]}); they are NaN"
    )
    warning.diverged_at = bad
    warnings.warn(warning, stacklevel=stacklevel)


def jacobian(model: Any, x: Any, u: Any = None) -> np.ndarray:
    """Jacobian of one step of a cell or map, or of the right-hand side of a flow (at t = 0).

    Parameters
    ----------
    model : cell, Stack, System or FitResult
    x : array_like, shape (N,) or (batch, N)
        States to take the derivative at.
    u : array_like, shape (M,) or (batch, M), optional
        Inputs of a driven cell.

    Returns
    -------
    ndarray, shape (N, N) or (batch, N, N)
        Entry (i, j) is the derivative of component i with respect to state j. Analytic for cells; for a
        system without a Jacobian of its own, central differences.

    Raises
    ------
    InvalidInputError
        If shapes do not fit or numbers are not finite.

    Examples
    --------
    >>> from chaoskit.systems import Henon
    >>> jacobian(Henon(), [0.5, 0.0]).tolist()
    [[-1.4, 1.0], [0.3, 0.0]]
    """
    system = isinstance(model, System)
    prepared = prepare(model, dt=1.0 if system else None)
    states = checked_state(x, prepared, "x")
    points = np.atleast_2d(states)
    if u is not None and np.ndim(u) < 2:
        u = np.broadcast_to(np.atleast_1d(u), (len(points), np.size(u)))
    driving = checked_inputs(None if u is None else np.asarray(u)[:, None], prepared, 1, len(points))
    if system:
        if model.batch is not None:
            raise InvalidInputError("model: expected scalar parameters, got a batch of systems")
        out = np.stack([model.evaluate_jacobian(point) for point in points])
    else:
        out = state_jacobians(prepared, points, driving[0])
    return out if states.ndim == 2 else out[0]


def state_jacobians(model: Model, states: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Jacobians (count, N, N) of one step from each of the states (count, N) under inputs (count, M)."""
    n, count = model.dim, len(states)
    V = np.zeros((n + 1) * n, model.dtype)
    out = np.empty((count, n, n), model.dtype)
    jacobians_at(
        model.tag, model.pack, model.work(1, n), V, V.copy(), np.ascontiguousarray(states).reshape(-1),
        np.ascontiguousarray(inputs).reshape(-1), count, out.reshape(-1),
    )  # fmt: skip
    return out


def orbit_jacobians(
    model: Model, state: np.ndarray, inputs: np.ndarray, t0: int = 0, work: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """One-step Jacobians (steps, N, N) along the orbit from `state` under inputs (steps, M), and its end.

    `work`: scratch for N tangents; it holds the substep of an adaptive integrator from one call to the next.
    """
    work = model.work(1, model.dim) if work is None else work
    n, steps = model.dim, len(inputs)
    V = np.zeros((n + 1) * n, model.dtype)
    V[:n] = state
    out = np.empty((steps, n, n), model.dtype)
    driving = np.ascontiguousarray(inputs).reshape(-1)
    jacobians(model.tag, model.pack, work, V, V.copy(), driving, t0, steps, out.reshape(-1))
    return out, V[:n].copy()
