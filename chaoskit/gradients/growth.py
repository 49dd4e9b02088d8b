"""How fast gradients through time grow along an orbit, free or forced, without overflow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _check
from ..dynamics.model import device_for
from ..dynamics.statistics import mean_errors
from ..errors import InvalidInputError
from .chains import Adjoint, Parameters, Sensitivities, StateChain, log_norm
from .growth_result import GradientGrowth
from .orbit_walk import Walk
from .setting import Setting, setting

MAX_FLOPS = 2e11
_REPORTS = 50  # times at which norms are taken
_WINDOWS = (100, 50)  # as many as the orbit is long enough for
_CALL = 4e9  # operations of a kernel call, so that Python can be interrupted
_CHOICES = ("all", "loss", "none")


def gradient_growth(
    model: Any,
    x0: Any = None,
    steps: int = 1000,
    *,
    series: Any = None,
    decoder: Any = None,
    inputs: Any = None,
    forcing: Any = None,
    parameters: str = "all",
    max_flops: float = MAX_FLOPS,
    transient: int = 0,
    dt: float | None = None,
    integrator: Any = None,
    seed: int = 0,
    device: str = "cpu",
) -> GradientGrowth:
    """Norms of dz_T/dz_0, dz_T/dtheta and dL_T/dtheta against T: would training explode, and how fast?

    Parameters
    ----------
    model : cell, Stack, System or FitResult
        Of a stack or a system the states alone are looked at. Arithmetic is float64 for every network.
    x0 : array_like, shape (N,), optional
        Initial state. Default: what the first row of the series sets; without one the system's own, the start
        of a fitted model, or random for a cell.
    steps : int
        Length T of the orbit.
    series : array_like, shape (T + 1, D), optional
        Observations; row t belongs to the state at time t, in the units of a fitted model's data. The loss at
        time T is the mean of (B z_T - x_T)^2 over D. Without a series it is z_T . (1, ..., 1) / sqrt(N),
        whose gradient has length 1.
    decoder : array_like, shape (D, n), or ObservedStates, optional
        B, as in `loss_and_gradient`. Default: that of a fitted model, or the first D states.
    inputs : array_like, shape (T, M), optional
        inputs[t] drives the step from t to t + 1, counted from x0.
    forcing : Sparse, Generalized, Windowed, Truncated or Never, optional
        Force the orbit to the series as training does; the chain then has the factors of forcing
        (chaoskit.forcing). Default: no forcing, plain backpropagation through time.
    parameters : {"all", "loss", "none"}
        "all": dz_T/dtheta by a forward recursion, and dL_T/dtheta from it. "loss": dL_T/dtheta alone, by one
        pass back for each T. "none": neither.
    max_flops : float
        Operations that parameters may take. dz_t/dz_0 is never refused: where its N columns would take more
        than this, the directions that matter least are let go (`neglected` says how little they mattered).
    transient : int
        Steps to leave out first; not with a series.
    dt, integrator
        Of flows, as in `lyapunov_spectrum`. Rates are per step all the same.
    seed : int
        For the random tangents, and the initial state of a cell.
    device : {"cpu", "cuda"}
        Where dz_T/dz_0 is multiplied. "cuda": of cells, for some hundred states and more; the orbit itself
        and the derivatives by the parameters stay on the CPU.

    Returns
    -------
    GradientGrowth

    Raises
    ------
    InvalidInputError
        If arguments do not fit together, parameters would take more than `max_flops` (it names the cost), or
        a map or flow is to run on a GPU.
    DivergenceError
        If the orbit leaves the finite numbers.
    DeviceError
        If there is no GPU for device="cuda", or too little memory on it.

    Notes
    -----
    The state at time 0 is taken not to depend on theta. ln of a norm is a random walk with drift, so the
    error of the rate comes from windows of equal length and not from a fit of a line.

    References
    ----------
    Monfared et al., arXiv 2110.07238, Theorems 1-3 and Eqs. 5-7.

    Examples
    --------
    >>> from chaoskit.systems import Logistic
    >>> growth = gradient_growth(Logistic(), steps=10_000)
    >>> growth.kind, bool(abs(growth.rate - np.log(2)) < 0.01)
    ('explodes', True)
    """
    steps = _check.integer(steps, "steps", 1)
    transient = _check.integer(transient, "transient")
    max_flops = _check.positive(max_flops, "max_flops")
    _check.choice(parameters, "parameters", _CHOICES)
    where = setting(
        model, x0, steps, series=series, decoder=decoder, inputs=inputs, forcing=forcing, transient=transient,
        dt=dt, integrator=integrator, seed=seed,
    )  # fmt: skip
    device = device_for(device, model)
    if where.cell is None:
        parameters = "none"
    times = _spaced(steps)
    _check_cost(where, times, parameters, max_flops)
    ends, window = _windows(steps)
    cuts = np.unique(np.concatenate([times, ends[ends > 0]]))
    walk = Walk(where.model, where.start, where.inputs, cuts, _longest(where, parameters), where.forced)
    chain = StateChain(
        where.model, steps, max_flops, np.random.default_rng([seed, 1]), where.forced is None, device
    )
    log_state, log_parameters, log_loss = _along(where, walk, chain, cuts, times, parameters)
    if parameters == "loss":
        log_loss = _pass_back(where, walk, times)
    at_ends = np.where(ends > 0, log_state[np.searchsorted(cuts, ends)], 0.0)
    with np.errstate(invalid="ignore"):
        rates = np.diff(at_ends) / window
    finite = np.isfinite(rates).all()
    return GradientGrowth(
        lags=cuts, log_state=log_state, times=times,
        log_parameters=log_parameters if parameters == "all" else None,
        log_loss=None if parameters == "none" else log_loss, rate=float(log_state[-1] / steps),
        rate_stderr=float(mean_errors(rates[:, None]).stderr[0]) if finite else math.nan,
        window_rates=rates, window=window, exponent=chain.tangent_log / steps, neglected=chain.neglected,
        forcing=None if forcing is None else repr(forcing), cell=where.model.name,
    )  # fmt: skip


def _spaced(steps: int) -> np.ndarray:
    """About 50 different numbers of steps of equal ratio, from 1 to `steps`."""
    return np.unique(np.geomspace(1, steps, min(_REPORTS, steps)).round().astype(np.int64))


def _windows(steps: int) -> tuple[np.ndarray, int]:
    """(ends of windows of equal length, the first one included, up to the last step; the length)."""
    count = next((c for c in _WINDOWS if steps >= 10 * c), min(steps, _WINDOWS[-1]))
    length = steps // count
    return steps - length * np.arange(count, -1, -1), length


def _operations(where: Setting, times: np.ndarray, parameters: str) -> float:
    """Of the parameters' part: a product (N, N) (N, P) a step, or passes back to the start."""
    if parameters == "none":
        return 0.0
    s, size = where.model.pack.sizes, Parameters(where.cell, where.model).size
    if parameters == "loss":
        return 6.0 * size * float(times.sum())
    return 2.0 * s.nx * size * (s.nx + 2) * float(times[-1])


