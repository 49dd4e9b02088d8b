"""Orbits of cells on a GPU: what `simulate` does there."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cells._validate import batch_size, member, whole_cell
from ..errors import InvalidInputError
from ..kernels import gpu_launch as gpu
from ..kernels.gpu_forward import Orbit, copy_rows
from ..kernels.gpu_pack import device_pack
from .model import Model, checked_inputs, checked_state, prepare

_CHUNK = 1 << 26  # numbers of an orbit that go to the host at once
_SHARE = 0.5  # of the free memory for one chunk


def orbits_on_gpu(
    model: Any, x0: np.ndarray, steps: int, dt: Any, inputs: Any, transient: int, integrator: Any, stay: bool
) -> tuple[Any, Model, np.ndarray, bool]:
    """Orbits as `simulate` returns them (`stay`: in the memory of the GPU), the model, the steps at which
    rows were no longer finite (0: never), and whether this is a batch.

    x0 and inputs are arrays of the host.
    """
    cell = whole_cell(model)
    members, rows = _members(model, cell, x0, dt, integrator)
    first = members[0]
    starts = np.broadcast_to(checked_state(x0, first), (rows, first.dim))
    each = inputs is not None and inputs.ndim == 3
    driving = checked_inputs(inputs, first, transient + steps, rows if each else 1)
    batched = x0.ndim == 2 or len(members) > 1 or batch_size(cell) is not None
    run = _Run(members, starts, driving)
    run.skip(transient)
    out = run.staying(steps) if stay else run.fetched(steps)
    if not batched:
        out = out.reshape(steps + 1, first.dim)
    return out, first, gpu.fetch(run.bad), batched


def _members(model: Any, cell: Any, x0: np.ndarray, dt: Any, integrator: Any) -> tuple[list[Model], int]:
    """The networks, prepared, and how many orbits there are."""
    rows, count = len(x0) if x0.ndim == 2 else 1, None if cell is None else batch_size(cell)
    if count is None:
        return [prepare(model, dt=dt, rows=rows, integrator=integrator)], rows
    if rows not in (1, count):
        raise InvalidInputError(f"x0: expected 1 or {count} rows for {count} networks, got {rows}")
    return [prepare(member(cell, b)) for b in range(count)], count


class _Run:
    """States on the GPU and the inputs that are still to come."""

    def __init__(self, members: list[Model], starts: np.ndarray, driving: np.ndarray):
        self.rows, self.dim = starts.shape
        self.dtype, self.driving, self.t = np.dtype(members[0].dtype), driving, 0
        pack = device_pack(members[0].tag, [model.pack for model in members])
        self.orbit = Orbit(pack, self.rows, self.dtype)
        self.bad = gpu.put(np.zeros(self.rows, np.int64))
        self.state = gpu.put(np.ascontiguousarray(starts))

    def skip(self, steps: int) -> None:
        """Move the states on without keeping the orbit."""
        self._go(self.state, 0, self.dim, 0, steps)

    def staying(self, steps: int) -> Any:
        """The orbit (rows, steps + 1, N) as a device array."""
        length = (steps + 1) * self.dim
        gpu.room_for(self.rows * length * self.dtype.itemsize, "the orbit")
        out = gpu.empty(self.rows * length, self.dtype)
        copy_rows(self.state, 0, self.dim, out, 0, length, self.rows, self.dim)
        self._go(out, 0, length, self.dim, steps)
        return out.reshape(self.rows, steps + 1, self.dim)

    def fetched(self, steps: int) -> np.ndarray:
        """The orbit as an array of the host, by chunks that fit into the memory of the GPU."""
        try:
            out = np.empty((self.rows, steps + 1, self.dim), self.dtype)
        except MemoryError as error:
            raise InvalidInputError(
                f"steps: the orbit does not fit in memory ({error}); take fewer"
            ) from None
        chunk = max(1, min(steps, _CHUNK // (self.rows * self.dim), self._fitting(self.rows * self.dim)))
        length = (chunk + 1) * self.dim
        gpu.room_for(self.rows * length * self.dtype.itemsize, "an orbit of one step")
        there = gpu.empty(self.rows * length, self.dtype)
        copy_rows(self.state, 0, self.dim, there, 0, length, self.rows, self.dim)
        for at in range(0, max(1, steps), chunk):
            count = min(chunk, steps - at)
            self._go(there, 0, length, self.dim, count)
            part = gpu.fetch(there, (self.rows, chunk + 1, self.dim))
            out[:, at : at + count + 1] = part[:, : count + 1]
            copy_rows(there, count * self.dim, length, there, 0, length, self.rows, self.dim)
        return out

    def _go(self, X: Any, at: int, row: int, time: int, steps: int) -> None:
        """Some steps, with inputs by portions that fit."""
        portion = self._fitting(max(1, self.driving.shape[1] * self.driving.shape[2]))
        for done in range(0, steps, portion):
            count = min(portion, steps - done)
            U = gpu.put(self.driving[self.t : self.t + count])
            self.orbit.steps(
                X, at + done * time, row, time, U, 0, self.driving.shape[1], self.t, count, self.bad
            )  # fmt: skip
            self.t += count

    def _fitting(self, numbers: int) -> int:
        """How many steps fit into the free memory, of so many numbers each; at least one."""
        steps = _SHARE * gpu.free_bytes() / (numbers * self.dtype.itemsize)
        return max(1, int(min(steps, 2**31)))
