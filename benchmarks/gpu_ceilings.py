"""What a card can do at best, measured: copies, multiply-adds, reads of shared memory, large products."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda as _cuda

cuda: Any = _cuda
_CHAINS, _ROUNDS = 8, 512  # independent sums of a thread, and how often they grow


def seconds(run: Callable[[], Any], least: float = 0.05, rounds: int = 5) -> float:
    """Median wall time of a call that leaves work on the card, each round for at least `least` seconds."""
    run()
    cuda.synchronize()
    start = time.perf_counter()
    run()
    cuda.synchronize()
    repeats = max(1, round(least / max(time.perf_counter() - start, 1e-6)))
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        cuda.synchronize()
        found.append((time.perf_counter() - start) / repeats)
    return float(np.median(found))


@cuda.jit
def _copy(source, target):
    for i in range(cuda.grid(1), source.size, cuda.gridsize(1)):
        target[i] = source[i]


@cuda.jit
def _multiply_add(x, out):
    i = cuda.grid(1)
    a = x[0]
    b = a
    s0, s1, s2, s3 = x[1], x[2], x[3], x[4]  # no two chains that a compiler could take for one
    s4, s5, s6, s7 = x[5], x[6], x[7], x[8]
    for _ in range(_ROUNDS):
        s0, s1, s2, s3 = s0 * a + b, s1 * a + b, s2 * a + b, s3 * a + b
        s4, s5, s6, s7 = s4 * a + b, s5 * a + b, s6 * a + b, s7 * a + b
    out[i] = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7


@cuda.jit
def _shared_reads(x, out):
    t = cuda.threadIdx.x
    buf = cuda.shared.array(0, x.dtype)
    for i in range(t, 2048, cuda.blockDim.x):
        buf[i] = x[i % x.size]
    cuda.syncthreads()
    s = buf[t]
    for r in range(_ROUNDS):
        at = (t + 32 * r) % 1024  # neighbours read neighbours: no bank twice
        s += buf[at] + buf[at + 1] + buf[at + 2] + buf[at + 3]
    out[cuda.grid(1)] = s


def ceilings(dtype: Any, *, blocks: int = 0, threads: int = 256, size: int = 1 << 26) -> dict[str, float]:
    """ "copy" and "shared" in bytes a second, "multiply-add" and, with CuPy, "product" in flops a second."""
    blocks = blocks or 32 * cuda.get_current_device().MULTIPROCESSOR_COUNT
    x = cuda.to_device(np.full(size, 0.5, dtype))
    y = cuda.device_array(size, dtype)
    out = cuda.device_array(blocks * threads, dtype)
    item = np.dtype(dtype).itemsize
    found = {
        "copy": 2.0 * size * item / seconds(lambda: _copy[blocks, threads](x, y)),
        "multiply-add": 2.0 * _CHAINS * _ROUNDS * blocks * threads
        / seconds(lambda: _multiply_add[blocks, threads](x, out)),
        "shared": 4.0 * _ROUNDS * item * blocks * threads
        / seconds(lambda: _shared_reads[blocks, threads, 0, 2048 * item](x, out)),
    }  # fmt: skip
    try:
        import cupy
    except ImportError:
        return found
    n = 4096
    a = cupy.ones((n, n), dtype)
    b = cupy.empty_like(a)
    return found | {"product": 2.0 * n**3 / seconds(lambda: cupy.matmul(a, a, out=b))}
