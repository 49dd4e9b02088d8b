"""Cells small enough for the simulator."""

from __future__ import annotations

import inspect

import numpy as np


def small_cell(cell_class, n=3, n_inputs=0, seed=0, dtype=np.float64):
    """A cell of n units with all its parameters away from 0."""
    sizes = {"n_hidden": 5, "n_bases": 2, "n_relu": 2}
    takes = inspect.signature(cell_class.init).parameters
    options = {name: size for name, size in sizes.items() if name in takes}
    cell = cell_class.init(n, n_inputs, rng=seed, dtype=np.float64, **options)
    rng = np.random.default_rng(seed + 1)
    fixed = getattr(cell_class, "fixed", ())
    moved = [
        a if name in fixed else a + 0.1 * rng.standard_normal(np.shape(a))
        for name, a in cell._asdict().items()
    ]
    return cell_class(*(np.asarray(a, dtype) for a in moved))
