"""What an installed chaoskit must do anywhere: ``python .ci/smoke.py``, outside of the checkout."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import chaoskit
from chaoskit.forcing import Sparse
from chaoskit.systems import Henon


def main() -> None:
    place = Path(chaoskit.__file__)
    if "site-packages" not in place.parts:
        sys.exit(f"chaoskit comes from {place}, not from an installation")
    if importlib.metadata.version("chaoskit") != chaoskit.__version__:
        sys.exit(
            f"the package says {importlib.metadata.version('chaoskit')}, the module {chaoskit.__version__}"
        )
    exponents = chaoskit.lyapunov_spectrum(Henon(), steps=100_000).exponents
    np.testing.assert_allclose(exponents, Henon.reference_exponents, atol=5e-3)
    series = chaoskit.simulate(Henon(), [0.1, 0.1], 500, transient=100)
    model = chaoskit.fit(
        series, cell="plrnn", n_states=3, forcing=Sparse(3), sequence_length=20, batch_size=4, epochs=2,
        batches_per_epoch=4,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model.npz")
        again = chaoskit.load(f"{folder}/model.npz")
        np.testing.assert_array_equal(again.generate(50).series, model.generate(50).series)
    said = subprocess.run([sys.executable, "-m", "chaoskit.cli", "--version"], capture_output=True, text=True)
    if said.stdout.strip() != f"chaoskit {chaoskit.__version__}":
        sys.exit(f"the command line says {said.stdout!r} {said.stderr!r}")
    print(f"chaoskit {chaoskit.__version__} on Python {sys.version.split()[0]}, NumPy {np.__version__}: fine")


if __name__ == "__main__":
    main()
