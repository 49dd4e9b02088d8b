"""Processes that are killed at random moments, and what lives on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import chaoskit


def killed(
    program: Path, *arguments: object, under_way: Callable[[], bool], rng: np.random.Generator, longest: float
) -> int:
    """Run a Python program, and kill it without warning up to so many seconds after it is under way.

    Returns its number; raises AssertionError if it had ended before.
    """
    process = subprocess.Popen(
        [sys.executable, str(program), *map(str, arguments)], start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(Path(chaoskit.__file__).parents[1])},
    )  # fmt: skip
    deadline = time.monotonic() + 120
    try:
        while not under_way() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, longest))
        assert process.poll() is None, "it had ended by itself: give it more to do"
        assert time.monotonic() < deadline
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return process.pid


def wait_for_workers(session: int, seconds: float = 60.0) -> None:
    """Until nobody of its session is left; raises AssertionError if somebody stays."""
    deadline = time.monotonic() + seconds
    while members := _session(session):
        assert time.monotonic() < deadline, f"processes {members} outlived the one that was killed"
        time.sleep(0.02)


def _session(leader: int) -> list[int]:
    """Processes of a session that are alive; those dead and not yet buried are not."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except (OSError, ValueError):
                continue
            if int(session) == leader and state != "Z":
                found.append(int(entry.name))
    return found
