"""Print the table of ratios: ``python -m benchmarks.peers [PART ...] [--all-cells] [--rounds 5]``.

CPU time of one thread; chaoskit, its peers and a large product of the BLAS take turns; medians are compared.
Peers that are not installed are left out: `pip install jax torch pynamicalsys nolds`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from . import gradients as through_time
from . import measuring, series, spectra

PACKAGES = ("chaoskit", "numpy", "scipy", "numba", "jax", "torch", "pynamicalsys", "nolds")


def machine() -> str:
    """Processor, cores, versions."""
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = named[0].partition(":")[2].strip() if named else cpu
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"no {package}")
    return f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}; {', '.join(versions)}"


def load() -> str:
    return f"load average {os.getloadavg()[0]:.1f}"


def main() -> None:
    parts: dict[str, Callable[..., Iterator[measuring.Work]]] = {
        "spectra": partial(spectra.networks, (3, 16, 64, 128, 256, 512), 1.5),
        "leading": partial(spectra.networks, (64, 256, 512), 1.5, leading=True),
        "strong": partial(spectra.networks, (16, 64, 128, 256), 3.0),
        "ensembles": spectra.ensembles,
        "flows": spectra.flows,
        "gradients": through_time.steps,
        "updates": through_time.updates,
        "series": series.estimators,
    }
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--all-cells", action="store_true", help="gradients of all twelve cells")
    parser.add_argument("--rounds", type=int, default=5, help="how often each takes its turn")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(parts):
        parser.error(f"expected parts among {', '.join(parts)}, got {', '.join(sorted(unknown))}")
    if given.all_cells:
        parts["gradients"] = partial(through_time.steps, every_cell=True)
    print(f"{machine()}; {load()}\n\n{measuring.header()}", flush=True)
    for name in given.parts or parts:
        for work in parts[name]():
            print(measuring.row(work, given.rounds), flush=True)
    print(f"\n{load()} at the end")


if __name__ == "__main__":
    sys.exit(main())
