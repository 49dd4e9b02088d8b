"""Files that are written as a whole or not at all, whatever kills the writer."""

from __future__ import annotations

import contextlib
import glob
import os
import platform
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from .errors import ModelFileError

_TEMPORARY = ".chaoskit-tmp"
# Of the computer: on a disk that several share, only its own can say whether a process is alive.
_HERE = f"{zlib.crc32(platform.node().encode()):08x}"


def write_whole(path: Any, write: Callable[[BinaryIO], Any]) -> None:
    """Let `write` fill a new file beside `path`, and put it in the place of the old one.

    Raises ModelFileError if the disk does not take it.
    """
    target = real_path(path)
    try:
        handle, temporary = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.{_HERE}.{os.getpid()}.", suffix=_TEMPORARY
        )
    except OSError as error:
        raise ModelFileError(
            f"{target}: cannot be written ({error.strerror}); check folder and rights"
        ) from error
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
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


def make_folder(path: Any, option: str) -> Path:
    """The folder, made if it is not there; raises ModelFileError if files cannot be written into it."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "permission denied")
    except OSError as error:
        raise ModelFileError(
            f"{folder}: cannot be written ({error.strerror}); choose another {option}"
        ) from None
    return folder


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove what writers of a file, or of any file of a folder, left behind here when they were killed."""
    which = "*" if name is None else glob.escape(name)
    for leftover in folder.glob(f".{which}.{_HERE}.*{_TEMPORARY}"):
        owner = leftover.name.removesuffix(_TEMPORARY).split(".")[-2]
        if owner.isdigit() and not _alive(int(owner)):
            with contextlib.suppress(OSError):
                leftover.unlink()


def real_path(path: Any) -> Path:
    """The file itself where a link points to it, so that the link stays when the file is replaced."""
    try:
        return Path(os.path.realpath(path))
    except (TypeError, ValueError):
        raise ModelFileError(f"path: expected a file name, got {path!r}") from None


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _mode(target: Path) -> int:
    """Rights of the file that is replaced, or those of a new file."""
    try:
        return target.stat().st_mode & 0o7777
    except OSError:
        return 0o666 & ~_UMASK


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _umask()  # at import: it can only be read by setting it, which threads must not do side by side
