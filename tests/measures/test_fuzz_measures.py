"""Anything at the edges of the measures: a right answer, or a ChaoskitError.

`HYPOTHESIS_PROFILE=thorough pytest tests/measures/test_fuzz_measures.py` tries 10,000 of each.
"""

from __future__ import annotations

import contextlib
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit.errors import ChaoskitError
from chaoskit.measures import (
    bootstrap_interval,
    compare,
    correlation_time,
    floor,
    prediction_error,
    retracing,
    spectral_distance,
    state_space_divergence,
    valid_prediction_time,
    valid_prediction_times,
)
from chaoskit.training import split_in_time

EXAMPLES = 10_000 if settings.default.max_examples >= 500 else 60
many = settings(max_examples=EXAMPLES)

odd_numbers = st.sampled_from(
    [0.0, -0.0, 1.0, -1, 1e-320, 1e-160, 1e160, 1.7e308, -1.7e308, math.nan, math.inf]
)
numbers = st.one_of(odd_numbers, st.floats(-10, 10), st.floats())
options = st.one_of(
    st.integers(-3, 300),
    numbers,
    st.none(),
    st.sampled_from(["auto", "", "x", [1], (2, 3), (0, 1), [], {}, True]),
)


@st.composite
def series(draw):
    """Mostly a series of some kind; now and then anything."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(
            st.one_of(options, st.text(max_size=3), st.lists(numbers, max_size=5), st.binary(max_size=4))
        )
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    rows, columns = (
        draw(st.sampled_from([0, 1, 2, 3, 17, 60, 170, 420])),
        draw(st.sampled_from([0, 1, 1, 2, 3, 6])),
    )
    shape = (rows,) if columns == 0 else (rows, columns)
    data = rng.normal(size=shape)
    if kind == 1:
        data = np.cumsum(data, axis=0)
    elif kind == 2:
        data = np.round(data)
    elif kind == 3:
        data = np.full(shape, draw(numbers))
    elif kind == 4:
        with np.errstate(over="ignore", invalid="ignore"):
            data = data * draw(numbers) + draw(numbers)
    elif kind == 5 and data.size:
        data.flat[draw(st.integers(0, data.size - 1))] = draw(numbers)
    elif kind == 6:
        data = draw(
            st.sampled_from([data > 0, data.astype(np.float32), (10 * data).astype(np.int8), data * 1j])
        )
    elif kind == 7:
        data = np.sin(0.3 * np.arange(max(rows, 1)))[:rows].reshape(-1, 1) * np.ones(max(columns, 1))
    elif kind == 8:
        data = data.astype(object) if draw(st.booleans()) else data[None]
    return data


def inside(value: float, low: float, high: float) -> bool:
    return math.isfinite(value) and low <= value <= high


@many
@given(series(), series(), st.one_of(st.just(30), options), st.one_of(st.just("auto"), options))
def test_divergence(true, generated, n_bins, method):
    try:
        found = state_space_divergence(true, generated, n_bins=n_bins, method=method, n_samples=50)
    except ChaoskitError:
        return
    assert inside(found.outside, 0, 1)
    assert math.isfinite(found.value)
    assert found.value >= 0 or found.method != "histogram"
    assert float(state_space_divergence(true, true, n_bins=n_bins, method=method, n_samples=50)) == 0.0


@many
@given(series(), series(), st.one_of(st.just(5.0), options))
def test_spectral_distance(true, generated, smoothing):
    try:
        found = spectral_distance(true, generated, smoothing=smoothing)
    except ChaoskitError:
        return
    assert inside(found, 0, 1)
    assert spectral_distance(true, true, smoothing=smoothing) == 0.0


@many
@given(
    series(),
    series(),
    st.one_of(st.integers(1, 20), options),
    st.one_of(st.none(), st.integers(1, 60), options),
)
def test_retracing(generated, training, window, horizon):
    try:
        found = retracing(generated, training, window=window, horizon=horizon, n_windows=20)
    except ChaoskitError:
        return
    assert inside(found, 0, 1)


@many
@given(
    series(),
    series(),
    st.one_of(st.just(1.0), options),
    st.one_of(st.just(0.4), options),
    st.one_of(st.none(), options),
)
def test_forecasts(true, predicted, scale, threshold, exponent):
    for shaped in (lambda x: x, lambda x: x[:, None] if isinstance(x, np.ndarray) and x.ndim else x):
        windows = shaped(true), shaped(predicted)
        with contextlib.suppress(ChaoskitError):
            assert prediction_error(*windows, scale=scale) >= 0
        try:
            found = valid_prediction_times(*windows, scale=scale, threshold=threshold, exponent=exponent)
            assert inside(found.median, 0, np.inf)
            assert inside(found.held, 0, 1)
        except ChaoskitError:
            pass
        try:
            time = valid_prediction_time(*windows, scale=scale, threshold=threshold, exponent=exponent)
            assert time >= 0
        except ChaoskitError:
            pass


@many
@given(series(), st.one_of(st.just(0.3), options), st.one_of(st.just("auto"), options))
def test_of_one_series(data, share, gap):
    with contextlib.suppress(ChaoskitError):
        assert 1.0 <= correlation_time(data) <= max(len(data), 1)
    with contextlib.suppress(ChaoskitError):
        assert floor(spectral_distance, data, smoothing=1.0) <= 1.0
    try:
        train, test = split_in_time(data, test_share=share, gap=gap)
        assert min(len(train), len(test)) >= 20
    except ChaoskitError:
        pass


@settings(max_examples=max(EXAMPLES // 10, 20))
@given(series(), series(), st.one_of(st.just(20), options), st.one_of(st.just("auto"), options))
def test_intervals(true, generated, n_resamples, block):
    if isinstance(n_resamples, float) and n_resamples > 300:
        n_resamples = 20
    for measure, given_options in (
        (spectral_distance, {"smoothing": 1.0}),
        (state_space_divergence, {"n_samples": 9}),
    ):
        try:
            low, high = bootstrap_interval(
                measure, true, generated, n_resamples=n_resamples, block=block, **given_options
            )
        except ChaoskitError:
            continue
        assert 0 <= low <= high < np.inf


@settings(max_examples=max(EXAMPLES // 20, 15))
@given(series(), series(), st.one_of(st.none(), options), st.one_of(st.just("auto"), options))
def test_compare(true, generated, dt, embedding):
    try:
        found = compare(true, generated, dt=dt, embedding=embedding, n_resamples=0)
    except ChaoskitError:
        return
    assert found.verdict.split(":")[0] in ("faithful", "close", "wrong", "copy", "undecided")
    assert str(found).endswith(found.verdict)
