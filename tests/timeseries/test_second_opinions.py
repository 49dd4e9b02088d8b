"""The 0-1 test, the correlation dimension and surrogates against known answers."""

import numpy as np
import pytest
from known import coloured, henon_x, logistic, quasi_periodic, sine, white

from chaoskit.errors import InvalidInputError
from chaoskit.timeseries import (
    amplitude_adjusted,
    correlation_dimension,
    estimate_lyapunov,
    phase_randomised,
    surrogate_test,
    zero_one_test,
)


@pytest.mark.parametrize("series", [logistic(2000), henon_x(2000), white(length=2000)], ids=["l", "h", "w"])
def test_zero_one_is_one(series):
    found = zero_one_test(series)
    assert found.k > 0.95
    assert found.step == 1
    assert "chaotic or noisy" in repr(found)


@pytest.mark.parametrize(
    "series", [sine(), quasi_periodic(), np.tile([0.2, 0.7, 0.4], 300)], ids=["s", "q", "c"]
)
def test_zero_one_is_zero(series):
    assert abs(zero_one_test(series).k) < 0.1
    assert zero_one_test(1e3 + series).k == pytest.approx(zero_one_test(series).k, abs=1e-6)


def test_zero_one_of_the_logistic_map_over_its_parameter():
    """Period three at r = 3.83, chaos at 3.9 (Gottwald and Melbourne 2009, figure 1)."""
    for r, expected in ((3.83, 0.0), (3.9, 1.0), (3.55, 0.0)):
        x = [0.4]
        for _ in range(3000):
            x.append(r * x[-1] * (1 - x[-1]))
        assert zero_one_test(x[1000:]).k == pytest.approx(expected, abs=0.1)


def test_damping_keeps_a_noisy_cycle_regular():
    series = np.tile([0.2, 0.7, 0.4, 0.9], 500) + 0.01 * white(length=2000)
    assert zero_one_test(series, damping=2.5).k < zero_one_test(series).k


def test_a_finely_sampled_flow_is_thinned():
    slow = np.repeat(logistic(600), 10) + 1e-3 * white()
    assert zero_one_test(slow, step=1).step == 1
    assert zero_one_test(np.convolve(slow, np.ones(10) / 10, "valid")).step > 1


@pytest.mark.parametrize(
    ("series", "low", "high"),
    [
        (henon_x(8000), 1.15, 1.28),
        (logistic(6000), 0.85, 1.02),
        (sine(), 0.97, 1.03),
        (quasi_periodic(), 1.9, 2.2),
    ],
    ids=["henon", "logistic", "sine", "torus"],
)
def test_dimension(series, low, high):
    found = correlation_dimension(series)
    assert found.quality == "good"
    assert low <= found.dimension <= high
    assert found.interval[0] <= found.dimension <= found.interval[1]
    assert found.fit_range[0] < found.fit_range[1]
    assert "good" in repr(found)


@pytest.mark.parametrize("series", [white(), coloured()], ids=["white", "AR(2)"])
def test_noise_has_no_dimension(series):
    found = correlation_dimension(series)
    assert np.isnan(found.dimension)
    assert found.quality.startswith("no ")


def test_dimension_of_given_states():
    """A square filled evenly has dimension 2."""
    found = correlation_dimension(
        np.random.default_rng(0).uniform(size=(5000, 2)), delay=1, dimension=1, theiler=0
    )
    assert found.dimension == pytest.approx(2, abs=0.12)


@pytest.mark.parametrize("length", [300, 301])
def test_phase_randomised_keeps_spectra_and_cross_spectra(length):
    x = np.cumsum(np.random.default_rng(0).normal(size=(length, 2)), axis=0)
    y = phase_randomised(x, seed=1)
    a, b = np.fft.rfft(x, axis=0), np.fft.rfft(y, axis=0)
    np.testing.assert_allclose(np.abs(a), np.abs(b), atol=1e-8 * np.abs(a).max())
    np.testing.assert_allclose(
        a[:, 0] * a[:, 1].conj(), b[:, 0] * b[:, 1].conj(), atol=1e-8 * np.abs(a).max() ** 2
    )
    assert np.abs(x - y).max() > 1


def test_amplitude_adjusted_keeps_values_and_nearly_the_spectrum():
    x = np.exp(coloured(length=1000) / 5)
    y = amplitude_adjusted(x, seed=1)[:, 0]
    np.testing.assert_array_equal(np.sort(x), np.sort(y))
    a, b = np.abs(np.fft.rfft(x)), np.abs(np.fft.rfft(y))
    assert np.linalg.norm(a[1:] - b[1:]) < 0.15 * np.linalg.norm(a[1:])
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.5


def test_surrogates_tell_a_map_from_noise():
    found = surrogate_test(henon_x(1000), 19)
    assert found.noise_excluded
    assert found.p_values == {"phase-randomised": 0.05, "amplitude-adjusted": 0.05}
    assert (found.errors["phase-randomised"] > 2 * found.error).all()
    bent = np.exp(coloured(length=1000) / 4)  # coloured noise behind a bent scale
    assert not surrogate_test(bent, 19).noise_excluded
    assert "not excluded" in repr(surrogate_test(white(length=1000), 19))


def test_p_values_of_coloured_noise_are_spread_evenly():
    low = [
        surrogate_test(coloured(seed, 400), 9, seed=seed, delay=3, dimension=2).p_values for seed in range(20)
    ]
    for kind in low[0]:
        assert sum(p[kind] <= 0.1 for p in low) <= 6  # 2 expected; 7 and more in 1 of 400


def test_the_estimate_says_where_the_series_comes_from():
    assert estimate_lyapunov(logistic(1000), surrogates=19).origin.startswith("chaos")
    assert "not excluded" in estimate_lyapunov(white(length=1000), surrogates=19).origin
    assert estimate_lyapunov(logistic(1000)).origin == ""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zero_one_test(np.ones(500)), "never changes"),
        (lambda: zero_one_test(white(length=100)), "at least 200 rows"),
        (lambda: zero_one_test(np.ones((500, 2)) * white(length=500)[:, None]), "one column"),
        (lambda: zero_one_test(white(), step="x"), "step"),
        (lambda: zero_one_test(white(), step=100), "at least 200 rows"),
        (lambda: correlation_dimension(white(length=50)), "at least 100 rows"),
        (lambda: correlation_dimension(white(length=200), delay=50, dimension=4), "too few"),
        (lambda: surrogate_test(white(), 0), "count"),
        (lambda: surrogate_test(white(length=150), delay=20, dimension=6), "too few"),
        (lambda: phase_randomised([1.0, 2.0]), "at least 16"),
        (lambda: amplitude_adjusted(white(), iterations=0), "iterations"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()
