"""Cell classes with compile-time sizes: what lets the compiler unroll and vectorise small cells.

A sized class inherits the rules of a cell and adds a tuple of integers; a kernel that asks `constants(tag)`
gets them as constants.
"""

from __future__ import annotations

import sys
import types as python_types
from typing import Any, NamedTuple

from .._jit import INLINE, class_digest, importable, overload
from .packing import Sizes

# Classes live in a module of their own under a name made of what they are, so that another process finds
# its kernels in the disk cache.
_REGISTRY = python_types.ModuleType(__name__ + "_classes", "Cell classes with compile-time sizes.")
sys.modules[_REGISTRY.__name__] = _REGISTRY


class Constants(NamedTuple):
    """Units n, features m, state width nx, gate width na, inputs, tangents k, lanes: members side by side."""

    n: int
    m: int
    nx: int
    na: int
    inputs: int
    k: int
    lanes: int


def sized_tag(cell_class: type, sizes: Sizes, k: int, lanes: int) -> Any:
    """Tag of the cell class with these sizes."""
    values = Constants(sizes.n, sizes.m, sizes.nx, sizes.na, sizes.inputs, k, lanes)
    digest = class_digest(cell_class)
    source = f"{cell_class.__module__}_{cell_class.__qualname__}_{digest[:12]}"
    name = "_".join([source.replace(".", "_"), *map(str, values)])
    cls = getattr(_REGISTRY, name, None)
    if cls is None or cls.__bases__[0] is not cell_class:
        cls = type(name, (cell_class,), {"constants": tuple(values), "source_digest": digest})
        cls.__module__ = _REGISTRY.__name__ if importable(cell_class) else cell_class.__module__
        setattr(_REGISTRY, name, cls)
    return cls(*range(len(cls._fields)))


def constants(tag):
    """The sizes of a sized tag, as constants for the compiler."""
    return Constants(*type(tag).constants)


@overload(constants, strict=False, jit_options=INLINE)
def _constants(tag):
    n, m, nx, na, inputs, k, lanes = tag.instance_class.constants
    return lambda tag: Constants(n, m, nx, na, inputs, k, lanes)
