"""How a cell reaches the kernels: packed arrays in the order the products want, and gradients back.

Kernels get a *tag* (the cell's class filled with integers, which selects the rules) and one `Packed`.
So no kernel knows the fields of a cell, and CPU and GPU kernels can take the same arguments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..cells import protocol


class Sizes(NamedTuple):
    """Numbers of: units n, features m, state width nx, gate width na, saved width ns, inputs."""

    n: int
    m: int
    nx: int
    na: int
    ns: int
    inputs: int


class Packed(NamedTuple):
    """Flat parameter arrays of one cell; `w` = m + inputs is the width of the main product's operand."""

    sizes: Sizes
    P: np.ndarray  # unit-parameter planes
    F: np.ndarray  # feature-parameter planes
    W: np.ndarray  # (na, w): weights and input weights side by side
    WT: np.ndarray  # (w, na): the same transposed, because NN products are the fast ones
    H: np.ndarray  # (m, n): hidden weights, or one zero
    HT: np.ndarray  # (n, m)


class Work(NamedTuple):
    """Scratch of a step on `rows` rows (states of a batch, or a state and its tangents)."""

    R: np.ndarray  # operand of the main product
    E: np.ndarray  # entry plane or hidden pre-activations
    A: np.ndarray  # gates
    S: np.ndarray  # saved values
    C: np.ndarray  # slope coefficients
    slopes: np.ndarray  # feature slopes


def aligned(size: int, dtype) -> np.ndarray:
    """Zeros that begin on a cache line: vectors across two of them make Gram-Schmidt a third slower."""
    itemsize = np.dtype(dtype).itemsize
    memory = np.zeros(size + 64 // itemsize, dtype)
    first = -memory.ctypes.data % 64 // itemsize
    return memory[first : first + size]


def tag(cell) -> Any:
    """The cell's class filled with integers: enough for the compiler to select its rules."""
    cls = protocol.kernel_class(cell)
    return cls(*range(len(cls._fields)))


def sizes_of(cell) -> Sizes:
    """Sizes of a checked cell."""
    layout = protocol.kernel_class(cell).layout
    na, m = protocol.weights(cell).shape
    n = protocol.unit_count(cell)
    ns = max(layout.saved, layout.gates) * n
    return Sizes(n, m, protocol.state_count(cell), na, ns, protocol.input_weights(cell).shape[1])


def empty_pack(cell) -> Packed:
    """Memory for the packed form of cells with the shapes of this one."""
    s = sizes_of(cell)
    dtype = protocol.weights(cell).dtype
    layout = protocol.kernel_class(cell).layout
    hidden = s.m * s.n if protocol.has_hidden(cell) else 1
    width = s.m + s.inputs

    def memory(size):
        return aligned(max(1, size), dtype)

    return Packed(
        s, memory(layout.parameters * s.n), memory(layout.features * s.m),
        memory(s.na * width), memory(s.na * width), memory(hidden), memory(hidden),
    )  # fmt: skip


def pack(cell, out: Packed | None = None) -> Packed:
    """Packed form of a checked cell (contiguous arrays of one dtype)."""
    out = empty_pack(cell) if out is None else out
    s = out.sizes
    main = out.W.reshape(s.na, s.m + s.inputs)
    main[:, : s.m] = protocol.weights(cell)
    main[:, s.m :] = protocol.input_weights(cell)
    out.WT.reshape(main.shape[::-1])[...] = main.T
    _concatenate(protocol.unit_parameters(cell), out.P)
    _concatenate(protocol.feature_parameters(cell), out.F)
    hidden = protocol.hidden_weights(cell)
    if hidden is not None:
        out.H.reshape(hidden.shape)[...] = hidden
        out.HT.reshape(hidden.shape[::-1])[...] = hidden.T
    return out


def unpack_gradient(grad, sizes: Sizes, GW, GH, GP, GF):
    """Spread packed gradients over the arrays of `grad`, a cell of the same class; returns it."""
    main = GW.reshape(sizes.na, sizes.m + sizes.inputs)
    protocol.weights_back(grad, main[:, : sizes.m])
    protocol.input_weights_back(grad, main[:, sizes.m :])
    protocol.unit_parameters_back(grad, GP)
    protocol.feature_parameters_back(grad, GF)
    hidden = protocol.hidden_weights(grad)
    if hidden is not None:
        hidden[...] = GH.reshape(hidden.shape)
    for name in protocol.fixed_fields(grad):
        getattr(grad, name)[...] = 0
    return grad


def _concatenate(parts, out) -> None:
    at = 0
    for part in parts:
        out[at : at + part.size] = part
        at += part.size


def work_for(packed: Packed, rows: int, tag_) -> Work:
    """Scratch for steps on `rows` rows."""
    s, dtype = packed.sizes, packed.P.dtype

    def memory(size):
        return aligned(max(1, size), dtype)

    return Work(
        memory(rows * (s.m + s.inputs)), memory(rows * max(s.m, s.n)), memory(rows * s.na),
        memory(rows * s.ns), memory(type(tag_).layout.coefficients * s.n), memory(s.m),
    )  # fmt: skip
