"""Files of PyTorch and safetensors made byte by byte, so that they can be wrong in every way."""

from __future__ import annotations

import json
import struct
import zipfile

import numpy as np


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def integer(value: int) -> bytes:
    length = value.bit_length() // 8 + 1
    return b"\x8b" + struct.pack("<i", length) + value.to_bytes(length, "little", signed=True)


def numbers(values) -> bytes:
    return b"(" + b"".join(integer(value) for value in values) + b"t"


def tensor(key: str, stored: int, shape, strides=None, *, offset=0, storage="DoubleStorage") -> bytes:
    """A tensor in a table, as torch.save describes it."""
    if strides is None:
        strides = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
    place = b"(" + text("storage") + f"ctorch\n{storage}\n".encode() + text(key) + text("cpu")
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + place + integer(stored) + b"tQ" + integer(offset)
        + numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def table(entries: dict[str, bytes], *, first: bytes = b"") -> bytes:
    """A pickle of a dict; `first` runs before it."""
    return (
        b"\x80\x02" + first + b"}(" + b"".join(text(name) + value for name, value in entries.items()) + b"u."
    )


def torch_file(
    path, content: bytes, storages: dict[str, bytes], packing=zipfile.ZIP_STORED, **members: bytes
):
    """An archive as torch.save writes it."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("net/data.pkl", content)
        for key, raw in storages.items():
            archive.writestr(f"net/data/{key}", raw)
        for name, raw in members.items():
            archive.writestr(f"net/{name}", raw)
    return path


def safetensors_bytes(header, data: bytes = b"") -> bytes:
    """A file; the header is a table or raw bytes."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def safetensors_of(arrays: dict[str, np.ndarray]) -> bytes:
    """A whole file with these arrays."""
    header, data = {"__metadata__": {"format": "np"}}, b""
    for name, array in arrays.items():
        kind = {"f8": "F64", "f4": "F32", "f2": "F16", "u2": "BF16"}[array.dtype.str[1:]]
        offsets = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": offsets}
        data += array.tobytes()
    return safetensors_bytes(header, data)
