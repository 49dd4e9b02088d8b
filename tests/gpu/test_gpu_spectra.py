"""Tangents of ensembles on a GPU, in the simulator: every design and every cell does what the CPU does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gpu_cells import small_cell
from spectra_tools import DESIGNS, Runs, assert_same, batch_of, force, possible

from chaoskit.cells import ALL_CELLS, LSTM, PLRNN, Linear, ReLU, ShPLRNN, Tanh
from chaoskit.kernels import packing

pytestmark = pytest.mark.simulator


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)
def test_every_cell(cell_class, design, monkeypatch):
    """Own networks and inputs of their own; fewer tangents than states; an interval of two steps."""
    if not possible(cell_class, design):
        pytest.skip("a hidden product does not go into registers")
    force(monkeypatch, design)
    cell = batch_of(cell_class, 3, 1, count=2)
    assert_same(Runs(cell, 2, k=2, own_inputs=True, moves=((3, 2),), every=2), atol=1e-10)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("cell_class", [Tanh, LSTM, ShPLRNN], ids=lambda c: c.__name__)
def test_all_tangents_of_a_shared_network(cell_class, design, monkeypatch):
    """Three members in blocks of two: a spare one repeats the last; panels and tiles that are not full."""
    if not possible(cell_class, design):
        pytest.skip("a hidden product does not go into registers")
    force(monkeypatch, design)
    assert_same(Runs(small_cell(cell_class, 3, 2), 3, moves=((3, 2), (1, 1))))


@pytest.mark.parametrize("design", ["shared", "block"])
def test_more_rows_than_threads(design, monkeypatch):
    """Six tangents for four threads of a group, or for panels of two rows: rows are taken in pairs."""
    force(monkeypatch, design)
    assert_same(Runs(small_cell(Tanh, 6), 1, moves=((2, 2),)))


@pytest.mark.parametrize("design", ["registers", "shared"])
def test_members_together_take_the_shortest_interval(design, monkeypatch):
    """Threads that share a warp or a barrier stay together: intervals of 1, 3 and 2 are all 1."""
    force(monkeypatch, design)
    cell = batch_of(Tanh, 3, count=3)
    found = [Runs(cell, 3, moves=((4, 4),), every=every).on_gpu()[:3] for every in (1, [3, 1, 2])]
    together = slice(0, 2) if design == "shared" else slice(0, 3)  # two systems a block of the test
    for one, mixed in zip(*found, strict=True):
        np.testing.assert_array_equal(one[together], mixed[together])


@pytest.mark.parametrize("design", DESIGNS)
def test_chunks_do_not_matter(design, monkeypatch):
    """A run is the same, bit by bit, however many steps a launch takes; sums of logarithms to round-off."""
    from chaoskit.kernels import gpu_work

    force(monkeypatch, design)
    found = []
    for chunk in (1, 3, 512):
        monkeypatch.setattr(gpu_work, "CHUNK", chunk)
        runs = Runs(batch_of(Tanh, 3, count=2), 2, moves=((7, 5),), every=2)
        found.append(runs.on_gpu()[:3])
    for logs, rows, spread in found[1:]:
        np.testing.assert_allclose(logs, found[0][0], rtol=0, atol=1e-13)
        np.testing.assert_array_equal(rows, found[0][1])
        np.testing.assert_array_equal(spread, found[0][2])


@pytest.mark.parametrize("design", DESIGNS)
def test_dead_units(design, monkeypatch):
    """Directions that are wiped out: -inf for their member, and they stay zero; the others stay right."""
    force(monkeypatch, design)
    W, b = np.tile(0.5 * np.eye(3), (2, 1, 1)), np.ones((2, 3))
    b[0, 1:] = -9.0
    runs = Runs(ReLU(W, np.zeros((2, 3, 0)), b), 2, moves=((4, 2),))
    runs.states[:] = 2.0
    assert_same(runs)
    logs, rows, _, _ = runs.on_gpu()
    assert np.isneginf(logs[0, :, 1:]).all()
    assert not rows[0].reshape(4, 3)[2:].any()
    np.testing.assert_allclose(logs[1], 2 * math.log(0.5), atol=1e-12)


@pytest.mark.parametrize("design", DESIGNS)
def test_what_only_round_off_keeps_alive(design, monkeypatch):
    """A singular network maps a direction to round-off, entry by entry: -inf, as on the CPU."""
    force(monkeypatch, design)
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((2, 3, 2))
    network = Tanh((left @ right.T)[None], np.zeros((1, 3, 0)), np.zeros((1, 3)))
    runs = Runs(network, 1, moves=((4, 2),))
    assert_same(runs, atol=1e-9)
    assert np.isneginf(runs.on_gpu()[0][0, :, 2]).all()


@pytest.mark.filterwarnings("ignore:(overflow|invalid):RuntimeWarning")
@pytest.mark.parametrize("design", DESIGNS)
def test_norms_whose_squares_leave_the_range(design, monkeypatch):
    """float32: rows of 1e-25 and 1e25 have lengths, although their squares are 0 and infinite."""
    force(monkeypatch, design)
    factors = np.array([1e25, 1.0, 1e-25], np.float32)
    runs = Runs(Linear(np.diag(factors), np.zeros((3, 0), np.float32), np.zeros(3, np.float32)), 1)
    run = runs.new_run()
    run.V[:] = np.concatenate([np.zeros((1, 3)), np.eye(3)]).ravel()
    logs = run.advance(4, 2)
    np.testing.assert_allclose(logs[0], [2 * np.log(factors.astype(float))] * 2, rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore:(overflow|invalid):RuntimeWarning")
@pytest.mark.parametrize("design", DESIGNS)
def test_members_that_diverge(design, monkeypatch):
    """NaN, and the step at the end of the block where it was first seen; the others do not notice."""
    force(monkeypatch, design)
    A = np.full((3, 2), 0.5)
    A[1] = 1e60
    cell = PLRNN(A, np.zeros((3, 2, 2)), np.zeros((3, 2, 0)), np.ones((3, 2)))
    runs = Runs(cell, 3, moves=((14, 2), (2, 2)))
    runs.states[:] = 1.0
    logs, rows, _, run = runs.on_gpu()
    np.testing.assert_array_equal(run.bad, [0, 6, 0])
    assert np.isnan(logs[1]).all()
    np.testing.assert_allclose(logs[[0, 2]], 2 * math.log(0.5), atol=1e-12)
    assert np.isfinite(rows).all()


def test_rounds_of_what_fits(monkeypatch):
    """Where memory is short the members go one after the other; too little of it is one clear error."""
    from chaoskit.errors import DeviceError
    from chaoskit.kernels import gpu_launch

    runs = Runs(batch_of(Tanh, 3, 1), 3, own_inputs=True)
    logs = runs.on_gpu()[0]
    monkeypatch.setattr(gpu_launch, "free_bytes", lambda: 1000.0)
    assert runs.new_run()._round(2) == 1
    np.testing.assert_array_equal(runs.on_gpu()[0], logs)
    monkeypatch.setattr(gpu_launch, "free_bytes", lambda: 10.0)
    with pytest.raises(DeviceError, match="bytes on the GPU, of which 10 are free"):
        runs.on_gpu()


@pytest.mark.usefixtures("small_blocks")
def test_rounds_leave_room_for_scratch(monkeypatch):
    """Cells of many gates over the grid: what a run takes besides fits too."""
    from chaoskit.kernels import gpu_launch

    force(monkeypatch, "grid")
    runs = Runs(small_cell(LSTM, 3), 12, k=2, moves=((1, 1),))
    monkeypatch.setattr(gpu_launch, "free_bytes", lambda: 8_000.0)
    assert 1 < runs.new_run()._round(1) < 8
    assert np.isfinite(runs.on_gpu()[0]).all()  # no round is too large


def test_design_by_size():
    """Registers, shared memory, blocks: by units, tangents, precision and what a network takes."""
    from chaoskit.kernels.gpu_launch import SHARED_BYTES
    from chaoskit.kernels.gpu_places import bytes_for, groups_for, lanes_for, places
    from chaoskit.kernels.gpu_spectrum import spectrum_design

    def design(cell_class, n, itemsize=4, own=True, k=None):
        cell = small_cell(cell_class, n)
        tag, sizes = packing.tag(cell), packing.sizes_of(cell)
        return spectrum_design(tag, sizes, k or sizes.nx, own, itemsize)

    assert [design(Tanh, n) for n in (1, 4, 5, 32, 33)] == ["registers"] * 2 + ["shared"] * 2 + ["block"]
    assert [design(LSTM, n, 8) for n in (2, 3, 16, 32)] == ["registers", "shared", "shared", "block"]
    assert design(ShPLRNN, 3) == "shared"
    assert design(LSTM, 32) == "block"
    assert design(LSTM, 32, k=4, own=False) == "shared"
    for cell_class, n in ((Tanh, 5), (Tanh, 8), (Tanh, 16), (Tanh, 32), (LSTM, 16), (ShPLRNN, 8)):
        cell = small_cell(cell_class, n)
        sizes = packing.sizes_of(cell)
        at, lanes = places(packing.tag(cell), sizes, sizes.nx), lanes_for(sizes, sizes.nx)
        for members, own, itemsize in ((1, False, 4), (10**6, True, 4), (10**6, True, 8), (10**6, False, 8)):
            groups = groups_for(at, lanes, members, own, itemsize)
            assert groups >= 1
            assert bytes_for(at, groups, own, itemsize) <= SHARED_BYTES
            assert groups * lanes < 32 or groups * lanes % 32 == 0
