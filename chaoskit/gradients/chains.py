"""Chains of Jacobians and of parameter derivatives along an orbit, as mantissas times powers of two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..cells import protocol
from ..dynamics.model import Model
from ..dynamics.tangent_run import diverged
from ..kernels import packing
from ..kernels.cpu_tangent import products_along
from ..kernels.pull_back import SEGMENT, packed_size, pull_back_along, pull_work, split_packed
from ..kernels.sensitivities import sensitivities_along
from .orbit_walk import Chunk, Walk

_TANGENTS = 3
NEGLIGIBLE = 1e-14  # singular values smaller than this share of the largest are let go
_ROUND_OFF = 1e-6  # nats, of the growth along an orbit
_NOTHING = -(1 << 40)  # power of two of a sum without terms
LN2 = math.log(2.0)


class StateChain:
    """dz_t/dz_0 along an orbit, of which only singular values that matter are carried on.

    The rows are C Phi' with orthonormal rows of C, so that they have the singular values of the product Phi;
    those below `NEGLIGIBLE` are let go. When half of `max_flops` is spent, so are all but as many as the
    other half pays for over `steps` steps. With device="cuda" the factors are multiplied on a GPU.

    Attributes
    ----------
    neglected : float
        Largest singular value let go, as a share of the largest at that time; 1 once what was let go is all
        that is left.
    witness_log : float
        Logarithm of the growth of a few random tangents together under the same factors.
    tangent_log : float
        The same without the factors of forcing; one tangent alone may happen to lie across.
    """

    def __init__(
        self, model: Model, steps: int, max_flops: float, rng: np.random.Generator, free: bool = True,
        device: str = "cpu",
    ):  # fmt: skip
        n = model.dim
        self.model, self.free, self.left = model, free, max_flops / 2
        self.on_gpu = GpuProducts(model) if device == "cuda" else None
        self.most_rows = int(np.clip(max_flops / 2 / (2.0 * n * n * steps), 2, n))
        self.rows = np.eye(n, dtype=model.dtype)
        self.exponent, self.neglected = 0, 0.0
        tangents = rng.standard_normal((min(_TANGENTS, n), n))
        self.witness = (tangents / np.linalg.norm(tangents)).astype(model.dtype)
        self.witness_log = 0.0
        self.tangents, self.tangent_log = self.witness, 0.0

    def go(self, chunk: Chunk) -> None:
        """Along a chunk."""
        k = len(self.rows)
        self.left -= 2.0 * self.model.dim**2 * k * chunk.count
        # the witness rides in the same products
        rows, taken = self._products(np.vstack([self.rows, self.witness]), chunk, chunk.width)
        self.rows = rows[:k]
        self.witness, gained = _unit(rows[k:], taken)
        self.witness_log += gained
        if self.free:
            self.tangents, self.tangent_log = self.witness, self.witness_log
        else:  # along the same states, but no forcing holds them back
            self.tangents, gained = _unit(*self._products(self.tangents, chunk, np.zeros_like(chunk.width)))
            self.tangent_log += gained
        self.exponent += taken
        self._normalise()  # the common factor of rows and witness need not suit the rows alone

    def _normalise(self) -> None:
        largest = float(np.abs(self.rows).max(initial=0.0))
        if largest > 0:
            power = math.frexp(largest)[1]
            self.rows = np.ldexp(self.rows, -power)
            self.exponent += power

    def _products(self, rows: np.ndarray, chunk: Chunk, width: np.ndarray) -> tuple[np.ndarray, int]:
        k, n = rows.shape
        if not rows.any():
            return rows, 0
        if self.on_gpu is not None:
            return self.on_gpu(rows, chunk, width)
        V = packing.aligned((k + 1) * n, self.model.dtype)
        V[n:] = rows.reshape(-1)
        exponent, broken = products_along(
            self.model.tag, self.model.pack, self.model.work(1, k), V, packing.aligned(V.size, V.dtype),
            chunk.states.reshape(-1), chunk.inputs.reshape(-1), width, chunk.flow.astype(V.dtype), chunk.at,
            k, chunk.count,
        )  # fmt: skip
        if broken >= 0:
            raise diverged(self.model, chunk.at + broken)
        return V[n:].reshape(k, n).copy(), exponent

    def log_norm(self) -> float:
        """ln of the spectral norm of dz_t/dz_0; lets go of what is negligible.

        If what was kept has been wiped out since, the growth of the witness, which is a little smaller.
        """
        u, s, _ = np.linalg.svd(self.rows.astype(np.float64), full_matrices=False)
        kept = float(self.exponent * LN2 + math.log(s[0])) if s[0] > 0.0 else -math.inf
        if self.witness_log > kept + _ROUND_OFF:  # it cannot grow by more than the norm
            self.neglected = 1.0
            return self.witness_log
        if s[0] == 0.0:
            return -math.inf
        count = int((s > NEGLIGIBLE * s[0]).sum())
        if self.left < 0:
            count = min(count, self.most_rows)
        if count < len(s):
            self.neglected = max(self.neglected, float(s[count] / s[0]))
            self.rows = (u[:, :count].T @ self.rows).astype(self.model.dtype)
        return kept


class GpuProducts:
    """Rows times the factors of a chunk, by a GPU."""

    def __init__(self, model: Model):
        from ..kernels.gpu_pack import device_pack

        self.model, self.pack = model, device_pack(model.tag, [model.pack])

    def __call__(self, rows: np.ndarray, chunk: Chunk, width: np.ndarray) -> tuple[np.ndarray, int]:
        """(rows, power of two) at the end of the chunk."""
        from ..kernels import gpu_launch as gpu
        from ..kernels.gpu_tangent import product_work, products_along

        k, n = rows.shape
        dtype = self.model.dtype
        V = gpu.put(np.concatenate([np.zeros((1, n), dtype), rows]))
        exponent, broken = products_along(
            self.pack, product_work(self.pack, k, dtype), V, gpu.empty(V.size, dtype), gpu.put(chunk.states),
            gpu.put(chunk.inputs), gpu.put(width.astype(np.int64)), gpu.put(chunk.flow.astype(dtype)), k,
            chunk.count,
        )  # fmt: skip
        if broken >= 0:
            raise diverged(self.model, chunk.at + broken)
        return gpu.fetch(V, (k + 1, n))[1:].copy(), exponent


def _unit(rows: np.ndarray, taken: int) -> tuple[np.ndarray, float]:
    """(rows over their length together, ln of that length times 2^taken)."""
    length = float(np.linalg.norm(rows.astype(np.float64)))
    return (rows / length, taken * LN2 + math.log(length)) if length > 0 else (rows, -math.inf)


class Parameters:
    """Packed parameters of a cell, and the way to the cell's own arrays.

    Attributes
    ----------
    size : int
        Number of packed parameters.
    names : list of str
        Fields that are trained.
    """

    def __init__(self, cell: Any, model: Model):
        self.cell, self.model = cell, model
        self.size = packed_size(model.pack, model.tag)
        self.names = [name for name in cell._fields if name not in protocol.fixed_fields(cell)]
        self.gradient = type(cell)(*(np.zeros(np.shape(a), model.dtype) for a in cell))

    def spread(self, flat: np.ndarray) -> Any:
        """Packed gradients (size,) over a new instance of the cell's class."""
        grad = type(self.cell)(*(np.zeros_like(a) for a in self.gradient))
        pack = self.model.pack
        return packing.unpack_gradient(grad, pack.sizes, *split_packed(pack, self.model.tag, flat))

    def own(self, flat: np.ndarray) -> np.ndarray:
        """Packed gradients (size,) as one vector over the trained fields."""
        cell = self.spread(flat)
        return np.concatenate([getattr(cell, name).ravel() for name in self.names])

    def own_rows(self, packed: np.ndarray) -> np.ndarray:
        """`own` of each row."""
        return np.stack([self.own(row) for row in packed])


