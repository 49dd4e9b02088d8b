"""Linear systems, Newton steps and fixed points on a GPU, against the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from gpu_cells import small_cell

from chaoskit.cells import LSTM, PLRNN, ShPLRNN, Tanh
from chaoskit.dynamics.model import prepare
from chaoskit.errors import InvalidInputError
from chaoskit.invariant_sets import cycles, fixed_points
from chaoskit.invariant_sets.newton import newton_steps
from chaoskit.invariant_sets.problem import ring_of
from chaoskit.systems import Henon


@pytest.fixture(autouse=True)
def _sizes(small_blocks):
    """Few threads in the simulator."""


def _solved(A, b):
    """(solutions (count, n), singular (count,)) with a gap between the sides."""
    from chaoskit.kernels import gpu_launch as gpu
    from chaoskit.kernels.gpu_solve import solve

    count, n = b.shape
    sides = np.concatenate([b, np.full((count, 2), 7.0, b.dtype)], axis=1)
    there, singular = gpu.put(sides), gpu.empty(count, np.int64)
    solve(gpu.put(A), there, n, count, singular, n + 2)
    found = gpu.fetch(there, sides.shape)
    assert np.all(found[:, n:] == 7.0)
    return found[:, :n], gpu.fetch(singular, (count,))


@pytest.mark.simulator
def test_linear_systems():
    """With pivots in every place, and singular ones told apart."""
    rng = np.random.default_rng(1)
    for n in (1, 4, 5):
        A, b = rng.standard_normal((5, n, n)), rng.standard_normal((5, n))
        A[1] = np.eye(n)[::-1] * (1.0 + np.arange(n))
        A[2] += 1e3 * np.eye(n)[rng.permutation(n)]
        A[3, :, 0] = 0.0
        A[4, 0, 0] = 0.0 if n > 1 else 2.0
        found, singular = _solved(A, b)
        assert singular.tolist() == [0, 0, 0, 1, 0]
        kept = singular == 0
        np.testing.assert_allclose(
            found[kept], np.linalg.solve(A[kept], b[kept][..., None])[..., 0], rtol=1e-11
        )


@pytest.mark.simulator
@pytest.mark.parametrize(("cell_class", "period"), [(Tanh, 1), (LSTM, 2), (ShPLRNN, 3)])
def test_newton_steps(cell_class, period):
    """Images, Jacobians and steps of rings, one of which leads to a singular system."""
    cell = small_cell(cell_class, 2, 1)
    model = prepare(cell)
    inputs = np.random.default_rng(2).standard_normal((period, 1))
    here = ring_of(cell, model, period, inputs)
    there = ring_of(cell, model, period, inputs, "cuda")
    rings = np.random.default_rng(3).standard_normal((3, period, model.dim))
    np.testing.assert_allclose(there.images(rings), here.images(rings), rtol=0, atol=1e-14)
    J = here.jacobians(rings)
    np.testing.assert_allclose(there.jacobians(rings), J, rtol=0, atol=1e-14)
    gaps = here.gaps(rings)
    np.testing.assert_allclose(there.newton_steps(rings, gaps), newton_steps(J, gaps), rtol=0, atol=1e-11)


@pytest.mark.simulator
def test_singular_systems():
    """The shortest step where a system has no single solution, as on the CPU."""
    cell = PLRNN(np.array([1.0, 0.5]), np.zeros((2, 2)), np.zeros((2, 0)), np.array([0.3, 0.1]))
    model = prepare(cell)
    rings = np.array([[[1.0, 2.0]], [[3.0, -1.0]]])
    for period in (1, 2):
        here, there = (ring_of(cell, model, period, None, device) for device in ("cpu", "cuda"))
        wide = np.repeat(rings, period, axis=1)
        gaps = here.gaps(wide)
        steps = there.newton_steps(wide, gaps)
        np.testing.assert_allclose(steps, newton_steps(here.jacobians(wide), gaps), rtol=0, atol=1e-13)


@pytest.mark.simulator
@pytest.mark.parametrize("period", [1, 2])
def test_same_points(period):
    """What is found from some starts is what the CPU finds from them."""
    cell = Tanh(3.0 * np.array([[0.2, -1.0], [1.0, 0.3]]), np.zeros((2, 0)), np.array([0.1, -0.1]))
    starts = np.random.default_rng(4).standard_normal((4, 2))
    ours, theirs = (cycles(cell, period, starts=starts, device=device) for device in ("cuda", "cpu"))
    np.testing.assert_allclose(ours.points, theirs.points, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.eigenvalues, theirs.eigenvalues, rtol=0, atol=1e-8)
    assert ours.completeness == theirs.completeness
    assert len(ours.points) > 0 or period == 2


@pytest.mark.simulator
def test_only_cells():
    """A map stays on the CPU, and is told so."""
    with pytest.raises(InvalidInputError, match=r"device: expected a cell.*got Henon"):
        fixed_points(Henon(), device="cuda")


@pytest.mark.ptx
def test_compiles(launches):
    """Elimination in both precisions; images, Jacobians and steps in that of searches."""
    for dtype in (np.float32, np.float64):
        _solved(np.zeros((2, 3, 3), dtype), np.zeros((2, 3), dtype))
        if dtype == np.float32:
            assert not launches.float64_instructions("_eliminate")
    there = ring_of(small_cell(Tanh), prepare(small_cell(Tanh)), 2, None, "cuda")
    rings = np.zeros((2, 2, 3))
    there.gaps(rings)
    there.newton_steps(rings, rings)
    assert {"_eliminate", "_identity_minus", "_jacobian_entries", "_local_rows"} <= launches.names()


@pytest.mark.gpu
def test_real_sizes():
    """Fixed points of a network of 100 units from many starts."""
    cell = Tanh.init(100, rng=1)
    cell = cell._replace(W=1.5 * cell.W)
    ours, theirs = (fixed_points(cell, starts=200, seed=3, device=device) for device in ("cuda", "cpu"))
    assert abs(len(ours.points) - len(theirs.points)) <= 2
    assert (ours.residuals <= 1e-8).all()
    A = np.random.default_rng(5).standard_normal((50, 300, 300))
    b = np.random.default_rng(6).standard_normal((50, 300))
    found, singular = _solved(A, b)
    assert not singular.any()
    np.testing.assert_allclose(found, np.linalg.solve(A, b[..., None])[..., 0], rtol=1e-6, atol=1e-8)
