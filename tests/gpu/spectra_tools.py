"""Runs of the same members on the CPU, one after the other, and by a design for the GPU."""

from __future__ import annotations

import numpy as np
from gpu_cells import small_cell

from chaoskit.dynamics.device_run import DeviceRun
from chaoskit.dynamics.ensemble import members_of
from chaoskit.dynamics.tangent_run import TangentRun

DESIGNS = ("registers", "shared", "block")


def batch_of(cell_class, n, n_inputs=0, count=3, dtype=np.float64):
    """Networks of one size, one a member."""
    cells = [small_cell(cell_class, n, n_inputs, seed, dtype) for seed in range(count)]
    return cell_class(*(np.stack(parts) for parts in zip(*cells, strict=True)))


class Runs:
    """Members of an ensemble, with what drives them, and the moves they make: (steps, steps a block)."""

    def __init__(self, cell, count=3, k=None, own_inputs=False, moves=((5, 3), (3, 3)), every=1, seed=5):
        rng = np.random.default_rng(seed)
        self.members, self.moves, self.every = members_of(cell, count), moves, every
        first = self.members[0]
        self.k = first.dim if k is None else k
        self.states = 0.3 * rng.standard_normal((count, first.dim)).astype(first.dtype)
        rows = count if own_inputs and first.n_inputs else 1
        steps = sum(steps for steps, _ in moves)
        self.driving = rng.standard_normal((steps, rows, first.n_inputs)).astype(first.dtype)

    def new_run(self):
        """A run on the GPU that has not moved yet."""
        run = DeviceRun(self.members, self.states, self.driving, self.k, 0)
        run.every[:] = self.every
        return run

    def on_gpu(self):
        """(logs, rows, spread) after all moves, and the run."""
        run = self.new_run()
        logs = np.concatenate([run.advance(*move) for move in self.moves], axis=1)
        return logs, run.V, run.spread, run

    def on_cpu(self):
        """(logs, rows, spread) after all moves."""
        frames = self.new_run().V
        found = [self._one_on_cpu(b, model, frames[b]) for b, model in enumerate(self.members)]
        return tuple(np.stack(part) for part in zip(*found, strict=True))

    def _one_on_cpu(self, b, model, rows):
        rng, own = np.random.default_rng(0), b if self.driving.shape[1] > 1 else 0
        run = TangentRun(model, self.states[b], self.k, 0, self.driving[:, own], rng)
        run.V[:], spread, logs = rows, np.zeros(1), []
        for steps, length in self.moves:
            whole, rest = divmod(steps, length)
            logs.append(run.products(whole, length, self.every, spread=spread))
            if rest:
                logs.append(run.products(1, rest, self.every, spread=spread))
        return np.concatenate(logs), run.V, spread[0]


def assert_same(runs, atol=1e-12):
    """The GPU does what the CPU does."""
    *found, run = runs.on_gpu()
    expected = runs.on_cpu()
    np.testing.assert_array_equal(np.isneginf(found[0]), np.isneginf(expected[0]))
    for part, true in zip(found[:2], expected[:2], strict=True):
        np.testing.assert_allclose(part, true, rtol=1e-9, atol=atol)
    alive = np.isfinite(found[0]).any(axis=2).all(axis=1)  # a member without directions has no spread
    np.testing.assert_allclose(found[2][alive], expected[2][alive], rtol=1e-9)
    assert not run.bad.any()


def force(monkeypatch, design):
    """Take this design whatever the size, with few threads and narrow panels."""
    from chaoskit.kernels import gpu_block, gpu_places, gpu_registers, gpu_spectrum

    monkeypatch.setattr(gpu_spectrum, "spectrum_design", lambda *args: design)
    monkeypatch.setattr(gpu_registers, "THREADS", 2)
    monkeypatch.setattr(gpu_places, "THREADS", 8)
    monkeypatch.setattr(gpu_block, "THREADS", (2, 2))
    monkeypatch.setattr(gpu_block, "PANEL", 2)


def possible(cell_class, design):
    """False for a hidden product in registers."""
    return design != "registers" or not hasattr(cell_class, "hidden_weights")
