"""The linear baseline on processes with known coefficients."""

from __future__ import annotations

import numpy as np
import pytest

from chaoskit.errors import DivergenceError, InvalidInputError
from chaoskit.measures import spectral_distance, state_space_divergence
from chaoskit.training import baselines
from chaoskit.training.baselines import fit_linear_autoregression
from chaoskit.training.generated import Generated

LAG_1 = np.array([[0.5, 0.2], [-0.3, 0.4]])
LAG_2 = np.array([[0.1, -0.2], [0.2, 0.3]])
NOISE = np.array([[1.0, 0.0], [0.5, 0.5]])


@pytest.fixture(scope="module")
def process() -> np.ndarray:
    """VAR(2) with known matrices, units of 1 and 100, and a mean that is not zero."""
    noise = np.random.default_rng(0).normal(size=(20_000, 2)) @ NOISE.T
    x = np.zeros((20_000, 2))
    for t in range(2, len(x)):
        x[t] = LAG_1 @ x[t - 1] + LAG_2 @ x[t - 2] + noise[t]
    return x * [1.0, 100.0] + [3.0, -500.0]


UNITS = np.array([[1.0, 0.01], [100.0, 1.0]])


def test_known_coefficients_are_found(process):
    model = fit_linear_autoregression(process)
    assert model.order == 2
    np.testing.assert_allclose(model.coefficients / UNITS, [LAG_1, LAG_2], atol=0.03)
    scale = np.diag([1.0, 100.0])
    expected = scale @ NOISE @ NOISE.T @ scale
    np.testing.assert_allclose(model.residual_covariance, expected, rtol=0.04)
    total = np.eye(2) - model.coefficients.sum(axis=0)
    np.testing.assert_allclose(np.linalg.solve(total, model.intercept), [3, -500], rtol=0.05)


@pytest.mark.parametrize("order", [1, 3])
def test_least_squares_by_the_plain_way(process, order, monkeypatch):
    data = process[:300]
    monkeypatch.setattr(baselines, "CHUNK_ENTRIES", 1)  # many small blocks
    model = fit_linear_autoregression(data, order=order, ridge=0.0)
    rows = range(order, len(data))
    design = [np.concatenate([[1.0], *data[t - order : t][::-1]]) for t in rows]
    weights = np.linalg.lstsq(np.array(design), data[order:], rcond=None)[0]
    np.testing.assert_allclose(model.intercept, weights[0], rtol=1e-8)
    stacked = np.concatenate(model.coefficients, axis=1)
    np.testing.assert_allclose(stacked, weights[1:].T, rtol=1e-7, atol=1e-9)
    residual = data[order:] - np.array(design) @ weights
    covariance = residual.T @ residual / len(residual)
    np.testing.assert_allclose(model.residual_covariance, covariance, rtol=1e-8)


def test_ridge_shrinks_in_units_of_the_standard_deviation(process):
    # Ridge 1 on one standardised column with lag-1 correlation c gives c / (1 + 1).
    column = process[:, 1]
    free = fit_linear_autoregression(column, order=1, ridge=0.0).coefficients
    tied = fit_linear_autoregression(column, order=1, ridge=1.0).coefficients
    np.testing.assert_allclose(tied, free / 2, rtol=1e-3)
    assert fit_linear_autoregression(column, order=1, ridge=1e9).intercept == pytest.approx(
        column.mean(), rel=1e-3
    )


@pytest.mark.parametrize("criterion", ["bic", "aic"])
def test_order_is_found_and_capped(criterion):
    # A pure third-lag process: orders 1 and 2 see nothing of it.
    random = np.random.default_rng(1)
    x = random.normal(size=5000)
    for t in range(3, len(x)):
        x[t] += 0.7 * x[t - 3]
    assert 3 <= fit_linear_autoregression(x, criterion=criterion).order <= 8
    assert fit_linear_autoregression(x, criterion=criterion, max_order=2).order <= 2
    bic = fit_linear_autoregression(x, criterion="bic").order
    assert bic == 3


def test_order_of_a_short_series_is_capped():
    for seed in range(20):
        data = np.random.default_rng(seed).normal(size=(40, 3))
        assert fit_linear_autoregression(data).order <= 2


def test_noise_free_run_obeys_the_equation(process):
    model = fit_linear_autoregression(process, order=2)
    run = model.generate(5).series
    rows = np.concatenate([process[-2:], run])
    for t in range(2, 7):
        expected = model.intercept + sum(model.coefficients[k] @ rows[t - 1 - k] for k in range(2))
        np.testing.assert_allclose(rows[t], expected, rtol=1e-12)