class Sensitivities:
    """dz_t/dtheta (N, packed parameters) along an orbit; the state at its start does not depend on theta."""

    def __init__(self, parameters: Parameters):
        self.parameters, model = parameters, parameters.model
        n = model.dim
        self.S = packing.aligned(n * parameters.size, model.dtype)
        self.scratch = packing.aligned(self.S.size, model.dtype)
        self.J = packing.aligned(n * n, model.dtype)
        self.work = pull_work(model.tag, model.pack, 1)
        self.saved, self.bare = np.zeros_like(self.work.S), np.zeros_like(self.work.PRE)
        self.exponent = 0

    def go(self, chunk: Chunk) -> None:
        """Along a chunk."""
        model = self.parameters.model
        self.exponent = sensitivities_along(
            model.tag, model.pack, self.work, chunk.states.reshape(-1), chunk.inputs.reshape(-1), chunk.width,
            chunk.flow.astype(model.dtype), chunk.count, self.S, self.scratch, self.J, self.saved, self.bare,
            self.exponent,
        )  # fmt: skip

    @property
    def packed(self) -> np.ndarray:
        """The mantissa, (N, packed parameters)."""
        return self.S.reshape(self.parameters.model.dim, -1)


class Adjoint:
    """Gradient of one number at the end of an orbit with respect to all parameters, by one pass back."""

    def __init__(self, parameters: Parameters):
        model = parameters.model
        self.parameters = parameters
        self.work = pull_work(model.tag, model.pack, SEGMENT)
        self.total = np.zeros(parameters.size, model.dtype)

    def gradient(self, walk: Walk, last: int, g: np.ndarray) -> tuple[np.ndarray, int]:
        """(packed gradient, power of two) from the gradient g (N,) of the state after chunk `last`."""
        model = self.parameters.model
        self.work.D[: model.dim] = g
        self.total[:] = 0
        exponents = np.array([0, _NOTHING])
        for i in range(last, -1, -1):
            chunk = walk[i]
            pull_back_along(
                model.tag, model.pack, self.work, chunk.states.reshape(-1), chunk.inputs.reshape(-1),
                chunk.width, chunk.flow.astype(model.dtype), chunk.count, self.total, exponents,
            )  # fmt: skip
            if not self.work.D[: model.dim].any():
                break
        return self.total, max(int(exponents[1]), -(1 << 30))

    @property
    def state(self) -> np.ndarray:
        """Mantissa of the gradient of the state at the start."""
        return self.work.D[: self.parameters.model.dim]


def log_norm(matrix: np.ndarray, exponent: int) -> float:
    """ln of the spectral norm of a matrix (or length of a vector) times 2^exponent."""
    norm = float(np.linalg.norm(matrix.astype(np.float64), 2)) if matrix.size else 0.0
    return exponent * LN2 + math.log(norm) if norm > 0 else -math.inf
