"""What a model does in a kernel, whatever it is: a cell goes through its normal form, a map or flow steps.

`advance` and `run` are resolved from the type of the packed parameters, so every driver
(orbits, Lyapunov spectra, Jacobians) exists once for cells and systems.
"""

from __future__ import annotations

from .._jit import INLINE, inlined, overload, unowned
from .cell_steps import advance_cell, run_cell
from .packing import Packed, Work
from .system_steps import AdaptivePack, SystemPack, advance_system, borrow_work
from .system_tangents import run_system


def advance(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
    """Y = the states one step after X; U, iu: inputs of a cell; t: step count, the time of a flow."""


def run(tag, pack, work, blas, V, k, U, iu, t, steps, W):
    """Row 0 of V is a state, rows 1..k its tangents; they go `steps` steps on.

    V and W have the same size; returns True if the result is in W, False if it is in V. The other one is
    scratch.
    """


@overload(advance, strict=False, jit_options=INLINE)
def _advance(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
    if pack.instance_class is Packed:

        def cell(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
            advance_cell(tag, pack, work, blas, X, ix, rows, U, iu, Y, iy)

        return cell

    def system(tag, pack, work, blas, X, ix, rows, U, iu, t, Y, iy):
        advance_system(tag, pack, work, blas, X, ix, rows, t, Y, iy)

    return system


@overload(run, strict=False, jit_options=INLINE)
def _run(tag, pack, work, blas, V, k, U, iu, t, steps, W):
    if pack.instance_class is Packed:

        def cell(tag, pack, work, blas, V, k, U, iu, t, steps, W):
            return run_cell(tag, pack, work, blas, V, k, U, iu, steps, W)

        return cell

    def system(tag, pack, work, blas, V, k, U, iu, t, steps, W):
        return run_system(tag, pack, work, blas, V, k, t, steps, W)

    return system


def borrow(pack, work):
    """(pack, work) with arrays that are not counted; see `unowned`."""
    return pack, work


@overload(borrow, strict=False, jit_options=INLINE)
def _borrow(pack, work):
    if pack.instance_class is Packed:
        return _borrow_cell
    return _borrow_system


def _borrow_cell(pack, work):
    scratch = Work(
        unowned(work.R), unowned(work.E), unowned(work.A), unowned(work.S), unowned(work.C),
        unowned(work.slopes),
    )  # fmt: skip
    return borrow_packed(pack), scratch


@inlined
def borrow_packed(pack):
    """The parameters of a cell with arrays that are not counted."""
    return Packed(
        pack.sizes, unowned(pack.P), unowned(pack.F), unowned(pack.W), unowned(pack.WT), unowned(pack.H),
        unowned(pack.HT),
    )  # fmt: skip


def _borrow_system(pack, work):
    return _borrow_parameters(pack), borrow_work(work)


def _borrow_parameters(pack):
    """The pack with an array of parameters that is not counted."""


@overload(_borrow_parameters, strict=False, jit_options=INLINE)
def _borrow_parameters_of(pack):
    if pack.instance_class is SystemPack:
        return lambda pack: SystemPack(unowned(pack.p), pack.dt)
    return lambda pack: AdaptivePack(unowned(pack.p), pack.dt, pack.rtol, pack.atol, pack.most)
