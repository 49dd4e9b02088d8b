"""The public functions, each with one good call that is over in milliseconds."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from variations import varied


@dataclass(frozen=True)
class Edge:
    """A function, good arguments beside its defaults, what else belongs in a place, and what an answer keeps.

    good: the arguments, or a function that makes them when they are needed first.
    dear: a call takes a hundredth of a second or more.
    """

    function: Callable[..., Any]
    good: dict[str, Any] | Callable[[], dict[str, Any]]
    more: dict[str, tuple] = field(default_factory=dict)
    check: Callable[[Any], bool] = lambda answer: True
    dear: bool = False

    @functools.cached_property
    def made(self) -> dict[str, Any]:
        """The good arguments."""
        return self.good() if callable(self.good) else self.good

    def defaults(self) -> dict[str, Any]:
        """All arguments that have a name: the good ones, and the others as the signature has them."""
        named = {
            name: p.default
            for name, p in inspect.signature(self.function).parameters.items()
            if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        }
        return named | self.made

    @functools.cached_property
    def arguments(self) -> st.SearchStrategy[dict[str, Any]]:
        """Good arguments but for one to three."""
        values = self.defaults()
        wrong = {name: varied(value, *self.more.get(name, ())) for name, value in values.items()}
        if not wrong:
            return st.just({})
        names = st.lists(st.sampled_from(sorted(wrong)), min_size=1, max_size=3, unique=True)
        return names.flatmap(lambda some: st.fixed_dictionaries({name: wrong[name] for name in some}))

    def call(self, changed: dict[str, Any]) -> None:
        """Raises what the function raises, or AssertionError for an answer that breaks its promise."""
        answer = self.function(**(self.made | changed))
        assert self.check(answer), answer


def finite(*names: str) -> Callable[[Any], bool]:
    """These attributes of the answer, or the answer itself, hold no NaN and no infinity."""
    return lambda answer: all(np.isfinite(part).all() for part in _parts(answer, names))


def no_nan(*names: str) -> Callable[[Any], bool]:
    """As `finite`, but infinity has a meaning."""
    return lambda answer: not any(np.isnan(part).any() for part in _parts(answer, names))


def _parts(answer: Any, names: tuple[str, ...]) -> list[Any]:
    values = [getattr(answer, name) for name in names] if names else [answer]
    return [np.asarray(value) for value in values if value is not None]
