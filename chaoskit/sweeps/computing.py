"""One point computed: whatever comes of it is a plain outcome, a failure with its reason included."""

from __future__ import annotations

import copy
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ..errors import ChaoskitWarning, InvalidInputError

_FRAMES = 8  # of a failure's trace that are kept


def compute(work: Callable, options: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Call the work for one point.

    Parameters
    ----------
    work : callable
        Returns a mapping of names to numbers, short texts, truth values or None.
    options, shared : mapping
        Its keywords; `shared` are those that many points have in common and that are sent once.

    Returns
    -------
    dict
        "result" (a flat dict) or "failure" ("type", "message", "trace"); "warnings"; "wall_seconds".

    Notes
    -----
    The work gets copies, so that what it does to an array is not seen by the next point.
    """
    started, caught = time.perf_counter(), []
    try:
        with _kept_warnings() as caught:
            arguments = {name: copy.deepcopy(value) for name, value in {**options, **shared}.items()}
            outcome: dict[str, Any] = {"result": flat(work(**arguments))}
    except (Exception, SystemExit) as error:
        outcome = {"failure": failure(error)}
    said = []
    for warning in caught or ():
        if issubclass(warning.category, ChaoskitWarning):
            said.append(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return outcome | {
        "warnings": list(dict.fromkeys(said)),
        "wall_seconds": round(time.perf_counter() - started, 3),
    }


def failure(error: BaseException) -> dict[str, str]:
    """An exception as plain text."""
    trace = traceback.format_exception(error, limit=-_FRAMES)
    return {"type": type(error).__name__, "message": str(error), "trace": "".join(trace)}


def failed(kind: str, message: str) -> dict[str, Any]:
    """The outcome of a point whose work could not even fail by itself."""
    return {
        "failure": {"type": kind, "message": message, "trace": ""}, "warnings": [], "wall_seconds": None,
    }  # fmt: skip


def flat(result: Any) -> dict[str, Any]:
    """What the work returned, in plain Python.

    Raises InvalidInputError if it is no flat mapping of names to plain values.
    """
    if not isinstance(result, Mapping):
        raise InvalidInputError(
            f"work: expected it to return a mapping of names to numbers or short texts, got {type(result)}"
        )
    return {_column(name): _plain(name, value) for name, value in result.items()}


def _column(name: Any) -> str:
    if not isinstance(name, str):
        raise InvalidInputError(f"work: expected names of columns as keys of its result, got {name!r}")
    return name


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0:
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InvalidInputError(
        f"work: expected numbers, short texts, truth values or None as results, got {type(value).__name__} "
        f"under {name!r}; give each of its numbers a name"
    )


def _kept_warnings() -> AbstractContextManager[Any]:
    """Warnings of this package are kept beside the result; other threads would get into each other's way."""
    if threading.current_thread() is not threading.main_thread():
        return nullcontext()
    return _Kept()


class _Kept(warnings.catch_warnings):
    def __init__(self) -> None:
        super().__init__(record=True)

    def __enter__(self) -> Any:
        kept = super().__enter__()
        warnings.simplefilter("always", ChaoskitWarning)
        return kept
