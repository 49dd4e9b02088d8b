"""What a model does in a kernel, whatever it is: a cell goes through its normal form, a map or flow steps.

`advance` and `run` are resolved from the type of the packed parameters, so every driver
(orbits, Lyapunov spectra, Jacobians) exists once for cells, stacks of cells and systems.
"""

from __future__ import annotations

from .._jit import INLINE, overload
from .cell_steps import advance_cell, axis_tangents_of_cell, run_cell
from .packing import Packed
from .stack_steps import StackPack, advance_stack, run_stack
from .system_steps import advance_system
from .system_tangents import run_system


def advance(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
    """Y = the states one step after X; U, iu: inputs of a cell; t: step count, the time of a flow."""


def run(tag, pack, work, blas, V, k, U, iu, t, steps, W):
    """Row 0 of V is a state, rows 1..k its tangents; they go `steps` steps on.

    V and W have the same size; returns True if the result is in W, False if it is in V. The other one is
    scratch.
    """


def axis_tangents(tag, pack, work, blas, V, nx, U, iu, t, W):
    """As one step of `run` for nx tangents that are the axes, which the caller has put into V.

    Their product with the weights of a cell is the weights themselves, so a cell need not multiply.
    """


@overload(advance, strict=False, jit_options=INLINE)
def _advance(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
    if pack.instance_class is Packed:

        def cell(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
            s = pack.sizes
            advance_cell(tag, pack, work, blas, X, ix, s.nx, rows, U, iu, s.inputs, Y, iy)

        return cell
    if pack.instance_class is StackPack:

        def stack(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
            advance_stack(pack, work, blas, X, ix, rows, U, iu, Y, iy)

        return stack

    def system(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
        advance_system(tag, pack, work, blas, X, ix, rows, t, Y, iy)

    return system


@overload(run, strict=False, jit_options=INLINE)
def _run(tag, pack, work, blas, V, k, U, iu, t, steps, W):
    if pack.instance_class is Packed:

        def cell(tag, pack, work, blas, V, k, U, iu, t, steps, W):
            return run_cell(tag, pack, work, blas, V, k, U, iu, steps, W)

        return cell
    if pack.instance_class is StackPack:

        def stack(tag, pack, work, blas, V, k, U, iu, t, steps, W):
            return run_stack(pack, work, blas, V, k, U, iu, steps, W)

        return stack

    def system(tag, pack, work, blas, V, k, U, iu, t, steps, W):
        return run_system(tag, pack, work, blas, V, k, t, steps, W)

    return system


@overload(axis_tangents, strict=False, jit_options=INLINE)
def _axis_tangents(tag, pack, work, blas, V, nx, U, iu, t, W):
    if pack.instance_class is Packed:

        def cell(tag, pack, work, blas, V, nx, U, iu, t, W):
            return axis_tangents_of_cell(tag, pack, work, blas, V, U, iu, W)

        return cell

    def other(tag, pack, work, blas, V, nx, U, iu, t, W):
        return run(tag, pack, work, blas, V, nx, U, iu, t, 1, W)

    return other
