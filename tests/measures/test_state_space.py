"""State-space divergence against a dense histogram, its invariances and published pitfalls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit.errors import InvalidInputError
from chaoskit.measures import floor, state_space_divergence

seeds = st.integers(0, 2**32 - 1)
few = settings(derandomize=True, max_examples=15, deadline=None)


def clouds(seed, dimension=None):
    """Two clouds of different size, place and width; some generated points lie outside the box."""
    random = np.random.default_rng(seed)
    dimension = dimension or int(random.integers(1, 4))
    true = random.normal(size=(int(random.integers(50, 400)), dimension))
    generated = random.normal(0.3, 1.5, size=(int(random.integers(50, 400)), dimension))
    return true, generated


def dense_divergence(true, generated, n_bins, pseudocount=1e-5):
    """The definition, cell by cell, with one further cell for all that lies outside."""
    margin = 0.1 * true.std(axis=0)
    edges = [
        np.linspace(low, high, n_bins + 1)
        for low, high in zip(true.min(axis=0) - margin, true.max(axis=0) + margin, strict=True)
    ]
    p = np.histogramdd(true, edges)[0] + pseudocount
    q = np.histogramdd(generated, edges)[0] + pseudocount
    n_outside = len(generated) - np.histogramdd(generated, edges)[0].sum()
    p = p / p.sum()
    q = q / (q.sum() + n_outside)
    return float(np.sum(p * np.log(p / q)))


@few
@given(seeds, st.sampled_from([2, 5, 30]))
def test_sparse_histogram_equals_dense(seed, n_bins):
    true, generated = clouds(seed)
    result = state_space_divergence(true, generated, n_bins=n_bins)
    expected = dense_divergence(true, generated, n_bins)
    assert result.method == "histogram"
    assert result.value == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_every_cell_counts_by_hand():
    # Two cells over [-0.05, 1.05]: true counts (2, 2), generated (1, 2) and one point outside.
    true = np.array([0.0, 0.0, 1.0, 1.0])
    generated = np.array([0.0, 1.0, 1.0, 9.0])
    p = np.array([2 + 1e-5, 2 + 1e-5]) / (4 + 2e-5)
    q = np.array([1 + 1e-5, 2 + 1e-5]) / (4 + 2e-5)
    result = state_space_divergence(true, generated, n_bins=2)
    assert result.value == pytest.approx(np.sum(p * np.log(p / q)), rel=1e-14)
    assert result.outside == 0.25


@few
@given(seeds, st.integers(1, 7))
def test_a_series_has_no_divergence_from_itself(seed, dimension):
    true, _ = clouds(seed, dimension)
    assert float(state_space_divergence(true, true)) == 0.0


@few
@given(seeds)
def test_never_negative_and_larger_than_for_a_part_of_the_data(seed):
    true, generated = clouds(seed)
    assert float(state_space_divergence(true, generated)) > 0.0
    assert float(state_space_divergence(true, true[: len(true) // 2])) >= 0.0


@few
@given(seeds, st.floats(0.01, 1000.0), st.floats(-1000.0, 1000.0), st.sampled_from([-1.0, 1.0]))
def test_units_do_not_count(seed, factor, shift, sign):
    true, generated = clouds(seed)
    units = sign * factor * np.arange(1, true.shape[1] + 1)
    plain = state_space_divergence(true, generated)
    moved = state_space_divergence(units * true + shift, units * generated + shift)
    assert moved.value == pytest.approx(plain.value, rel=1e-9)
    assert moved.outside == plain.outside


@few
@given(seeds)
def test_order_of_rows_does_not_count(seed):
    true, generated = clouds(seed)
    random = np.random.default_rng(seed)
    shuffled = state_space_divergence(random.permutation(true), random.permutation(generated))
    assert shuffled.value == pytest.approx(state_space_divergence(true, generated).value, rel=1e-12)


@pytest.mark.parametrize("method", ["histogram", "gaussian mixture"])
def test_points_thrown_far_away_do_not_flatter(lorenz, method):
    true, other = lorenz[::2], lorenz[1::2].copy()
    honest = state_space_divergence(true, other, method=method)
    other[np.random.default_rng(0).random(len(other)) < 0.9] = 1e6
    thrown = state_space_divergence(true, other, method=method)
    assert thrown.outside == pytest.approx(0.9, abs=0.01)
    # Nine tenths of the mass are gone wherever the true points are: at least log 10.
    assert thrown.value > max(2.0, 10.0 * honest.value)


def test_a_shifted_attractor_is_seen(lorenz):
    # Bins on +-2 sd around zero, as once published, drop two thirds of these points.
    assert float(state_space_divergence(lorenz, lorenz + [0.0, 0.0, 5.0])) > 1.0
    assert state_space_divergence(lorenz, lorenz).outside == 0.0


def test_the_first_cell_counts():
    # Cells counted from index 1 on, as once published, miss a fault at the lower corner.
    true = np.repeat([0.0, 1.0], 50)
    expected = 0.5 * np.log(50 / 90) + 0.5 * np.log(50 / 10)
    found = state_space_divergence(true, np.repeat([0.0, 1.0], [90, 10]), n_bins=2)
    assert found.value == pytest.approx(expected, abs=1e-5)
    assert found.outside == 0.0


def test_memory_stays_small_in_five_dimensions():
    true, generated = clouds(3, 5)
    result = state_space_divergence(true, generated)  # 24 million cells, a few hundred used
    assert result.method == "histogram"
    assert np.isfinite(result.value)


def test_lorenz_floor_falls_with_length(lorenz):
    short = floor(state_space_divergence, lorenz[:4000])
    mixed = np.random.default_rng(0).permutation(lorenz)
    long = floor(state_space_divergence, mixed)
    assert 1.0 < short.value < 10.0
    assert 0.01 < long.value < 0.5
    assert (long.n_true, long.n_generated) == (10_000, 10_000)


def test_gaussian_noise_on_lorenz(lorenz):
    # 2.2 with 100,000 points (rho 38); here 20,000 points of rho 28
    random = np.random.default_rng(0)
    noise = random.multivariate_normal(lorenz.mean(axis=0), np.cov(lorenz.T), size=len(lorenz))
    assert 1.5 < float(state_space_divergence(lorenz, noise)) < 4.0


def test_mixture_of_two_gaussians_has_the_known_divergence():
    # Two Gaussian clouds smoothed by variance 1 are Gaussians of variance 2 (in true units),
    # shifted by 1: KL = 1 / (2 * 2).
    random = np.random.default_rng(0)
    true = random.normal(size=(4000, 6))
    true = (true - true.mean(axis=0)) / true.std(axis=0)
    shift = np.array([1.0, 0, 0, 0, 0, 0])
    result = state_space_divergence(true, true + shift, n_samples=4000)
    assert result.method == "gaussian mixture"
    # Finite clouds and samples: agreement within some hundredths.
    assert result.value == pytest.approx(0.25, abs=0.05)


def test_mixture_of_a_run_that_is_too_narrow():
    # Variance 1 + 1 against 0.01 + 1 in each of 6 dimensions: r = 2 / 1.01, KL = 3 (r - 1 - log r).
    true = np.random.default_rng(0).normal(size=(4000, 6))
    result = state_space_divergence(true, 0.1 * true, n_samples=2000)
    ratio = 2.0 / 1.01
    assert result.value == pytest.approx(3 * (ratio - 1 - np.log(ratio)), rel=0.15)


def test_mixture_counts_shares_not_points():
    true = np.random.default_rng(0).normal(size=(300, 6))
    assert float(state_space_divergence(true, np.repeat(true, 3, axis=0))) == pytest.approx(0.0)


def test_mixture_subsamples_long_series_alike():
    true = np.random.default_rng(0).normal(size=(3000, 6))
    assert float(state_space_divergence(true, true, max_centers=500)) == 0.0
    first = state_space_divergence(true, 2 * true, max_centers=500, seed=1)
    again = state_space_divergence(true, 2 * true, max_centers=500, seed=1)
    other = state_space_divergence(true, 2 * true, max_centers=500, seed=2)
    assert first == again != other


@pytest.mark.parametrize("dimension", [3, 7])
def test_a_run_at_enormous_values_stays_finite(dimension):
    true = np.random.default_rng(0).normal(size=(200, dimension))
    result = state_space_divergence(true, np.full((200, dimension), 1e300))
    assert np.isfinite(result.value)
    assert result.value > 5.0
    assert result.outside == 1.0


def test_a_run_at_rest_is_allowed():
    true = np.random.default_rng(0).normal(size=(200, 2))
    assert float(state_space_divergence(true, np.zeros((200, 2)))) > 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_diverged_run_is_named(bad):
    true = np.random.default_rng(0).normal(size=(50, 2))
    generated = true.copy()
    generated[17:, 1] = bad
    with pytest.raises(InvalidInputError, match="diverged at row 17"):
        state_space_divergence(true, generated)


@pytest.mark.parametrize(
    ("true", "generated", "options", "message"),
    [
        (np.zeros((9, 2)) + np.arange(9)[:, None], np.zeros((9, 3)), {}, "same number of columns"),
        ([1.0], [1.0], {}, "at least 2 rows"),
        (np.ones(9), np.arange(9), {}, "never changes"),
        ([1.0, np.nan], [1.0, 2.0], {}, "true: expected finite"),
        (np.arange(9), "text", {}, "real numbers"),
        (np.arange(9), np.arange(9), {"n_bins": 1}, "n_bins"),
        (np.arange(9), np.arange(9), {"pseudocount": 0.0}, "pseudocount"),
        (np.arange(9), np.arange(9), {"method": "kernel"}, "method: expected"),
        (np.eye(20), np.eye(20), {"method": "histogram"}, "fewer bins"),
    ],
)
def test_bad_input_is_named(true, generated, options, message):
    with pytest.raises(InvalidInputError, match=message):
        state_space_divergence(true, generated, **options)
