"""Standard errors of correlated series, and means whose error falls as 1 / n."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit.dynamics.statistics import kaplan_yorke, mean_errors

ROWS, RUNS = 1000, 1000


def autoregressive(phi, rng, rows=ROWS, runs=RUNS):
    noise = rng.standard_normal((rows + 300, runs))
    out, x = np.empty((rows, runs)), np.zeros(runs)
    for t, e in enumerate(noise):
        x = phi * x + e
        if t >= 300:
            out[t - 300] = x
    return out


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, -0.5, -0.9])
def test_intervals_cover_the_mean(phi, measured):
    """Of 1000 series with mean 0, between 92 and 98 % of the 95 % intervals hold it."""
    series = autoregressive(phi, np.random.default_rng(0))
    errors = mean_errors(series)
    covered = np.mean(np.abs(series.mean(axis=0)) <= errors.half_width)
    measured(f"coverage phi={phi}", f"{covered:.3f}")
    assert 0.92 <= covered <= 0.98
    assert errors.deterministic.mean() <= 2e-3
    true = ROWS * (1 - phi) / (1 + phi) if phi > 0 else ROWS
    assert np.median(errors.n_effective) == pytest.approx(true, rel=0.4)


def test_a_sum_that_stays_bounded_is_called_deterministic():
    """Differences of a stationary series: the mean is off by at most (last - first) / n."""
    rng = np.random.default_rng(1)
    for y in (rng.standard_normal((ROWS + 1, RUNS)), rng.exponential(size=(ROWS + 1, RUNS))):
        series = np.diff(y, axis=0)
        errors = mean_errors(series)
        assert errors.deterministic.mean() > 0.95
        flagged = errors.deterministic
        assert (np.abs(series.mean(axis=0)) <= errors.half_width)[flagged].all()
        np.testing.assert_array_equal(errors.stderr[flagged], errors.half_width[flagged])


def test_constants_and_short_or_broken_series():
    constant = mean_errors(np.full((50, 2), 0.7))
    assert constant.deterministic.all()
    assert (constant.stderr < 1e-12).all()
    short = mean_errors(np.random.default_rng(0).standard_normal((19, 3)))
    assert np.isnan(short.stderr).all()
    assert not short.deterministic.any()
    mixed = np.random.default_rng(0).standard_normal((500, 3))
    alone = mean_errors(mixed[:, [0]])
    mixed[7, 1], mixed[:, 2] = -np.inf, np.nan
    errors = mean_errors(mixed)
    assert np.isnan(errors.stderr[1:]).all()
    assert not errors.deterministic[1:].any()
    np.testing.assert_allclose(errors.stderr[0], alone.stderr[0], rtol=1e-12)


def test_the_interval_is_students():
    errors = mean_errors(np.random.default_rng(0).standard_normal((400, 5)))
    np.testing.assert_allclose(errors.half_width / errors.stderr, 2.093, atol=1e-3)  # 20 batches


def test_kaplan_yorke_and_its_gradient():
    exponents = np.array([0.9, 0.0, -14.5])
    dimension, gradient = kaplan_yorke(exponents)
    assert dimension == pytest.approx(2 + 0.9 / 14.5)
    for i in range(3):
        step = np.zeros(3)
        step[i] = 1e-6
        slope = (kaplan_yorke(exponents + step)[0] - kaplan_yorke(exponents - step)[0]) / 2e-6
        assert gradient[i] == pytest.approx(slope, rel=1e-6)
    assert kaplan_yorke(np.array([-0.1, -0.2]))[0] == 0
    assert np.isnan(kaplan_yorke(np.array([0.1, 0.05]))[0])
    assert kaplan_yorke(np.array([0.1, -np.inf]))[0] == 1
