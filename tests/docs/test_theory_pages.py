"""The code of docs/theory runs as it stands: what the built pages execute, without Sphinx."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doc_pages import DOCS, run_page, with_code

FOLDER = DOCS / "theory"
PAGES = with_code(FOLDER)
LAWS = Path(__file__).parents[1] / "theory" / "test_laws.py"


def test_there_are_pages():
    assert {page.stem for page in PAGES} == {"chaos", "forcing", "quasi_periodic", "stable"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page):
    assert run_page(page) > 0


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.stem)
def test_the_tests_that_pages_name_exist(page):
    root = Path(__file__).parents[2]
    text = page.read_text(encoding="utf-8")
    laws = LAWS.read_text(encoding="utf-8") + LAWS.with_name("test_faults.py").read_text(encoding="utf-8")
    for name in re.findall(r"`(test_\w+)(?:\[\w+\])?`", text):
        assert f"def {name}(" in laws, name
    for path in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (root / path).is_file(), path
