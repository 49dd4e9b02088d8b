"""Keras's orders: weights of SimpleRNN, LSTM and GRU layers as lists of arrays or from files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _check
from .._files import real_path
from ..errors import InvalidInputError
from .hdf5_file import KerasFile, read_keras
from .layers import (
    ACTIVATIONS,
    LayerWeights,
    cell_of,
    chosen,
    gates_of,
    linear_layer,
    names_in_order,
    system_of,
)
from .sources import is_keras_file, is_path, named_tensors
from .tensors import Tensors, from_mapping

_PARTS = ("kernel", "recurrent_kernel", "bias")
_NUMBERED = re.compile(r"arr_(\d+)")


def from_keras(source: Any, *, prefix: Any = None, activation: str = "tanh", readout: Any = None) -> Any:
    """The network of Keras weights, as a cell or a stack of cells.

    Parameters
    ----------
    source : list of arrays, list of such lists, mapping, str or path-like
        ``layer.get_weights()``, or a list of these for a stack, the first layer first; a mapping of
        ``variable.path`` to arrays; an .npz file of one layer's weights or of such a mapping
        (``numpy.savez(path, *layer.get_weights())``); or a file saved by Keras 3, .weights.h5 or .keras, for
        which h5py is needed.
    prefix : str or list of str, optional
        Name of the recurrent layer in a file or mapping; several for a stack, the first layer first. Not
        needed where there is only one.
    activation : {"tanh", "relu"}
        That of a SimpleRNN, which its weights do not tell. A .keras file does; it is checked.
    readout : list of arrays or str, optional
        ``dense.get_weights()``, or the name of a layer in a file or mapping: a Dense from the last layer to
        the inputs of the first, a forecaster of its next input, which then runs freely. Without it the
        network is driven by inputs.

    Returns
    -------
    Tanh, ReLU, LSTM, GRU or Stack
        One layer without readout is a cell; otherwise a `chaoskit.cells.Stack`. float32 if all weights are
        (narrower ones become float32), else float64.

    Raises
    ------
    InvalidInputError
        If arrays are not those of such layers, do not fit or are not finite; for bidirectional layers, layers
        that run backwards, and GRU layers with ``reset_after=False``, for which there is no cell.
    ModelFileError
        If the file is missing, damaged, or of another kind.
    MissingDependencyError
        If a file of Keras is given and h5py is not installed.

    Notes
    -----
    Weights alone do not tell ``recurrent_activation``, taken for the default "sigmoid", nor, where a GRU has
    no biases, ``reset_after``, taken for the default True. The state of an LSTM layer is (h, c).

    References
    ----------
    Keras documentation, LSTM and GRU layers: gates i, f, c, o and z, r, h.

    Examples
    --------
    >>> n, M = 3, 2
    >>> from_keras([np.ones((M, 4 * n)), np.ones((n, 4 * n)), np.zeros(4 * n)]).W.shape
    (12, 3)
    """
    _check.choice(activation, "activation", ACTIVATIONS)
    tensors, names, file = _opened(source, prefix)
    kinds = [activation if file is None else _activation(file, name, activation) for name in names]
    cells = [_cell(tensors, name, kind) for name, kind in zip(names, kinds, strict=True)]
    return system_of(cells, None if readout is None else _dense(tensors, readout))


def _opened(source: Any, prefix: Any) -> tuple[Tensors, list[str], KerasFile | None]:
    """Arrays by names of layers and parts, the layers to take, and the file where it is one of Keras."""
    if is_path(source) and is_keras_file(real_path(source)):
        file = read_keras(real_path(source))
        tensors = file.tensors.renamed(lambda name: _named(file, name))
        return tensors, _chosen_layers(tensors, prefix), file
    if isinstance(source, Sequence) and not isinstance(source, (str, bytes)):
        if prefix is not None:
            raise InvalidInputError("prefix: expected none for lists of weights, which have no names")
        lists = source if source and all(isinstance(part, Sequence) for part in source) else [source]
        tensors = from_mapping({f"{i}": _parts(part) for i, part in enumerate(lists)}, "weights")
        return tensors, [f"{i}" for i in range(len(lists))], None
    tensors = named_tensors(source, "weights")
    if all(_NUMBERED.fullmatch(name) for name in tensors.loaders):
        count = len(tensors.loaders)
        parts = dict(zip((f"arr_{i}" for i in range(count)), _PARTS, strict=False))
        if count not in (2, 3):
            raise InvalidInputError(_expected(tensors.source, count))
        return tensors.renamed(lambda name: f"0.{parts.get(name, name)}"), ["0"], None
    tensors = tensors.renamed(lambda name: re.sub(r"/[^/]*_cell(?=/)", "", name).replace("/", "."))
    return tensors, _chosen_layers(tensors, prefix), None


def _expected(source: str, count: int) -> str:
    return (
        f"{source}: expected kernel, recurrent_kernel and, unless use_bias=False, bias of one layer, got "
        f"{count} arrays; for a stack give a list of such lists; a bidirectional layer has no cell"
    )


def _parts(arrays: Any) -> dict[str, Any]:
    if len(arrays) not in (2, 3):
        raise InvalidInputError(_expected("weights", len(arrays)))
    for array in arrays:
        if not hasattr(array, "shape"):
            raise InvalidInputError(f"weights: expected arrays, got {type(array).__name__}")
    return dict(zip(_PARTS, arrays, strict=False))


def _named(file: KerasFile, path: str) -> str:
    """ "first.recurrent_kernel" of "layers/lstm/cell/vars/1", where the layer calls itself first."""
    layer, _, number = path.rpartition("/vars/")
    inner = layer.removesuffix("/cell")
    parts = _PARTS if inner != layer else (_PARTS[0], _PARTS[2])
    name = file.layer_names.get(inner, inner.replace("/", "."))
    numbered = {str(i): part for i, part in enumerate(parts)}
    return f"{name}.{numbered[number]}" if number in numbered else path


def _chosen_layers(tensors: Tensors, prefix: Any) -> list[str]:
    """The recurrent layers to take; one half of a bidirectional pair is none."""
    end = ".recurrent_kernel"
    found = [name.removesuffix(end) for name in tensors.loaders if name.endswith(end)]
    backward = {name: re.sub(r"(^|\.)backward_(?=[^.]*$)", r"\1forward_", name) for name in found}
    pairs = {(name, forward) for name, forward in backward.items() if name != forward and forward in found}
    if pairs and (
        prefix is None or {name for pair in pairs for name in pair} & set(names_in_order(prefix) or ())
    ):
        raise InvalidInputError(
            f"{tensors.source}: expected layers that run forwards, got a bidirectional one "
            f"({min(pairs)[0]}), which looks into the future of its input and is no dynamical system; "
            "name another with prefix="
        )
    return chosen(found, prefix, tensors.source, "LSTM, GRU, SimpleRNN")


def _activation(file: KerasFile, layer: str, otherwise: str) -> str:
    """The nonlinearity that a saved model tells; `otherwise` where a file holds weights alone."""
    kind, settings = file.settings.get(layer, ("", {}))
    if not settings:
        return otherwise
    label = f"{file.tensors.source}: {layer}"
    wanted = {"recurrent_activation": "sigmoid", "reset_after": True, "go_backwards": False}
    for name, value in wanted.items():
        if settings.get(name, value) != value:
            raise InvalidInputError(
                f"{label}: expected {name}={value!r}, got {settings[name]!r}, for which there is no cell"
            )
    return _check.choice(settings.get("activation"), f"{label} ({kind}): activation", ACTIVATIONS)


def _cell(tensors: Tensors, name: str, activation: str) -> Any:
    label = f"{tensors.source}: {name}"
    kernel, recurrent = (tensors.array(f"{name}.{part}", 2).T for part in _PARTS[:2])
    bias = tensors.optional(f"{name}.bias", 1, 2)
    gates = gates_of(label, recurrent)
    if bias is not None and gates == 3 and bias.ndim == 1:
        raise InvalidInputError(
            f"{label}: expected a GRU layer with reset_after=True, whose bias has shape "
            f"(2, {len(recurrent)}), got {bias.shape}: it resets before the product, for "
            "which there is no cell"
        )
    biases = np.zeros((2, len(recurrent)), recurrent.dtype) if bias is None else np.atleast_2d(bias)
    if len(biases) > 2:
        raise InvalidInputError(f"{label}: expected one bias or two, got shape {biases.shape}")
    rows = [_in_order(part, gates) for part in (kernel, recurrent, *biases)]
    return cell_of(label, LayerWeights(*rows), activation)


def _in_order(rows: np.ndarray, gates: int) -> np.ndarray:
    """Gates r, z, n of Keras's z, r, h; those of an LSTM stand as in PyTorch."""
    if gates != 3 or len(rows) % 3:
        return rows
    z, r, n = np.split(rows, 3)
    return np.concatenate([r, z, n])


def _dense(tensors: Tensors, readout: Any) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(readout, Sequence) and not isinstance(readout, str) and len(readout) in (1, 2):
        parts = dict(zip(("kernel", "bias"), readout, strict=False))
        tensors, readout = from_mapping({"dense": parts}, "readout"), "dense"
    return linear_layer(tensors, readout, ".kernel")
