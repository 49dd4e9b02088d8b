"""Settings of the test run: one BLAS thread, a kernel cache of its own for each state of the sources."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
from pathlib import Path

import hypothesis
import pytest


def _compiled_sources() -> list[Path]:
    """Files whose text decides what the kernels do, found without importing the package."""
    spec = importlib.util.find_spec("chaoskit")
    root = Path(spec.origin).parent
    return [
        root / "_jit.py",
        *(
            f
            for d in ("cells", "kernels", "systems")
            for f in sorted((root / d).glob("*.py"))
            if not f.name.startswith("gpu_")
        ),
    ]


def _set_cache_folder() -> None:
    """NUMBA_CACHE_DIR by the digest of the compiled sources: no entry outlives an edit."""
    digest = hashlib.sha256(b"".join(f.read_bytes() for f in _compiled_sources())).hexdigest()[:16]
    repository = Path(__file__).parent.parent
    base = repository if os.access(repository, os.W_OK) else Path(tempfile.gettempdir())
    os.environ.setdefault("NUMBA_CACHE_DIR", str(base / ".numba_cache" / digest))


# both are read when numpy and numba are imported, so they come before any test module
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
_set_cache_folder()

hypothesis.settings.register_profile("default", derandomize=True, deadline=None, max_examples=20)
hypothesis.settings.register_profile("thorough", derandomize=False, deadline=None, max_examples=500)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def measured(request):
    """Keep a number that the documentation quotes: ``measured(name, value)``; shown at the end with -v."""

    def keep(name: str, value: object) -> None:
        request.node.user_properties.append((name, str(value)))

    return keep


def pytest_terminal_summary(terminalreporter):
    """The numbers kept by `measured`, when the run is verbose."""
    if terminalreporter.config.option.verbose < 1:
        return
    reports = [r for r in terminalreporter.stats.get("passed", []) if r.when == "call" and r.user_properties]
    if reports:
        terminalreporter.section("measured")
    for report in reports:
        values = ", ".join(f"{name} {value}" for name, value in report.user_properties)
        terminalreporter.write_line(f"{report.nodeid}: {values}")
