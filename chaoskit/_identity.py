"""What a value does, in plain terms that are the same in every process: for work that is resumed."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
import os
import sys
import sysconfig
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._labelled import unpack
from .errors import InvalidInputError

_OWN = __name__.partition(".")[0]
# Code of the standard library and of installed packages counts by its name, as this package's does.
_INSTALLED = tuple(
    {
        os.path.join(os.path.realpath(sysconfig.get_paths()[key]), "")
        for key in ("stdlib", "purelib", "platlib")
    }
)
_PLAIN = (str, bytes, int, float, complex, bool, type(None))


def identity(value: Any, *, strict: bool = False) -> Any:
    """A value in terms of JSON; equal for values that do the same, in whatever process.

    Numbers by what they are, arrays by type, shape and bytes, functions and classes of yours by their code
    with the functions and plain values it looks up, those of installed packages by name, objects by their
    fields. Not by `repr`, which may hold addresses.

    Parameters
    ----------
    value : any
    strict : bool
        Refuse what cannot be told from another of its kind, such as an open file or a generator of random
        numbers, instead of naming its class.

    Raises
    ------
    InvalidInputError
        If `strict`, and the value holds such a thing; the message names it.
    """
    return _Description(strict).of(value)


def digest(described: Any) -> str:
    """sha256 of what `identity` returned, as hexadecimal digits."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


class _Description:
    """One description; remembers what it is inside of, because functions call each other in circles."""

    def __init__(self, strict: bool):
        self.strict = strict
        self.inside: list[int] = []

    def of(self, value: Any) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if type(value) in _PLAIN:
            return repr(value)
        if id(value) in self.inside:
            return ["again", _name(value)]
        self.inside.append(id(value))
        try:
            return self._of_object(value)
        finally:
            self.inside.pop()

    def _of_object(self, value: Any) -> Any:
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return ["tuple", self._class(type(value)), *map(self.of, value)]
        if isinstance(value, (tuple, list, range)):
            return [self.of(part) for part in value]
        if isinstance(value, (set, frozenset)):
            return ["set", *sorted((self.of(part) for part in value), key=json.dumps)]
        if isinstance(value, Mapping):
            pairs = [[self.of(key), self.of(entry)] for key, entry in value.items()]
            return ["mapping", sorted(pairs, key=json.dumps)]
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.dtype):
            return ["dtype", value.str]
        if isinstance(value, os.PathLike):
            return ["path", os.fspath(value)]
        if isinstance(value, functools.partial):
            return ["partial", self.of(value.func), self.of(value.args), self.of(value.keywords)]
        if isinstance(value, type):
            return self._class(value)
        if callable(value) and not hasattr(type(value), "__dataclass_fields__"):
            return self._callable(value)
        return self._instance(value)

    def _array(self, value: np.ndarray) -> Any:
        if value.dtype.hasobject:
            return ["objects", list(value.shape), *(self.of(entry) for entry in value.ravel())]
        data = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return ["array", value.dtype.str, list(value.shape), data]

    def _instance(self, value: Any) -> Any:
        labelled = unpack(value, "value")
        if dataclasses.is_dataclass(value):
            named = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        elif labelled is not None:  # a table of another package
            return self._instance(labelled)
        elif isinstance(vars_of := getattr(value, "__dict__", None), dict):
            named = vars_of
        else:
            return self._unknown(value)
        return ["object", self._class(type(value)), {str(k): self.of(v) for k, v in sorted(named.items())}]

    def _callable(self, value: Any) -> Any:
        inner = getattr(value, "py_func", value)  # of what Numba compiles
        if isinstance(inner, types.MethodType):
            return ["method", self.of(inner.__self__), self.of(inner.__func__)]
        if isinstance(inner, types.FunctionType):
            return self._function(inner)
        if isinstance(value, np.ufunc):
            return ["ufunc", value.__name__]
        owner = getattr(value, "__self__", None)
        if isinstance(value, types.BuiltinFunctionType):
            belongs = None if owner is None or isinstance(owner, types.ModuleType) else self.of(owner)
            return ["built in", *_name(value), belongs]
        return self._instance(value)

    def _function(self, function: types.FunctionType) -> Any:
        code = function.__code__
        if _by_name(function.__module__, code.co_filename):
            return ["function", *_name(function)]
        held = [cell.cell_contents for cell in function.__closure__ or ()]
        outside = {}
        for name in set(_looked_up(code)) & function.__globals__.keys():
            found = function.__globals__[name]
            if isinstance(found, (*_PLAIN, np.ndarray, np.generic, type, types.FunctionType)):
                outside[name] = found
        return [
            "function", function.__qualname__, self._code(code), self.of(held),
            self.of(function.__defaults__), self.of(function.__kwdefaults__), self.of(outside),
        ]  # fmt: skip

    def _code(self, code: types.CodeType) -> Any:
        """Instructions count names and constants by their place, so the places' contents belong to them."""
        constants = [self._code(c) if inspect.iscode(c) else self.of(c) for c in code.co_consts]
        return [code.co_code.hex(), list(code.co_names), constants]

    def _class(self, cls: type) -> Any:
        module = sys.modules.get(cls.__module__)
        file = getattr(module, "__file__", None)
        if _by_name(cls.__module__, file) or id(cls) in self.inside[:-1]:
            return ["class", *_name(cls)]
        self.inside.append(id(cls))
        try:
            own = {}
            for name, entry in vars(cls).items():
                entry = getattr(entry, "__func__", getattr(entry, "fget", entry))
                plain = isinstance(entry, _PLAIN) and not name.startswith("__")
                if plain or isinstance(entry, (types.FunctionType, np.ndarray)):
                    own[name] = entry
            bases = [self._class(base) for base in cls.__bases__]
            return ["class", *_name(cls), bases, {name: self.of(own[name]) for name in sorted(own)}]
        finally:
            self.inside.pop()

    def _unknown(self, value: Any) -> Any:
        if self.strict:
            raise InvalidInputError(
                f"expected numbers, text, arrays, functions, or objects made of these, got {value!r}, which "
                "cannot be told from another one; give it as plain values, or make it inside the function"
            )
        return ["unknown", *_name(value)]


def _name(value: Any) -> list[str]:
    named = value if hasattr(value, "__qualname__") else type(value)
    return [str(getattr(named, "__module__", None)), named.__qualname__]


def _by_name(module: Any, file: Any) -> bool:
    """Whether code is known by its name: of this package, of an installed one, or of no file at all."""
    if str(module).partition(".")[0] == _OWN:
        return True
    if not file:
        return module != "__main__"
    return str(file).startswith("<frozen") or os.path.realpath(file).startswith(_INSTALLED)


def _looked_up(code: types.CodeType) -> list[str]:
    """Names that code and the functions inside it look up."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if inspect.iscode(constant):
            names.update(_looked_up(constant))
    return sorted(names)
