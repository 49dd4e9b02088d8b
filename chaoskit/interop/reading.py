"""Files that others have written: one clear error for all that may be wrong, and no memory on their word."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ChaoskitError, ModelFileError

# What zipfile, json, numpy and struct raise for files that are damaged or built to do harm.
_DAMAGE = (
    ValueError, LookupError, EOFError, TypeError, ArithmeticError, RuntimeError, MemoryError, SyntaxError,
    NotImplementedError, tokenize.TokenError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
# Weights hardly shrink when they are packed; the allowance is for small files, most of which may be zeros.
_MOST_RATIO, _ALLOWANCE = 200, 1 << 20


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """Turn what goes wrong inside into a ModelFileError that names the file and what it should have been."""
    try:
        yield
    except ChaoskitError:
        raise
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such file") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error})") from None
    except _DAMAGE as error:
        reason = str(error)[:200] or type(error).__name__
        raise ModelFileError(f"{path}: expected {expected}, got a damaged file ({reason})") from None


def check_unpacked(size: int, packed: int, what: str) -> None:
    """Refuse to unpack so many bytes of a file of `packed` bytes."""
    if size > _MOST_RATIO * packed + _ALLOWANCE:
        raise ValueError(f"{what} would unpack from {packed} to {size} bytes")


def member(archive: zipfile.ZipFile, name: str, packed: int, most: int | None = None) -> bytes:
    """Bytes of a member of a zip archive of `packed` bytes, not more than `most` of them."""
    entry = archive.getinfo(name)
    check_unpacked(entry.file_size, packed, name)
    if most is not None and entry.file_size > most:
        raise ValueError(f"{name} of {entry.file_size} bytes, more than {most}")
    with archive.open(entry) as file:
        content = file.read(entry.file_size)  # without a number it would unpack whatever is there
    if len(content) != entry.file_size:
        raise ValueError(f"{name} ends after {len(content)} of {entry.file_size} bytes")
    return content
