"""Newton's method for many rings of states at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .problem import Ring

TOLERANCE = 1e-10  # of the gaps, relative to the size of the states
_DECREASE = 1e-4  # share of the predicted decrease that a step must bring
_SHORTEST = 1e-3  # of a Newton step
_MOST_EQUATIONS = 400  # for which the normal equations are made as one dense matrix


class Solved(NamedTuple):
    """Rings (n, k, N), the norms of their gaps (n,), and whether these are zero to round-off."""

    rings: np.ndarray
    norms: np.ndarray
    converged: np.ndarray


def in_pieces(ring: Ring, work: Callable[[np.ndarray], tuple], rings: np.ndarray) -> list[np.ndarray]:
    """Arrays that `work` returns for pieces of the rings, put together; on a CPU pieces share the cores.

    The kernels and LAPACK release Python's lock. What comes out does not depend on the number of threads.
    """
    n, k, N = rings.shape
    length = max(1, ring.numbers // (k * N * N))
    pieces = [rings[at : at + length] for at in range(0, n, length)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if ring.side_by_side:
        with ThreadPoolExecutor(min(len(pieces), cores)) as pool:
            found = list(pool.map(work, pieces))
    else:
        found = [work(piece) for piece in pieces]
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def solve(ring: Ring, rings: np.ndarray, size: float, *, most: int = 60, damped: bool = True) -> Solved:
    """Newton's method from each of the rings (n, k, N).

    Parameters
    ----------
    size : float
        Of the states; gaps count as none if they are `TOLERANCE` times it, or times the ring's own size.
    most : int
        Steps at most.
    damped : bool
        Shorten steps until the gaps become smaller, and give up where none does. Without it a step through
        a piecewise-linear map goes to the solution in the regions that were just visited.
    """
    return Solved(*in_pieces(ring, lambda piece: _solve_piece(ring, piece, size, most, damped), rings))


def closed(rings: np.ndarray, norms: np.ndarray, size: float) -> np.ndarray:
    """Whether gaps of these norms (n,) are zero to round-off."""
    return norms <= TOLERANCE * np.maximum(size, _norms(rings))


def _solve_piece(ring: Ring, rings: np.ndarray, size: float, most: int, damped: bool) -> tuple:
    rings = rings.copy()
    gaps = ring.gaps(rings)
    norms = _norms(gaps)
    left = np.flatnonzero(~closed(rings, norms, size))
    for _ in range(most):
        if left.size == 0:
            break
        steps = _steps(ring, rings[left], gaps[left])
        moved = _line_search(ring, rings, gaps, norms, left, steps, damped)
        left = left[moved]
        left = left[~closed(rings[left], norms[left], size)]
    converged = closed(rings, norms, size) & np.isfinite(norms)
    done = np.flatnonzero(converged)
    if done.size:  # the last digits
        _line_search(ring, rings, gaps, norms, done, _steps(ring, rings[done], gaps[done]))
    return rings, norms, converged


def _norms(gaps: np.ndarray) -> np.ndarray:
    """Norms (n,) of the gaps (n, k, N); infinity where they are not finite."""
    with np.errstate(all="ignore"):
        norms = np.sqrt(np.einsum("nki,nki->n", gaps, gaps))
    return np.where(np.isfinite(norms), norms, np.inf)


def _line_search(ring, rings, gaps, norms, rows, steps, damped: bool = True) -> np.ndarray:
    """Move `rows` along their steps, shortened where needed; returns which of them moved.

    rings, gaps and norms are written to.
    """
    length, moved = 1.0, np.isfinite(steps).all(axis=(1, 2))
    pending = np.flatnonzero(moved)
    moved[:] = False
    while pending.size and length >= _SHORTEST:
        at = rows[pending]
        with np.errstate(all="ignore"):
            tried = rings[at] + length * steps[pending]
            new = ring.gaps(tried)
        size = _norms(new)
        good = size < (1 - _DECREASE * length) * norms[at] if damped else np.isfinite(size)
        kept = at[good]
        rings[kept], gaps[kept], norms[kept] = tried[good], new[good], size[good]
        moved[pending[good]] = True
        pending = pending[~good]
        length *= 0.4
    return moved


def _steps(ring: Ring, rings: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Newton's steps (n, k, N) from rings with these gaps."""
    if ring.newton_steps is not None:
        return ring.newton_steps(rings, gaps)
    return newton_steps(ring.jacobians(rings), gaps)


