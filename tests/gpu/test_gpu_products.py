"""Products on a GPU against NumPy: all ways an operand may lie, batches, sums in parts, the library's way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

LAYOUTS = list(itertools.product((False, True), (False, True)))


def _case(rng, m, n, k, batch, transposed, shared, dtype=np.float64):
    """(operands on the GPU, what they are): with offsets, wide rows, and gaps between members."""
    from chaoskit.kernels import gpu_launch as gpu
    from chaoskit.kernels.gpu_operand import Operand

    def one(rows, columns, flipped, count):
        shape = (columns, rows) if flipped else (rows, columns)
        lead, at = shape[1] + 2, 3
        stride = shape[0] * lead + 1
        flat = rng.standard_normal(at + count * stride).astype(dtype)
        whole = [
            flat[at + b * stride :][: shape[0] * lead].reshape(shape[0], lead)[:, : shape[1]]
            for b in range(count)
        ]
        whole = np.stack([part.T if flipped else part for part in whole])
        operand = Operand(gpu.put(flat), lead, at, stride if count > 1 else 0, flipped)
        return operand, np.broadcast_to(whole, (batch, *whole.shape[1:])), flat

    a, A, _ = one(m, k, transposed[0], batch)
    b, B, _ = one(k, n, transposed[1], 1 if shared else batch)
    c, C, flat = one(m, n, False, batch)
    return (a, b, c), (A, B, C), flat


def _found(c, flat, m, n, batch):
    """(C after the call, whether what lies between its entries is as before)."""
    from chaoskit.kernels import gpu_launch as gpu

    new = gpu.fetch(c.array)
    index = c.at + np.arange(batch)[:, None, None] * c.stride
    index = index + np.arange(m)[:, None] * c.lead + np.arange(n)
    untouched = np.ones(flat.size, bool)
    untouched[index.ravel()] = False
    return new[index], np.array_equal(new[untouched], flat[untouched])


@pytest.mark.simulator
@pytest.mark.parametrize("transposed", LAYOUTS)
@pytest.mark.parametrize(("batch", "shared"), [(1, False), (2, True), (2, False)])
@pytest.mark.parametrize("library", ["own", "cublas"])
def test_products(transposed, batch, shared, library, numpy_cublas):
    """C = alpha op(A) op(B) + beta C, where C is not read for beta = 0, and nothing else is written to."""
    from chaoskit.kernels.gpu_products import Products

    m, n, k = 5, 9, 7
    products = Products(np.float64, "own", threads=2, blocks=1)
    products.cublas = numpy_cublas if library == "cublas" else None
    for alpha, beta in ((1.0, 0.0), (-1.0, 1.0), (0.5, 2.0), (2.0, 0.0)):
        (a, b, c), (A, B, C), flat = _case(np.random.default_rng(1), m, n, k, batch, transposed, shared)
        expected = alpha * A @ B + (beta * C if beta else 0.0)
        if beta == 0.0:
            c.array[c.at : c.at + n] = np.nan  # is not read
        products.multiply(m, n, k, a, b, c, alpha=alpha, beta=beta, batch=batch)
        got, clean = _found(c, flat, m, n, batch)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-13)
        assert clean
    assert numpy_cublas.blas.calls == (4 if library == "cublas" else 0)


@pytest.mark.simulator
def test_the_library_is_checked_before_it_is_taken(numpy_cublas, monkeypatch):
    """One that multiplies otherwise is told from one that is right, and CuPy that fails warns."""
    from chaoskit.errors import ChaoskitWarning
    from chaoskit.kernels import gpu_cublas

    gpu_cublas.check(numpy_cublas)
    numpy_cublas.blas.dgemmStridedBatched = lambda *args: None
    with pytest.raises(ArithmeticError, match="wrong"):
        gpu_cublas.check(numpy_cublas)
    monkeypatch.setattr(gpu_cublas.importlib, "import_module", lambda name: np)  # it has no `cuda`
    gpu_cublas.cublas.cache_clear()
    with pytest.warns(ChaoskitWarning, match="AttributeError.*takes its own"):
        assert gpu_cublas.cublas() is None
    gpu_cublas.cublas.cache_clear()


@pytest.mark.simulator
def test_sums_in_parts():
    """A product of few results is split along its sums; C is not read where beta is 0."""
    from chaoskit.kernels.gpu_products import Products

    m, n, k, batch = 3, 5, 11, 2
    products = Products(np.float64, "own", threads=1, blocks=32, shortest=3)
    for transposed, beta in (((True, False), 0.0), ((False, True), 1.0)):
        (a, b, c), (A, B, C), flat = _case(np.random.default_rng(2), m, n, k, batch, transposed, False)
        if beta == 0.0:
            c.array[c.at : c.at + n] = np.nan
        products.multiply(m, n, k, a, b, c, alpha=-1.0, beta=beta, batch=batch)
        assert products.scratch.size == 3 * batch * m * n
        expected = -A @ B + (C if beta else 0.0)
        got, clean = _found(c, flat, m, n, batch)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-13)
        assert clean
    products.multiply(m, n, 0, a, b, c, beta=0.0, batch=batch)
    assert not _found(c, flat, m, n, batch)[0].any()


@pytest.mark.simulator
def test_many_members(monkeypatch):
    """More members than a grid has blocks along an axis."""
    from chaoskit.kernels import gpu_products

    monkeypatch.setattr(gpu_products, "_LARGEST_GRID", 4)
    products = gpu_products.Products(np.float64, "own", threads=1, blocks=1)
    (a, b, c), (A, B, _), flat = _case(np.random.default_rng(3), 2, 3, 3, 5, (False, False), False)
    products.multiply(2, 3, 3, a, b, c, batch=5)
    np.testing.assert_allclose(_found(c, flat, 2, 3, 5)[0], A @ B, rtol=0, atol=1e-14)


@pytest.mark.simulator
def test_row_sums():
    """Sums of rows, and of A' B over rows, in parts."""
    from chaoskit.kernels import gpu_launch as gpu
    from chaoskit.kernels.gpu_operand import Operand
    from chaoskit.kernels.gpu_products import Products

    rng = np.random.default_rng(4)
    rows, n, batch = 11, 5, 2
    products = Products(np.float64, "own", threads=1, shortest=3)
    A, B = rng.standard_normal((batch, rows, n)), rng.standard_normal((batch, rows, 3))
    a, b = Operand(gpu.put(A), n, stride=rows * n), Operand(gpu.put(B), 3, stride=rows * 3)
    out = gpu.put(np.ones(batch * n))
    products.column_sums(rows, n, a, Operand(out, n, stride=n), alpha=2.0, beta=1.0, batch=batch)
    np.testing.assert_allclose(gpu.fetch(out, (batch, n)), 2 * A.sum(axis=1) + 1, rtol=0, atol=1e-13)
    out = gpu.zeros(batch * n * 3, np.float64)
    products.outer_sums(n, 3, rows, a, b, Operand(out, 3, stride=3 * n), batch=batch)
    found = gpu.fetch(out, (batch, n, 3))
    np.testing.assert_allclose(found, A.transpose(0, 2, 1) @ B, rtol=0, atol=1e-13)


