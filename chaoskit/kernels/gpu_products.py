"""Products of matrices in the memory of a GPU, by tiles in shared memory or by cuBLAS, and sums of rows.

All arrays are flat and row-major. Every sum runs in an order that depends on the sizes alone, so that
the same call gives the same bits on every run.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .._jit import gpu_kernel
from . import gpu_launch as gpu
from .gpu_cublas import cublas
from .gpu_launch import cuda
from .gpu_operand import Operand

_THREADS = 16  # a side of a block; a thread owns 4 x 4 results
_BLOCKS = 256  # a product of fewer blocks is split along its sums
_SHORTEST = 256  # terms of such a part
_LINE = 128  # threads of the kernels that add up parts
_LARGEST_GRID = 65535  # blocks along the second and third axis
OWN, CUBLAS = "own", "cublas"


def product_library(wanted: str = "auto") -> str:
    """Whose products are taken: "cublas" where CuPy can be used, else "own"; any other wish is obeyed."""
    if wanted != "auto":
        return wanted
    return OWN if cublas() is None else CUBLAS


class Products:
    """Products and sums of one dtype, with the scratch they need; it grows to what the largest one takes.

    Parameters
    ----------
    dtype : dtype
    library : {"auto", "own", "cublas"}
        See `product_library`.
    threads : int
        A block has threads^2 threads and makes a tile of (4 threads)^2 results.
    blocks, shortest : int
        Sums are split where a product has fewer blocks, into parts of at least `shortest` terms.
    alike : bool
        Split as for one member, so that the own kernels give a member the same bits whatever the batch.
    """

    def __init__(
        self, dtype: Any, library: str = "auto", *, threads: int = _THREADS,
        blocks: int = _BLOCKS, shortest: int = _SHORTEST, alike: bool = False,
    ):  # fmt: skip
        self.dtype, self.threads, self.alike = np.dtype(dtype), threads, alike
        self.blocks, self.shortest = blocks, shortest
        self.scratch = gpu.empty(1, self.dtype)
        self.library = product_library(library)
        self.cublas = cublas() if self.library == CUBLAS else None

    def multiply(
        self, m: int, n: int, k: int, a: Operand, b: Operand, c: Operand, *, alpha: float = 1.0,
        beta: float = 0.0, batch: int = 1,
    ) -> None:  # fmt: skip
        """C (m, n) = alpha op(A) (m, k) op(B) (k, n) + beta C, for each member of a batch.

        beta = 0 does not read C. C must not overlap A or B, nor its members each other.
        """
        if min(m, n, batch) <= 0:
            return
        if self.cublas is not None and k > 0:
            self.cublas.multiply(self.dtype, m, n, k, a, b, c, alpha, beta, batch)
            return
        self._multiply_in_tiles(m, n, k, a, b, c, alpha, beta, batch)

    def _multiply_in_tiles(self, m, n, k, a, b, c, alpha, beta, batch) -> None:
        tile = 4 * self.threads
        down, across = -(-m // tile), -(-n // tile)
        parts = self._parts(down * across, k, batch)
        per = -(-k // parts)
        kernel, one, zero = _tiles(self.threads), self.dtype.type(1), self.dtype.type(0)
        alpha, beta = self.dtype.type(alpha), self.dtype.type(beta)
        for first in range(0, batch, _LARGEST_GRID // parts):  # more members than a grid may hold
            count = min(batch - first, _LARGEST_GRID // parts)
            target = c._replace(at=c.at + first * c.stride)
            if parts == 1:
                out, out_alpha, out_beta, part_stride = target, alpha, beta, 0
            else:
                self._reserve(parts * count * m * n)
                out, out_alpha, out_beta = Operand(self.scratch, n, stride=m * n), one, zero
                part_stride = count * m * n
            gpu.launch(
                kernel, (down, across, count * parts), (self.threads, self.threads), 0,
                m, n, k, per, count, out_alpha, *_place(a, first), *_steps(a), *_place(b, first), *_steps(b),
                out_beta, out.array, out.at, out.stride, out.lead, part_stride,
            )  # fmt: skip
            if parts > 1:
                self._add_parts(parts, m, n, alpha, beta, target, count)

    def _parts(self, blocks: int, terms: int, batch: int) -> int:
        """Into how many parts the sums are split, so that there are blocks enough for a whole GPU.

        blocks: of one member.
        """
        if self.alike:
            return max(1, min(self.blocks // max(1, blocks), terms // self.shortest))
        most = min(self.blocks // max(1, blocks * batch), terms // self.shortest)
        return max(1, min(most, _LARGEST_GRID // max(1, batch)))

    def _reserve(self, size: int) -> None:
        if self.scratch.size < size:
            gpu.room_for(size * self.dtype.itemsize, "the scratch of a product")
            self.scratch = gpu.empty(size, self.dtype)

    def _add_parts(self, parts, m, n, alpha, beta, c: Operand, batch: int) -> None:
        """C = alpha times the sum of parts (parts, batch, m, n) in the scratch + beta C."""
        gpu.launch(
            _sum_of_parts, gpu.blocks_for(batch * m * n, _LINE), _LINE, 0, self.scratch, parts, batch, m, n,
            self.dtype.type(alpha), self.dtype.type(beta), c.array, c.at, c.stride, c.lead,
        )  # fmt: skip

    def outer_sums(
        self, m: int, n: int, rows: int, a: Operand, b: Operand, c: Operand, *, alpha: float = 1.0,
        beta: float = 0.0, batch: int = 1,
    ) -> None:  # fmt: skip
        """C (m, n) = alpha A' B + beta C with A (rows, m) and B (rows, n): gradients of weights."""
        self.multiply(m, n, rows, a._replace(transposed=True), b, c, alpha=alpha, beta=beta, batch=batch)

    def column_sums(
        self, rows: int, n: int, a: Operand, c: Operand, *, alpha: float = 1.0, beta: float = 0.0,
        batch: int = 1,
    ) -> None:  # fmt: skip
        """c (n,) = alpha times the sum of the rows of A (rows, n) + beta c, for each member of a batch."""
        if min(n, batch) <= 0:
            return
        columns = gpu.blocks_for(n, _LINE)
        parts = self._parts(columns, rows, batch)
        self._reserve(parts * batch * n)
        gpu.launch(
            _column_sums, gpu.blocks_for(parts * batch * n, _LINE), _LINE, 0, rows, n, -(-rows // parts),
            parts, batch, a.array, a.at, a.stride, a.lead, self.scratch,
        )  # fmt: skip
        self._add_parts(parts, 1, n, alpha, beta, c, batch)


def _place(x: Operand, member: int) -> tuple[Any, int, int]:
    return x.array, x.at + member * x.stride, x.stride


def _steps(x: Operand) -> tuple[int, int]:
    """How far the next row and the next column of the operand, as it enters the product, are away."""
    return (1, x.lead) if x.transposed else (x.lead, 1)


# ---- kernels
@cache
def _tiles(threads: int) -> Any:
    """The kernel of blocks of threads^2 threads, each of which owns 4 x 4 of the (4 threads)^2 results.

    `threads` terms of the sums are in shared memory at a time.
    """
    tile = 4 * threads
    lead = tile + 1  # odd, so that the columns of a tile lie in different banks
    room = threads * lead

    @gpu_kernel
    def tiles(
        m, n, k, per, batch, alpha, A, ia, member_a, row_a, column_a, B, ib, member_b, row_b, column_b, beta,
        C, ic, member_c, lead_c, part_c,
    ):  # fmt: skip
        left = cuda.shared.array(room, A.dtype)
        right = cuda.shared.array(room, B.dtype)
        x, y = cuda.threadIdx.x, cuda.threadIdx.y
        # neighbouring threads take neighbouring numbers from memory
        i, la = (y, x) if column_a == 1 else (x, y)
        j, lb = (x, y) if column_b == 1 else (y, x)
        member, part = cuda.blockIdx.z % batch, cuda.blockIdx.z // batch
        i0, j0 = cuda.blockIdx.x * tile, cuda.blockIdx.y * tile
        a, b = ia + member * member_a + i0 * row_a, ib + member * member_b + j0 * column_b
        zero = A.dtype.type(0)
        c00 = c01 = c02 = c03 = c10 = c11 = c12 = c13 = zero
        c20 = c21 = c22 = c23 = c30 = c31 = c32 = c33 = zero
        first = part * per
        end = first + per
        end = end if end < k else k
        for l0 in range(first, end, threads):
            for r in range(4):
                inside = i0 + i + r * threads < m and l0 + la < end
                at = a + (i + r * threads) * row_a + (l0 + la) * column_a
                left[la * lead + i + r * threads] = A[at] if inside else zero
                inside = j0 + j + r * threads < n and l0 + lb < end
                at = b + (j + r * threads) * column_b + (l0 + lb) * row_b
                right[lb * lead + j + r * threads] = B[at] if inside else zero
            cuda.syncthreads()
            for l in range(threads):
                u, v = l * lead + y, l * lead + x
                a0, a1, a2, a3 = left[u], left[u + threads], left[u + 2 * threads], left[u + 3 * threads]
                b0, b1, b2, b3 = right[v], right[v + threads], right[v + 2 * threads], right[v + 3 * threads]
                c00 += a0 * b0
                c01 += a0 * b1
                c02 += a0 * b2
                c03 += a0 * b3
                c10 += a1 * b0
                c11 += a1 * b1
                c12 += a1 * b2
                c13 += a1 * b3
                c20 += a2 * b0
                c21 += a2 * b1
                c22 += a2 * b2
                c23 += a2 * b3
                c30 += a3 * b0
                c31 += a3 * b1
                c32 += a3 * b2
                c33 += a3 * b3
            cuda.syncthreads()
        c = ic + member * member_c + part * part_c
        for r in range(4):
            i = i0 + y + r * threads
            if i < m:
                d0 = c00 if r == 0 else (c10 if r == 1 else (c20 if r == 2 else c30))
                d1 = c01 if r == 0 else (c11 if r == 1 else (c21 if r == 2 else c31))
                d2 = c02 if r == 0 else (c12 if r == 1 else (c22 if r == 2 else c32))
                d3 = c03 if r == 0 else (c13 if r == 1 else (c23 if r == 2 else c33))
                for s in range(4):
                    j = j0 + x + s * threads
                    if j < n:
                        d = alpha * (d0 if s == 0 else (d1 if s == 1 else (d2 if s == 2 else d3)))
                        at = c + i * lead_c + j
                        C[at] = d if beta == zero else d + beta * C[at]

    return tiles


@gpu_kernel
def _sum_of_parts(parts, count, batch, m, n, alpha, beta, C, ic, member_c, lead_c):
    """C = alpha times the sum of parts (count, batch, m, n) + beta C; a thread for each entry."""
    q = cuda.grid(1)
    size = m * n
    if q < batch * size:
        member, i, j = q // size, q % size // n, q % n
        total = parts[q]
        for p in range(1, count):
            total += parts[p * batch * size + q]
        at = ic + member * member_c + i * lead_c + j
        C[at] = alpha * total if beta == parts.dtype.type(0) else alpha * total + beta * C[at]


@gpu_kernel
def _column_sums(rows, n, per, count, batch, A, ia, member_a, lead_a, parts):
    """parts (count, batch, n): sums over `per` rows of A; a thread for each."""
    q = cuda.grid(1)
    if q < count * batch * n:
        part, member, j = q // (batch * n), q // n % batch, q % n
        end = (part + 1) * per
        end = end if end < rows else rows
        total = A.dtype.type(0)
        at = ia + member * member_a + j
        for r in range(part * per, end):
            total += A[at + r * lead_a]
        parts[q] = total
