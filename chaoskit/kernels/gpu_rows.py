"""What the spectra on a GPU share: rows of tangents, their norms, and the logarithms of these.

Row r of an array of rows begins at `at` + r * ld. The twin on the CPU is gram_schmidt.py, whose comments say
why a row needs a second look; the limits are the same.
"""

from __future__ import annotations

import math

from .._jit import INLINE, gpu_function, overload
from ..cells._math import like
from .gram_schmidt import NOISE


def by_precision(x, double, single):
    """The constant for the type of x: `double` for float64, `single` for float32, in that type."""
    return type(x)(single if like(x, 1.0) + like(x, 1e-12) == like(x, 1.0) else double)


@overload(by_precision, target="generic", jit_options=INLINE)
def _by_precision(x, double, single):
    if x.bitwidth == 32:
        return lambda x, double, single: like(x, single)
    return lambda x, double, single: like(x, double)


# ---- norms
@gpu_function
def moderate(square, removed):
    """True for a squared length that products stand, and of which the rows before have left enough."""
    low, high = by_precision(square, 1e-16, 1e-10), by_precision(square, 1e16, 1e10)
    return low < square and square < high and square >= by_precision(square, 1e-20, 1e-8) * removed


@gpu_function
def norm_of_extremes(V, at, count, square):
    """Norm of a row, also where its squared length, as given, has left the range of the type."""
    zero = like(square, 0.0)
    if by_precision(square, 1e-280, 1e-30) < square and square < by_precision(square, 1e300, 1e37):
        return like(square, math.sqrt(square))
    size = zero
    for i in range(count):
        value = abs(V[at + i])
        size = value if not value <= size else size
    if not (zero < size and size < like(square, math.inf)):
        return like(square, size)
    total = zero
    for i in range(count):
        ratio = V[at + i] / size
        total += ratio * ratio
    return like(square, size * like(square, math.sqrt(total)))


@gpu_function
def most_removed(F, jf, S, js, l, k, zero):
    """Largest component that has been taken off row l of k: factors F of rows of squared length S."""
    most = zero
    for j in range(k):
        if j < l:
            size = abs(F[jf + j]) * like(zero, math.sqrt(S[js + j]))
            most = size if size > most else most
    return most


@gpu_function
def cancelled(norm, most):
    """True for a row that has lost nearly all of its length to the rows before it."""
    return like(norm, 0.0) < norm and norm < by_precision(norm, 1e-10, 1e-4) * most


@gpu_function
def entry_is_noise(entry, V, at, ld, F, jf, l, k, most, width):
    """True for an entry of row l of k no larger than the round-off of what was taken off it, in its column.

    In units of `most`, lest squares underflow.
    """
    removed = like(most, 0.0)
    for j in range(k):
        if j < l:
            part = F[jf + j] * V[at + j * ld] / most
            removed += part * part
    entry = entry / most
    eps = by_precision(most, NOISE * 2.3e-16, NOISE * 1.2e-7)
    return entry * entry <= eps * eps * like(most, width) * removed


@gpu_function
def noisy_for_long(noisy, doubts):
    """(the doubts about a row after this look, True if it is given up)."""
    doubts = doubts + like(doubts, 1.0) if noisy else like(doubts, 0.0)
    return doubts, doubts >= by_precision(doubts, 1.0, 3.0)


@gpu_function
def safe_norm(norm):
    """0 for a norm whose inverse is out of range."""
    return norm * like(norm, 0.0) if norm < by_precision(norm, 2.3e-308, 1.2e-38) else norm


@gpu_function
def inverse_of(norm):
    """1 / norm; 0 of 0, NaN of NaN."""
    return like(norm, 1.0) / norm if norm > like(norm, 0.0) else norm


@gpu_function
def second_look(V, iv, ld, nx, l, k, F, jf, S, js, square, doubts):
    """By one thread: (norm, doubts) of row l of k, which then has length 1, or is zero.

    Loops go to k, not to l, so that the compiler can unroll them where k is a constant.

    Its squared length was `square`. The rows before it, of squared lengths S, have been taken off with
    factors F; if hardly anything is left that is done again, and what is no more than round-off becomes zero.
    """
    row = iv + l * ld
    zero = like(square, 0.0)
    norm = norm_of_extremes(V, row, nx, square)
    most = most_removed(F, jf, S, js, l, k, zero)
    if cancelled(norm, most):
        for j in range(k):
            if j < l and S[js + j] > zero:
                c = zero
                for i in range(nx):
                    c += V[iv + j * ld + i] * V[row + i]
                c = c / S[js + j]
                for i in range(nx):
                    V[row + i] -= c * V[iv + j * ld + i]
                F[jf + j] += c
        noisy = True
        for i in range(nx):
            noisy = noisy and entry_is_noise(V[row + i], V, iv + i, ld, F, jf, l, k, most, nx + k)
        doubts, lost = noisy_for_long(noisy, doubts)
        for i in range(nx):
            V[row + i] = zero if lost else V[row + i]
        norm = norm_of_extremes(V, row, nx, zero)
    else:
        doubts = like(doubts, 0.0)
    norm = safe_norm(norm)
    inverse = inverse_of(norm)
    for i in range(nx):
        V[row + i] *= inverse
    return norm, doubts


@gpu_function
def unit_or_nothing(norm):
    """Squared length of a row after its second look: 1, or 0 or NaN."""
    return like(norm, 1.0) if norm > like(norm, 0.0) else norm


# ---- logarithms
@gpu_function
def add_norm(totals, at, norm, logs, il):
    """Multiply a norm into a product; logarithms are taken when this threatens to leave the range."""
    product = totals[at] * norm
    if by_precision(norm, 1e-100, 1e-30) < product and product < by_precision(norm, 1e100, 1e30):
        totals[at] = product
    else:
        value = like(norm, math.log(totals[at]))
        value += like(norm, math.log(norm)) if norm != like(norm, 0.0) else like(norm, -math.inf)
        logs[il] += value
        totals[at] = like(norm, 1.0)


@gpu_function
def flush(totals, at, logs, il):
    """Add the logarithm of a product to its sum."""
    one = like(totals[at], 1.0)
    if totals[at] != one:
        logs[il] += like(one, math.log(totals[at]))
        totals[at] = one


@gpu_function
def spread_of(norms, at, count, stride):
    """Largest over smallest norm; norms of 0 are left out."""
    zero = like(norms[at], 0.0)
    high, low = zero, like(zero, math.inf)
    for j in range(count):
        norm = norms[at + j * stride]
        high = norm if norm > high else high
        low = norm if zero < norm and norm < low else low
    return high / low
