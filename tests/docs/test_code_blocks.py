"""What the pages show but do not execute: it compiles, parses and points somewhere."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from doc_pages import DOCS, run_page, with_code

from chaoskit.cli import parser as cli

ROOT = DOCS.parent
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
EXECUTED_ELSEWHERE = with_code(DOCS / "how_to") + [DOCS / "getting_started.md", DOCS / "gpu.md"]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(text: str) -> list[str]:
    """Calls of chaoskit on lines of their own, and in backticks within a text; without comments."""
    for_shells = "".join(body for kind, body in FENCED.findall(text) if kind == "")
    lines = [*for_shells.splitlines(), *re.findall(r"^    (.*)$", text, re.M)]
    prose = FENCED.sub("", text)
    lines += [found.replace("\n", " ") for found in re.findall(r"`(chaoskit [^`]*)`", prose)]
    calls = [call.strip() for line in lines for call in line.split("#")[0].split("&&")]
    return [call for call in calls if re.match(r"chaoskit [a-z]", call)]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_code_that_is_not_executed_compiles(page):
    for kind, body in FENCED.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            compile(body, named(page), "exec")
        elif kind == "toml":
            assert tomllib.loads(body)
        else:
            assert kind == "" or kind.startswith("{"), f"{named(page)}: nothing looks at {kind}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_are_understood(page):
    for command in commands(page.read_text(encoding="utf-8")):
        words = shlex.split(re.sub(r"\[(.*?)\]", r"\1", command))[1:]
        if len(words) == 1 and words[0] in ("analyze", "evaluate", "lyapunov", "sweep", "train"):
            continue  # a text that speaks of the command
        assert cli.build_parser().parse_args(words).command == words[0], command


def test_commands_are_found():
    found = commands((ROOT / "README.md").read_text(encoding="utf-8"))
    assert {command.split()[1] for command in found} >= {
        "analyze", "demo", "evaluate", "gradients", "lyapunov", "sweep", "train",
    }  # fmt: skip
    assert any(
        "[--json]" in command for command in commands((DOCS / "sweeps.md").read_text(encoding="utf-8"))
    )


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{named(page)}: {target}"


def test_every_page_is_in_a_list_of_contents():
    listed = {ROOT / "README.md", DOCS / "index.md"}
    for page in PAGES:
        for kind, body in FENCED.findall(page.read_text(encoding="utf-8")):
            if kind.startswith("{include}"):
                listed.add(page.parent / kind.removeprefix("{include}").strip())
            if kind == "{toctree}":
                entries = [line for line in body.splitlines() if line and not line.startswith(":")]
                listed |= {page.parent / f"{entry}.md" for entry in entries}
    assert listed == set(PAGES)


@pytest.mark.slow  # the build of the documentation runs them as well
@pytest.mark.parametrize("page", EXECUTED_ELSEWHERE, ids=named)
def test_a_page_runs(page):
    pytest.importorskip("matplotlib")
    run_page(page)


@pytest.mark.slow
def test_the_program_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (program,) = [
        b for k, b in FENCED.findall((ROOT / "README.md").read_text(encoding="utf-8")) if k == "python"
    ]
    exec(compile(program, "README.md", "exec"), {"__name__": "readme", "print": lambda *args: None})
    assert (tmp_path / "lorenz.npz").is_file()
