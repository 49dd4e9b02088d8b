"""Covariant Lyapunov vectors: the directions that grow with each exponent, and the angles between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from ..kernels.cpu_covariant import adjoint_frames, back_through_triangles, frames
from .lyapunov import checked_count, initial_state, start_run, tangent_steps
from .model import checked_inputs, prepare
from .orbits import orbit_jacobians
from .tangent_run import TangentRun, diverged


@dataclass(frozen=True, repr=False)
class CovariantResult:
    """Covariant Lyapunov vectors along a stretch of an orbit.

    Attributes
    ----------
    states : ndarray, shape (steps + 1, N)
        The orbit.
    vectors : ndarray, shape (steps + 1, N, k)
        Unit covariant vectors as columns, in the order of the exponents: the Jacobian of a step maps column
        i at one time to a multiple of column i at the next. The sign is arbitrary.
    gram_schmidt : ndarray, shape (steps + 1, N, k)
        Orthonormal frames that the tangents from the past align with; the first i columns of both span the
        same space.
    adjoint : ndarray, shape (steps + 1, N, k), or None
        Unit adjoint covariant vectors: column i is orthogonal to every covariant vector but number i (those
        beyond k included), and tells how much of a perturbation will grow with exponent i.
    local_exponents : ndarray, shape (steps, k)
        Growth rate of each vector over each step.
    exponents : ndarray, shape (k,)
        Their means, the exponents.
    units : str
        "per step" or "per unit time", of the exponents.
    """

    states: np.ndarray
    vectors: np.ndarray
    gram_schmidt: np.ndarray
    adjoint: np.ndarray | None
    local_exponents: np.ndarray
    exponents: np.ndarray
    units: str

    def __repr__(self) -> str:
        steps, k = self.local_exponents.shape
        return f"CovariantResult({k} vectors over {steps} steps, exponents {self.exponents[:4].round(4)})"

    def angle(self, i: int, j: int) -> np.ndarray:
        """Angle between covariant vectors i and j at each time (steps + 1,), in radians, 0 to pi / 2."""
        return self.subspace_angle([i], [j])

    def subspace_angle(self, first: Any, second: Any) -> np.ndarray:
        """Smallest angle between the spaces of two sets of covariant vectors at each time, in radians.

        Parameters
        ----------
        first, second : sequences of int
            Numbers of the vectors, for example the expanding and the contracting ones; an angle that stays
            away from 0 is what hyperbolicity asks for.

        Returns
        -------
        ndarray, shape (steps + 1,)
            Between 0 and pi / 2.

        Raises
        ------
        InvalidInputError
            If a number is not one of a vector, or a set is empty.
        """
        a, b = (self._orthonormal(which, name) for which, name in ((first, "first"), (second, "second")))
        if a.shape[2] < b.shape[2]:
            a, b = b, a
        cosine = np.linalg.norm(a.transpose(0, 2, 1) @ b, 2, axis=(1, 2))
        away = np.linalg.svd(b - a @ (a.transpose(0, 2, 1) @ b), compute_uv=False)[:, -1]
        return np.arctan2(away, cosine)  # right for small angles too, where the cosine alone is not

    def _orthonormal(self, which: Any, name: str) -> np.ndarray:
        k = self.vectors.shape[2]
        index = np.atleast_1d(np.asarray(which))
        if (
            index.ndim != 1
            or index.size == 0
            or index.dtype.kind not in "iu"
            or not ((index >= 0) & (index < k)).all()
        ):
            raise InvalidInputError(f"{name}: expected numbers of vectors from 0 to {k - 1}, got {which!r}")
        return np.linalg.qr(self.vectors[:, :, index].astype(np.float64))[0]


def covariant_vectors(
    model: Any,
    x0: Any = None,
    steps: int = 1000,
    *,
    k: int | None = None,
    dt: float | None = None,
    inputs: Any = None,
    transient: int = 1_000,
    tangent_transient: int | str = "auto",
    backward_transient: int | str = "auto",
    adjoint: bool = False,
    memory: float = 256.0,
    integrator: Any = None,
    seed: int = 0,
) -> CovariantResult:
    """Covariant Lyapunov vectors along an orbit, forward by Gram-Schmidt and back through its triangles.

    Parameters
    ----------
    model : cell, Stack, System or FitResult
        A cell may be driven by `inputs`.
    x0 : array_like, shape (N,), optional
        Initial state. Default: the system's own, the start of a fitted model, or random for a cell.
    steps : int
        Number of steps of the stretch that is returned.
    k : int, optional
        Number of leading vectors; all N by default.
    dt : float, optional
        Integration step of a flow; for a cell or map, the time one step stands for.
    inputs : array_like, shape (T, M), optional
        inputs[t] drives step t; T >= transient + tangent transient + steps + backward transient.
    transient, tangent_transient : int, int or "auto"
        Steps for the state and for the frames to settle, as in `lyapunov_spectrum`.
    backward_transient : int or "auto"
        Steps beyond the stretch for the vectors to settle on the way back; as many as for the frames.
    adjoint : bool
        Also give the adjoint vectors. With k < N they take the dense Jacobian of every step.
    memory : float
        Megabytes for what is kept on the way, beyond what is returned: the orbit is then run in blocks, each
        once more from its beginning. Not less than about the square root of all steps is kept.
    integrator : RungeKutta4 or DormandPrince, optional
        How a flow is integrated.
    seed : int
        For the initial tangents, and the initial state of a cell.

    Returns
    -------
    CovariantResult

    Raises
    ------
    InvalidInputError
        If arguments do not fit together.
    DivergenceError
        If the orbit leaves the finite numbers.

    Notes
    -----
    A direction that Jacobians wipe out has local exponents of -inf and no vector: its columns are NaN.

    References
    ----------
    Ginelli et al. 2007, doi:10.1103/PhysRevLett.99.130601; adjoint vectors after Kuptsov and Parlitz 2012,
    doi:10.1007/s00332-012-9126-5.

    Examples
    --------
    >>> from chaoskit.systems import Henon
    >>> covariant_vectors(Henon(), steps=100).vectors.shape
    (101, 2, 2)
    """
    steps = _check.integer(steps, "steps", 1)
    transient = _check.integer(transient, "transient")
    warm = tangent_steps(tangent_transient, steps)
    own = isinstance(backward_transient, str) and backward_transient == "auto"
    tail = warm if own else _check.integer(backward_transient, "backward_transient")
    memory = _check.positive(memory, "memory")
    prepared = prepare(model, dt=dt, integrator=integrator)
    k = checked_count(k, prepared)
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    start = initial_state(prepared, x0, rng)
    driving = checked_inputs(inputs, prepared, transient + warm + steps + tail, 1)
    run = start_run(prepared, start, driving, transient, k, rng)
    run.align(warm, renew=False)  # a direction that is wiped out has no vector
    return _Passes(run, steps, tail, adjoint, memory).result()


class _Passes:
    """Forward over all blocks, keeping where each begins; then back, block by block."""

    def __init__(self, run: TangentRun, steps: int, tail: int, adjoint: bool, memory: float):
        self.run, self.steps, self.tail, self.adjoint = run, steps, tail, adjoint
        n, k, dtype = run.model.dim, run.k, np.dtype(run.model.dtype)
        self.dense = adjoint and k < n
        numbers = (k + 1) * n + 2 * k * k + (n * n + k * n if self.dense else 0)
        total = steps + tail
        affordable = int(memory * 1e6 / (numbers * dtype.itemsize))
        self.block = int(np.clip(affordable, math.ceil(math.sqrt(total)), total))
        self.out = CovariantResult(
            states=np.empty((steps + 1, n), dtype),
            vectors=np.empty((steps + 1, n, k)),
            gram_schmidt=np.empty((steps + 1, n, k), dtype),
            adjoint=np.empty((steps + 1, n, k)) if adjoint else None,
            local_exponents=np.empty((steps, k)),
            exponents=np.empty(k),
            units="per step" if run.model.dt is None else "per unit time",
        )

    def result(self) -> CovariantResult:
        """Run both passes."""
        run, total = self.run, self.steps + self.tail
        starts = list(range(0, total, self.block))
        checkpoints, begin = [], run.t
        for at in starts:
            checkpoints.append(run.place())
            if at != starts[-1]:
                self._forward(at, begin)
        rng = np.random.default_rng(1)
        C = np.triu(rng.standard_normal((run.k, run.k)))
        C /= np.linalg.norm(C, axis=0)
        P = np.linalg.qr(rng.standard_normal((run.model.dim, run.k)))[0].T.copy()
        for at, place in zip(reversed(starts), reversed(checkpoints), strict=True):
            run.go_to(place)
            self._back(at, begin, C, P)
        local = self.out.local_exponents
        local /= run.model.dt or 1.0
        self.out.exponents[:] = local.mean(axis=0)
        return self.out

    def _forward(self, at: int, begin: int):
        """States, frames and triangles of the block that begins `at` steps into the stretch."""
        run = self.run
        n, k, dtype = run.model.dim, run.k, run.model.dtype
        count = min(self.block, self.steps + self.tail - at)
        states, Q = np.empty((count + 1, n), dtype), np.empty((count + 1, k, n), dtype)
        R = np.empty((count, k, k))
        t = begin + at
        driving = np.ascontiguousarray(run.inputs[t : t + count]).reshape(-1)
        broken = frames(
            run.model.tag, run.model.pack, run.work, run.V, run.scratch, driving, t, count,
            run.panel, states, Q, R,
        )  # fmt: skip
        if broken >= 0:
            raise diverged(run.model, t + broken)
        return states, Q, R

    def _back(self, at: int, begin: int, C: np.ndarray, P: np.ndarray) -> None:
        """Take the coefficients C, and the adjoint frame P, from the end of a block to its beginning."""
        substep = self.run.place()[2]
        states, Q, R = self._forward(at, begin)
        count, k = len(R), self.run.k
        kept, growth = np.empty((count + 1, k, k)), np.empty((count, k))
        kept[count] = C
        back_through_triangles(R, C, kept[:count], growth)
        frames_of_adjoint = np.empty((count + 1, *P.shape)) if self.dense else None
        if frames_of_adjoint is not None:
            t = begin + at
            driving = self.run.inputs[t : t + count]
            work = self.run.model.work(1, self.run.model.dim)
            if substep is not None:
                work.h[:] = substep
            J = orbit_jacobians(self.run.model, states[0], driving, t, work)[0].astype(np.float64)
            frames_of_adjoint[count] = P
            adjoint_frames(J, P, frames_of_adjoint[:count])
        keep = min(count + 1, self.steps + 1 - at)  # beyond the stretch the vectors have not settled
        if keep <= 0:
            return
        into = slice(at, at + keep)
        out = self.out
        out.states[into] = states[:keep]
        out.gram_schmidt[into] = Q[:keep].transpose(0, 2, 1)
        vectors = Q[:keep].transpose(0, 2, 1).astype(np.float64) @ kept[:keep]
        out.vectors[into] = _unit(vectors)
        out.local_exponents[at : at + min(count, self.steps - at)] = growth[: max(self.steps - at, 0)]
        if out.adjoint is not None:
            out.adjoint[into] = _adjoint(
                out.vectors[into], None if frames_of_adjoint is None else frames_of_adjoint[:keep]
            )


def _adjoint(vectors: np.ndarray, frame: np.ndarray | None) -> np.ndarray:
    """Adjoint vectors (times, N, k): biorthogonal to the covariant ones within the span of the adjoint frame.

    That span is orthogonal to the covariant vectors beyond k. With all N vectors it is the whole space.
    """
    basis = np.broadcast_to(np.eye(vectors.shape[1]), (len(vectors),) + vectors.shape[1:2] * 2)
    if frame is not None:
        basis = frame.transpose(0, 2, 1)
    return _unit(basis @ np.linalg.pinv(np.nan_to_num(vectors).transpose(0, 2, 1) @ basis))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Columns over their lengths; NaN where a direction has been wiped out."""
    with np.errstate(invalid="ignore"):
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
