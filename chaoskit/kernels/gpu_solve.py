"""Many systems of linear equations on a GPU: Gaussian elimination with partial pivoting, a block each."""

from __future__ import annotations

from typing import Any

from .._jit import gpu_kernel
from ..cells._math import like
from . import gpu_launch as gpu
from . import gpu_sizes
from .gpu_launch import cuda
from .gpu_operand import Operand


def solve(A: Any, B: Any, n: int, count: int, singular: Any, stride: int) -> None:
    """Solutions of A x = b for `count` matrices A (count, n, n), flat; side b begins at b * stride of B.

    The sides become the solutions, A is lost. singular (count,), int64: 1 where a pivot is 0 or not a number,
    and the solution is of no use.
    """
    wide = gpu_sizes.CHOSEN.side
    high = max(1, gpu_sizes.CHOSEN.threads // wide)
    shared = 2 * wide * high * A.dtype.itemsize
    gpu.launch(_eliminate, count, (wide, high), shared, A, B, n, stride, singular)


def identity_minus(matrices: Operand, n: int, count: int, out: Any) -> None:
    """out (count, n, n) = 1 - the matrices, whose rows follow each other."""
    threads = gpu_sizes.CHOSEN.threads
    grid = gpu.blocks_for(count * n * n, threads)
    gpu.launch(_identity_minus, grid, threads, 0, matrices.array, matrices.at, matrices.stride, n, count, out)


@gpu_kernel
def _identity_minus(A, ia, stride, n, count, out):
    q = cuda.grid(1)
    size = n * n
    if q < count * size:
        i = q % size
        one = like(A[0], 1.0) if i // n == i % n else like(A[0], 0.0)
        out[q] = one - A[ia + q // size * stride + i]


@gpu_kernel
def _eliminate(A, B, n, stride, singular):
    buffer = cuda.shared.array(0, A.dtype)
    x, y, wide, high = cuda.threadIdx.x, cuda.threadIdx.y, cuda.blockDim.x, cuda.blockDim.y
    me, threads, system = y * wide + x, wide * high, cuda.blockIdx.x
    a, b = system * n * n, system * stride
    zero = like(A[0], 0.0)
    broken = False
    for j in range(n):
        # the largest entry of the column, the first of equal ones; numbers of rows are exact in float32 too
        most, where = like(zero, -1.0), like(zero, j)
        for i in range(j + me, n, threads):
            size = abs(A[a + i * n + j])
            if size > most:
                most, where = size, like(zero, i)
        buffer[me], buffer[threads + me] = most, where
        cuda.syncthreads()
        half = threads // 2
        while half > 0:
            if me < half:
                other, row = buffer[me + half], buffer[threads + me + half]
                if other > buffer[me] or (other == buffer[me] and row < buffer[threads + me]):
                    buffer[me], buffer[threads + me] = other, row
            cuda.syncthreads()
            half //= 2
        broken = broken or not buffer[0] > zero
        best = int(buffer[threads])
        cuda.syncthreads()
        if best != j:
            for c in range(j + me, n, threads):
                A[a + j * n + c], A[a + best * n + c] = A[a + best * n + c], A[a + j * n + c]
            if me == 0:
                B[b + j], B[b + best] = B[b + best], B[b + j]
            cuda.syncthreads()
        pivot = A[a + j * n + j]
        for i in range(j + 1 + y, n, high):
            share = A[a + i * n + j] / pivot if pivot != zero else zero
            for c in range(j + 1 + x, n, wide):
                A[a + i * n + c] -= share * A[a + j * n + c]
            if x == 0:
                B[b + i] -= share * B[b + j]
        cuda.syncthreads()
    for j in range(n - 1, -1, -1):
        pivot = A[a + j * n + j]
        if me == 0 and pivot != zero:
            B[b + j] = B[b + j] / pivot
        cuda.syncthreads()
        for i in range(me, j, threads):
            B[b + i] -= A[a + i * n + j] * B[b + j]
        cuda.syncthreads()
    if me == 0:
        singular[system] = 1 if broken else 0
