"""The members of an ensemble on a GPU; see kernels/gpu_spectrum.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from .members_run import MembersRun, Pushed
from .model import Model

_SHARE = 0.8  # of the free memory that the members of one round may take


class DeviceRun(MembersRun):
    """Cells on a GPU, all at once or, where memory is short, in rounds."""

    def __init__(self, members: list[Model], states, driving, k: int, seed: int):
        super().__init__(members, states, driving, k, seed)
        self._there: tuple[bytes, Any, Any] | None = None

    def _push(self, which: np.ndarray, steps: int, block_steps: int) -> Pushed:
        size = self._round(-(-steps // block_steps))
        rounds = [which[low : low + size] for low in range(0, len(which), size)]
        found = [self._push_round(part, steps, block_steps) for part in rounds]
        return found[0] if len(found) == 1 else Pushed(*(np.concatenate(p) for p in zip(*found, strict=True)))

    def _round(self, blocks: int) -> int:
        """Members a round."""
        from ..kernels import gpu_launch as gpu
        from ..kernels.gpu_spectrum import scratch_bytes

        first, shared = self.members[0], self._shared_network()
        steps, rows, width = self.driving.shape
        itemsize = np.dtype(first.dtype).itemsize
        network = sum(part.nbytes for part in first.pack[1:])
        inputs = steps * width * itemsize
        scratch = scratch_bytes(first.tag, first.pack.sizes, self.k, not shared, itemsize)
        each = self.V[0].nbytes + scratch + ((blocks + 1) * self.k + 4) * 8
        each += (0 if shared else network) + (inputs if rows > 1 else 0)
        common = (network if shared else 0) + (0 if rows > 1 else inputs)
        gpu.room_for(common + each, f"a member of {first.dim} states with {self.k} tangents")
        return max(1, int(min((_SHARE * gpu.free_bytes() - common) / each, len(self.members))))

    def _shared_network(self) -> bool:
        return all(member.pack is self.members[0].pack for member in self.members)

    def _push_round(self, which: np.ndarray, steps: int, block_steps: int) -> Pushed:
        from ..kernels import gpu_launch as gpu
        from ..kernels.gpu_spectrum import tangent_products

        pack, U = self._parameters(which)
        count, blocks = len(which), -(-steps // block_steps)
        V, every = gpu.put(self.V[which]), gpu.put(self.every[which])
        logs, spread = gpu.zeros(count * blocks * self.k, np.float64), gpu.zeros(count, np.float64)
        bad = gpu.zeros(count, np.int64)
        drives = min(self.driving.shape[1], count)
        tangent_products(
            pack, V, self.k, count, U, drives, self.t, steps, block_steps, every, logs, spread, bad
        )
        return Pushed(
            gpu.fetch(V, (count, self.V.shape[1])),
            gpu.fetch(logs, (count, blocks, self.k)),
            gpu.fetch(spread, (count,)),
            gpu.fetch(bad, (count,)),
        )

    def _parameters(self, which: np.ndarray) -> tuple[Any, Any]:
        """Networks and inputs of these members on the GPU; those of the last round stay there."""
        from ..kernels import gpu_launch as gpu
        from ..kernels.gpu_pack import device_pack

        if self._there is None or self._there[0] != which.tobytes():
            self._there = None  # its memory goes before more is taken
            pack = device_pack(self.members[0].tag, [self.members[b].pack for b in which])
            flat = self.driving.transpose(1, 0, 2)
            self._there = which.tobytes(), pack, gpu.put(flat if len(flat) == 1 else flat[which])
        return self._there[1:]
