"""Constraints for pip, each lower bound of pyproject.toml: ``python .ci/lower_bounds.py [EXTRA ...]``."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def constraints(extras: list[str]) -> list[str]:
    """Of what the package needs, and of its extras; packages without a bound are left to pip."""
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    bounds = (re.fullmatch(r"([\w-]+)(?:\[.*\])?>=([\w.]+)", requirement) for requirement in wanted)
    return [f"{bound[1]}=={bound[2]}" for bound in bounds if bound]


if __name__ == "__main__":
    print("\n".join(constraints(sys.argv[1:])))
