"""Sums over pairs of states or of rows: correlation sums, and the displacement of driven walks."""

from __future__ import annotations

import math

from chaoskit._jit import inner_sums, kernel

from .neighbours import squared_distance


@kernel
def count_pairs(states, references, theiler, low, width, counts):
    """Histogram of the log distances from each reference to all states outside the Theiler window.

    ``counts[r, k]`` are the pairs whose log distance lies in bin k of `width` from `low` on; what lies
    below is counted in the first bin, what lies above in the last.
    """
    last = counts.shape[1] - 1
    tiny = math.exp(2 * low)
    for r in range(len(references)):
        row = references[r]
        for i in range(len(states)):
            if abs(i - row) <= theiler:
                continue
            gap = squared_distance(states, row, states, i)
            place = 0
            if gap > tiny:
                place = int((0.5 * math.log(gap) - low) / width) + 1
                place = place if place < last else last
            counts[r, place] += 1


@inner_sums
def _mean_square(walk, lag, rows):
    total = 0.0
    for t in range(rows):
        step = walk[t + lag] - walk[t]
        total += step * step
    return total / rows


@kernel
def displacements(first, second, rows, result):
    """Mean square displacement of walks in the plane, (C, T) each, after 1, 2, ... steps: (C, lags)."""
    for c in range(len(first)):
        for k in range(result.shape[1]):
            result[c, k] = _mean_square(first[c], k + 1, rows) + _mean_square(second[c], k + 1, rows)
