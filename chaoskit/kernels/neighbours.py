"""Nearest neighbours outside a Theiler window, and how far orbits part that start as neighbours."""

from __future__ import annotations

import math

import numpy as np

from chaoskit._jit import inner, inner_sums, kernel

LEAF = 12
DEPTH = 64  # more than the depth of any tree that fits into memory


def nearest_neighbours(
    states: np.ndarray, references: np.ndarray, theiler: int, floor: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest neighbour of each reference point at least ``theiler + 1`` steps away in time.

    Parameters
    ----------
    states : ndarray, shape (T, D), float64
        One state a row; C-contiguous.
    references : ndarray, shape (R,), int64
        Rows of `states` to search for.
    theiler : int
        Rows nearer in time than or as near as this do not count.
    floor : float
        Distances up to and including this do not count either: 0 passes over repeated states, a
        negative number over none.

    Returns
    -------
    index : ndarray, shape (R,), int64
        Row of the neighbour, -1 where there is none.
    distance : ndarray, shape (R,), float64
    """
    index, distance = neighbours_within(states, references, theiler, 1, math.inf, floor)
    return index[:, 0], distance[:, 0]


def neighbours_within(
    states: np.ndarray, references: np.ndarray, theiler: int, count: int, radius: float, floor: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The `count` nearest neighbours no farther than `radius`, nearest first.

    Returns ``index`` (R, count), -1 where there are fewer, and ``distance``; the rest is as for
    `nearest_neighbours`.
    """
    n, dim = states.shape
    # A median split halves a node until LEAF points are left.
    nodes = 2 ** (max(0, math.ceil(math.log2(max(1, n / LEAF)))) + 1)
    order = np.arange(n)
    lower, upper = np.empty((nodes, dim)), np.empty((nodes, dim))
    first, last = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    grow_tree(states, order, lower, upper, first, last)
    index = np.empty((len(references), count), np.int64)
    distance = np.empty((len(references), count))
    # Points in tree order: a leaf is one run of memory.
    search_tree(
        states,
        references,
        states[order],
        order,
        lower,
        upper,
        first,
        last,
        theiler,
        floor,
        radius,
        index,
        distance,
    )
    return index, distance


@inner
def split_at_median(states, order, a, b, axis):
    """Reorder ``order[a:b]`` so that its middle element is in its place along `axis` (Hoare)."""
    middle = (a + b) // 2
    left, right = a, b - 1
    while left < right:
        pivot = states[order[(left + right) // 2], axis]
        i, j = left, right
        while i <= j:
            while states[order[i], axis] < pivot:
                i += 1
            while states[order[j], axis] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            right = j
        elif middle >= i:
            left = i
        else:
            break
    return middle


@kernel
def grow_tree(states, order, lower, upper, first, last):
    """Fill an implicit binary tree: the box of each node and its run ``first:last`` of `order`."""
    dim = states.shape[1]
    todo = np.empty((DEPTH, 3), np.int64)
    todo[0, 0], todo[0, 1], todo[0, 2] = 0, 0, len(order)
    top = 1
    while top > 0:
        top -= 1
        node, a, b = todo[top]
        first[node], last[node] = a, b
        axis, width = 0, -1.0
        for d in range(dim):
            low, high = np.inf, -np.inf
            for q in range(a, b):
                value = states[order[q], d]
                low = value if value < low else low
                high = value if value > high else high
            lower[node, d], upper[node, d] = low, high
            if high - low > width:
                axis, width = d, high - low
        if b - a > LEAF and 2 * node + 2 < len(first):
            middle = split_at_median(states, order, a, b, axis)
            todo[top, 0], todo[top, 1], todo[top, 2] = 2 * node + 1, a, middle
            todo[top + 1, 0], todo[top + 1, 1], todo[top + 1, 2] = 2 * node + 2, middle, b
            top += 2
            last[node] = -1  # an inner node: its points are looked up in its children


@inner
def box_distance(states, row, lower, upper, node):
    """Squared distance from a state to the box of a node."""
    total = 0.0
    for d in range(states.shape[1]):
        value = states[row, d]
        gap = lower[node, d] - value
        over = value - upper[node, d]
        gap = over if over > gap else gap
        gap = gap if gap > 0.0 else 0.0
        total += gap * gap
    return total


@inner_sums
def squared_distance(a, i, b, j):
    """Squared distance of row i of a from row j of b."""
    total = 0.0
    for d in range(a.shape[1]):
        gap = a[i, d] - b[j, d]
        total += gap * gap
    return total


@inner
def insert(index, distance, r, row, gap):
    """Put a neighbour into its place among those found so far; the last one falls out."""
    k = index.shape[1] - 1
    while k > 0 and distance[r, k - 1] > gap:
        index[r, k], distance[r, k] = index[r, k - 1], distance[r, k - 1]
        k -= 1
    index[r, k], distance[r, k] = row, gap


@kernel
def search_tree(
    states, references, points, order, lower, upper, first, last, theiler, floor, radius, index, distance
):
    """Depth-first search of the tree, nearer child first, with the Theiler test in the leaves."""
    nodes = np.empty(DEPTH, np.int64)
    bounds = np.empty(DEPTH)
    least = floor * abs(floor)
    last_place = index.shape[1] - 1
    for r in range(len(references)):
        row = references[r]
        best = radius * radius
        for k in range(last_place + 1):
            index[r, k], distance[r, k] = -1, np.inf
        nodes[0], bounds[0] = 0, 0.0
        top = 1
        while top > 0:
            top -= 1
            node = nodes[top]
            if bounds[top] >= best:
                continue
            if last[node] >= 0:
                for q in range(first[node], last[node]):
                    if abs(order[q] - row) > theiler:
                        gap = squared_distance(states, row, points, q)
                        if least < gap < best:
                            insert(index, distance, r, order[q], gap)
                            if index[r, last_place] >= 0:
                                best = distance[r, last_place]
                continue
            near, far = 2 * node + 1, 2 * node + 2
            to_near = box_distance(states, row, lower, upper, near)
            to_far = box_distance(states, row, lower, upper, far)
            if to_far < to_near:
                near, far, to_near, to_far = far, near, to_far, to_near
            nodes[top], bounds[top] = far, to_far
            nodes[top + 1], bounds[top + 1] = near, to_near
            top += 2
        for k in range(last_place + 1):
            distance[r, k] = math.sqrt(distance[r, k])


@inner_sums
def distance_to_orbit(states, row, at):
    """Squared distance from a state to the parabola through the rows at-1, at and at+1."""
    speed, along = 0.0, 0.0
    for d in range(states.shape[1]):
        velocity = 0.5 * (states[at + 1, d] - states[at - 1, d])
        speed += velocity * velocity
        along += velocity * (states[row, d] - states[at, d])
    shift = along / speed if speed > 0.0 else 0.0
    shift = 0.5 if shift > 0.5 else shift
    shift = -0.5 if shift < -0.5 else shift
    total = 0.0
    for d in range(states.shape[1]):
        velocity = 0.5 * (states[at + 1, d] - states[at - 1, d])
        bend = states[at + 1, d] + states[at - 1, d] - 2.0 * states[at, d]
        gap = states[row, d] - states[at, d] - shift * (velocity + 0.5 * shift * bend)
        total += gap * gap
    return total


@inner
def follow(states, row, at, lowest, highest):
    """Walk downhill from `at` to the row of the neighbouring orbit that is next to a state."""
    best = squared_distance(states, row, states, at)
    start = at
    while at < highest:
        gap = squared_distance(states, row, states, at + 1)
        if gap >= best:
            break
        best, at = gap, at + 1
    if at > start:
        return at
    while at > lowest:
        gap = squared_distance(states, row, states, at - 1)
        if gap >= best:
            break
        best, at = gap, at - 1
    return at


@kernel
def divergence(states, references, neighbours, stride, slack, floor, logs):
    """Log distance of each pair after 0, stride, 2 stride, ... steps, into logs (pairs, lags).

    With ``slack > 0`` the distance is the one to the neighbour's orbit as a curve: its phase may
    run ahead or behind by up to `slack` rows, and the orbit is interpolated between rows. That
    takes out the direction of the flow, which does not grow and would hide what does. The caller
    leaves ``slack + 1`` rows at both ends.
    """
    for p in range(len(references)):
        row, at = references[p], neighbours[p]
        aligned = at
        for k in range(logs.shape[1]):
            if slack > 0:
                at = follow(states, row, at, aligned - slack, aligned + slack)
                gap = math.sqrt(distance_to_orbit(states, row, at))
            else:
                gap = math.sqrt(squared_distance(states, row, states, at))
            logs[p, k] = math.log(gap if gap > floor else floor)
            row += stride
            at += stride
            aligned += stride
