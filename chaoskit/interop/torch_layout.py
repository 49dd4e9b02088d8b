"""PyTorch's names and orders: state dicts of RNN, LSTM and GRU modules and of their single cells."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from .layers import ACTIVATIONS, LayerWeights, cell_of, chosen, linear_layer, parts_of, system_of, weights_of
from .sources import named_tensors
from .tensors import Tensors

_LAYER = re.compile(r"(?:(?P<prefix>.*)\.)?weight_hh(?:_l(?P<number>\d+)(?P<reverse>_reverse)?)?")


def from_torch(
    source: Any, *, prefix: Any = None, nonlinearity: str = "tanh", readout: str | None = None
) -> Any:
    """The network of a PyTorch state dict, as a cell or a stack of cells.

    PyTorch is not needed, and nothing in a file is executed.

    Parameters
    ----------
    source : str, path-like, mapping or module
        A file written by ``torch.save(model.state_dict(), path)``, or a checkpoint with a state dict inside;
        a .safetensors or .npz file with the same names; a mapping of names to arrays or tensors; a module.
    prefix : str or list of str, optional
        Name of the recurrent module, such as "rnn" for "rnn.weight_ih_l0"; several for a stack of modules,
        the first layer first. Not needed where there is only one.
    nonlinearity : {"tanh", "relu"}
        That of ``torch.nn.RNN``, which its weights do not tell.
    readout : str, optional
        Name of a ``torch.nn.Linear`` from the last layer to the inputs of the first: a forecaster of its next
        input, which then runs freely. Without it the network is driven by inputs.

    Returns
    -------
    Tanh, ReLU, LSTM, GRU or Stack
        One layer without readout is a cell; otherwise a `chaoskit.cells.Stack`. float32 if all weights are
        (narrower ones become float32), else float64.

    Raises
    ------
    InvalidInputError
        If there is no recurrent module or more than one, if it is bidirectional or has projections, if arrays
        are missing or do not fit, or are not finite.
    ModelFileError
        If the file is missing, damaged, or holds more than plain tensors and values.

    Notes
    -----
    The state of an LSTM layer is (h, c). Dropout between layers is left out, as in ``model.eval()``.

    References
    ----------
    PyTorch documentation, torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU: gates i, f, g, o and r, z, n.

    Examples
    --------
    >>> from chaoskit.cells import LSTM
    >>> names = to_torch_state_dict(LSTM.init(4, 2, rng=0), prefix="rnn")
    >>> from_torch(names).W.shape
    (16, 4)
    """
    return from_torch_tensors(named_tensors(source, "state dict"), prefix, nonlinearity, readout)


def from_torch_tensors(tensors: Tensors, prefix: Any, nonlinearity: str, readout: str | None) -> Any:
    """As `from_torch`, from arrays by their names."""
    _check.choice(nonlinearity, "nonlinearity", ACTIVATIONS)
    modules = _modules(tensors)
    names = chosen(list(modules), prefix, tensors.source, "names such as rnn.weight_hh_l0")
    cells = [cell for name in names for cell in _cells(tensors, name, modules[name], nonlinearity)]
    return system_of(cells, None if readout is None else linear_layer(tensors, readout, ".weight"))


def has_torch_names(tensors: Tensors) -> bool:
    """Whether there is a recurrent module of PyTorch."""
    return bool(_modules(tensors))


def _modules(tensors: Tensors) -> dict[str, list[re.Match[str]]]:
    """Recurrent weights by the module they belong to."""
    modules: dict[str, list[re.Match[str]]] = {}
    for name in tensors.loaders:
        match = _LAYER.fullmatch(name)
        if match:
            modules.setdefault(match["prefix"] or "", []).append(match)
    return modules


def _cells(tensors: Tensors, module: str, found: list[re.Match[str]], nonlinearity: str) -> list[Any]:
    """The layers of one module, from the first to the last."""
    label = f"{tensors.source}: {module or 'the network'}"
    if any(match["reverse"] for match in found):
        raise InvalidInputError(
            f"{label}: expected layers that run forwards, got a bidirectional one, which looks into the "
            "future of its input and is no dynamical system"
        )
    single = any(match["number"] is None for match in found)
    if single and len(found) > 1:
        raise InvalidInputError(f"{label}: expected the names of a module or of a single cell, got both")
    suffixes = [""] if single else [f"_l{number}" for number in range(len(found))]
    start = f"{module}." if module else ""
    if any(f"{start}weight_hr{suffix}" in tensors for suffix in suffixes):
        raise InvalidInputError(
            f"{label}: expected an LSTM whose output is its h, got one with projections (proj_size), for "
            "which there is no cell"
        )
    return [
        cell_of(
            f"{label}{suffix and f', layer {number}'}",
            LayerWeights(
                tensors.array(f"{start}weight_ih{suffix}", 2),
                tensors.array(f"{start}weight_hh{suffix}", 2),
                tensors.optional(f"{start}bias_ih{suffix}", 1),
                tensors.optional(f"{start}bias_hh{suffix}", 1),
            ),
            nonlinearity,
        )
        for number, suffix in enumerate(suffixes)
    ]


def to_torch_state_dict(model: Any, *, prefix: str = "", readout: str = "readout") -> dict[str, np.ndarray]:
    """A network under the names and in the orders of PyTorch; `from_torch` gives it back bit by bit.

    Parameters
    ----------
    model : Tanh, ReLU, LSTM, GRU, Stack, or an object with one as `cell` (a fitted model)
        A fitted model's network works in units of the z-scored series; its decoder is not in the result.
    prefix : str
        Name of the recurrent module; "" for the state dict of the module itself.
    readout : str
        Name for the linear layer of a stack with readout.

    Returns
    -------
    dict of str to ndarray
        New arrays; load them with
        ``module.load_state_dict({name: torch.from_numpy(a) for name, a in result.items()})``. Of PyTorch's
        two biases the second is zero, except for what stands inside the reset of a GRU.

    Raises
    ------
    InvalidInputError
        For other cells, and for layers of different sizes, which no single module of PyTorch has.

    Examples
    --------
    >>> from chaoskit.cells import LSTM
    >>> sorted(to_torch_state_dict(LSTM.init(4, 2, rng=0)))
    ['bias_hh_l0', 'bias_ih_l0', 'weight_hh_l0', 'weight_ih_l0']
    """
    cells, loop = parts_of(model)
    layers = [weights_of(cell) for cell in cells]
    units = [layer.recurrent.shape[1] for layer in layers]
    if len(set(units)) > 1:
        raise InvalidInputError(
            f"model: expected layers of one size, as a module of PyTorch has them, got {units} units; give "
            "the layers one at a time"
        )
    start = f"{prefix}." if prefix else ""
    names: dict[str, np.ndarray] = {}
    for number, layer in enumerate(layers):
        names |= {
            f"{start}weight_ih_l{number}": layer.inputs,
            f"{start}weight_hh_l{number}": layer.recurrent,
            f"{start}bias_ih_l{number}": layer.input_bias,
            f"{start}bias_hh_l{number}": layer.recurrent_bias,
        }  # type: ignore[dict-item]
    if loop is not None:
        names |= {f"{readout}.weight": loop[0].copy(), f"{readout}.bias": loop[1].copy()}
    return names
