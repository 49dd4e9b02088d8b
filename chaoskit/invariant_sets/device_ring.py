"""Images, Jacobians and Newton steps of many rings of states at once, on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dynamics.model import Model
from .newton import shortest_solutions

_SHARE = 0.25  # of the free memory that a piece of the rings may take
_MOST = 1 << 24  # numbers of the rings of a piece


class DeviceRing:
    """One cell on a GPU, with the inputs (period, M) of the places of a ring."""

    def __init__(self, model: Model, inputs: np.ndarray):
        from ..kernels import gpu_sizes
        from ..kernels.gpu_pack import device_pack
        from ..kernels.gpu_products import Products

        self.model, self.inputs = model, inputs
        self.pack = device_pack(model.tag, [model.pack])
        self.products = Products(model.dtype, threads=gpu_sizes.CHOSEN.tile)

    def numbers(self) -> int:
        """Numbers of the Jacobians of as many rings as fit into memory together."""
        from ..kernels import gpu_launch as gpu
        from ..kernels.gpu_tangent import jacobian_bytes

        k, N = len(self.inputs), self.model.dim
        one = jacobian_bytes(self.pack, k, 8) + 8 * (3 * N * N + 4 * k * N)
        gpu.room_for(one, f"the Jacobians of a ring of {k} states of {N} numbers")
        return max(1, int(min(_SHARE * gpu.free_bytes() / one, _MOST / (k * N)))) * k * N * N

    def images(self, rings: np.ndarray) -> np.ndarray:
        """F at each place of rings (n, k, N)."""
        from ..kernels import gpu_launch as gpu
        from ..kernels.gpu_steps import GridSteps

        states = rings.shape[0] * rings.shape[1]
        out = gpu.empty(rings.size, rings.dtype)
        steps = GridSteps(self.pack, states, 0, self.products)
        steps.step(gpu.put(rings), self._driving(len(rings)), 0, self.inputs.shape[1], out)
        return gpu.fetch(out, rings.shape)

    def jacobians(self, rings: np.ndarray) -> np.ndarray:
        """Derivatives (n, k, N, N) of F at each place."""
        from ..kernels import gpu_launch as gpu

        return gpu.fetch(self._jacobians(rings), (*rings.shape, rings.shape[2]))

    def _driving(self, count: int) -> Any:
        from ..kernels import gpu_launch as gpu

        return gpu.put(np.tile(self.inputs, (count, 1)))

    def _jacobians(self, rings: np.ndarray) -> Any:
        from ..kernels import gpu_launch as gpu
        from ..kernels.gpu_tangent import jacobians_at

        n, k, N = rings.shape
        out = gpu.empty(n * k * N * N, rings.dtype)
        jacobians_at(self.pack, self.products, gpu.put(rings), self._driving(n), n * k, out)
        return out

    def newton_steps(self, rings: np.ndarray, gaps: np.ndarray) -> np.ndarray:
        """As `newton.newton_steps` of the Jacobians at these rings, which never leave the GPU."""
        from ..kernels import gpu_launch as gpu
        from ..kernels.gpu_operand import Operand
        from ..kernels.gpu_solve import identity_minus, solve

        n, k, N = rings.shape
        J, carried = self._jacobians(rings), gpu.put(gaps)
        steps = gpu.put(np.roll(gaps, 1, axis=1))  # what step i starts from; at the first place the last gaps

        def factor(i: int) -> Operand:
            return Operand(J, N, i * N * N, k * N * N)

        def vector(array: Any, i: int) -> Operand:
            return Operand(array, 1, i * N, k * N)

        def add_image(i: int, v: Operand, out: Operand) -> None:
            self.products.multiply(N, 1, N, factor(i), v, out, beta=1.0, batch=n)

        product = factor(0)
        for i in range(1, k):
            add_image(i, vector(carried, i - 1), vector(steps, 0) if i == k - 1 else vector(carried, i))
            longer = Operand(gpu.empty(n * N * N, rings.dtype), N, 0, N * N)
            self.products.multiply(N, N, N, factor(i), product, longer, batch=n)
            product = longer
        left, right = gpu.empty(n * N * N, rings.dtype), gpu.empty(n * k * N, rings.dtype)
        singular = gpu.empty(n, np.int64)
        identity_minus(product, N, n, left)
        gpu.copy(steps, right)
        solve(left, steps, N, n, singular, stride=k * N)
        lost = np.flatnonzero(gpu.fetch(singular, (n,)))
        if lost.size:
            identity_minus(product, N, n, left)
            found, sides = gpu.fetch(steps, (n, k, N)), gpu.fetch(right, (n, k, N))
            found[lost, 0] = shortest_solutions(gpu.fetch(left, (n, N, N))[lost], sides[lost, 0])
            steps = gpu.put(found)
        for i in range(1, k):
            add_image(i - 1, vector(steps, i - 1), vector(steps, i))
        return gpu.fetch(steps, (n, k, N))
