"""HDF5 files as Keras 3 writes them, and such that would lead elsewhere. Runs where h5py is installed."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from chaoskit.errors import ChaoskitError, ModelFileError
from chaoskit.interop import from_keras


def _keras_file(h5py, path, wrong):
    """Weights of one SimpleRNN as Keras 3 lays them out; `wrong` puts the recurrent ones there."""
    with h5py.File(path, "w") as file:
        variables = file.create_group("layers/simple_rnn/cell/vars")
        variables["0"] = np.ones((2, 3), "f4")
        wrong(file, variables)
    return path


def test_files_of_keras(tmp_path):
    h5py = pytest.importorskip("h5py")
    W = np.eye(3, dtype="f4")
    good = _keras_file(h5py, tmp_path / "a.weights.h5", lambda file, group: group.create_dataset("1", data=W))
    np.testing.assert_array_equal(from_keras(good).W, W)
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.write(good, "model.weights.h5")
        archive.writestr("config.json", "[" * 100_000)
    with pytest.raises(ModelFileError, match=r"a\.keras: expected weights saved by Keras"):
        from_keras(tmp_path / "a.keras")

    def elsewhere(file, group):
        group["1"] = h5py.ExternalLink(str(good), "/layers/simple_rnn/cell/vars/1")

    def again(file, group):
        group["1"] = W
        for name in "abcdefgh":
            group[name] = file["layers"]

    def huge(file, group):
        group.create_dataset("1", (1 << 20, 1 << 20), "f4", chunks=(1 << 10, 1 << 10))

    def outside(file, group):
        group.create_dataset("1", (3, 3), "f4", external=[(str(good), 0, 36)])

    def around(file, group):
        group["k" * 600] = group

    def texts(file, group):
        group.create_dataset("1", (3, 3), h5py.string_dtype())

    for wrong in (elsewhere, again, huge, outside, around, texts):
        with pytest.raises(ModelFileError, match=r"b\.h5"):
            from_keras(_keras_file(h5py, tmp_path / "b.h5", wrong))
    odd = _keras_file(h5py, tmp_path / "d.h5", lambda file, group: group.create_dataset("\u00b2", data=W))
    with pytest.raises(ChaoskitError, match="expected a recurrent layer"):
        from_keras(odd)
    whole = good.read_bytes()
    for length in range(0, len(whole), len(whole) // 30):
        (tmp_path / "c.h5").write_bytes(whole[:length])
        with pytest.raises(ChaoskitError):
            from_keras(tmp_path / "c.h5")
