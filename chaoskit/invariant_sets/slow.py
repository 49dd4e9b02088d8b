"""Slow points: where a step is shortest but not zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from .cycle_set import SlowPoints
from .distinct import distinct, linearised
from .newton import least_squares
from .problem import Ring, prepared_model, ring_of
from .search import typical_size
from .starts import starting_rings

_SLOW_STARTS = 100
_MOST = 40  # Newton steps towards a minimum
_STILL = 1e-8  # last step, and speed of a fixed point, in units of the size of the states


def slow_points(
    model: Any, *, starts: Any = None, inputs: Any = None, dt: float | None = None, seed: int = 0
) -> SlowPoints:
    """States where a step is shortest but not zero: ghosts of fixed points, at which orbits linger.

    Parameters
    ----------
    model : cell, Stack, System or FitResult
        A cell or map; of a flow the states where the right-hand side is smallest.
    starts : int or array_like, shape (n, N), optional
        How many starts (100 by default), or states to start from.
    inputs : array_like, shape (M,), optional
        Of a driven cell; they stay the same.
    dt : float, optional
        Time of a step of a flow.
    seed : int
        For the starts.

    Returns
    -------
    SlowPoints
        Local minima of |F(z) - z|; fixed points are left out.

    Raises
    ------
    InvalidInputError
        If arguments do not fit together.

    References
    ----------
    Sussillo and Barak 2013, doi:10.1162/NECO_a_00409.

    Examples
    --------
    >>> from chaoskit.systems import Logistic, Map
    >>> def step(x, p, out):
    ...     out[0] = x[0] + x[0] * x[0] + p[0]
    >>> slow_points(Map(step, dim=1, parameters=(0.01,)), starts=[[0.3]]).speeds.round(4).tolist()
    [0.01]
    """
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    prepared = prepared_model(model, dt)
    ring = ring_of(model, prepared, 1, inputs)
    begun = starting_rings(ring, starts, _SLOW_STARTS, rng)
    size = typical_size(begun)
    near = least_squares(ring, begun, size, most=60)
    left = near.rings[~near.converged & np.isfinite(near.norms)]
    led = [point for point in (_minimum(ring, one[0], size) for one in left) if point is not None]
    found = np.array(led).reshape(len(led), 1, ring.dim)
    speeds = np.linalg.norm(ring.gaps(found), axis=(1, 2))
    which, _ = distinct(found, speeds, 1, size)
    rings, speeds = found[which], speeds[which]
    text = f"from {len(begun)} starts, of which {len(found)} led to one"
    return SlowPoints(rings[:, 0], speeds, linearised(ring, rings).eigenvalues, prepared.name, text)


def _minimum(ring: Ring, point: np.ndarray, size: float) -> np.ndarray | None:
    """The minimum of the speed near a point (N,), by Newton's method for its square; None without one.

    Least squares alone comes near and then creeps: the second derivative of the map, which it leaves out,
    is what holds a slow point along the direction in which the Jacobian has an eigenvalue of 1.
    """
    for _ in range(_MOST):
        gradient, hessian, value = _derivatives(ring, point, size)
        if not np.isfinite(hessian).all() or np.sqrt(2 * value) <= _STILL * size:
            return None
        curvature, axes = np.linalg.eigh(hessian)
        bent = np.abs(curvature)
        step = -axes @ (axes.T @ gradient / np.maximum(bent, 1e-10 * bent.max() + np.finfo(float).tiny))
        if np.linalg.norm(step) <= _STILL * size:
            return point if curvature[0] > 0 else None
        for _ in range(30):
            if _value(ring, point + step) < value:
                break
            step = 0.5 * step
        else:
            return point if np.linalg.norm(step) <= _STILL * size and curvature[0] > 0 else None
        point = point + step
    return None


def _value(ring: Ring, point: np.ndarray) -> float:
    """Half of the squared speed."""
    with np.errstate(all="ignore"):
        return 0.5 * float(np.sum(ring.gaps(point[None, None]) ** 2))


def _derivatives(ring: Ring, point: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Gradient (N,) and Hessian (N, N) of half of the squared speed, and its value."""
    N = len(point)
    h = 1e-5 * size
    states = np.concatenate([point[None], point + h * np.eye(N), point - h * np.eye(N)])[:, None]
    gaps = ring.gaps(states)[:, 0]
    slopes = ring.jacobians(states)[:, 0] - np.eye(N)
    gradients = np.einsum("nij,ni->nj", slopes, gaps)
    hessian = (gradients[1 : N + 1] - gradients[N + 1 :]) / (2 * h)
    return gradients[0], 0.5 * (hessian + hessian.T), 0.5 * float(gaps[0] @ gaps[0])
