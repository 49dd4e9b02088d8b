"""Backpropagation through time with forcing on a GPU: loss and all gradients of several systems at once.

The twin of `cpu_adjoint`. Only what follows from step to step is in a time loop; what states are forced to,
the errors with their gradients, and the gradients of weights are single products over (time x batch). Each
sum has an order of its own that no other system changes.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from .._jit import gpu_kernel
from ..cells.protocol import has_hidden, is_coupled
from . import gpu_launch as gpu
from .gpu_adjoint_blocks import BlockForm
from .gpu_adjoint_steps import StepForm
from .gpu_forward import own
from .gpu_launch import cuda
from .gpu_operand import Operand
from .gpu_pack import DevicePack
from .gpu_pieces import Extent, Places, Schedules, extents
from .gpu_products import Products
from .packing import Sizes

_LINE = 128
_LOSSES = 4096  # partial sums of the squared errors
_SHARE = 0.9  # of the free memory for activations


class DeviceBatch(NamedTuple):
    """Data of the batches of S systems, in the memory of a GPU; each has a decoder and an encoder."""

    X: Any  # (S, T + 1, B, D): what is predicted
    observed: Any  # (S, slots, B, D): what the state is forced to, in the order of the plan
    U: Any  # (S, T, B, M): inputs
    decoder: Any  # (D, n)
    encoder: Any  # (D, nx): transposed map from an observation to the state
    systems: int
    T: int
    B: int
    D: int


class AdjointMemory(NamedTuple):
    """Activations of one segment; `rows` are those of all systems, lanes one for each piece and column."""

    KEPT: Any  # (segments, lanes, nx): states before each segment
    X: Any  # (forced, nx): what states are forced to, then forced states, then the gradient of the former
    OBS: Any  # (forced, D): observations that they come from
    R: Any  # (rows, w): features and inputs
    E: Any  # (rows, n): first state plane before each step, cells with a hidden product only
    PRE: Any  # (rows, m): hidden pre-activations, then their gradients
    Y: Any  # (rows, nx): states after each step
    S: Any  # (rows, ns): saved values, then gate gradients
    OUT: Any  # (rows, D): what is predicted, then errors and their gradients
    DZ: Any  # (rows, n): gradients that reach the states from the loss
    G: Any  # (lanes, nx): direct gradient of the states
    Q: Any  # (lanes, n): gradient of the features
    A: Any  # (lanes, max(na, m)): gates of one step, where these go over the grid
    GP: Any  # (partial sums, parameters)
    GF: Any


class Gradients(NamedTuple):
    """Where the gradients of a system begin in its row of the result, and the length of a row."""

    GW: int
    GH: int
    GP: int
    GF: int
    GB: int
    GM: int
    losses: int
    total: int


class Adjoint:
    """Memory for batches of B sequences of T steps of networks of one class and size.

    Parameters
    ----------
    tag, sizes, dtype
        Of the cells.
    parameters, features : int
        Numbers in the planes of unit and feature parameters.
    D : int
        Observed dimensions.
    segment : int
        Steps whose activations are kept at once.
    """

    def __init__(
        self, tag: Any, sizes: Sizes, dtype: Any, parameters: int, features: int, D: int, segment: int,
    ):  # fmt: skip
        self.tag, self.sizes, self.dtype, self.D, self.segment = tag, sizes, np.dtype(dtype), D, segment
        self.parameters, self.features = parameters, features
        blocks = BlockForm(tag, sizes, parameters, features, self.dtype.itemsize)
        self.steps = not blocks.fits()
        # a library may round otherwise for more systems
        self.products = Products(dtype, "auto" if self.steps else "own", alike=True)
        self.form = StepForm(tag, sizes, self.products) if self.steps else blocks
        s, hidden = sizes, sizes.m * sizes.n if has_hidden(tag) else 1
        w = s.m + s.inputs
        lengths = (s.na * w, hidden, parameters, features, D * s.n, D * s.nx, _LOSSES)
        self.places = Gradients(*np.cumsum([0, *lengths]).tolist())
        self.capacity = dict.fromkeys(AdjointMemory._fields, 0)
        self.memory: Any = None
        self.out: Any = None

    def backpropagate(
        self, pack: DevicePack, batch: DeviceBatch, places: Places, plan: Schedules, scale: float
    ) -> np.ndarray:
        """A row for each system: the gradients of `scale` / 2 times its sum of squared errors, and partial
        sums of these (see `Gradients`).
        """
        S, row = batch.systems, self.places.total
        if self.out is None or self.out.size != S * row:
            self.out = gpu.empty(S * row, self.dtype)
        gpu.fill(self.out, 0)
        for first, columns in self._shares(batch, places):
            memory = self.memory
            gpu.fill(memory.GP, 0)
            gpu.fill(memory.GF, 0)
            segments = extents(places, S, columns, self.segment, self.sizes.nx)
            for e in segments[:-1]:
                self._forward(pack, batch, places, plan, e, first)
            for e in segments[::-1]:
                self._forward(pack, batch, places, plan, e, first)
                self._backward(pack, batch, places, plan, e, first, scale)
            sums = self.form.partial_sums(places.lanes, columns)
            for parts, count, at in (
                (memory.GP, self.parameters, self.places.GP), (memory.GF, self.features, self.places.GF),
            ):  # fmt: skip
                self.products.column_sums(
                    sums, count, Operand(parts, count, 0, sums * count), Operand(self.out, count, at, row),
                    beta=1.0, batch=S,
                )  # fmt: skip
        return gpu.fetch(self.out, (S, row))

    def _shares(self, batch: DeviceBatch, places: Places) -> list[tuple[int, int]]:
        """(first column, columns) of the parts of a batch whose activations fit; makes room for them."""
        B, shares = batch.B, 1
        held = sum(self.capacity.values()) * self.dtype.itemsize
        while True:
            needed = self._needed(batch.systems, -(-B // shares), places)
            size = sum(needed.values()) * self.dtype.itemsize
            if shares == B or size <= _SHARE * gpu.free_bytes() + held:
                break
            shares = min(2 * shares, B)
        if any(needed[name] > self.capacity[name] for name in needed):
            self.memory = None  # before the new one is asked for
            self.capacity = {name: max(size, self.capacity[name]) for name, size in needed.items()}
            gpu.room_for(
                sum(self.capacity.values()) * self.dtype.itemsize,
                "backpropagation through time (less with checkpoint_every)",
            )
            self.memory = AdjointMemory(**{k: gpu.empty(v, self.dtype) for k, v in self.capacity.items()})
        bounds = [B * k // shares for k in range(shares + 1)]
        return [(a, b - a) for a, b in itertools.pairwise(bounds)]

    def _needed(self, S: int, columns: int, places: Places) -> dict[str, int]:
        """Numbers of each array of the memory."""
        s, D = self.sizes, self.D
        segments = extents(places, S, columns, self.segment, s.nx)
        rows, forced = (
            S * columns * max(counts)
            for counts in zip(*((e.places, e.forced) for e in segments), strict=True)
        )
        lanes, hidden = S * columns * places.lanes, int(has_hidden(self.tag))
        kept = lanes * len(segments) if len(segments) > 1 else 0
        sums = S * self.form.partial_sums(places.lanes, columns)
        between = lanes if self.steps or kept else 0
        return {
            "KEPT": kept * s.nx, "X": forced * s.nx, "OBS": forced * D, "R": rows * (s.m + s.inputs),
            "E": hidden * rows * s.n, "PRE": hidden * rows * s.m, "Y": rows * s.nx, "S": rows * s.ns,
            "OUT": rows * D, "DZ": rows * s.n, "G": between * s.nx, "Q": between * s.n,
            "A": lanes * max(s.na, s.m) if self.steps else 0, "GP": sums * self.parameters,
            "GF": sums * self.features,
        }  # fmt: skip

    def _forward(self, pack, batch, places, plan, e: Extent, first: int) -> None:
        """Activations of a segment."""
        s, memory = self.sizes, self.memory
        w = s.m + s.inputs
        if s.inputs:
            self._gather(
                batch.U, batch.T, plan.time, e.place, 0, s.inputs, batch, e, first, e.places, memory.R, s.m, w
            )
        if e.forced:
            slots = e.slots
            self._gather(
                batch.observed, slots, plan.slot, e.forcing, 0, self.D, batch, e, first, e.forced,
                memory.OBS, 0, self.D,
            )  # fmt: skip
            rows = e.forced * e.columns
            self.products.multiply(
                rows, s.nx, self.D, Operand(memory.OBS, self.D, 0, rows * self.D), Operand(batch.encoder,
                s.nx, 0, own(pack, self.D * s.nx)), Operand(memory.X, s.nx, 0, rows * s.nx), batch=e.systems,
            )  # fmt: skip
        self.form.forward(pack, memory, plan, e, places)

    def _backward(self, pack, batch, places, plan, e: Extent, first: int, scale: float) -> None:
        """What a segment adds to the gradients."""
        s, memory, D, S = self.sizes, self.memory, self.D, e.systems
        multiply, outer, at, row = (
            self.products.multiply,
            self.products.outer_sums,
            self.places,
            self.places.total,
        )
        rows, w = e.places * e.columns, s.m + s.inputs
        # errors, and their gradients with respect to predictions, decoder and states
        self._gather(
            batch.X, batch.T + 1, plan.time, e.place, 1, D, batch, e, first, e.places, memory.OUT, 0, D
        )
        decoder = Operand(batch.decoder, s.n, 0, own(pack, D * s.n))
        out, states = Operand(memory.OUT, D, 0, rows * D), Operand(memory.Y, s.nx, 0, rows * s.nx)
        multiply(rows, D, s.n, states, decoder._replace(transposed=True), out, beta=-1.0, batch=S)
        gpu.launch(
            _residuals, gpu.blocks_for(S * _LOSSES, _LINE), _LINE, 0, memory.OUT, rows * D, S, _LOSSES,
            self.dtype.type(scale), self.out, at.losses, row,
        )  # fmt: skip
        outer(D, s.n, rows, out, states, Operand(self.out, s.n, at.GB, row), beta=1.0, batch=S)
        multiply(rows, s.n, D, out, decoder, Operand(memory.DZ, s.n, 0, rows * s.n), batch=S)
        self.form.backward(pack, memory, plan, e, places)
        first_feature = 0 if is_coupled(self.tag) else s.m
        outer(
            s.na, w - first_feature, rows, Operand(memory.S, s.ns, 0, rows * s.ns),
            Operand(memory.R, w, first_feature, rows * w), Operand(self.out, w, at.GW + first_feature, row),
            beta=1.0, batch=S,
        )  # fmt: skip
        if has_hidden(self.tag):
            outer(
                s.m, s.n, rows, Operand(memory.PRE, s.m, 0, rows * s.m), Operand(memory.E, s.n, 0,
                rows * s.n), Operand(self.out, s.n, at.GH, row), beta=1.0, batch=S,
            )  # fmt: skip
        if e.forced:
            forced = e.forced * e.columns
            outer(
                D, s.nx, forced, Operand(memory.OBS, D, 0, forced * D), Operand(memory.X, s.nx, 0,
                forced * s.nx), Operand(self.out, s.nx, at.GM, row), beta=1.0, batch=S,
            )  # fmt: skip

    def _gather(
        self, source, times, index, begin, later, width, batch, e: Extent, first, count, target, to, lead
    ) -> None:
        """Rows of `target`: those of `source` (S, times, B, width) at times index[begin + ...] + later."""
        size = e.systems * count * e.columns * width
        gpu.launch(
            _gather, gpu.blocks_for(size, _LINE), _LINE, 0, source, times, batch.B, width, index, begin,
            later, first, e.systems, count, e.columns, target, to, lead,
        )  # fmt: skip


@gpu_kernel
def _gather(source, times, B, width, index, begin, later, first, systems, count, columns, target, to, lead):
    g = cuda.grid(1)
    if g < systems * count * columns * width:
        row, i = g // width, g % width
        system, place, column = row // (count * columns), row // columns % count, row % columns
        t = index[begin + place] + later
        target[row * lead + to + i] = source[((system * times + t) * B + first + column) * width + i]


@gpu_kernel
def _residuals(OUT, size, systems, parts, scale, sums, at, row):
    """OUT (systems, size) becomes `scale` times itself; the sums of squares grow by a part in each thread."""
    g = cuda.grid(1)
    if g < systems * parts:
        system, part = g // parts, g % parts
        total = sums[system * row + at + part]
        for i in range(part, size, parts):
            e = OUT[system * size + i]
            total += e * e
            OUT[system * size + i] = scale * e
        sums[system * row + at + part] = total
