"""`lyapunov_spectrum(device="cuda")`: in the simulator, compiled to PTX, and on a card."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from gpu_cells import small_cell
from spectra_tools import DESIGNS, batch_of, possible

from chaoskit import lyapunov_spectrum
from chaoskit.cells import ALL_CELLS, LSTM, PLRNN, ShPLRNN, Tanh
from chaoskit.errors import ChaoskitWarning, DivergenceError, InvalidInputError
from chaoskit.systems import Henon

SHORT = {"transient": 0, "tangent_transient": 0}


def random_tanh(n, count=None, gain=3.0, dtype=np.float64, seed=0):
    """Random networks x' = tanh(gain W x)."""
    rng = np.random.default_rng(seed)
    shape = (n, n) if count is None else (count, n, n)
    W = (gain / math.sqrt(n) * rng.standard_normal(shape)).astype(dtype)
    return Tanh(W, np.zeros((*shape[:-1], 0), dtype), np.zeros(shape[:-1], dtype))


# ---- in the simulator
@pytest.mark.simulator
def test_one_cell_is_the_run_on_the_cpu():
    """Same seed, same tangents; the result is that of a single run."""
    cell, x0 = small_cell(Tanh, 3), np.full(3, 0.2)
    found = lyapunov_spectrum(cell, x0, 12, qr_every=1, device="cuda", **SHORT)
    true = lyapunov_spectrum(cell, x0, 12, qr_every=1, **SHORT)
    np.testing.assert_allclose(found.exponents, true.exponents, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.history, true.history, rtol=0, atol=1e-10)
    assert found.exponents.shape == (3,)
    assert set(found.checks) == {"loss"}
    assert found.diverged_at is None


@pytest.mark.simulator
def test_an_ensemble_is_that_of_the_cpu():
    """Networks and inputs of their own, transients, intervals chosen: the same exponents."""
    cell = batch_of(Tanh, 3, 2, count=8)
    inputs = np.random.default_rng(0).standard_normal((8, 60, 2))
    options = {"inputs": inputs, "transient": 3, "tangent_transient": 4, "k": 2}
    found = lyapunov_spectrum(cell, np.full(3, 0.1), 30, device="cuda", **options)
    true = lyapunov_spectrum(cell, np.full(3, 0.1), 30, **options)
    np.testing.assert_allclose(found.exponents, true.exponents, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(found.diverged_at, np.zeros(8))
    assert found.history.shape == true.history.shape
    assert found.qr_every == true.qr_every


@pytest.mark.simulator
def test_rows_of_initial_states_share_a_network():
    """A batch of x0, inputs for all, on the device or not."""
    from chaoskit.kernels import gpu_launch

    cell, x0 = small_cell(Tanh, 3, 1), np.array([[0.1, 0.2, 0.0], [0.3, -0.1, 0.2]])
    inputs = np.random.default_rng(0).standard_normal((20, 1))
    there = gpu_launch.cuda.to_device(x0)
    found = lyapunov_spectrum(cell, there, 6, inputs=inputs, qr_every=2, device="cuda", **SHORT)
    for b in range(2):
        alone = lyapunov_spectrum(cell, x0[b], 6, inputs=inputs, qr_every=2, **SHORT)
        np.testing.assert_allclose(found.exponents[b].sum(), alone.exponents.sum(), rtol=0, atol=1e-10)


@pytest.mark.simulator
@pytest.mark.filterwarnings("ignore:(overflow|invalid):RuntimeWarning")
def test_divergence():
    """An error for one system, NaN and a warning for an ensemble."""
    A = np.array([[0.5, 0.5], [1e60, 0.5]])
    cell = PLRNN(A, np.zeros((2, 2, 2)), np.zeros((2, 2, 0)), np.ones((2, 2)))
    with pytest.warns(ChaoskitWarning, match="1 of 2 members") as record:
        result = lyapunov_spectrum(cell, np.ones(2), 8, qr_every=1, device="cuda", **SHORT)
    assert [w.filename for w in record if w.category is ChaoskitWarning] == [__file__]
    np.testing.assert_array_equal(result.diverged_at, [0, 6])
    assert np.isnan(result.exponents[1]).all()
    with pytest.raises(DivergenceError, match="by step 6"):
        lyapunov_spectrum(PLRNN(*(a[1] for a in cell)), np.ones(2), 8, qr_every=1, device="cuda", **SHORT)


@pytest.mark.simulator
def test_what_the_gpu_does_not_do():
    with pytest.raises(InvalidInputError, match=r"device: expected a cell.*Henon"):
        lyapunov_spectrum(Henon(), device="cuda")
    with pytest.raises(InvalidInputError, match="tolerance: expected none with device"):
        lyapunov_spectrum(small_cell(Tanh, 3), tolerance=0.1, device="cuda")
    with pytest.raises(InvalidInputError, match="device: expected one of"):
        lyapunov_spectrum(small_cell(Tanh, 3), device="gpu")


# ---- compiled for two architectures
def compile_spectrum(launches, monkeypatch, cell_class, design, dtype, own=False):
    """PTX of one design, and the arithmetic on float64 in it."""
    from chaoskit.kernels import gpu_spectrum

    monkeypatch.setattr(gpu_spectrum, "spectrum_design", lambda *args: design)
    cell = batch_of(cell_class, 2, 1, 2, dtype) if own else small_cell(cell_class, 2, 1, dtype=dtype)
    inputs = np.zeros((9, 1), dtype)
    lyapunov_spectrum(cell, None, 2, inputs=inputs, qr_every=1, device="cuda", **SHORT)
    name = {"registers": "register_kernel"}.get(design, f"{design}_kernel")
    assert name in launches.names()
    return launches.float64_instructions(name)


@pytest.mark.ptx
@pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)
def test_every_cell_compiles(cell_class, launches, monkeypatch):
    """One design a cell, in turn; in float32 kernels only logarithms and spreads add up in float64."""
    index = ALL_CELLS.index(cell_class)
    design = DESIGNS[index % 3] if possible(cell_class, DESIGNS[index % 3]) else "shared"
    adds = compile_spectrum(launches, monkeypatch, cell_class, design, np.float32)
    assert all(re.match(r"\s*add\.(rn\.)?f64", line) for line in adds), adds