def _check_cost(where: Setting, times: np.ndarray, parameters: str, max_flops: float) -> None:
    cost = _operations(where, times, parameters)
    if cost <= max_flops:
        return
    less = int(times[-1] * max_flops / cost)
    other = ""
    if parameters == "all":
        cheap = _operations(where, times, "loss")
        other = f', or dL_T/dtheta alone by parameters="loss" ({cheap:.1e} operations)'
    what = "dz_T/dtheta" if parameters == "all" else "dL_T/dtheta"
    raise InvalidInputError(
        f"max_flops: {what} over {times[-1]} steps takes {cost:.1e} operations, more than {max_flops:.1e}; "
        f'take at most {less} steps or a larger max_flops{other}, or parameters="none"'
    )


def _longest(where: Setting, parameters: str) -> int:
    """Steps of a chunk."""
    n = where.model.dim
    cost = 20.0 * n * n + (_operations(where, np.ones(1), "all") if parameters == "all" else 0.0)
    return int(np.clip(_CALL / cost, 1, 1 << 20))


def _along(where: Setting, walk: Walk, chain: StateChain, cuts, times, parameters: str):
    """Logarithms of the norms of dz_t/dz_0 at the cuts, of dz_T/dtheta and dL_T/dtheta at the times."""
    log_state = np.empty(len(cuts))
    log_parameters, log_loss = np.empty(len(times)), np.empty(len(times))
    all_ = parameters == "all"
    own = Parameters(where.cell, where.model) if all_ else None
    tangent = Sensitivities(own) if own is not None else None
    for chunk in walk:
        chain.go(chunk)
        norm = chain.log_norm()
        i, j = np.searchsorted(cuts, chunk.end), np.searchsorted(times, chunk.end)
        if cuts[i] == chunk.end:
            log_state[i] = norm
        if tangent is None or own is None:
            continue
        tangent.go(chunk)
        if times[j] == chunk.end:
            S = own.own_rows(tangent.packed)
            log_parameters[j] = log_norm(S, tangent.exponent)
            log_loss[j] = log_norm(where.loss_gradient(chunk.after, chunk.end) @ S, tangent.exponent)
    return log_state, log_parameters, log_loss


def _pass_back(where: Setting, walk: Walk, times: np.ndarray) -> np.ndarray:
    """ln ||dL_T/dtheta|| by one adjoint pass for each T."""
    own = Parameters(where.cell, where.model)
    adjoint, logs = Adjoint(own), np.empty(len(times))
    for j, T in enumerate(times):
        last = walk.bounds.index(int(T)) - 1
        g = where.loss_gradient(walk[last].after, int(T))
        total, exponent = adjoint.gradient(walk, last, g)
        logs[j] = log_norm(own.own(total), exponent)
    return logs
