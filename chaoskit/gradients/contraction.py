"""kappa and r with ||J_t ... J_{s+1}|| <= kappa r^(t - s) for all s <= t: from an orbit, and near a cycle."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..cells import protocol

_RATES = 200  # values of r that are tried
_LOWEST = 1e-3  # of the values of r
_LARGEST_RADIUS = 1.0  # where the Lipschitz constant depends on the size of the states
_SHARES = (0.25, 0.5, 0.75)  # of the way from the cycle's own rate to 1, in logarithms


class Contraction(NamedTuple):
    """||J_t ... J_{s+1}|| <= kappa rate^(t - s)."""

    kappa: float
    rate: float

    @property
    def total(self) -> float:
        """Bound of the sum of the norms of all products that end at one time."""
        return self.kappa / (1.0 - self.rate)


def largest_norm(matrices: np.ndarray) -> float:
    """Largest spectral norm of (count, N, N) matrices."""
    frobenius = np.linalg.norm(matrices, axis=(1, 2))
    largest = 0.0
    for i in np.argsort(-frobenius):
        if frobenius[i] <= largest:
            break  # no spectral norm is above the Frobenius norm
        largest = max(largest, float(np.linalg.norm(matrices[i], 2)))
    return largest


def window_norms(jacobians: np.ndarray, longest: int):
    """For l = 0, 1, ..., longest: the largest norm of all products of l consecutive Jacobians (T, N, N)."""
    products = jacobians
    yield 1.0
    for length in range(1, min(longest, len(jacobians)) + 1):
        yield largest_norm(products)
        products = jacobians[length:] @ products[:-1]


def along_orbit(jacobians: np.ndarray, longest: int) -> Contraction | None:
    """The pair with the smallest kappa / (1 - r) for an orbit, or None if no window up to `longest` shrinks.

    If every product of l factors has a norm of at most a_l < 1, one of n = q l + j has at most a_l^q a_j.
    """
    norms: list[float] = []
    best, at = None, 0
    for length, norm in enumerate(window_norms(jacobians, longest)):
        if length and norm < 1.0:
            found = _best_rate(np.array(norms), norm)
            if best is None or found.total < 0.999 * best.total:
                best, at = found, length
            elif length > 2 * at:
                break
        norms.append(norm)
    return best


def _best_rate(norms: np.ndarray, last: float) -> Contraction:
    """The best r for windows with norms a_0 .. a_{l-1}, and a_l < 1."""
    return best_from(max(last ** (1.0 / len(norms)), _LOWEST), norms)


def best_from(lowest: float, norms: np.ndarray) -> Contraction:
    """The best r from `lowest` on, and its kappa, for the largest norms of products of 0, 1, ... factors."""
    rates = 1.0 - (1.0 - lowest) * np.geomspace(1.0, 1e-3, _RATES)
    kappas = kappa_for(norms, rates)
    i = int(np.argmin(kappas / (1.0 - rates)))
    return Contraction(float(kappas[i]), float(rates[i]))


def kappa_for(norms: np.ndarray, rates: Any) -> np.ndarray:
    """Smallest kappa for given rates, from the largest norms of products of 0, 1, ... factors."""
    with np.errstate(divide="ignore", over="ignore"):
        logs = np.log(norms) - np.arange(len(norms)) * np.log(np.atleast_1d(rates))[:, None]
        return np.exp(logs.max(axis=1))


class Tube(NamedTuple):
    """Balls |x - points[i]| <= radius in the norms |.|_i = |roots[i] .| that the map takes into each other.

    Inside, each Jacobian takes |.|_i to |.|_{i+1} with a norm of at most `rate`; |x| <= |x|_i <= kappa |x|.
    """

    points: np.ndarray  # (k, N)
    roots: np.ndarray  # (k, N, N)
    radius: float
    missing: float  # how far the orbit ends from the points, which need not be exactly cyclic
    contraction: Contraction

    def distances(self, states: np.ndarray) -> np.ndarray:
        """Distances (T,) of states (T, N) from the nearest point, each in its norm."""
        apart = np.einsum("kij,tkj->tki", self.roots, states[:, None] - self.points)
        return np.linalg.norm(apart, axis=2).min(axis=1)

    def entered(self, states: np.ndarray) -> int | None:
        """First time at which an orbit (T, N) is inside."""
        inside = self.distances(states) <= self.radius
        return int(inside.argmax()) if inside.any() else None


def tubes(points: np.ndarray, images: np.ndarray, jacobians: np.ndarray, cell: Any, drive: np.ndarray):
    """Tubes about nearly cyclic points (k, N) with images F(points) and Jacobians; none if it is not stable.

    The radius is where kinks begin, or where a Lipschitz constant of the Jacobian has used up half of what is
    left to 1.
    """
    k = len(points)
    M = np.linalg.multi_dot(jacobians[::-1]) if k > 1 else jacobians[0]
    own = max(float(np.abs(np.linalg.eigvals(M)).max()) ** (1.0 / k), _LOWEST)
    if own >= 1.0:
        return
    size = float(np.linalg.norm(points, axis=1).max()) + _LARGEST_RADIUS
    lipschitz, reach = protocol.jacobian_lipschitz(cell, size), _distance_to_kinks(cell, points, drive)
    if lipschitz is None and reach is None:
        return
    for share in _SHARES:
        roots = _adapted_roots(jacobians / own ** (1.0 - share))
        if roots is None:
            continue
        after = np.roll(roots, -1, axis=0)
        rate = float(np.linalg.norm(after @ jacobians @ np.linalg.inv(roots), 2, axis=(1, 2)).max())
        rate = max(rate, _LOWEST)
        kappa = max(float(np.linalg.norm(r, 2)) for r in roots)
        if rate >= 1.0:
            continue
        if reach is not None:
            radius = reach
        else:
            left = 0.5 * (1.0 - rate)
            radius = min(left / (kappa * lipschitz), _LARGEST_RADIUS) if lipschitz else math.inf
            rate = rate + left if lipschitz else rate
        apart = np.einsum("kij,kj->ki", after, images - np.roll(points, -1, axis=0))
        missing = float(np.linalg.norm(apart, axis=1).max()) / (1.0 - rate)
        if missing <= radius:
            yield Tube(points, roots, radius, missing, Contraction(kappa, rate))


def _adapted_roots(scaled: np.ndarray) -> np.ndarray | None:
    """R_i with |R_{i+1} J_i x| < |R_i x| for scaled Jacobians J_i around a cycle, and |x| <= |R_i x|.

    R_i' R_i = P_i = 1 + J_i' P_{i+1} J_i, a sum over all products that start at point i.
    """
    k, n = scaled.shape[:2]
    turn, A = np.zeros((n, n)), np.eye(n)
    for J in scaled:
        turn, A = turn + A.T @ A, J @ A
    P = turn
    for _ in range(60):  # the number of turns that are in doubles
        with np.errstate(over="ignore", invalid="ignore"):
            gain = A.T @ P @ A
            P, A = P + gain, A @ A
        if not np.isfinite(P).all():
            return None
        if np.abs(gain).max() <= 1e-17 * np.abs(P).max():
            break
    all_ = [P] * k
    for i in range(k - 1, 0, -1):
        all_[i] = np.eye(n) + scaled[i].T @ all_[(i + 1) % k] @ scaled[i]
    try:
        return np.stack([np.linalg.cholesky(P).T for P in all_])
    except np.linalg.LinAlgError:
        return None


def _distance_to_kinks(cell: Any, points: np.ndarray, drive: np.ndarray) -> float | None:
    """Smallest distance of the points from a kink; None for a cell that is not piecewise linear."""
    found = protocol.kinks(cell)
    if found is None:
        return None
    lengths = np.linalg.norm(found.normals, axis=1)
    moving = lengths > 0
    if not moving.any():
        return math.inf
    heights = found.heights(points, drive)
    return float((np.abs(heights[:, moving]) / lengths[moving]).min()) * (1.0 - 1e-12)
