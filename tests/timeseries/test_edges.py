"""Any input at the public edges: an answer that makes sense, or a ChaoskitError."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit import recommend
from chaoskit.errors import ChaoskitError
from chaoskit.timeseries import (
    amplitude_adjusted,
    correlation_dimension,
    estimate_lyapunov,
    phase_randomised,
    surrogate_test,
    zero_one_test,
)

SHAPES = ("noise", "steps", "sine", "walk", "map", "spikes", "blocks")


def shape(kind, length, columns, rng):
    """A series of a kind that measured files have."""
    t = np.arange(length)[:, None]
    if kind == "steps":
        return np.round(rng.normal(size=(length, columns)))
    if kind == "sine":
        return np.sin(t * rng.uniform(0.01, 3, columns)) + rng.choice([0.0, 0.1]) * rng.normal(
            size=(length, columns)
        )
    if kind == "walk":
        return np.cumsum(rng.normal(size=(length, columns)), axis=0)
    if kind == "map":
        x = np.empty((length, columns))
        x[0] = rng.uniform(0.1, 0.9, columns)
        for i in range(1, length):
            x[i] = rng.uniform(3.5, 4.0) * x[i - 1] * (1 - x[i - 1])
        return x
    if kind == "spikes":
        return (rng.uniform(size=(length, columns)) > 0.98) * 1.0
    if kind == "blocks":
        return np.repeat(rng.normal(size=(length // 25 + 1, columns)), 25, axis=0)[:length]
    return rng.normal(size=(length, columns))


@st.composite
def series(draw):
    """Mostly something to work on, now and then something broken."""
    length, columns = draw(st.integers(1, 700)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    data = shape(draw(st.sampled_from(SHAPES)), length, columns, rng)
    data = data * draw(st.sampled_from([1.0, 1e-8, 1e12, 1e200, 1e-200])) + draw(
        st.sampled_from([0.0, 1e6, -3.0])
    )
    broken = draw(st.sampled_from(["", "", "", "nan", "inf", "still", "flat"]))
    if broken in ("nan", "inf"):
        data[rng.integers(length), 0] = float(broken)
    if broken == "still":
        data[:, -1] = 7.0
    return data[:, 0] if broken == "flat" else data


numbers = st.one_of(
    st.just("auto"), st.integers(-1, 40), st.floats(allow_nan=True), st.none(), st.text(max_size=3)
)


def answers(data, delay, dimension, theiler, seed):
    """Call every public edge; each answer is checked by what has to hold of it."""
    options = {"delay": delay, "dimension": dimension, "theiler": theiler}

    def lyapunov():
        found = estimate_lyapunov(data, 0.1, **options, n_reference=200)
        assert found.quality
        if found.recommended_tau is not None:
            assert 0 < found.interval[0] <= found.exponent <= found.interval[1] < math.inf
        assert math.isnan(found.exponent) == math.isnan(found.interval[0])
        assert np.isfinite(found.curve[:, 0]).all()

    def dimension_of():
        found = correlation_dimension(data, **options, n_reference=100)
        assert (found.quality == "good") == math.isfinite(found.dimension)

    def zero_one():
        assert -1.001 <= zero_one_test(data, n_frequencies=10).k <= 1.001

    def surrogates():
        values = np.asarray(data, float).reshape(len(data), -1)
        np.testing.assert_array_equal(
            np.sort(amplitude_adjusted(data, iterations=3, seed=seed), axis=0), np.sort(values, axis=0)
        )
        assert np.isfinite(phase_randomised(data, seed=seed)).all()

    def test_of_surrogates():
        assert 0 < max(surrogate_test(data, 2, **options).p_values.values()) <= 1

    def advice():
        found = recommend(data, 0.5)
        assert len(found.rows()) == 5
        assert found.sequence_length > 1

    return lyapunov, dimension_of, zero_one, surrogates, test_of_surrogates, advice


ARGUMENTS = (series(), numbers, numbers, numbers, st.integers(0, 5))


def right_or_refused(data, delay, dimension, theiler, seed):
    for call in answers(data, delay, dimension, theiler, seed):
        try:
            call()
        except ChaoskitError:
            continue


@given(*ARGUMENTS)
@settings(max_examples=40)
def test_an_answer_or_an_error(data, delay, dimension, theiler, seed):
    right_or_refused(data, delay, dimension, theiler, seed)


@pytest.mark.slow
@given(*ARGUMENTS)
@settings(max_examples=10_000, derandomize=False)
def test_an_answer_or_an_error_ten_thousand_times(data, delay, dimension, theiler, seed):
    right_or_refused(data, delay, dimension, theiler, seed)
