"""Pieces in which the work on a GPU is done."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from . import gpu_launch as gpu

CHUNK = 512  # steps a launch: a launch costs some ten microseconds, and nothing else can run in between
_LONGEST = 2e10  # multiplications a block of threads may do in a launch


def chunks(steps: int, cost: float = 1.0) -> Iterator[tuple[int, int]]:
    """First and last + 1 step of each launch; `cost`: multiplications of a step in one block."""
    length = max(1, min(CHUNK, int(_LONGEST / cost)))
    for first in range(0, steps, length):
        yield first, min(first + length, steps)


def doubts_for(members: int, k: int, dtype: Any) -> Any:
    """How often each row of each member was found to be noise, one time after the other; none so far."""
    return gpu.zeros(members * k, dtype)


def one_after_another(*lengths: int) -> list[int]:
    """Beginnings of parts of these lengths, and the end."""
    return list(accumulate(lengths, initial=0))
