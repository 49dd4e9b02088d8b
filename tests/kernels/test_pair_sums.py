"""Neighbours and pair counts against searches that look at every state."""

import numpy as np
import pytest

from chaoskit.kernels.correlation import count_pairs, displacements
from chaoskit.kernels.neighbours import neighbours_within


def distances(states, references, theiler):
    """All distances (R, T), infinite inside the Theiler window."""
    gaps = np.linalg.norm(states[references][:, None] - states[None], axis=2)
    near = np.abs(references[:, None] - np.arange(len(states))) <= theiler
    return np.where(near, np.inf, gaps)


@pytest.mark.parametrize(("count", "radius"), [(1, np.inf), (7, np.inf), (7, 0.4)])
@pytest.mark.parametrize("theiler", [0, 25])
def test_neighbours_are_those_of_a_full_search(count, radius, theiler):
    states = np.random.default_rng(0).normal(size=(500, 3))
    references = np.arange(0, 500, 7)
    index, distance = neighbours_within(states, references, theiler, count, radius, -1.0)
    every = distances(states, references, theiler)
    expected = np.sort(every, axis=1)[:, :count]
    expected[expected > radius] = np.inf
    np.testing.assert_allclose(distance, expected)
    np.testing.assert_array_equal(index >= 0, np.isfinite(expected))
    rows, places = np.nonzero(index >= 0)
    np.testing.assert_allclose(every[rows, index[rows, places]], distance[rows, places])


def test_pairs_are_counted_by_distance():
    states = np.random.default_rng(2).normal(size=(300, 2))
    references = np.arange(0, 300, 3)
    counts = np.zeros((100, 22), np.int64)
    count_pairs(states, references, 10, -3.0, 0.2, counts)
    every = distances(states, references, 10)
    logs = np.log(every[np.isfinite(every)])
    edges = np.concatenate([[-np.inf], -3.0 + 0.2 * np.arange(21), [np.inf]])
    np.testing.assert_array_equal(counts.sum(axis=0), np.histogram(logs, edges)[0])


def test_displacement_of_a_straight_walk():
    walk = np.arange(50.0)[None]
    grown = np.empty((1, 5))
    displacements(3 * walk, 4 * walk, 40, grown)
    np.testing.assert_allclose(grown[0], (5.0 * np.arange(1, 6)) ** 2)
