"""The tree search and the divergence curve against brute force in NumPy."""

import numpy as np
import pytest

from chaoskit.kernels.neighbours import divergence, nearest_neighbours


def brute_force(states, references, theiler, floor):
    """Every distance from every reference point, the forbidden ones set to infinity."""
    gaps = np.linalg.norm(states[references][:, None] - states[None], axis=2)
    near_in_time = np.abs(references[:, None] - np.arange(len(states))) <= theiler
    gaps[near_in_time | (gaps <= floor)] = np.inf
    return gaps.argmin(axis=1), gaps.min(axis=1)


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("count", [13, 24, 25, 700])
@pytest.mark.parametrize("theiler", [0, 5])
def test_tree_finds_what_brute_force_finds(count, dim, theiler):
    rng = np.random.default_rng(count + dim)
    states = np.cumsum(rng.normal(size=(count, dim)), axis=0)  # near in time is near in space
    references = np.arange(count)
    index, distance = nearest_neighbours(states, references, theiler)
    expected, expected_distance = brute_force(states, references, theiler, 0.0)
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_allclose(distance, expected_distance, rtol=1e-14)


def test_repeated_values_are_passed_over():
    rng = np.random.default_rng(1)
    states = rng.integers(0, 6, size=(900, 2)).astype(float)
    references = np.arange(0, 900, 7)
    for floor in (0.0, 1.0):
        _, distance = nearest_neighbours(states, references, 3, floor)
        np.testing.assert_allclose(distance, brute_force(states, references, 3, floor)[1])
        assert distance.min() > floor


def test_no_neighbour_is_minus_one():
    index, distance = nearest_neighbours(np.zeros((50, 2)), np.arange(50), 2)
    assert (index == -1).all()
    assert np.isinf(distance).all()
    index, _ = nearest_neighbours(np.random.default_rng(0).normal(size=(20, 1)), np.arange(20), 19)
    assert (index == -1).all()


def test_divergence_is_the_log_distance():
    states = np.random.default_rng(2).normal(size=(60, 3))
    references, neighbours = np.array([3, 10]), np.array([30, 25])
    logs = np.empty((2, 5))
    divergence(states, references, neighbours, 4, 0, 1e-300, logs)
    steps = 4 * np.arange(5)
    gaps = states[references[:, None] + steps] - states[neighbours[:, None] + steps]
    np.testing.assert_allclose(logs, np.log(np.linalg.norm(gaps, axis=2)), rtol=1e-13)
    divergence(states, references, neighbours, 4, 0, 100.0, logs)
    np.testing.assert_allclose(logs, np.log(100.0))


def test_slack_measures_the_distance_between_curves():
    # Two concentric circles, run through at different speeds: the curves stay 0.1 apart.
    angle = 0.05 * np.arange(200)
    inside = np.column_stack([np.cos(angle), np.sin(angle)])
    outside = 1.1 * np.column_stack([np.cos(1.1 * angle + 0.013), np.sin(1.1 * angle + 0.013)])
    states = np.vstack([inside, outside])
    logs = np.empty((1, 10))
    divergence(states, np.array([40]), np.array([240 - 4]), 10, 20, 1e-300, logs)
    np.testing.assert_allclose(np.exp(logs), 0.1, rtol=1e-3)
    divergence(states, np.array([40]), np.array([240 - 4]), 10, 0, 1e-300, logs)
    assert np.exp(logs[0, -1]) > 0.4
