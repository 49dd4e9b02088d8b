"""Parameters of one network, or of one network a member, in the memory of a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import gpu_launch as gpu
from . import gpu_math  # noqa: F401  (the rules of cells call what it overloads)
from .packing import Packed, Sizes


class DevicePack(NamedTuple):
    """The first arguments of every kernel that follows a cell: ``kernel(*pack, ...)``.

    Arrays are flat, those of the members one after the other. Member b of a batch takes its parameters from
    place b % members: members is 1 where all share one network.
    """

    tag: Any
    sizes: Sizes
    members: int
    P: Any  # unit-parameter planes
    F: Any  # feature-parameter planes
    W: Any  # (na, m + inputs)
    WT: Any  # (m + inputs, na)
    H: Any  # (m, n), or one zero
    HT: Any  # (n, m)


def device_pack(tag: Any, packs: Sequence[Packed]) -> DevicePack:
    """Copy packed cells of one class and size to the GPU; the same one given many times is copied once."""
    first = packs[0]
    if all(pack is first for pack in packs):
        packs = packs[:1]
    arrays = [
        gpu.put(np.concatenate([getattr(pack, name) for pack in packs]))
        for name in ("P", "F", "W", "WT", "H", "HT")
    ]
    return DevicePack(tag, first.sizes, len(packs), *arrays)
