"""How a matrix lies in the memory of a GPU."""

from __future__ import annotations

from typing import Any, NamedTuple


class Operand(NamedTuple):
    """A matrix (rows, columns) of each member of a batch: entry (i, j) of member b is
    array[at + b * stride + i * lead + j].

    stride = 0: all members share it. `transposed`: it enters a product transposed.
    """

    array: Any
    lead: int
    at: int = 0
    stride: int = 0
    transposed: bool = False
