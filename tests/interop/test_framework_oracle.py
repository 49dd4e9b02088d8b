"""Forward passes of PyTorch, Keras and Flax themselves (extra `oracle`; skipped where one is missing)."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest
from layer_runs import KINDS, agree, outputs

import chaoskit
from chaoskit.interop import from_flax, from_keras, from_safetensors, from_torch, to_torch_state_dict

# what the frameworks do with NumPy is theirs to mend
pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
os.environ.setdefault("KERAS_BACKEND", "torch" if importlib.util.find_spec("torch") else "jax")
DTYPES = ("float32", "float64")
T, M, N = 20, 2, 3
INPUTS = np.random.default_rng(1).standard_normal((T, M))


def _torch_module(torch, kind, layers, dtype, **options):
    make = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}.get(kind, torch.nn.RNN)
    if kind in ("tanh", "relu"):
        options["nonlinearity"] = kind
    torch.manual_seed(0)
    return make(M, N, layers, dtype=getattr(torch, dtype), **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_torch_modules(kind, layers, dtype, tmp_path):
    torch = pytest.importorskip("torch")
    module = _torch_module(torch, kind, layers, dtype)
    torch.save(module.state_dict(), tmp_path / "net.pt")
    nonlinearity = "relu" if kind == "relu" else "tanh"
    model = from_torch(tmp_path / "net.pt", nonlinearity=nonlinearity)
    with torch.no_grad():
        expected = module(torch.tensor(INPUTS, dtype=getattr(torch, dtype)))[0].numpy()
    agree(outputs(model, INPUTS), expected, dtype)
    names = to_torch_state_dict(model)
    back = _torch_module(torch, kind, layers, dtype)
    back.load_state_dict({name: torch.from_numpy(array) for name, array in names.items()})
    with torch.no_grad():
        again = back(torch.tensor(INPUTS, dtype=getattr(torch, dtype)))[0].numpy()
    agree(outputs(model, INPUTS), again, dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_torch_single_cells_and_no_biases(kind):
    torch = pytest.importorskip("torch")
    name = {"gru": "GRUCell", "lstm": "LSTMCell"}.get(kind, "RNNCell")
    options = {"nonlinearity": kind} if name == "RNNCell" else {}
    cell = getattr(torch.nn, name)(M, N, bias=False, dtype=torch.float64, **options)
    state, expected = None, []
    with torch.no_grad():
        for u in torch.tensor(INPUTS):
            state = cell(u[None], state)
            expected.append((state[0] if kind == "lstm" else state)[0].numpy())
    model = from_torch(cell, nonlinearity="relu" if kind == "relu" else "tanh")
    agree(outputs(model, INPUTS), np.array(expected), "float64")


def test_torch_forecaster_runs_freely(tmp_path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    rnn, head = torch.nn.LSTM(M, N, 2, dtype=torch.float64), torch.nn.Linear(N, M, dtype=torch.float64)
    torch.save(
        {"epoch": 3, "model": torch.nn.ModuleDict({"rnn": rnn, "head": head}).state_dict()}, tmp_path / "a"
    )
    model = from_torch(tmp_path / "a", readout="model.head")
    h, c = (0.5 * torch.randn(2, N, dtype=torch.float64) for _ in range(2))
    start = np.concatenate([h[0], c[0], h[1], c[1]])
    with torch.no_grad():
        expected, state = [], (h, c)
        for _ in range(T):
            y, state = rnn(head(state[0][-1])[None], state)
            expected.append(y[0].numpy())
    states = chaoskit.simulate(model, start, T)
    agree(states[1:, 2 * N : 3 * N], np.array(expected), "float64")


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_torch_half_precision_becomes_float32(half, tmp_path):
    torch = pytest.importorskip("torch")
    module = torch.nn.LSTM(M, N, dtype=getattr(torch, half))
    torch.save(module.state_dict(), tmp_path / "net.pt")
    for source in (tmp_path / "net.pt", module):
        model = from_torch(source)
        assert model.W.dtype == np.float32
        np.testing.assert_array_equal(model.W, module.weight_hh_l0.detach().float().numpy())


def test_torch_views_checkpoints_and_whole_modules(tmp_path):
    """Transposed and sliced tensors lie in their storages with strides; a module is a program."""
    torch = pytest.importorskip("torch")
    module = torch.nn.LSTM(M, N)
    weights = {name: value.detach() for name, value in module.state_dict().items()}
    weights["weight_hh_l0"] = weights["weight_hh_l0"].T.contiguous().T
    weights["weight_ih_l0"] = torch.cat([torch.ones(1, M), weights["weight_ih_l0"], torch.ones(2, M)])[1:-2]
    torch.save({"state_dict": weights, "lr": [0.1], "when": None}, tmp_path / "views.pt")
    model, plain = from_torch(tmp_path / "views.pt"), from_torch(module)
    assert all(np.array_equal(a, b) for a, b in zip(model, plain, strict=True))
    torch.save(module, tmp_path / "module.pt")
    with pytest.raises(chaoskit.errors.ModelFileError, match=r"rnn.LSTM, which is not loaded.*state_dict"):
        from_torch(tmp_path / "module.pt")
    torch.save(module.state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(chaoskit.errors.ModelFileError, match="save it anew"):
        from_torch(tmp_path / "old.pt")


@pytest.mark.parametrize("options", [{"bidirectional": True}, {"proj_size": 2}])
def test_torch_layouts_without_a_cell(options):
    torch = pytest.importorskip("torch")
    with pytest.raises(chaoskit.errors.InvalidInputError, match=r"bidirectional|projections"):
        from_torch(torch.nn.LSTM(M, N, **options))


def test_safetensors_of_the_library(tmp_path):
    torch, library = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    module = torch.nn.GRU(M, N, 2)
    library.save_file(module.state_dict(), tmp_path / "net.safetensors")
    model, plain = from_safetensors(tmp_path / "net.safetensors"), from_torch(module)
    for a, b in zip(model.layers, plain.layers, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def _keras_layer(keras, kind, dtype, **options):
    make = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}.get(kind, keras.layers.SimpleRNN)
    if kind == "relu":
        options["activation"] = "relu"
    options["bias_initializer"] = keras.initializers.RandomUniform(-0.5, 0.5)
    return make(N, return_sequences=True, dtype=dtype, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_keras_layers(kind, layers, dtype, tmp_path):
    keras = pytest.importorskip("keras")
    # without TensorFlow, a matrix product or a tanh of Keras rounds float64 to float32 here and there
    exact = dtype == "float64" and keras.backend.backend() != "jax" and kind in ("gru", "lstm")
    accuracy = "float64" if exact else "float32"
    keras.utils.set_random_seed(0)
    stack = [_keras_layer(keras, kind, dtype) for _ in range(layers)]
    model = keras.Sequential([keras.Input((None, M), dtype=dtype), *stack])
    expected = keras.ops.convert_to_numpy(model(INPUTS[None].astype(dtype)))[0]
    relu = {"activation": "relu" if kind == "relu" else "tanh"}
    names = [layer.name for layer in stack]
    variables = {variable.path: variable.numpy() for variable in model.weights}
    np.savez(tmp_path / "named.npz", **variables)
    found = [
        from_keras([layer.get_weights() for layer in stack], **relu),
        from_keras(tmp_path / "named.npz", prefix=[f"{model.name}.{name}" for name in names], **relu),
    ]
    if importlib.util.find_spec("h5py"):
        model.save_weights(tmp_path / "net.weights.h5")
        model.save(tmp_path / "net.keras")
        found.append(from_keras(tmp_path / "net.weights.h5", prefix=names, **relu))
        found.append(from_keras(tmp_path / "net.keras", prefix=names))
    for network in found:
        agree(outputs(network, INPUTS), expected, dtype, accuracy)


@pytest.mark.parametrize(
    "options",
    [
        {"reset_after": False},
        {"recurrent_activation": "hard_sigmoid"},
        {"activation": "softplus"},
        {"go_backwards": True},
    ],
)
def test_keras_layers_without_a_cell(options, tmp_path):
    keras = pytest.importorskip("keras")
    pytest.importorskip("h5py")
    model = keras.Sequential([keras.Input((None, M)), keras.layers.GRU(N, **options)])
    model.save(tmp_path / "net.keras")
    with pytest.raises(chaoskit.errors.InvalidInputError, match="|".join(options)):
        from_keras(tmp_path / "net.keras")
    both = keras.Sequential([keras.Input((None, M)), keras.layers.Bidirectional(keras.layers.GRU(N))])
    both.save(tmp_path / "both.keras")
    with pytest.raises(chaoskit.errors.InvalidInputError, match="bidirectional"):
        from_keras(tmp_path / "both.keras")


def test_keras_forecaster_by_names(tmp_path):
    keras = pytest.importorskip("keras")
    pytest.importorskip("h5py")
    layers = [
        keras.layers.LSTM(N, name="memory"),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(M, name="out"),
    ]
    model = keras.Sequential([keras.Input((None, M)), *layers])
    model.save(tmp_path / "net.keras")
    loop = from_keras(tmp_path / "net.keras", readout="out")
    np.testing.assert_array_equal(loop.readout[0], layers[2].get_weights()[0].T)
    again = from_keras(layers[0].get_weights(), readout=layers[2].get_weights())
    np.testing.assert_array_equal(again.readout[1], layers[2].get_weights()[1])


LINEN = {"lstm": ("LSTMCell", "OptimizedLSTMCell"), "gru": ("GRUCell",), "tanh": ("SimpleCell",)}
LINEN["relu"] = LINEN["tanh"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in LINEN[kind]])
def test_flax_cells(kind, name, layers, dtype, tmp_path):
    jax, linen = pytest.importorskip("jax"), pytest.importorskip("flax.linen")
    jax.config.update("jax_enable_x64", True)
    options = {"param_dtype": dtype, "bias_init": jax.nn.initializers.normal(0.5)}
    if kind == "relu":
        options["activation_fn"] = jax.nn.relu
    stack = linen.Sequential([linen.RNN(getattr(linen, name)(N, **options)) for _ in range(layers)])
    inputs = INPUTS.astype(dtype)
    variables = stack.init(jax.random.key(0), inputs)
    cells = [f"params.layers_{i}.cell" for i in range(layers)]
    if layers == 1:
        cells = None
    activation = "relu" if kind == "relu" else "tanh"
    model = from_flax(variables, prefix=cells, activation=activation)
    agree(outputs(model, INPUTS), stack.apply(variables, inputs), dtype)
    flatten = pytest.importorskip("flax.traverse_util").flatten_dict
    np.savez(tmp_path / "net.npz", **flatten(variables, sep="/"))
    model = from_flax(tmp_path / "net.npz", prefix=cells, activation=activation)
    agree(outputs(model, INPUTS), stack.apply(variables, inputs), dtype)


@pytest.mark.parametrize("name", ["LSTMCell", "OptimizedLSTMCell", "GRUCell", "SimpleCell"])
def test_flax_nnx_cells(name):
    jax, nnx = pytest.importorskip("jax"), pytest.importorskip("flax.nnx")
    options = {"rngs": nnx.Rngs(0), "bias_init": jax.nn.initializers.normal(0.5)}
    cell = getattr(nnx, name)(M, N, **options)
    expected = nnx.RNN(cell, rngs=nnx.Rngs(0))(INPUTS[None].astype(np.float32))[0]
    for parameters in (nnx.state(cell), nnx.to_pure_dict(nnx.state(cell))):
        agree(outputs(from_flax(parameters), INPUTS), expected, "float32")
