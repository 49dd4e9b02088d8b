"""All fixed points and cycles of a piecewise-linear map, one affine piece after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..cells.protocol import Kinks
from .cycle_set import Continuum
from .newton import in_pieces, solve
from .problem import Ring
from .regions import Regions, extremes, regions

_NEAR = 1e-6  # gaps, in units of the size, of a solution that is worth a Newton step
_SINGULAR = 1e-11  # one over the condition of I - M, below which fixed points may not be isolated
_MOST_SIDES = 6  # kinks through a ring, of which all sides are looked at
_MOST_PAIRS = 1 << 22  # of regions, for which it is asked whether one leads to the other


class Exact(NamedTuple):
    """Rings (n, k, N) that close, norms of their gaps (n,), the size of the states, and what was searched."""

    rings: np.ndarray
    norms: np.ndarray
    size: float
    continua: tuple[Continuum, ...]
    searched: str


def search_exactly(ring: Ring, kinks: Kinks, most: int) -> Exact | None:
    """All rings, or None if there are more than `most` regions or itineraries through them.

    For every region the step is affine, z' = J z + c; a ring through regions D_1 .. D_k solves the composed
    affine map, and is real if it is a ring of the map itself. Itineraries are closed walks over regions of
    which each can reach the next.
    """
    at_origin = kinks.heights(np.zeros(ring.dim), ring.inputs[0])
    found = regions(kinks.normals, at_origin, most)
    if found is None:
        return None
    one = np.repeat(found.inside[:, None], ring.period, axis=1)
    J = in_pieces(ring, lambda piece: (ring.jacobians(piece)[:, 0],), one)[0]
    c = ring.images(one)[:, 0] - np.einsum("nij,nj->ni", J, found.inside)
    size = _typical_size(J, c, found.inside)
    words = _itineraries(found, J, c, ring.period, most)
    if words is None:
        return None
    count = len(np.unique(found.above, axis=0))
    text = "the one region" if count == 1 else f"all {count:,} regions"
    if ring.period > 1:
        text = f"{len(words):,} possible itineraries through {text}"
    rings, continua = _solutions(ring, found, J, c, words, size)
    if len(rings) == 0:
        return Exact(rings, np.zeros(0), size, continua, text)
    solved = solve(ring, rings, size, most=4, damped=False)
    kept = solved.converged
    return Exact(solved.rings[kept], solved.norms[kept], size, continua, text)


def _typical_size(J: np.ndarray, c: np.ndarray, inside: np.ndarray) -> float:
    """Median size of the affine maps' own fixed points, or of their constants if that is smaller.

    A map close to the identity has its own fixed point far away, outside of its region; measured by that,
    different points would be one. Sizes that are 0 to round-off are left out; 1 if all are.
    """
    noise = 1e-13 * (np.linalg.norm(J, axis=(1, 2)) + 1.0) * np.linalg.norm(inside, axis=1)
    constants = np.linalg.norm(c, axis=1)
    moved = constants > noise
    points, singular = _inverted(np.eye(J.shape[1]) - J, c)
    sizes = np.linalg.norm(points, axis=1)[moved & ~singular]
    if not moved.any():
        return 1.0
    return float(min(np.median(part) for part in (sizes, constants[moved]) if part.size))


def _itineraries(found: Regions, J, c, period: int, most: int) -> np.ndarray | None:
    """Closed walks (n, period) over regions, the smallest number first, one for each turn of a walk."""
    count = len(found.inside)
    if period == 1:
        return np.arange(count)[:, None]
    if count**2 > _MOST_PAIRS:
        return None
    leads = _leads(found, J, c)
    walks = np.arange(count)[:, None]
    for _ in range(period - 1):
        which, to = np.nonzero(leads[walks[:, -1]] & (np.arange(count) >= walks[:, :1]))
        if len(which) > most:
            return None
        walks = np.column_stack([walks[which], to])
    closed = walks[leads[walks[:, -1], walks[:, 0]]]
    return closed[_is_least_turn(closed)]


def _is_least_turn(walks: np.ndarray) -> np.ndarray:
    """Which walks come first, in the order of words, of all their turns."""
    least = np.ones(len(walks), bool)
    for turn in range(1, walks.shape[1]):
        other = np.roll(walks, -turn, axis=1)
        differ = other != walks
        at = differ.argmax(axis=1)
        rows = np.arange(len(walks))
        least &= ~differ.any(axis=1) | (walks[rows, at] < other[rows, at])
    return least


def _leads(found: Regions, J: np.ndarray, c: np.ndarray) -> np.ndarray:
    """(n, n): whether the image of one region may meet another, hyperplane by hyperplane."""
    forms = np.einsum("ri,nij->nrj", found.normals, J)
    low, high = extremes(found, forms, c @ found.normals.T + found.offsets)
    slack = 1e-7 * (1.0 + np.abs(found.offsets))
    can_be_above, can_be_below = high >= -slack, low <= slack
    leads = np.ones((len(J), len(J)), bool)
    for r in range(len(found.normals)):
        leads &= np.where(found.above[:, r], can_be_above[:, r, None], can_be_below[:, r, None])
    return leads


def _solutions(ring: Ring, found: Regions, J, c, words, size: float) -> tuple[np.ndarray, tuple]:
    """Rings that almost close, and continua, over all itineraries."""
    rings, continua = [np.zeros((0, ring.period, ring.dim))], []
    length = max(1, (1 << 19) // (ring.period * ring.dim**2))
    for at in range(0, len(words), length):
        piece = words[at : at + length]
        product, carried = J[piece[:, 0]], c[piece[:, 0]]
        for i in range(1, ring.period):
            carried = np.einsum("nij,nj->ni", J[piece[:, i]], carried) + c[piece[:, i]]
            product = J[piece[:, i]] @ product
        left = np.eye(ring.dim) - product
        first, singular = _inverted(left, carried)
        for r in np.flatnonzero(singular):
            continua += _continuum(found, J, c, piece[r], left[r], carried[r], size)
        candidates = [first]
        for i in range(ring.period - 1):
            candidates.append(np.einsum("nij,nj->ni", J[piece[:, i]], candidates[-1]) + c[piece[:, i]])
        candidate = np.stack(candidates, axis=1)[~singular]
        with np.errstate(all="ignore"):
            gaps = np.abs(ring.gaps(candidate)).max(axis=(1, 2))
            near = gaps <= _NEAR * np.maximum(size, np.abs(candidate).max(axis=(1, 2)))
        rings.append(candidate[near])
    return np.concatenate(rings), tuple(continua)


def _inverted(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solutions (n, N), and which systems are singular to round-off."""
    scale = np.linalg.norm(left, axis=(1, 2)) + 1.0
    noise = np.random.default_rng(0).uniform(-1e-15, 1e-15, left.shape[1:])
    with np.errstate(all="ignore"):
        inverse = np.linalg.inv(left + noise * scale[:, None, None])
        singular = ~(np.linalg.norm(inverse, axis=(1, 2)) * scale < 1 / _SINGULAR)
    solution = np.zeros_like(right)
    good = ~singular
    if good.any():
        solution[good] = np.linalg.solve(left[good], right[good][..., None])[..., 0]
    return solution, singular


