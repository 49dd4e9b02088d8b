"""Files of PyTorch (.pt, .pth): an archive with a table of tensors and their raw numbers."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import ModelFileError
from .reading import member, reading
from .safetensors_file import bfloat16
from .tensors import Tensors, from_mapping
from .torch_pickle import StoredTensor, read_table

_EXPECTED = "a file written by torch.save"
_LARGEST_TABLE = 1 << 24  # bytes; a tensor takes some hundred


def read_torch(path: Path) -> Tensors:
    """The tensors of a file by their names; numbers are read when they are asked for."""
    with reading(path, _EXPECTED), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        root = next(name for name in names if _is_table(name)).removesuffix("data.pkl")
        if f"{root}constants.pkl" in names:
            raise ModelFileError(
                f"{path}: expected a state dict, got a TorchScript program; in PyTorch, save the weights "
                "alone: torch.save(model.state_dict(), path)"
            )
        size = path.stat().st_size
        table = read_table(_stored(archive, f"{root}data.pkl", size, _LARGEST_TABLE), str(path))
        # older files say nothing: they come from computers that are little-endian, as all but a few are
        order = _stored(archive, f"{root}byteorder", size, 16) if f"{root}byteorder" in names else b"little"
        if order not in (b"little", b"big"):
            raise ValueError(f"byte order {order!r}")
        return from_mapping(table, str(path), partial(_numbers, _Archive(path, root, order == b"big")))


def is_torch_archive(path: Path) -> bool:
    """Whether a zip archive has a table of tensors."""
    with reading(path, _EXPECTED), zipfile.ZipFile(path) as archive:
        return any(_is_table(name) for name in archive.namelist())


def _is_table(name: str) -> bool:
    return name.endswith("/data.pkl") and name.count("/") == 1


def _stored(archive: zipfile.ZipFile, name: str, size: int, most: int) -> bytes:
    """Bytes of a member that is not packed, of an archive of `size` bytes."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is packed, which torch.save never does")
    return member(archive, name, size, most)


@dataclass(frozen=True)
class _Archive:
    path: Path
    root: str
    big_endian: bool


def _numbers(archive: _Archive, tensor: StoredTensor) -> np.ndarray:
    """A tensor as a view of its storage."""
    half = tensor.dtype == "bfloat16"
    dtype = np.dtype("u2" if half else tensor.dtype).newbyteorder(">" if archive.big_endian else "<")
    with reading(archive.path, _EXPECTED), zipfile.ZipFile(archive.path) as file:
        name = f"{archive.root}data/{tensor.key}"
        content = _stored(file, name, archive.path.stat().st_size, tensor.stored * dtype.itemsize)
        stored = np.frombuffer(content, dtype)
        if stored.size != tensor.stored:
            raise ValueError(f"{name} holds {stored.size} numbers, the table says {tensor.stored}")
        # the table has been checked: every element lies inside the storage
        values = np.lib.stride_tricks.as_strided(
            stored[tensor.offset :], tensor.shape, [step * dtype.itemsize for step in tensor.strides]
        )
        return bfloat16(values) if half else values
