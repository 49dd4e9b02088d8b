"""Any arguments at any public function: an answer that keeps its promise, or a ChaoskitError.

`pytest -m slow tests/fuzz` tries 10,000 of each, and 1000 where a call takes long.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings

import edges_of_models
import edges_of_series
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chaoskit
from chaoskit import cells, dynamics, gradients, invariant_sets, measures, plot, timeseries, training
from chaoskit.errors import ChaoskitError, ChaoskitWarning

EDGES = edges_of_models.EDGES + edges_of_series.EDGES
FEW, MANY = (100, 20), (10_000, 1000)  # of cheap and of dear calls
ELSEWHERE = {
    "compare_with_baselines",  # `fit_baselines` and `evaluate` one after the other
    "sweep",  # it starts processes, and writes files: tests/sweeps
}


def name_of(edge):
    function = edge.function
    return getattr(function, "__qualname__", None) or f"FitResult.{function.name}"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Paths among the arguments lead to files."""
    monkeypatch.chdir(tmp_path)


def try_out(edge, examples, **options):
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None, **options)
    @given(st.data())
    def attempt(data):
        changed = data.draw(edge.arguments)
        with warnings.catch_warnings(), contextlib.suppress(ChaoskitError):
            warnings.simplefilter("ignore", ChaoskitWarning)
            edge.call(changed)

    attempt()


@pytest.mark.parametrize("edge", EDGES, ids=name_of)
def test_an_answer_or_a_clear_error(edge):
    try_out(edge, FEW[edge.dear])


@pytest.mark.slow
@pytest.mark.parametrize("edge", EDGES, ids=name_of)
def test_an_answer_or_a_clear_error_many_times(edge):
    try_out(edge, MANY[edge.dear], derandomize=False)


@pytest.mark.parametrize("edge", EDGES, ids=name_of)
def test_the_good_arguments_are_good(edge):
    """Otherwise every example would end at the same check."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChaoskitWarning)
        edge.call({})


def test_every_public_function_is_in_the_table():
    modules = (chaoskit, dynamics, gradients, invariant_sets, measures, timeseries, training, plot)
    public = {getattr(m, name) for m in modules for name in m.__all__}
    functions = {inspect.unwrap(f) for f in public if inspect.isfunction(f)}
    tried = {inspect.unwrap(edge.function) for edge in EDGES}
    assert {f.__name__ for f in functions - tried} == ELSEWHERE
    assert {cls.init for cls in cells.ALL_CELLS} <= tried
