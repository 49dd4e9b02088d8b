"""Models on disk: the same bit for bit, and one clear error for anything that is no model."""

from __future__ import annotations

import io
import json
import math
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from chaoskit import fit, load, simulate
from chaoskit.errors import ChaoskitError, ModelFileError
from chaoskit.forcing import Sparse
from chaoskit.systems import Henon, Lorenz63
from chaoskit.training import FitResult

HENON = simulate(Henon(), [0.1, 0.1], 1500, transient=100)
QUICK = {"epochs": 2, "batches_per_epoch": 5, "sequence_length": 20, "batch_size": 4}


def quick(series=HENON, **options):
    return fit(series, **({"forcing": Sparse(3)} | QUICK | options))


@pytest.fixture(scope="module")
def model():
    return quick(seed=1)


@pytest.fixture(scope="module")
def learned():
    return quick(cell="lstm", n_states=4, seed=1)


def same(a: FitResult, b: FitResult) -> None:
    assert type(a.cell) is type(b.cell)

    def arrays(m):
        return [*m.cell, m.decoder, m.mean, m.scale, m.context]

    for x, y in zip(arrays(a), arrays(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)
    assert (a.dt, a.tau, a.settings, a.best_update, a.diverged_at) == (
        b.dt,
        b.tau,
        b.settings,
        b.best_update,
        b.diverged_at,
    )
    assert a.history.keys() == b.history.keys()
    for name in a.history:
        np.testing.assert_array_equal(a.history[name], b.history[name])
    np.testing.assert_array_equal(a.generate(100).series, b.generate(100).series)


def test_save_and_load_bit_for_bit(model, learned, tmp_path):
    for number, one in enumerate((model, learned, quick(dtype=np.float32))):
        path = tmp_path / f"{number}.npz"
        one.save(path)
        same(one, load(path))
        same(one, load(str(path)))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.npz", "1.npz", "2.npz"]


def test_save_keeps_the_estimate_and_numpy_settings(tmp_path):
    series = simulate(Lorenz63(), [1.0, 2.0, 20.0], 6000, transient=1000)
    model = quick(series, forcing="auto", dt=0.01, sequence_length="auto", epochs=1, batches_per_epoch=1,
                  seed=np.int64(3), cell_options={"n_hidden": np.int64(9)})  # fmt: skip
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    np.testing.assert_array_equal(again.lyapunov.curve, model.lyapunov.curve)
    for name in ("exponent", "interval", "fit_range", "recommended_tau", "fit", "quality"):
        assert getattr(again.lyapunov, name) == getattr(model.lyapunov, name)
    assert again.settings["seed"] == 3


def test_saving_where_it_cannot_be(model, tmp_path):
    for place in (tmp_path / "none" / "m.npz", tmp_path):
        with pytest.raises(ModelFileError):
            model.save(place)
    assert list(tmp_path.iterdir()) == []


def damaged(folder, original, name, change):
    """A copy of a model file whose members went through `change(dict of bytes)`."""
    with zipfile.ZipFile(original) as archive:
        members = {entry: archive.read(entry) for entry in archive.namelist()}
    change(members)
    path = folder / f"{name}.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for entry, content in members.items():
            archive.writestr(entry, content)
    return path


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def header_with(**changes):
    def change(members):
        header = json.loads(np.load(io.BytesIO(members["header.npy"])).tobytes())
        members["header.npy"] = npy(np.frombuffer(json.dumps(header | changes).encode(), np.uint8))

    return change


def _claiming(size):
    """Two numbers whose header says that they are `size`."""
    claim = f"({size},)".encode()
    pad = b" " * (len(claim) - len(b"(2,)")) + b"\n"
    return npy(np.zeros(2)).replace(b"(2,)", claim).replace(pad, b"\n")


class Trap:
    """Unpickling this fails the test."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


DAMAGE = {
    "version": header_with(version=99),
    "no version": header_with(version=None),
    "format": header_with(format="other"),
    "cell": header_with(cell="os.system"),
    "not a cell": header_with(cell="protocol"),
    "cell of another kind": header_with(cell="Tanh"),
    "dt": header_with(dt=-1),
    "estimate": header_with(lyapunov={"interval": [1]}),
    "estimate is a list": header_with(lyapunov=[1, 2]),
    "header without fields": lambda m: m.update({"header.npy": npy(np.frombuffer(
        b'{"format": "chaoskit model", "version": 1}', np.uint8))}),
    "header is a list": lambda m: m.update({"header.npy": npy(np.frombuffer(b"[]", np.uint8))}),
    "header is no text": lambda m: m.update({"header.npy": npy(np.full(9, 255, np.uint8))}),
    "header is deep": lambda m: m.update({"header.npy": npy(np.frombuffer(b"[" * 200_000, np.uint8))}),
    "no header": lambda m: m.pop("header.npy"),
    "missing array": lambda m: m.pop("cell.W1.npy"),
    "no decoder": lambda m: m.pop("decoder.npy"),
    "wrong shape": lambda m: m.update({"cell.W1.npy": npy(np.zeros((2, 3)))}),
    "wrong decoder": lambda m: m.update({"decoder.npy": npy(np.zeros((2, 2)))}),
    "wrong mean": lambda m: m.update({"mean.npy": npy(np.zeros(5))}),
    "no numbers": lambda m: m.update({"cell.A.npy": npy(np.array(["a", "b"]))}),
    "not finite": lambda m: m.update({"cell.A.npy": npy(np.array([np.nan, 1.0]))}),
    "pickle": lambda m: m.update({"cell.A.npy": npy(np.array([Trap(), 1], object), allow_pickle=True)}),
    "pickled header": lambda m: m.update({"header.npy": npy(np.array([Trap()], object), allow_pickle=True)}),
    "bare pickle": lambda m: m.update({"cell.A.npy": pickle.dumps(Trap())}),
    "empty member": lambda m: m.update({"cell.A.npy": b""}),
    "huge claim": lambda m: m.update({"cell.A.npy": _claiming(10**14)}),
    "short member": lambda m: m.update({"cell.A.npy": npy(np.zeros(2))[:-3]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_and_malicious_files(kind, model, tmp_path):
    model.save(tmp_path / "good.npz")
    path = damaged(tmp_path, tmp_path / "good.npz", "bad", DAMAGE[kind])
    with pytest.raises(ModelFileError, match=r"bad\.npz") as caught:
        load(path)
    assert isinstance(caught.value, ChaoskitError)


def test_files_that_are_no_archive(model, tmp_path):
    model.save(tmp_path / "good.npz")
    whole = (tmp_path / "good.npz").read_bytes()
    contents = {
        "empty": b"", "text": b"a,b\n1,2\n", "pickle": pickle.dumps(Trap()), "npy": npy(np.zeros(3)),
        "half": whole[: len(whole) // 2], "tail": whole[len(whole) // 2 :], "flipped": _flip(whole),
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelFileError, match=name):
            load(tmp_path / name)
    with pytest.raises(ModelFileError, match="no such file"):
        load(tmp_path / "nowhere.npz")
    with pytest.raises(ModelFileError):
        load(tmp_path)
    with pytest.raises(ChaoskitError):
        load(None)


def _flip(content: bytes) -> bytes:
    at = content.index(b"cell.W1.npy") + 400
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    "header", [{"tau": "three"}, {"settings": 3}, {"best_update": None}, {"diverged_at": "x"}]
)
def test_header_fields_of_the_wrong_kind(header, model, tmp_path):
    model.save(tmp_path / "good.npz")
    path = damaged(tmp_path, tmp_path / "good.npz", "bad", header_with(**header))
    with pytest.raises(ModelFileError):
        load(path)


ESTIMATE = {
    "exponent": 0.4, "interval": [0.3, 0.5], "fit_range": [0.0, 3.0], "quality": "good",
    "predictability_time": math.inf, "recommended_tau": None, "delay": 1, "dimension": 2, "theiler": 0,
    "dt": 1.0, "fit": [0.4, math.nan],
}  # fmt: skip


def _with_estimate(model, tmp_path, **changes):
    model.save(tmp_path / "good.npz")

    def change(members):
        header_with(lyapunov=ESTIMATE | changes)(members)
        members["lyapunov.curve.npy"] = npy(np.zeros((4, 2)))

    return damaged(tmp_path, tmp_path / "good.npz", "bad", change)


def test_an_estimate_may_be_without_a_number(model, tmp_path):
    found = load(_with_estimate(model, tmp_path, exponent=math.nan)).lyapunov
    assert math.isnan(found.exponent)
    assert math.isinf(found.predictability_time)
    assert found.interval == (0.3, 0.5)


@pytest.mark.parametrize(
    "changes",
    [
        {"exponent": "x"}, {"interval": [0.1, "x"]}, {"interval": [0.1, 0.2, 0.3]}, {"fit_range": [None, 1]},
        {"quality": 3}, {"predictability_time": None}, {"recommended_tau": 0}, {"recommended_tau": "x"},
        {"delay": 0}, {"dimension": 1.5}, {"theiler": -1}, {"dt": 0}, {"fit": "ab"}, {"more": 1},
        {"estimates": "x"}, {"estimates": {"a": "x"}}, {"noise_level": None}, {"origin": 3},
    ],
    ids=str,
)  # fmt: skip
def test_an_estimate_of_the_wrong_kind(changes, model, tmp_path):
    with pytest.raises(ModelFileError, match="flaw"):
        load(_with_estimate(model, tmp_path, **changes))


def test_a_decoder_that_could_not_be_loaded_is_not_saved(learned, tmp_path):
    lost = replace(learned, decoder=learned.decoder[[0, 0]] + 1e-9 * learned.decoder)
    with pytest.raises(
        ModelFileError, match=r"could not be loaded again: decoder: .*DecoderConditionPenalty"
    ):
        lost.save(tmp_path / "m.npz")
    assert list(tmp_path.iterdir()) == []
