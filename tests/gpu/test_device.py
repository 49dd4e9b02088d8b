"""The device argument, and what stands between the package and numba.cuda."""

from __future__ import annotations

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


@pytest.mark.simulator
def test_too_little_memory(monkeypatch):
    """The error names both numbers."""
    from chaoskit.kernels import gpu_launch as gpu

    monkeypatch.setattr(gpu, "free_bytes", lambda: 1e9)
    gpu.room_for(0.9e9, "nothing much")
    with pytest.raises(DeviceError, match=r"1\.2e\+09 bytes on the GPU, of which 1e\+09 are free"):
        gpu.room_for(1.2e9, "an orbit")
