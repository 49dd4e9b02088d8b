"""Exponents of many small cells at once: the members of an ensemble lie side by side in vector registers.

Element (row, unit) of member q of a group lies at (row * width + unit) * lanes + q. So the pointwise loops
of `loops.py` serve as they are, with lanes times as many units, and only the products (every member has
weights of its own) and Gram-Schmidt are written out here.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._jit import inlined, inner, model_kernel, unowned
from ..cells.protocol import has_hidden
from .gram_schmidt import cancelled, clean_row, norm_of_extremes, zero_if_subnormal
from .lane_vectors import (
    all_at_least,
    all_within,
    inverse_or_zero,
    load_lanes,
    multiply,
    multiply_add,
    multiply_subtract,
    square_root,
    store_lanes,
    zero_lanes,
)
from .loops import feature_rows_loop, feature_slope_loop, slope_loop, tangent_rows_loop
from .sized import constants


class LanePack(NamedTuple):
    """Parameters of the members of all groups, lane by lane; see `packing.Packed` for the parts."""

    P: np.ndarray  # (groups, planes * n * lanes)
    F: np.ndarray  # (groups, planes * m * lanes)
    W: np.ndarray  # (groups, na * m * lanes)
    WU: np.ndarray  # (groups, na * inputs * lanes)
    H: np.ndarray  # (groups, m * n * lanes)


class LaneWork(NamedTuple):
    """Scratch of one group."""

    R: np.ndarray  # features of the state and of its tangents
    E: np.ndarray  # hidden pre-activations, and a row of Gram-Schmidt
    A: np.ndarray  # gates
    C: np.ndarray  # slope coefficients
    slopes: np.ndarray
    new: np.ndarray  # state and tangents one step later
    norms: np.ndarray
    removed: np.ndarray  # by Gram-Schmidt: coefficients (k, k)
    total: np.ndarray  # products of norms, float64


@inlined
def _product(tag, weights, rows_out, rows_in, X, width, rows, Y, out_width):
    """Y[r, i] = sum_j weights[i, j] X[r, j] for each lane, in blocks that stay in registers."""
    for i in range(0, rows_out - 1, 2):
        for r in range(0, rows - 3, 4):
            _four_by_two(tag, weights, i, rows_in, X, r * width, width, Y, r * out_width + i, out_width)
        for r in range(rows - rows % 4, rows):
            _one(tag, weights, i, rows_in, X, r * width, Y, r * out_width + i)
            _one(tag, weights, i + 1, rows_in, X, r * width, Y, r * out_width + i + 1)
    if rows_out % 2:
        for r in range(rows):
            _one(tag, weights, rows_out - 1, rows_in, X, r * width, Y, (r + 1) * out_width - 1)


@inlined
def _four_by_two(tag, weights, i, rows_in, X, x, width, Y, y, out_width):
    """Outputs i and i + 1 of four rows of X; all places in units of lanes."""
    L = constants(tag).lanes
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero_lanes(tag, Y)
    for j in range(rows_in):
        w = load_lanes(tag, weights, (i * rows_in + j) * L)
        u = load_lanes(tag, weights, ((i + 1) * rows_in + j) * L)
        x0 = load_lanes(tag, X, (x + j) * L)
        x1 = load_lanes(tag, X, (x + width + j) * L)
        x2 = load_lanes(tag, X, (x + 2 * width + j) * L)
        x3 = load_lanes(tag, X, (x + 3 * width + j) * L)
        a0, b0 = multiply_add(w, x0, a0), multiply_add(u, x0, b0)
        a1, b1 = multiply_add(w, x1, a1), multiply_add(u, x1, b1)
        a2, b2 = multiply_add(w, x2, a2), multiply_add(u, x2, b2)
        a3, b3 = multiply_add(w, x3, a3), multiply_add(u, x3, b3)
    _store_pair(tag, Y, y, a0, b0)
    _store_pair(tag, Y, y + out_width, a1, b1)
    _store_pair(tag, Y, y + 2 * out_width, a2, b2)
    _store_pair(tag, Y, y + 3 * out_width, a3, b3)


@inlined
def _store_pair(tag, Y, y, a, b):
    L = constants(tag).lanes
    store_lanes(tag, Y, y * L, a)
    store_lanes(tag, Y, (y + 1) * L, b)


@inlined
def _one(tag, weights, i, rows_in, X, x, Y, y):
    """Output i of one row."""
    L = constants(tag).lanes
    total = zero_lanes(tag, Y)
    for j in range(rows_in):
        w = load_lanes(tag, weights, (i * rows_in + j) * L)
        total = multiply_add(w, load_lanes(tag, X, (x + j) * L), total)
    store_lanes(tag, Y, y * L, total)


@inner
def _add_inputs(weights, U, iu, rows_out, inputs, Y, lanes):
    """Y[0, i] += sum_j weights[i, j] u[j] for each lane."""
    for i in range(rows_out):
        for j in range(inputs):
            for q in range(lanes):
                Y[i * lanes + q] += weights[(i * inputs + j) * lanes + q] * U[iu + j * lanes + q]


@inlined
def _step(tag, pack, work, V, U, iu, new):
    """new = the state and tangents one step after V."""
    s = constants(tag)
    n, m, nx, na, k, L = s.n, s.m, s.nx, s.na, s.k, s.lanes
    F, R, E, A = pack.F, work.R, work.E, work.A
    if has_hidden(tag):
        _product(tag, pack.H, m, n, V, nx, k + 1, E, m)
        feature_slope_loop(tag, F, E, 0, m * L, R, 0, work.slopes)
        feature_rows_loop(tag, work.slopes, E, m * L, k, m * L, m * L, R, m * L, m * L)
    else:
        feature_slope_loop(tag, F, V, 0, m * L, R, 0, work.slopes)
        feature_rows_loop(tag, work.slopes, V, nx * L, k, m * L, nx * L, R, m * L, m * L)
    _product(tag, pack.W, na, m, R, m, k + 1, A, na)
    if s.inputs > 0:
        _add_inputs(pack.WU, U, iu, na, s.inputs, A, L)
    slope_loop(tag, pack.P, V, 0, A, 0, n * L, new, 0, work.C)
    tangent_rows_loop(tag, work.C, V, nx * L, A, na * L, k, n * L, nx * L, na * L, new, nx * L)


@inlined
def _gram_schmidt(tag, V, norms, removed):
    """Modified Gram-Schmidt of the tangents of each lane; norms (k, lanes). Zero rows stay zero."""
    s = constants(tag)
    nx, k, L = s.nx, s.k, s.lanes
    for j in range(k):
        at = (j + 1) * nx * L
        total = zero_lanes(tag, V)
        for i in range(nx):
            v = load_lanes(tag, V, at + i * L)
            total = multiply_add(v, v, total)
        norm = square_root(total)
        store_lanes(tag, norms, j * L, norm)
        if not _ordinary(tag, total, norm, removed, j):
            _look_twice(tag, V, norms, removed, j)
        inverse = inverse_or_zero(load_lanes(tag, norms, j * L))
        for i in range(nx):
            store_lanes(tag, V, at + i * L, multiply(load_lanes(tag, V, at + i * L), inverse))
        l = j + 1
        while l < k:
            if l + 1 < k:
                _remove_from_two(tag, V, at, l, removed, j)
                l += 2
            else:
                _remove_from_one(tag, V, at, l, removed, j)
                l += 1


@inlined
def _remove_from_two(tag, V, at, l, removed, j):
    """Take the row at `at` off rows l and l + 1."""
    s = constants(tag)
    nx, L = s.nx, s.lanes
    to = (l + 1) * nx * L
    after = to + nx * L
    c0 = c1 = zero_lanes(tag, V)
    for i in range(nx):
        q = load_lanes(tag, V, at + i * L)
        c0 = multiply_add(q, load_lanes(tag, V, to + i * L), c0)
        c1 = multiply_add(q, load_lanes(tag, V, after + i * L), c1)
    for i in range(nx):
        q = load_lanes(tag, V, at + i * L)
        store_lanes(tag, V, to + i * L, multiply_subtract(c0, q, load_lanes(tag, V, to + i * L)))
        store_lanes(tag, V, after + i * L, multiply_subtract(c1, q, load_lanes(tag, V, after + i * L)))
    store_lanes(tag, removed, (l * s.k + j) * L, c0)
    store_lanes(tag, removed, ((l + 1) * s.k + j) * L, c1)


@inlined
def _remove_from_one(tag, V, at, l, removed, j):
    """Take the row at `at` off row l."""
    s = constants(tag)
    nx, L = s.nx, s.lanes
    to = (l + 1) * nx * L
    c = zero_lanes(tag, V)
    for i in range(nx):
        c = multiply_add(load_lanes(tag, V, at + i * L), load_lanes(tag, V, to + i * L), c)
    for i in range(nx):
        rest = multiply_subtract(c, load_lanes(tag, V, at + i * L), load_lanes(tag, V, to + i * L))
        store_lanes(tag, V, to + i * L, rest)
    store_lanes(tag, removed, (l * s.k + j) * L, c)


@inlined
def _ordinary(tag, square, norm, removed, j):
    """True if no lane of row j has cancelled, or left the range in which sums of squares are right."""
    s = constants(tag)
    k, L = s.k, s.lanes
    dtype = removed.dtype.type
    double = removed.itemsize == 8
    fine = all_within(square, dtype(1e-280 if double else 1e-30), dtype(1e300 if double else 1e37))
    for l in range(j):
        taken = load_lanes(tag, removed, (j * k + l) * L)
        fine = fine & all_at_least(norm, dtype(1e-10 if double else 1e-4), taken)
    return fine


@inner
def _look_twice(tag, V, norms, removed, j):
    """Norms of row j, one lane after the other."""
    s = constants(tag)
    nx, k, L = s.nx, s.k, s.lanes
    for q in range(L):
        norm = norm_of_extremes(V, (j + 1) * nx * L + q, nx, L)
        if cancelled(norm, removed, j * k * L + q, j, L):
            norm = clean_row(V, nx * L + q, nx, j, k, removed, q, L)
        else:
            removed[(j * k + j) * L + q] = 0
        norms[j * L + q] = zero_if_subnormal(norm, V.itemsize)


@model_kernel
def lane_products(
    tag, pack, work, V, U, shared, first, last, t0, steps, block_steps, every, logs, spread, bad
):
    """Push the tangents of the groups first .. last - 1 along their orbits.

    V (groups, (k + 1) nx lanes): states and tangents, left at the end. U (groups or 1, T, inputs * lanes), of
    which the run takes those from t0 on; `shared`: all groups take those of the first. every (groups,):
    steps between orthonormalisations. logs (groups, blocks, k, lanes) gains the sums of log norms, spread
    (groups, lanes) the sums of largest over smallest norm, over intervals of more than one step; bad
    (groups, lanes) the step by which a lane was no longer finite.
    """
    s = constants(tag)
    work = unowned(work)
    for g in range(first, last):
        here = unowned(LanePack(pack.P[g], pack.F[g], pack.W[g], pack.WU[g], pack.H[g]))
        old, new, drive = unowned(V[g]), work.new, unowned(U[0 if shared else g].reshape(U[0].size))
        t = 0
        for block in range(logs.shape[1]):
            log = unowned(logs[g, block])
            end = min(t + block_steps, steps)
            while t < end:
                length = min(every[g], end - t)
                for _ in range(length):
                    _step(tag, here, work, old, drive, (t0 + t) * s.inputs * s.lanes, new)
                    old, new = new, old
                    t += 1
                _gram_schmidt(tag, old, work.norms, work.removed)
                _account(tag, work.norms, work.total, length, log, unowned(spread[g]))
            _flush(tag, work.total, log)
            _find_lost(tag, old, t0 + t, unowned(bad[g]))
        for i in range(old.size):
            V[g, i] = old[i]


@inlined
def _account(tag, norms, total, length, logs, spread):
    """Multiply the norms into products; logarithms are taken when these threaten to leave the range."""
    s = constants(tag)
    k, L = s.k, s.lanes
    fine = True
    for i in range(k * L):
        product = total[i] * np.float64(norms[i])
        fine = fine & (((product > 1e-100) & (product < 1e100)) | (product == 0.0))
    if fine:
        for i in range(k * L):
            total[i] *= np.float64(norms[i])
    else:
        _flush(tag, total, logs)
        for j in range(k):
            for q in range(L):
                logs[j, q] += math.log(np.float64(norms[j * L + q]))
    if length > 1:
        _add_spread(tag, norms, spread)


@inner
def _flush(tag, total, logs):
    s = constants(tag)
    for j in range(s.k):
        for q in range(s.lanes):
            logs[j, q] += math.log(total[j * s.lanes + q])
            total[j * s.lanes + q] = 1.0


@inner
def _add_spread(tag, norms, spread):
    """Largest over smallest norm of each lane, zero norms left out."""
    s = constants(tag)
    for q in range(s.lanes):
        high, low = 0.0, math.inf
        for j in range(s.k):
            norm = np.float64(norms[j * s.lanes + q])
            high = norm if norm > high else high
            low = norm if 0.0 < norm < low else low
        spread[q] += high / low


@inner
def _find_lost(tag, X, t, bad):
    """Note lanes whose state is not finite, and set them to zero: arithmetic on NaN may be slow."""
    s = constants(tag)
    total = X.dtype.type(0)
    for i in range(X.size):
        total += X[i] * X.dtype.type(0)
    if total == 0:
        return
    for q in range(s.lanes):
        for i in range(s.nx * (s.k + 1)):
            if not math.isfinite(X[i * s.lanes + q]) and bad[q] == 0:
                bad[q] = t
        if bad[q] > 0:
            for i in range(s.nx * (s.k + 1)):
                X[i * s.lanes + q] = 0


def lane_pack(packs: list, lanes: int) -> LanePack:
    """Parameters of the members (`packing.Packed` each), in groups of `lanes`; the last fills up the rest."""
    s = packs[0].sizes
    main = [p.W.reshape(s.na, s.m + s.inputs) for p in packs]
    return LanePack(
        in_lanes([p.P for p in packs], lanes),
        in_lanes([p.F for p in packs], lanes),
        in_lanes([w[:, : s.m].ravel() for w in main], lanes),
        in_lanes([w[:, s.m :].ravel() for w in main] if s.inputs else [w[0, :1] for w in main], lanes),
        in_lanes([p.H for p in packs], lanes),
    )


def in_lanes(rows, lanes: int) -> np.ndarray:
    """Members' rows (members, ...) as (groups, ... * lanes), member fastest."""
    rows = np.asarray(rows)
    groups = -(-len(rows) // lanes)
    index = np.minimum(np.arange(groups * lanes), len(rows) - 1)
    parts = rows[index].reshape(groups, lanes, -1)
    return np.ascontiguousarray(parts.transpose(0, 2, 1)).reshape(groups, -1)


def out_of_lanes(groups: np.ndarray, lanes: int, count: int) -> np.ndarray:
    """Rows (count, ...) of the members; undoes `in_lanes`."""
    parts = groups.reshape(len(groups), -1, lanes).transpose(0, 2, 1)
    return parts.reshape(len(groups) * lanes, -1)[:count]


def lane_work(sizes, planes: int, k: int, lanes: int, dtype) -> LaneWork:
    """Scratch for one group; `planes`: coefficients a unit."""
    s = sizes

    def memory(size):
        return np.zeros(max(1, size) * lanes, dtype)

    return LaneWork(
        memory((k + 1) * s.m), memory(max((k + 1) * s.m, s.nx + 1)), memory((k + 1) * s.na),
        memory(planes * s.n), memory(s.m), memory((k + 1) * s.nx), memory(k), memory(k * k),
        np.ones(k * lanes),
    )  # fmt: skip
