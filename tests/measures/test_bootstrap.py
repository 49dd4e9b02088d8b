"""Intervals by blocks: what is drawn again, how long blocks are, and whether the intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit.errors import InvalidInputError
from chaoskit.measures import (
    bootstrap_interval,
    correlation_time,
    spectral_distance,
    state_space_divergence,
)
from chaoskit.measures.bootstrap import block_length, block_rows, statistic_interval
from chaoskit.measures.state_space import divergence_of_rows
from chaoskit.timeseries import embed


def process(a: float, rows: int, seed: int, count: int = 1) -> np.ndarray:
    """x' = a x + noise, stationary; shape (count, rows)."""
    noise = np.random.default_rng(seed).normal(size=(rows, count))
    noise[0] /= np.sqrt(1 - a**2)
    for t in range(1, rows):
        noise[t] += a * noise[t - 1]
    return noise.T


@pytest.mark.parametrize("a", [0.5, 0.9])
def test_correlation_time_of_a_linear_process(a):
    """Sum of a^(2 |k|) over all lags: (1 + a^2) / (1 - a^2); that of the squares is shorter."""
    assert correlation_time(process(a, 50_000, 0)[0]) == pytest.approx((1 + a**2) / (1 - a**2), rel=0.1)


def test_swings_do_not_cancel():
    """An AR(2) that swings has autocorrelations that sum to nearly nothing, and a memory all the same."""
    x = process(0.0, 50_000, 1)[0]
    for t in range(2, len(x)):
        x[t] += 1.8 * np.cos(1.0) * x[t - 1] - 0.81 * x[t - 2]  # envelope 0.9^k
    assert correlation_time(x) > 4.0
    assert correlation_time(1e150 * x) == pytest.approx(correlation_time(x))
    assert correlation_time(np.sin(0.3 * np.arange(3000))) > 500
    assert correlation_time(np.ones(10)) == 1.0


def test_blocks_are_longer_than_the_memory_and_ten_fit():
    x = process(0.9, 20_000, 2)[0]
    assert 10 * correlation_time(x) <= block_length(x) <= 2000
    assert block_length(np.sin(0.3 * np.arange(3000))) == 300
    rng = np.random.default_rng(0)
    rows = block_rows(1000, 30, rng)
    jumps = np.flatnonzero(np.diff(rows) != 1) + 1
    assert len(rows) == 1000
    assert set(jumps % 30) == {0}
    assert rows.min() >= 0
    assert rows.max() <= 999
    drawn = np.concatenate([block_rows(50, 10, rng) for _ in range(200)])
    assert set(drawn) == set(range(50))  # first and last row included


@pytest.mark.parametrize("dimension", [2, 6])
def test_the_divergence_of_rows_is_that_of_the_series(dimension):
    rng = np.random.default_rng(0)
    true, generated = rng.normal(size=(2, 300, dimension))
    generated[:30] += 9.0  # outside the box
    found = divergence_of_rows(true, generated, n_bins=5)(np.arange(300), np.arange(300))
    assert found == state_space_divergence(true, generated, n_bins=5).value
    kept = np.repeat(np.arange(150), 2)
    again = divergence_of_rows(true, generated, n_bins=5)(np.arange(300), kept)
    box = state_space_divergence(true, generated[kept], n_bins=5).value  # the box is that of the true rows
    assert again == pytest.approx(box, rel=1e-12)


def test_intervals_hold_the_mean_over_many_pairs():
    """200 pairs have the mean, 40 of them an interval; the long study is in the verification page."""
    true, generated = process(0.8, 3000, 3, 200), process(0.6, 3000, 4, 200)
    for measure, states in (
        (state_space_divergence, lambda x: embed(x, 1, 2)),
        (spectral_distance, lambda x: x[:, None]),
    ):
        pairs = [(states(a), states(b)) for a, b in zip(true, generated, strict=True)]
        values = np.array([float(measure(*pair)) for pair in pairs])
        found = np.array([bootstrap_interval(measure, *pair) for pair in pairs[:40]])
        held = (found[:, 0] <= values.mean()) & (values.mean() <= found[:, 1])
        assert held.mean() >= 0.8
        width = (found[:, 1] - found[:, 0]).mean() / 2
        assert 0.6 < width / (2.01 * values.std()) < 1.7


def test_rows_one_by_one_are_overconfident():
    """What the blocks are for: with single rows the scatter of a slow process is lost."""
    a, b = embed(process(0.98, 4000, 5)[0], 1, 2), embed(process(0.98, 4000, 6)[0], 1, 2)
    blocks, single = (
        np.diff(bootstrap_interval(state_space_divergence, a, b, block=n))[0] for n in ("auto", 1)
    )
    assert blocks > 2 * single


def test_any_measure_and_any_seed():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 900))

    def shift(x, y):
        return y.mean() - x.mean() + 5.0

    low, high = bootstrap_interval(shift, a, b, n_resamples=200)
    assert high - low == pytest.approx(2 * 1.97 * np.sqrt(2 / 900), rel=0.25)
    assert bootstrap_interval(shift, a, b) == bootstrap_interval(shift, a, b)
    assert bootstrap_interval(shift, a, b) != bootstrap_interval(shift, a, b, seed=1)


def test_interval_of_a_mean_of_correlated_values():
    """An AR(1) mean has the variance (1 + a) / (1 - a) / n times that of the values."""
    x = process(0.7, 2000, 7)[0]
    low, high = statistic_interval(lambda v: float(np.mean(v)), x)
    expected = 2 * 1.96 * np.sqrt(1.7 / 0.3 / 2000 / (1 - 0.49))
    assert high - low == pytest.approx(expected, rel=0.3)
    assert statistic_interval(lambda v: float(np.median(v)), np.full(50, 3.0)) == (3.0, 3.0)
    assert np.isnan(statistic_interval(lambda v: float(np.mean(v)), x[:9])).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_resamples": 5}, "n_resamples"),
        ({"block": "long"}, "block"),
        ({"block": 0}, "block"),
        ({"generated": np.zeros((200, 2))}, "same number of columns"),
        ({"generated": np.full(200, np.nan)}, "diverged at row 0"),
    ],
)
def test_bad_input_is_named(options, message):
    options = {"generated": np.arange(200)} | options
    with pytest.raises(InvalidInputError, match=message):
        bootstrap_interval(spectral_distance, np.arange(200), **options)
