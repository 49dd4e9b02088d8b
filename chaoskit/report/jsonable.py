"""Results as JSON that every reader accepts: numbers, text, lists and null, never NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """The value in terms of JSON; what is not finite becomes None.

    Parameters
    ----------
    value : any
        Numbers, text, arrays, sequences, mappings and dataclasses, nested.

    Returns
    -------
    dict, list, str, int, float, bool or None

    Examples
    --------
    >>> plain({"interval": (0.1, float("inf"))})
    {'interval': [0.1, None]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    by_name = getattr(value, "_asdict", None)  # of a NamedTuple, whose names are worth keeping
    if by_name is not None:
        return plain(by_name())
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def to_json(value: Any) -> str:
    """`plain(value)` as indented JSON text.

    Parameters
    ----------
    value : any
        See `plain`.

    Returns
    -------
    str
    """
    return json.dumps(plain(value), indent=2, allow_nan=False)
