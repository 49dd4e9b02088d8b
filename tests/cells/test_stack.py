"""What a stack of layers accepts, and what it says of the rest."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from chaoskit.cells import GRU, LSTM, Stack, Tanh
from chaoskit.errors import InvalidInputError


def layers():
    return [LSTM.init(4, 2, rng=0), LSTM.init(3, 4, rng=1)]


def test_sizes_and_parts():
    stack = Stack(layers())
    assert (stack.n_states, stack.n_inputs, len(stack.layers)) == (14, 2, 2)
    assert repr(stack) == "Stack of LSTM: 2 inputs -> 4 -> 3 units"
    first, last = stack.split(np.arange(28.0).reshape(2, 14))
    assert first.tolist() == [[*range(8)], [*range(14, 22)]]
    assert last.tolist() == [[*range(8, 14)], [*range(22, 28)]]
    closed = Stack(stack.layers, readout=([[1, 2, 3], [4, 5, 6]], [0, 1]))
    assert (closed.n_states, closed.n_inputs) == (14, 0)
    assert repr(closed) == "Stack of LSTM: 0 inputs -> 4 -> 3 units, closed loop"


def test_arithmetic_is_the_widest_that_an_array_asks_for():
    single = [LSTM.init(4, 2, rng=0, dtype=np.float32), LSTM.init(3, 4, rng=1, dtype=np.float32)]
    readout = np.ones((2, 3), np.float32), np.zeros(2, np.float32)
    assert {a.dtype for layer in Stack(single).layers for a in layer} == {np.dtype(np.float32)}
    assert Stack(single, readout=readout).readout[0].dtype == np.float32
    mixed = Stack(single, readout=(np.ones((2, 3)), readout[1]))
    assert {a.dtype for layer in mixed.layers for a in layer} == {np.dtype(np.float64)}
    assert mixed.readout[1].dtype == np.float64


def test_pickle():
    stack = Stack(layers(), readout=(np.ones((2, 3)), np.zeros(2)))
    again = pickle.loads(pickle.dumps(stack))
    for one, other in zip((*stack.layers, stack.readout), (*again.layers, again.readout), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def ensemble():
    one = LSTM.init(4, 2, rng=0)
    return LSTM(*(np.stack([a, a]) for a in one))


REFUSED = {
    "no layer": (lambda: Stack([]), r"layers: expected a list of cells .*, got none"),
    "a cell": (lambda: Stack(layers()[0]), r"layers: expected a list of cells .*, got LSTM"),
    "no list": (lambda: Stack(3), r"layers: expected a list of cells .*, got int"),
    "no cell": (lambda: Stack([layers()[0], 3]), r"layers\[1\]: expected a cell .*, got int"),
    "a stack": (lambda: Stack([Stack(layers())]), r"layers\[0\]: expected a cell .*, got Stack"),
    "classes": (
        lambda: Stack([layers()[0], GRU.init(3, 4, rng=0)]),
        r"layers\[1\]: expected a LSTM as the first layer is, got GRU",
    ),
    "a batch": (lambda: Stack([ensemble()]), r"layers\[0\]: expected one LSTM, got a batch of 2"),
    "not finite": (lambda: Stack([Tanh([[np.nan]], [[1.0]], [0.0])]), r"Tanh\.W"),
    "sizes": (
        lambda: Stack([layers()[0], LSTM.init(3, 5, rng=0)]),
        r"layers\[1\]: expected 4 inputs, as many as layers\[0\] has units, got 5",
    ),
    "no pair": (lambda: Stack(layers(), readout=np.ones((2, 3))[0]), r"readout: expected a pair \(C, d\)"),
    "readout": (
        lambda: Stack(layers(), readout=(np.ones((3, 2)), np.zeros(2))),
        r"readout: expected C of shape \(2, 3\) and d of shape \(2,\), .* got \(3, 2\) and \(2,\)",
    ),
    "readout of infinity": (
        lambda: Stack(layers(), readout=(np.full((2, 3), np.inf), np.zeros(2))),
        r"readout C: ",
    ),
    "readout without inputs": (
        lambda: Stack([LSTM.init(4, rng=0)], readout=(np.ones((0, 4)), np.zeros(0))),
        r"readout: expected a first layer with inputs",
    ),
    "states": (
        lambda: Stack(layers()).split(np.zeros(7)),
        r"states: expected shape \(\.\.\., 14\), got \(7,\)",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused(what):
    make, message = REFUSED[what]
    with pytest.raises(InvalidInputError, match=message):
        make()
