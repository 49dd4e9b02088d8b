"""The shared memory of a block of small systems: what lies where, and how many systems fit."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..cells.protocol import has_hidden
from .gpu_launch import SHARED_BYTES
from .gpu_work import one_after_another
from .packing import Sizes

LARGEST = 32  # units
THREADS = 64  # of a block; a barrier waits for all of them
_BANKS = 32


class Places(NamedTuple):
    """Where things are, in numbers from the start of the memory of a network or of a system."""

    w: int  # of a network: weights, inputs' weights below them
    h: int
    p: int
    f: int
    end: int
    network: int  # numbers of a network, with a gap behind it
    v: int  # of a system: tangents, `rows` of them, `ld` apart
    u: int  # tangents after the step; in Gram-Schmidt, the factors
    hidden: int  # hidden tangents, `lh` apart
    x: int
    y: int
    e: int  # features of the state
    slope: int
    c: int  # coefficients
    square: int
    norm: int
    removed: int
    doubt: int
    total: int
    system: int  # numbers of a system
    rows: int
    ld: int
    lh: int


def lanes_for(sizes: Sizes, k: int) -> int:
    """Threads of a system: half as many as it has units or tangents."""
    lanes = 4
    while 2 * lanes < max(sizes.n, k):
        lanes *= 2
    return min(lanes, _BANKS)


def places(cell: Any, sizes: Sizes, k: int) -> Places:
    """Layout of the shared memory; `cell`: its tag."""
    layout = type(cell).layout
    n, m, nx, na, _, inputs = sizes
    deep, lanes = has_hidden(cell), lanes_for(sizes, k)
    rows, ld, lh = -(-k // 4) * 4, nx | 1, m | 1
    network = one_after_another(
        (m + inputs) * na, m * n if deep else 0, layout.parameters * n, layout.features * m
    )
    *system, size = one_after_another(
        rows * ld, rows * ld, rows * lh if deep else 0, nx, nx, m, m, layout.coefficients * n, k, k, k, k, k
    )
    # gaps, so that the groups of a warp meet different banks as well
    gaps = _at_least(network[-1], lanes), _at_least(size, lanes * ld)
    return Places(*[*network, gaps[0], *system, gaps[1], rows, ld, lh])


def _at_least(size: int, bank: int) -> int:
    """The next number from `size` on that is `bank` modulo the number of banks."""
    return size + (bank - size) % _BANKS


def bytes_for(at: Places, groups: int, own: bool, itemsize: int) -> int:
    """Shared memory of a block of so many systems, with a network of their own or one for all."""
    return ((groups if own else 1) * at.network + groups * at.system) * itemsize


def groups_for(at: Places, lanes: int, members: int, own: bool, itemsize: int) -> int:
    """Systems a block: whole warps, as many as fit, and blocks for the whole card; 0 if none fits."""
    groups = max(1, THREADS // lanes)
    while groups and bytes_for(at, groups, own, itemsize) > SHARED_BYTES:
        groups -= 1
    warp = max(1, 32 // lanes)
    groups = min(groups, max(warp, members // 256))
    return groups if groups < warp else groups - groups % warp


def fits(cell: Any, sizes: Sizes, k: int, own: bool, itemsize: int) -> bool:
    """True if shared memory holds such a system."""
    return sizes.n <= LARGEST and bytes_for(places(cell, sizes, k), 1, own, itemsize) <= SHARED_BYTES
