"""Orbits on a GPU against those of the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from gpu_cells import small_cell

from chaoskit import _device
from chaoskit.cells import ALL_CELLS, LSTM, PLRNN, Linear, ShPLRNN, Tanh
from chaoskit.dynamics import simulate
from chaoskit.errors import ChaoskitWarning, DivergenceError, InvalidInputError
from chaoskit.kernels.packing import sizes_of
from chaoskit.systems import Henon

STEPS = 6
cells = pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)
both = pytest.mark.parametrize("form", ["blocks", "grid"], indirect=True)
types = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


@pytest.fixture
def form(request, monkeypatch):
    """The form for small networks, or that for large ones at tiny sizes."""
    from chaoskit.kernels import gpu_forward

    if request.param == "grid":
        monkeypatch.setattr(gpu_forward, "MOST_WEIGHTS", 0)
        monkeypatch.setattr(gpu_forward, "_LINE", 8)
        products = gpu_forward.Products
        monkeypatch.setattr(gpu_forward, "Products", lambda dtype: products(dtype, "own", threads=2))
    else:
        monkeypatch.setattr(gpu_forward, "_STEPS", 4)
    return request.param


def drawn(cell, *shape, seed=2):
    """States (*shape, N) near 0."""
    return 0.3 * np.random.default_rng(seed).standard_normal((*shape, sizes_of(cell).nx))


def together(cells):
    """One batch of networks."""
    return type(cells[0])(*(np.stack(arrays) for arrays in zip(*cells, strict=True)))


@pytest.mark.simulator
@both
@cells
def test_rows_of_one_network(cell_class, form):
    """More rows than a group takes, inputs of their own, a transient."""
    cell = small_cell(cell_class, n_inputs=1)
    x0, U = drawn(cell, 5), np.random.default_rng(3).standard_normal((5, STEPS + 2, 1))
    wanted = simulate(cell, x0, STEPS, inputs=U, transient=2)
    np.testing.assert_allclose(
        simulate(cell, x0, STEPS, inputs=U, transient=2, device="cuda"), wanted, rtol=1e-12, atol=1e-12
    )


@pytest.mark.simulator
@both
@cells
def test_several_networks(cell_class, form):
    """A row for each network, inputs for all."""
    group = [small_cell(cell_class, n_inputs=2, seed=seed) for seed in range(3)]
    x0, U = drawn(group[0], 3), np.random.default_rng(3).standard_normal((STEPS, 2))
    cell = together(group)
    for start in (x0, x0[0]):
        wanted = simulate(cell, start, STEPS, inputs=U)
        np.testing.assert_allclose(
            simulate(cell, start, STEPS, inputs=U, device="cuda"), wanted, rtol=1e-12, atol=1e-12
        )


@pytest.mark.simulator
@both
def test_chunks(form, monkeypatch):
    """What the memory holds at once changes nothing."""
    from chaoskit.dynamics import gpu_orbits

    cell = small_cell(LSTM, n_inputs=1)
    x0, U = drawn(cell, 2), np.random.default_rng(3).standard_normal((9, 1))
    wanted = simulate(cell, x0, 7, inputs=U, transient=2, device="cuda")
    monkeypatch.setattr(gpu_orbits, "_CHUNK", 3 * x0.size)
    monkeypatch.setattr(gpu_orbits, "_SHARE", 1e-9)
    from chaoskit.kernels import gpu_launch

    monkeypatch.setattr(gpu_launch, "free_bytes", lambda: 4e10)
    np.testing.assert_array_equal(simulate(cell, x0, 7, inputs=U, transient=2, device="cuda"), wanted)


@pytest.mark.simulator
@both
def test_orbits_from_the_gpu_stay_there(form):
    from chaoskit.kernels import gpu_launch as gpu

    cell = small_cell(Tanh)
    for x0 in (drawn(cell, 2), drawn(cell)):
        there = gpu.put(x0).reshape(*x0.shape)
        found = simulate(cell, there, STEPS, transient=1, device="cuda")
        assert _device.is_device_array(found)
        wanted = simulate(cell, x0, STEPS, transient=1)
        np.testing.assert_allclose(found.copy_to_host(), wanted, rtol=1e-12, atol=1e-13)
        assert isinstance(simulate(cell, there, STEPS), np.ndarray)


@pytest.mark.simulator
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")  # NumPy's, of the simulator
@both
def test_rows_that_leave_the_finite_numbers(form):
    """The first step, NaN from there on, and the others as if nothing had been; also within the transient."""
    cell = Linear(np.diag([1e100, 1.0, 0.5]), np.zeros((3, 0)), np.zeros(3))
    x0 = np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1e250, 1.0, 1.0], [0.0, 2.0, 1.0], [1e-99, 0.0, 0.0]])
    for transient in (0, 2):
        with pytest.warns(ChaoskitWarning, match="3 of 5 orbits") as wanted_warning:
            wanted = simulate(cell, x0, STEPS, transient=transient)
        with pytest.warns(ChaoskitWarning, match="3 of 5 orbits") as warning:
            found = simulate(cell, x0, STEPS, transient=transient, device="cuda")
        np.testing.assert_array_equal(found, wanted)
        told, as_told = (
            [w for w in record if w.category is ChaoskitWarning] for record in (warning, wanted_warning)
        )
        assert told[0].message.diverged_at.tolist() == as_told[0].message.diverged_at.tolist()
        assert told[0].filename == __file__
    with pytest.raises(DivergenceError, match="at step 4") as error:
        simulate(cell, x0[1], STEPS, device="cuda")
    assert error.value.step == 4


@pytest.mark.usefixtures("launches")
def test_what_a_gpu_does_not_take():
    with pytest.raises(
        InvalidInputError, match=r'device: expected a cell .* got Henon; .* take device="cpu"'
    ):
        simulate(Henon(), [0.1, 0.1], 5, device="cuda")
    with pytest.raises(InvalidInputError, match="x0: expected 1 or 2 rows for 2 networks, got 3"):
        simulate(together([small_cell(Tanh)] * 2), np.zeros((3, 3)), 5, device="cuda")
    with pytest.raises(InvalidInputError, match="inputs: Tanh takes 1 inputs"):
        simulate(small_cell(Tanh, n_inputs=1), np.zeros(3), 5, device="cuda")


@pytest.mark.ptx
@types
@cells
def test_compiles(cell_class, dtype, launches, monkeypatch):
    """Both forms; no float64 arithmetic where the network is in float32."""
    from chaoskit.kernels import gpu_forward

    cell = small_cell(cell_class, n_inputs=1, dtype=dtype)
    simulate(cell, drawn(cell, 5), 3, inputs=np.zeros((3, 1)), device="cuda")
    monkeypatch.setattr(gpu_forward, "MOST_WEIGHTS", 0)
    simulate(cell, drawn(cell, 5), 3, inputs=np.zeros((3, 1)), device="cuda")
    wanted = {"_orbit_in_blocks", "_features", "_new_states", "_mark_bad", "_copy_rows"}
    assert wanted <= launches.names()
    if dtype is np.float32:
        assert [line for name in wanted for line in launches.float64_instructions(name)] == []


@pytest.mark.gpu
@types
@pytest.mark.parametrize("n", [3, 50, 200, 700])
@pytest.mark.parametrize("cell_class", [Tanh, PLRNN, LSTM, ShPLRNN], ids=lambda c: c.__name__)
def test_real_sizes(cell_class, n, dtype):
    """Ten steps of a thousand rows; later chaos would part the two."""
    cell = cell_class.init(n, 2, rng=0, dtype=dtype)
    rng = np.random.default_rng(1)
    x0 = (0.5 * rng.standard_normal((1001, sizes_of(cell).nx))).astype(dtype)
    U = rng.standard_normal((13, 2)).astype(dtype)
    wanted = simulate(cell, x0, 10, inputs=U, transient=3)
    found = simulate(cell, x0, 10, inputs=U, transient=3, device="cuda")
    tolerance = 1e-10 if dtype is np.float64 else 2e-3
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(simulate(cell, x0, 10, inputs=U, transient=3, device="cuda"), found)


@pytest.mark.gpu
def test_many_networks():
    """Ten thousand networks of three units, a row for each."""
    group = together([Tanh.init(3, rng=seed) for seed in range(10_000)])
    x0 = 0.5 * np.random.default_rng(1).standard_normal((10_000, 3))
    found = simulate(group, x0, 30, device="cuda")
    np.testing.assert_allclose(found, simulate(group, x0, 30), rtol=1e-10, atol=1e-10)
