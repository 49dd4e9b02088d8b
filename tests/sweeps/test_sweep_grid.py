"""Points of a grid: combinations, labels, keywords that belong together, and what is refused beforehand."""

from __future__ import annotations

import numpy as np
import pytest
import works

from chaoskit import cells, sweep
from chaoskit.errors import InvalidInputError
from chaoskit.forcing import Annealed, Sparse
from chaoskit.sweeps import Labelled, Together, train_and_judge


def sums(**numbers):
    return {"sum": float(sum(np.sum(n) for n in numbers.values() if not isinstance(n, (Sparse, str))))}


def run(grid, out, work=sums, **options):
    return sweep(grid, work=work, out=out, executor="serial", **options)


def test_all_combinations_in_order(tmp_path):
    found = run({"a": [1, 2], "b": np.array([10, 20, 30])}, tmp_path, fixed={"c": 100})
    assert [(r["a"], r["b"], r["sum"]) for r in found.rows] == [
        (1, 10, 111), (1, 20, 121), (1, 30, 131), (2, 10, 112), (2, 20, 122), (2, 30, 132),
    ]  # fmt: skip
    assert found.names == ("a", "b")
    assert found.columns == ["a", "b", "sum", "status", "error", "warnings"]
    assert found.computed == 6


def test_labels_name_what_has_no_short_name(tmp_path):
    grid = {"data": {"zeros": np.zeros(5), "ones": np.ones(5)}, "forcing": [Sparse(2), "auto", Sparse(3)]}
    rows = run(grid, tmp_path).rows
    assert [r["data"] for r in rows] == ["zeros"] * 3 + ["ones"] * 3
    assert [r["forcing"] for r in rows[:3]] == ["Sparse(tau=2)", "auto", "Sparse(tau=3)"]
    assert [r["sum"] for r in rows] == [0, 0, 0, 5, 5, 5]


def test_keywords_that_change_together(tmp_path):
    data = {"one": Together(a=1, b=2), "two": Together(a=10, b=20)}
    found = run({"data": data, "c": [0, 5]}, tmp_path)
    assert [(r["data"], r["c"], r["sum"]) for r in found.rows] == [
        ("one", 0, 3), ("one", 5, 8), ("two", 0, 30), ("two", 5, 35),
    ]  # fmt: skip
    with pytest.raises(InvalidInputError, match="a is given by data and by a"):
        run({"data": data, "a": [1]}, tmp_path)


def test_points_one_by_one(tmp_path):
    found = run([{"a": 1}, {"a": 2, "b": Labelled("many", np.arange(50))}], tmp_path)
    assert [(r["a"], r["b"], r["sum"]) for r in found.rows] == [(1, None, 1), (2, "many", 2 + 1225)]


def test_classes_are_called_by_their_names(tmp_path):
    def name(cell):
        return {"cell_name": cell.__name__}

    rows = run({"cell": [cells.PLRNN, cells.LSTM]}, tmp_path, work=name).rows
    assert [(r["cell"], r["cell_name"]) for r in rows] == [("PLRNN", "PLRNN"), ("LSTM", "LSTM")]


@pytest.mark.parametrize(
    ("grid", "fixed", "words"),
    [
        ({"tau": [1, 2]}, {}, "takes no tau"),
        ({"seed": [0]}, {"learning_rat": 0.1}, "takes no learning_rat"),
        ({"checkpoint": ["a.npz"]}, {}, "takes no checkpoint"),
        ({"seed": [0]}, {}, "needs series"),
        ({"model_file": ["a.npz"]}, {"series": [1.0]}, "give keep_models"),
        ({"seed": [0]}, {"seed": 0}, "seed is in the grid as well"),
    ],
)
def test_names_that_the_work_does_not_take(grid, fixed, words, tmp_path):
    with pytest.raises(InvalidInputError, match=words):
        sweep(grid, fixed=fixed, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_keyword_of_fit_is_taken():
    from chaoskit.sweeps.grid import keywords_of

    taken, needed, others = keywords_of(train_and_judge)
    assert {"cell", "forcing", "seed", "on_epoch", "inputs", "test", "threads", "n_states"} <= taken
    assert needed == {"series"}
    assert not others


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ([], "at least one point"),
        ({"a": []}, "a: expected at least one value"),
        ({"a": 3}, "a: expected a list of values"),
        ({"a": "text"}, "a: expected a list of values"),
        ({"a": [1, 1]}, "got 1 twice"),
        ({"a": [[1.0] * 50]}, "has no short name"),
        ({"a": [object()]}, "has no short name"),
        ({"a": {"generator": np.random.default_rng(0)}}, "a: expected numbers, text, arrays"),
        ({"a": {(1, 2): 3}}, "expected a text or number as label"),
        ({"status": [1]}, "other than status"),
        ({3: [1]}, "expected names of keywords"),
        ([{"a": 1}, 5], "point 1: expected a mapping"),
        ([{"a": 1}, {"a": 1}], "the same one twice"),
        (7, "grid: expected a mapping of names to values"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_what_is_no_grid(grid, words, tmp_path):
    with pytest.raises(InvalidInputError, match=words):
        run(grid, tmp_path)


def test_other_arguments(tmp_path):
    with pytest.raises(InvalidInputError, match="work: expected a function"):
        run({"a": [1]}, tmp_path, work="fit")
    with pytest.raises(InvalidInputError, match="keep_models: expected a work that takes model_file"):
        sweep({"x": [0]}, work=works.failing, out=tmp_path, keep_models=True)
    with pytest.raises(InvalidInputError, match="executor: expected None"):
        sweep({"x": [0]}, work=works.failing, out=tmp_path, executor="dask")
    with pytest.raises(InvalidInputError, match="processes: expected without an executor"):
        sweep({"x": [0]}, work=works.failing, out=tmp_path, executor="serial", processes=2)
    with pytest.raises(InvalidInputError, match="out: expected a folder"):
        sweep({"x": [0]}, work=works.failing, out=3, executor="serial")


def test_labels_are_not_what_is_computed(tmp_path):
    """Another name, another order, a larger grid: what is there is taken."""
    run({"a": {"first": Annealed(1, 4), "second": Sparse(2)}}, tmp_path, work=lambda a: {"b": 1})
    again = run(
        {"a": {"new": Sparse(3), "renamed": Sparse(2), "first": Annealed(1, 4)}},
        tmp_path, work=lambda a: {"b": 1},
    )  # fmt: skip
    assert again.computed == 1
    assert [r["a"] for r in again.rows] == ["new", "renamed", "first"]
