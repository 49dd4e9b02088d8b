"""All that the GPU kernels ask of numba.cuda from the outside: memory, transfers, launches.

Everything here is flat and contiguous. Nothing in this file runs before somebody asks for a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import cuda as _cuda

from .._jit import gpu_kernel
from ..errors import DeviceError

cuda: Any = _cuda  # its annotations do not know what is true inside a kernel
SHARED_BYTES = 48 * 1024  # of dynamic shared memory a block may have without asking the driver for more
_THREADS = 256
_SPARE = 0.05  # of the free memory stays free

for _settings in (getattr(cuda, "config", None), __import__("numba").config):
    if _settings is not None and hasattr(_settings, "CUDA_LOW_OCCUPANCY_WARNINGS"):
        _settings.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # a single small system is a legitimate launch


def free_bytes() -> float:
    """Free memory of the GPU."""
    context = cuda.current_context()
    waiting = getattr(getattr(context, "memory_manager", None), "deallocations", None)
    if waiting is not None:  # what nobody holds any more, and Numba has not yet given back
        waiting.clear()
    return float(context.get_memory_info()[0])


def room_for(needed: float, what: str) -> None:
    """Raise DeviceError if `needed` bytes do not fit into the free memory."""
    free = free_bytes()
    if needed > (1.0 - _SPARE) * free:
        raise _too_little(needed, free, what)


def _too_little(needed: float, free: float, what: str) -> DeviceError:
    return DeviceError(
        f"device: {what} needs {needed:.3g} bytes on the GPU, of which {free:.3g} are free; take fewer "
        'or smaller systems or shorter chunks, or device="cpu"'
    )


def _allocated(make: Callable[..., Any], size: int, *args: Any) -> Any:
    """`make(*args)`, an array of `size` bytes; others may have taken the memory, or left no piece so long."""
    try:
        return make(*args)
    except Exception as error:  # each driver binding has an error of its own
        if "OUT_OF_MEMORY" not in str(error):
            raise
        raise _too_little(size, free_bytes(), "an array") from error


def empty(size: int, dtype: Any) -> Any:
    """Device memory for `size` numbers, at least one."""
    size = max(1, int(size))
    return _allocated(cuda.device_array, size * np.dtype(dtype).itemsize, size, dtype)


def put(array: Any) -> Any:
    """A flat device copy of an array; an empty one becomes a single zero."""
    flat = np.ascontiguousarray(array).reshape(-1)
    flat = flat if flat.size else np.zeros(1, flat.dtype)
    return _allocated(cuda.to_device, flat.nbytes, flat)


def refill(array: Any, values: np.ndarray) -> None:
    """Copy a flat array of the host into a device array of the same size and dtype."""
    array.copy_to_device(values)


def views(sizes: Sequence[int], dtype: Any) -> tuple[Any, list[slice]]:
    """One piece of device memory for arrays of so many numbers, and where each of them lies.

    They begin on lines of the cache. One transfer brings them all.
    """
    line = 256 // np.dtype(dtype).itemsize
    places, at = [], 0
    for size in sizes:
        places.append(slice(at, at + max(1, int(size))))
        at = -(-places[-1].stop // line) * line
    return empty(at, dtype), places


def zeros(size: int, dtype: Any) -> Any:
    """Device memory filled with zeros."""
    out = empty(size, dtype)
    fill(out, 0)
    return out


def fetch(array: Any, shape: Sequence[int] | None = None) -> np.ndarray:
    """A host copy of a device array, as much of it as `shape` asks for."""
    flat = array.copy_to_host()
    return flat if shape is None else flat[: int(np.prod(shape))].reshape(tuple(shape))


def address(array: Any) -> int:
    """Where a device array begins in the memory of the GPU."""
    return int(array.__cuda_array_interface__["data"][0])


def launch(kernel: Any, grid: Any, block: Any, shared: int, *args: Any) -> None:
    """Start a kernel with `shared` bytes of dynamic shared memory."""
    kernel[grid, block, 0, shared](*args)


def fill(array: Any, value: float) -> None:
    """Set all numbers of a device array."""
    launch(_fill, blocks_for(array.size, _THREADS), _THREADS, 0, array, array.dtype.type(value))


def copy(source: Any, target: Any) -> None:
    """Copy a device array to another one of the same size."""
    launch(_copy, blocks_for(target.size, _THREADS), _THREADS, 0, source, target)


def blocks_for(count: int, threads: int) -> int:
    """Blocks of so many threads that give each of `count` items a thread."""
    return max(1, -(-int(count) // threads))


@gpu_kernel
def _fill(array, value):
    i = cuda.grid(1)
    if i < array.size:
        array[i] = value


@gpu_kernel
def _copy(source, target):
    i = cuda.grid(1)
    if i < target.size:
        target[i] = source[i]
