"""The reference holds every public name once, and finds what texts call it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from types import ModuleType

import public_names
import pytest
from doc_pages import DOCS

import chaoskit

INNER = {"report.page"}  # what it exports stands in `report`


@pytest.fixture(scope="module")
def names():
    return [name for page in public_names.reference().values() for name in page]


def test_every_exported_object_has_one_entry(names):
    entries = [id(public_names.lookup(name)) for name in names]
    for module in ("", *(f".{name}" for name in public_names.MODULES)):
        for name, value in public_names.exported(importlib.import_module(f"chaoskit{module}")):
            if name != "__version__":
                assert entries.count(id(value)) == 1, f"chaoskit{module}.{name}"
    assert len(set(names)) == len(names) > 200


def test_every_module_with_public_names_is_listed():
    found = {
        module.name.removeprefix("chaoskit.")
        for module in pkgutil.walk_packages(chaoskit.__path__, "chaoskit.")
        if not re.search(r"\._|__main__", module.name)
        and hasattr(importlib.import_module(module.name), "__all__")
    }
    reached = {name for name in chaoskit.__all__ if isinstance(getattr(chaoskit, name), ModuleType)}
    assert (found | reached) - INNER <= set(public_names.MODULES)


def test_each_module_stands_on_one_page():
    text = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md"))
    assert sorted(re.findall(r"^\.\. public-names:: (\S+)$", text, re.M)) == sorted(public_names.MODULES)


def test_an_entry_has_the_shortest_name_that_works(names):
    assert "chaoskit.fit" in names
    assert "chaoskit.training.fit" not in names
    assert "chaoskit.gradients.loss_and_gradient" in names  # exported by training too
    assert "chaoskit.cells.protocol.Layout" in names


def test_texts_may_leave_modules_out():
    known = public_names.aliases()
    for text, full_name in {
        "fit": "chaoskit.fit",
        "training.fit": "chaoskit.fit",
        "Sparse": "chaoskit.forcing.Sparse",
        "training.loss_and_gradient()": "chaoskit.gradients.loss_and_gradient",
        "FitResult.save": "chaoskit.FitResult.save",
        "FitResult.generate": "chaoskit.training.Forecaster.generate",
        "FitResult.nothing": None,
        "gradient_growth": None,  # there are two: of the package and of plot
        "chaoskit.gradient_growth": "chaoskit.gradient_growth",
        "numpy.ndarray": None,
    }.items():
        assert public_names.full_name_of(text, known) == full_name, text
