"""The TOML file of `chaoskit sweep`: data sets, fixed keywords and a grid. Every error names its key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import _check, simulate, systems
from .._labelled import TimeSeries
from ..errors import ChaoskitError, InvalidInputError, ModelFileError
from ..report import load_series
from ..sweeps import Together
from .reporting import hold_out
from .training import FORCING_OPTIONS, FORCINGS, forcing_of

_TOP = ("out", "processes", "keep_models", "data", "fixed", "grid")
_READING = ("columns", "time_column", "dt", "key", "segments")
_OF_ALL = ("test_share", "true_exponents")
_OF_FILE = ("file", *_READING, *_OF_ALL)
_OF_SYSTEM = ("system", "parameters", "steps", "dt", "transient", "start", "columns", *_OF_ALL)
_TEST_SHARE, _TRANSIENT = 0.2, 1_000


class SweepPlan(NamedTuple):
    """What a file asks for, in the terms of `chaoskit.sweep`."""

    grid: dict[str, Any]
    fixed: dict[str, Any]
    out: Path
    processes: int | None
    keep_models: bool


def read_plan(path: Any) -> SweepPlan:
    """Read a configuration.

    Raises
    ------
    ModelFileError
        If the file is missing or is no TOML.
    InvalidInputError
        If a key is unknown or its value does not fit; the message names file and key.
    """
    source = Path(path)
    try:
        held = tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(f"{source}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # text that is no UTF-8, or no TOML; with line and column
        raise ModelFileError(f"{source}: expected TOML, got {error}") from None
    with _at(source):
        _known(held, _TOP)
        data = _table(held, "data")
        if not data:
            raise InvalidInputError("data: expected at least one data set, [data.NAME]")
        sets = {name: _section(f"data.{name}", entry, _data_set, source) for name, entry in data.items()}
        fixed = {
            name: _section(f"fixed.{name}", v, _value, name) for name, v in _table(held, "fixed").items()
        }
        grid = {name: _section(f"grid.{name}", v, _axis, name) for name, v in _table(held, "grid").items()}
        processes = held.get("processes")
        return SweepPlan(
            {"data": sets, **grid}, fixed, source.parent / _text(held, "out", source.stem),
            None if processes is None else _check.integer(processes, "processes", 1),
            _flag(held, "keep_models"),
        )  # fmt: skip


@contextmanager
def _at(place: Any) -> Iterator[None]:
    """Errors say where in the file they are."""
    try:
        yield
    except ChaoskitError as error:
        raise type(error)(f"{place}: {error}") from None


def _section(place: str, entry: Any, read: Callable[[Any, Any], Any], about: Any) -> Any:
    with _at(place):
        return read(entry, about)


def _axis(values: Any, name: str) -> list[Any]:
    if name == "data":
        raise InvalidInputError("expected other names; all sets of [data.NAME] are taken")
    if not isinstance(values, list):
        raise InvalidInputError(f"expected an array of values, got {values!r}; one for all goes into [fixed]")
    return [_value(value, name) for value in values]


def _value(value: Any, name: str) -> Any:
    """A keyword of the work: a forcing by its name, anything else as it is."""
    return _forcing(value) if name == "forcing" else value


def _forcing(value: Any) -> Any:
    given = {"name": value} if isinstance(value, str) else value
    if not isinstance(given, Mapping):
        raise InvalidInputError(
            f'expected a name or a table such as {{name = "sparse", tau = 5}}, got {value!r}'
        )
    _known(given, ("name", *FORCING_OPTIONS))
    name = given.get("name")
    if name == "auto":
        name = "sparse"
    if name not in FORCINGS:
        raise InvalidInputError(f"name: expected one of auto, {', '.join(FORCINGS)}, got {name!r}")
    return forcing_of(name, {option: v for option, v in given.items() if option != "name"}, prefix="")


def _data_set(entry: Any, source: Path) -> Together:
    """Training series, test series, dt and the exponents that are known."""
    if not isinstance(entry, Mapping) or ("file" in entry) == ("system" in entry):
        raise InvalidInputError(f"expected a table with file, or with system, got {entry!r}")
    read, exponents = _from_file(entry, source) if "file" in entry else _from_system(entry)
    share = _check.share(entry.get("test_share", _TEST_SHARE), "test_share")
    held = hold_out(read, share, "test_share")
    exponents = entry.get("true_exponents", exponents)
    known = {"true_exponents": exponents, "dt": read.dt}
    return Together(
        series=held.train, test=held.test, **{name: v for name, v in known.items() if v is not None}
    )


def _from_file(entry: Mapping[str, Any], source: Path) -> tuple[TimeSeries, None]:
    _known(entry, _OF_FILE)
    options = {name: entry[name] for name in _READING if name in entry}
    return load_series(source.parent / _text(entry, "file"), **options), None


def _from_system(entry: Mapping[str, Any]) -> tuple[TimeSeries, Any]:
    """An orbit of a known system; its published exponents hold for its own parameters only."""
    _known(entry, _OF_SYSTEM)
    name, parameters = _text(entry, "system"), _table(entry, "parameters")
    kind = getattr(systems, name, None)
    known = sorted({type(system).__name__ for system in systems.zoo()})
    if name not in known or kind is None:
        raise InvalidInputError(f"system: expected one of {', '.join(known)}, got {name!r}")
    if "steps" not in entry:
        raise InvalidInputError("steps: expected how many steps of the system to take")
    try:
        system = kind(**parameters)
    except TypeError as error:
        raise InvalidInputError(f"parameters: {error}") from None
    dt = entry.get("dt", system.default_dt)
    start = entry.get("start", system.default_state)
    if start is None:
        raise InvalidInputError(f"start: expected a state of {name}, which has none of its own")
    orbit = simulate(system, start, entry["steps"], dt=dt, transient=entry.get("transient", _TRANSIENT))
    columns = _columns(entry.get("columns"), orbit)
    return TimeSeries(columns, dt), None if parameters else system.reference_exponents


def _columns(wanted: Any, orbit: np.ndarray) -> np.ndarray:
    """The variables that are observed, counted from 1 as in files."""
    if wanted is None:
        return orbit
    if not isinstance(wanted, list) or not wanted:
        raise InvalidInputError(f"columns: expected numbers from 1 to {orbit.shape[1]}, got {wanted!r}")
    places = [_check.integer(column, "columns", 1) for column in wanted]
    if max(places) > orbit.shape[1]:
        raise InvalidInputError(f"columns: expected numbers from 1 to {orbit.shape[1]}, got {max(places)}")
    return orbit[:, [place - 1 for place in places]]


def _known(held: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in held:
        if name not in names:
            raise InvalidInputError(f"{name}: unknown; expected some of {', '.join(names)}")


def _table(held: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = held.get(name, {})
    if not isinstance(value, dict):
        raise InvalidInputError(f"{name}: expected a table, got {value!r}")
    return value


def _text(held: Mapping[str, Any], name: str, otherwise: str | None = None) -> str:
    value = held.get(name, otherwise)
    if not isinstance(value, str):
        raise InvalidInputError(f"{name}: expected text, got {value!r}")
    return value


def _flag(held: Mapping[str, Any], name: str) -> bool:
    value = held.get(name, False)
    if not isinstance(value, bool):
        raise InvalidInputError(f"{name}: expected true or false, got {value!r}")
    return value
