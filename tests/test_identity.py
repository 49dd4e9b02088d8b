"""Descriptions of values: the same in every process, different where the values do different things."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import chaoskit
from chaoskit import cells, forcing, systems
from chaoskit._identity import digest, identity
from chaoskit._labelled import TimeSeries
from chaoskit.errors import InvalidInputError

FACTOR = 2.0


def helper(x):
    return FACTOR * x


def measure(model, series, inputs, words=frozenset({"alpha", "beta", "gamma", "delta"})):
    return helper(len(series)) + (model in {"one", "two", "three", "four"})


@dataclass
class Mine:
    """A forcing of one's own."""

    tau: int

    def schedule(self, length):
        return length // self.tau


class Plain:
    def __init__(self, a):
        self.a = a


def made(value):
    return lambda x: x + value


def cell(seed):
    return cells.PLRNN.init(3, rng=np.random.default_rng(seed))


DIFFERENT = [
    0, 1, 1.0, 1.5, "1", True, None, b"1", 1j, float("inf"), [1], [1, 2], {"a": 1}, {"a": 2}, {"b": 1},
    {1, 2}, np.zeros(3), np.zeros(4), np.zeros((3, 1)), np.zeros(3, np.float32),
    np.array(["a", None], object), np.array(["a", 2], object), np.dtype("f4"), np.float32,
    np.tanh, np.exp, len, abs,
    forcing.Sparse(3), forcing.Sparse(3, jitter=1), forcing.Windowed(3), forcing.Generalized(0.1),
    Mine(3), Mine(4),
    cells.PLRNN, cells.LSTM, cell(0), cell(1), systems.Henon(), systems.Henon(a=1.3), systems.Lorenz63(),
    helper, measure, partial(helper, 1), partial(helper, 2), partial(measure, words=1), made(1), made(2),
    Plain(1), Plain(2), Plain, Path("a"), Path("b"), forcing.Sparse(3).schedule, forcing.Sparse(4).schedule,
    TimeSeries(np.zeros((3, 1)), 0.1), TimeSeries(np.zeros((3, 1)), 0.2),
    lambda x: np.mean(x), lambda x: np.std(x), lambda x: (lambda: 1), lambda x: (lambda: 2), lambda x, k=1: x,
]  # fmt: skip


def test_what_differs_is_told_apart():
    seen = {}
    for value in DIFFERENT:
        found = digest(identity(value, strict=True))
        assert found not in seen, (value, seen.get(found))
        seen[found] = value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.float64(0.1), 0.1), (np.int64(3), 3), ((1, 2), [1, 2]), ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6.0).reshape(2, 3)),
        (np.arange(10)[::2], np.arange(0, 10, 2)), (made(3), made(3)), (range(3), [0, 1, 2]),
        (cell(0), cell(0)),
    ],
)  # fmt: skip
def test_what_is_the_same_is_the_same(one, other):
    assert identity(one, strict=True) == identity(other, strict=True)


def test_a_function_is_what_it_looks_up(monkeypatch):
    before = digest(identity(measure, strict=True))
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", 3.0)  # two calls deep
    assert digest(identity(measure, strict=True)) != before


def test_the_same_in_every_process():
    """Whatever the seed of its hashes and wherever its objects lie."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_identity as t, json; "
    )
    code += "print(json.dumps([t.digest(t.identity(v, strict=True)) for v in t.DIFFERENT]))"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True,
            env=os.environ
            | {"PYTHONPATH": str(Path(chaoskit.__file__).parents[1]), "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert json.loads(done.stdout) == [digest(identity(v, strict=True)) for v in DIFFERENT]


def test_tables_are_what_they_hold():
    pandas = pytest.importorskip("pandas")
    one, other = (pandas.DataFrame({"x": [1.0, 2.0], "y": [3.0, last]}) for last in (4.0, 5.0))
    assert identity(one, strict=True) == identity(one.copy(), strict=True)
    assert identity(one, strict=True) != identity(other, strict=True)


@pytest.mark.parametrize(
    "value",
    [np.random.default_rng(0), object(), {"a": [object()]}, partial(helper, iter([])), (n for n in ())],
)
def test_what_cannot_be_told_apart_is_refused(value):
    with pytest.raises(InvalidInputError, match="cannot be told from another one"):
        identity(value, strict=True)
    json.dumps(identity(value))  # by the name of its class otherwise


def test_what_holds_itself():
    a = []
    a.append(a)
    assert json.dumps(identity(a)) == json.dumps(identity(a))