def test_choice_of_the_library():
    """Without CuPy, or without a GPU for it, the own kernels; a wish is obeyed."""
    from chaoskit.kernels.gpu_products import product_library

    assert product_library("own") == "own"
    assert product_library("cublas") == "cublas"
    assert product_library() in ("own", "cublas")


@pytest.mark.ptx
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiles(launches, dtype):
    """Tiles, parts and sums of rows, for all layouts of operands: the kernel is the same."""
    from chaoskit.kernels.gpu_products import Products

    products = Products(dtype, "own")
    for transposed in LAYOUTS:
        (a, b, c), _, _ = _case(np.random.default_rng(1), 5, 4, 600, 2, transposed, False, dtype)
        products.multiply(5, 4, 600, a, b, c, alpha=-1.0, beta=1.0, batch=2)
        products.multiply(5, 4, 60, a, b, c, batch=2)
    products.column_sums(5, 4, c, c, batch=2)
    assert launches.names() == {"tiles", "_sum_of_parts", "_column_sums"}
    if dtype == np.float32:
        assert not any(launches.float64_instructions(name) for name in launches.names())


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("library", ["own", "auto"])
@pytest.mark.parametrize("sizes", [(64, 64, 5000), (1000, 1000, 1000), (3, 2000, 70), (1, 1, 1)])
def test_real_sizes(dtype, library, sizes):
    """Against NumPy, in all layouts, and twice the same bits."""
    from chaoskit.kernels.gpu_products import Products

    m, n, k = sizes
    products = Products(dtype, library)
    for transposed, batch in itertools.product(LAYOUTS, (1, 3)):
        found = []
        for _ in range(2):
            (a, b, c), (A, B, C), flat = _case(
                np.random.default_rng(1), m, n, k, batch, transposed, True, dtype
            )
            expected = C.astype(float) - A.astype(float) @ B.astype(float)
            products.multiply(m, n, k, a, b, c, alpha=-1.0, beta=1.0, batch=batch)
            got, clean = _found(c, flat, m, n, batch)
            allowed = 4 * np.finfo(dtype).eps * (k + 10)
            np.testing.assert_allclose(got, expected, rtol=0, atol=allowed)
            assert clean
            found.append(got)
        np.testing.assert_array_equal(*found)