def _continuum(found: Regions, J, c, word, left, right, size: float) -> list[Continuum]:
    """The solutions of a singular system that lie in their regions, if they fill more than a point there."""
    from scipy.optimize import linprog

    _, sizes, rows = np.linalg.svd(left)
    null = rows[sizes <= 1e-9 * max(float(sizes[0]), 1.0)]
    point = np.linalg.lstsq(left, right, rcond=1e-10)[0]
    if len(null) == 0 or np.abs(left @ point - right).max() > 1e-9 * max(size, float(np.abs(point).max())):
        return []
    matrix, limit, state, spread = [], [], point, null.T
    for region in word:  # a state of the walk is state + spread @ y, and has to be inside its region
        sign = np.where(found.above[region], -1.0, 1.0)
        rate = sign[:, None] * (found.normals @ spread)
        matrix.append(np.column_stack([rate, np.ones(len(rate))]))
        limit.append(-sign * (found.normals @ state + found.offsets))
        state, spread = J[region] @ state + c[region], J[region] @ spread
    matrix, limit = np.concatenate(matrix), np.concatenate(limit)
    if len(matrix) == 0:
        return [Continuum(point, null)]
    cost = np.append(np.zeros(len(null)), -1.0)
    bounds = [(None, None)] * len(null) + [(None, size)]
    best = linprog(cost, matrix, limit, bounds=bounds, method="highs")
    if best.status != 0 or best.x[-1] <= 1e-9 * size:
        return []
    return [Continuum(point + null.T @ best.x[:-1], null)]


def kinks_met(rings: np.ndarray, kinks: Kinks | None, inputs: np.ndarray, size: float) -> np.ndarray:
    """Which kinks the states of rings (n, k, N) lie on, to round-off: (n, k, R); inputs (k, M)."""
    if kinks is None or len(kinks.normals) == 0:
        return np.zeros((*rings.shape[:2], 0), bool)
    lengths = np.linalg.norm(kinks.normals, axis=1)
    real = lengths > 1e-14 * lengths.max()
    return (np.abs(kinks.heights(rings, inputs)) <= 1e-9 * size * lengths) & real


def sides(ring: np.ndarray, kinks: Kinks | None, met: np.ndarray, size: float) -> np.ndarray:
    """Rings (s, k, N) on all sides of the kinks that a ring (k, N) lies on, met (k, R).

    The ring itself if it lies on none, or on more than six.
    """
    places, which = np.nonzero(met)
    if kinks is None or not 0 < len(places) <= _MOST_SIDES:
        return ring[None]
    signs = (np.arange(1 << len(places))[:, None] >> np.arange(len(places))) % 2 * 2.0 - 1.0
    out = np.repeat(ring[None], len(signs), axis=0)
    for place in np.unique(places):
        here = places == place
        normals = kinks.normals[which[here]]
        unit = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        out[:, place] += 1e-7 * size * signs[:, here] @ np.linalg.pinv(unit).T
    return out