@pytest.mark.ptx
@pytest.mark.parametrize("design", DESIGNS)
def test_every_design_compiles_in_float64(design, launches, monkeypatch):
    compile_spectrum(launches, monkeypatch, Tanh, design, np.float64)


@pytest.mark.slow
@pytest.mark.ptx
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)
def test_every_cell_compiles_in_every_design(cell_class, design, dtype, launches, monkeypatch):
    """The whole product of cells, designs and precisions."""
    if possible(cell_class, design):
        compile_spectrum(launches, monkeypatch, cell_class, design, dtype)


# ---- on a card
@pytest.mark.gpu
@pytest.mark.parametrize(
    ("cell_class", "n"), [(Tanh, 3), (Tanh, 16), (LSTM, 8), (ShPLRNN, 16), (Tanh, 32), (Tanh, 64), (LSTM, 64)]
)
def test_short_horizon_on_a_card(cell_class, n):
    """The exponents of twenty steps are those of the CPU."""
    rng = np.random.default_rng(0)
    cell = cell_class.init(n, rng=rng, **({"n_hidden": 2 * n} if cell_class is ShPLRNN else {}))
    x0 = 0.1 * rng.standard_normal(n * type(cell).layout.state)
    options = {"k": min(n, 16), "qr_every": 1, **SHORT}
    found = lyapunov_spectrum(cell, x0, 20, device="cuda", **options)
    true = lyapunov_spectrum(cell, x0, 20, **options)
    np.testing.assert_allclose(found.exponents, true.exponents, rtol=0, atol=1e-10)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 16, 32, 64, 128])
def test_statistics_on_a_card(n, dtype):
    """A long run of one random network agrees with the CPU within the errors of both."""
    cell = random_tanh(n, dtype=dtype)
    x0 = np.random.default_rng(1).standard_normal(n).astype(dtype)
    found = lyapunov_spectrum(cell, x0, 20_000, device="cuda")
    true = lyapunov_spectrum(random_tanh(n), x0.astype(float), 20_000)
    allowed = 5.0 * np.hypot(found.stderr, true.stderr) + 2e-3
    assert (np.abs(found.exponents - true.exponents) <= allowed).all()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "count"), [(3, 20_000), (8, 4_000), (16, 4_000), (32, 2_000), (64, 500)])
def test_thousands_of_members_on_a_card(n, count, dtype):
    """Contracting networks of their own: the exponents of each fixed point at 0."""
    rng = np.random.default_rng(0)
    W = np.linalg.qr(rng.standard_normal((count, n, n)))[0] * np.linspace(0.3, 0.9, count)[:, None, None]
    cell = Tanh(*(a.astype(dtype) for a in (W, np.zeros((count, n, 0)), np.zeros((count, n)))))
    result = lyapunov_spectrum(cell, np.full(n, 1e-3, dtype), 1500, transient=500, device="cuda")
    true = np.log(np.linspace(0.3, 0.9, count))[:, None] * np.ones(n)
    np.testing.assert_allclose(result.exponents, true, atol=1e-3 if dtype == np.float32 else 1e-5)
    assert not result.diverged_at.any()


@pytest.mark.gpu
def test_a_run_on_a_card_is_the_same_again():
    """No sum depends on the order in which threads arrive."""
    cell = random_tanh(16, 500, dtype=np.float32)
    first, second = (lyapunov_spectrum(cell, steps=2000, device="cuda") for _ in range(2))
    np.testing.assert_array_equal(first.exponents, second.exponents)
