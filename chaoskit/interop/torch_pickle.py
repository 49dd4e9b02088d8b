"""The table of a PyTorch file: a pickle that is read as data. Nothing in it is imported, called or executed.

A pickle is a program for a machine with a stack. This one knows the instructions that build plain values, and
of everything that a pickle may name only what a state dict is made of.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import ModelFileError

_SAVE_ANEW = "in PyTorch, save the weights alone: torch.save(model.state_dict(), path)"
STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "BFloat16Storage": "bfloat16",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "?",
}  # fmt: skip
_LONGEST_WORD = 1000  # characters of a name or a key
_MOST_DIMENSIONS = 16
_PLAIN_DTYPES = (
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
)  # fmt: skip


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as the table tells it: which storage, and how it lies in there, in elements."""

    key: str
    dtype: str
    stored: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str
    size: int


@dataclass(frozen=True)
class _Name:
    """What the pickle would import; here it is a name."""

    text: str


class _Mark:
    """Where on the stack a group begins."""


_MARK = _Mark()


def read_table(content: bytes, source: str) -> Any:
    """The value that a pickle describes, made of dicts, lists, tuples, plain values and `StoredTensor`.

    Raises ModelFileError if it names something that is no part of a state dict, ValueError and its like if
    it is damaged.
    """
    return _Machine(source).run(content)


