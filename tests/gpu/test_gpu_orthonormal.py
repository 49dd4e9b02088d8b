"""Blocked Gram-Schmidt on a GPU against the triangle that NumPy finds, and against that of the CPU."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _sizes(small_blocks):
    """Few threads in the simulator."""


def _orthonormal(rows, panel=64, cublas=None):
    """(orthonormal rows, norms) of rows (members, k, nx), as the kernels leave them."""
    from chaoskit.kernels import gpu_launch as gpu
    from chaoskit.kernels import gpu_sizes
    from chaoskit.kernels.gpu_orthonormal import Orthonormal
    from chaoskit.kernels.gpu_products import Products

    members, k, nx = rows.shape
    products = Products(rows.dtype, "own", threads=gpu_sizes.CHOSEN.tile)
    if cublas is not None:
        products.cublas, products.library = cublas, "cublas"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu_sizes, "CHOSEN", gpu_sizes.CHOSEN._replace(panel=panel, library_panel=panel))
        tool = Orthonormal(products, members, k, nx)
    room = np.zeros((members, k + 1, nx), rows.dtype)
    room[:, 0], room[:, 1:] = 7.0, rows  # a state before the rows of each member
    V = gpu.put(room)
    tool(V, nx, (k + 1) * nx)
    found = gpu.fetch(V, room.shape)
    assert np.all(found[:, 0] == 7.0)
    return found[:, 1:], gpu.fetch(tool.norms, (members, k))


def _lengths(rows):
    """Diagonal of the triangle of rows (k, nx)."""
    return np.abs(np.diag(np.linalg.qr(rows.T)[1]))


@pytest.mark.simulator
@pytest.mark.parametrize("panel", [2, 5])
def test_rows_of_some_members(panel):
    """The rows span what they did, one after the other, and the norms are the diagonal of the triangle."""
    rows = np.random.default_rng(1).standard_normal((2, 5, 6)) * [[[1e-9], [1.0], [1e7], [3.0], [1e-3]]]
    Q, norms = _orthonormal(rows, panel)
    for one, q, norm in zip(rows, Q, norms, strict=True):
        np.testing.assert_allclose(q @ q.T, np.eye(5), rtol=0, atol=1e-14)
        np.testing.assert_allclose(norm, _lengths(one), rtol=1e-13)
        triangle = one @ q.T
        np.testing.assert_allclose(np.diag(triangle), norm, rtol=1e-13)
        assert np.all(np.abs(np.triu(triangle, 1)) <= 1e-15 * np.abs(one).max(axis=1)[:, None] * 5)


@pytest.mark.simulator
def test_products_of_a_library(numpy_cublas):
    """NumPy in the place of cuBLAS: the same rows and norms to round-off."""
    rows = np.random.default_rng(7).standard_normal((2, 5, 6))
    rows[1, 3] = rows[1, 0] + 1e-7 * rows[1, 3]
    for ours, theirs in zip(_orthonormal(rows, 2), _orthonormal(rows, 2, numpy_cublas), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-8)


@pytest.mark.simulator
@pytest.mark.parametrize("spread", [1e-3, 1e-8])
def test_nearly_parallel_rows(spread):
    """Gram matrices lose them; the rows are then treated one by one, and stay orthonormal to round-off."""
    rng = np.random.default_rng(2)
    rows = np.ones((2, 5, 6)) + spread * rng.standard_normal((2, 5, 6))
    rows[1] = rng.standard_normal((5, 6))  # a member that needs no care beside one that does
    Q, norms = _orthonormal(rows, 3)
    for one, q, norm in zip(rows, Q, norms, strict=True):
        np.testing.assert_allclose(q @ q.T, np.eye(5), rtol=0, atol=1e-13)
        np.testing.assert_allclose(norm, _lengths(one), rtol=1e-14 / spread)


@pytest.mark.simulator
@pytest.mark.parametrize("panel", [2, 4])
def test_directions_wiped_out(panel):
    """A row that depends on those before it, and a row of zeros, become zero with norm 0, and stay so."""
    rows = np.random.default_rng(3).standard_normal((2, 4, 5))
    rows[0, 1] = 2.0 * rows[0, 0]
    rows[0, 3] = rows[0, 0] - rows[0, 2]
    rows[1, 2] = 0.0
    Q, norms = _orthonormal(rows, panel)
    np.testing.assert_array_equal(norms == 0, [[0, 1, 0, 1], [0, 0, 1, 0]])
    assert not Q[norms == 0].any()
    for q, norm in zip(Q, norms, strict=True):
        np.testing.assert_allclose(q @ q.T, np.diag(norm > 0).astype(float), rtol=0, atol=1e-14)
    if panel == 2:
        again, norms_again = _orthonormal(Q, panel)
        np.testing.assert_allclose(again, Q, rtol=0, atol=1e-15)
        np.testing.assert_array_equal(norms_again == 0, norms == 0)


@pytest.mark.simulator
@pytest.mark.filterwarnings("ignore:.*encountered in scalar:RuntimeWarning")  # a GPU does not speak of it
@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_rows_whose_squares_leave_the_range(size):
    """Norms are right where sums of squares are not."""
    rows = np.random.default_rng(4).standard_normal((1, 3, 4))
    rows[0, 1] *= size
    Q, norms = _orthonormal(rows, 2)
    np.testing.assert_allclose(Q[0] @ Q[0].T, np.eye(3), rtol=0, atol=1e-14)
    scaled = rows[0] / [[1.0], [size], [1.0]]
    np.testing.assert_allclose(norms[0] / [1.0, size, 1.0], _lengths(scaled), rtol=1e-13)


@pytest.mark.simulator
def test_a_member_that_is_lost():
    """NaN stays with the member that has it."""
    rows = np.random.default_rng(5).standard_normal((2, 3, 4))
    sound = _orthonormal(rows[1:], 2)
    rows[0, 1, 2] = np.nan
    Q, norms = _orthonormal(rows, 2)
    assert np.isnan(norms[0]).any()
    np.testing.assert_array_equal(Q[1], sound[0][0])
    np.testing.assert_array_equal(norms[1], sound[1][0])


@pytest.mark.ptx
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiles(launches, dtype):
    """All kernels, and float32 without float64."""
    _orthonormal(np.zeros((2, 70, 80), dtype))
    assert launches.names() == {"tiles", "_row_norms", "_factor", "_careful", "_fill"}
    if dtype == np.float32:
        assert not any(launches.float64_instructions(name) for name in launches.names())


@pytest.mark.gpu
@pytest.mark.parametrize(("dtype", "allowed"), [(np.float32, 2e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize("shape", [(1, 1024, 1024), (3, 200, 256), (1, 100, 4096)])
def test_real_sizes(dtype, allowed, shape):
    """Orthonormal to round-off, with the lengths that NumPy finds; graded and nearly parallel rows too."""
    rng = np.random.default_rng(6)
    rows = rng.standard_normal(shape) * rng.uniform(1e-3, 1e3, (*shape[:2], 1))
    rows[0, 10] = rows[0, 3] + 1e-5 * rows[0, 10]
    rows = rows.astype(dtype)
    Q, norms = _orthonormal(rows)
    for one, q, norm in zip(rows, Q.astype(np.float64), norms, strict=True):
        np.testing.assert_allclose(q @ q.T, np.eye(len(q)), rtol=0, atol=allowed)
        np.testing.assert_allclose(norm, _lengths(one.astype(np.float64)), rtol=1e4 * allowed)
