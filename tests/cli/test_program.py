"""The program around the commands: help, version, an interrupt."""

from __future__ import annotations

import subprocess
import sys

import pytest

import chaoskit
from chaoskit.cli import main


def test_interrupt(capsys, monkeypatch):
    from chaoskit.cli import commands

    def interrupt(arguments):
        raise KeyboardInterrupt

    monkeypatch.setitem(commands.COMMANDS, "analyze", interrupt)
    assert main(["analyze", "x"]) == 130
    assert capsys.readouterr().err == "\nchaoskit: interrupted\n"


@pytest.mark.parametrize("command", [[], ["demo"], ["train"], ["analyze"], ["lyapunov"], ["evaluate"]])
def test_help(command, capsys):
    assert main([*command, "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("usage: chaoskit")
    assert "%" not in out.replace("95 %", "")


def test_version_and_module():
    result = subprocess.run(
        [sys.executable, "-m", "chaoskit.cli", "--version"], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, f"chaoskit {chaoskit.__version__}\n")
