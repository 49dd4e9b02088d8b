"""Every public name of chaoskit once, by the page that it stands on, and what a text may call it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

PACKAGE = "chaoskit"
# In the order of docs/api; a name that several of them export stands where it is defined.
MODULES = (
    "dynamics", "timeseries", "training", "forcing", "measures", "measures.published_2021", "gradients",
    "invariant_sets", "sweeps", "reproduction", "interop", "cells", "cells.protocol", "systems", "plot",
    "report", "report.examples",
    "testing", "errors",
)  # fmt: skip


def exported(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Public names of a module and what they stand for; modules have pages of their own."""
    declared = getattr(module, "__all__", None)
    for name in declared or vars(module):
        value = getattr(module, name)
        own = getattr(value, "__module__", None) == module.__name__
        if not isinstance(value, ModuleType) and (declared or (own and not name.startswith("_"))):
            yield name, value


def home(value: Any, holders: list[str]) -> str:
    """The module of MODULES on whose page a value stands."""
    defined_in = f"{getattr(value, '__module__', '')}."
    own = [module for module in holders if defined_in.startswith(f"{PACKAGE}.{module}.")]
    return max(own, key=len) if own else holders[0]


def reference() -> dict[str, list[str]]:
    """Full names by module: the shortest name under which a user can have the object."""
    package = importlib.import_module(PACKAGE)
    holders: dict[tuple[str, int], list[str]] = {}
    values: dict[tuple[str, int], Any] = {}
    for module in MODULES:
        for name, value in exported(importlib.import_module(f"{PACKAGE}.{module}")):
            holders.setdefault((name, id(value)), []).append(module)
            values[name, id(value)] = value
    pages: dict[str, list[str]] = {module: [] for module in MODULES}
    for key, modules in holders.items():
        name, value = key[0], values[key]
        module = home(value, modules)
        short = getattr(package, name, None) is value and name in package.__all__
        pages[module].append(f"{PACKAGE}.{name}" if short else f"{PACKAGE}.{module}.{name}")
    return {module: sorted(names, key=_order) for module, names in pages.items()}


def lookup(full_name: str) -> Any:
    """The object of a full name."""
    module, _, name = full_name.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _order(full_name: str) -> tuple[bool, str]:
    """Functions before classes, each by the alphabet."""
    return inspect.isclass(lookup(full_name)), full_name.rpartition(".")[2].lower()


def aliases() -> dict[str, str]:
    """What a text may call an object, and its full name."""
    found: dict[str, str] = {}
    ambiguous: set[str] = set()
    pages = reference()
    by_object = {(n.rpartition(".")[2], id(lookup(n))): n for names in pages.values() for n in names}
    for module in ("", *MODULES):
        path = f"{PACKAGE}.{module}".rstrip(".")
        for name, value in exported(importlib.import_module(path)):
            full_name = by_object.get((name, id(value)))
            if full_name is None:
                continue
            for said in (name, f"{module}.{name}".lstrip("."), f"{path}.{name}"):
                if found.setdefault(said, full_name) != full_name:
                    ambiguous.add(said)
    return {said: full_name for said, full_name in found.items() if said not in ambiguous}


def full_name_of(text: str, known: dict[str, str]) -> str | None:
    """The full name that a text stands for, also of a method, by the class that has it."""
    text = text.removesuffix("()")
    if text in known:
        return known[text]
    owner, _, member = text.rpartition(".")
    if owner in known and inspect.isclass(lookup(known[owner])):
        for base in lookup(known[owner]).__mro__:
            if member in vars(base) and base.__name__ in known:
                return f"{known[base.__name__]}.{member}"
    return None
