"""Plain functions in the place of trainings, in a module so that other processes find them."""

from __future__ import annotations

import os
import signal
import time
import uuid
import warnings
from pathlib import Path

from chaoskit.errors import ChaoskitWarning, DivergenceError

SCALE = 3.0


def counted(folder, x, seed=0, wait=0.0, series=()):
    """Leaves one file for each call, at its end; for x = -1 at once, and then it takes long."""
    if x == -1:
        Path(folder, f"process {os.getpid()}").touch()
        time.sleep(200)
    time.sleep(wait)
    Path(folder, f"{x} {seed} {uuid.uuid4().hex}").touch()
    return {"value": SCALE * x + seed, "parity": "even" if x % 2 == 0 else "odd"}


def calls(folder) -> list[str]:
    """Points that were computed, as often as they were."""
    return sorted(" ".join(file.name.split()[:2]) for file in Path(folder).iterdir())


def mortal(folder, x, deaths):
    """Its process is killed by the system, so many times for each x."""
    if len(list(Path(folder).glob(f"{x} *"))) < deaths.get(x, 0):
        Path(folder, f"{x} {uuid.uuid4().hex}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return {"value": x}


def failing(x):
    if x == 1:
        raise DivergenceError("training: the loss left the finite numbers", step=3)
    if x == 2:
        return [1, 2]
    if x == 3:
        raise SystemExit(4)
    if x == 4:
        return {"x": 5}
    warnings.warn("something to look at", ChaoskitWarning, stacklevel=1)
    return {"value": x}


def surroundings(x):
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {name: os.environ.get(name) for name in names} | {"process": os.getpid()}


def total(series, x):
    """Changes its array, which no other point may see."""
    series += x
    return {"total": float(series.sum()), "writeable": bool(series.flags.writeable)}


def interrupted(x):
    if x == 2:
        raise KeyboardInterrupt
    return {"value": x}
