"""Named arrays of a file or a mapping, whatever framework they come from, made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError

_MOST_NAMES = 100_000
_DEEPEST = 32  # mappings inside mappings
_LONGEST_NAME = 1000  # characters
_LARGEST_EMPTY = 1_000_000  # sizes beside a size of 0, for which nothing has to be stored


@dataclass(frozen=True)
class Tensors:
    """Where arrays come from, and by their dotted names what makes them."""

    source: str
    loaders: Mapping[str, Callable[[], Any]]

    def __contains__(self, name: str) -> bool:
        return name in self.loaders

    def array(self, name: str, *dimensions: int) -> np.ndarray:
        """A copy as float32 (of narrower floats, too) or float64, of one of these numbers of dimensions.

        Raises InvalidInputError if it is missing, holds no finite floats, or has other dimensions.
        """
        label = f"{self.source}: {name}"
        if name not in self.loaders:
            raise InvalidInputError(f"{label}: expected this array beside the others, got none")
        raw = self.loaders[name]()
        dtype = {"float16": np.float32, "bfloat16": np.float32, "float32": np.float32, "float64": np.float64}
        if raw.dtype.name not in dtype:
            raise InvalidInputError(
                f"{label}: expected floating-point weights, got {raw.dtype.name}; take those from before "
                "quantisation"
            )
        if raw.ndim not in dimensions:
            wanted = " or ".join(str(number) for number in dimensions)
            raise InvalidInputError(f"{label}: expected {wanted} dimensions, got shape {raw.shape}")
        if raw.size == 0 and max(raw.shape) > _LARGEST_EMPTY:
            raise InvalidInputError(f"{label}: expected weights, got none in the shape {raw.shape}")
        return _check.array(np.array(raw, dtype[raw.dtype.name]), label)

    def optional(self, name: str, *dimensions: int) -> np.ndarray | None:
        """As `array`, or None where there is none."""
        return self.array(name, *dimensions) if name in self.loaders else None

    def renamed(self, new_name: Callable[[str], str]) -> Tensors:
        """The same arrays under other names."""
        return Tensors(self.source, {new_name(name): loader for name, loader in self.loaders.items()})


def from_mapping(tree: Any, source: str, load: Callable[[Any], Any] | None = None) -> Tensors:
    """The arrays of a mapping, also of mappings inside it: names are joined by dots.

    What has no shape, such as settings and counters of a checkpoint, is left out. `load` makes an array of a
    leaf; without it a leaf is the tensor of some framework.
    """
    load = load or host_array
    leaves: dict[str, Any] = {}
    waiting: list[tuple[str, Any, int]] = [("", tree, 0)]
    visited = 0
    while waiting:
        name, value, depth = waiting.pop()
        visited += 1
        if hasattr(value, "shape") and hasattr(value, "dtype"):
            leaves[name] = value
        elif isinstance(value, Mapping):
            # before names are made, which could be far longer than what they are made of
            if depth >= _DEEPEST or visited + len(waiting) + len(value) > _MOST_NAMES:
                raise InvalidInputError(
                    f"{source}: expected at most {_MOST_NAMES} names and {_DEEPEST} mappings inside one "
                    "another, got more; give the part that holds the network"
                )
            inside = [(_joined(name, key, source), inner, depth + 1) for key, inner in value.items()]
            waiting += reversed(inside)
    return Tensors(source, {name: _Loader(load, leaf, f"{source}: {name}") for name, leaf in leaves.items()})


def _joined(name: str, key: Any, source: str) -> str:
    key = str(key)
    if len(name) + len(key) > _LONGEST_NAME:
        raise InvalidInputError(
            f"{source}: expected names of at most {_LONGEST_NAME} characters, got a longer one; give the "
            "part that holds the network"
        )
    return f"{name}.{key}" if name else key


def host_array(tensor: Any) -> np.ndarray:
    """The numbers of a tensor of any framework, in main memory."""
    for method in ("detach", "cpu"):
        if callable(getattr(tensor, method, None)):
            tensor = getattr(tensor, method)()
    if str(tensor.dtype) == "torch.bfloat16":  # NumPy has no such type
        tensor = tensor.float()
    return np.asarray(tensor)


@dataclass(frozen=True)
class _Loader:
    load: Callable[[Any], Any]
    leaf: Any
    label: str

    def __call__(self) -> np.ndarray:
        try:
            return self.load(self.leaf)
        except (TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise InvalidInputError(f"{self.label}: expected a tensor of numbers, got {error}") from None
