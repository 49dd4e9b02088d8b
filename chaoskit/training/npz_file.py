"""Models and checkpoints on disk: one .npz with a JSON header, read without executing anything."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelFileError

VERSION = 2
_TEMPORARY = ".chaoskit-tmp"
_LARGEST = 1 << 32  # bytes that a file may unpack to
# What zipfile, numpy and json raise for files that are damaged, or built to do harm: an encrypted member
# is a RuntimeError, an array that claims more than the memory a MemoryError, deep JSON a RecursionError.
_DAMAGE = (
    ValueError, KeyError, EOFError, TypeError, AttributeError, RuntimeError, MemoryError, OverflowError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def write(path: Any, kind: str, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write header and arrays to `path` as a whole or not at all; `kind`: "model" or "checkpoint"."""
    target = _path(path)
    text = json.dumps(
        {"format": f"chaoskit {kind}", "version": VERSION, **header}, allow_nan=True, default=_plain
    )
    try:
        handle, temporary = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.{os.getpid()}.", suffix=_TEMPORARY
        )
    except OSError as error:
        raise ModelFileError(
            f"{target}: cannot be written ({error.strerror}); check folder and rights"
        ) from error
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, header=np.frombuffer(text.encode(), np.uint8), **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise ModelFileError(
            f"{target}: cannot be written ({error.strerror}); check space and rights"
        ) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: Any, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file written by `write` as this kind.

    Raises ModelFileError for anything else; pickles are never loaded.
    """
    source = _path(path)
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


def remove_leftovers(path: Any) -> None:
    """Remove what writers of this file left behind when they were killed."""
    target = _path(path)
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.*{_TEMPORARY}"):
        owner = leftover.name[len(target.name) + 2 :].partition(".")[0]
        if owner.isdigit() and not _alive(int(owner)):
            with contextlib.suppress(OSError):
                leftover.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _path(path: Any) -> Path:
    """The file itself where a link points to it, so that the link stays when the file is replaced."""
    try:
        return Path(os.path.realpath(path))
    except (TypeError, ValueError):
        raise ModelFileError(f"path: expected a file name, got {path!r}") from None


def _mode(target: Path) -> int:
    """Rights of the file that is replaced, or those of a new file."""
    try:
        return target.stat().st_mode & 0o7777
    except OSError:
        return 0o666 & ~_UMASK


def _plain(value: Any) -> Any:
    """Settings may hold NumPy numbers; what JSON has no form for is kept as text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else repr(value)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _umask()  # at import: it can only be read by setting it, which threads must not do side by side
