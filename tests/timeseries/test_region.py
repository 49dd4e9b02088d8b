"""The linear region on curves drawn by hand, and the coverage of its interval."""

import numpy as np
import pytest

from chaoskit.timeseries import region as module
from chaoskit.timeseries.region import Region, find_region, flattening, slope_interval

lags = np.arange(120)


@pytest.mark.parametrize("width", [1, 9])
def test_straight_rise_below_a_ceiling(width):
    ripple = 0.2 * np.sin(2 * np.pi * lags / 9) if width == 9 else 0.0
    curve = np.minimum(-6 + 0.1 * lags, 0.0) + ripple
    found = find_region(curve, 0.0, width)
    assert found.slope == pytest.approx(0.1, rel=0.02)
    assert found.offset == pytest.approx(-6, abs=0.05)
    assert found.start <= 10
    assert 38 <= found.stop <= 46  # 1.5 nats below the ceiling lies lag 45


def test_the_jump_of_noise_at_the_start_is_left_out():
    curve = np.minimum(np.where(lags < 5, -8 + 0.6 * lags, -5 + 0.04 * (lags - 5)), 0.0)
    found = find_region(curve, 0.0, 1)
    assert found.start >= 3
    assert found.slope == pytest.approx(0.04, rel=0.05)


@pytest.mark.parametrize(
    "curve",
    [
        0.5 * np.log(1 + lags) - 6,  # diffusion: a straight line in the logarithm of time
        np.full(120, -5.0),
        -0.05 * lags,
        np.zeros(120),
        np.linspace(-4, 0, 4),
    ],
    ids=["diffusion", "level", "falling", "at the ceiling", "four lags"],
)
def test_no_region(curve):
    assert find_region(curve, 0.0, 1) is None


def test_flattening_is_what_noise_has_done_to_a_line():
    growing = -3 + 0.05 * np.arange(41)
    added = 0.2 * np.exp(2 * growing[0])
    seen = Region(0, 40, *module.line(np.arange(41), np.log(np.exp(2 * growing) + added) / 2))
    assert flattening(seen, added) == pytest.approx(0.05 / seen.slope - 1, rel=0.25)
    assert flattening(seen, 0.0) == pytest.approx(0.0, abs=1e-12)
    assert flattening(seen, 2 * added) > 2 * flattening(seen, added)
    assert flattening(seen, 10 * added) == np.inf  # more than all of the first distance


def test_interval_covers_the_slope_when_reference_points_move_together():
    rng = np.random.default_rng(0)
    references = np.arange(800)
    covered = 0
    for _ in range(12):
        # Slopes that are shared by 20 neighbours in time: resampling them one by one would be sure
        # of itself four times too much.
        slopes = np.repeat(0.1 + 0.05 * rng.normal(size=40), 20)[:, None]
        logs = -6 + slopes * lags[:31] + 0.1 * rng.normal(size=(800, 31))
        found = Region(0, 30, module.line(lags[:31], np.median(logs, axis=0))[0], -6.0)
        low, high = slope_interval(logs, references, found, 40, rng)
        assert low <= found.slope <= high
        covered += low <= 0.1 <= high
    assert covered >= 9
