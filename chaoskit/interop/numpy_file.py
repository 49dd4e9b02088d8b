"""Archives of NumPy arrays (.npz) from elsewhere, also packed ones; pickled arrays are refused."""

from __future__ import annotations

import io
import math
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from .reading import member, reading
from .tensors import Tensors

_EXPECTED = "an archive of NumPy arrays (.npz)"


def read_npz(path: Path) -> Tensors:
    """The arrays of an archive by their names."""
    with reading(path, _EXPECTED), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
    return Tensors(str(path), {name.removesuffix(".npy"): partial(_array, path, name) for name in names})


def _array(path: Path, name: str) -> np.ndarray:
    with reading(path, _EXPECTED), zipfile.ZipFile(path) as archive:
        content = member(archive, name, path.stat().st_size)
        stream = io.BytesIO(content)
        headers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        version = npy.read_magic(stream)
        if version not in headers:
            raise ValueError(f"{name} in version {version} of the format")
        # NumPy's own reader would take memory for the shape before it looks whether there is so much
        shape, in_columns, dtype = headers[version](stream)
        if dtype.kind not in "fiubV" or dtype.hasobject or dtype.itemsize == 0:
            raise ValueError(f"{name} holds {dtype}, no numbers")
        if (
            any(size < 0 for size in shape)
            or math.prod(shape) * dtype.itemsize != len(content) - stream.tell()
        ):
            raise ValueError(f"{name} claims shape {shape} but holds {len(content) - stream.tell()} bytes")
        values = np.frombuffer(content, dtype, offset=stream.tell())
        return values.reshape(shape, order="F" if in_columns else "C")
