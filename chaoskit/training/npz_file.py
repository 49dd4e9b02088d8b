"""Models and checkpoints on disk: one .npz with a JSON header, read without executing anything."""

from __future__ import annotations

import io
import json
import math
import tokenize
import zipfile
from typing import Any

import numpy as np
from numpy.lib import format as npy

from .._files import real_path, write_whole
from ..errors import ModelFileError

VERSION = 2
# What zipfile, numpy and json raise for files that are damaged, or built to do harm: an encrypted member
# is a RuntimeError, deep JSON a RecursionError, an array's own header is parsed as Python's literals.
_DAMAGE = (
    ValueError, KeyError, EOFError, TypeError, AttributeError, RuntimeError, MemoryError, OverflowError,
    SyntaxError, tokenize.TokenError, zipfile.BadZipFile,
)  # fmt: skip


def write(path: Any, kind: str, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write header and arrays to `path` as a whole or not at all; `kind`: "model" or "checkpoint"."""
    text = json.dumps(
        {"format": f"chaoskit {kind}", "version": VERSION, **header}, allow_nan=True, default=_plain
    )
    encoded = np.frombuffer(text.encode(), np.uint8)
    write_whole(path, lambda file: np.savez(file, header=encoded, **arrays))  # type: ignore[arg-type]


def read(path: Any, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file written by `write` as this kind.

    Raises ModelFileError for anything else; pickles are never loaded.
    """
    source = real_path(path)
    try:
        with zipfile.ZipFile(source) as archive:
            arrays = _arrays(archive, source.stat().st_size)
        header = json.loads(arrays.pop("header").tobytes().decode())
        if not isinstance(header, dict) or header.get("format") != f"chaoskit {kind}":
            raise ValueError(f"no header of a chaoskit {kind}")
    except FileNotFoundError:
        raise ModelFileError(f"{source}: no such file") from None
    except OSError as error:
        raise ModelFileError(f"{source}: cannot be read ({error})") from None
    except _DAMAGE as error:
        raise ModelFileError(
            f"{source}: expected a {kind} saved by chaoskit (.npz), got something else ({error})"
        ) from None
    if header.get("version") != VERSION:
        raise ModelFileError(
            f"{source}: expected format version {VERSION}, got {header.get('version')!r}; "
            "use the chaoskit that wrote it"
        )
    return header, arrays


def _arrays(archive: zipfile.ZipFile, size: int) -> dict[str, np.ndarray]:
    """The arrays of an archive of so many bytes, in memory of that order whatever it claims.

    Members are stored as they are and nothing may be read twice, so that no file unpacks to more than it is.
    """
    entries = archive.infolist()
    packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if packed or sum(entry.file_size for entry in entries) > size:
        raise ValueError("a compressed archive, which chaoskit does not write")
    return {entry.filename.removesuffix(".npy"): _array(archive.read(entry)) for entry in entries}


def _array(content: bytes) -> np.ndarray:
    """The array of a member; numpy's own reader would take memory for the claimed shape first."""
    stream = io.BytesIO(content)
    if npy.read_magic(stream) != (1, 0):
        raise ValueError("an array in another format than chaoskit writes")
    shape, in_columns, dtype = npy.read_array_header_1_0(stream, max_header_size=1000)
    if dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError(f"an array of pickled objects, or of no shape: {dtype}, {shape}")
    values = np.frombuffer(content, dtype, math.prod(shape), stream.tell())
    return values.reshape(shape, order="F" if in_columns else "C").copy()


def _plain(value: Any) -> Any:
    """Settings may hold NumPy numbers; what JSON has no form for is kept as text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else repr(value)
