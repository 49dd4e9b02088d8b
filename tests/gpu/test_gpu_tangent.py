"""Jacobians and their products on a GPU, against those of the CPU and their plain products."""

from __future__ import annotations

import numpy as np
import pytest
from gpu_cells import small_cell

from chaoskit import dynamics, gradients
from chaoskit.cells import ALL_CELLS, PLRNN, Tanh
from chaoskit.dynamics.model import prepare
from chaoskit.dynamics.orbits import orbit_jacobians
from chaoskit.errors import DivergenceError, InvalidInputError
from chaoskit.forcing import Sparse
from chaoskit.kernels import packing
from chaoskit.systems import Henon

STEPS = 3


@pytest.fixture(autouse=True)
def _sizes(small_blocks):
    """Few threads in the simulator."""


def _cell(cell_class, dtype=np.float64):
    """A small cell, with inputs where it takes some."""
    takes = packing.sizes_of(cell_class.init(3, 2, rng=0)).inputs > 0
    return small_cell(cell_class, 3, 2 if takes else 0, dtype=dtype)


def _orbit(cell):
    """(model, states (STEPS, N), inputs (STEPS, M), Jacobians (STEPS, N, N)) of an orbit on the CPU."""
    model = prepare(cell)
    rng = np.random.default_rng(3)
    x, u = 0.5 * rng.standard_normal(model.dim), rng.standard_normal((STEPS, model.n_inputs))
    states, found = [], []
    for t in range(STEPS):
        states.append(x)
        J, x = orbit_jacobians(model, x, u[t : t + 1])
        found.append(J[0])
    return model, np.array(states), u, np.array(found)


def _tools(model, k):
    """(pack, work, memory of the rows, scratch)."""
    from chaoskit.kernels import gpu_launch as gpu
    from chaoskit.kernels.gpu_pack import device_pack
    from chaoskit.kernels.gpu_tangent import product_work

    pack = device_pack(model.tag, [model.pack])
    V = gpu.put(np.zeros((k + 1) * model.dim, model.dtype))
    return pack, product_work(pack, k, model.dtype), V, gpu.empty(V.size, model.dtype)


def _products(model, states, u, rows, forced=None):
    """(rows after the steps, exponent, broken) on the GPU; forced: (width, flow) along the given states."""
    from chaoskit.kernels import gpu_launch as gpu
    from chaoskit.kernels.gpu_tangent import products_along, scaled_products

    k, steps = len(rows), len(u)
    pack, work, _, W = _tools(model, k)
    V = gpu.put(np.concatenate([states[:1], rows]).astype(model.dtype))
    if forced is None:
        exponent, broken = scaled_products(pack, work, V, W, gpu.put(u), k, steps)
    else:
        width, flow = gpu.put(forced[0]), gpu.put(forced[1].astype(model.dtype))
        X = gpu.put(states)
        exponent, broken = products_along(pack, work, V, W, X, gpu.put(u), width, flow, k, steps)
    return gpu.fetch(V, (k + 1, model.dim))[1:], exponent, broken


def _jacobians(model, states, u):
    from chaoskit.kernels import gpu_launch as gpu
    from chaoskit.kernels.gpu_pack import device_pack
    from chaoskit.kernels.gpu_products import Products
    from chaoskit.kernels.gpu_sizes import CHOSEN
    from chaoskit.kernels.gpu_tangent import jacobians_at

    pack = device_pack(model.tag, [model.pack])
    shape = (len(states), model.dim, model.dim)
    out = gpu.empty(np.prod(shape), model.dtype)
    products = Products(model.dtype, "own", threads=CHOSEN.tile)
    jacobians_at(pack, products, gpu.put(states), gpu.put(u), len(states), out)
    return gpu.fetch(out, shape)


@pytest.mark.simulator
@pytest.mark.parametrize("cell_class", ALL_CELLS)
def test_every_cell(cell_class):
    """Jacobians, their product from the axes, and along a forced orbit from two rows."""
    model, states, u, J = _orbit(_cell(cell_class))
    np.testing.assert_allclose(_jacobians(model, states, u), J, rtol=0, atol=1e-13)
    rows, exponent, broken = _products(model, states, u, np.eye(model.dim))
    product = J[2] @ J[1] @ J[0]
    np.testing.assert_allclose(np.ldexp(rows.T, exponent), product, rtol=0, atol=1e-12)
    assert broken == -1
    assert 0.5 <= np.abs(rows).max() < 1.0 or not product.any()
    width, flow = np.array([0, 2, 1]), np.array([1.0, 0.25, 0.0])
    share = np.ones((STEPS, model.dim))
    share[1, :2], share[2, :1] = 0.25, 0.0
    expected = (J[2] * share[2]) @ (J[1] * share[1]) @ J[0]
    start = np.random.default_rng(4).standard_normal((2, model.dim))
    rows, exponent, broken = _products(model, states, u, start, (width, flow))
    np.testing.assert_allclose(np.ldexp(rows, exponent), start @ expected.T, rtol=0, atol=1e-12)
    assert broken == -1


