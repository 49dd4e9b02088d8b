"""Tangents of large networks over the grid of a GPU, against the kernels of the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from gpu_cells import small_cell

from chaoskit.cells import ALL_CELLS, PLRNN, ReLU, Tanh
from chaoskit.kernels import packing
from chaoskit.kernels.cpu_tangent import tangent_products

STEPS, BLOCK, T0 = 3, 2, 2


@pytest.fixture(autouse=True)
def _sizes(small_blocks):
    """Few threads in the simulator."""


def _case(cell_class, own, k=None, dtype=np.float64, n=3):
    """(cells, states and tangents (2, k + 1, nx), inputs (2, T, M)) of two members."""
    n_inputs = 2 if own and cell_class(*cell_class.init(n, 2, rng=0)) and _takes_inputs(cell_class) else 0
    cells = [small_cell(cell_class, n, n_inputs, seed, dtype) for seed in ((0, 1) if own else (0, 0))]
    nx = packing.sizes_of(cells[0]).nx
    k = nx if k is None else k
    rng = np.random.default_rng(7)
    V = np.concatenate([0.5 * rng.standard_normal((2, 1, nx)), np.tile(np.eye(nx)[:k], (2, 1, 1))], axis=1)
    return cells, V.astype(dtype), rng.standard_normal((2, T0 + STEPS, n_inputs)).astype(dtype)


def _takes_inputs(cell_class):
    return packing.sizes_of(cell_class.init(3, 2, rng=0)).inputs > 0


def _on_cpu(cells, V, U, every):
    """(V, logs) of the members, one after the other."""
    k, nx = V.shape[1] - 1, V.shape[2]
    ends, logs = [], []
    for cell, rows, u in zip(cells, V, U, strict=True):
        pack, tag = packing.pack(cell), packing.tag(cell)
        flat, log = rows.reshape(-1).copy(), np.zeros((-(-STEPS // BLOCK), k))
        for block, at in enumerate(range(0, STEPS, BLOCK)):
            count = min(BLOCK, STEPS - at)
            part = u[T0 + at : T0 + at + count].reshape(-1)
            tangent_products(
                tag, pack, packing.work_for(pack, k + 1, tag), flat, flat.copy(), part, T0 + at, k, 1, count,
                every, 0.0, 64, log[block : block + 1], np.zeros(1),
            )  # fmt: skip
        ends.append(flat.reshape(k + 1, nx))
        logs.append(log)
    return np.array(ends), np.array(logs)


def _on_grid(cells, V, U, every, shared_inputs=False):
    """(V, logs, spread, bad), with one network where the cells are one."""
    from chaoskit.kernels import gpu_launch as gpu
    from chaoskit.kernels.gpu_grid import grid_products
    from chaoskit.kernels.gpu_pack import device_pack

    members, k = len(V), V.shape[1] - 1
    packs = [packing.pack(cell) for cell in cells]
    same = all(np.array_equal(a, b) for a, b in zip(packs[0][1:], packs[-1][1:], strict=True))
    pack = device_pack(packing.tag(cells[0]), packs[:1] if same else packs)
    there, blocks = gpu.put(V), -(-STEPS // BLOCK)
    logs = gpu.zeros(members * blocks * k, np.float64)
    spread, bad = gpu.zeros(members, np.float64), gpu.zeros(members, np.int64)
    drives = U[:1] if shared_inputs else U
    grid_products(
        pack, there, k, members, gpu.put(drives), len(drives), T0, STEPS, BLOCK,
        np.array([every, every + 1]), logs, spread, bad,
    )  # fmt: skip
    return (
        gpu.fetch(there, V.shape), gpu.fetch(logs, (members, blocks, k)), gpu.fetch(spread, (members,)),
        gpu.fetch(bad, (members,)),
    )  # fmt: skip


@pytest.mark.simulator
@pytest.mark.parametrize("cell_class", ALL_CELLS)
@pytest.mark.parametrize("own", [False, True])
def test_every_cell(cell_class, own):
    """States, tangents and logarithms are those of the CPU; own networks are driven, each by its inputs."""
    cells, V, U = _case(cell_class, own, k=None if own else 2)
    expected, logs = _on_cpu(cells, V, U, 1 if own else 2)
    found, found_logs, spread, bad = _on_grid(cells, V, U, 1 if own else 2)
    np.testing.assert_allclose(found[:, 0], expected[:, 0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(found_logs, logs, rtol=0, atol=1e-10)
    for new, old in zip(found[:, 1:], expected[:, 1:], strict=True):
        np.testing.assert_allclose(np.abs(new @ old.T), np.abs(old @ old.T), rtol=0, atol=1e-9)
    assert not bad.any()
    left = np.isfinite(logs).any(axis=(1, 2))
    assert (spread == 0).all() if own else (spread[left] >= 1).all()


@pytest.mark.simulator
def test_shared_inputs():
    """One sequence of inputs drives all members."""
    cells, V, U = _case(Tanh, True)
    U[1] = U[0]
    each, together = _on_grid(cells, V, U, 1), _on_grid(cells, V, U, 1, shared_inputs=True)
    for a, b in zip(each, together, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.simulator
def test_dead_units():
    """What a dead unit wipes out has exponent -inf, and the other exponents are right."""
    cells, V, U = _case(ReLU, False)
    W, b = cells[0].W.copy(), cells[0].b.copy()
    W[1], b[1] = 0.0, -1.0
    b[[0, 2]] += 2.0
    cells = [cells[0]._replace(W=W, b=b)] * 2
    V[:, 0] = np.abs(V[:, 0])
    _, logs = _on_cpu(cells, V, U, 1)
    _, found, _, bad = _on_grid(cells, V, U, 1)
    assert np.isneginf(logs[:, 0]).any(axis=1).all()
    np.testing.assert_array_equal(np.isneginf(found), np.isneginf(logs))
    np.testing.assert_allclose(found[np.isfinite(logs)], logs[np.isfinite(logs)], rtol=0, atol=1e-10)
    assert not bad.any()


@pytest.mark.simulator
@pytest.mark.filterwarnings("ignore:.*encountered in scalar:RuntimeWarning")  # a GPU does not speak of it
def test_a_member_that_diverges():
    """It is noted at the end of its block, and leaves the other one alone."""
    cells, V, U = _case(PLRNN, True)
    _, logs = _on_cpu(cells[1:], V[1:], U[1:], 1)
    cells[0] = cells[0]._replace(A=np.full(3, 1e200))
    found, found_logs, _, bad = _on_grid(cells, V, U, 1)
    assert bad.tolist() == [T0 + BLOCK, 0]
    assert not found[0, 1:].any()
    np.testing.assert_allclose(found_logs[1], logs[0], rtol=0, atol=1e-10)


@pytest.mark.ptx
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiles(launches, dtype):
    """All kernels for all cells; in float32 only sums of logarithms and of spreads are float64."""
    for cell_class in ALL_CELLS:
        cells, V, U = _case(cell_class, True, dtype=dtype)
        _on_grid(cells, V, U, 2)
    assert {"_features", "_local_rows", "_add_logs", "_add_spread", "_find_lost"} <= launches.names()
    if dtype == np.float32:
        found = {name: launches.float64_instructions(name) for name in launches.names()}
        for name in ("_add_logs", "_add_spread"):
            one = found.pop(name)
            assert all("add" in line for line in one)
            assert len(one) == 2  # one for each architecture
        assert not any(found.values())


def _chaotic(n, members, dtype, seed=0):
    """Random tanh networks of gain 3, states on their attractors, and k random tangents."""
    cells = []
    for q in range(members):
        cell = Tanh.init(n, rng=seed + q)
        cells.append(cell._replace(W=3.0 * cell.W))
    return [Tanh(*(np.asarray(a, dtype) for a in cell)) for cell in cells]


@pytest.mark.gpu
@pytest.mark.parametrize(("dtype", "allowed"), [(np.float32, 1e-3), (np.float64, 1e-10)])
@pytest.mark.parametrize(("n", "k", "members"), [(256, 256, 3), (1024, 100, 1), (1024, 1024, 1)])
def test_real_sizes(dtype, allowed, n, k, members):
    """A few steps of random networks against the CPU, on tangents orthonormal to round-off."""
    cells = _chaotic(n, members, dtype)
    rng = np.random.default_rng(1)
    frames = np.linalg.qr(rng.standard_normal((members, n, k)))[0].transpose(0, 2, 1)
    V = np.concatenate([rng.uniform(-1, 1, (members, 1, n)), frames], axis=1).astype(dtype)
    U = np.zeros((members, T0 + STEPS, 0), dtype)
    _, logs = _on_cpu(cells, V, U, 1)
    V, found, _, bad = _on_grid(cells, V, U, 1)
    np.testing.assert_allclose(found, logs, rtol=0, atol=allowed * BLOCK)
    for rows in V[:, 1:].astype(np.float64):
        np.testing.assert_allclose(
            rows @ rows.T, np.eye(k), rtol=0, atol=min(allowed, 1e-12) if dtype == np.float64 else 2e-5
        )
    assert not bad.any()
