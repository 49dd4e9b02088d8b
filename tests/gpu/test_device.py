"""The device argument, and what stands between the package and numba.cuda."""

from __future__ import annotations

import types
import typing

import numpy as np
import pytest

from chaoskit import _check, _device
from chaoskit.errors import DeviceError, InvalidInputError


def test_names_of_devices():
    """Anything but the two names is refused."""
    assert _device.checked_device("cpu") == "cpu"
    for name in ("gpu", None, 3, "CUDA", ["cpu"], np.array(["cpu", "cuda"])):
        with pytest.raises(InvalidInputError, match="device: expected one of"):
            _device.checked_device(name)


def test_no_gpu_is_one_clear_error(monkeypatch):
    """The reason and what to do; the traceback of a driver never comes out."""
    from numba import cuda

    monkeypatch.setattr(cuda, "is_available", lambda: False)
    monkeypatch.setattr(cuda, "cuda_error", lambda: "driver of the test\n is missing", raising=False)
    with pytest.raises(DeviceError, match=r"driver of the test is missing.*chaoskit\[cuda\]"):
        _device.checked_device("cuda")

    def broken():
        raise OSError("libcuda.so")

    monkeypatch.setattr(cuda, "is_available", broken)
    with pytest.raises(DeviceError, match=r"OSError: libcuda\.so"):
        _device.checked_device("cuda")


@pytest.mark.simulator
def test_memory():
    """Memory goes there and back, and arrays on the device are taken where arrays are."""
    from chaoskit.kernels import gpu_launch as gpu

    there = gpu.put(np.arange(6.0).reshape(2, 3))
    assert _device.is_device_array(there)
    np.testing.assert_array_equal(gpu.fetch(there, (2, 3)), np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(gpu.fetch(gpu.zeros(5, np.float32)), np.zeros(5, np.float32))
    np.testing.assert_array_equal(_check.array(there, "x"), np.arange(6.0))
    assert gpu.put(np.zeros(0)).size == 1


def test_an_array_that_cannot_be_copied():
    """Numba copies neither masks nor arrays that are reversed."""

    class Reversed:
        __cuda_array_interface__: typing.ClassVar = {"shape": (3,), "strides": (-8,), "typestr": "<f8"}

        def copy_to_host(self):
            raise NotImplementedError("negative strides")

    with pytest.raises(InvalidInputError, match=r"x0: .* cannot be copied \(negative strides\)"):
        _check.array(Reversed(), "x0")


@pytest.mark.simulator
def test_memory_that_others_have_taken(monkeypatch):
    """What the driver says of it becomes the same error; anything else that it says comes out."""
    from chaoskit.kernels import gpu_launch as gpu

    def refuse(*args):
        raise RuntimeError(f"[2] Call to cuMemAlloc results in CUDA_ERROR_{reason}")

    monkeypatch.setattr(gpu, "free_bytes", lambda: 5.0)
    monkeypatch.setattr(gpu, "cuda", types.SimpleNamespace(device_array=refuse, to_device=refuse))
    reason = "OUT_OF_MEMORY"
    for ask in (lambda: gpu.empty(3, np.float64), lambda: gpu.put(np.zeros(3))):
        with pytest.raises(DeviceError, match="an array needs 24 bytes on the GPU, of which 5 are free"):
            ask()
    reason = "ILLEGAL_ADDRESS"
    with pytest.raises(RuntimeError, match="ILLEGAL"):
        gpu.empty(3, np.float64)


@pytest.mark.simulator
def test_too_little_memory(monkeypatch):
    """The error names both numbers."""
    from chaoskit.kernels import gpu_launch as gpu

    monkeypatch.setattr(gpu, "free_bytes", lambda: 1e9)
    gpu.room_for(0.9e9, "nothing much")
    with pytest.raises(DeviceError, match=r"1\.2e\+09 bytes on the GPU, of which 1e\+09 are free"):
        gpu.room_for(1.2e9, "an orbit")
