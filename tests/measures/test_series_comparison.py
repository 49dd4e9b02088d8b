"""Two series: what fools one measure is caught by the others, and what is right is called right."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chaoskit
from chaoskit.errors import InvalidInputError
from chaoskit.measures import (
    Exponent,
    Measure,
    Retracing,
    compare,
    floor,
    retracing,
    spectral_distance,
    state_space_divergence,
)
from chaoskit.measures.judged import floor_of
from chaoskit.measures.verdict import agreement, retracing_horizon, verdict

NONE = (math.nan, math.nan)


def henon(rows: int, start: float, a: float = 1.4) -> np.ndarray:
    x = [start, 0.1]
    for _ in range(rows + 200):
        x.append(1 - a * x[-1] ** 2 + 0.3 * x[-2])
    return np.array(x[-rows:])


@pytest.fixture(scope="module")
def orbits():
    """Two orbits of one attractor, shape (2, 5000)."""
    return np.array([henon(5000, 0.1), henon(5000, 0.2)])


def test_another_orbit_is_faithful(orbits):
    true, other = orbits
    found = compare(true, other, dt=0.5)
    assert found.verdict.startswith("faithful: ")
    assert found.exponent.value == pytest.approx(0.419 / 0.5, rel=0.1)  # per unit time
    assert found.embedding == (1, 2)
    assert found.retracing.value < 0.1
    low, high = found.spectral_distance.interval
    assert low <= found.spectral_distance.value <= high
    assert found.spectral_distance.value == spectral_distance(true, other)
    assert found.spectral_distance.floor == floor(spectral_distance, true)
    assert repr(found) == f"SeriesComparison({found.verdict})"
    for word in ("state-space divergence", "spectral distance", "largest exponent", "retracing", "faithful"):
        assert word in str(found)


def test_rows_in_random_order_are_wrong(orbits):
    true = np.column_stack([orbits[0][1:], orbits[0][:-1]])
    found = compare(true, np.random.default_rng(0).permutation(true))
    assert found.state_space_divergence.value == 0.0
    assert found.verdict.startswith("wrong: spectral distance ")
    assert "the generated series none" in found.verdict


def test_a_linear_process_with_the_right_spectrum_is_wrong(orbits):
    """Random phases keep every autocorrelation and nothing else."""
    true = orbits[0]
    coefficients = np.fft.rfft(true)
    phases = np.exp(2j * np.pi * np.random.default_rng(0).random(len(coefficients)))
    phases[0] = 1.0
    found = compare(true, np.fft.irfft(coefficients * phases, len(true)))
    assert found.spectral_distance.value < 1e-5
    assert found.spectral_distance.grade == "at the floor"
    assert found.verdict.startswith("wrong: state-space divergence ")


def test_a_copy_is_called_a_copy(orbits):
    true = orbits[0]
    found = compare(true, true)
    assert (float(found.state_space_divergence.value), found.spectral_distance.value) == (0.0, 0.0)
    assert found.verdict.startswith("copy: 100%")
    noisy = true + 0.05 * true.std() * np.random.default_rng(0).normal(size=len(true))
    assert compare(true, noisy).verdict.startswith("copy: ")
    pieces = np.concatenate([true[k : k + 500] for k in (3000, 700, 4100, 1900, 2500, 10)])
    assert compare(true, pieces).verdict.startswith("copy: ")  # many Lyapunov times in step, again and again


def test_another_system_is_wrong(orbits):
    assert compare(orbits[0], henon(5000, 0.1, a=1.2)).verdict.startswith("wrong: ")
    assert compare(orbits[0], np.full(5000, 0.3)).verdict.startswith("wrong: ")


def test_without_an_exponent_it_is_undecided():
    noise, other = np.random.default_rng(0).normal(size=(2, 3000))
    found = compare(noise, other, embedding=(1, 2))
    assert found.verdict.startswith("undecided: ")
    assert "the exponents cannot be compared" in found.verdict


def test_one_column_alone_decides_nothing(orbits):
    found = compare(*orbits, embedding=None, n_resamples=0)
    assert found.embedding is None
    assert found.verdict.startswith("undecided: ")
    assert "histograms of one column" in found.remarks[0]
    assert np.isnan(found.spectral_distance.interval).all()
    assert "factor of 2" in compare(orbits[0], orbits[1][:1000], n_resamples=0).remarks[0]


def test_a_series_is_at_no_distance_from_itself_in_any_dimension():
    for dimension in (1, 3, 7):
        x = np.random.default_rng(dimension).normal(size=(500, dimension))
        found = compare(x, x, embedding=None, n_resamples=0)
        assert found.state_space_divergence.value == 0.0
        assert found.spectral_distance.value == 0.0


def test_two_halves_of_lorenz():
    """100,000 points a side: below 0.1, and all true points in the histogram."""
    orbit = chaoskit.simulate(chaoskit.systems.Lorenz63(), [1.0, 2.0, 20.0], 199_999, dt=0.01, transient=5000)
    assert floor(state_space_divergence, orbit).value < 0.1


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
def test_all_true_points_are_in_the_histogram(dimension, lorenz):
    """Were one dropped, the divergence of the cloud from itself repeated would not be 0."""
    from chaoskit.measures.state_space import _box, _cell_numbers, outside_share

    points = np.concatenate([lorenz, lorenz**2], axis=1)[:, :dimension]
    numbers = _cell_numbers(points, *_box(points), 30)
    assert numbers.min() >= 0
    assert np.unique(numbers, return_counts=True)[1].sum() == len(points)
    assert outside_share(points, points) == 0.0


GOOD = Exponent(0.9, (0.85, 0.95), "good")


@pytest.mark.parametrize(
    ("other", "agree"),
    [
        (GOOD, True),
        (Exponent(1.1, (1.0, 1.2), "good"), True),
        (Exponent(1.5, (1.4, 1.6), "good"), False),
        (Exponent(1.5, (0.7, 2.3), "good"), True),
        (Exponent(0.05, (-0.1, 0.2), "not distinguishable from zero"), False),
        (Exponent(math.nan, NONE, "periodic"), False),
    ],
)
def test_exponents_agree_within_errors(other, agree):
    assert agreement(GOOD, other)[0] is agree


@pytest.mark.parametrize("true", [None, Exponent(math.nan, NONE, "noise"), Exponent(0.1, (-0.1, 0.3), "?")])
def test_exponents_that_cannot_be_compared(true):
    assert agreement(true, GOOD)[0] is None


def measure(grade: str) -> Measure:
    return Measure(1.0, (0.9, 1.1), 0.5, (0.4, 0.6), grade)


FLOOR, NEAR, FAR = (measure(g) for g in ("at the floor", "near the floor", "far from the floor"))


@pytest.mark.parametrize(
    ("divergence", "spectrum", "agree", "word"),
    [
        (FLOOR, FLOOR, True, "faithful"),
        (NEAR, FLOOR, True, "close"),
        (FLOOR, NEAR, True, "close"),
        (FAR, FLOOR, True, "wrong"),
        (FLOOR, FAR, True, "wrong"),
        (FLOOR, FLOOR, False, "wrong"),
        (FAR, FLOOR, None, "wrong"),
        (FLOOR, FLOOR, None, "undecided"),
        (None, FLOOR, True, "undecided"),
        (None, FAR, True, "wrong"),
    ],
)
def test_the_verdict_takes_all_three(divergence, spectrum, agree, word):
    assert verdict(divergence, spectrum, (agree, "why")).startswith(f"{word}: ")


def test_copies_and_divergence_come_first():
    assert verdict(FLOOR, FLOOR, (True, ""), Retracing(0.9, 0.1)).startswith("copy: ")
    assert verdict(FLOOR, FLOOR, (True, ""), Retracing(0.9, 0.8)).startswith("faithful: ")  # a cycle
    assert verdict(None, None, (None, ""), None, 17) == (
        "diverged: the free run left the finite numbers at step 17"
    )


def test_grades_at_the_floor():
    rng = np.random.default_rng(0)
    true = np.sin(0.3 * np.arange(4000)) + 0.3 * rng.normal(size=4000)
    of_spectrum = floor_of(spectral_distance, true, 20)
    assert of_spectrum.beside(true, true[::-1], 20, 0).grade == "at the floor"
    assert of_spectrum.beside(true, rng.normal(size=4000), 20, 0).grade == "far from the floor"


def test_horizon_of_retracing_is_ten_lyapunov_times():
    assert retracing_horizon(GOOD, 0.01, 100_000) == math.ceil(10 / 0.009)
    assert retracing_horizon(GOOD, 0.01, 5000) == 500
    assert retracing_horizon(GOOD, 1.0, 5000) == 100
    assert retracing_horizon(None, 0.01, 5000) is None
    x = np.random.default_rng(0).normal(size=500)
    assert retracing(x, x, horizon=100) == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"true": np.arange(300.0)}, "true: expected at least 400 rows"),
        ({"generated": np.arange(300.0)}, "generated: expected at least 400 rows"),
        ({"generated": np.full(500, np.inf)}, "diverged at row 0"),
        ({"generated": np.zeros((500, 2))}, "same number of columns"),
        ({"true": np.ones(500)}, "never changes"),
        ({"true": 1e200 * np.arange(500)}, "rescale"),
        ({"dt": 0}, "dt"),
        ({"n_bins": 1}, "n_bins"),
        ({"embedding": "long"}, "embedding"),
        ({"embedding": 3}, "embedding"),
        ({"embedding": (400, 3)}, "smaller window"),
        ({"n_resamples": 3}, "n_resamples"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_input_is_named(options, message):
    given = {"true": np.arange(500.0) % 7, "generated": np.arange(500.0) % 5} | options
    with pytest.raises(InvalidInputError, match=message):
        compare(given.pop("true"), given.pop("generated"), **given)
