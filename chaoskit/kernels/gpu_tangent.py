"""Jacobians and products of Jacobians on a GPU; the twin of `cpu_tangent` for what is not a spectrum."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .._jit import gpu_kernel
from ..cells._math import like
from ..cells.protocol import feature_slope, has_hidden, local, local_jvp, slopes
from . import gpu_launch as gpu
from . import gpu_sizes
from .gpu_launch import cuda
from .gpu_operand import Operand
from .gpu_pack import DevicePack
from .gpu_products import Products
from .gpu_steps import GridSteps, place
from .planes import load, scaled, store


class ProductWork(NamedTuple):
    """Scratch of products of Jacobians along an orbit with k tangents."""

    steps: GridSteps
    parts: Any  # (2, blocks): largest entries, and what is not finite
    tally: Any  # (2,): sum of the exponents taken out, first step that was not finite or -1
    threads: int


def product_work(pack: DevicePack, k: int, dtype: Any) -> ProductWork:
    """Memory for k tangents."""
    s, itemsize, sizes = pack.sizes, np.dtype(dtype).itemsize, gpu_sizes.CHOSEN
    needed = GridSteps.bytes(pack.tag, s, 1, k, itemsize) + 2 * (k + 1) * s.nx * itemsize
    gpu.room_for(needed, f"a step of {k} tangents of a network of {s.n} units")
    steps = GridSteps(pack, 1, k, Products(dtype, threads=sizes.tile))
    blocks = min(sizes.parts, gpu.blocks_for((k + 1) * s.nx, sizes.threads))
    return ProductWork(steps, gpu.empty(2 * blocks, dtype), gpu.empty(2, np.int64), sizes.threads)


def scaled_products(
    pack: DevicePack, work: ProductWork, V: Any, W: Any, U: Any, k: int, steps: int
) -> tuple[int, int]:
    """As `cpu_tangent.scaled_products`: V is left at the end, W is scratch of the same size."""
    old, new = V, W
    _begin(work)
    for t in range(steps):
        work.steps.step(old, U, t * pack.sizes.inputs, 0, new)
        old, new = new, old
        _scale_to_one(work, old, pack.sizes.nx, t)
    return _end(work, V, old)


def products_along(
    pack: DevicePack, work: ProductWork, V: Any, W: Any, X: Any, U: Any, width: Any, flow: Any, k: int,
    steps: int,
) -> tuple[int, int]:  # fmt: skip
    """As `cpu_tangent.products_along`: along given states X, of which parts were forced."""
    old, new, nx = V, W, pack.sizes.nx
    grid = gpu.blocks_for((k + 1) * nx, work.threads)
    _begin(work)
    for t in range(steps):
        gpu.launch(_take_state, grid, work.threads, 0, X, t, nx, width, flow, old)
        work.steps.step(old, U, t * pack.sizes.inputs, 0, new)
        old, new = new, old
        _scale_to_one(work, old, nx, t)
    return _end(work, V, old)


def _begin(work: ProductWork) -> None:
    gpu.launch(_start_tally, 1, 1, 0, work.tally)


def _scale_to_one(work: ProductWork, V: Any, nx: int, t: int) -> None:
    blocks, threads = work.parts.size // 2, work.threads
    shared = 2 * threads * V.dtype.itemsize
    gpu.launch(_largest_entries, blocks, threads, shared, V, nx, work.parts)
    gpu.launch(_scale, blocks, threads, shared, V, nx, work.parts, t, work.tally)


def _end(work: ProductWork, V: Any, found: Any) -> tuple[int, int]:
    if found is not V:
        gpu.copy(found, V)
    exponent, broken = gpu.fetch(work.tally, (2,))
    return int(exponent), int(broken)


def jacobians_at(pack: DevicePack, products: Products, X: Any, U: Any, count: int, out: Any) -> None:
    """Jacobians (count, nx, nx), flat, of a step from each of the states X (count, nx) under U (count, M)."""
    s = pack.sizes
    steps = GridSteps(pack, count, 0, products)
    steps.operand(X, U, 0, s.inputs)
    steps.multiply_weights()
    axes = gpu.zeros(2 * s.nx, products.dtype)
    gpu.fill(axes[s.nx : s.nx + 1], 1)
    if has_hidden(pack.tag):
        D, stride, places, lead = _through_hidden(pack, products, steps, count), s.na * s.n, count, s.n
    else:
        D, stride, places, lead = pack.W, pack.W.size // pack.members, pack.members, s.m + s.inputs
    blocks = gpu.blocks_for(s.nx, steps.line) * s.n * count
    gpu.launch(
        _jacobian_entries, blocks, steps.line, 0, *pack, X, steps.A, D, stride, places, lead, axes, out
    )


def jacobian_bytes(pack: DevicePack, count: int, itemsize: int) -> int:
    """Memory that `jacobians_at` takes, the Jacobians included."""
    s = pack.sizes
    hidden = s.m * s.n + s.na * s.n if has_hidden(pack.tag) else 0
    return GridSteps.bytes(pack.tag, s, count, 0, itemsize) + itemsize * count * (hidden + s.nx * s.nx)


def _through_hidden(pack: DevicePack, products: Products, steps: GridSteps, count: int) -> Any:
    """Derivatives of the gates by the first state plane, (count, na, n): weights, slopes, hidden weights."""
    s = pack.sizes
    scaled_weights = gpu.empty(count * s.m * s.n, products.dtype)
    D = gpu.empty(count * s.na * s.n, products.dtype)
    blocks = gpu.blocks_for(s.n, steps.line) * s.m * count
    gpu.launch(_scaled_hidden, blocks, steps.line, 0, *pack, steps.E, scaled_weights)
    width = s.m + s.inputs
    W = Operand(pack.W, width, stride=s.na * width if pack.members > 1 else 0)
    products.multiply(
        s.na, s.n, s.m, W, Operand(scaled_weights, s.n, stride=s.m * s.n),
        Operand(D, s.n, stride=s.na * s.n), batch=count,
    )  # fmt: skip
    return D


@gpu_kernel
def _start_tally(tally):
    tally[0], tally[1] = 0, -1


@gpu_kernel
def _take_state(X, t, nx, width, flow, V):
    """Row 0 of V becomes state t of X; of the forced numbers of the other rows a share passes."""
    q = cuda.grid(1)
    if q < V.size:
        i = q % nx
        if q < nx:
            V[q] = X[t * nx + i]
        elif i < width[t]:
            zero = like(V[0], 0.0)
            V[q] = zero if flow[t] == zero else flow[t] * V[q]


@gpu_kernel
def _largest_entries(V, nx, parts):
    """parts (2, blocks): the largest entry of the tangents, and not 0 where a number is not finite."""
    buffer = cuda.shared.array(0, V.dtype)
    t, threads, blocks = cuda.threadIdx.x, cuda.blockDim.x, cuda.gridDim.x
    zero = like(V[0], 0.0)
    largest, lost = zero, zero
    for i in range(cuda.blockIdx.x * threads + t, V.size, blocks * threads):
        value = abs(V[i])
        if not value < like(zero, math.inf):
            lost = like(zero, 1.0)
        elif i >= nx and value > largest:
            largest = value
    buffer[t], buffer[threads + t] = largest, lost
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if t < half:
            other = buffer[t + half]
            buffer[t] = other if other > buffer[t] else buffer[t]
            buffer[threads + t] += buffer[threads + t + half]
        cuda.syncthreads()
        half //= 2
    if t == 0:
        parts[cuda.blockIdx.x], parts[blocks + cuda.blockIdx.x] = buffer[0], buffer[threads]


@gpu_kernel
def _scale(V, nx, parts, t_now, tally):
    """Take a power of two out of the tangents, so that the largest entry is about 1, and note it."""
    t, threads, blocks = cuda.threadIdx.x, cuda.blockDim.x, cuda.gridDim.x
    zero = like(V[0], 0.0)
    largest, lost = zero, zero
    for q in range(blocks):
        largest = parts[q] if parts[q] > largest else largest
        lost += parts[blocks + q]
    first = cuda.blockIdx.x == 0 and t == 0
    if lost > zero:
        if first and tally[1] < 0:
            tally[1] = t_now + 1
    elif largest > zero:
        exponent = math.frexp(largest)[1]
        factor = math.ldexp(like(zero, 1.0), -exponent)
        for i in range(nx + cuda.blockIdx.x * threads + t, V.size, blocks * threads):
            V[i] *= factor
        if first:
            tally[0] += exponent


@gpu_kernel
def _scaled_hidden(tag, sizes, members, P, F, W, WT, H, HT, E, out):
    """out (count, m, n) = the hidden weights, rows times the slopes at the pre-activations E (count, m)."""
    m, n = sizes.m, sizes.n
    i, row = place(n)
    if i < n:
        b, l = row // m, row % m
        f = load(tag, "f", F, b % members * (F.size // members), m, l)
        weight = H[b % members * (H.size // members) + l * n + i]
        out[row * n + i] = feature_slope(tag, f, E[row]) * weight


@gpu_kernel
def _jacobian_entries(
    tag, sizes, members, P, F, W, WT, H, HT, X, A, D, stride, places, lead, axes, out
):  # fmt: skip
    """Derivatives of all planes of a unit by state i.

    D: of the gates by the features of the first plane (or by that plane itself, through a hidden layer), in
    rows of `lead` numbers; those of state b begin at b % places * stride. axes (2 nx,): 0 but for a 1 in the
    middle.
    """
    n, m, nx, na = sizes.n, sizes.m, sizes.nx, sizes.na
    i, row = place(nx)
    if i < nx:
        b, j = row // n, row % n
        p = load(tag, "p", P, b % members * (P.size // members), n, j)
        x = load(tag, "x", X, b * nx, n, j)
        y, s = local(tag, p, x, load(tag, "a", A, b * na, n, j))
        c = slopes(tag, p, x, y, s)
        width = n if has_hidden(tag) else m
        l = i if i < width else 0  # the other planes of the state have no feature
        slope = like(X[0], 1.0)
        if not has_hidden(tag):
            f = load(tag, "f", F, b % members * (F.size // members), m, l)
            slope = feature_slope(tag, f, X[b * nx + l])
        slope = slope if i < width else like(X[0], 0.0)
        da = scaled(load(tag, "a", D, b % places * stride + l, n * lead, j * lead), slope)
        v = load(tag, "v", axes, nx - i, n, j)
        store(tag, "w", out, b * nx * nx + i, n * nx, j * nx, local_jvp(tag, c, v, da))
