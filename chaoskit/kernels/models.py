"""What a model does in a kernel, whatever it is: a cell goes through its normal form, a map or flow steps.

`advance` and `tangent_step` are resolved from the type of the packed parameters, so every driver
(orbits, Lyapunov spectra, Jacobians) exists once for cells and systems.
"""

from __future__ import annotations

from .._jit import INLINE, overload
from .cell_steps import advance_cell, tangent_step_cell
from .packing import Packed
from .system_steps import advance_system, tangent_step_system


def advance(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
    """Y = the states one step after X; U, iu: inputs of a cell; t: step count, the time of a flow."""


def tangent_step(tag, pack, work, blas, V, k, U, iu, t, W):
    """Row 0 of V is a state, rows 1..k its tangents; W gets them one step later."""


@overload(advance, strict=False, jit_options=INLINE)
def _advance(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
    if pack.instance_class is Packed:

        def cell(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
            advance_cell(tag, pack, work, blas, X, ix, rows, U, iu, Y, iy)

        return cell

    def system(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
        advance_system(tag, pack, work, blas, X, ix, rows, t, Y, iy)

    return system


@overload(tangent_step, strict=False, jit_options=INLINE)
def _tangent_step(tag, pack, work, blas, V, k, U, iu, t, W):
    if pack.instance_class is Packed:

        def cell(tag, pack, work, blas, V, k, U, iu, t, W):
            tangent_step_cell(tag, pack, work, blas, V, k, U, iu, W)

        return cell

    def system(tag, pack, work, blas, V, k, U, iu, t, W):
        tangent_step_system(tag, pack, work, blas, V, k, t, W)

    return system
