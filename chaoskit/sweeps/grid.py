"""The points of a sweep: every combination of named values, and what each is called in a table."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._identity import digest, identity
from ..errors import InvalidInputError

RESERVED = ("status", "error", "warnings", "model")  # columns that every table may have
_LONGEST = 60  # letters of a name in a table


class Labelled(NamedTuple):
    """A value under the name that it has in the table.

    Attributes
    ----------
    label : str, number or bool
    value : any
    """

    label: Any
    value: Any


class Together(dict[str, Any]):
    """Keywords that change together, as one value of a grid: a data set with its test data and its dt.

    Examples
    --------
    >>> Together(dt=0.01, true_exponents=(0.9, 0.0, -14.6))["dt"]
    0.01
    """


@dataclass(frozen=True)
class Point:
    """One combination.

    Attributes
    ----------
    labels : dict
        Name of each axis and what its value is called.
    options : dict
        Keywords of the work, those that are fixed included.
    identity : str
        Hexadecimal digits that say which computation this is, the same in every process.
    """

    labels: dict[str, Any]
    options: dict[str, Any]
    identity: str


def points_of(grid: Any, fixed: Mapping[str, Any] | None, work: Callable) -> list[Point]:
    """Points of a grid in order, the last name changing fastest.

    Raises InvalidInputError for names that the work does not take, and for values that have no name or that
    cannot be told from others.
    """
    fixed = dict(fixed or {})
    combinations = _explicit(grid) if not isinstance(grid, Mapping) else _product(grid)
    described = _Descriptions(work)
    for name, value in fixed.items():
        described.of(name, value)
    points = [_point(chosen, fixed, described) for chosen in combinations]
    if not points:
        raise InvalidInputError("grid: expected at least one point, got none")
    _check_names(points, work)
    seen: dict[str, dict[str, Any]] = {}
    for point in points:
        if point.identity in seen:
            raise InvalidInputError(
                f"grid: expected different points, got the same one twice: {seen[point.identity]} and "
                f"{point.labels}; leave one out"
            )
        seen[point.identity] = point.labels
    return points


def _product(grid: Mapping[str, Any]) -> Iterable[dict[str, Labelled]]:
    axes = {name: _axis(name, values) for name, values in grid.items()}
    return (dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values()))


def _axis(name: Any, values: Any) -> list[Labelled]:
    """The values of one name, each with a label of its own."""
    _check_axis_name(name)
    if isinstance(values, Mapping) and not isinstance(values, Together):
        labelled = [_labelled(name, Labelled(label, value)) for label, value in values.items()]
    elif isinstance(values, (str, bytes, Together)) or not isinstance(values, Iterable):
        raise InvalidInputError(
            f"grid: {name}: expected a list of values, or a mapping of labels to values, got {values!r}; one "
            "value for all points belongs into fixed"
        )
    else:
        labelled = [_labelled(name, value) for value in values]
    if not labelled:
        raise InvalidInputError(f"grid: {name}: expected at least one value, got none")
    labels = [value.label for value in labelled]
    for label in labels:
        if labels.count(label) > 1:
            raise InvalidInputError(
                f"grid: {name}: expected different labels, got {label!r} twice; give a mapping of labels to "
                "values, or leave one out"
            )
    return labelled


def _explicit(grid: Any) -> list[dict[str, Labelled]]:
    """Points given one by one."""
    if isinstance(grid, (str, bytes)) or not isinstance(grid, Iterable):
        raise InvalidInputError(
            f"grid: expected a mapping of names to values, or a sequence of such points, got {grid!r}"
        )
    points = []
    for k, point in enumerate(grid):
        if not isinstance(point, Mapping):
            raise InvalidInputError(f"grid: point {k}: expected a mapping of names to values, got {point!r}")
        for name in point:
            _check_axis_name(name)
        points.append({name: _labelled(name, value) for name, value in point.items()})
    return points


def _check_axis_name(name: Any) -> None:
    if not isinstance(name, str) or not name or name in RESERVED:
        raise InvalidInputError(
            f"grid: expected names of keywords other than {', '.join(RESERVED)}, got {name!r}"
        )


def _labelled(name: str, value: Any) -> Labelled:
    """A value and what a table calls it: itself, the name of a function or class, or its short repr."""
    if isinstance(value, Labelled):
        if not (value.label is None or isinstance(value.label, (str, int, float, bool))):
            raise InvalidInputError(f"grid: {name}: expected a text or number as label, got {value.label!r}")
        return value
    value = value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
    if value is None or isinstance(value, (str, int, float, bool)):
        return Labelled(value, value)
    label = value.__qualname__ if hasattr(value, "__qualname__") else repr(value)
    if len(label) > _LONGEST or " at 0x" in label or "\n" in label or isinstance(value, Together):
        raise InvalidInputError(
            f"grid: {name}: a value of type {type(value).__name__} has no short name for the table; give "
            f"Labelled('a name', value), or a mapping of labels to values, {{{name!r}: {{'a name': value}}}}"
        )
    return Labelled(label, value)


class _Descriptions:
    """Identities of values, each taken once however many points have it."""

    def __init__(self, work: Callable):
        self._known: dict[int, tuple[Any, Any]] = {}  # the value as well, so that its id stays its own
        self.work = self.of("work", work)

    def of(self, name: str, value: Any) -> Any:
        if id(value) not in self._known:
            try:
                self._known[id(value)] = (value, digest(identity(value, strict=True)))
            except InvalidInputError as error:
                raise InvalidInputError(f"{name}: {error}") from None
        return self._known[id(value)][1]


def _point(chosen: dict[str, Labelled], fixed: dict[str, Any], described: _Descriptions) -> Point:
    options = dict(fixed)
    given: dict[str, str] = {}
    for axis, (_, value) in chosen.items():
        for name, entry in value.items() if isinstance(value, Together) else [(axis, value)]:
            if name in given:
                raise InvalidInputError(
                    f"grid: {name} is given by {given[name]} and by {axis}; leave one out"
                )
            if name in fixed:
                raise InvalidInputError(f"fixed: {name} is in the grid as well; leave one out")
            given[name], options[name] = axis, entry
    parts = {name: described.of(name, value) for name, value in options.items()}
    return Point(
        {axis: value.label for axis, value in chosen.items()}, options, digest([described.work, parts])[:32]
    )


def keywords_of(work: Callable) -> tuple[set[str], set[str], bool]:
    """Keywords that a function takes, those that it needs, and whether it takes any others."""
    try:
        parameters = inspect.signature(work).parameters.values()
    except (TypeError, ValueError):
        raise InvalidInputError(f"work: expected a function of keywords, got {work!r}") from None
    taken = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    needed = {p.name for p in taken if p.default is p.empty}
    needed |= {p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.default is p.empty}
    return {p.name for p in taken}, needed, any(p.kind is p.VAR_KEYWORD for p in parameters)


def _check_names(points: list[Point], work: Callable) -> None:
    taken, needed, others = keywords_of(work)
    called = getattr(work, "__name__", "work")
    for point in points:
        unknown = sorted(set(point.options) - taken)
        if unknown and not others:
            raise InvalidInputError(
                f"grid: {called} takes no {', '.join(unknown)}; expected some of {', '.join(sorted(taken))}"
            )
        missing = sorted(needed - set(point.options))
        if missing:
            raise InvalidInputError(
                f"grid: {called} needs {', '.join(missing)}; give it in the grid or in fixed"
            )
