"""Is this a cell, and do its arrays fit together?"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from . import protocol


def is_cell(value: Any) -> bool:
    """True for an instance of a class in the normal form."""
    return isinstance(value, tuple) and isinstance(getattr(type(value), "layout", None), protocol.Layout)


def checked_cell(cell: Any) -> Any:
    """The same cell with contiguous arrays of one dtype (float32 if all are, else float64).

    Raises InvalidInputError if an array has the wrong shape or is not finite.
    """
    cls = type(cell)
    arrays = [_check.array(value, f"{cls.__name__}.{name}") for name, value in cell._asdict().items()]
    dtype = np.float32 if all(a.dtype == np.float32 for a in arrays) else np.float64
    result = cls(*(np.ascontiguousarray(a, dtype).reshape(a.shape) for a in arrays))
    if hasattr(cls, "shapes"):
        _check_declared(result)
    _check_parts(result)
    return result


def _check_declared(cell) -> None:
    """Arrays against the symbols of `shapes`, such as ("4n", "M")."""
    known: dict[str, int] = {}
    for name, symbols in type(cell).shapes.items():
        shape = getattr(cell, name).shape
        fits = len(shape) == len(symbols)
        for size, symbol in zip(shape, symbols, strict=False):
            if symbol.isdigit():
                fits &= size == int(symbol)
                continue
            match = re.fullmatch(r"(\d*)(\w+)", symbol)
            factor, letter = int(match[1] or 1), match[2]  # type: ignore[index]
            fits &= size == factor * known.setdefault(letter, size // factor)
        if not fits:
            wanted = ", ".join(symbols) + ("," if len(symbols) == 1 else "")
            values = ", ".join(f"{k} = {v}" for k, v in known.items())
            raise InvalidInputError(
                f"{type(cell).__name__}.{name}: expected shape ({wanted}) with {values}, got {shape}"
            )


def _check_parts(cell) -> None:
    """What the kernels rely on, whatever the cell declares."""
    layout, name = protocol.kernel_class(cell).layout, type(cell).__name__
    weights, inputs = protocol.weights(cell), protocol.input_weights(cell)
    if weights.ndim != 2 or 0 in weights.shape or weights.shape[0] % layout.gates:
        raise InvalidInputError(
            f"{name}: expected weights of shape ({layout.gates} * units, features), got {weights.shape}"
        )
    rows, m = weights.shape
    n = protocol.unit_count(cell)
    hidden = protocol.hidden_weights(cell)
    parts = {
        "input weights": (inputs.shape, (rows, inputs.shape[-1] if inputs.ndim else 0)),
        "unit parameters": (_total(protocol.unit_parameters(cell)), layout.parameters * n),
        "feature parameters": (_total(protocol.feature_parameters(cell)), layout.features * m),
        "hidden weights": ((m, n) if hidden is None else hidden.shape, (m, n)),
        "features without a hidden product": (m if hidden is None else n, n),
    }
    for part, (came, wanted) in parts.items():
        if came != wanted:
            raise InvalidInputError(f"{name}: expected {part} of size {wanted}, got {came}")


def _total(arrays) -> int:
    return sum(a.size for a in arrays)


def whole_cell(model: Any) -> Any:
    """The cell of a model: itself, that of a fitted model, or None."""
    fitted = getattr(model, "cell", None)
    cell = fitted if is_cell(fitted) else model
    return cell if is_cell(cell) else None


def batch_size(cell: Any) -> int | None:
    """Length of the leading batch axis of a cell's arrays, None without one.

    A cell whose arrays have one axis more than its class declares is an ensemble; arrays without that axis
    are shared by all members.
    """
    declared = getattr(type(cell), "shapes", None)
    if declared is None:
        return None
    extra = {name: np.ndim(getattr(cell, name)) - len(symbols) for name, symbols in declared.items()}
    sizes = {name: np.shape(getattr(cell, name))[0] for name, more in extra.items() if more == 1}
    if len(set(sizes.values())) > 1:
        raise InvalidInputError(
            f"{type(cell).__name__}: expected batch axes of one length, got {sizes}; one row a member"
        )
    return next(iter(sizes.values()), None)


def member(cell: Any, index: int) -> Any:
    """Cell number `index` of a batch."""
    declared = type(cell).shapes
    return type(cell)(
        *(
            np.asarray(value)[index] if np.ndim(value) > len(declared[name]) else value
            for name, value in cell._asdict().items()
        )
    )
