"""Neighbourhoods that contract: what they promise of products of Jacobians around a cycle."""

from __future__ import annotations

import numpy as np

from chaoskit.cells import Linear
from chaoskit.gradients.contraction import tubes


def test_norms_follow_the_orbit_around_a_cycle():
    """Each point has its own norm: with those of one point at all of them, products exceed the promise."""
    points = np.array([[1.0, 0.0], [0.0, 1.0]])
    J = np.array([[[0.1, 9.0], [0.0, 0.1]], [[0.1, 0.0], [0.05, 0.1]]])
    found = list(tubes(points, points[::-1], J, Linear.init(2, rng=0), np.zeros((2, 0))))
    assert found
    for tube in found:
        for start in (0, 1):
            product = np.eye(2)
            for length in range(1, 40):
                product = J[(start + length - 1) % 2] @ product
                promised = tube.contraction.kappa * tube.contraction.rate**length
                assert np.linalg.norm(product, 2) <= promised
