"""Layers of recurrent cells, one above the other, as one dynamical system."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from . import protocol
from ._validate import batch_size, checked_cell, is_cell


@dataclass(frozen=True, eq=False)
class Stack:
    """Recurrent layers, each driven by the one below: one dynamical system with a block Jacobian.

    In one step the layers take their turns from the first to the last: layer l sees the state plane h that
    layer l - 1 has just come to (all of its state, or the h of an LSTM's (h, c)). The state of the stack is
    the states of its layers, one after the other.

    Parameters
    ----------
    layers : sequence of cells
        The first layer first, all of one class; each has as many inputs as the layer below has units. What
        drives the first layer drives the stack. The arithmetic is float32 if all arrays are, else float64.
    readout : (array_like, array_like), optional
        C, shape (M, n), and d, shape (M,), over the n units of the last layer and the M inputs of the first
        layer, which becomes C h + d of the last layer's h before the step: a forecaster of its own next
        input that runs freely. The stack then has no inputs. One layer is enough.

    Attributes
    ----------
    layers : tuple of cells
    readout : (ndarray, ndarray) or None
        As given, in contiguous arrays of one dtype.

    Raises
    ------
    InvalidInputError
        If layers are no cells, of several classes or a batch, or sizes do not fit together.

    Notes
    -----
    Stacks are not trained, and stay on the CPU. Orbits, Jacobians and their products, Lyapunov exponents,
    covariant vectors, fixed points, cycles and attractors, and the growth of dz_T/dz_0 are those of any cell.

    Examples
    --------
    >>> from chaoskit.cells import LSTM
    >>> stack = Stack([LSTM.init(4, 2, rng=0), LSTM.init(3, 4, rng=1)])
    >>> stack.n_states, stack.n_inputs
    (14, 2)
    >>> readout = np.ones((2, 3)), np.zeros(2)
    >>> Stack(stack.layers, readout=readout).n_inputs
    0
    """

    layers: Any
    readout: Any = field(default=None, kw_only=True)

    def __post_init__(self):
        layers = _checked_layers(self.layers)
        readout = None if self.readout is None else _checked_readout(self.readout, layers)
        arrays = [array for layer in layers for array in layer] + list(readout or ())
        dtype = np.float32 if all(a.dtype == np.float32 for a in arrays) else np.float64
        # as everywhere, the arithmetic is the widest that an array asks for
        layers = tuple(type(layer)(*(a.astype(dtype, copy=False) for a in layer)) for layer in layers)
        if readout is not None:
            readout = readout[0].astype(dtype, copy=False), readout[1].astype(dtype, copy=False)
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "readout", readout)

    def __repr__(self):
        layers = " -> ".join(f"{protocol.unit_count(layer)}" for layer in self.layers)
        closed = ", closed loop" if self.readout is not None else ""
        return f"Stack of {type(self.layers[0]).__name__}: {self.n_inputs} inputs -> {layers} units{closed}"

    @property
    def n_states(self) -> int:
        """Number N of states of all layers."""
        return sum(protocol.state_count(layer) for layer in self.layers)

    @property
    def n_inputs(self) -> int:
        """Number M of inputs; 0 in a closed loop."""
        return 0 if self.readout is not None else _input_count(self.layers[0])

    def split(self, states: Any) -> tuple[np.ndarray, ...]:
        """The states of each layer, as views.

        Parameters
        ----------
        states : array_like, shape (..., N)
            States of the stack.

        Returns
        -------
        tuple of ndarray, shape (..., N_l)
            A layer of several state planes has them as its class does: an LSTM (h, c).
        """
        states = _check.array(states, "states")
        if states.ndim == 0 or states.shape[-1] != self.n_states:
            raise InvalidInputError(f"states: expected shape (..., {self.n_states}), got {states.shape}")
        ends = np.cumsum([protocol.state_count(layer) for layer in self.layers])
        return tuple(np.split(states, ends[:-1], axis=-1))


def whole_stack(model: Any) -> Stack | None:
    """The stack of a model: itself, that of an object with one for a `cell`, or None."""
    held = getattr(model, "cell", None)
    stack = held if isinstance(held, Stack) else model
    return stack if isinstance(stack, Stack) else None


def double_precision(network: Any) -> Any:
    """The same checked cell, or stack, in float64."""
    if isinstance(network, Stack):
        layers = tuple(double_precision(layer) for layer in network.layers)
        if network.readout is None:
            return Stack(layers)
        C, d = network.readout
        return Stack(layers, readout=(C.astype(np.float64), d.astype(np.float64)))
    return type(network)(*(np.ascontiguousarray(a, np.float64) for a in network))


def _input_count(layer) -> int:
    return protocol.input_weights(layer).shape[1]


def _checked_layers(layers: Any) -> tuple:
    """Cells of one class, each with as many inputs as there are units below it."""
    if is_cell(layers) or not isinstance(layers, (list, tuple)) or len(layers) == 0:
        came = "none" if isinstance(layers, (list, tuple)) and not is_cell(layers) else type(layers).__name__
        raise InvalidInputError(f"layers: expected a list of cells (chaoskit.cells), got {came}")
    checked = []
    for i, layer in enumerate(layers):
        if not is_cell(layer):
            raise InvalidInputError(
                f"layers[{i}]: expected a cell (chaoskit.cells), got {type(layer).__name__}"
            )
        if type(layer) is not type(layers[0]):
            raise InvalidInputError(
                f"layers[{i}]: expected a {type(layers[0]).__name__} as the first layer is, got "
                f"{type(layer).__name__}; the layers of a stack are of one class"
            )
        if batch_size(layer) is not None:
            raise InvalidInputError(
                f"layers[{i}]: expected one {type(layer).__name__}, got a batch of {batch_size(layer)}; "
                "make a stack of each member"
            )
        checked.append(checked_cell(layer))
    for i, (below, layer) in enumerate(pairwise(checked), 1):
        units = protocol.unit_count(below)
        if _input_count(layer) != units:
            raise InvalidInputError(
                f"layers[{i}]: expected {units} inputs, as many as layers[{i - 1}] has units, got "
                f"{_input_count(layer)}"
            )
    return tuple(checked)


def _checked_readout(readout: Any, layers: tuple) -> tuple[np.ndarray, np.ndarray]:
    """(C, d) between the units of the last layer and the inputs of the first."""
    if not isinstance(readout, (list, tuple)) or len(readout) != 2:
        raise InvalidInputError(f"readout: expected a pair (C, d), got {type(readout).__name__}")
    C, d = _check.array(readout[0], "readout C"), _check.array(readout[1], "readout d")
    inputs, units = _input_count(layers[0]), protocol.unit_count(layers[-1])
    if not inputs:
        raise InvalidInputError(
            "readout: expected a first layer with inputs, which the readout gives, got one without; leave "
            "the readout out"
        )
    if C.shape != (inputs, units) or d.shape != (inputs,):
        raise InvalidInputError(
            f"readout: expected C of shape ({inputs}, {units}) and d of shape ({inputs},), for the "
            f"{units} units of the last and the {inputs} inputs of the first layer, got {C.shape} and "
            f"{d.shape}"
        )
    return C, d
