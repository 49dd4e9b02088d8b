"""Any bytes and any tables as files: the numbers that are there, or a ChaoskitError.

`HYPOTHESIS_PROFILE=thorough pytest tests/report/test_fuzz_files.py` tries 10,000 of each.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import math
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaoskit._labelled import TimeSeries
from chaoskit.errors import ChaoskitError
from chaoskit.report import load_series

EXAMPLES = 10_000 if settings.default.max_examples >= 500 else 80
many = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])

cells = st.one_of(
    st.floats().map(repr), st.integers(-9, 9).map(str), st.text(max_size=4),
    st.sampled_from(["", "NA", "nan", "inf", "1e999", "x", "2020-01-31", "2020-01-31T12:00Z", '"', "1,5"]),
)  # fmt: skip
chosen = st.one_of(
    st.none(),
    st.lists(st.one_of(st.integers(-1, 4), st.text(max_size=2)), max_size=3),
    st.just("x"),
    st.just(3),
)
times = st.one_of(st.none(), st.integers(-1, 4), st.text(max_size=2), st.just(1.5))
suffixes = st.sampled_from([".csv", ".npy", ".npz", ".txt", ".csv.gz"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def check(found: TimeSeries) -> None:
    assert found.values.dtype == np.float64
    assert found.values.ndim == 2
    assert found.values.size
    assert np.isfinite(found.values).all()
    assert found.dt is None or (math.isfinite(found.dt) and found.dt > 0)
    assert not found.names or len(found.names) == found.values.shape[1]
    assert found.segments[0][0] == 0
    assert found.segments[-1][1] == len(found.values)
    assert all(a[1] == b[0] for a, b in zip(found.segments, found.segments[1:], strict=False))
    assert "TimeSeries(" in repr(found)


def read(file, **options) -> None:
    with contextlib.suppress(ChaoskitError):
        check(load_series(file, **options))


@many
@given(st.binary(max_size=300), suffixes, chosen, times, st.booleans())
def test_any_bytes(folder, content, suffix, columns, time_column, segments):
    file = folder / f"any{suffix}"
    file.write_bytes(content)
    read(file, columns=columns, time_column=time_column, segments=segments)


@many
@given(
    st.lists(st.lists(cells, min_size=1, max_size=4), max_size=8), st.sampled_from([",", ";", "\t", " "]),
    chosen, times, st.booleans(),
)  # fmt: skip
def test_any_table(folder, rows, separator, columns, time_column, segments):
    file = folder / "table.csv"
    text = "\n".join(separator.join(row) for row in rows)
    file.write_text(text, encoding="utf-8", errors="replace")
    read(file, columns=columns, time_column=time_column, segments=segments)
    read(file, dt=1.0, segments=segments)


@many
@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 3), st.booleans())
def test_tables_of_numbers_are_read_as_they_are(folder, seed, rows, columns, header):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-300, 300)
    lost = rng.random(rows) < 0.2
    lines = [",".join(repr(float(v)) for v in row) for row in values]
    lines = [line if not gone else ",".join(["NA"] * columns) for line, gone in zip(lines, lost, strict=True)]
    file = folder / "numbers.csv.gz"
    text = (["x,y,z"[: 2 * columns - 1]] if header else []) + lines
    file.write_bytes(gzip.compress("\n".join(text).encode()))
    if lost.all():
        return
    found = load_series(file, segments=True)
    check(found)
    np.testing.assert_array_equal(found.values, values[~lost])
    starts = np.flatnonzero(~lost & np.concatenate([[True], lost[:-1]]))
    assert len(found.segments) == len(starts)
    if not lost.any():
        np.testing.assert_array_equal(load_series(file).values, values)


@many
@given(st.data())
def test_damaged_arrays_and_archives(folder, data):
    buffer = io.BytesIO()
    array = np.arange(12.0).reshape(6, 2) ** 2
    kind = data.draw(st.sampled_from([".npy", ".npz", ".zip"]))
    if kind == ".npy":
        np.save(
            buffer, array.astype(data.draw(st.sampled_from(["f8", "f4", "i2", "?", "c8", "U3", "M8[s]"])))
        )
    elif kind == ".npz":
        np.savez_compressed(buffer, x=array, t=np.arange(6.0))
    else:
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(
                data.draw(st.sampled_from(["a.npy", "b", "../c.npy"])), data.draw(st.binary(max_size=80))
            )
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    file = folder / f"damaged{kind}"
    file.write_bytes(bytes(content[: data.draw(st.sampled_from([cut, len(content)]))]))
    options = {} if kind == ".npy" else {"key": data.draw(st.sampled_from([None, "x", "a", "b"]))}
    read(
        file,
        **options,
        segments=data.draw(st.booleans()),
        time_column=data.draw(st.sampled_from([None, "t", 1])),
    )
