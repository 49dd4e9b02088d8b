"""Period of a limit cycle of a flow, from where its orbit crosses a section."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SAME = 1e-3  # distance of crossings that are the same, in units of the spread: they are interpolated
_EVEN = 1e-2  # relative difference of the times between returns
_FEWEST = 3  # times that a pattern of crossings must be seen


class SectionReturn(NamedTuple):
    """A pattern of crossings that repeats: how many crossings, steps a period, distance over the spread."""

    crossings: int
    period: float
    distance: float


def section_return(states: np.ndarray, most: int) -> SectionReturn | None:
    """Shortest pattern of at most `most` upward crossings that repeats all along the stretch, or None.

    The section is the mean of the coordinate with the largest spread. Times and states of a crossing come
    from cubic interpolation.
    """
    spread = np.ptp(states, axis=0)
    axis = int(spread.argmax())
    times, points = _crossings(states, axis)
    for count in range(1, min(most, len(times) // _FEWEST) + 1):
        distance = float(np.abs(points[count:] - points[:-count]).max()) / float(spread[axis])
        turns = times[count:] - times[:-count]
        if distance <= SAME and np.ptp(turns) <= _EVEN * turns.mean():
            whole = (len(times) - 1) // count
            return SectionReturn(count, float(times[whole * count] - times[0]) / whole, distance)
    return None


def _crossings(states: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """(times in steps, states) where a coordinate crosses its mean upwards."""
    height = states[:, axis] - states[:, axis].mean()
    at = np.flatnonzero((height[:-1] < 0) & (height[1:] >= 0))
    at = at[(at >= 1) & (at < len(states) - 2)]
    if at.size == 0:
        return np.zeros(0), states[:0]
    near = height[at[:, None] + np.arange(-1, 3)]
    share = near[:, 1] / (near[:, 1] - near[:, 2])
    for _ in range(4):  # secant steps on the cubic through four heights
        weights, slopes = _cubic(share)
        share = np.clip(share - (weights * near).sum(axis=1) / (slopes * near).sum(axis=1), 0.0, 1.0)
    weights = _cubic(share)[0]
    points = np.einsum("nk,nkd->nd", weights, states[at[:, None] + np.arange(-1, 3)])
    return at + share, points


def _cubic(s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n, 4) of the values at -1, 0, 1, 2 in the cubic through them at s, and their derivatives."""
    weights = (-s * (s - 1) * (s - 2) / 6, (s + 1) * (s - 1) * (s - 2) / 2,
               -(s + 1) * s * (s - 2) / 2, (s + 1) * s * (s - 1) / 6)  # fmt: skip
    slopes = (-(3 * s**2 - 6 * s + 2) / 6, (3 * s**2 - 4 * s - 1) / 2,
              -(3 * s**2 - 2 * s - 2) / 2, (3 * s**2 - 1) / 6)  # fmt: skip
    return np.stack(weights, axis=1), np.stack(slopes, axis=1)
