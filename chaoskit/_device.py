"""Which machine does the work: the CPU, or a GPU through numba.cuda; and arrays that live on the GPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DeviceError, InvalidInputError

DEVICES = ("cpu", "cuda")


def checked_device(device: Any) -> str:
    """ "cpu" or "cuda"; for "cuda" there is a GPU that can be used.

    Raises
    ------
    InvalidInputError
        For any other name.
    DeviceError
        If there is no GPU, no driver, or no compiler for it.
    """
    if not isinstance(device, str) or device not in DEVICES:
        raise InvalidInputError(f"device: expected one of {DEVICES}, got {device!r}")
    if device == "cuda":
        _require_gpu()
    return device


def _require_gpu() -> None:
    try:
        from numba import cuda

        usable = cuda.is_available()
        reason = "" if usable else str(cuda.cuda_error() or "no NVIDIA GPU was found")
    except Exception as error:  # a broken driver or toolkit raises anything
        usable, reason = False, f"{type(error).__name__}: {error}"
    if not usable:
        raise DeviceError(
            f'device: expected a CUDA GPU for device="cuda", but {" ".join(reason.split())[:300]}; install '
            'the extra "cuda" (pip install "chaoskit[cuda]") and an NVIDIA driver, or take device="cpu"'
        )


def is_device_array(value: Any) -> bool:
    """True for an array in the memory of a GPU: of Numba, CuPy, PyTorch, JAX."""
    if isinstance(value, (np.ndarray, np.generic, int, float, str, list, tuple)):
        return False
    try:
        interface = getattr(value, "__cuda_array_interface__", None)
    except Exception:  # PyTorch raises for tensors that have a gradient
        return False
    return interface is not None or getattr(type(value), "__cuda_ndarray__", False) is True


def to_host(value: Any) -> Any:
    """A copy of a device array in the memory of the CPU; anything else as it is.

    Raises TypeError for one that cannot be copied: with a mask, or reversed.
    """
    if not is_device_array(value):
        return value
    from numba import cuda

    try:
        if not hasattr(value, "copy_to_host"):
            value = cuda.as_cuda_array(value)
        return value.copy_to_host()
    except NotImplementedError as error:
        raise TypeError(
            f"an array on a GPU that cannot be copied ({error}); give a plain copy of it"
        ) from None


def beside(given: Any, array: np.ndarray) -> Any:
    """The array, as a Numba device array if `given` is in the memory of a GPU; an empty one as it is."""
    if not is_device_array(given) or array.size == 0:
        return array
    from numba import cuda

    return cuda.to_device(np.ascontiguousarray(array))