def test_forecasts_follow_their_contexts(process):
    model = fit_linear_autoregression(process, order=2)
    contexts = np.stack([process[7:12], process[20:25]])
    first = [
        model.intercept + model.coefficients[0] @ c[-1] + model.coefficients[1] @ c[-2] for c in contexts
    ]
    np.testing.assert_allclose(model.predict(contexts, 1)[:, 0], first, rtol=1e-12)
    np.testing.assert_array_equal(model.forecast(process[10:12], 9), model.forecast(process[:12], 9))
    np.testing.assert_array_equal(model.forecast(process, 9), model.generate(9).series)


def test_noise_belongs_to_the_model(process):
    free, noisy = (fit_linear_autoregression(process, order=2, noise_scale=s) for s in (0.0, 1.0))
    np.testing.assert_array_equal(
        noisy.generate(9, seed=2).series, free.generate(9, noise_scale=1.0, seed=2).series
    )
    np.testing.assert_array_equal(noisy.generate(9, noise_scale=0.0).series, free.generate(9).series)
    one_step = noisy.predict(np.tile(process[:2], (5000, 1, 1)), 1)[:, 0]
    np.testing.assert_allclose(np.cov(one_step.T), noisy.residual_covariance, rtol=0.1)
    assert (noisy.name, free.name) == ("linear autoregression with noise", "linear autoregression")


def test_noisy_run_has_the_statistics_of_the_data(process):
    run = fit_linear_autoregression(process).generate(20_000, noise_scale=1.0, seed=3)
    assert run.diverged_at is None
    assert run.series.shape == (20_000, 2)
    np.testing.assert_allclose(np.cov(run.series.T), np.cov(process.T), rtol=0.1)
    assert spectral_distance(process, run.series) < 0.1
    assert float(state_space_divergence(process, run.series, n_bins=10)) < 0.05


def test_noise_is_reproducible_and_scaled(process):
    model = fit_linear_autoregression(process)
    free = model.generate(50).series
    first = model.generate(50, noise_scale=1.0, seed=1).series
    np.testing.assert_array_equal(first, model.generate(50, noise_scale=1.0, seed=1).series)
    assert not np.array_equal(first, model.generate(50, noise_scale=1.0, seed=2).series)
    half = model.generate(50, noise_scale=0.5, seed=1).series
    np.testing.assert_allclose(half - free, (first - free) / 2, atol=1e-9)


def test_a_diverging_run_gives_its_finite_part():
    growing = 1.5 ** np.arange(60)
    model = fit_linear_autoregression(growing, order=1, ridge=0.0)
    run = model.generate(5000)
    assert run.diverged_at == len(run.series)
    # 1.5^(60 + k) is a million standard deviations away
    row = np.log((1e6 * growing.std() + growing.mean()) / growing[-1]) / np.log(1.5) - 1
    assert run.diverged_at == np.ceil(row)
    with pytest.raises(DivergenceError, match="the linear autoregression diverged") as caught:
        model.forecast(growing, 100)
    assert caught.value.step == run.diverged_at


def test_generated_is_cut_at_the_first_bad_row():
    series = np.ones((6, 2))
    series[4, 1], series[5, 0] = np.nan, 1.0
    run = Generated.cut(series)
    assert run.diverged_at == 4
    assert run.series.shape == (4, 2)
    assert Generated.cut(series[:4]).diverged_at is None


def test_collinear_columns_and_noise_free_data_do_not_break_the_fit():
    wave = np.sin(0.3 * np.arange(400))
    data = np.column_stack([wave, 2 * wave, np.cos(0.3 * np.arange(400))])
    run = fit_linear_autoregression(data).generate(100, noise_scale=1.0)
    assert run.diverged_at is None
    np.testing.assert_allclose(run.series[:, 1], 2 * run.series[:, 0], atol=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 0}, "order"),
        ({"order": "best"}, "order"),
        ({"order": 60}, "60 lags of 1 columns"),
        ({"series": np.eye(4)}, "longer series"),
        ({"max_order": 0}, "max_order"),
        ({"criterion": "hq"}, "criterion"),
        ({"ridge": -1.0}, "ridge"),
        ({"noise_scale": -1.0}, "noise_scale"),
        ({"series": np.ones(50)}, "never changes"),
        ({"series": [1.0, 2.0, np.nan, 4.0]}, "finite"),
    ],
)
def test_bad_input_is_named(options, message):
    options = {"series": np.random.default_rng(0).normal(size=100)} | options
    with pytest.raises(InvalidInputError, match=message):
        fit_linear_autoregression(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"noise_scale": -1.0}, "noise_scale"),
        ({"inputs": np.zeros((10, 1))}, "inputs: expected none"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_options_of_the_run_are_named(process, options, message):
    model = fit_linear_autoregression(process, order=2)
    with pytest.raises(InvalidInputError, match=message):
        model.generate(**({"steps": 10} | options))
