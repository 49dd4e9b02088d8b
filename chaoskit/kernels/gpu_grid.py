"""Exponents of large networks on a GPU: steps and Gram-Schmidt are launches over the whole grid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._jit import gpu_kernel
from ..cells._math import like
from . import gpu_launch as gpu
from . import gpu_sizes
from .gpu_launch import cuda
from .gpu_orthonormal import Orthonormal
from .gpu_pack import DevicePack
from .gpu_products import Products
from .gpu_steps import GridSteps
from .packing import Sizes


def grid_products(
    pack: DevicePack, V: Any, k: int, members: int, U: Any, drives: int, t0: int, steps: int,
    block_steps: int, every: Any, logs: Any, spread: Any, bad: Any,
) -> None:  # fmt: skip
    """Push the tangents of large networks along their orbits; the meaning is that of `lanes.lane_products`.

    V (members, (k + 1) nx): states and tangents, left at the end. U (drives, T, M), drives = 1 or members:
    inputs, of which the run takes those from t0 on. every (members,), on either side: steps between two
    orthonormalisations; all members take the shortest. logs (members, blocks, k), spread (members,) and bad
    (members,) as there. All are flat and on the GPU.
    """
    run = _GridRun(pack, V.dtype, members, k)
    every = every if isinstance(every, np.ndarray) else gpu.fetch(every)
    interval = max(1, int(every[:members].min()))
    inputs = pack.sizes.inputs
    member_u = U.size // drives if drives > 1 else 0
    blocks = -(-steps // block_steps)
    old, new, t = V, run.other, 0
    for block in range(blocks):
        end = min(t + block_steps, steps)
        while t < end:
            length = min(interval, end - t)
            for _ in range(length):
                run.steps.step(old, U, (t0 + t) * inputs, member_u, new)
                old, new, t = new, old, t + 1
            run.orthonormal(old, run.nx, (k + 1) * run.nx)
            run.account(length, logs, block, blocks, spread)
        run.find_lost(old, t0 + t, bad)
    if old is not V:
        gpu.copy(old, V)


def scratch_bytes(tag: Any, sizes: Sizes, members: int, k: int, itemsize: int) -> int:
    """Memory that a run takes beside what it is given."""
    steps = GridSteps.bytes(tag, sizes, members, k, itemsize)
    frames = Orthonormal.bytes(members, k, sizes.nx, itemsize)
    return members * (k + 1) * sizes.nx * itemsize + steps + frames


class _GridRun:
    """Memory and launches of one run."""

    def __init__(self, pack: DevicePack, dtype: Any, members: int, k: int):
        sizes = gpu_sizes.CHOSEN
        self.nx, self.k, self.members, self.threads = pack.sizes.nx, k, members, sizes.threads
        size = members * (k + 1) * self.nx
        itemsize = np.dtype(dtype).itemsize
        gpu.room_for(
            scratch_bytes(pack.tag, pack.sizes, members, k, itemsize),
            f"a step of {k} tangents of {members} networks of {pack.sizes.n} units",
        )
        self.other = gpu.empty(size, dtype)
        products = Products(dtype, threads=sizes.tile)
        self.steps = GridSteps(pack, members, k, products)
        self.orthonormal = Orthonormal(products, members, k, self.nx)

    def account(self, length: int, logs: Any, block: int, blocks: int, spread: Any) -> None:
        """Logarithms of the norms, and, of intervals of more than one step, how far they spread."""
        norms, count = self.orthonormal.norms, self.members * self.k
        gpu.launch(
            _add_logs,
            gpu.blocks_for(count, self.threads),
            self.threads,
            0,
            norms,
            self.k,
            block,
            blocks,
            logs,
        )
        if length > 1:
            shared = 2 * self.threads * norms.dtype.itemsize
            gpu.launch(_add_spread, self.members, self.threads, shared, norms, self.k, spread)

    def find_lost(self, V: Any, t: int, bad: Any) -> None:
        """Note members that are not finite, and set them to zero."""
        size, shared = (self.k + 1) * self.nx, self.threads * V.dtype.itemsize
        gpu.launch(_find_lost, self.members, self.threads, shared, V, size, t, bad)


@gpu_kernel
def _add_logs(norms, k, block, blocks, logs):
    """logs (members, blocks, k) gains the logarithms of the norms (members, k); that of 0 is -inf."""
    q = cuda.grid(1)
    if q < norms.size:
        norm = norms[q]
        log = math.log(norm) if norm > like(norm, 0.0) else norm - like(norm, math.inf)
        logs[(q // k * blocks + block) * k + q % k] += log


@gpu_kernel
def _add_spread(norms, k, spread):
    """spread (members,) gains largest over smallest norm, zeros left out; a block for each member."""
    buffer = cuda.shared.array(0, norms.dtype)
    t, threads, b = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
    zero = like(norms[0], 0.0)
    high, low = zero, like(zero, math.inf)
    for j in range(t, k, threads):
        norm = norms[b * k + j]
        high = norm if norm > high else high
        low = norm if norm > zero and norm < low else low
    buffer[t], buffer[threads + t] = high, low
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if t < half:
            high, low = buffer[t + half], buffer[threads + t + half]
            buffer[t] = high if high > buffer[t] else buffer[t]
            buffer[threads + t] = low if low < buffer[threads + t] else buffer[threads + t]
        cuda.syncthreads()
        half //= 2
    if t == 0:
        spread[b] += buffer[0] / buffer[threads]


@gpu_kernel
def _find_lost(V, size, t_now, bad):
    """A member (size,) with a number that is not finite gets its time, and zeros; a block for each member."""
    found = cuda.shared.array(0, V.dtype)
    t, threads, b = cuda.threadIdx.x, cuda.blockDim.x, cuda.blockIdx.x
    zero = like(V[0], 0.0)
    total = zero
    for i in range(t, size, threads):
        total += V[b * size + i] * zero
    found[t] = zero if total == zero else like(zero, 1.0)
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if t < half:
            found[t] = found[t] + found[t + half]
        cuda.syncthreads()
        half //= 2
    if found[0] > zero:
        if t == 0 and bad[b] == 0:
            bad[b] = t_now
        for i in range(t, size, threads):
            V[b * size + i] = zero
