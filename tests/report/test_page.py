"""The page about a training: whole, self-contained, escaped, and the same numbers as the library's."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import chaoskit
from chaoskit.cli import main
from chaoskit.errors import InvalidInputError, ModelFileError
from chaoskit.report import gradients_of_model, write_report
from chaoskit.report.page import _SECTIONS, html

pytest.importorskip("matplotlib")

NASTY = "a<img src=x onerror=alert(1)>&.csv"
QUICK = ["--epochs", "8", "--sequence-length", "20", "--n-hidden", "10"]
VOID = {"meta", "img", "br", "link", "hr", "input"}


class Reader(HTMLParser):
    """Elements, links and text of a page; an element that is closed out of turn fails."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


def henon(rows: int) -> np.ndarray:
    return chaoskit.simulate(chaoskit.systems.Henon(), [0.1, 0.1], rows - 1, transient=100)


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Folder, page and JSON of one call from the shell."""
    folder = tmp_path_factory.mktemp("page")
    np.savetxt(folder / NASTY, henon(2500), delimiter=",", header="x,<b>y</b>", comments="")
    call = [
        "train", str(folder / NASTY), "-o", str(folder / "m.npz"), "--report", "--time-unit", "$s", "--json",
        "--true-exponents", "0.4192,-1.6232", *QUICK,
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patched:
        said: list[str] = []
        patched.setattr("builtins.print", lambda *parts, **_: said.extend(map(str, parts)))
        assert main(call) == 0
    return folder, (folder / "m.html").read_text(encoding="utf-8"), json.loads(said[0])


def test_the_page_is_whole(shell):
    _, page, _ = shell
    reader = Reader(page)
    assert page.startswith("<!DOCTYPE html>")
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert ids == [name for name, _, _ in _SECTIONS]
    assert [a["href"] for a in reader.all("a")] == [f"#{name}" for name in ids]
    assert len(reader.all("section")) == len(reader.all("h2")) == len(ids)
    pictures = reader.all("img")
    assert len(pictures) >= 8
    for picture in pictures:
        kind, _, data = picture["src"].partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")
        assert picture["alt"]


def test_nothing_is_loaded_or_run(shell):
    _, page, _ = shell
    reader = Reader(page)
    assert {tag for tag, _ in reader.tags} & {"script", "link", "iframe", "object", "embed", "base"} == set()
    for _, attributes in reader.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png"))
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_names_are_text(shell):
    _, page, _ = shell
    reader = Reader(page)
    text = "".join(reader.text)
    assert NASTY in text
    assert "<b>y</b>" in text
    assert all(picture["src"] != "x" for picture in reader.all("img"))


def test_the_page_tells_what_the_library_says(shell):
    _, page, values = shell
    text = " ".join("".join(Reader(page).text).split())
    found = values["evaluation"]
    assert found["verdict"].partition(":")[2] in text
    assert f"{found['state_space_divergence']:.3g}" in text
    assert f"{values['exponent']:.3g}" in text
    assert f"Sparse(tau={values['tau']})" in text
    for words in ("0.4192", "echo-state network", "per $s", "forced every", "Search: exhaustive", "95 %"):
        assert words in text


def test_the_end_is_held_out(shell):
    folder, _, values = shell
    assert values["report"] == str(folder / "m.html")
    series = np.loadtxt(folder / NASTY, delimiter=",", skiprows=1)
    model = chaoskit.load(folder / "m.npz")
    last = int(np.flatnonzero((series == model.context[-1]).all(axis=1))[0])
    assert last == model.settings["n_rows"] - 1
    assert last < 0.8 * len(series) <= last + 50
    assert values["evaluation"]["n_true"] == 500
    assert not any("trained on" in remark for remark in values["evaluation"]["remarks"])


def test_a_run_that_diverges_still_has_a_page(shell, tmp_path):
    folder, _, _ = shell
    model = chaoskit.load(folder / "m.npz")
    wild = replace(model, cell=model.cell._replace(A=np.full(2, 3.0), h1=np.ones(2)))
    data = henon(2500)
    report = write_report(wild, data[:1500], data[1600:], tmp_path / "wild.htm", title="Wild")
    page = report.path.read_text(encoding="utf-8")
    text = "".join(Reader(page).text)
    assert repr(report).startswith("Report('")
    assert report.evaluation.diverged_at is not None
    assert "diverged at step" in text
    assert [a["id"] for a in Reader(page).all("section")] == [name for name, _, _ in _SECTIONS]
    assert "verdict bad" in page


@pytest.mark.parametrize(("alpha", "word"), [(1.0, "cut"), (0.9, "vanishes")])
def test_generalized_forcing_stands_beside_none(alpha, word, shell):
    """With alpha the chain is (1 - alpha) J: zero for 1, and at 0.9 far smaller than Jacobians grow."""
    folder, _, _ = shell
    model = chaoskit.load(folder / "m.npz")
    drawn = replace(model, tau=None, settings={**model.settings, "forcing": f"Generalized(alpha={alpha})"})
    found = gradients_of_model(drawn, 100, series=henon(200))
    assert list(found) == ["without forcing", f"forced by a share {alpha:.3g} in each step"]
    assert [growth.kind for growth in found.values()][1] == word


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--report", "page.txt"], "ends in .html"),
        (["--report", "no/such/page.html"], "is not there"),
        (["--test-share", "0.3"], "--test-share: expected with --report only"),
        (["--time-unit", "s"], "--time-unit: expected with --report only"),
        (["--report", "--test-share", "0.1"], "at least 400 rows to judge by, got 250"),
        (["--report", "--true-exponents", "high"], "expected numbers such as"),
    ],
)
def test_what_does_not_fit_is_said_before_training(options, words, shell, tmp_path, capsys):
    folder, _, _ = shell
    assert main(["train", str(folder / NASTY), "-o", str(tmp_path / "m.npz"), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "m.npz").exists()


def test_a_model_needs_a_place_or_a_report(shell, capsys):
    folder, _, _ = shell
    assert main(["train", str(folder / NASTY)]) == 2
    assert "--output: expected" in capsys.readouterr().err


def test_arguments_of_write_report(shell, tmp_path):
    folder, _, _ = shell
    model, data = chaoskit.load(folder / "m.npz"), henon(2500)
    with pytest.raises(InvalidInputError, match="result of fit or load"):
        write_report(model.cell, data, data, tmp_path / "p.html")
    with pytest.raises(InvalidInputError, match="test: expected at least 400"):
        write_report(model, data, data[:300], tmp_path / "p.html")
    with pytest.raises(InvalidInputError, match="time_unit: expected text"):
        write_report(model, data[:1500], data[1600:], tmp_path / "p.html", time_unit=1)
    with pytest.raises(InvalidInputError, match="path: expected a file name"):
        write_report(model, data[:1500], data[1600:], 3)
    with pytest.raises(ModelFileError, match="is not there"):
        write_report(model, data[:1500], data[1600:], tmp_path / "none" / "p.html")


def test_what_is_no_markup_is_escaped():
    assert html.tag("p", "<", html.Html("<b>"), title='"') == '<p title="&quot;">&lt;<b></p>'
    assert "&lt;i&gt;" in html.table(["<i>"], [["<i>", "<i>"]])
    assert html.entry("1 [2, 3]") == "1 [2,\u00a03]"
