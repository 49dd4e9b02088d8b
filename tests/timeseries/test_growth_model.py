"""Growth between a floor of noise and a ceiling: curves drawn by hand come back."""

import numpy as np
import pytest

from chaoskit.timeseries.growth import exponential_growth, power_growth, resampled_rates
from chaoskit.timeseries.region import resampled_medians

times = np.arange(60.0)


def curve(rate, floor=-3.0, start=-4.0, ceiling=0.5):
    growing = np.exp(2 * (start + rate * times))
    return 0.5 * np.log(np.exp(2 * floor) + 1 / (1 / growing + np.exp(-2 * ceiling)))


@pytest.mark.parametrize("rate", [0.08, 0.2, 0.7])
@pytest.mark.parametrize("floor", [-2.5, -3.5, -30.0])
def test_exponential_growth_comes_back(rate, floor):
    found = exponential_growth(times, curve(rate, floor))
    assert found.misfit < 1e-3
    assert found.rate == pytest.approx(rate, rel=1e-2)
    assert found.ceiling == pytest.approx(0.5, abs=0.05)
    if floor > -10:
        assert found.floor == pytest.approx(floor, abs=0.05)


def test_a_power_of_time_is_told_from_an_exponential():
    diffusion = 0.5 * np.log(1e-4 + 1 / (1 / (1e-3 * (times + 1.0)) + 1.0))
    assert power_growth(times, diffusion).misfit < 0.1 * exponential_growth(times, diffusion).misfit
    assert exponential_growth(times, curve(0.2)).misfit < 0.1 * power_growth(times, curve(0.2)).misfit


def test_resampled_rates_scatter_about_the_true_one():
    rng = np.random.default_rng(0)
    curves = curve(0.2) + 0.01 * rng.normal(size=(50, len(times)))
    rates = resampled_rates(times, curves, exponential_growth(times, curve(0.2)))
    assert rates.mean() == pytest.approx(0.2, rel=0.01)
    assert 0 < rates.std() < 0.01


def test_resampled_medians_are_those_of_sorted_values():
    rng = np.random.default_rng(1)
    logs = rng.normal(size=(900, 3)) * [1.0, 2.0, 0.1] + [0.0, -5.0, 3.0]
    medians = resampled_medians(logs, np.arange(900), 1, np.random.default_rng(2))
    # Single rows as blocks: the plain bootstrap, whose error of a median is 1.2533 sigma / sqrt(n).
    np.testing.assert_allclose(medians.mean(axis=0), np.median(logs, axis=0), atol=0.05)
    np.testing.assert_allclose(medians.std(axis=0), 1.2533 * logs.std(axis=0) / 30, rtol=0.3)
