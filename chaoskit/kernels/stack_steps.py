"""One step of a stack of layers: of states, and of a state with its tangents.

The rows of a stack hold the states of all layers side by side. A layer works in its columns of them, by the
steps of a cell; its inputs, and their tangents, are the columns of the layer below one step later.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types

from .._jit import INLINE, inner, overload
from ..cells.stack import Stack
from .cell_steps import advance_cell, tangent_step
from .linalg import gemm
from .loops import input_loop
from .packing import Packed, Work, aligned, pack, tag, work_for


class StackPack(NamedTuple):
    """Packed form of a stack."""

    layers: tuple  # of each layer its tag and its `Packed`
    width: int  # number of states of all layers
    inputs: int  # number M of inputs of the first layer, given or read out
    CT: np.ndarray  # readout of a closed loop: C transposed (n, M), flat; or nothing
    d: np.ndarray  # (M,)


class StackWork(NamedTuple):
    """Scratch of a step on as many rows as that of each layer has."""

    layers: tuple  # of each layer its `Work`
    inputs: np.ndarray  # of the first layer (rows, M)


def pack_stack(stack: Stack) -> StackPack:
    """Packed form of a stack."""
    packed: list[tuple[Any, Packed]] = [(tag(layer), pack(layer)) for layer in stack.layers]
    nothing = np.zeros(0, packed[0][1].P.dtype)
    C, d = (nothing, nothing) if stack.readout is None else stack.readout
    inputs = packed[0][1].sizes.inputs
    return StackPack(tuple(packed), stack.n_states, inputs, np.ascontiguousarray(C.T).reshape(-1), d)


def stack_work(packed: StackPack, rows: int) -> StackWork:
    """Scratch for steps on `rows` rows."""
    layers: list[Work] = [work_for(one, rows, tag_) for tag_, one in packed.layers]
    return StackWork(tuple(layers), aligned(max(1, rows * packed.inputs), packed.d.dtype))


@inner
def _first_inputs(packed, work, blas, X, ix, rows, states, U, iu):
    """work.inputs = what drives the first layer: of the first `states` rows of X, and tangents in the others.

    In a closed loop that is C h of the last layer in every row, and d added to the states.
    """
    out = work.inputs
    inputs, last = packed.inputs, packed.layers[-1][1].sizes
    if packed.d.size == 0:
        input_loop(U, iu, inputs, states, inputs, out, 0, inputs)
        return
    h = ix + packed.width - last.nx
    gemm(blas, 0, 0, rows, inputs, last.n, 1, X, h, packed.width, packed.CT, 0, inputs, 0, out, 0, inputs)
    for r in range(states):
        for j in range(inputs):
            out[r * inputs + j] += packed.d[j]


@inner
def advance_stack(packed, work, blas, X, ix, rows, U, iu, Y, iy):
    """Y = the states X one step later, for `rows` independent states."""
    _first_inputs(packed, work, blas, X, ix, rows, rows, U, iu)
    _advance_layers(
        packed.layers, work.layers, blas, X, ix, packed.width, rows, work.inputs, 0, packed.inputs, Y, iy
    )  # fmt: skip


@inner
def run_stack(packed, work, blas, V, k, U, iu, steps, W):
    """Row 0 of V is a state, rows 1..k are tangents: `steps` steps; returns True if the result is in W."""
    between = packed.inputs if packed.d.size > 0 else 0
    old, new = V, W
    for t in range(steps):
        _first_inputs(packed, work, blas, old, 0, k + 1, 1, U, iu + t * packed.inputs)
        _tangents_of_layers(
            packed.layers, work.layers, blas, old, 0, packed.width, k, work.inputs, 0, between, new
        )  # fmt: skip
        old, new = new, old
    return steps % 2 == 1


# Layers of one class can have rules of several (a class by its sizes, the GRU by its inputs), which are types
# of their own to the compiler. Layers of one type take turns in a loop, so that the step is compiled once.
def _advance_layers(layers, works, blas, X, ix, stride, rows, U, iu, between, Y, iy):
    """The step of these layers, whose columns begin at ix and iy; arguments as in `advance_cell`."""


def _tangents_of_layers(layers, works, blas, V, iv, stride, k, U, iu, between, W):
    """The step of these layers, whose columns begin at iv; arguments as in `tangent_step`."""


@overload(_advance_layers, strict=False, jit_options=INLINE)
def _advance_layers_overload(layers, works, blas, X, ix, stride, rows, U, iu, between, Y, iy):
    def of_one_type(layers, works, blas, X, ix, stride, rows, U, iu, between, Y, iy):
        inputs, at, apart, column = U, iu, between, 0
        for l in range(len(layers)):
            tag, packed = layers[l]
            advance_cell(
                tag, packed, works[l], blas, X, ix + column, stride, rows, inputs, at, apart, Y, iy + column
            )  # fmt: skip
            inputs, at, apart = Y, iy + column, stride
            column += packed.sizes.nx

    def of_several(layers, works, blas, X, ix, stride, rows, U, iu, between, Y, iy):
        tag, packed = layers[0]
        advance_cell(tag, packed, works[0], blas, X, ix, stride, rows, U, iu, between, Y, iy)
        nx = packed.sizes.nx
        _advance_layers(layers[1:], works[1:], blas, X, ix + nx, stride, rows, Y, iy, stride, Y, iy + nx)

    return of_one_type if isinstance(layers, types.UniTuple) else of_several


@overload(_tangents_of_layers, strict=False, jit_options=INLINE)
def _tangents_of_layers_overload(layers, works, blas, V, iv, stride, k, U, iu, between, W):
    def of_one_type(layers, works, blas, V, iv, stride, k, U, iu, between, W):
        inputs, at, apart, column = U, iu, between, iv
        for l in range(len(layers)):
            tag, packed = layers[l]
            tangent_step(tag, packed, works[l], blas, V, column, stride, k, inputs, at, apart, W)
            inputs, at, apart = W, column, stride
            column += packed.sizes.nx

    def of_several(layers, works, blas, V, iv, stride, k, U, iu, between, W):
        tag, packed = layers[0]
        tangent_step(tag, packed, works[0], blas, V, iv, stride, k, U, iu, between, W)
        nx = packed.sizes.nx
        _tangents_of_layers(layers[1:], works[1:], blas, V, iv + nx, stride, k, W, iv, stride, W)

    return of_one_type if isinstance(layers, types.UniTuple) else of_several
