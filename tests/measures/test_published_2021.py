"""The published definitions, faults included, against counts by hand and published yardsticks."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit.dynamics import simulate
from chaoskit.errors import InvalidInputError
from chaoskit.measures import published_2021
from chaoskit.systems import Lorenz63


def test_two_cells_by_hand():
    """Two bins: cell 0, on the left of zero, is lost; one counted point a series is no divergence."""
    true = np.array([-1.0, 1.0, 1.0, -1.0])
    assert published_2021.counted_share(true, 2) == 0.5
    assert published_2021.state_space_divergence(true, np.array([1.0, -1.0]), n_bins=2) < 2e-6
    assert published_2021.state_space_divergence(true, np.array([-1.0, -1.0]), n_bins=2) == np.inf


def test_cells_by_hand():
    """Four bins of width sd: counts 3 and 1 against 1 and 1, with the pseudocount, and a point far away."""
    true = np.array([-0.9, -0.9, -0.9, 0.9, 3.0, -3.0])
    deviation = true.std(ddof=1)
    assert deviation > 1.5
    generated = np.array([-0.9, 0.9, 1e300, -5.0])
    counts = np.array([[0, 3, 1, 1], [0, 1, 1, 0]]) + 1e-5  # -3 falls into cell 0, 3 into cell 3
    p, q = counts / counts.sum(axis=1, keepdims=True)
    expected = np.sum(p * np.log(p / q))
    found = published_2021.state_space_divergence(true, generated, n_bins=4)
    assert found == pytest.approx(expected, rel=1e-12)


def test_most_of_lorenz_is_not_looked_at():
    """With rho = 38, as published, nine rows of ten lie outside the box; of z-scored ones one of six."""
    series = simulate(Lorenz63(rho=38.0), [1.0, 1.0, 30.0], 50_000, dt=0.01, transient=1000)
    scored = (series - series.mean(axis=0)) / series.std(axis=0)
    assert published_2021.counted_share(series) == pytest.approx(0.09, abs=0.02)
    assert published_2021.counted_share(scored) == pytest.approx(0.83, abs=0.03)
    assert published_2021.state_space_divergence(scored[:25_000], scored[25_000:]) < 0.1
    noise = np.random.default_rng(0).normal(size=scored.shape)
    assert published_2021.state_space_divergence(scored, noise) > 1.0


def test_spectrum_of_a_series_against_itself():
    """Its distance is the root of the power beyond the first 500 frequencies: for white noise a half."""
    noise = np.random.default_rng(1).normal(size=(100_000, 2))
    assert published_2021.spectral_distance(noise, noise) == pytest.approx(np.sqrt(0.5), abs=0.01)
    wave = np.sin(2.5 * np.arange(100_000.0))
    assert published_2021.spectral_distance(wave, np.sin(0.3 * np.arange(100_000.0))) > 0.9


def test_bad_input():
    """One clear error each."""
    with pytest.raises(InvalidInputError, match="within two standard deviations"):
        published_2021.state_space_divergence(50.0 + np.sin(np.arange(50.0)), np.zeros(50))
    with pytest.raises(InvalidInputError, match="at most 5 columns"):
        published_2021.state_space_divergence(*(np.random.default_rng(0).normal(size=(2, 50, 6))))
    with pytest.raises(InvalidInputError, match="pieces"):
        published_2021.spectral_distance(np.sin(np.arange(500.0)), np.sin(np.arange(500.0)))
    with pytest.raises(InvalidInputError, match="n_bins"):
        published_2021.state_space_divergence(np.sin(np.arange(50.0)), np.sin(np.arange(50.0)), n_bins=0)
