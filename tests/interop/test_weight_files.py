"""Files of weights: what they hold is read exactly, and nothing that is wrong with them does harm."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from layer_runs import M, N, flax_tree, random_weights, torch_names
from raw_files import integer, numbers, safetensors_bytes, safetensors_of, table, tensor, text, torch_file

from chaoskit.errors import ChaoskitError, InvalidInputError, ModelFileError
from chaoskit.interop import from_flax, from_keras, from_safetensors, from_torch
from chaoskit.interop.safetensors_file import read_safetensors

CHECKPOINT = Path(__file__).parent / "data" / "checkpoint.pt"
NAMES = torch_names([random_weights("tanh", N, M)], "rnn.")
MEMORY = 1 << 23  # bytes that reading a small file may take, whatever the file says


@pytest.fixture
def _bounded_memory():
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY


def entries(arrays):
    """Tensors of a table, each alone in its storage."""
    return {name: tensor(str(i), a.size, a.shape) for i, (name, a) in enumerate(arrays.items())}


def storages(arrays, order="<"):
    return {str(i): a.astype(f"{order}f8").tobytes() for i, a in enumerate(arrays.values())}


def same(model, arrays=NAMES):
    np.testing.assert_array_equal(model.W, arrays["rnn.weight_hh_l0"])
    np.testing.assert_array_equal(model.U, arrays["rnn.weight_ih_l0"])


# ---- what is right
def test_torch_files(tmp_path):
    path = torch_file(tmp_path / "a.pt", table(entries(NAMES)), storages(NAMES))
    same(from_torch(path))
    same(from_torch(str(path)))
    big = torch_file(tmp_path / "b.pt", table(entries(NAMES)), storages(NAMES, ">"), byteorder=b"big")
    same(from_torch(big))


def test_tensors_with_strides_and_offsets(tmp_path):
    W = NAMES["rnn.weight_hh_l0"]
    stored = np.concatenate([[7.0, 7.0], W.T.ravel()])
    changed = entries(NAMES) | {"rnn.weight_hh_l0": tensor("w", stored.size, W.shape, (1, N), offset=2)}
    same(from_torch(torch_file(tmp_path / "a.pt", table(changed), storages(NAMES) | {"w": stored.tobytes()})))


@pytest.mark.parametrize("kind", ["f8", "f4", "f2", "bf16"])
def test_safetensors_files(kind, tmp_path):
    path = tmp_path / "net.safetensors"
    if kind == "bf16":  # the upper halves of float32
        arrays = {name: a.astype("<f4").view("<u4") >> 16 << 16 for name, a in NAMES.items()}
        path.write_bytes(safetensors_of({name: (a >> 16).astype("<u2") for name, a in arrays.items()}))
        arrays = {name: a.view("<f4") for name, a in arrays.items()}
    else:
        arrays = {name: a.astype(f"<{kind}") for name, a in NAMES.items()}
        path.write_bytes(safetensors_of(arrays))
    for read in (from_safetensors, from_torch):
        model = read(path)
        assert model.W.dtype == ("float64" if kind == "f8" else "float32")
        same(model, arrays)


def test_safetensors_with_the_names_of_flax(tmp_path):
    tree = flax_tree("gru", random_weights("gru", N, M))
    flat = {
        f"params.cell.{gate}.{part}": a.copy() for gate, parts in tree.items() for part, a in parts.items()
    }
    path = tmp_path / "net.safetensors"
    path.write_bytes(safetensors_of(flat))
    for a, b in zip(from_safetensors(path), from_flax(tree), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("length", [0x280, 0x480])
def test_a_table_whose_length_looks_like_a_pickle(length, tmp_path):
    whole = safetensors_of(NAMES)
    (size,) = struct.unpack("<Q", whole[:8])
    header, data = whole[8 : 8 + size].ljust(length), whole[8 + size :]
    (tmp_path / "net.bin").write_bytes(safetensors_bytes(header, data))
    same(from_torch(tmp_path / "net.bin"))


@pytest.mark.usefixtures("_bounded_memory")
def test_other_tensors_of_a_file_are_not_read(tmp_path):
    """A huge embedding beside the network, of a type without numbers here, costs nothing."""
    header = {"table": {"dtype": "F8_E4M3", "shape": [1 << 24], "data_offsets": [0, 1 << 24]}}
    for name, a in NAMES.items():
        begin = max(row["data_offsets"][1] for row in header.values())
        header[name] = {"dtype": "F64", "shape": list(a.shape), "data_offsets": [begin, begin + a.nbytes]}
    path = tmp_path / "net.safetensors"
    with open(path, "wb") as file:
        file.write(safetensors_bytes(header))
        file.seek(1 << 24, io.SEEK_CUR)
        for a in NAMES.values():
            file.write(a.tobytes())
    same(from_safetensors(path))
    with pytest.raises(InvalidInputError, match="F8_E4M3"):
        read_safetensors(path).array("table", 1)


# ---- what is wrong
DOUBLED = b")q\x07" + 40 * b"h\x07h\x07\x86q\x07"  # a tuple whose text would never end
RUN = b"cos\nsystem\n" + text("touch was_here") + b"\x85R"
HARM = {
    "os.system": RUN,
    "eval": b"cbuiltins\neval\n" + text("open('was_here', 'w')") + b"\x85R",
    "by name": text("os") + text("system") + b"\x93" + text("touch was_here") + b"\x85R",
    "old instruction": b"(" + text("touch was_here") + b"ios\nsystem\n",
    "new object": b"csubprocess\nPopen\n" + text("touch was_here") + b"\x85\x81",
    "torch function": b"ctorch\nload\n" + text("x") + b"\x85R",
    "state of a function": b"ctorch._utils\n_rebuild_tensor_v2\n}" + text("__code__") + b"Nsb0",
    "call of a number": integer(3) + b")R",
    "call of a storage": b"ctorch\nFloatStorage\n)R",
    "extension": b"\x82\x010",
    "list for dict": b"]" + text("a") + text("b") + b"s0",
    "tuple as key": b"}" + b")" + text("b") + b"s0",
    "no memo": b"h\x05",
    "no mark": b"t",
    "empty stack": b"0",
    "storage of nothing": text("storage") + b"Q",
    "storage of 5 numbers": numbers(range(5)) + b"Q",
    "endless name": DOUBLED + text("x") + b"\x93",
    "endless key": DOUBLED + tensor("0", 9, (3, 3)).replace(text("0") + text("cpu"), b"h\x07" + text("cpu")),
    "endless shape": DOUBLED
    + tensor("0", 9, (3, 3)).replace(numbers((3, 3)) + numbers((3, 1)), b"h\x07\x85K\x01\x85"),
    "keys of one hash": b"}" + integer((1 << 61) - 1) + b"Ns0",
    "huge number": b"\x8b\xff\xff\xff\x7f",
    "huge text": b"X\xff\xff\xff\xff",
}


@pytest.mark.usefixtures("_bounded_memory")
@pytest.mark.parametrize("case", HARM)
def test_pickles_run_nothing(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = torch_file(tmp_path / "a.pt", table(entries(NAMES), first=HARM[case]), storages(NAMES))
    with pytest.raises(ModelFileError, match=r"a\.pt"):
        from_torch(path)
    assert not Path("was_here").exists()


def test_what_is_refused_has_a_name(tmp_path):
    path = torch_file(tmp_path / "a.pt", table(entries(NAMES), first=RUN), storages(NAMES))
    with pytest.raises(ModelFileError, match=r"Python object os\.system, which is not loaded.*state_dict"):
        from_torch(path)


@pytest.mark.usefixtures("_bounded_memory")
def test_a_memo_with_holes_takes_no_memory(tmp_path):
    content = table(entries(NAMES)).replace(b"}(", b"}r\xff\xff\xff\xff(")
    same(from_torch(torch_file(tmp_path / "a.pt", content, storages(NAMES))))


def test_mappings_that_multiply_or_never_end(tmp_path):
    doubled = b"}q\x00"
    for level in range(25):  # each holds the one before it twice
        both = b"".join(text(name) + b"h" + bytes([level]) for name in "ab")
        doubled += b"}(" + both + b"uq" + bytes([level + 1])
    endless = b"}q\x00" + text("a") + b"h\x00s"
    for content in (doubled, endless):
        with pytest.raises(ChaoskitError, match="mappings inside one another"):
            from_torch(torch_file(tmp_path / "a.pt", b"\x80\x02" + content + b".", {}))
    deep = b"\x80\x02)" + b"\x85" * 100_000 + b"."
    with pytest.raises(ChaoskitError, match="recurrent layer"):
        from_torch(torch_file(tmp_path / "a.pt", deep, {}))


HUGE = 1 << 40
SHAPES = {
    "beyond": tensor("0", 9, (4, 3)),
    "huge": tensor("0", HUGE, (HUGE,), (1,)),
    "product": tensor("0", 9, (1 << 30, 1 << 30), (0, 0)),
    "expanded": tensor("0", 9, (10, 10), (0, 0)),
    "negative size": tensor("0", 9, (-3, 3), (3, 1)),
    "negative stride": tensor("0", 9, (3, 3), (3, -1)),
    "negative offset": tensor("0", 9, (3, 3), offset=-1),
    "offset": tensor("0", 9, (3, 3), offset=1),
    "strides": tensor("0", 9, (3, 3), (1,)),
    "many": tensor("0", 9, (1,) * 40, (1,) * 40),
    "storage is longer": tensor("0", 10, (3, 3)),
    "storage is shorter": tensor("0", 8, (2, 3)),
    "no storage": tensor("other", 9, (3, 3)),
    "outside": tensor("../data.pkl", 9, (3, 3)),
}


@pytest.mark.usefixtures("_bounded_memory")
@pytest.mark.parametrize("case", SHAPES)
def test_torch_tensors_that_do_not_lie_in_their_storage(case, tmp_path):
    arrays = {"rnn.weight_hh_l0": np.ones((3, 3)), "rnn.weight_ih_l0": np.ones((3, 2))}
    content = table(entries(arrays) | {"rnn.weight_hh_l0": SHAPES[case]})
    with pytest.raises(ModelFileError, match=r"a\.pt"):
        from_torch(torch_file(tmp_path / "a.pt", content, storages(arrays)))


def test_packed_storages_and_programs_are_refused(tmp_path):
    packed = torch_file(tmp_path / "a.pt", table(entries(NAMES)), storages(NAMES), zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelFileError, match=r"data\.pkl is packed"):
        from_torch(packed)
    numbers_packed = torch_file(tmp_path / "a.pt", table(entries(NAMES)), {})
    with zipfile.ZipFile(numbers_packed, "a", zipfile.ZIP_DEFLATED) as archive:
        for key, raw in storages(NAMES).items():
            archive.writestr(f"net/data/{key}", raw)
    with pytest.raises(ModelFileError, match=r"data/\d is packed"):
        from_torch(numbers_packed)
    program = torch_file(tmp_path / "b.pt", table({}), {}, **{"constants.pkl": b""})
    with pytest.raises(ModelFileError, match="TorchScript"):
        from_torch(program)
    (tmp_path / "c.pt").write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + bytes(100))
    with pytest.raises(ModelFileError, match=r"version 1\.6"):
        from_torch(tmp_path / "c.pt")


def _npy(header: str, data: bytes = b"", version=b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header.encode() + data


ARRAYS = {
    "huge shape": _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 1099511627776), }"),
    "negative": _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -9), }", bytes(72)),
    "pickled": _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cos\nsystem\n."),
    "cut off": _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 3), }", bytes(71)),
    "too much": _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 3), }", bytes(80)),
    "no header": b"\x93NUMPY\x01\x00",
    "code": _npy("__import__('os').system('touch was_here')"),
    "version": _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 3), }", bytes(72), b"\x09\x00"),
    "no bytes": _npy("{'descr': '|V0', 'fortran_order': False, 'shape': (1099511627776,), }"),
    "text": _npy("{'descr': '<U2', 'fortran_order': False, 'shape': (3, 3), }", bytes(72)),
    "nothing": b"",
    "brackets": _npy("(" * 3000),
}


@pytest.mark.usefixtures("_bounded_memory")
@pytest.mark.parametrize("case", ARRAYS)
def test_npz_arrays(case, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weight_hh_l0.npy", b"")
        archive.writestr("weight_ih_l0.npy", ARRAYS[case])
    with pytest.raises(ModelFileError, match=r"a\.npz"):
        from_torch(tmp_path / "a.npz")


@pytest.mark.usefixtures("_bounded_memory")
def test_zip_bombs(tmp_path):
    """64 MiB of zeros in 64 KiB; and an entry that says less than it holds."""
    bomb = tmp_path / "bomb.npz"
    header = _npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4096, 2048), }")
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("weight_ih_l0.npy", "w") as file,
    ):
        file.write(header)
        for _ in range(1024):
            file.write(bytes(1 << 16))
        file.close()
        archive.writestr("weight_hh_l0.npy", b"")
    with pytest.raises(ModelFileError, match="would unpack"):
        from_torch(bomb)
    raw = bytearray(bomb.read_bytes())
    at = raw.index(b"PK\x01\x02") + 24  # the size in the directory
    raw[at : at + 4] = struct.pack("<I", len(header) + 72)
    bomb.write_bytes(raw)
    with pytest.raises(ModelFileError, match="damaged"):
        from_torch(bomb)


def _row(dtype="F64", shape=(3, 3), offsets=(0, 72)):
    return {"weight_hh_l0": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


TABLES = {
    "huge table": struct.pack("<Q", 1 << 62) + b"{}",
    "table beyond the file": struct.pack("<Q", 50) + b"{}",
    "short": b"\x00\x01",
    "nothing": b"",
    "huge shape": safetensors_bytes(_row(shape=(HUGE, HUGE)), bytes(72)),
    "many sizes": safetensors_bytes(_row(shape=(1 << 59,) * 10_000), bytes(72)),
    "sizes": safetensors_bytes(_row(shape=(3, 4)), bytes(72)),
    "negative": safetensors_bytes(_row(shape=(-3, -3)), bytes(72)),
    "fractions": safetensors_bytes(_row(shape=(3.0, 3)), bytes(72)),
    "truth": safetensors_bytes(_row(shape=(True, 9)), bytes(72)),
    "text": safetensors_bytes(_row(shape="33"), bytes(72)),
    "backwards": safetensors_bytes(_row("F8", (0,), (72, 0)), bytes(72)),
    "three ends": safetensors_bytes(_row(offsets=(0, 36, 72)), bytes(72)),
    "gap": safetensors_bytes(_row(offsets=(8, 80)), bytes(80)),
    "rest": safetensors_bytes(_row(), bytes(80)),
    "cut off": safetensors_bytes(_row(), bytes(71)),
    "overlap": safetensors_bytes(_row() | {"b": _row()["weight_hh_l0"]}, bytes(72)),
    "overlap and rest": safetensors_bytes(_row() | {"b": _row()["weight_hh_l0"]}, bytes(144)),
    "no row": safetensors_bytes({"a": 3}),
    "no table": safetensors_bytes([1, 2]),
    "kind": safetensors_bytes(_row(dtype=["F64"]), bytes(72)),
    "deep": safetensors_bytes(b"[" * 200_000),
    "twice": safetensors_bytes(
        json.dumps(_row()).encode()[:-1] + b", " + json.dumps(_row()).encode()[1:], bytes(72)
    ),
    "no text": safetensors_bytes(b"\xff\xfe{}"),
    "long number": safetensors_bytes(b'{"a": ' + b"9" * 10_000 + b"}"),
}


@pytest.mark.usefixtures("_bounded_memory")
@pytest.mark.parametrize("case", TABLES)
def test_safetensors_tables(case, tmp_path):
    (tmp_path / "a.safetensors").write_bytes(TABLES[case])
    for read in (from_safetensors, from_torch):
        with pytest.raises(ModelFileError, match=r"a\.safetensors"):
            read(tmp_path / "a.safetensors")


def _files(tmp_path):
    """A good small file of each kind."""
    np.savez(tmp_path / "a.npz", **NAMES)
    (tmp_path / "a.safetensors").write_bytes(safetensors_of(NAMES))
    torch_file(tmp_path / "a.pt", table(entries(NAMES)), storages(NAMES))
    (tmp_path / "b.pt").write_bytes(CHECKPOINT.read_bytes())
    return sorted(tmp_path.iterdir())


def test_truncated_files(tmp_path):
    for path in _files(tmp_path):
        whole = path.read_bytes()
        for length in range(0, len(whole), max(1, len(whole) // 80)):
            path.write_bytes(whole[:length])
            with pytest.raises(ModelFileError, match=path.name):
                from_torch(path)


def test_files_with_wrong_bytes(tmp_path):
    """A changed byte gives another network or one clear error."""
    rng = np.random.default_rng(0)
    for path in _files(tmp_path):
        whole = path.read_bytes()
        for at in rng.integers(len(whole), size=80):
            path.write_bytes(whole[:at] + bytes([rng.integers(256)]) + whole[at + 1 :])
            _read_or_refuse(path)


def test_tables_with_wrong_bytes(tmp_path):
    """Behind the archive's checksum, too."""
    rng, content = np.random.default_rng(1), table(entries(NAMES))
    for at in rng.integers(len(content), size=300):
        changed = content[:at] + bytes([rng.integers(256)]) + content[at + 1 :]
        _read_or_refuse(torch_file(tmp_path / "a.pt", changed, storages(NAMES)))


def _read_or_refuse(path):
    with contextlib.suppress(ChaoskitError):
        from_torch(path, prefix="model.memory" if path.name == "b.pt" else None)


def test_missing_and_unknown_files(tmp_path):
    for read in (from_torch, from_keras, from_flax, from_safetensors):
        with pytest.raises(ModelFileError, match="no such file"):
            read(tmp_path / "none.pt")
        with pytest.raises(ModelFileError, match="cannot be read"):
            read(tmp_path)
    (tmp_path / "a.bin").write_bytes(b"something else")
    (tmp_path / "b.pkl").write_bytes(b"\x80\x04.")
    for name, message in (("a.bin", "something else"), ("b.pkl", "a pickle, which is not loaded")):
        with pytest.raises(ModelFileError, match=message):
            from_torch(tmp_path / name)
    with pytest.raises(ModelFileError, match="expected a file name"):
        from_torch("a\0b")
