"""What `Backpropagation` does on a GPU: data and parameters up, gradients down, once a call."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels import gpu_launch as gpu
from ..kernels.gpu_adjoint import Adjoint, DeviceBatch
from ..kernels.gpu_pack import DevicePack
from ..kernels.gpu_pieces import Places, Schedules, device_schedules, places_of
from ..kernels.packing import Packed

if TYPE_CHECKING:
    from .backpropagation import Call

_PARAMETERS = ("P", "F", "W", "WT", "H", "HT")
_SCHEDULES = 16  # remembered


class GpuEngine:
    """Calls of networks of one class and size, on batches of one shape.

    Parameters
    ----------
    tag, packed
        Of such a network.
    shape : tuple of int
        T, B, D.
    segment : int
        Steps whose activations are kept at once.
    """

    def __init__(self, tag: Any, packed: Packed, shape: tuple[int, int, int], segment: int):
        self.tag, self.sizes, self.shape = tag, packed.sizes, shape
        self.dtype = packed.P.dtype
        self.adjoint = Adjoint(tag, packed.sizes, self.dtype, packed.P.size, packed.F.size, shape[2], segment)
        self.schedules: dict[bytes, tuple[Places, Schedules]] = {}
        self.upload: _Upload | None = None

    def run(self, calls: list[Call], scale: float) -> list[tuple[float, tuple[np.ndarray, ...]]]:
        """(sum of squared errors, gradients GW, GH, GP, GF, GB, GM of `scale` / 2 times it) of each call."""
        groups: dict[bytes, list[int]] = {}
        for k, call in enumerate(calls):
            plan = call.plan
            key = b"-".join(a.tobytes() for a in (plan.slot, plan.width, plan.start, plan.length))
            groups.setdefault(key, []).append(k)
        found: list[Any] = [None] * len(calls)
        for key, members in groups.items():
            rows = self._together(key, [calls[k] for k in members], scale)
            for k, row in zip(members, rows, strict=True):
                at = self.adjoint.places
                parts = tuple(row[a:b] for a, b in itertools.pairwise(at[:7]))
                found[k] = float(row[at.losses :].sum(dtype=np.float64)), parts
        return found

    def _together(self, key: bytes, calls: list[Call], scale: float) -> np.ndarray:
        """A row of results for each of the calls, whose plans have the same pieces."""
        plans = [call.plan for call in calls]
        whole = b"-".join([key, *(a.tobytes() for plan in plans for a in (plan.keep, plan.flow))])
        if whole not in self.schedules:
            if len(self.schedules) == _SCHEDULES:
                self.schedules.clear()
            places = places_of(plans[0])
            self.schedules[whole] = places, device_schedules(places, plans)
        places, schedules = self.schedules[whole]
        sizes = _sizes_of(calls)
        if self.upload is None or not self.upload.takes(sizes):
            self.upload = None  # its memory is free before more is asked for
            self.upload = _Upload(sizes, self.dtype)
        arrays = self.upload.send(calls)
        pack = DevicePack(self.tag, self.sizes, len(calls), **{name: arrays[name] for name in _PARAMETERS})
        T, B, D = self.shape
        batch = DeviceBatch(
            arrays["X"], arrays["observed"], arrays["inputs"], arrays["readout"], arrays["encoder"],
            len(calls), T, B, D,
        )  # fmt: skip
        return self.adjoint.backpropagate(pack, batch, places, schedules, scale)


def _arrays(call: Call) -> dict[str, np.ndarray]:
    """Everything of a call that goes to the GPU."""
    parameters = {name: getattr(call.packed, name) for name in _PARAMETERS}
    data = {name: getattr(call, name) for name in ("readout", "encoder", "X", "inputs", "observed")}
    return parameters | data


def _sizes_of(calls: list[Call]) -> dict[str, int]:
    return {name: len(calls) * array.size for name, array in _arrays(calls[0]).items()}


class _Upload:
    """Memory on both sides, so that one transfer brings all arrays of all systems."""

    def __init__(self, sizes: dict[str, int], dtype: np.dtype):
        gpu.room_for(sum(sizes.values()) * dtype.itemsize, "parameters and data of a batch")
        self.sizes = sizes
        self.there, places = gpu.views(list(sizes.values()), dtype)
        self.slices = dict(zip(sizes, places, strict=True))
        self.here = np.zeros(self.there.size, dtype)
        self.views = {name: self.there[place] for name, place in self.slices.items()}

    def takes(self, sizes: dict[str, int]) -> bool:
        """True for arrays of the same sizes, with as many forced states or fewer."""
        fewer = sizes["observed"] <= self.sizes["observed"]
        return fewer and sizes == self.sizes | {"observed": sizes["observed"]}

    def send(self, calls: list[Call]) -> dict[str, Any]:
        """The arrays of all systems side by side, on the GPU."""
        for k, call in enumerate(calls):
            for name, array in _arrays(call).items():
                at = self.slices[name].start + k * array.size
                self.here[at : at + array.size] = array.reshape(-1)
        gpu.refill(self.there, self.here)
        return self.views
