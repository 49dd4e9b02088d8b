"""How fixed points and cycles move with the parameters, by implicit differentiation."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..dynamics.model import Model, checked_inputs
from ..dynamics.orbits import run, state_jacobians
from ..errors import InvalidInputError
from ..kernels.pull_back import pull_back, pull_work
from .chains import Parameters, Sensitivities
from .orbit_walk import Chunk
from .setting import prepare_double

_MOST = 4000  # unknowns of the linear system
_OFF = 1e-6  # of the size of the points: further from a cycle it is none
_SINGULAR = 1e-12


def cycle_gradient(model: Any, cycle: Any, weights: Any, *, inputs: Any = None) -> Any:
    """Derivative, with respect to all parameters, of a function of the points of a fixed point or cycle.

    A cycle solves z_{i+1} = F(z_i); while no eigenvalue of its Jacobian is 1, it moves smoothly with the
    parameters, whether it is stable or not.

    Parameters
    ----------
    model : cell or FitResult
    cycle : array_like, shape (N,) or (k, N), or object with ``points``
        A fixed point, or the points of a k-cycle in their order.
    weights : array_like, shape (N,) or (k, N)
        Derivative of the function with respect to the points; (N,) is about the first point alone.
    inputs : array_like, shape (M,) or (k, M), optional
        Inputs of a driven cell, constant or around the cycle: inputs[i] drives the step from point i.

    Returns
    -------
    cell
        Derivatives, as an instance of the cell's own class, in float64.

    Raises
    ------
    InvalidInputError
        If the points are not a cycle, an eigenvalue is 1 (a bifurcation), or shapes do not fit.

    Examples
    --------
    The fixed point 0 of x' = tanh(w x + b) at b = 0 moves with b as 1 / (1 - w):

    >>> import numpy as np
    >>> from chaoskit.cells import Tanh
    >>> cell = Tanh(W=np.array([[0.5]]), U=np.zeros((1, 0)), b=np.zeros(1))
    >>> cycle_gradient(cell, [0.0], [1.0]).b.round(12).tolist()
    [2.0]
    """
    prepared, cell, points, drive = _checked(model, cycle, inputs)
    k, n = points.shape
    g = _check.array(weights, "weights", np.float64)
    if g.shape not in ((n,), (k, n)):
        raise InvalidInputError(f"weights: expected shape ({n},) or ({k}, {n}), got {g.shape}")
    per_point = np.zeros((k, n))
    per_point[: len(g) if g.ndim == 2 else 1] = g
    J = state_jacobians(prepared, points, drive)
    adjoints = _solve(_around(J.transpose(0, 2, 1), forward=True), per_point.ravel()[:, None]).reshape(k, n)
    own = Parameters(cell, prepared)
    work = pull_work(prepared.tag, prepared.pack, k)
    work.D[:] = np.roll(adjoints, -1, axis=0).ravel()  # of F(z_i), which is point i + 1
    total = np.zeros(own.size)
    pull_back(prepared.tag, prepared.pack, work, points.reshape(-1), drive.reshape(-1), k, total)
    return own.spread(total)


def cycle_derivative(model: Any, cycle: Any, *, inputs: Any = None) -> Any:
    """Derivatives of all points of a fixed point or cycle with respect to all parameters.

    Parameters
    ----------
    model, cycle, inputs
        As in `cycle_gradient`, which takes less for one function of the points.

    Returns
    -------
    cell
        An instance of the cell's own class; an array of shape s has the derivatives (k, N) + s.

    Raises
    ------
    InvalidInputError
        As `cycle_gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.cells import Tanh
    >>> cell = Tanh(W=0.5 * np.eye(3), U=np.zeros((3, 0)), b=np.zeros(3))
    >>> cycle_derivative(cell, [0.0, 0.0, 0.0]).W.shape
    (1, 3, 3, 3)
    """
    prepared, cell, points, drive = _checked(model, cycle, inputs)
    k, n = points.shape
    own = Parameters(cell, prepared)
    step, immediate = Sensitivities(own), np.empty((k, n, own.size))
    for i in range(k):
        step.S[:], step.exponent = 0, 0
        step.go(Chunk(i, points[i : i + 1], drive[i : i + 1], np.zeros(1, np.int64), np.ones(1), points[i]))
        immediate[(i + 1) % k] = np.ldexp(step.packed, step.exponent)
    J = state_jacobians(prepared, points, drive)
    moved = _solve(_around(J, forward=False), immediate.reshape(k * n, -1))
    rows = [own.spread(row) for row in moved]
    return type(cell)(*(np.stack(parts).reshape(k, n, *parts[0].shape) for parts in zip(*rows, strict=True)))


def cycle_points(cycle: Any) -> np.ndarray:
    """The points (k, N) of a cycle.

    Raises InvalidInputError for what is not one fixed point or cycle.
    """
    points = _check.array(getattr(cycle, "points", cycle), "cycle", np.float64)
    points = points[0] if points.ndim == 3 and len(points) == 1 else np.atleast_2d(points)
    if points.ndim != 2 or points.size == 0:
        raise InvalidInputError(f"cycle: expected one fixed point (N,) or cycle (k, N), got {points.shape}")
    return points


def images(model: Model, states: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """F of each of the states (count, N) under inputs (count, M)."""
    pair = np.empty((2, *states.shape), model.dtype)
    pair[0] = states
    run(model, pair, np.ascontiguousarray(inputs)[None], 0, np.zeros(len(states), np.int64))
    return pair[1]


def _checked(model: Any, cycle: Any, inputs: Any) -> tuple[Model, Any, np.ndarray, np.ndarray]:
    """(model, cell, points (k, N), inputs (k, M)) of a cycle."""
    prepared, cell = prepare_double(model)
    if cell is None:
        raise InvalidInputError(
            f"model: expected a cell or a fitted model, got {prepared.name}, which is not trained here"
        )
    points = np.ascontiguousarray(cycle_points(cycle))
    k, n = points.shape
    if n != prepared.dim:
        raise InvalidInputError(f"cycle: expected points of {prepared.dim} numbers, got {points.shape}")
    if k * n > _MOST:
        raise InvalidInputError(f"cycle: expected at most {_MOST} numbers in all, got {k} points of {n}")
    if inputs is not None and np.ndim(inputs) == 1 and np.size(inputs) == prepared.n_inputs:
        inputs = np.broadcast_to(np.asarray(inputs), (k, prepared.n_inputs))
    drive = checked_inputs(inputs, prepared, k, 1)[:, 0]
    off = float(np.abs(images(prepared, points, drive) - np.roll(points, -1, axis=0)).max())
    if not off <= _OFF * (1.0 + np.abs(points).max()):
        raise InvalidInputError(
            f"cycle: expected points that follow each other under {prepared.name}, got one that is {off:.1e} "
            "off; give all points of the cycle in their order"
        )
    return prepared, cell, points, np.ascontiguousarray(drive)


def _around(blocks: np.ndarray, *, forward: bool) -> np.ndarray:
    """1 minus the matrix that takes block i + 1 to i (forward) by blocks[i], or block i to i + 1."""
    k, n = blocks.shape[:2]
    out = np.eye(k * n).reshape(k, n, k, n)
    for i in range(k):
        a, b = (i, (i + 1) % k) if forward else ((i + 1) % k, i)
        out[a, :, b] -= blocks[i]
    return out.reshape(k * n, k * n)


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solution of the system around the cycle; all points at once stay accurate where a product would not."""
    try:
        inverse_condition = 1.0 / np.linalg.cond(matrix)
        solution = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        inverse_condition, solution = 0.0, right
    if not inverse_condition > _SINGULAR:
        raise InvalidInputError(
            "cycle: expected no eigenvalue 1, but the system of the cycle is singular (condition "
            f"{1.0 / max(inverse_condition, 1e-300):.0e}): it is at a bifurcation or one of a continuum"
        )
    return solution
