"""The same work again and again takes no more memory: nothing is kept that nobody can reach.

`pytest -m slow -vv tests/reliability/test_soak.py` repeats it two hundred times.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pytest

from chaoskit import (
    cells,
    estimate_lyapunov,
    evaluate,
    fit,
    gradient_growth,
    load,
    lyapunov_spectrum,
    simulate,
)
from chaoskit.forcing import Sparse
from chaoskit.systems import Henon

FEW = pytest.param(12, 4e6)
MANY = pytest.param(200, 16e6, marks=pytest.mark.slow)
SERIES = simulate(Henon(), [0.1, 0.1], 2000, transient=100)


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def work(seed, folder):
    """A training with its checkpoint, its file, spectra, gradients and an estimate."""
    file = folder / "run.npz"
    model = fit(
        SERIES, cell="plrnn", n_states=3, forcing=Sparse(5), sequence_length=20, batch_size=4, epochs=2,
        batches_per_epoch=4, seed=seed, checkpoint=file,
    )  # fmt: skip
    file.unlink()
    model.save(file)
    lyapunov_spectrum(load(file).cell, steps=1000)
    file.unlink()
    W = 1.5 * np.random.default_rng(seed).standard_normal((12, 12)) / np.sqrt(12)
    cell = cells.Tanh(W, np.zeros((12, 0)), np.zeros(12))
    lyapunov_spectrum(cell, steps=1000)
    gradient_growth(cell, steps=500, parameters="loss")
    estimate_lyapunov(SERIES[:1000, 0])
    evaluate(model, SERIES[:1000])


@pytest.mark.parametrize(("rounds", "allowed"), [FEW, MANY])
@pytest.mark.filterwarnings("ignore::chaoskit.ChaoskitWarning")
def test_memory_stays_where_it_is(rounds, allowed, tmp_path, measured):
    """From the end of the first quarter on, when kernels are loaded and pools of memory are filled."""
    sizes = []
    for seed in range(rounds):
        work(seed, tmp_path)
        gc.collect()
        sizes.append(resident())
    settled = max(sizes[: rounds // 4])
    measured("resident", f"{settled / 1e6:.1f} MB after a quarter, {sizes[-1] / 1e6:.1f} MB at the end")
    assert max(sizes) - settled <= allowed
