"""Which kernel follows the tangents of an ensemble on a GPU: a design for each size."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import gpu_places, gpu_registers
from .packing import Sizes

# Every design is a function
# (pack, V, k, members, U, drives, t0, steps, block_steps, every, logs, spread, bad)
# with the meaning of `lanes.lane_products`, of flat device arrays:
# V (members, (k + 1) nx), states and tangents, left at the end; U (drives, T, inputs), of which the run takes
# those from t0 on, drives = 1: the same for all members; every (members,) int64, of which members that are
# together take the shortest. logs (members, blocks, k) float64 gains the sums of log norms, spread (members,)
# float64 the sums of largest over smallest norm over intervals of more than one step; bad (members,) int64
# gets the step, at the end of a block, by which a member was no longer finite: it is zero from then on.
PRODUCTS = {
    "registers": ("gpu_registers", "register_products"),
    "shared": ("gpu_shared", "shared_products"),
    "block": ("gpu_block", "block_products"),
    "grid": ("gpu_grid", "grid_products"),
}
LARGEST_IN_A_BLOCK = 128  # units or features


def spectrum_design(tag: Any, sizes: Sizes, k: int, own: bool, itemsize: int) -> str:
    """Name of the design for k tangents of a cell; `own`: each member has a network of its own.

    A thread a system as long as its registers hold it, a few threads in shared memory up to 32 units, then
    a block of threads, and for large networks the whole grid.
    """
    if gpu_registers.fits(tag, sizes, k, itemsize):
        return "registers"
    if gpu_places.fits(tag, sizes, k, own, itemsize):
        return "shared"
    return "block" if max(sizes.n, sizes.m) <= LARGEST_IN_A_BLOCK else "grid"


def scratch_bytes(tag: Any, sizes: Sizes, k: int, own: bool, itemsize: int) -> int:
    """Memory of the GPU that a member takes beside its rows, sums and parameters."""
    module, _ = PRODUCTS[spectrum_design(tag, sizes, k, own, itemsize)]
    needed = getattr(import_module(f".{module}", __package__), "scratch_bytes", None)
    return 0 if needed is None else needed(tag, sizes, 1, k, itemsize)


def tangent_products(pack: Any, V: Any, k: int, *args: Any) -> None:
    """Push k tangents of every member along its orbit; further arguments are those of `PRODUCTS`."""
    design = spectrum_design(pack.tag, pack.sizes, k, pack.members > 1, V.dtype.itemsize)
    module, name = PRODUCTS[design]
    getattr(import_module(f".{module}", __package__), name)(pack, V, k, *args)
