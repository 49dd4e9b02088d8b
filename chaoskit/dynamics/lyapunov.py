"""Lyapunov spectra of cells, maps and flows, with standard errors."""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _check
from .._progress import progress_bar
from ..errors import ChaoskitWarning, DivergenceError, InvalidInputError
from ..kernels.cpu_tangent import tangent_products
from .model import Model, checked_inputs, checked_state, prepare
from .orbits import last_state, orbit_jacobians
from .statistics import batch_means_error, error_of_combination, kaplan_yorke

_BLOCKS = 1000  # rows of the history, and samples for the standard errors
_LONGEST_INTERVAL = 50
_PILOT = 100
# Largest condition of the tangents between two orthonormalisations. Beyond it digits are lost in
# proportion; the last exponent goes first.
_CONDITION = {np.dtype(np.float64): 1e5, np.dtype(np.float32): 1e2}
_LOSS_WORTH_A_WARNING = {np.dtype(np.float64): 1e-7, np.dtype(np.float32): 1e-2}


@dataclass(frozen=True, repr=False)
class LyapunovResult:
    """A Lyapunov spectrum.

    Attributes
    ----------
    exponents : ndarray, shape (k,)
        Descending, in nats; -inf for directions that the Jacobian wipes out. With k < N such a direction
        may show as round-off, about -36 in float64 for each orthonormalisation, because only the full
        spectrum comes with the determinant that tells the two apart.
    stderr : ndarray, shape (k,)
        Standard errors by batch means; NaN where there are fewer than 20 blocks.
    history : ndarray, shape (n, k)
        Estimates from the first blocks up to each of `times`, in the order of the exponents.
    times : ndarray, shape (n,)
        Steps, or time, accumulated at each row of the history.
    kaplan_yorke, kaplan_yorke_stderr : float
        Kaplan-Yorke dimension; NaN if the exponents asked for do not reach it.
    entropy, entropy_stderr : float
        Sum of the positive exponents (Pesin's bound of the entropy), in the units of the exponents.
    n_effective : ndarray, shape (k,)
        Number of independent samples the run was worth.
    qr_every : int
        Steps between two orthonormalisations at the end of the run.
    jacobian : str
        "analytic" or "finite difference".
    units : str
        "per step" or "per unit time".
    checks : dict
        Identities measured along the run; see `lyapunov_spectrum`.
    """

    exponents: np.ndarray
    stderr: np.ndarray
    history: np.ndarray
    times: np.ndarray
    kaplan_yorke: float
    kaplan_yorke_stderr: float
    entropy: float
    entropy_stderr: float
    n_effective: np.ndarray
    qr_every: int
    jacobian: str
    units: str
    checks: dict[str, float]

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{value:.4g} ± {error:.1g}"
            for value, error in zip(self.exponents[:6], self.stderr[:6], strict=True)
        )
        more = ", ..." if len(self.exponents) > 6 else ""
        return f"LyapunovResult([{shown}{more}] {self.units}, Kaplan-Yorke {self.kaplan_yorke:.4g})"


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
) -> LyapunovResult:
    """Lyapunov exponents along one orbit, by Jacobian products with reorthonormalisation.

    Parameters
    ----------
    model : cell, System or FitResult
        A cell may be driven by `inputs` (conditional exponents).
    x0 : array_like, shape (N,), optional
        Initial state. Default: the system's own, the start of a fitted model, or random for a cell.
    steps : int
        Number of steps the average is taken over.
    k : int, optional
        Number of leading exponents; all N by default.
    dt : float, optional
        Integration step of a flow (its own by default). For a cell or map, the time one step stands
        for: exponents are then per unit time.
    inputs : array_like, shape (T, M), optional
        inputs[t] drives step t, counted from x0; T >= transient + tangent transient + steps.
    transient : int
        Steps for the state to reach the attractor.
    tangent_transient : int or "auto"
        Further steps for the tangents to align; "auto" is a tenth of `steps`, between 100 and 10,000.
    qr_every : int or "auto"
        Steps between orthonormalisations. "auto" measures how fast the tangents spread and keeps their
        condition below 1e5 (float64) or 1e2 (float32), halving the interval when the run exceeds it.
    seed : int
        For the initial tangents, and the initial state of a cell.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    LyapunovResult
        In nats per step for cells and maps, per unit time for flows and when dt is given. `checks`
        holds "loss" (eps times the widest condition met: the relative error of the weakest direction),
        and for a full spectrum "sum", "mean_log_det" (of each one-step Jacobian by itself) and
        "sum_residual", all over the first `check_steps` steps.

    Raises
    ------
    InvalidInputError
        If arguments do not fit together.
    DivergenceError
        If the orbit leaves the finite numbers.

    Warns
    -----
    ChaoskitWarning
        If an interval given by hand loses digits that matter, or the sum of the exponents disagrees
        with the mean log-determinant.

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
    warm = _tangent_transient(tangent_transient, steps)
    prepared = prepare(model, dt=dt)
    k = prepared.dim if k is None else _check.integer(k, "k", 1)
    if k > prepared.dim:
        raise InvalidInputError(f"k: expected at most {prepared.dim} exponents for {prepared.name}, got {k}")
    if isinstance(qr_every, str) and qr_every != "auto":
        raise InvalidInputError(f'qr_every: expected "auto" or a number of steps, got {qr_every!r}')
    every = 0 if qr_every == "auto" else _check.integer(qr_every, "qr_every", 1)
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    start = _initial_state(prepared, x0, rng)
    driving = checked_inputs(inputs, prepared, transient + warm + steps, 1)

    bar = progress_bar(transient + warm + steps, "exponents", progress)
    bad = np.zeros(1, np.int64)
    state = last_state(prepared, start[None], driving, transient, bad)[0]
    if bad[0]:
        raise _diverged(prepared, int(bad[0]))
    bar.update(transient)
    run = _TangentRun(prepared, state, k, transient, driving[:, 0], rng)
    if every == 0:
        every = run.choose_interval(warm)
    else:
        run.advance(warm, every, guard=False)
    bar.update(warm)
    checks = _check_sum(run, steps, every) if k == prepared.dim else {}
    logs, lengths = run.accumulate(steps, every, guard=qr_every == "auto", bar=bar)
    bar.close()
    per = prepared.dt if prepared.dt is not None else 1.0
    checks["loss"] = run.loss
    result = _summarise(logs / per, lengths * 1.0, prepared, run.every, checks, per)
    _warn(result, prepared)
    return result


def _tangent_transient(value: int | str, steps: int) -> int:
    if value == "auto":
        return int(np.clip(steps // 10, 100, 10_000))
    if isinstance(value, str):
        raise InvalidInputError(f'tangent_transient: expected "auto" or a number of steps, got {value!r}')
    return _check.integer(value, "tangent_transient")


def _initial_state(model: Model, x0: Any, rng: np.random.Generator) -> np.ndarray:
    if model.batch not in (None, 1):
        raise InvalidInputError(
            "model: expected scalar parameters, got a batch of systems; give one at a time"
        )
    if x0 is None:
        if model.default_state is not None:
            return np.asarray(model.default_state, model.dtype)
        return rng.standard_normal(model.dim).astype(model.dtype)
    state = checked_state(x0, model)
    if state.ndim != 1:
        raise InvalidInputError(f"x0: expected one state of shape ({model.dim},), got {state.shape}")
    return state


def _diverged(model: Model, step: int) -> DivergenceError:
    return DivergenceError(
        f"x0: expected an orbit of {model.name} that stays finite, got infinity or NaN by step {step}; "
        "start inside the basin of attraction" + (", or take a smaller dt" if model.is_flow else ""),
        step=step,
    )


class _TangentRun:
    """A state with k tangents on its way along the orbit."""

    def __init__(self, model: Model, state, k: int, t0: int, inputs, rng):
        self.model, self.k, self.t, self.inputs = model, k, t0, inputs
        n = model.dim
        frame = np.linalg.qr(rng.standard_normal((n, k)))[0].T
        self.V = np.concatenate([np.atleast_2d(state), frame]).astype(model.dtype).ravel()
        self.work = model.work(1, k)
        self.panel = 16 if k > 48 else 64  # below about 48 rows one panel beats the blocked form
        self.every = 1
        self.widest = 0.0

    @property
    def state(self) -> np.ndarray:
        return self.V[: self.model.dim].copy()

    @property
    def loss(self) -> float:
        return float(np.finfo(self.model.dtype).eps * math.exp(min(self.widest, 700.0)))

    def products(self, blocks: int, block_steps: int, every: int, guard: bool):
        """Sums of log norms (blocks, k) and the widest spreads (blocks,)."""
        logs, spreads = np.zeros((blocks, self.k)), np.zeros(blocks)
        steps = blocks * block_steps
        driving = np.ascontiguousarray(self.inputs[self.t : self.t + steps]).reshape(-1)
        limit = math.log(10 * _CONDITION[np.dtype(self.model.dtype)]) if guard else 0.0
        self.every, broken = tangent_products(
            self.model.tag, self.model.pack, self.work, self.V, np.empty_like(self.V), driving, self.t,
            self.k, blocks, block_steps, every, limit, self.panel, logs, spreads,
        )  # fmt: skip
        if broken >= 0 and every > _LONGEST_INTERVAL and np.isfinite(self.state).all():
            raise InvalidInputError(
                f"qr_every: the tangents overflowed within {every} steps, while the orbit stayed finite; "
                f'take at most {_LONGEST_INTERVAL} steps, or "auto"'
            )
        if broken >= 0:
            raise _diverged(self.model, self.t + broken)
        self.t += steps
        return logs, spreads

    def advance(self, steps: int, every: int, guard: bool) -> None:
        if steps:
            self.products(1, steps, every, guard)

    def choose_interval(self, warm: int) -> int:
        """Align the tangents step by step, then see how fast they spread."""
        pilot = min(warm, _PILOT)
        self.advance(warm - pilot, 1, guard=True)
        if pilot == 0:
            return 1
        spread = self.products(pilot, 1, 1, guard=True)[1].max()
        allowed = math.log(_CONDITION[np.dtype(self.model.dtype)])
        return int(np.clip(allowed / max(spread, 1e-3), 1, _LONGEST_INTERVAL))

    def accumulate(self, steps: int, every: int, guard: bool, bar) -> tuple[np.ndarray, np.ndarray]:
        """Log sums of about a thousand blocks, and their lengths in steps."""
        self.widest = 0.0
        length = every * math.ceil(steps / (_BLOCKS * every))
        blocks, rest = divmod(steps, length)
        cost = length * self.k * self.model.dim * (self.model.dim + self.k)
        group = int(np.clip(2e9 / cost, 1, blocks)) if blocks else 1  # about a second a call
        logs, lengths = [], []
        self.every = every
        for at in range(0, blocks, group):
            count = min(group, blocks - at)
            self._collect(count, length, guard, logs, lengths, bar)
        if rest:
            self._collect(1, rest, guard, logs, lengths, bar)
        return np.concatenate(logs), np.concatenate(lengths)

    def _collect(self, count, length, guard, logs, lengths, bar) -> None:
        sums, spreads = self.products(count, length, self.every, guard)
        self.widest = max(self.widest, float(spreads.max()))
        logs.append(sums)
        lengths.append(np.full(count, length))
        bar.update(count * length)


def _check_sum(run: _TangentRun, steps: int, every: int) -> dict[str, float]:
    """Sum of the exponents against the mean log-determinant of the same steps, each Jacobian by itself."""
    n = run.model.dim
    count = int(np.clip(2e8 / n**3, 1, min(steps, 1000)))
    matrices = orbit_jacobians(run.model, run.state, run.inputs[run.t : run.t + count], run.t)
    by_determinant = float(log_determinants(matrices).mean())
    probe = copy.copy(run)  # goes ahead on its own; the run itself stays where it is
    probe.V = run.V.copy()
    by_sum = float(probe.products(1, count, every, guard=False)[0].sum() / count)
    per = run.model.dt or 1.0
    same = by_sum == by_determinant
    return {
        "sum": by_sum / per,
        "mean_log_det": by_determinant / per,
        "sum_residual": 0.0 if same else abs(by_sum - by_determinant) / per,
        "check_steps": float(count),
    }


def log_determinants(matrices: np.ndarray) -> np.ndarray:
    """ln |det| of (steps, N, N) Jacobians in float64, on rows scaled to unit size first.

    Jacobians are graded by rows (a saturated unit makes a tiny one), which the scaling removes exactly.
    """
    matrices = matrices.astype(np.float64)
    size = np.abs(matrices).max(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):  # singular is -inf; an orbit that diverged is NaN
        scaled = matrices / np.where(size > 0, size, 1.0)[:, :, None]
        return np.log(size).sum(axis=1) + np.linalg.slogdet(scaled)[1]


def _summarise(logs, lengths, model: Model, every: int, checks, per: float) -> LyapunovResult:
    """Averages, errors and derived quantities; `logs` (blocks, k) in nats already divided by dt."""
    elapsed = np.cumsum(lengths)
    with np.errstate(invalid="ignore"):
        history = np.cumsum(logs, axis=0) / elapsed[:, None]
    order = np.argsort(-history[-1], kind="stable")
    history, rates = history[:, order], (logs / lengths[:, None])[:, order]
    exponents = history[-1].copy()
    if checks.get("mean_log_det") == -math.inf:
        # A direction that the Jacobian wipes out comes back as round-off, orthonormalised to life again.
        noise = math.log(16 * model.dim * np.finfo(model.dtype).eps) / (per * every)
        exponents[exponents < noise] = -math.inf
    full = rates[lengths == lengths[0]]  # a shorter last block would weigh too much
    errors = np.array([batch_means_error(column) for column in full.T])
    errors[~np.isfinite(exponents), 0] = 0.0
    dimension, gradient = kaplan_yorke(exponents)
    if math.isnan(dimension) and len(exponents) == model.dim:
        dimension = float(model.dim)  # no volume shrinks: the orbit fills the space
    positive = exponents > 0
    return LyapunovResult(
        exponents=exponents,
        stderr=errors[:, 0],
        history=history,
        times=elapsed * per,
        kaplan_yorke=dimension,
        kaplan_yorke_stderr=error_of_combination(full, gradient),
        entropy=float(exponents[positive].sum()),
        entropy_stderr=error_of_combination(full, positive.astype(float)),
        n_effective=errors[:, 1],
        qr_every=every,
        jacobian=model.jacobian,
        units="per step" if model.dt is None else "per unit time",
        checks=checks,
    )


def _warn(result: LyapunovResult, model: Model) -> None:
    dtype = np.dtype(model.dtype)
    loss = result.checks["loss"]
    if result.qr_every > 1 and loss > _LOSS_WORTH_A_WARNING[dtype]:
        warnings.warn(
            f"qr_every={result.qr_every}: the tangents spread so far between two orthonormalisations that "
            f'the last exponents are off by a relative {loss:.0e}; take fewer steps, or "auto"',
            ChaoskitWarning,
            stacklevel=3,
        )
    allowed = 1e-9 if dtype == np.float64 else 1e-3
    residual, size = result.checks.get("sum_residual", 0.0), abs(result.checks.get("mean_log_det", 0.0))
    if residual > allowed * max(1.0, size) and result.jacobian == "analytic" and np.isfinite(size):
        warnings.warn(
            f"the exponents sum to {result.checks['sum']:.6g} but the mean log-determinant is "
            f"{result.checks['mean_log_det']:.6g}: the smallest exponents are not to be trusted",
            ChaoskitWarning,
            stacklevel=3,
        )
