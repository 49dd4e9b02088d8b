"""The safetensors format: a length of eight bytes, a table in JSON, and numbers."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidInputError
from .reading import reading
from .tensors import Tensors

_EXPECTED = "a safetensors file"
_LONGEST_TABLE = 100_000_000  # bytes, the format's own limit
_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


@dataclass(frozen=True)
class _Entry:
    """One tensor, not yet read: `at` is the byte of the file where it begins."""

    path: Path
    kind: str
    shape: tuple[int, ...]
    at: int
    size: int

    def load(self) -> np.ndarray:
        if self.kind not in _DTYPES:
            raise InvalidInputError(f"{self.path}: expected floats of 16, 32 or 64 bits, got {self.kind!r}")
        with reading(self.path, _EXPECTED), open(self.path, "rb") as file:
            file.seek(self.at)
            values = np.frombuffer(file.read(self.size), _DTYPES[self.kind]).reshape(self.shape)
            return bfloat16(values) if self.kind == "BF16" else values


def bfloat16(values: np.ndarray) -> np.ndarray:
    """Numbers of which the upper halves of float32 are given."""
    return (values.astype(np.uint32) << 16).view(np.float32)


def read_safetensors(path: Path) -> Tensors:
    """The tensors of a file by their names; the table is checked against the length of the file."""
    with reading(path, _EXPECTED), open(path, "rb") as file:
        total = path.stat().st_size
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(_LONGEST_TABLE, total - 8):
            raise ValueError(f"a table of {length} bytes in a file of {total}")
        table = json.loads(file.read(length).decode(), object_pairs_hook=_without_twins)
        if not isinstance(table, dict):
            raise ValueError("no table of tensors")
        table.pop("__metadata__", None)
        entries = {name: _entry(path, name, row, 8 + length) for name, row in table.items()}
        end = 8 + length
        for name, entry in sorted(entries.items(), key=lambda item: (item[1].at, item[1].size)):
            if entry.at != end:
                raise ValueError(f"{name} begins at byte {entry.at}, the one before it ends at {end}")
            end += entry.size
        if end != total:
            raise ValueError(f"tensors end at byte {end} of {total}")
    return Tensors(str(path), {name: entry.load for name, entry in entries.items()})


def _entry(path: Path, name: str, row: Any, start: int) -> _Entry:
    if not isinstance(row, Mapping):
        raise ValueError(f"{name}: no description of a tensor")
    kind, shape, (begin, end) = row["dtype"], row["shape"], row["data_offsets"]
    if len(shape) > 16 or not all(type(size) is int and 0 <= size < 1 << 60 for size in (begin, end, *shape)):
        raise ValueError(f"{name}: sizes that are none")
    if kind in _DTYPES and math.prod(shape) * np.dtype(_DTYPES[kind]).itemsize != end - begin:
        raise ValueError(f"{name}: {kind} of shape {tuple(shape)} in {end - begin} bytes")
    if end < begin:
        raise ValueError(f"{name}: ends before it begins")
    return _Entry(path, str(kind), tuple(shape), start + begin, end - begin)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name that stands twice")
    return found
