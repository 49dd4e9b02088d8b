"""From weights in one order of gates to cells, and from cells to one dynamical system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cells import GRU, LSTM, ReLU, Stack, Tanh
from ..errors import InvalidInputError
from .tensors import Tensors

_GATED = {3: GRU, 4: LSTM}
_SIMPLE = {"tanh": Tanh, "relu": ReLU}
ACTIVATIONS = tuple(_SIMPLE)


@dataclass(frozen=True)
class LayerWeights:
    """Weights of one layer of n units with M inputs, gates along the rows in PyTorch's order.

    inputs (g n, M), recurrent (g n, n) and two biases (g n,), or None for zeros; g = 1: simple, 3: GRU with
    r, z, n, 4: LSTM with i, f, g, o.
    """

    inputs: np.ndarray
    recurrent: np.ndarray
    input_bias: np.ndarray | None = None
    recurrent_bias: np.ndarray | None = None


def gates_of(label: str, recurrent: np.ndarray) -> int:
    """Number of gates of recurrent weights with gates along the rows."""
    rows, units = recurrent.shape
    gates = rows // units if units else 0
    if gates not in (1, *_GATED) or rows != gates * units:
        raise InvalidInputError(
            f"{label}: expected recurrent weights of n units with 1 (simple), 3 (GRU) or 4 (LSTM) gates "
            f"each, got {rows} gate rows for {units} units; projections and other layers have no cell here"
        )
    return gates


def cell_of(label: str, weights: LayerWeights, activation: str) -> Any:
    """The cell of a layer: its kind from the shapes, its nonlinearity, where it has a choice, as said."""
    gates, (rows, units) = gates_of(label, weights.recurrent), weights.recurrent.shape
    if weights.inputs.shape[0] != rows:
        raise InvalidInputError(
            f"{label}: expected input weights for {rows} gate rows, as many as the recurrent ones have, got "
            f"{weights.inputs.shape[0]}"
        )
    biases = []
    for bias in (weights.input_bias, weights.recurrent_bias):
        if bias is not None and bias.shape != (rows,):
            raise InvalidInputError(f"{label}: expected biases of shape ({rows},), got {bias.shape}")
        biases.append(np.zeros(rows, weights.recurrent.dtype) if bias is None else bias)
    if gates > 1 and activation != "tanh":
        raise InvalidInputError(
            f"{label}: expected tanh in the gates of a {_GATED[gates].__name__}, got {activation!r}, which "
            "this cell does not have"
        )
    with np.errstate(over="ignore"):
        b = biases[0] + biases[1]
    if not np.isfinite(b).all():
        raise InvalidInputError(
            f"{label}: expected two biases with a sum that {b.dtype} can hold, got larger"
        )
    if gates == 3:  # the recurrent bias of n stands inside the reset
        b = np.concatenate([b[: 2 * units], biases[1][2 * units :], biases[0][2 * units :]])
    return (_GATED.get(gates) or _SIMPLE[activation])(weights.recurrent, weights.inputs, b)


def weights_of(cell: Any) -> LayerWeights:
    """What `cell_of` makes this cell of, with as much as can be in the input bias."""
    if type(cell) not in (*_GATED.values(), *_SIMPLE.values()):
        names = ", ".join(kind.__name__ for kind in (*_SIMPLE.values(), *_GATED.values()))
        raise InvalidInputError(
            f"model: expected a cell that other frameworks have ({names}), got {type(cell).__name__}"
        )
    W, U, b = (np.array(part) for part in cell)
    if W.ndim != 2:
        raise InvalidInputError(
            f"model: expected one cell, got a batch with W of shape {W.shape}; give the cells one at a time"
        )
    none = np.zeros(len(W), b.dtype)
    if isinstance(cell, GRU):
        units = W.shape[1]
        none[2 * units :] = b[2 * units : 3 * units]
        b = np.concatenate([b[: 2 * units], b[3 * units :]])
    return LayerWeights(U, W, b, none)


def system_of(cells: Sequence[Any], readout: tuple[np.ndarray, np.ndarray] | None) -> Any:
    """A single cell as it is; several, or a closed loop, as a stack."""
    if len(cells) == 1 and readout is None:
        return _one_type(cells[0])
    return Stack(tuple(cells), readout=readout)


def _one_type(cell: Any) -> Any:
    dtype = np.result_type(*cell)
    return type(cell)(*(array.astype(dtype, copy=False) for array in cell))


def parts_of(model: Any) -> tuple[tuple[Any, ...], tuple[np.ndarray, np.ndarray] | None]:
    """Cells and readout of a model that `system_of` makes, or of an object that has one as `cell`."""
    held = getattr(model, "cell", model)
    return (held.layers, held.readout) if isinstance(held, Stack) else ((held,), None)


def linear_layer(tensors: Tensors, name: Any, end: str) -> tuple[np.ndarray, np.ndarray]:
    """C and d of the linear layer of this name: ".weight" is C, ".kernel" its transpose; no bias is zeros."""
    if not isinstance(name, str) or name + end not in tensors:
        names = [other.removesuffix(end) for other in tensors.loaders if other.endswith(end)]
        raise InvalidInputError(
            f"readout: expected the name of a linear layer of {tensors.source}, one of {_shown(names)}, got "
            f"{name!r}"
        )
    matrix, bias = tensors.array(name + end, 2), tensors.optional(f"{name}.bias", 1)
    matrix = matrix.T if end == ".kernel" else matrix
    return matrix, np.zeros(len(matrix), matrix.dtype) if bias is None else bias


def _shown(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:8]) + (", ..." if len(names) > 8 else "")


def names_in_order(prefix: Any) -> list[str] | None:
    """The modules that a caller names: one, several, or None for the only one there is."""
    if prefix is None or isinstance(prefix, str):
        return None if prefix is None else [prefix]
    if isinstance(prefix, Sequence) and prefix and all(isinstance(name, str) for name in prefix):
        return list(prefix)
    raise InvalidInputError(f"prefix: expected a name or a list of names, got {prefix!r}")


def chosen(found: Sequence[str], prefix: Any, source: str, what: str) -> list[str]:
    """The modules to take, in order, out of those that were found."""
    wanted = names_in_order(prefix)
    if not found:
        raise InvalidInputError(f"{source}: expected a recurrent layer ({what}), got none")
    if wanted is None and len(found) > 1:
        raise InvalidInputError(
            f"{source}: expected one recurrent module, got {_shown(found)}; name one with "
            "prefix=, or a list of them for a stack"
        )
    for name in wanted or ():
        if name not in found:
            raise InvalidInputError(f"{source}: expected prefix to be one of {_shown(found)}, got {name!r}")
    return list(found) if wanted is None else wanted
