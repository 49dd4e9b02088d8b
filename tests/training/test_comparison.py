"""All baselines at once: which are fitted, which is chosen, and what is said when one is better."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from chaoskit import simulate
from chaoskit.errors import ChaoskitWarning, InvalidInputError
from chaoskit.report import table
from chaoskit.systems import Henon
from chaoskit.training import (
    Comparison,
    NextGenerationReservoir,
    compare_with_baselines,
    fit_baselines,
    fit_gaussian_noise,
    fit_next_generation_reservoir,
)
from chaoskit.training.comparison import _better
from chaoskit.training.fit_baselines import _best, fit_all

HENON = simulate(Henon(), [0.1, 0.1], 2500, transient=100)
NAMES = [
    "echo-state network", "next-generation reservoir", "linear autoregression with noise",
    "linear autoregression", "Gaussian noise",
]  # fmt: skip


def test_every_baseline_is_fitted():
    models = fit_baselines(HENON)
    assert list(models) == [m.name for m in models.values()] == NAMES
    again, other = fit_baselines(HENON), fit_baselines(HENON, seed=1)
    np.testing.assert_array_equal(models[NAMES[0]].readout, again[NAMES[0]].readout)
    assert (models[NAMES[0]].recurrent != other[NAMES[0]].recurrent).any()


def test_one_column_gets_a_window():
    column = simulate(Henon(), [0.1, 0.1], 1000, transient=100)[:, 0]
    models = fit_baselines(column[:900])
    assert models["next-generation reservoir"].lags == 2  # the map is quadratic in two rows, and found
    forecast = models["next-generation reservoir"].forecast(column[:900], 5)[:, 0]
    np.testing.assert_allclose(forecast, column[900:905], atol=1e-3)


def test_what_cannot_be_fitted_is_left_out_with_a_reason():
    with pytest.warns(
        ChaoskitWarning, match="the echo-state network was left out: series: expected at least"
    ):
        models = fit_baselines(HENON[:150])
    assert list(models) == NAMES[1:]
    wide = np.random.default_rng(0).normal(size=(230, 60))
    models, remarks = fit_all(wide, 0)
    assert list(models) == [NAMES[0], *NAMES[2:]]
    assert "quadratic features" in remarks[0]
    for bad in (np.ones((500, 1)), HENON * np.nan, HENON * 1e200):
        with pytest.raises(InvalidInputError):
            fit_baselines(bad)


def test_the_best_free_run_is_chosen():
    noise, true = fit_gaussian_noise(HENON), fit_next_generation_reservoir(HENON)
    lost = fit_next_generation_reservoir(HENON)
    lost.readout[:, 1:] *= -5
    assert lost.generate(500).diverged_at is not None
    assert _best([lost, noise, true], HENON, 1, 1) is true
    assert _best([lost, noise], HENON, 1, 1) is noise
    assert _best([lost], HENON, 1, 1) is lost


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare_with_baselines(fit_gaussian_noise(HENON[:1500]), HENON[:1500], HENON[1500:], horizon=3)


def test_a_better_baseline_is_named(comparison):
    assert comparison.model == "Gaussian noise (the model)"
    assert list(comparison.evaluations) == [comparison.model, *NAMES]
    assert comparison.better["prediction error"][0] in NAMES[:2]
    assert "Gaussian noise" not in comparison.better["prediction error"]  # as good as itself
    assert comparison.better["state-space divergence"][0] in NAMES[:2]
    best = comparison.better["state-space divergence"][0]
    assert f"{best} by state-space divergence (" in comparison.verdict
    assert comparison.verdict.startswith("Better than the Gaussian noise (the model): ")


def test_the_table_has_floors_and_models(comparison):
    values = comparison.table()
    shown = str(comparison).splitlines()
    assert shown[: 2 + 1 + 6] == table(values["header"], values["rows"]).splitlines()
    assert shown[2 + 1 + 6 :] == ["", comparison.verdict, *comparison.remarks]
    assert repr(comparison) == f"Comparison({comparison.verdict})"
    own = comparison.evaluations[comparison.model]
    assert values["rows"][0][1] == own.state_space_floor
    assert values["rows"][1][1:] == [
        own.state_space_divergence, own.outside, own.spectral_distance, own.prediction_error,
        own.valid_prediction_time, "wrong",
    ]  # fmt: skip


def judged(divergence, spectral, error, *, diverged_at=None):
    return SimpleNamespace(
        state_space_divergence=divergence, state_space_floor=1.0, spectral_distance=spectral,
        spectral_floor=0.1, prediction_error=error, prediction_floor=0.5, diverged_at=diverged_at,
        outside=0.0, valid_prediction_time=None, verdict="wrong: ...",
    )  # fmt: skip


def test_values_below_the_floor_are_no_better():
    found = {"model": judged(0.9, 0.08, 0.4), "a": judged(0.1, 0.01, 0.5), "b": judged(2.0, 0.2, None)}
    assert _better("model", found) == {}
    names = "state-space divergence or spectral distance or prediction error"
    said = f"No baseline is better than the model by {names}."
    assert Comparison("model", found, {}).verdict == f"{said} It is wrong all the same: ...."
    found["model"].verdict = "faithful: ..."
    assert Comparison("model", found, {}).verdict == said
    found["a"] = judged(0.1, 0.01, 0.3)  # the floor of an error is a forecast that may be beaten
    assert _better("model", found) == {"prediction error": ("a",)}


def test_a_model_that_diverged_is_worse_than_any():
    found = {
        "model": judged(None, None, None, diverged_at=3),
        "a": judged(2.0, 0.9, 9.0),
        "b": judged(1.5, 1.0, None),
    }
    better = _better("model", found)
    assert better == {
        "state-space divergence": ("b", "a"), "spectral distance": ("a", "b"), "prediction error": ("a",)
    }  # fmt: skip
    said = Comparison("model", found, better)
    assert "b by state-space divergence (1.5, the model has none)" in said.verdict
    assert said.table()["rows"][1] == ["model", "diverged", 0.0, None, None, None, "wrong"]


def test_all_are_judged_in_the_coordinates_of_the_model():
    class Embedded(NextGenerationReservoir):
        embedding = (1, 3)

    column = HENON[:, 0]
    fitted = fit_next_generation_reservoir(column[:1500])
    found = compare_with_baselines(Embedded(**vars(fitted)), column[:1500], column[1500:])
    assert {e.embedding for e in found.evaluations.values()} == {(1, 3)}


def test_it_is_said_that_baselines_get_no_inputs():
    class Followed(NextGenerationReservoir):
        n_inputs = 1

        def predict(self, contexts, steps, *, inputs=None, seed=0):
            return NextGenerationReservoir(**vars(self)).predict(contexts, steps)

    fitted = fit_next_generation_reservoir(HENON[:1500])
    model = Followed(**vars(fitted))
    found = compare_with_baselines(model, HENON[:1500], HENON[1500:], inputs=np.zeros((len(HENON) - 1500, 1)))
    assert any("the baselines get no inputs" in remark for remark in found.remarks)


def test_nothing_is_said_of_inputs_where_there_are_none(comparison):
    assert comparison.remarks == ()


def test_series_must_fit():
    model = fit_gaussian_noise(HENON)
    with pytest.raises(InvalidInputError, match="train and test: expected the same number of columns"):
        compare_with_baselines(model, HENON[:, 0], HENON)
    with pytest.raises(InvalidInputError, match="test: expected at least 400 rows"):
        compare_with_baselines(model, HENON, HENON[:300])
