"""Where weights come from: a mapping, a module with one, or a file, known by its first bytes."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._files import real_path
from ..errors import InvalidInputError, ModelFileError
from .hdf5_file import is_keras_archive
from .numpy_file import read_npz
from .reading import reading
from .safetensors_file import read_safetensors
from .tensors import Tensors, from_mapping
from .torch_file import is_torch_archive, read_torch

_HDF5 = b"\x89HDF\r\n\x1a\n"


def is_path(source: Any) -> bool:
    """Whether this is the name of a file."""
    return isinstance(source, (str, os.PathLike))


def is_keras_file(path: Path) -> bool:
    """Whether this file is one of Keras 3."""
    return _beginning(path).startswith(_HDF5) or (_is_zip(path) and is_keras_archive(path))


def named_tensors(source: Any, what: str) -> Tensors:
    """The arrays of a mapping, of a module (its `state_dict()`), or of a file by their names.

    Raises InvalidInputError for anything else, ModelFileError for files that are unknown or damaged.
    """
    if is_path(source):
        return _file(real_path(source))
    if callable(getattr(source, "state_dict", None)):
        source = source.state_dict()
    if not isinstance(source, Mapping):
        raise InvalidInputError(
            f"{what}: expected a file name or a mapping of names to arrays, got {type(source).__name__}"
        )
    return from_mapping(source, what)


def _file(path: Path) -> Tensors:
    beginning = _beginning(path)
    if is_keras_file(path):
        raise ModelFileError(f"{path}: expected arrays by name, got a file of Keras; use `from_keras`")
    if _is_zip(path):
        return read_torch(path) if is_torch_archive(path) else read_npz(path)
    # before the pickles: the length of a table, with which these files begin, may look like one
    if path.suffix == ".safetensors" or beginning[8:] == b"{":
        return read_safetensors(path)
    if beginning[:2] == b"\x80\x02":
        raise ModelFileError(
            f"{path}: expected a PyTorch file in the form of version 1.6 or later, got an older one, which "
            "is a program; in PyTorch, load it and save it anew: torch.save(state_dict, path)"
        )
    if beginning[:1] == b"\x80":
        raise ModelFileError(
            f"{path}: expected arrays by name, got a pickle, which is not loaded; save arrays with "
            "numpy.savez(path, **arrays)"
        )
    if beginning[:2] == b"PK":
        raise ModelFileError(f"{path}: expected a whole archive (.pt or .npz), got one that is cut off")
    raise ModelFileError(
        f"{path}: expected a .pt, .safetensors or .npz file, got something else; save arrays with "
        "numpy.savez(path, **arrays)"
    )


def _beginning(path: Path) -> bytes:
    with reading(path, "a file"), open(path, "rb") as file:
        return file.read(9)


def _is_zip(path: Path) -> bool:
    with reading(path, "a file"):
        return zipfile.is_zipfile(path)
