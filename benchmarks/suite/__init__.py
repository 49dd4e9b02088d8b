"""The asv suite: kernels, spectra, backpropagation, estimators, searches, first calls.

``asv run`` (or ``asv run --python=same --quick``) in `benchmarks/`. Each `setup` makes the call once, which
compiles it or loads it from the cache.
"""

from __future__ import annotations

from chaoskit._device import DEVICES, checked_device
from chaoskit.errors import DeviceError

__all__ = ["DEVICES", "needs"]


def needs(device: str) -> None:
    """Skip what cannot be measured here."""
    try:
        checked_device(device)
    except DeviceError as error:
        raise NotImplementedError(str(error)) from None
