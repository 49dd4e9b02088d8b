"""Model and checkpoint files that are cut, altered, or built to do harm: one clear error, and bounded memory.

`pytest -m slow tests/reliability/test_malicious_files.py` alters files ten thousand times.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from chaoskit import fit, load, simulate
from chaoskit.errors import ChaoskitError, ModelFileError
from chaoskit.forcing import Sparse
from chaoskit.systems import Henon
from chaoskit.training import npz_file

SERIES = simulate(Henon(), [0.1, 0.1], 300, transient=100)
ROOM = 4 << 20  # bytes beyond what the file itself takes, for all that reading needs


def train(checkpoint):
    return fit(
        SERIES, cell="plrnn", n_states=3, forcing=Sparse(3), sequence_length=20, batch_size=4, epochs=2,
        batches_per_epoch=4, checkpoint=checkpoint,
    )  # fmt: skip


READERS: dict[str, Callable] = {"model": load, "checkpoint": train}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of each kind, as bytes."""
    folder = tmp_path_factory.mktemp("files")
    train(folder / "checkpoint").save(folder / "model")
    return {kind: (folder / kind).read_bytes() for kind in READERS}


@pytest.fixture(params=list(READERS))
def kind(request):
    return request.param


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path, parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def npy(array, **options) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def claiming(shape: str, dtype: str = "<f8") -> bytes:
    """A few numbers under a header of anything."""
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64)


def refused(reader: Callable, path, match: str | None = None) -> None:
    """With a clear error, in memory of the order of the file."""
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match=match):
            reader(path)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken <= 4 * path.stat().st_size + ROOM, f"{taken} bytes taken"


@pytest.mark.parametrize("step", [29, pytest.param(1, marks=pytest.mark.slow)])
def test_cut_at_every_length(step, kind, files, tmp_path):
    path = tmp_path / "cut.npz"
    path.write_bytes(files[kind])
    for length in range(len(files[kind]) - 1, -1, -step):
        os.truncate(path, length)
        with pytest.raises(ModelFileError, match=r"cut\.npz"):
            npz_file.read(path, kind)


class Trap:
    """Unpickling this fails the test."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


@pytest.mark.parametrize("name", ["cell.W.npy", "header.npy"])
def test_pickles_are_not_executed(name, kind, files, tmp_path):
    parts, objects = members(files[kind]), np.array([Trap(), 1], object)
    for pickled in (pickle.dumps(Trap()), npy(objects, allow_pickle=True), claiming("(2,)", "|O")):
        refused(READERS[kind], written(tmp_path / "bad.npz", parts | {name: pickled}))
    (tmp_path / "bad.npz").write_bytes(pickle.dumps(Trap()))
    refused(READERS[kind], tmp_path / "bad.npz")


def test_archives_that_unpack_to_more_than_they_are(kind, files, tmp_path):
    parts = members(files[kind]) | {"cell.W.npy": npy(np.zeros(1 << 22))}  # 32 MiB of zeros
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        path = written(tmp_path / "bomb.npz", parts, method)
        assert path.stat().st_size < 1 << 20
        refused(READERS[kind], path, "compressed archive")


def test_one_member_many_times(kind, files, tmp_path):
    """The directory of the archive names the same bytes again and again."""
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cell.W.npy", npy(np.zeros(1 << 17)))
        archive.filelist += archive.filelist * 2000
    refused(READERS[kind], path, "compressed archive")


@pytest.mark.parametrize(
    "content",
    [
        claiming("(1000000000,)"), claiming("(10**12,)"), claiming(f"({10**12},)"), claiming(f"({2**63},)"),
        claiming(f"({10**6}, {10**6})"), claiming(f"(0, {10**15})"), claiming(f"({10**15}, 0)"),
        claiming("(-1,)"), claiming("(-2, -4)"), claiming("()"), claiming("(" * 4000 + ")" * 4000),
        claiming("("), claiming("(2, "), claiming("'x'"), claiming("(True, 8)"), claiming("(2.0,)"),
        claiming("(8,)", "|V1000000000"), claiming("(8,)", "|S0"), claiming("(8,)", "nonsense"),
        claiming("(8,)", "<M8[s]"), claiming("(4,)", "<c16"), b"\x93NUMPY\x03\x00" + b"\xff" * 20,
    ],
    ids=lambda content: str(content[:60]),
)  # fmt: skip
def test_absurd_shapes(content, kind, files, tmp_path):
    parts = members(files[kind])
    names = {"model": ("cell.A.npy", "decoder.npy", "context.npy", "context_inputs.npy", "history.loss.npy")}
    for name in names.get(kind, ("cell.A.npy", "losses.npy", "validation_exponents.npy", "mean.0.npy")):
        refused(READERS[kind], written(tmp_path / "bad.npz", parts | {name: content}))


def altered(parts: dict[str, bytes], rng: np.random.Generator) -> dict[str, bytes]:
    """One member, more often a header than numbers, with bytes changed, cut out, repeated or put in."""
    name = "header.npy" if rng.random() < 0.4 else str(rng.choice(list(parts)))
    content = bytearray(parts[name])
    for _ in range(rng.integers(1, 4)):
        end = len(content) if rng.random() < 0.5 else min(len(content), 128)
        at, length = rng.integers(max(end, 1)), rng.integers(1, 12)
        choice = rng.integers(4)
        if choice == 0:
            content[at : at + 1] = rng.bytes(1)
        elif choice == 1:
            del content[at : at + length]
        elif choice == 2:
            content[at:at] = content[at : at + length]
        else:
            content[at:at] = rng.choice([b"9", b"0", b"-", b"(", b"}", b"[", b'"', b"e9", b"null", b"NaN"])
    return parts | {name: bytes(content)}


@pytest.mark.parametrize("times", [150, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore::UserWarning")  # of numpy, about headers that Python 2 wrote
def test_altered_files(times, kind, files, tmp_path, measured):
    """Any change inside leads to a clear error, or to a file that is whole in another way."""
    parts, path, taken = members(files[kind]), tmp_path / "altered.npz", 0
    seen: set[bool] = set()
    rng = np.random.default_rng(times)
    for _ in range(times):
        written(path, altered(parts, rng))
        try:
            READERS[kind](path)
            taken += 1
        except ChaoskitError as error:
            seen.add("altered.npz" in str(error))
        path.unlink()
    measured("files", f"{times} altered, {taken} still whole")
    assert taken < times / 2
    assert seen == {True}  # every message names the file


def test_columns_of_different_length(files, tmp_path):
    parts = members(files["model"])
    for name in ("update", "gradient_norm", "validation"):
        path = written(tmp_path / "odd.npz", parts | {f"history.{name}.npy": npy(np.zeros(1))})
        refused(load, path, "expected as many numbers as")


@pytest.mark.parametrize(
    "change",
    [
        {"tau": 10**18},
        {"delays": [1, 10**12]},
        {"delays": [10**12, 1]},
        {"best_update": 10**30},
        {"dt": 1e308},
    ],
    ids=str,
)
def test_absurd_numbers_in_the_header(change, files, tmp_path):
    """They are refused, or they are no more than numbers."""
    parts = members(files["model"])
    header = json.loads(np.load(io.BytesIO(parts["header.npy"])).tobytes())
    changed = npy(np.frombuffer(json.dumps(header | change).encode(), np.uint8))
    path = written(tmp_path / "odd.npz", parts | {"header.npy": changed})
    try:
        model = load(path)
    except ModelFileError:
        return
    assert np.isfinite(model.generate(20).series).all()
