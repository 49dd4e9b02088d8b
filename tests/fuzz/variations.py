"""Values near a good one, and values that are none: what a careless caller may hand to a public function."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from chaoskit.cells import protocol

WILD = (
    None,
    True,
    False,
    "",
    "auto",
    "x",
    b"ab",
    math.nan,
    math.inf,
    -math.inf,
    -1,
    0,
    1,
    0.5,
    2.5,
    -0.0,
    1e300,
    1e-300,
    10**18,
    3 + 1j,
    Fraction(1, 3),
    [],
    (),
    {},
    [1, 2, 3],
    (0, 1),
    [[1, 2], [3]],
    [None],
    ["a", "b"],
    {"a": 1},
    set(),
    object(),
    Ellipsis,
    slice(2),
    np.float64(1.0),
    np.array(3.0),
    np.array([]),
    np.zeros((0, 2)),
    np.zeros((2, 0)),
    np.array(["a"]),
    np.array([None, 1.0]),
    np.datetime64("2020-01-01"),
    np.ones((2, 2, 2, 2)),
)


def varied(good: Any, *more: Any) -> st.SearchStrategy[Any]:
    """The good value, others of its kind, `more` that belong in its place, and what does not."""
    kin, drawn = _kin(good), _drawn(good)
    near = st.sampled_from([good, *more, *more, *kin])
    return st.one_of(near, near, near, drawn, st.sampled_from(WILD))


def _kin(good: Any) -> list[Any]:
    if isinstance(good, bool) or good is None or callable(good):
        return []
    if isinstance(good, int):
        return _counts(good)
    if isinstance(good, float):
        return _numbers(good)
    if isinstance(good, str):
        return [good.upper(), good + " ", [good], good.encode()]
    if isinstance(good, np.ndarray):
        return _arrays(good)
    if _is_cell(good):
        return _cells(good)
    if isinstance(good, tuple):
        return [list(good), good[:-1], good + good[-1:], good[::-1], _objects(good or (0,))]
    return []


def _objects(values: tuple) -> np.ndarray:
    """The values in an array of objects, also where they are arrays of several shapes."""
    array = np.empty(len(values), object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def _drawn(good: Any) -> st.SearchStrategy[Any]:
    """Beyond what can be listed."""
    if isinstance(good, int) and not isinstance(good, bool):
        return st.integers(-5, good + 3)
    if isinstance(good, float):
        return st.floats()
    if isinstance(good, np.ndarray):
        return st.builds(_random_array, st.just(good), st.integers(0, 2**31))
    return st.one_of(st.integers(-3, 4), st.floats(-3, 3), st.text(max_size=3))


def _counts(n: int) -> list[Any]:
    return [
        n + 1,
        max(n - 1, 0),
        float(n),
        n + 0.5,
        str(n),
        np.int64(n),
        np.uint8(n % 200),
        np.array(n),
        np.array([n]),
        [n],
        -n,
        10**16,
        2**70,
        np.float32(n),
        np.bool_(True),
    ]


def _numbers(x: float) -> list[Any]:
    with np.errstate(over="ignore", under="ignore"):
        return [
            0.0,
            -x,
            5e-324,
            1e-160,
            1e160,
            x * 1e-8,
            x * 1e8,
            str(x),
            np.float32(x),
            np.array(x),
            np.array([x]),
            [x],
            np.longdouble(x),
            np.float16(x),
        ]


def _arrays(a: np.ndarray) -> list[Any]:
    """The same numbers in other clothes, and other numbers and shapes."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        whole = np.nan_to_num(10 * a).astype(np.int64)
        out: list[Any] = [
            a.tolist(),
            tuple(map(tuple, a)) if a.ndim == 2 else tuple(a.ravel()),
            np.asfortranarray(a),
            _read_only(a),
            np.repeat(a, 2, axis=0)[::2],
            a[::-1],
            a.astype(object),
            a.astype(str),
            a.astype(np.float32),
            a.astype(np.float16),
            a.astype(np.longdouble),
            a.astype(complex),
            whole,
            whole.astype(np.int8),
            a > 0,
            np.ma.masked_greater(a, 0.5),
            a.astype(">f8"),
            a[None],
            a[..., None],
            a.T,
            a.ravel(),
            a[:0],
            a[:1],
            a[:2],
            a[: len(a) // 2],
            np.concatenate([a, a], axis=-1),
            np.zeros_like(a),
            np.ones_like(a),
            np.full_like(a, math.nan),
            a * 1e300,
            a * 1e200,
            a * 1e-300,
            a * 1e-160,
            a + 1e15,
            0.0 * a - 1e300,
            np.round(a),
            np.stack([a, a]),
            np.abs(a).sum() if a.size else 0.0,
        ]
    for value in (math.nan, math.inf, -math.inf, 1e300, 1e155, -1e300, 1e-310):
        if a.size:
            broken = a.copy()
            broken.flat[a.size // 2] = value
            out.append(broken)
    if a.ndim == 2 and a.shape[1]:
        still = a.copy()
        still[:, 0] = 7.0
        double = np.repeat(a[:, :1], a.shape[1], axis=1)
        out += [_matrix(a), still, a[:, :1], a[:, 0], double, np.column_stack([a, a[:, 0]])]
    return out


def _matrix(a: np.ndarray) -> np.matrix:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.matrix(a)


def _read_only(a: np.ndarray) -> np.ndarray:
    out = a.copy()
    out.setflags(write=False)
    return out


def _random_array(like: np.ndarray, seed: int) -> np.ndarray:
    """Numbers of any size in a shape near that of `like`."""
    rng = np.random.default_rng(seed)
    shape = [
        max(0, n + int(step)) for n, step in zip(like.shape, rng.integers(-2, 2, like.ndim), strict=True)
    ]
    shape = like.shape if rng.random() < 0.7 else shape
    if rng.random() < 0.1:
        shape = rng.integers(0, 4, rng.integers(0, 4))
    out = rng.standard_normal(shape) * 10.0 ** rng.choice([0, 0, 0, -9, 9, -200, 150])
    if out.size and rng.random() < 0.3:
        out.flat[rng.integers(out.size)] = rng.choice([0.0, math.nan, math.inf, 1e308, -1e150])
    return out


def _is_cell(value: Any) -> bool:
    return isinstance(getattr(type(value), "layout", None), protocol.Layout)


def _cells(cell: Any) -> list[Any]:
    """Each array of the cell replaced in turn, and what only looks like a cell."""
    out: list[Any] = [type(cell), tuple(cell), list(cell), cell._asdict()]
    for name in cell._fields:
        good = getattr(cell, name)
        out += [cell._replace(**{name: a}) for a in _arrays(good) if not _is_single(a)]
        out += [cell._replace(**{name: wrong}) for wrong in (None, "x", 1.0, [], object())]
    out.append(type(cell)(*(np.stack([a, a]) for a in cell)))
    return out


def _is_single(a: Any) -> bool:
    """Single precision is another class for the compiler, and seconds."""
    return isinstance(a, np.ndarray) and a.dtype == np.float32
