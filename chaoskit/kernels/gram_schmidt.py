"""Gram-Schmidt on rows: blocked, and right where tangents are tiny, parallel or wiped out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._jit import inlined, inner, unowned
from .lane_vectors import (
    four_sums,
    lane_numbers,
    load_lanes,
    multiply_add,
    multiply_subtract,
    same_in_all,
    store_lanes,
    sum_of_lanes,
    wide,
    zero_lanes,
)
from .linalg import gemm

# In units of eps sqrt(rows + entries): how far round-off may stand above what was taken off a row.
NOISE = 4.0


class Triangle(NamedTuple):
    """What Gram-Schmidt of k rows leaves behind, and its scratch."""

    norms: np.ndarray  # the diagonal
    coefficients: np.ndarray  # (k, k), flat: what lies below it; its diagonal counts, see `clean_row`
    squares: np.ndarray  # of rows that are done but not yet of length 1
    removed: np.ndarray  # squared length of what has been taken off each row


@inner
def triangle(like, k):
    """Memory for k rows."""
    dtype = like.dtype
    return Triangle(np.zeros(k, dtype), np.zeros(k * k, dtype), np.zeros(k, dtype), np.zeros(k, dtype))


@inner
def keep_triangle(found):
    """The last use of a triangle that was borrowed."""
    for part in found:
        part[0] = 0


@inner
def gram_schmidt(V, flat, iv, found, panel, work):
    """Orthonormalise the rows of V (k, N) in place: V = (lower triangle) Q.

    `flat` is the memory of V, which begins at `iv`; `found` (`Triangle`) gets the triangle. Panels of rows
    are joined by two products, halves of powers of two as in the recursive form, but iteratively: a
    recursive function cannot be cached.
    On tangents kept as rows this stays exact where J = diag . W is badly graded and Householder is not.
    A direction that the Jacobian has wiped out comes back as round-off; such a row becomes zero (norm 0).
    """
    k, N = V.shape
    flat = unowned(flat)
    found = unowned(found)
    coefficients = found.coefficients
    done = 0
    while done < k:
        stop = min(done + panel, k)
        _panel(flat, iv, N, done, stop, k, found)
        done = stop
        panels = done // panel
        w = panel * (panels & -panels)  # rows of the block that has just become complete
        r = min(w, k - done)
        if r > 0:
            q, v = iv + (done - w) * N, iv + done * N
            c = done * k + done - w
            gemm(work, 0, 1, r, w, N, 1, flat, v, N, flat, q, N, 0, coefficients, c, k)
            gemm(work, 0, 0, r, N, w, -1, coefficients, c, k, flat, q, N, 1, flat, v, N)


@inlined
def _panel(flat, iv, N, first, last, k, found):
    """Modified Gram-Schmidt of rows first .. last - 1, of which the rows before `first` have been taken off.

    Rows get their length of 1 at the end, so that no square root stands between one row and the next; but a
    row that is very long or short gets it at once, lest products with it leave the range. A row that needs a
    second look gets it after all before it have their length.
    """
    zero, one = flat.dtype.type(0), flat.dtype.type(1)
    coefficients, squares, removed = found.coefficients, found.squares, found.removed
    tiny = flat.dtype.type(1e-20 if flat.itemsize == 8 else 1e-8)
    for l in range(first, last):
        removed[l] = _sum_of_squares(coefficients, l * k, first)
    begin = first
    for j in range(first, last):
        square = _square(flat, iv + j * N, N)
        if not _moderate(square, flat.itemsize) or square < tiny * removed[j]:
            _finish(flat, iv, N, begin, j, last, k, found)
            square = _second_look(flat, iv, N, j, square, k, found)
            begin = j + 1
        else:
            coefficients[j * k + j] = zero
        squares[j] = square
        inverse = one / square if square > zero else square
        l = j + 1
        while l + 3 < last:
            _remove_from_four(flat, iv, N, j, l, k, inverse, found)
            l += 4
        while l < last:
            _remove_from_one(flat, iv, N, j, l, k, inverse, found)
            l += 1
    _finish(flat, iv, N, begin, last, last, k, found)


@inlined
def _moderate(square, itemsize):
    """True if products with a row of this squared length stay in range, and their squares too."""
    if itemsize == 8:
        return 1e-16 < square < 1e16
    return 1e-10 < square < 1e10


@inlined
def _sum_of_squares(x, at, count):
    total = x.dtype.type(0)
    part = x[at : at + count]
    for i in range(count):
        total += part[i] * part[i]
    return total


@inlined
def _square(flat, at, N):
    """Squared length of the row that begins at `at`."""
    tag = wide(flat)
    L = lane_numbers(tag)
    whole = N - N % L
    total, rest = zero_lanes(tag, flat), flat.dtype.type(0)
    for i in range(at, at + whole, L):
        v = load_lanes(tag, flat, i)
        total = multiply_add(v, v, total)
    for i in range(at + whole, at + N):
        rest += flat[i] * flat[i]
    return sum_of_lanes(total) + rest


@inlined
def _remove_from_four(flat, iv, N, j, l, k, inverse, found):
    """Take row j, whose squared length is 1 / inverse, off rows l to l + 3."""
    tag = wide(flat)
    L = lane_numbers(tag)
    whole = N - N % L
    q, a = iv + j * N, iv + l * N
    b, c, d = a + N, a + 2 * N, a + 3 * N
    ta = tb = tc = td = zero_lanes(tag, flat)
    for i in range(0, whole, L):
        v = load_lanes(tag, flat, q + i)
        ta = multiply_add(v, load_lanes(tag, flat, a + i), ta)
        tb = multiply_add(v, load_lanes(tag, flat, b + i), tb)
        tc = multiply_add(v, load_lanes(tag, flat, c + i), tc)
        td = multiply_add(v, load_lanes(tag, flat, d + i), td)
    sa, sb, sc, sd = four_sums(ta, tb, tc, td)
    for i in range(whole, N):
        sa += flat[q + i] * flat[a + i]
        sb += flat[q + i] * flat[b + i]
        sc += flat[q + i] * flat[c + i]
        sd += flat[q + i] * flat[d + i]
    fa = _keep(sa, inverse, j, l, k, found)
    fb = _keep(sb, inverse, j, l + 1, k, found)
    fc = _keep(sc, inverse, j, l + 2, k, found)
    fd = _keep(sd, inverse, j, l + 3, k, found)
    va, vb = same_in_all(tag, flat, fa), same_in_all(tag, flat, fb)
    vc, vd = same_in_all(tag, flat, fc), same_in_all(tag, flat, fd)
    for i in range(0, whole, L):
        v = load_lanes(tag, flat, q + i)
        store_lanes(tag, flat, a + i, multiply_subtract(va, v, load_lanes(tag, flat, a + i)))
        store_lanes(tag, flat, b + i, multiply_subtract(vb, v, load_lanes(tag, flat, b + i)))
        store_lanes(tag, flat, c + i, multiply_subtract(vc, v, load_lanes(tag, flat, c + i)))
        store_lanes(tag, flat, d + i, multiply_subtract(vd, v, load_lanes(tag, flat, d + i)))
    for i in range(whole, N):
        flat[a + i] -= fa * flat[q + i]
        flat[b + i] -= fb * flat[q + i]
        flat[c + i] -= fc * flat[q + i]
        flat[d + i] -= fd * flat[q + i]


@inlined
def _remove_from_one(flat, iv, N, j, l, k, inverse, found):
    """The same for row l alone."""
    tag = wide(flat)
    L = lane_numbers(tag)
    whole = N - N % L
    q, a = iv + j * N, iv + l * N
    total, rest = zero_lanes(tag, flat), flat.dtype.type(0)
    for i in range(0, whole, L):
        total = multiply_add(load_lanes(tag, flat, q + i), load_lanes(tag, flat, a + i), total)
    for i in range(whole, N):
        rest += flat[q + i] * flat[a + i]
    factor = _keep(sum_of_lanes(total) + rest, inverse, j, l, k, found)
    f = same_in_all(tag, flat, factor)
    for i in range(0, whole, L):
        v = load_lanes(tag, flat, q + i)
        store_lanes(tag, flat, a + i, multiply_subtract(f, v, load_lanes(tag, flat, a + i)))
    for i in range(whole, N):
        flat[a + i] -= factor * flat[q + i]


@inlined
def _keep(product, inverse, j, l, k, found):
    """Note the product of rows j and l; returns how much of row j to take off row l."""
    factor = product * inverse
    found.coefficients[l * k + j] = product
    found.removed[l] += product * factor
    return factor


@inlined
def _finish(flat, iv, N, begin, end, last, k, found):
    """Give rows begin .. end - 1 the length 1; products with them, up to row `last`, become coefficients."""
    one = flat.dtype.type(1)
    norms, coefficients, inverses = found.norms, found.coefficients, found.squares
    for j in range(begin, end):
        norms[j] = np.sqrt(inverses[j])
        inverses[j] = one / norms[j]
        row = flat[iv + j * N : iv + (j + 1) * N]
        for i in range(N):
            row[i] *= inverses[j]
    for l in range(begin + 1, last):
        row = coefficients[l * k + begin : l * k + min(l, end)]
        scale = inverses[begin : min(l, end)]
        for i in range(row.size):
            row[i] *= scale[i]


@inner
def _second_look(flat, iv, N, j, square, k, found):
    """Length of a row that has nearly vanished, or whose square is out of range; returns 1, or 0 for no row.

    The rows before it have length 1, and so has this one afterwards.
    """
    zero, one = flat.dtype.type(0), flat.dtype.type(1)
    norm = np.sqrt(square)
    if not in_range(square, flat.itemsize):
        norm = norm_of_extremes(flat, iv + j * N, N, 1)
    if cancelled(norm, found.coefficients, j * k, j, 1):
        norm = clean_row(flat, iv, N, j, k, found.coefficients, 0, 1)
    else:
        found.coefficients[j * k + j] = zero
    norm = zero_if_subnormal(norm, flat.itemsize)
    found.norms[j] = norm
    inverse = one / norm if norm > zero else norm
    for i in range(iv + j * N, iv + (j + 1) * N):
        flat[i] *= inverse
    if norm > zero:
        return one
    return norm  # 0, or NaN


# What follows is for the rare row that needs a second look. Element i lies at `at` + i * stride: a stride of
# 1 for rows in a row, of the number of lanes where systems lie side by side (lanes.py).
@inner
def in_range(square, itemsize):
    """False if a sum of squares has left the range in which it is right (or is 0, or NaN)."""
    if itemsize == 8:
        return 1e-280 < square < 1e300
    return 1e-30 < square < 1e37


@inner
def norm_of_extremes(flat, at, N, stride):
    """Norm of numbers whose squares would underflow or overflow."""
    size = 0.0
    for i in range(N):
        value = abs(np.float64(flat[at + i * stride]))
        size = value if not value <= size else size
    if not (size > 0 and math.isfinite(size)):
        return flat.dtype.type(size)
    total = 0.0
    for i in range(N):
        ratio = np.float64(flat[at + i * stride]) / size
        total += ratio * ratio
    return flat.dtype.type(size * math.sqrt(total))


@inner
def zero_if_subnormal(norm, itemsize):
    """0 for a norm whose inverse is out of range: such a row has lost its digits, and counts as wiped out."""
    smallest = 2.3e-308 if itemsize == 8 else 1.2e-38
    return norm * 0 if norm < smallest else norm


@inner
def cancelled(rest, coefficients, row, count, stride):
    """True if a row has lost all but 1e-10 (1e-4 in float32) of its length to the `count` rows before it."""
    most = coefficients.dtype.type(0)
    for j in range(count):
        size = abs(coefficients[row + j * stride])
        most = size if size > most else most
    return 0 < rest < coefficients.dtype.type(1e-10 if coefficients.itemsize == 8 else 1e-4) * most


@inner
def clean_row(flat, iv, N, l, k, coefficients, ic, stride):
    """Row l of k once more against the rows before it, which are orthonormal; zero if that leaves noise.

    Rows begin at `iv`, coefficients at `ic`. The products between panels take off a panel at a time, with
    an error of eps times the whole row in each direction of the panel; that is too much for a row of which
    little remains. Returns its norm.
    """
    row = iv + l * N * stride
    for j in range(l):
        at = iv + j * N * stride
        c = flat.dtype.type(0)
        for i in range(N):
            c += flat[at + i * stride] * flat[row + i * stride]
        for i in range(N):
            flat[row + i * stride] -= c * flat[at + i * stride]
        coefficients[ic + (l * k + j) * stride] += c
    own = ic + (l * k + l) * stride
    noise = _is_noise(flat, iv, N, l, k, coefficients, ic, stride)
    coefficients[own] = coefficients[own] + 1 if noise else 0
    if coefficients[own] >= (1 if flat.itemsize == 8 else 3):  # a chance of 1e-4 is too much, of 1e-12 not
        for i in range(N):
            flat[row + i * stride] = 0
    return norm_of_extremes(flat, row, N, stride)


@inner
def _is_noise(flat, iv, N, l, k, coefficients, ic, stride):
    """True if no entry of row l of k stands above the round-off of what was taken off it.

    Entry by entry, because a tangent may be tiny and yet right to the last digit: where J = diag . W is
    badly graded, the small entries are small in every row.
    """
    eps = 2.3e-16 if flat.itemsize == 8 else 1.2e-7
    bound = (NOISE * eps) ** 2 * (N + k)
    for i in range(N):
        removed = 0.0
        for j in range(l):
            q = flat[iv + (j * N + i) * stride]
            part = np.float64(coefficients[ic + (l * k + j) * stride] * q)
            removed += part * part
        entry = np.float64(flat[iv + (l * N + i) * stride])
        if not entry * entry <= bound * removed:
            return False
    return True
