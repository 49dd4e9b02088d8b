"""Flax's names and orders: parameters of LSTMCell, OptimizedLSTMCell, GRUCell and SimpleCell."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from .layers import ACTIVATIONS, LayerWeights, cell_of, chosen, linear_layer, names_in_order, system_of
from .sources import named_tensors
from .tensors import Tensors

_FUSED = "a cell of flax.nnx"  # all gates in one kernel
# Dense layers of a cell, those on the inputs and those on the state, gates in the order of PyTorch.
_FORMS = {
    "LSTMCell": (("ii", "if", "ig", "io"), ("hi", "hf", "hg", "ho")),
    "GRUCell": (("ir", "iz", "in"), ("hr", "hz", "hn")),
    "SimpleCell": (("i",), ("h",)),
    _FUSED: (("dense_i",), ("dense_h",)),
}


def from_flax(
    source: Any, *, prefix: Any = None, activation: str = "tanh", readout: str | None = None
) -> Any:
    """The network of Flax parameters (linen or nnx), as a cell or a stack of cells.

    Parameters
    ----------
    source : mapping, str or path-like
        Parameters as nested mappings, such as ``model.init(...)`` or ``nnx.to_pure_dict(nnx.state(model))``
        returns them; or an .npz or .safetensors file of them with names joined by "/" or ".", such as
        ``numpy.savez(path, **flax.traverse_util.flatten_dict(params, sep="/"))`` writes.
    prefix : str or list of str, optional
        Name of the cell, joined by dots ("params.OptimizedLSTMCell_0"); several for a stack, the first layer
        first. Not needed where there is only one.
    activation : {"tanh", "relu"}
        That of a SimpleCell, which its parameters do not tell.
    readout : str, optional
        Name of a Dense from the last layer to the inputs of the first: a forecaster of its next input, which
        then runs freely. Without it the network is driven by inputs.

    Returns
    -------
    Tanh, ReLU, LSTM, GRU or Stack
        One layer without readout is a cell; otherwise a `chaoskit.cells.Stack`. float32 if all weights are
        (narrower ones become float32), else float64.

    Raises
    ------
    InvalidInputError
        If there is no such cell or more than one, or arrays are missing, do not fit or are not finite.
    ModelFileError
        If the file is missing, damaged, or of another kind.

    Notes
    -----
    Parameters do not tell other gate functions nor ``residual=True``; cells are taken for those of the
    defaults. The state of an LSTM layer is (h, c), where Flax has (c, h).

    References
    ----------
    Flax documentation, flax.linen.LSTMCell, GRUCell, SimpleCell and their namesakes in flax.nnx.

    Examples
    --------
    >>> params = {"i": {"kernel": np.ones((2, 3)), "bias": np.zeros(3)}, "h": {"kernel": np.eye(3)}}
    >>> from_flax(params).U.shape
    (3, 2)
    """
    tensors = named_tensors(source, "parameters")
    return from_flax_tensors(tensors, prefix, activation, readout)


def from_flax_tensors(tensors: Tensors, prefix: Any, activation: str, readout: str | None) -> Any:
    """As `from_flax`, from arrays by their names."""
    _check.choice(activation, "activation", ACTIVATIONS)
    tensors = tensors.renamed(_dotted)
    found = _cells_by_name(tensors)
    wanted = names_in_order(prefix)
    wanted = None if wanted is None else [_dotted(name) for name in wanted]
    names = chosen(list(found), wanted, tensors.source, "names such as LSTMCell_0.hi.kernel")
    cells = [cell_of(*_layer(tensors, name, found[name]), activation) for name in names]
    readout = _dotted(readout) if isinstance(readout, str) else readout
    return system_of(cells, None if readout is None else linear_layer(tensors, readout, ".kernel"))


def has_flax_names(tensors: Tensors) -> bool:
    """Whether there is a recurrent cell of Flax."""
    return bool(_cells_by_name(tensors.renamed(_dotted)))


def _dotted(name: str) -> str:
    # nnx ends names with "_" that are words of Python, and its variables may end with "value"
    parts = [part.rstrip("_") for part in name.replace("/", ".").split(".")]
    return ".".join(parts[:-1] if parts[-1] == "value" else parts)


def _cells_by_name(tensors: Tensors) -> dict[str, str]:
    """Which form the cells have, by their names."""
    found = {}
    for form, (_, recurrent) in _FORMS.items():
        end = f"{recurrent[0]}.kernel"
        for name in tensors.loaders:
            start = name.removesuffix(end)
            whole = start != name and (not start or start.endswith("."))
            if whole and f"{start}{_FORMS[form][0][0]}.kernel" in tensors:
                found[start.rstrip(".")] = form
    return found


def _layer(tensors: Tensors, name: str, form: str) -> tuple[str, LayerWeights]:
    label, start = f"{tensors.source}: {name or form}", f"{name}." if name else ""
    inputs, input_bias = _side(tensors, start, _FORMS[form][0])
    recurrent, recurrent_bias = _side(tensors, start, _FORMS[form][1])
    if form == _FUSED or len(recurrent) == len(_FORMS[form][1]) * recurrent.shape[1]:
        return label, LayerWeights(inputs, recurrent, input_bias, recurrent_bias)
    raise InvalidInputError(
        f"{label}: expected square kernels from the state to each gate, got shape "
        f"{recurrent.shape[::-1]} for {len(_FORMS[form][1])} gates"
    )


def _side(tensors: Tensors, start: str, gates: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of some gates, one below the other; zeros for those without a bias."""
    kernels, biases = [], []
    for gate in gates:
        kernel = tensors.array(f"{start}{gate}.kernel", 2)
        bias = tensors.optional(f"{start}{gate}.bias", 1)
        biases.append(np.zeros(kernel.shape[1], kernel.dtype) if bias is None else bias)
        kernels.append(kernel.T)
        if kernel.shape != kernels[0].T.shape or biases[-1].shape != kernel.shape[1:]:
            raise InvalidInputError(
                f"{tensors.source}: {start}{gate}: expected a kernel of shape {kernels[0].T.shape}, as "
                f"the first gate has, and a bias for it, got {kernel.shape} and {biases[-1].shape}"
            )
    return np.concatenate(kernels), np.concatenate(biases)