@pytest.mark.simulator
@pytest.mark.filterwarnings("ignore:.*encountered in scalar:RuntimeWarning")  # a GPU does not speak of it
def test_the_step_that_breaks():
    """The first step after which the orbit is not finite, as on the CPU; tiny factors do not break."""
    cell = small_cell(PLRNN)
    for size, step in ((1e200, 2), (1e-150, None), (1e120, 3)):
        extreme = cell._replace(A=np.full(3, size), W=np.zeros((3, 3)))
        if step is not None:
            with pytest.raises(DivergenceError, match=f"by step {step}"):
                dynamics.jacobian_product(extreme, np.ones(3), 5, device="cuda")
            continue
        ours = dynamics.jacobian_product(extreme, np.ones(3), 5, device="cuda")
        np.testing.assert_allclose(ours.log_scale, 5 * np.log(size), rtol=1e-14)


@pytest.mark.simulator
def test_public_functions():
    """jacobian_product and gradient_growth give on a GPU what they give on a CPU."""
    cell = small_cell(Tanh, 3, 1)
    u = np.random.default_rng(5).standard_normal((9, 1))
    x0 = [0.1, -0.2, 0.3]
    for transient in (0, 2):
        ours = dynamics.jacobian_product(cell, x0, 6, inputs=u, transient=transient, device="cuda")
        theirs = dynamics.jacobian_product(cell, x0, 6, inputs=u, transient=transient)
        np.testing.assert_allclose(ours.mantissa, theirs.mantissa, rtol=0, atol=1e-13)
        np.testing.assert_allclose(ours.log_scale, theirs.log_scale, rtol=1e-13)
    series = np.random.default_rng(6).standard_normal((7, 2))
    ours, theirs = (
        gradients.gradient_growth(cell, steps=6, series=series, inputs=u, forcing=Sparse(3), device=device)
        for device in ("cuda", "cpu")
    )
    np.testing.assert_allclose(ours.log_state, theirs.log_state, rtol=1e-12)
    np.testing.assert_allclose(ours.log_loss, theirs.log_loss, rtol=1e-12)
    np.testing.assert_allclose(ours.exponent, theirs.exponent, rtol=1e-12)


@pytest.mark.simulator
def test_a_product_stays_where_the_state_was():
    """On the GPU the mantissa is there, and is what it is elsewhere."""
    from chaoskit._device import is_device_array
    from chaoskit.kernels import gpu_launch as gpu

    cell, x0 = small_cell(Tanh, 3), np.array([0.1, -0.2, 0.3])
    there = dynamics.jacobian_product(cell, gpu.put(x0), 4, device="cuda")
    here = dynamics.jacobian_product(cell, x0, 4, device="cuda")
    assert is_device_array(there.mantissa)
    assert not is_device_array(here.mantissa)
    np.testing.assert_array_equal(gpu.fetch(there.mantissa), here.mantissa)


@pytest.mark.simulator
def test_only_cells():
    """Maps and flows stay on the CPU, and are told so."""
    with pytest.raises(InvalidInputError, match=r"device: expected a cell.*got Henon"):
        dynamics.jacobian_product(Henon(), steps=3, device="cuda")
    with pytest.raises(InvalidInputError, match=r"device: expected a cell.*got Henon"):
        gradients.gradient_growth(Henon(), steps=3, device="cuda")
    with pytest.raises(InvalidInputError, match="device: expected one of"):
        dynamics.jacobian_product(Henon(), steps=3, device="gpu")


@pytest.mark.ptx
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiles(launches, dtype):
    """All kernels for all cells; in float32 without float64."""
    for cell_class in ALL_CELLS:
        model = prepare(_cell(cell_class, dtype))
        states, u = np.zeros((STEPS, model.dim), dtype), np.zeros((STEPS, model.n_inputs), dtype)
        _jacobians(model, states, u)
    _products(model, states, u, np.eye(model.dim), (np.zeros(STEPS, np.int64), np.zeros(STEPS)))
    names = {"_jacobian_entries", "_scaled_hidden", "_take_state", "_largest_entries", "_scale", "_copy"}
    assert names <= launches.names()
    if dtype == np.float32:
        assert not any(launches.float64_instructions(name) for name in launches.names())


@pytest.mark.gpu
@pytest.mark.parametrize("n", [200, 1024])
def test_real_sizes(n):
    """A product of the Jacobians of a random network, and how gradients grow along its orbit."""
    cell = Tanh.init(n, rng=1)
    cell = cell._replace(W=3.0 * cell.W)
    ours, theirs = (dynamics.jacobian_product(cell, steps=8, seed=2, device=d) for d in ("cuda", "cpu"))
    np.testing.assert_allclose(ours.mantissa, theirs.mantissa, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.log_scale, theirs.log_scale, rtol=1e-10)
    options = {"steps": 12, "parameters": "none", "seed": 2}
    ours, theirs = (gradients.gradient_growth(cell, **options, device=d) for d in ("cuda", "cpu"))
    np.testing.assert_allclose(ours.log_state, theirs.log_state, rtol=1e-9)
