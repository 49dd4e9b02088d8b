"""Largest exponents from data: known values, what is not chaos, and bad input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known import NOT_CHAOS, henon_x, logistic

from chaoskit.errors import InvalidInputError
from chaoskit.timeseries import estimate_lyapunov, forcing_interval


def integrate(field, state, dt, length, inner):
    """Orbit (length, 3) by Runge-Kutta 4 with `inner` steps a sample, after a transient."""
    h = dt / inner
    rows = []
    for sample in range(-2000, length):
        for _ in range(inner):
            a = field(*state)
            b = field(*(s + h / 2 * v for s, v in zip(state, a, strict=True)))
            c = field(*(s + h / 2 * v for s, v in zip(state, b, strict=True)))
            d = field(*(s + h * v for s, v in zip(state, c, strict=True)))
            state = [
                s + h / 6 * (p + 2 * q + 2 * r + w) for s, p, q, r, w in zip(state, a, b, c, d, strict=True)
            ]
        if sample >= 0:
            rows.append(state)
    return np.array(rows)


def lorenz(length, rho=28.0, start=(1.0, 2.0, 20.0)):
    def field(x, y, z):
        return 10 * (y - x), x * (rho - z) - y, x * y - 8 / 3 * z

    return integrate(field, list(start), 0.01, length, 1)


def roessler(length):
    def field(x, y, z):
        return -y - z, x + 0.2 * y, 0.2 + z * (x - 5.7)

    return integrate(field, [1.0, 1.0, 0.0], 0.1, length, 2)


@pytest.fixture(scope="module")
def long_lorenz():
    return lorenz(40_000)


def holds(result, true):
    """True if the interval of a chaotic result holds the true exponent, whatever the verdict."""
    chaotic(result, certain=False)
    low, high = result.interval
    return low <= true <= high


def chaotic(result, certain=True):
    """What every result of a chaotic series has to satisfy."""
    assert result.quality == "good" or (not certain and result.quality.startswith("uncertain"))
    low, high = result.interval
    assert 0 < low <= result.exponent <= high
    assert result.predictability_time == pytest.approx(math.log(2) / result.exponent)
    tau = max(1, round(result.predictability_time / (2 * result.dt)))
    assert result.recommended_tau == tau
    start, stop = result.fit_range
    assert 0 <= start < stop <= result.curve[-1, 0]
    if result.noise_level >= 0.01:
        return result.exponent  # the growth under the noise, which bends the curve
    # The line lies on the curve in the region it was fitted to.
    inside = (result.curve[:, 0] >= start) & (result.curve[:, 0] <= stop)
    time, log_distance = result.curve[inside].T
    np.testing.assert_allclose(np.polyfit(time, log_distance, 1)[0], result.exponent, rtol=0.15)
    return result.exponent


@pytest.mark.parametrize("columns", [slice(None), 0], ids=["all", "x"])
@pytest.mark.parametrize("part", [slice(20_000, 40_000), slice(None)])
def test_lorenz(long_lorenz, part, columns):
    result = estimate_lyapunov(long_lorenz[part, columns], 0.01)
    assert chaotic(result) == pytest.approx(0.9056, rel=0.1)
    assert result.dimension == (1 if columns == slice(None) else 3)
    assert result.noise_level < 1e-3


def test_lorenz_of_a_hundred_time_units_from_other_places_and_at_rho_38():
    for start in ([-8.0, 7.0, 27.0], [3.0, 15.0, 40.0]):
        assert holds(estimate_lyapunov(lorenz(12_000, start=start), 0.01), 0.9056)
    orbit = lorenz(20_000, rho=38.0)
    for series in (orbit, orbit[:, 0]):
        result = estimate_lyapunov(series, 0.01)
        assert chaotic(result) == pytest.approx(1.105, rel=0.1)
        assert 27 <= result.recommended_tau <= 35


def test_lorenz_with_measurement_noise(long_lorenz):
    x = long_lorenz[:, 0]
    for share, error in ((0.02, 0.1), (0.05, 0.2)):
        noise = share * x.std() * np.random.default_rng(0).normal(size=len(x))
        result = estimate_lyapunov(x + noise, 0.01)
        assert chaotic(result, certain=False) == pytest.approx(0.9056, rel=error)
        assert holds(result, 0.9056)
        assert result.noise_level == pytest.approx(share, rel=0.2)


def test_noise_of_a_map_is_seen_and_makes_the_number_uncertain():
    x = henon_x(5000)
    result = estimate_lyapunov(x + 0.05 * x.std() * np.random.default_rng(0).normal(size=len(x)))
    assert result.quality.startswith("uncertain")
    assert holds(result, 0.4192)
    assert 0.02 < result.noise_level < 0.07
    assert all(name.startswith("growth") for name in result.estimates)  # noise flattens lines
    assert estimate_lyapunov(x).noise_level < 0.003


def test_the_whole_state_of_a_clean_flow_is_read_by_lines(long_lorenz):
    """The growth model reads it a tenth too high."""
    result = estimate_lyapunov(long_lorenz[:20_000], 0.01)
    own = [name for name in result.estimates if "rosenstein" in name]
    assert own
    assert all(name.startswith("line") for name in own)


def test_noise_far_below_the_distances_of_neighbours_leaves_the_line():
    """Neighbours in a short series are further apart than the steps of the recorder."""
    x = lorenz(12_000)[:, 0]
    for share, way in ((0.005, "line"), (0.05, "growth")):
        noise = share * x.std() * np.random.default_rng(0).normal(size=len(x))
        assert next(iter(estimate_lyapunov(x + noise, 0.01).estimates)).startswith(way)


def test_kantz_agrees_with_rosenstein_on_maps():
    for series, true in ((logistic(5000), math.log(2)), (henon_x(5000), 0.4192)):
        result = estimate_lyapunov(series, method="kantz")
        assert chaotic(result) == pytest.approx(true, rel=0.1)
        assert any("rosenstein" in name for name in result.estimates)
        assert result.agreement


def test_a_drifting_series_is_called_non_stationary():
    orbit = lorenz(15_000)[:, 0]
    drift = 60.0 * np.linspace(0, 1, len(orbit))
    assert "non-stationary" in estimate_lyapunov(orbit + drift, 0.01).quality


def test_repr_says_the_verdict():
    assert repr(estimate_lyapunov(logistic(2000))).endswith("nats per time: good)")


def test_roessler():
    orbit = roessler(15_000)
    for series in (orbit, orbit[:, 0]):
        result = estimate_lyapunov(series, 0.1)
        assert chaotic(result, certain=False) == pytest.approx(0.0714, rel=0.2)
        assert holds(result, 0.0714)


@pytest.mark.parametrize("length", [1000, 5000])
def test_maps(length):
    assert chaotic(estimate_lyapunov(logistic(length))) == pytest.approx(math.log(2), rel=0.05)
    assert chaotic(estimate_lyapunov(henon_x(length))) == pytest.approx(0.4192, rel=0.1)


def test_quantised_values():
    series = np.round(100 * henon_x(5000)).astype(int)
    assert chaotic(estimate_lyapunov(series)) == pytest.approx(0.4192, rel=0.15)


def not_chaotic(result, word):
    assert word in result.quality
    assert result.recommended_tau is None
    assert result.predictability_time == math.inf


time = np.arange(6000)


@pytest.mark.parametrize(
    "series",
    [
        np.sin(0.05 * time),
        np.sin(2 * np.pi * time / 40),
        np.sin(0.05 * time) + np.sin(0.05 * math.sqrt(2) * time),
        np.tile([0.2, 0.7, 0.4, 0.9], 500),
    ],
    ids=["sine", "sine that repeats", "quasi-periodic", "cycle of a map"],
)
def test_periodic(series):
    not_chaotic(estimate_lyapunov(series), "periodic")


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("columns", [1, 3])
def test_noise_is_not_chaos(memory, columns):
    series = np.random.default_rng(5).normal(size=(6000, columns))
    for t in range(1, len(series)):
        series[t] += memory * series[t - 1]
    not_chaotic(estimate_lyapunov(series), "noise-dominated")


def test_short_series_says_so(long_lorenz):
    for length in (100, 700, 1500):
        not_chaotic(estimate_lyapunov(long_lorenz[:length], 0.01), "too short")


def test_neighbours_that_stay_together_for_a_few_turns_are_too_few_to_be_called_periodic(long_lorenz):
    """They can be followed over a quarter of the series, here five turns of Lorenz-63 and eight of a sine."""
    for series in (long_lorenz[8500:10_700], np.sin(0.05 * time[:4000])):
        not_chaotic(estimate_lyapunov(series, 0.01), "too short: neighbours do not part")


def test_random_walk_is_not_called_chaos():
    walk = np.cumsum(np.random.default_rng(6).normal(size=5000))
    not_chaotic(estimate_lyapunov(walk), "too short")


def test_dt_is_the_unit_of_time():
    one, two = (estimate_lyapunov(henon_x(2000), dt) for dt in (1.0, 2.0))
    assert two.exponent == pytest.approx(one.exponent / 2)
    assert two.interval == pytest.approx([v / 2 for v in one.interval])
    assert two.fit_range == pytest.approx([2 * v for v in one.fit_range])
    assert two.predictability_time == pytest.approx(2 * one.predictability_time)
    assert two.recommended_tau == one.recommended_tau
    np.testing.assert_allclose(two.curve, one.curve * [2, 1])


@given(
    st.permutations([0, 1, 2]),
    st.lists(st.sampled_from([0.01, -1.0, 3.0, -250.0]), min_size=3, max_size=3),
    st.lists(st.sampled_from([-5.0, 0.0, 40.0]), min_size=3, max_size=3),
)
@settings(max_examples=5, derandomize=True, deadline=None)
def test_units_and_order_of_columns_do_not_matter(long_lorenz, order, scale, offset):
    orbit = long_lorenz[:6000]
    plain = estimate_lyapunov(orbit, 0.01, n_reference=1000)
    other = estimate_lyapunov(orbit[:, order] * scale + offset, 0.01, n_reference=1000)
    assert other.exponent == pytest.approx(plain.exponent, rel=1e-3)


def test_same_seed_same_result_and_options_are_kept(long_lorenz):
    x = long_lorenz[:5000, 0]
    options = {"delay": 12, "dimension": 4, "theiler": 150, "horizon": 500, "n_reference": 800}
    one, two = (estimate_lyapunov(x, 0.01, **options) for _ in range(2))
    assert one.interval == two.interval
    assert (one.delay, one.dimension, one.theiler, one.dt) == (12, 4, 150, 0.01)
    assert one.curve[-1, 0] == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize(
    ("series", "options", "message"),
    [
        (np.arange(50.0), {}, "at least 100 rows, got 50"),
        (np.ones(500), {}, "never changes"),
        (np.append(henon_x(300), np.nan), {}, "expected finite numbers"),
        (henon_x(300), {"dt": 0.0}, "dt: expected a finite number above 0"),
        (henon_x(300), {"dt": math.inf}, "dt: expected a finite number above 0"),
        (henon_x(300), {"delay": 0}, "delay: expected a whole number of at least 1"),
        (henon_x(300), {"theiler": "none"}, 'theiler: expected "auto"'),
        (henon_x(300), {"dimension": 4, "delay": 99}, "give a longer series"),
        (henon_x(300), {"n_reference": 2}, "n_reference"),
        (henon_x(300), {"method": "wolf"}, "method: expected one of"),
        (henon_x(300), {"surrogates": -1}, "surrogates"),
    ],
)
def test_bad_input(series, options, message):
    with pytest.raises(InvalidInputError, match=message):
        estimate_lyapunov(series, **options)


def test_forcing_interval():
    assert forcing_interval(math.log(2), (0.5, 0.8), 0.05) == (1.0, 10)
    assert forcing_interval(5.0, (4.0, 6.0), 1.0)[1] == 1
    for exponent, interval in (
        (0.1, (0.0, 0.2)),
        (-0.1, (-0.2, -0.05)),
        (math.nan, (math.nan,) * 2),
    ):
        assert forcing_interval(exponent, interval, 1.0) == (math.inf, None)


def never_chaos(result):
    assert result.recommended_tau is None
    assert not result.interval[0] > 0


def test_noise_and_regular_motion_are_never_called_chaos():
    """One of each; many seeds under the slow marker."""
    for kind in NOT_CHAOS:
        never_chaos(estimate_lyapunov(NOT_CHAOS[kind](np.random.default_rng(7), 3000)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", NOT_CHAOS)
def test_noise_and_regular_motion_of_many_seeds(kind):
    for seed in range(100):
        never_chaos(estimate_lyapunov(NOT_CHAOS[kind](np.random.default_rng(seed), 6000)))


def test_a_straight_beginning_of_a_torus_is_not_taken_for_growth():
    """Its curve rises as a power of time, straight at first; the 0-1 test decides."""
    torus = NOT_CHAOS["two waves"](np.random.default_rng(40), 6000)
    not_chaotic(estimate_lyapunov(torus), "regular")


def test_few_lyapunov_times_are_never_good():
    """A straight and sure curve, of a stretch that may differ from the next by chance."""
    x = [0.3]
    for _ in range(1000):
        x.append(3.7 * x[-1] * (1 - x[-1]))
    assert estimate_lyapunov(x[101:]).quality == "good"
    assert estimate_lyapunov(x[101:381]).quality.startswith("uncertain: the series holds")
