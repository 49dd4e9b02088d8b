"""The regions into which hyperplanes cut the space of states."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, islice
from typing import NamedTuple

import numpy as np

_SHIFT = 1e-9  # of the hyperplanes, in units of their distances, so that no more than r meet in a point
_PIECE = 1 << 12  # vertices taken together


class Corners(NamedTuple):
    """Corners of regions: one row for each corner of each region, ordered by region.

    The space is that spanned by the normals, of r dimensions.

    region (P,): which region; corner (P, r); rays (P, r, r): the edges that leave it, row by row;
    endless (P, r): those that meet no further hyperplane.
    """

    region: np.ndarray
    corner: np.ndarray
    rays: np.ndarray
    endless: np.ndarray


class Regions(NamedTuple):
    """All regions of an arrangement of hyperplanes normals @ x + offsets = 0.

    normals (R, N), of length 1, and offsets (R,), without those that are no hyperplanes; inside (n, N): a
    point in each region; above (n, R): on which side it is; basis (N, r): of the span of the normals.
    """

    normals: np.ndarray
    offsets: np.ndarray
    inside: np.ndarray
    above: np.ndarray
    basis: np.ndarray
    corners: Corners


def count_bound(planes: int, dimension: int) -> int:
    """Regions that so many hyperplanes in so many dimensions make, at most (Schlaefli)."""
    return sum(math.comb(planes, i) for i in range(dimension + 1))


def regions(normals: np.ndarray, offsets: np.ndarray, most: int) -> Regions | None:
    """All regions, or None if there may be more than `most`.

    Every region has a corner where r hyperplanes meet, r the dimension that the normals span; so all of them
    are met by taking each set of r hyperplanes and going to all sides of their common point. Hyperplanes are
    shifted a little first, which leaves no corner with more than r of them; regions thinner than 1e-9 of the
    typical distance may be lost by that, others are not.
    """
    lengths = np.linalg.norm(normals, axis=1)
    real = lengths > 1e-14 * lengths.max(initial=0.0)
    unit, offsets = normals[real] / lengths[real, None], offsets[real] / lengths[real]
    N = normals.shape[1]
    if len(unit) == 0:
        return _undivided(N)
    _, sizes, right = np.linalg.svd(unit, full_matrices=False)
    r = int((sizes > 1e-10 * sizes[0]).sum())
    if count_bound(len(unit), r) > most:
        return None
    basis = right[:r].T
    away = np.abs(offsets[offsets != 0])
    scale = float(np.median(away)) if away.size else 1.0
    shift = _SHIFT * scale * np.random.default_rng(0).uniform(-1, 1, len(unit))
    parts = list(_corners(unit @ basis, offsets + shift))
    above, corner, rays, endless = (np.concatenate([part[i] for part in parts]) for i in range(4))
    _, region = np.unique(above, axis=0, return_inverse=True)
    order = np.argsort(region.ravel(), kind="stable")
    corners = Corners(region.ravel()[order], corner[order], rays[order], endless[order])
    points = _inside(corners, scale) @ basis.T
    return Regions(unit, offsets, points, points @ unit.T + offsets > 0, basis, corners)


def _inside(corners: Corners, scale: float) -> np.ndarray:
    """A point in each region (n, r): a mean of its corners, and out along its endless edges."""
    starts = np.flatnonzero(np.diff(corners.region, prepend=-1))
    weight = 1.0 / (scale**2 + np.sum(corners.corner**2, axis=1))
    length = np.linalg.norm(corners.rays, axis=2)
    out = np.sum(corners.rays * (scale * corners.endless / length)[..., None], axis=1)
    point = weight[:, None] * (corners.corner + out)
    return np.add.reduceat(point, starts) / np.add.reduceat(weight, starts)[:, None]


def _undivided(N: int) -> Regions:
    none = np.zeros((0, N))
    empty = Corners(np.zeros(1, np.int64), np.zeros((1, 0)), np.zeros((1, 0, 0)), np.zeros((1, 0), bool))
    return Regions(none, np.zeros(0), np.zeros((1, N)), np.zeros((1, 0), bool), np.zeros((N, 0)), empty)


def _pieces(planes: int, r: int) -> Iterator[np.ndarray]:
    every = combinations(range(planes), r)
    while piece := list(islice(every, _PIECE)):
        yield np.array(piece)


def _corners(normals: np.ndarray, offsets: np.ndarray) -> Iterator[tuple]:
    """For sets of r hyperplanes and all sides of each: (side of all hyperplanes as packed bits, the corner,
    its edges, which of them are endless)."""
    planes, r = normals.shape
    sides = (np.arange(1 << r)[:, None] >> np.arange(r)) % 2 * 2 - 1
    for sets in _pieces(planes, r):
        matrices = normals[sets]
        sets = sets[np.abs(np.linalg.det(matrices)) > 1e-12]
        if len(sets) == 0:
            continue
        inverse = np.linalg.inv(normals[sets])
        corner = -np.einsum("cij,cj->ci", inverse, offsets[sets])
        values = corner @ normals.T + offsets
        np.put_along_axis(values, sets, 0.0, axis=1)
        slopes = np.einsum("pj,cji->cpi", normals, inverse)  # of every hyperplane along the edges
        for side in sides:
            above = values > 0
            np.put_along_axis(above, sets, np.broadcast_to(side > 0, sets.shape), axis=1)
            sign = np.where(above, 1.0, -1.0)
            towards = sign[:, :, None] * slopes * side
            in_set = np.zeros_like(above)
            np.put_along_axis(in_set, sets, True, axis=1)
            endless = ((towards >= -1e-12) | in_set[:, :, None]).all(axis=1)
            yield np.packbits(above, axis=1), corner, (inverse * side).transpose(0, 2, 1), endless


def extremes(found: Regions, forms: np.ndarray, constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Infimum and supremum (n, R) of linear forms over regions: forms (n, R, N), constants (n, R)."""
    inner = forms @ found.basis
    across = np.abs(forms - inner @ found.basis.T).max(axis=2, initial=0.0)
    across = across > 1e-9 * (np.abs(forms).max(axis=2, initial=0.0) + 1e-300)
    corners = found.corners
    values = np.einsum("prj,pj->pr", inner[corners.region], corners.corner) + constants[corners.region]
    along = np.einsum("prj,pej->pre", inner[corners.region], corners.rays)
    tiny = 1e-12 * np.abs(along).max(initial=0.0)
    down = ((along < -tiny) & corners.endless[:, None]).any(axis=2)
    up = ((along > tiny) & corners.endless[:, None]).any(axis=2)
    starts = np.flatnonzero(np.diff(corners.region, prepend=-1))
    low = np.minimum.reduceat(np.where(down, -np.inf, values), starts, axis=0)
    high = np.maximum.reduceat(np.where(up, np.inf, values), starts, axis=0)
    return np.where(across, -np.inf, low), np.where(across, np.inf, high)
