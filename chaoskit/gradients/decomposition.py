"""The loss gradient split on covariant Lyapunov vectors: which direction carries the explosion?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _check
from ..dynamics.covariant import CovariantResult, covariant_vectors
from ..dynamics.lyapunov import tangent_steps
from ..dynamics.model import checked_inputs
from ..dynamics.orbits import state_jacobians
from ..errors import InvalidInputError
from ..kernels.pull_back import SEGMENT, pull_back, pull_work
from .chains import LN2, Parameters
from .setting import Setting, setting, shifted

_NUMBERS = 3e7  # of the Jacobians along the orbit
_LOSSES = ("last", "sum")


@dataclass(frozen=True, repr=False)
class GradientDecomposition:
    """dL/dtheta as a sum of parts, one for each covariant Lyapunov vector.

    Attributes
    ----------
    exponents : ndarray, shape (N,)
        Growth rates of the vectors over these steps, per step; -inf for directions that are wiped out.
    log_parts : ndarray, shape (N,)
        ln of the length of each part.
    shares : ndarray, shape (N,)
        Projection of each part on the gradient, over its length: they sum to 1, and may be negative or beyond
        1 where parts cancel.
    parts : list of cells
        The parts, over exp(log_scale).
    gradient : cell
        dL/dtheta over exp(log_scale), by one pass back and not from the parts.
    log_scale : float
        ln of the factor taken out of parts and gradient.
    """

    exponents: np.ndarray
    log_parts: np.ndarray
    shares: np.ndarray
    parts: list[Any]
    gradient: Any
    log_scale: float

    @property
    def largest(self) -> int:
        """Number of the vector with the largest part."""
        return int(np.argmax(self.log_parts))

    def __repr__(self) -> str:
        i = self.largest
        which = f"vector {i}, exponent {self.exponents[i]:.4g} per step, share {self.shares[i]:.3g}"
        size = f"e^{self.log_parts[i]:.4g}"
        return f"GradientDecomposition({len(self.parts)} directions; the largest part {size} is of {which})"


def gradient_decomposition(
    model: Any,
    x0: Any = None,
    steps: int = 200,
    *,
    loss: str = "last",
    series: Any = None,
    decoder: Any = None,
    inputs: Any = None,
    transient: int | None = None,
    tangent_transient: int | str = "auto",
    backward_transient: int | str = "auto",
    seed: int = 0,
) -> GradientDecomposition:
    """Split the gradient of a loss on the covariant Lyapunov vectors along the orbit.

    With g_t = dL/dz_t, covariant vectors v_i and the dual w_i (w_i . v_j = 1 for i = j, else 0),

        dL/dtheta = sum_i sum_t (g_t . v_i(t)) w_i(t)' d+z_t/dtheta,

    and since g_t . v_i(t) grows backward in time with exponent i, part i shows how much of the gradient that
    direction is responsible for.

    Parameters
    ----------
    model : cell or FitResult
    x0 : array_like, shape (N,), optional
        Initial state, before the transients; as in `gradient_growth`.
    steps : int
        Length T of the orbit.
    loss : {"last", "sum"}
        L is the loss at time T alone, or the sum over t = 1..T.
    series, decoder, inputs
        As in `gradient_growth`. inputs must reach on through the transients.
    transient, tangent_transient, backward_transient
        As in `covariant_vectors`. With a series, the orbit and the frames start at its first row: both
        transients before it are 0, and the vectors at the beginning have not settled, though they are
        covariant and the parts sum to the gradient.
    seed : int
        For frames, and the initial state of a cell.

    Returns
    -------
    GradientDecomposition

    Raises
    ------
    InvalidInputError
        If arguments do not fit together, or the Jacobians of so many steps are too many to keep.
    DivergenceError
        If the orbit leaves the finite numbers.

    Examples
    --------
    >>> from chaoskit.cells import Tanh
    >>> gradient_decomposition(Tanh.init(3, rng=0), steps=20).shares.sum().round(6)
    np.float64(1.0)
    """
    steps = _check.integer(steps, "steps", 1)
    _check.choice(loss, "loss", _LOSSES)
    fresh = series is None
    transient = (1000 if fresh else 0) if transient is None else _check.integer(transient, "transient")
    own = isinstance(tangent_transient, str) and tangent_transient == "auto"
    warm = tangent_steps(tangent_transient if fresh or not own else 0, steps)
    tail = tangent_steps(backward_transient, steps)
    if not fresh and (transient or warm):
        raise InvalidInputError(
            f"transient: expected 0 with a series, whose first row sets the start, got {transient + warm}"
        )
    where = setting(model, x0, steps, series=series, decoder=decoder, inputs=inputs, seed=seed)
    n = where.model.dim
    if where.cell is None:
        raise InvalidInputError(
            f"model: expected a cell or a fitted model, got {where.model.name}, which is not trained here"
        )
    if steps * n * n > _NUMBERS:
        raise InvalidInputError(
            f"steps: the Jacobians take {steps * n * n:.0e} numbers, more than {_NUMBERS:.0e}; take at most "
            f"{int(_NUMBERS / n**2)} steps"
        )
    if inputs is not None and not fresh:
        inputs = shifted(model, inputs)
    driving = checked_inputs(inputs, where.model, transient + warm + steps + tail, 1)[:, 0]
    covariant = covariant_vectors(
        where.cell, where.start, steps, inputs=driving if driving.size else None, transient=transient,
        tangent_transient=warm, backward_transient=tail, seed=seed,
    )  # fmt: skip
    return _split(where, covariant, driving[transient + warm :][:steps], loss)


def _split(
    where: Setting, covariant: CovariantResult, inputs: np.ndarray, loss: str
) -> GradientDecomposition:
    """The parts along a stretch of an orbit."""
    states = covariant.states
    J = state_jacobians(where.model, states[:-1], inputs)
    g, exponents = _adjoints(where, states, J, loss)
    top = int(exponents.max())
    g = np.ldexp(g, np.maximum(exponents - top, -1100)[:, None])  # one scale; what underflows has no weight
    V = _completed(covariant.vectors[1:])
    W = np.linalg.inv(V)
    own = Parameters(where.cell, where.model)
    rows = (np.einsum("tn,tni->ti", g, V)[:, :, None] * W).transpose(1, 0, 2)
    packed = [_pulled(own, states[:-1], inputs, part) for part in rows]
    whole = _pulled(own, states[:-1], inputs, g)
    parts, gradient = np.stack([own.own(p) for p in packed]), own.own(whole)
    power = int(np.frexp(np.abs(gradient).max(initial=0.0))[1]) - 1  # so that no square overflows
    scaled, one = np.ldexp(parts, -power), np.ldexp(gradient, -power)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shares = scaled @ one / (one @ one)
        logs = np.log(np.linalg.norm(scaled, axis=1)) + (top + power) * LN2
    rates = np.where(np.isnan(covariant.exponents), -math.inf, covariant.exponents)
    return GradientDecomposition(
        rates, logs, shares, [own.spread(p) for p in packed], own.spread(whole), top * LN2
    )


def _adjoints(where: Setting, states, J, loss: str) -> tuple[np.ndarray, np.ndarray]:
    """dL/dz_t for t = 1..T as mantissas (T, N) and powers of two (T,)."""
    T, n = J.shape[:2]
    mantissas, powers = np.empty((T, n)), np.zeros(T, np.int64)
    g, power = where.loss_gradient(states[T], T), 0
    for t in range(T, 0, -1):
        if t < T:
            g = J[t].T @ g
            if loss == "sum":
                g = g + np.ldexp(where.loss_gradient(states[t], t), max(-power, -1100))
        shift = int(math.frexp(float(np.abs(g).max()))[1])
        g, power = np.ldexp(g, -shift), power + shift
        mantissas[t - 1], powers[t - 1] = g, power
    return mantissas, powers


def _completed(vectors: np.ndarray) -> np.ndarray:
    """Vectors (T, N, N); columns of directions that were wiped out become a basis of what is left."""
    out = vectors.copy()
    for t in np.flatnonzero(np.isnan(vectors).any(axis=(1, 2))):
        gone = np.isnan(vectors[t]).any(axis=0)
        out[t][:, gone] = np.linalg.svd(vectors[t][:, ~gone])[0][:, int((~gone).sum()) :]
    return out


def _pulled(own: Parameters, states: np.ndarray, inputs: np.ndarray, adjoints: np.ndarray) -> np.ndarray:
    """Packed parameter gradient from the adjoints (T, N) of the states after each step."""
    model = own.model
    total = np.zeros(own.size)
    for at in range(0, len(states), SEGMENT):
        x, u, g = (np.ascontiguousarray(a[at : at + SEGMENT]) for a in (states, inputs, adjoints))
        work = pull_work(model.tag, model.pack, len(x))
        work.D[:] = g.ravel()
        pull_back(model.tag, model.pack, work, x.reshape(-1), u.reshape(-1), len(x), total)
    return total