class _Machine:
    def __init__(self, source: str):
        self.source = source
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, content: bytes) -> Any:
        stream = io.BytesIO(content)
        while True:
            code = _exactly(stream, 1)
            if code == b".":
                return self.stack.pop()
            if code in _CONSTANTS:
                self.stack.append(_CONSTANTS[code])
            elif code in _LITERALS:
                self.stack.append(_LITERALS[code](stream))
            elif code in _STEPS:
                read, step = _STEPS[code]
                step(self, read(stream))
            elif code in _SKIPPED:
                _SKIPPED[code](stream)
            else:
                self.refuse(f"the instruction {code!r} of a pickle")

    def refuse(self, what: str) -> None:
        raise ModelFileError(
            f"{self.source}: expected a state dict, got {what[:120]}, which is not loaded; {_SAVE_ANEW}"
        )

    def group(self) -> list[Any]:
        """What stands above the last mark."""
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError("a group without a beginning")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def last(self, count: int) -> list[Any]:
        return [self.stack.pop() for _ in range(count)][::-1]

    def collect(self, count: int | None) -> None:
        self.stack.append(tuple(self.group() if count is None else self.last(count)))

    def put(self, index: Any) -> None:
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def get(self, index: Any) -> None:
        self.stack.append(self.memo[index])

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise TypeError("items for what is no list")
        target += items

    def fill(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise TypeError("entries for what is no dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # others are no names of weights, and to hash them is not harmless
            if not isinstance(key, (str, int, float, type(None))):
                self.refuse("a dict with keys that are no names")
            # larger ones may be chosen so that all have one hash
            if isinstance(key, int) and abs(key) >= 1 << 60:
                self.refuse("a dict with huge numbers as keys")
            target[key] = value

    def name(self, text: Any) -> None:
        if text is None:
            attribute, module = self.stack.pop(), self.stack.pop()
            if not (_word(module) and _word(attribute)):
                raise TypeError("a name that is none")
            text = f"{module} {attribute}"
        module, _, attribute = text.partition(" ")
        known = text in _CALLS or (
            module == "torch" and (attribute in STORAGES or attribute in _PLAIN_DTYPES)
        )
        if not known:
            self.refuse(f"the Python object {module}.{attribute}")
        self.stack.append(_Name(text))

    def call(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not (isinstance(function, _Name) and function.text in _CALLS and isinstance(arguments, tuple)):
            raise TypeError("a call of what is no function")
        self.stack.append(_CALLS[function.text](*arguments))

    def build(self, _: Any) -> None:
        # attributes of a dict, such as PyTorch's _metadata of versions: not needed
        self.stack.pop()
        if not isinstance(self.stack[-1], dict):
            raise TypeError("attributes for what is no dict")

    def storage(self, _: Any) -> None:
        word, kind, key, _place, size = self.stack.pop()
        if word != "storage" or not isinstance(kind, _Name) or not _word(key) or not _count(size):
            raise ValueError("a storage that is none")
        if kind.text.removeprefix("torch ") not in STORAGES:
            raise ValueError(f"a storage of {kind.text}")
        self.stack.append(_Storage(key, STORAGES[kind.text.removeprefix("torch ")], size))


def _word(value: Any) -> bool:
    # the text of a tuple that holds another twice, and so on, would never end
    return type(value) is str and len(value) <= _LONGEST_WORD


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


def _counts(values: Any) -> bool:
    return (
        isinstance(values, (tuple, list))
        and len(values) <= _MOST_DIMENSIONS
        and all(_count(value) for value in values)
    )


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    """What torch._utils._rebuild_tensor_v2 would make; the tensor has to lie inside its storage."""
    if not isinstance(storage, _Storage) or not _count(offset) or not _counts(shape) or not _counts(strides):
        raise ValueError("a tensor that is none")
    if len(shape) != len(strides):
        raise ValueError(f"a tensor of shape {tuple(shape)} and strides {tuple(strides)}")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    elements = 1
    for size in shape:
        elements *= size
    # an expanded tensor, whose elements are one number many times, is no weight and may claim any size
    if elements and (last >= storage.size or elements > storage.size):
        raise ValueError(f"a tensor of shape {tuple(shape)} in a storage of {storage.size} numbers")
    return StoredTensor(storage.key, storage.dtype, storage.size, offset, tuple(shape), tuple(strides))


def _plain_dict(*pairs: Any) -> dict[Any, Any]:
    if any(pairs):
        raise ValueError("a dict that is made of something")
    return {}


_CALLS: dict[str, Callable[..., Any]] = {
    "collections OrderedDict": _plain_dict,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": lambda tensor, *_: tensor,
    "torch Size": lambda sizes=(): sizes,
    "torch device": lambda *_: None,
}


def _exactly(stream: io.BytesIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("it ends too soon")
    return data


def _nothing(_: io.BytesIO) -> None:
    return None


def _number(form: str) -> Callable[[io.BytesIO], Any]:
    return lambda stream: struct.unpack(form, _exactly(stream, struct.calcsize(form)))[0]


def _sized(form: str, make: Callable[[bytes], Any] = bytes) -> Callable[[io.BytesIO], Any]:
    """A reader of bytes that have their number before them."""
    length = _number(form)
    return lambda stream: make(_exactly(stream, length(stream)))


def _words(stream: io.BytesIO) -> str:
    """Two lines: a module and what is in it."""
    lines = [stream.readline() for _ in range(2)]
    if not all(line.endswith(b"\n") for line in lines):
        raise EOFError("it ends too soon")
    return " ".join(line[:-1].decode() for line in lines)


_signed = functools.partial(int.from_bytes, byteorder="little", signed=True)
_CONSTANTS = {b"N": None, b"\x88": True, b"\x89": False, b"(": _MARK, b")": ()}
_SKIPPED = {b"\x80": _number("<B"), b"\x95": _number("<Q")}  # version of the format; length of a frame
_LITERALS: dict[bytes, Callable[[io.BytesIO], Any]] = {
    b"]": lambda _: [], b"}": lambda _: {},
    b"K": _number("<B"), b"M": _number("<H"), b"J": _number("<i"), b"G": _number(">d"),
    b"\x8a": _sized("<B", _signed), b"\x8b": _sized("<I", _signed),
    b"\x8c": _sized("<B", bytes.decode), b"X": _sized("<I", bytes.decode),
    b"\x8d": _sized("<Q", bytes.decode),
    b"C": _sized("<B"), b"B": _sized("<I"), b"\x8e": _sized("<Q"),
}  # fmt: skip
_STEPS: dict[bytes, tuple[Callable[[io.BytesIO], Any], Callable[[_Machine, Any], Any]]] = {
    b"t": (_nothing, lambda machine, _: machine.collect(None)),
    b"\x85": (_nothing, lambda machine, _: machine.collect(1)),
    b"\x86": (_nothing, lambda machine, _: machine.collect(2)),
    b"\x87": (_nothing, lambda machine, _: machine.collect(3)),
    b"a": (_nothing, lambda machine, _: machine.extend([machine.stack.pop()])),
    b"e": (_nothing, lambda machine, _: machine.extend(machine.group())),
    b"s": (_nothing, lambda machine, _: machine.fill(machine.last(2))),
    b"u": (_nothing, lambda machine, _: machine.fill(machine.group())),
    b"q": (_number("<B"), _Machine.put), b"r": (_number("<I"), _Machine.put),
    b"\x94": (_nothing, _Machine.put),
    b"h": (_number("<B"), _Machine.get), b"j": (_number("<I"), _Machine.get),
    b"c": (_words, _Machine.name), b"\x93": (_nothing, _Machine.name),
    b"R": (_nothing, _Machine.call), b"b": (_nothing, _Machine.build), b"Q": (_nothing, _Machine.storage),
}  # fmt: skip
