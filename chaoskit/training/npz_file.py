"""Models and checkpoints on disk: one .npz with a JSON header, read without executing anything."""

from __future__ import annotations

import json
import zipfile
import zlib
from typing import Any

import numpy as np

from .._files import real_path, write_whole
from ..errors import ModelFileError

VERSION = 2
_LARGEST = 1 << 32  # bytes that a file may unpack to
# What zipfile, numpy and json raise for files that are damaged, or built to do harm: an encrypted member
# is a RuntimeError, an array that claims more than the memory a MemoryError, deep JSON a RecursionError.
_DAMAGE = (
    ValueError, KeyError, EOFError, TypeError, AttributeError, RuntimeError, MemoryError, OverflowError,
    zipfile.BadZipFile, zlib.error,
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
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _LARGEST:
            raise ModelFileError(f"{source}: would unpack to {size} bytes; this is no chaoskit {kind}")
        with np.load(source, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
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


def _plain(value: Any) -> Any:
    """Settings may hold NumPy numbers; what JSON has no form for is kept as text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else repr(value)
