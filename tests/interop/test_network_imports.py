"""Weights in the names and orders of PyTorch, Keras and Flax against the formulas that define the layers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from layer_runs import (
    KINDS,
    M,
    N,
    agree,
    flax_tree,
    formula,
    keras_arrays,
    outputs,
    random_weights,
    torch_names,
)

from chaoskit.cells import GRU, LSTM, PLRNN, Stack, Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.interop import from_flax, from_keras, from_torch, to_torch_state_dict

INPUTS = np.random.default_rng(1).standard_normal((12, M))
CHECKPOINT = Path(__file__).parent / "data" / "checkpoint.pt"


def activation(kind):
    return "relu" if kind == "relu" else "tanh"


@pytest.mark.parametrize("kind", KINDS)
def test_every_layout_follows_the_formula(kind, tmp_path):
    weights = random_weights(kind, N, M)
    names, tree = torch_names([weights], "net.rnn."), {"params": {"cell_0": flax_tree(kind, weights)}}
    np.savez_compressed(tmp_path / "torch.npz", **names)
    np.savez(tmp_path / "keras.npz", *keras_arrays(kind, weights))
    flat = {
        f"cell_0/{gate}/{part}": a
        for gate, parts in tree["params"]["cell_0"].items()
        for part, a in parts.items()
    }
    np.savez(tmp_path / "flax.npz", **flat)
    models = [from_torch(source, nonlinearity=activation(kind)) for source in (names, tmp_path / "torch.npz")]
    keras = keras_arrays(kind, weights), tmp_path / "keras.npz"
    models += [from_keras(source, activation=activation(kind)) for source in keras]
    models += [from_flax(source, activation=activation(kind)) for source in (tree, tmp_path / "flax.npz")]
    expected = formula(kind, weights, INPUTS)
    for model in models:
        assert type(model) is KINDS[kind][1]
        agree(outputs(model, INPUTS), expected, "float64")


def test_a_file_of_pytorch_follows_what_pytorch_computed():
    from chaoskit.interop.sources import named_tensors

    recorded = named_tensors(CHECKPOINT, "checkpoint")
    inputs = recorded.array("inputs", 2)
    for name, kind in (("memory", LSTM), ("gated", GRU)):
        model = from_torch(CHECKPOINT, prefix=f"model.{name}")
        assert type(model) is kind
        agree(outputs(model, inputs), recorded.array(f"outputs.{name}", 2), "float64")
    with pytest.raises(InvalidInputError, match=r"'model.memory', 'model.gated'; name one"):
        from_torch(CHECKPOINT)


def test_a_closed_loop_reads_its_own_output():
    rng, layers = np.random.default_rng(2), [random_weights("lstm", N, M), random_weights("lstm", N, N)]
    C, d = rng.standard_normal((M, N)), rng.standard_normal(M)
    names = torch_names(layers, "rnn.") | {"head.weight": C, "head.bias": d}
    keras = [keras_arrays("lstm", layer) for layer in layers]
    tree = {"a": flax_tree("lstm", layers[0]), "b": flax_tree("lstm", layers[1])}
    tree |= {"head": {"kernel": C.T, "bias": d}}
    for model in (
        from_torch(names, readout="head"),
        from_keras(keras, readout=[C.T, d]),
        from_flax(tree, prefix=["a", "b"], readout="head"),
    ):
        assert isinstance(model, Stack)
        np.testing.assert_array_equal(model.readout[0], C)
        np.testing.assert_array_equal(model.readout[1], d)
        for layer, weights in zip(model.layers, layers, strict=True):
            np.testing.assert_array_equal(layer.W, weights[1])
    open_loop = from_torch(names)
    assert (open_loop.n_inputs, open_loop.readout) == (M, None)
    with pytest.raises(InvalidInputError, match="one of 'head', got 'rnn'"):
        from_torch(names, readout="rnn")
    single = from_torch(torch_names(layers[:1]) | {"0.weight": C}, readout="0")
    assert single.readout[1].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_go_to_pytorch_and_back_bit_by_bit(kind, dtype):
    cells = [KINDS[kind][1].init(N, width, rng=i, dtype=dtype) for i, width in enumerate((M, N))]
    rng = np.random.default_rng(3)
    cells = [cell._replace(b=rng.standard_normal(cell.b.shape).astype(dtype)) for cell in cells]
    loop = rng.standard_normal((M, N)).astype(dtype), np.zeros(M, dtype)
    for model in (cells[0], SimpleNamespace(cell=cells[0])):
        names = to_torch_state_dict(model, prefix="rnn")
        back = from_torch(names, nonlinearity=activation(kind))
        assert all(np.array_equal(a, b) and a.dtype == dtype for a, b in zip(back, cells[0], strict=True))
        assert not any(np.shares_memory(a, b) for a in names.values() for b in cells[0])
    stack = from_torch(
        to_torch_state_dict(Stack(cells, readout=loop), readout="head"),
        nonlinearity=activation(kind),
        readout="head",
    )
    for cell, layer in zip(cells, stack.layers, strict=True):
        assert all(np.array_equal(a, b) and a.dtype == dtype for a, b in zip(cell, layer, strict=True))
    assert np.array_equal(stack.readout[0], loop[0])


def test_the_second_bias_is_zero_but_for_what_a_gru_resets():
    names = to_torch_state_dict(LSTM.init(N, M, rng=0))
    assert not names["bias_hh_l0"].any()
    assert names["bias_ih_l0"].any()
    assert not to_torch_state_dict(GRU.init(N, M, rng=0))["bias_hh_l0"][: 2 * N].any()


def test_what_pytorch_has_no_module_for():
    with pytest.raises(InvalidInputError, match=r"Tanh, ReLU, GRU, LSTM\), got PLRNN"):
        to_torch_state_dict(PLRNN.init(N, rng=0))
    with pytest.raises(InvalidInputError, match=r"one size.*\[4, 3\]"):
        to_torch_state_dict(Stack([Tanh.init(4, M, rng=0), Tanh.init(3, 4, rng=0)]))


def test_narrow_floats_become_float32_and_one_wide_array_makes_float64():
    weights = random_weights("tanh", N, M)
    half = from_torch(torch_names([[a.astype(np.float16) for a in weights]]))
    assert {a.dtype for a in half} == {np.dtype("float32")}
    mixed = torch_names([[a.astype(np.float32) for a in weights]])
    assert from_torch(mixed).W.dtype == np.float32
    mixed["weight_hh_l0"] = weights[1]
    assert {a.dtype for a in from_torch(mixed)} == {np.dtype("float64")}
    big_endian = torch_names([[a.astype(">f4") for a in weights]])
    assert from_torch(big_endian).W.dtype == np.dtype("=f4")


def test_arrays_are_copies():
    names = torch_names([random_weights("tanh", N, M)])
    model = from_torch(names)
    names["weight_hh_l0"][:] = 9.0
    assert model.W.max() < 9.0


def test_single_cells_and_modules_of_one_layer_each():
    first, second = random_weights("gru", N, M), random_weights("gru", N, N)
    names = {name.replace("_l0", ""): a for name, a in torch_names([first], "cells.0.").items()}
    names |= torch_names([second], "other.")
    assert from_torch(names, prefix="cells.0").U.shape == (3 * N, M)
    stack = from_torch(names, prefix=["cells.0", "other"])
    assert [layer.U.shape[1] for layer in stack.layers] == [M, N]


def test_nnx_has_all_gates_in_one_kernel():
    W_ih, W_hh, b_ih, b_hh = random_weights("lstm", N, M)
    tree = {"dense_i": {"kernel": W_ih.T}, "dense_h": {"kernel": W_hh.T, "bias": b_ih + b_hh}}
    np.testing.assert_array_equal(from_flax(tree).W, W_hh)
    parts = flax_tree("lstm", (W_ih, W_hh, b_ih, b_hh))
    np.testing.assert_array_equal(
        from_flax({f"{k}_" if k == "if" else k: a for k, a in parts.items()}).U, W_ih
    )
