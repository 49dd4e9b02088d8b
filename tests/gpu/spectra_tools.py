"""Runs of the same members on the CPU and by a design for the GPU."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from conftest import small_cell

from chaoskit.dynamics.ensemble import members_of
from chaoskit.dynamics.lane_run import LaneRun


def batch_of(cell_class, n, n_inputs=0, count=3, dtype=np.float64):
    """Networks of one size, one a member."""
    cells = [small_cell(cell_class, n, n_inputs, seed, dtype) for seed in range(count)]
    return cell_class(*(np.stack(parts) for parts in zip(*cells, strict=True)))


class Runs:
    """Members of an ensemble, with what drives them."""

    def __init__(self, cell, count=3, k=None, own_inputs=False, steps=40, seed=5):
        rng = np.random.default_rng(seed)
        self.members = members_of(cell, count)
        first = self.members[0]
        self.k = first.dim if k is None else k
        self.states = 0.3 * rng.standard_normal((count, first.dim)).astype(first.dtype)
        rows = count if own_inputs and first.n_inputs else 1
        self.driving = rng.standard_normal((steps, rows, first.n_inputs)).astype(first.dtype)

    def lanes(self):
        """A run on the CPU."""
        return LaneRun(self.members, self.states, self.driving, self.k, 0, ThreadPoolExecutor(1))

    def device(self):
        """A run on the GPU."""
        from chaoskit.dynamics.device_run import DeviceRun

        return DeviceRun(self.members, self.states, self.driving, self.k, 0)


def both(runs, every=(1, 2, 1), moves=((7, 3), (5, 5))):
    """(CPU, GPU): all that the runs know after these moves of (steps, steps a block)."""
    found = []
    for run in (runs.lanes(), runs.device()):
        run.every[:] = every[: len(run.every)]
        logs = [run.advance(*move) for move in moves]
        found.append((np.concatenate(logs, axis=1), run.V, run.spread, run.bad))
    return found


def force(monkeypatch, design):
    """Take this design whatever the size."""
    from chaoskit.kernels import gpu_spectrum

    monkeypatch.setattr(gpu_spectrum, "spectrum_design", lambda *args: design)
