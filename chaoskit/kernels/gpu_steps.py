"""One step of a cell over the whole grid of a GPU: pointwise kernels around products, as in `cell_steps`.

For networks that no block of threads can hold. The rows of a member are its state and k tangents; the
launches are: [hidden product], features, product, local rule.
"""

from __future__ import annotations

from typing import Any

from .._jit import gpu_function, gpu_kernel
from ..cells._math import like
from ..cells.protocol import feature, feature_slope, has_hidden, local, local_jvp, slopes
from . import gpu_launch as gpu
from . import gpu_sizes
from .gpu_launch import cuda
from .gpu_operand import Operand
from .gpu_pack import DevicePack
from .gpu_products import Products
from .packing import Sizes
from .planes import load, store


class GridSteps:
    """Steps of `count` members with k tangents each, and the memory that they take.

    Where all members share a network, its products are one product over the rows of all of them.
    """

    def __init__(self, pack: DevicePack, count: int, k: int, products: Products):
        self.pack, self.count, self.k, self.products = pack, count, k, products
        self.line, self.group = gpu_sizes.CHOSEN.line, gpu_sizes.CHOSEN.rows
        s, dtype = pack.sizes, products.dtype
        self.width = s.m + s.inputs
        self.R = gpu.empty(count * (k + 1) * self.width, dtype)
        self.E = gpu.empty(count * (k + 1) * s.m if has_hidden(pack.tag) else 1, dtype)
        self.A = gpu.empty(count * (k + 1) * s.na, dtype)

    @staticmethod
    def bytes(tag: Any, sizes: Sizes, count: int, k: int, itemsize: int) -> int:
        """Memory that an instance takes."""
        hidden = sizes.m if has_hidden(tag) else 0
        return itemsize * count * (k + 1) * (sizes.m + sizes.inputs + hidden + sizes.na)

    def step(self, V: Any, U: Any, iu: int, member_u: int, W: Any) -> None:
        """W = the rows of V (count, k + 1, nx), flat, one step later.

        U: inputs; those of member b begin at iu + b * member_u.
        """
        self.operand(V, U, iu, member_u)
        self.multiply_weights()
        groups = max(1, -(-self.k // self.group))
        self._launch(_local_rows, self.pack.sizes.n, groups, V, self.A, self.k, self.group, W)

    def operand(self, V: Any, U: Any, iu: int, member_u: int) -> None:
        """R = the operand of the main product: features of all rows, and inputs of the states."""
        s = self.pack.sizes
        if has_hidden(self.pack.tag):
            self._rows_product(Operand(V, s.nx), Operand(self.pack.HT, s.m), s.n, self.E, s.m)
        source, lead = (self.E, s.m) if has_hidden(self.pack.tag) else (V, s.nx)
        self._launch(_features, self.width, self.k + 1, source, lead, self.k, U, iu, member_u, self.R)

    def multiply_weights(self) -> None:
        """A = the operand times the weights: the gates of all rows."""
        s = self.pack.sizes
        self._rows_product(Operand(self.R, self.width), Operand(self.pack.WT, s.na), self.width, self.A, s.na)

    def _rows_product(self, rows: Operand, weights: Operand, inner: int, out: Any, width: int) -> None:
        """out (count, k + 1, width) = all rows times the weights of their member."""
        own = self.pack.members > 1
        batch, high = (self.count, self.k + 1) if own else (1, self.count * (self.k + 1))
        weights = weights._replace(stride=weights.array.size // self.pack.members if own else 0)
        self.products.multiply(
            high, width, inner, rows._replace(stride=high * rows.lead), weights,
            Operand(out, width, stride=high * width), batch=batch,
        )  # fmt: skip

    def _launch(self, kernel: Any, columns: int, rows: int, *args: Any) -> None:
        """A thread for each column of each row of each member."""
        blocks = gpu.blocks_for(columns, self.line) * rows * self.count
        gpu.launch(kernel, blocks, self.line, 0, *self.pack, *args)


@gpu_function
def place(columns):
    """(column, row) of this thread, where each row has blocks of its own."""
    blocks = (columns + cuda.blockDim.x - 1) // cuda.blockDim.x
    return cuda.blockIdx.x % blocks * cuda.blockDim.x + cuda.threadIdx.x, cuda.blockIdx.x // blocks


@gpu_kernel
def _features(tag, sizes, members, P, F, W, WT, H, HT, X, lead, k, U, iu, member_u, R):
    """R (count, k + 1, m + inputs): features of the states beside their inputs, and those of the tangents.

    X (count, k + 1, lead): what has the features, the rows themselves or their hidden products.
    """
    m, inputs = sizes.m, sizes.inputs
    width = m + inputs
    j, row = place(width)
    b = row // (k + 1)
    is_state = row == b * (k + 1)
    if j < m:
        f = load(tag, "f", F, b % members * (F.size // members), m, j)
        x = X[b * (k + 1) * lead + j]
        if is_state:
            R[row * width + j] = feature(tag, f, x)
        else:
            R[row * width + j] = feature_slope(tag, f, x) * X[row * lead + j]
    elif j < width:
        R[row * width + j] = U[iu + b * member_u + j - m] if is_state else like(R[0], 0.0)


@gpu_kernel
def _local_rows(tag, sizes, members, P, F, W, WT, H, HT, V, A, k, group, out):
    """out (count, k + 1, nx) from V and the gates A (count, k + 1, na): a thread takes `group` tangents."""
    n, nx, na = sizes.n, sizes.nx, sizes.na
    groups = (k + group - 1) // group
    groups = groups if groups > 0 else 1
    j, place_ = place(n)
    if j < n:
        b, g = place_ // groups, place_ % groups
        first = b * (k + 1)
        p = load(tag, "p", P, b % members * (P.size // members), n, j)
        x = load(tag, "x", V, first * nx, n, j)
        y, s = local(tag, p, x, load(tag, "a", A, first * na, n, j))
        if g == 0:
            store(tag, "y", out, first * nx, n, j, y)
        c = slopes(tag, p, x, y, s)
        end = (g + 1) * group
        end = end if end < k else k
        for r in range(g * group, end):
            row = first + r + 1
            da = load(tag, "a", A, row * na, n, j)
            dy = local_jvp(tag, c, load(tag, "v", V, row * nx, n, j), da)
            store(tag, "w", out, row * nx, n, j, dy)
