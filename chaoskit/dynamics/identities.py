"""What must hold along any orbit: the sum of the exponents, and the zero exponent of an autonomous flow."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import ChaoskitWarning
from ..systems import System
from .lyapunov_result import LyapunovResult
from .orbits import orbit_jacobians
from .tangent_run import TOLERATED_LOSS, TangentRun

_OPERATIONS = 2e8  # spent on determinants
_ALLOWED = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-3}


def check_sum(run: TangentRun, steps: int, guard: bool) -> dict[str, float]:
    """Sum of the exponents against the mean log-determinant of the same steps, each Jacobian by itself.

    The run stays where it is, but with `guard` its interval is halved until the two agree.
    """
    n = run.model.dim
    count = int(np.clip(_OPERATIONS / n**3, 1, min(steps, 1000)))
    by_determinant = _mean_log_determinant(run, count)
    by_sum = _mean_sum(run, count)
    allowed = TOLERATED_LOSS[np.dtype(run.model.dtype)] * max(1.0, abs(by_determinant))
    while (
        guard and run.every > 1 and not (by_sum == by_determinant or abs(by_sum - by_determinant) < allowed)
    ):
        run.every //= 2
        by_sum = _mean_sum(run, count)
    per = run.model.dt or 1.0
    same = by_sum == by_determinant  # both may be minus infinity
    return {
        "sum": by_sum / per,
        "mean_log_det": by_determinant / per,
        "sum_residual": 0.0 if same else abs(by_sum - by_determinant) / per,
        "check_steps": float(count),
    }


def _mean_sum(run: TangentRun, count: int) -> float:
    """Mean sum of the logarithms over the next `count` steps; the run stays where it is."""
    here = run.place()
    logs = run.products(1, count, run.every)
    run.go_to(here)
    return float(logs.sum() / count)


def _mean_log_determinant(run: TangentRun, count: int) -> float:
    """Over the next `count` steps, a few Jacobians at a time so that memory stays small."""
    n, state, total = run.model.dim, run.state, 0.0
    chunk = int(np.clip(100_000 // n**2, 1, count))
    work = run.model.work(1, n)
    if hasattr(work, "h"):
        work.h[:] = run.work.h  # the same substeps, or chaos parts the orbits
    for at in range(0, count, chunk):
        t = run.t + at
        driving = run.inputs[t : min(t + chunk, run.t + count)]
        matrices, state = orbit_jacobians(run.model, state, driving, t, work)
        total += float(log_determinants(matrices).sum())
    return total / count


def log_determinants(matrices: np.ndarray) -> np.ndarray:
    """ln |det| of (steps, N, N) Jacobians in float64, on rows scaled to unit size first.

    Jacobians are graded by rows (a saturated unit makes a tiny one), which the scaling removes exactly.
    """
    matrices = matrices.astype(np.float64)
    size = np.abs(matrices).max(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):  # singular is -inf; an orbit that diverged is NaN
        scaled = matrices / np.where(size > 0, size, 1.0)[:, :, None]
        return np.log(size).sum(axis=1) + np.linalg.slogdet(scaled)[1]


def with_zero_exponent(result: LyapunovResult, model: Any, start, end, t: float) -> LyapunovResult:
    """The result of a single run with its zero exponent named, if the model is a flow that has one.

    Along an autonomous flow the velocity itself is a tangent, so its rate is known from the two ends of the
    orbit: (ln |f(end)| - ln |f(start)|) / T.
    """
    if not (isinstance(model, System) and model.is_flow and _autonomous(model, end, t)):
        return result
    speeds = [float(np.linalg.norm(model.evaluate(np.asarray(x, float)))) for x in (start, end)]
    if min(speeds) < 1e-9 * (1.0 + float(np.linalg.norm(end))):
        return result  # at rest there is no direction of motion
    along = math.log(speeds[1] / speeds[0]) / float(result.times[-1])
    nearest = int(np.argmin(np.abs(result.exponents - along)))
    off = abs(float(result.exponents[nearest]) - along)
    allowed = max(4 * float(result.stderr[nearest]), 10.0 / float(result.times[-1]), 2e-3)
    if abs(along) > allowed:
        return result  # the orbit is on its way to rest
    if off > allowed:
        if len(result.exponents) == model.dim:
            warnings.warn(
                f"an autonomous flow has a zero exponent, got {result.exponents[nearest]:.3g} at best; "
                "take more steps or a smaller dt",
                ChaoskitWarning,
                stacklevel=3,
            )
        return result
    checks = result.checks | {"zero_exponent": float(result.exponents[nearest]), "along_the_flow": along}
    return replace(result, zero_exponent=nearest, checks=checks)


def _autonomous(flow: System, x, t: float) -> bool:
    """True if the right-hand side is the same at times that no common period joins."""
    x = np.asarray(x, float)
    here = flow.evaluate(x, t)
    return all(np.array_equal(here, flow.evaluate(x, t + later)) for later in (0.377, 1.618, 7.389))


def warn_of_sum(result: LyapunovResult, dtype: Any) -> None:
    """Warn if the sum of the exponents is not the mean log-determinant."""
    residual = result.checks.get("sum_residual", 0.0)
    size = abs(result.checks.get("mean_log_det", 0.0))
    if residual > _ALLOWED[np.dtype(dtype)] * max(1.0, size) and result.jacobian == "analytic":
        warnings.warn(
            f"the exponents sum to {result.checks['sum']:.6g}, which is {residual:.1e} off the mean "
            "log-determinant: the smallest exponents are not to be trusted",
            ChaoskitWarning,
            stacklevel=3,
        )
