"""What is sent to those who compute: options of a point, and the large values that points have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .grid import Point

_LARGE = 1 << 14  # bytes from which a value is sent once, not once a point


class Task(NamedTuple):
    """A point to compute.

    Attributes
    ----------
    number : int
        Its place in the grid.
    options : dict
        Keywords that are sent with it.
    shared : dict of str
        Keywords whose value is one of the shared ones, by the key of that value.
    """

    number: int
    options: dict[str, Any]
    shared: dict[str, str]


def tasks_of(
    points: Sequence[tuple[int, Point]], more: Callable[[Point], dict[str, Any]]
) -> tuple[list[Task], dict[str, Any]]:
    """Tasks of numbered points, and the shared values by key.

    `more` gives further options of a point that are no part of what it computes.
    """
    keys: dict[int, str] = {}
    shared: dict[str, Any] = {}
    tasks = []
    for number, point in points:
        options, mine = more(point), {}
        for name, value in point.options.items():
            if _size(value) < _LARGE:
                options[name] = value
                continue
            key = keys.setdefault(id(value), f"{name} {len(keys)}")
            shared[key], mine[name] = value, key
        tasks.append(Task(number, options, mine))
    return tasks, shared


def _size(value: Any) -> int:
    """Bytes of an array, a table, or an object with arrays in it; 0 for anything else."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if hasattr(value, "columns") and hasattr(value, "to_numpy"):
        return _LARGE
    if isinstance(value, (list, tuple)):
        return 8 * len(value)
    held = getattr(value, "__dict__", None) or {}
    return sum(part.nbytes for part in held.values() if isinstance(part, np.ndarray))
