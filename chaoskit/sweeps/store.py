"""The folder of a sweep: one small file for each finished point, written as a whole or not at all."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from .._files import make_folder, remove_leftovers, write_whole
from ..errors import ChaoskitWarning, InvalidInputError, ModelFileError
from .grid import Point

_FORMAT, _VERSION = "chaoskit sweep point", 1


class Store:
    """What is finished, on disk.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    """

    def __init__(self, folder: Any):
        try:
            self.folder = Path(folder)
        except TypeError:
            raise InvalidInputError(f"out: expected a folder, got {folder!r}") from None
        self.points, self.models = self.folder / "points", self.folder / "models"
        make_folder(self.points, "out")
        remove_leftovers(self.points)

    def model_file(self, point: Point) -> Path:
        """Where the model of a point is kept."""
        return self.models / f"{point.identity}.npz"

    def read(self, point: Point) -> dict[str, Any] | None:
        """The outcome of a point, None if it is not finished; a damaged file is as good as none.

        Raises ModelFileError if the file is of another format.
        """
        file = self._file(point)
        try:
            held = json.loads(file.read_text(encoding="utf-8"))
            if held["format"] != _FORMAT or held["identity"] != point.identity:
                raise ValueError("it belongs to something else")
            version, outcome = held["version"], held["outcome"]
            if version == _VERSION and not _whole(outcome):
                raise ValueError("a part is missing")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ModelFileError(f"{file}: cannot be read ({error.strerror})") from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            warnings.warn(
                f"{file}: damaged ({type(error).__name__}: {error}); this point is computed again",
                ChaoskitWarning,
                stacklevel=4,
            )
            return None
        if version != _VERSION:
            raise ModelFileError(
                f"{file}: expected format version {_VERSION}, got {version!r}; use the chaoskit that wrote it"
            )
        return outcome | {"chaoskit": held.get("chaoskit")}

    def write(self, point: Point, outcome: dict[str, Any]) -> None:
        """Keep the outcome of a point."""
        held = {
            "format": _FORMAT, "version": _VERSION, "chaoskit": package_version(), "identity": point.identity,
            "point": point.labels, "outcome": outcome,
        }  # fmt: skip
        text = json.dumps(held, indent=1).encode()
        write_whole(self._file(point), lambda file: file.write(text))

    def _file(self, point: Point) -> Path:
        return self.points / f"{point.identity}.json"


def _whole(outcome: Any) -> bool:
    """Whether an outcome has the form that `computing.compute` gives it."""
    result, failure = outcome.get("result"), outcome.get("failure")
    if isinstance(result, dict):
        return all(v is None or isinstance(v, (str, int, float)) for v in result.values())
    return isinstance(failure, dict) and {"type", "message"} <= set(failure)


def warn_of_versions(outcomes: list[dict[str, Any]]) -> None:
    """Say it where finished points were computed by another version of this package."""
    others = Counter(o["chaoskit"] for o in outcomes if o["chaoskit"] != package_version())
    if others:
        listed = ", ".join(f"{count} by {version}" for version, count in sorted(others.items(), key=str))
        warnings.warn(
            f"points computed by other versions of chaoskit are taken as they are ({listed}; this is "
            f"{package_version()}); to compute all of them alike, give another folder",
            ChaoskitWarning,
            stacklevel=4,
        )


def package_version() -> str:
    """Of this package, which is known only when all of it is imported."""
    from .. import __version__

    return __version__
