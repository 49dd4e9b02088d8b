"""Whether the public face has complete types: ``python .ci/public_types.py`` names what lacks them.

Judged by ``pyright --verifytypes``. Public is what `__all__` of a public package names, with attributes and
methods of classes. Of cells it is their arrays and `init`: their rules are compiled for scalars, arrays and
vector registers alike, so that the arguments have no type of Python's. An attribute whose type a base class
declares has it.
"""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys

import chaoskit
from chaoskit import cells

PACKAGES = (
    "cells", "dynamics", "errors", "forcing", "gradients", "invariant_sets", "measures", "plot", "report",
    "sweeps", "systems", "testing", "timeseries", "training",
)  # fmt: skip
DECLARED_ABOVE = "Ambiguous base class override"


def public_objects() -> dict[str, object]:
    """Functions and classes by the place where they are defined."""
    found = {}
    for module in (chaoskit, *(importlib.import_module(f"chaoskit.{name}") for name in PACKAGES)):
        for value in (getattr(module, name) for name in module.__all__):
            if inspect.isclass(value) or inspect.isfunction(value):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


def is_public(symbol: str, public: dict[str, object]) -> bool:
    owner, _, member = symbol.rpartition(".")
    if public.get(owner) in cells.ALL_CELLS:
        return member in ("init", *public[owner]._fields)
    return symbol in public or (owner in public and (member == "__init__" or not member.startswith("_")))


def flaws(symbol: dict) -> list[str]:
    """What its type lacks."""
    if symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"]:
        return []
    messages = [" ".join(d["message"].split()) for d in symbol["diagnostics"]]
    return [message for message in messages if not message.startswith(DECLARED_ABOVE)]


def main() -> None:
    command = ["pyright", "--verifytypes", "chaoskit", "--ignoreexternal", "--outputjson"]
    run = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    report, public = json.loads(run.stdout)["typeCompleteness"], public_objects()
    judged = {s["name"]: flaws(s) for s in report["symbols"] if is_public(s["name"], public)}
    for name, found in judged.items():
        for flaw in found:
            print(f"{name}: {flaw}")
    complete = sum(not found for found in judged.values())
    print(f"{complete} of {len(judged)} public symbols have complete types")
    sys.exit(complete < len(judged))


if __name__ == "__main__":
    main()
