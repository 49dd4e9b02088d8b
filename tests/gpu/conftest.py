"""Kernels for GPUs, three ways: in the simulator, compiled to PTX without a GPU, and on a real one.

``NUMBA_ENABLE_CUDASIM=1 pytest tests/gpu`` runs the kernels in plain Python and compares with the CPU.
``pytest tests/gpu`` with the extra `cuda` compiles each launch that the package makes (mark `ptx`).
``pytest -m gpu tests/gpu`` needs a card.
"""

from __future__ import annotations

import os
import re
import types
from typing import ClassVar

import numpy as np
import pytest

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
ARCHITECTURES = ((8, 0), (9, 0))


def pytest_collection_modifyitems(items):
    """Skip what this process cannot show, and say what would."""
    for item in items:
        if item.get_closest_marker("simulator") and not SIMULATED:
            item.add_marker(pytest.mark.skip("needs NUMBA_ENABLE_CUDASIM=1"))
        if item.get_closest_marker("ptx") and (SIMULATED or not _has_compiler()):
            item.add_marker(pytest.mark.skip("needs the extra `cuda`, and no simulator"))
        if item.get_closest_marker("gpu") and (SIMULATED or not _has_gpu()):
            item.add_marker(pytest.mark.skip("needs an NVIDIA GPU"))


def _has_gpu() -> bool:
    from numba import cuda

    return cuda.is_available()


def _has_compiler() -> bool:
    try:
        import numba_cuda  # noqa: F401
    except ImportError:
        return False
    return True


class Launches:
    """Stands in for the GPU: memory is NumPy's, and a launch compiles its kernel for its very arguments."""

    known: ClassVar[dict[tuple, str]] = {}  # from test to test

    def __init__(self):
        self.ptx: dict[tuple, str] = {}

    def launch(self, kernel, grid, block, shared, *args):
        import numba.cuda.dispatcher as dispatcher
        from numba import cuda, typeof

        signature = tuple(typeof(a) for a in args)
        for cc in ARCHITECTURES:
            key = kernel, signature, cc
            if key not in self.known:
                dispatcher.get_current_device = lambda cc=cc: types.SimpleNamespace(compute_capability=cc)
                self.known[key] = cuda.compile_ptx(kernel.py_func, signature, cc=cc)[0]
            self.ptx[key] = self.known[key]

    def names(self) -> set[str]:
        """Kernels that were launched."""
        return {kernel.py_func.__name__ for kernel, *_ in self.ptx}

    def float64_instructions(self, name: str) -> list[str]:
        """Arithmetic on float64 in the PTX of a kernel; moves, loads and stores do not count."""
        found = []
        for (kernel, *_), text in self.ptx.items():
            if kernel.py_func.__name__ == name:
                found += re.findall(r"^\s*(?!ld|st|mov|selp|cvt)\w[\w.]*\.f64\b.*", text, re.M)
        return found


@pytest.fixture
def launches(monkeypatch):
    """Everything that the package launches is compiled for two architectures and not run."""
    from chaoskit import _device
    from chaoskit.kernels import gpu_launch

    record = Launches()
    monkeypatch.setattr(_device, "_require_gpu", lambda: None)
    monkeypatch.setattr(gpu_launch, "launch", record.launch)
    monkeypatch.setattr(gpu_launch, "empty", lambda size, dtype: np.zeros(max(1, int(size)), dtype))
    monkeypatch.setattr(gpu_launch, "put", lambda a: np.resize(np.asarray(a).ravel(), max(1, np.size(a))))
    monkeypatch.setattr(gpu_launch, "refill", lambda array, values: array.__setitem__(..., values))
    monkeypatch.setattr(
        gpu_launch, "fetch", lambda a, shape=None: a if shape is None else np.resize(a, tuple(shape))
    )
    monkeypatch.setattr(gpu_launch, "free_bytes", lambda: 1e11)
    return record


@pytest.fixture
def numpy_cublas(monkeypatch):
    """cuBLAS as NumPy does it, for the arrays of the simulator."""
    from numpy_blas import NumpyBlas

    from chaoskit.kernels import gpu_launch
    from chaoskit.kernels.gpu_cublas import Cublas

    monkeypatch.setattr(gpu_launch, "address", lambda array: array._ary.ctypes.data)
    return Cublas(NumpyBlas(), 0)


@pytest.fixture
def small_blocks(monkeypatch):
    """In the simulator, the launches over a whole GPU have few threads."""
    from chaoskit.kernels import gpu_sizes

    if SIMULATED:
        few = gpu_sizes.BlockSizes(
            tile=2, line=2, rows=2, panel=6, library_panel=6, side=2, threads=2, parts=3
        )
        monkeypatch.setattr(gpu_sizes, "CHOSEN", few)
