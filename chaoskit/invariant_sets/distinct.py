"""Which of the rings found are the same, and what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .newton import period_jacobians
from .problem import Ring

SAME = 1e-6  # distance of two states that are one, in units of their size
MARGINAL = 1e-8  # an eigenvalue so near the unit circle is on neither side of it


class Linearised(NamedTuple):
    """Eigenvalues and rates (n, N), and unstable directions, n times (k, u, N)."""

    eigenvalues: np.ndarray
    rates: np.ndarray
    directions: tuple[np.ndarray, ...]


def of_least_period(rings: np.ndarray, input_period: int, size: float) -> np.ndarray:
    """Which rings (n, k, N) do not return sooner than after k steps."""
    k = rings.shape[1]
    least = np.ones(len(rings), bool)
    for shift in range(input_period, k, input_period):
        if k % shift == 0:
            least &= np.abs(np.roll(rings, -shift, axis=1) - rings).max(axis=(1, 2)) > _same(rings, size)
    return least


def _same(rings: np.ndarray, size: float) -> np.ndarray:
    return SAME * np.maximum(size, np.abs(rings).max(axis=(1, 2)))


def distinct(rings: np.ndarray, norms: np.ndarray, input_period: int, size: float) -> tuple:
    """One ring of each kind, with the smallest gaps: (indices, how many were the same).

    Rings that differ by a turn of the inputs' period are the same; their means are compared first.
    """
    order = np.argsort(norms, kind="stable")
    means, allowed = rings.mean(axis=1), _same(rings, size)
    kept: list[int] = []
    counts: list[int] = []
    kept_means = np.empty_like(means)
    for r in order:
        near = np.abs(kept_means[: len(kept)] - means[r]).max(axis=1, initial=0.0) <= allowed[r]
        for place in np.flatnonzero(near):
            if _turned_alike(rings[kept[place]], rings[r], input_period, float(allowed[r])):
                counts[place] += 1
                break
        else:
            kept_means[len(kept)] = means[r]
            kept.append(int(r))
            counts.append(1)
    return np.array(kept, np.int64), np.array(counts, np.int64)


def _turned_alike(one: np.ndarray, other: np.ndarray, input_period: int, allowed: float) -> bool:
    turns = range(0, len(one), input_period)
    return any(np.abs(np.roll(one, turn, axis=0) - other).max() <= allowed for turn in turns)


def turned(rings: np.ndarray, input_period: int, size: float) -> np.ndarray:
    """The same rings, each turned so that its states come in the order of words, where the inputs allow."""
    out = rings.copy()
    grid = (rings / (SAME * size)).round()
    turns = range(0, rings.shape[1], input_period)
    for r, marks in enumerate(grid):
        first = min(turns, key=lambda turn, marks=marks: np.roll(marks, -turn, axis=0).ravel().tolist())
        out[r] = np.roll(rings[r], -first, axis=0)
    return out


def linearised(ring: Ring, rings: np.ndarray, sides: Callable | None = None) -> Linearised:
    """Eigenvalues, rates and unstable directions of rings (n, k, N).

    `sides` gives, for a ring (k, N) on a kink, rings (s, k, N) beside it; the least stable side counts.
    """
    n, k, N = rings.shape
    values, rates = np.empty((n, N), complex), np.empty((n, N), complex)
    directions = []
    for r in range(n):
        jacobians, found, vectors = _least_stable(
            ring, rings[r : r + 1] if sides is None else sides(rings[r])
        )
        if ring.model.is_flow:
            rate, found = found - 1.0, np.exp((found - 1.0) * (ring.model.dt or 1.0))
        else:
            steps = k * (ring.model.dt or 1.0)
            with np.errstate(divide="ignore"):
                growth, turn = np.log(np.abs(found)) / steps, np.angle(found) / steps
            rate = growth + 1j * turn
        # pairs stay together whatever the last bits of their moduli say
        order = np.lexsort((-np.imag(found), -np.real(found).round(9), -np.abs(found).round(9)))
        values[r], rates[r] = found[order], rate[order]
        unstable = order[np.abs(values[r]) > 1 + MARGINAL]
        at_first = _real_span(found[unstable], vectors[:, unstable])
        directions.append(_carried(jacobians, at_first))
    return Linearised(values, rates, tuple(directions))


def _least_stable(ring: Ring, rings: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of rings (s, k, N) that with largest eigenvalue: Jacobians (k, N, N), eigenvalues and eigenvectors."""
    jacobians = ring.jacobians(rings)
    values, vectors = np.linalg.eig(period_jacobians(jacobians))
    worst = int(np.abs(values).max(axis=1).argmax())
    return jacobians[worst], values[worst], vectors[worst]


def _real_span(values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Real vectors (u, N) of the eigenvectors' span: of each pair the real and the imaginary part."""
    rows = [v.imag if w.imag < 0 else v.real for w, v in zip(values, vectors.T, strict=True)]
    return np.array(rows, np.float64).reshape(len(rows), len(vectors))


def _carried(jacobians: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The directions (k, u, N) at every place of a ring, from those at its first."""
    found = [first]
    for J in jacobians[:-1]:
        found.append(found[-1] @ J.T)
    out = np.stack(found)
    return out / np.maximum(np.linalg.norm(out, axis=2, keepdims=True), np.finfo(float).tiny)