def newton_steps(jacobians: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Steps d (n, k, N) with d_{i+1} = J_i d_i + gap_i around the ring.

    Condensed to the N unknowns of the first place: (I - J_{k-1} .. J_0) d_0 = the gaps carried to the end.
    """
    product, carried = jacobians[:, 0], gaps[:, 0]
    for i in range(1, gaps.shape[1]):
        carried = _apply(jacobians[:, i], carried) + gaps[:, i]
        product = jacobians[:, i] @ product
    steps = np.empty_like(gaps)
    steps[:, 0] = _solutions(np.eye(gaps.shape[2]) - product, carried)
    for i in range(1, gaps.shape[1]):
        steps[:, i] = _apply(jacobians[:, i - 1], steps[:, i - 1]) + gaps[:, i - 1]
    return steps


def period_jacobians(jacobians: np.ndarray) -> np.ndarray:
    """J_{k-1} .. J_0 of each ring, shape (n, N, N)."""
    product = jacobians[:, 0]
    for i in range(1, jacobians.shape[1]):
        product = jacobians[:, i] @ product
    return product


def _apply(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.einsum("nij,nj->ni", matrices, vectors)


def _solutions(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solutions of n systems of equations; the shortest one, in least squares, of a singular system."""
    try:
        return np.linalg.solve(matrices, right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        return shortest_solutions(matrices, right)


def shortest_solutions(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The shortest solutions in least squares; NaN where a number is not finite."""
    out = np.full_like(right, np.nan)
    for r in range(len(right)):
        if np.isfinite(matrices[r]).all() and np.isfinite(right[r]).all():
            out[r] = np.linalg.lstsq(matrices[r], right[r], rcond=1e-12)[0]
    return out


# ---- least squares: where Newton's step leads nowhere
def least_squares(ring: Ring, rings: np.ndarray, size: float, most: int = 200) -> Solved:
    """Levenberg and Marquardt's method for the sum of squared gaps.

    `converged` says that it came to zero; the others are near a minimum. Rings of more than 400 numbers are
    left as they are.
    """
    if rings.shape[1] * rings.shape[2] > _MOST_EQUATIONS:
        norms = _norms(ring.gaps(rings))
        return Solved(rings, norms, closed(rings, norms, size))
    return Solved(*in_pieces(ring, lambda piece: _least_squares_piece(ring, piece, size, most), rings))


def _least_squares_piece(ring: Ring, rings: np.ndarray, size: float, most: int) -> tuple:
    rings = rings.copy()
    gaps = ring.gaps(rings)
    norms, damping = _norms(gaps), np.full(len(rings), 1e-3)
    converged = closed(rings, norms, size)
    left = np.flatnonzero(np.isfinite(norms) & ~converged)
    for _ in range(most):
        if left.size == 0:
            break
        A = ring_matrices(ring.jacobians(rings[left]))
        down = -np.einsum("nji,nj->ni", A, gaps[left].reshape(left.size, -1))
        normal = A.transpose(0, 2, 1) @ A
        scale = np.trace(normal, axis1=1, axis2=2) / normal.shape[1] + np.finfo(float).tiny
        diagonal = np.einsum("nii->ni", normal)
        diagonal += (damping[left] * scale)[:, None]
        tried = rings[left] + _solutions(normal, down).reshape(rings[left].shape)
        new = ring.gaps(tried)
        found = _norms(new)
        good = found < norms[left]
        kept = left[good]
        rings[kept], gaps[kept], norms[kept] = tried[good], new[good], found[good]
        damping[left] *= np.where(good, 0.2, 8.0)
        converged |= closed(rings, norms, size)
        left = left[~converged[left] & (damping[left] < 1e12)]
    return rings, norms, converged


def ring_matrices(jacobians: np.ndarray) -> np.ndarray:
    """Derivatives (n, k N, k N) of all gaps by all states."""
    n, k, N, _ = jacobians.shape
    out = np.zeros((n, k, N, k, N))
    for i in range(k):
        out[:, i, :, i] += jacobians[:, i]
        out[:, i, :, (i + 1) % k] -= np.eye(N)
    return out.reshape(n, k * N, k * N)
