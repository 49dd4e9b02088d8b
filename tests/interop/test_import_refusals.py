"""Layouts without a cell, and arguments that do not fit, are refused in one clear sentence."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from layer_runs import M, N, flax_tree, keras_arrays, random_weights, torch_names
from raw_files import safetensors_bytes

from chaoskit.cells import LSTM
from chaoskit.errors import InvalidInputError, MissingDependencyError, ModelFileError
from chaoskit.interop import from_flax, from_keras, from_safetensors, from_torch, to_torch_state_dict

LSTM_NAMES = torch_names([random_weights("lstm", N, M)])


def changed(**arrays):
    return {name: a for name, a in (LSTM_NAMES | arrays).items() if a is not None}


TORCH = {
    "nothing": ({"a": np.ones(2)}, {}, "expected a recurrent layer"),
    "empty": ({}, {}, "expected a recurrent layer"),
    "no mapping": (3, {}, "expected a file name or a mapping"),
    "bidirectional": (changed(weight_hh_l0_reverse=LSTM_NAMES["weight_hh_l0"]), {}, "bidirectional"),
    "projections": (changed(weight_hr_l0=np.ones((2, N))), {}, "projections"),
    "missing": (changed(weight_ih_l0=None), {}, r"weight_ih_l0: expected this array"),
    "gap": (LSTM_NAMES | {"weight_hh_l2": np.ones((4 * N, N))}, {}, r"weight_ih_l1: expected this array"),
    "two forms": (changed(weight_hh=np.ones((4 * N, N))), {}, "got both"),
    "rows": (changed(weight_ih_l0=np.ones((3 * N, M))), {}, "input weights for 12 gate rows"),
    "gates": (changed(weight_hh_l0=np.ones((2 * N, N))), {}, "6 gate rows for 3 units"),
    "no units": (changed(weight_hh_l0=np.ones((0, 0))), {}, "0 gate rows for 0 units"),
    "bias": (changed(bias_hh_l0=np.ones(N)), {}, r"biases of shape \(12,\), got \(3,\)"),
    "dimensions": (
        changed(weight_hh_l0=np.ones((4, N, N))),
        {},
        r"expected 2 dimensions, got shape \(4, 3, 3\)",
    ),
    "NaN": (changed(bias_hh_l0=np.full(4 * N, np.nan)), {}, "expected finite numbers"),
    "no numbers": (changed(weight_hh_l0=np.ones((0, 1 << 45), "f2")), {}, "expected weights, got none"),
    "sum of biases": (
        changed(bias_ih_l0=np.full(4 * N, 1.7e308), bias_hh_l0=np.full(4 * N, 1.7e308)),
        {},
        "a sum that float64 can hold",
    ),
    "long name": ({"a" * 600: {"b" * 600: np.ones(2)}}, {}, "names of at most 1000 characters"),
    "integers": (changed(weight_hh_l0=np.ones((4 * N, N), int)), {}, "floating-point weights, got int64"),
    "complex": (
        changed(weight_hh_l0=np.ones((4 * N, N), complex)),
        {},
        "floating-point weights, got complex128",
    ),
    "relu": (LSTM_NAMES, {"nonlinearity": "relu"}, "expected tanh in the gates of a LSTM"),
    "word": (LSTM_NAMES, {"nonlinearity": "selu"}, "expected one of"),
    "prefix": (LSTM_NAMES, {"prefix": "rnn"}, "expected prefix to be one of '', got 'rnn'"),
    "prefix type": (LSTM_NAMES, {"prefix": 3}, "expected a name or a list of names"),
    "readout": (LSTM_NAMES, {"readout": 3}, "expected the name of a linear layer"),
    "readout shape": (changed(**{"a.weight": np.ones((M, N + 1))}), {"readout": "a"}, "expected C of shape"),
    "loop": (
        LSTM_NAMES | {f"b.{k}": a for k, a in LSTM_NAMES.items()},
        {"prefix": ["", "b"]},
        "expected 3 inputs",
    ),
}


@pytest.mark.parametrize("case", TORCH)
def test_torch(case):
    source, options, message = TORCH[case]
    with pytest.raises(InvalidInputError, match=message):
        from_torch(source, **options)


def test_mappings_inside_themselves_end():
    endless: dict = {}
    endless["again"] = endless
    with pytest.raises(InvalidInputError, match="mappings inside one another"):
        from_torch(endless)


def test_names_are_counted_before_they_are_made():
    class Endless(dict):
        def __len__(self):
            return 1 << 40

        def items(self):
            raise AssertionError("its names are made")

    with pytest.raises(InvalidInputError, match="at most 100000 names"):
        from_torch({"a": Endless()})


def test_a_batch_of_cells_has_no_state_dict():
    cell = LSTM.init(N, M, rng=0)
    with pytest.raises(InvalidInputError, match=r"a batch with W of shape \(2, 12, 3\)"):
        to_torch_state_dict(LSTM(*(np.stack([part, part]) for part in cell)))


class Broken:
    shape, dtype = (2,), "float32"

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("on another device")


def test_a_tensor_that_cannot_be_read():
    with pytest.raises(
        InvalidInputError, match="weight_hh_l0: expected a tensor of numbers, got on another device"
    ):
        from_torch(changed(weight_hh_l0=Broken(), weight_ih_l0=np.ones((12, 2))))


KERNEL, RECURRENT, BIAS = keras_arrays("gru", random_weights("gru", N, M))
PAIR = {f"both/{way}_lstm/lstm_cell/{part}": np.ones((N, 4 * N)) for way in ("forward", "backward")
        for part in ("kernel", "recurrent_kernel")}  # fmt: skip
KERAS = {
    "reset before": ([KERNEL, RECURRENT, BIAS[0]], {}, "reset_after=True"),
    "bidirectional": ([KERNEL, RECURRENT, BIAS] * 2, {}, "got 6 arrays.*bidirectional"),
    "by name": (PAIR, {}, r"bidirectional one \(both.backward_lstm\)"),
    "one half": (PAIR, {"prefix": "both.forward_lstm"}, "bidirectional one"),
    "no arrays": ([1.0, 2.0], {}, "expected arrays, got float"),
    "biases": ([KERNEL, RECURRENT, np.ones((3, 9))], {}, "one bias or two"),
    "prefix": ([KERNEL, RECURRENT], {"prefix": "gru"}, "lists of weights, which have no names"),
    "readout": ([KERNEL, RECURRENT], {"readout": [KERNEL] * 3}, "readout: expected"),
    "relu": ([KERNEL, RECURRENT, BIAS], {"activation": "relu"}, "expected tanh in the gates"),
    "empty": ([], {}, "got 0 arrays"),
    "number": (5, {}, "expected a file name or a mapping"),
}


@pytest.mark.parametrize("case", KERAS)
def test_keras(case):
    source, options, message = KERAS[case]
    with pytest.raises(InvalidInputError, match=message):
        from_keras(source, **options)


TREE = flax_tree("gru", random_weights("gru", N, M))
FLAX = {
    "gate missing": ({k: a for k, a in TREE.items() if k != "hz"}, {}, "hz.kernel: expected this array"),
    "kernel": (TREE | {"hz": {"kernel": np.ones((N, N + 1))}}, {}, "hz: expected a kernel of shape"),
    "bias": (
        TREE | {"ir": {"kernel": np.ones((M, N)), "bias": np.ones(2)}},
        {},
        r"ir: expected .* and \(2,\)",
    ),
    "not square": (
        {"i": {"kernel": np.ones((M, N))}, "h": {"kernel": np.ones((3 * N, N))}},
        {},
        "square kernels",
    ),
    "two": ({"a": TREE, "b": TREE}, {}, "one recurrent module, got 'a', 'b'"),
    "readout": (TREE, {"readout": "head"}, "one of 'ir'"),
    "nothing": ({"dense": {"kernel": np.ones((2, 2))}}, {}, "expected a recurrent layer"),
}


@pytest.mark.parametrize("case", FLAX)
def test_flax(case):
    source, options, message = FLAX[case]
    with pytest.raises(InvalidInputError, match=message):
        from_flax(source, **options)


def test_an_empty_tensor_of_a_shape_that_no_array_has(tmp_path):
    row = {"dtype": "BF16", "shape": [0, 1 << 40, 1 << 21], "data_offsets": [0, 0]}
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors_bytes({"weight_hh_l0": row, "weight_ih_l0": row}))
    with pytest.raises(ModelFileError, match="damaged"):
        from_safetensors(path)


def test_files_of_keras_need_h5py(tmp_path, monkeypatch):
    path = tmp_path / "net.weights.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(40))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingDependencyError, match="pip install h5py"):
        from_keras(path)
    with pytest.raises(ModelFileError, match="from_keras"):
        from_torch(path)
