"""One experiment from its equations to tables and a figure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import _check
from .._files import write_whole
from ..errors import InvalidInputError
from ..sweeps import SweepResult, Together, sweep
from ..training.fit_baselines import BASELINES
from .baseline_work import judge_baseline
from .data import DATA, DataSet
from .experiments import EXPERIMENTS, GROUPS, QUICK, Experiment, Size
from .figures import draw
from .floors import floors
from .tables import page
from .theorems import theorems

#: Names that `reproduce` takes, a tuple.
NAMES = (*EXPERIMENTS, *GROUPS, "theorems")


@dataclass(frozen=True, repr=False)
class Reproduction:
    """An experiment, computed.

    Attributes
    ----------
    name : str
    experiment : Experiment
    networks, baselines : SweepResult
        A row for each training, and for each baseline.
    page : str
        Tables and what they say, in Markdown.
    files : tuple of Path
        What was written: NAME.md, NAME.csv, NAME-baselines.csv, NAME.png.
    """

    name: str
    experiment: Experiment
    networks: SweepResult
    baselines: SweepResult
    page: str
    files: tuple[Path, ...]

    def __repr__(self) -> str:
        return f"Reproduction({self.name}, {len(self.networks.rows)} trainings)"

    def __str__(self) -> str:
        return self.page

    def values(self) -> dict[str, Any]:
        """Rows of networks and of baselines."""
        return {"networks": self.networks.rows, "baselines": self.baselines.rows}


def reproduce(
    name: str,
    *,
    out: Any,
    quick: bool = False,
    seeds: int | None = None,
    executor: Any = None,
    processes: int | None = None,
    progress: bool = False,
) -> list[Any]:
    """Compute an experiment of arXiv 2110.07238 anew, and set it beside the published numbers.

    Parameters
    ----------
    name : str
        "lorenz63", "roessler", "duffing", "lorenz2d", "mackey_glass": reconstruction against the forcing
        interval. "baselines": the other schemes (clipping, windows, truncation, random and annealed
        intervals). "gtf": generalized forcing (arXiv 2306.04406). "theorems": the gradient figures.
    out : path
        Folder for tables, figures and a file for each finished training, from which a broken-off
        reproduction goes on.
    quick : bool
        Minutes instead of hours: short series, few updates, one seed. A check, not a result.
    seeds : int, optional
        Trainings of each setting; 3 by default, 1 for a quick one.
    executor, processes, progress
        See `chaoskit.sweep`.

    Returns
    -------
    list of Reproduction, or of Theorems
        One for each experiment of that name.

    Raises
    ------
    InvalidInputError
        If there is no experiment of that name.
    ModelFileError
        If the folder cannot be written.

    References
    ----------
    Monfared, Mikhaeil, Durstewitz, arXiv 2110.07238; Hess et al. 2023, arXiv 2306.04406.
    """
    if name not in NAMES:
        raise InvalidInputError(f"name: expected one of {', '.join(NAMES)}, got {name!r}")
    if name == "theorems":
        return [theorems(out, quick=quick)]
    size = QUICK if quick else Size()
    if seeds is not None:
        size = size._replace(seeds=_check.integer(seeds, "seeds", 1))
    how = {"executor": executor, "processes": processes, "progress": progress}
    return [_reproduced(each, size, Path(out), how) for each in GROUPS.get(name, (name,))]


def _reproduced(name: str, size: Size, folder: Path, how: dict[str, Any]) -> Reproduction:
    experiment = EXPERIMENTS[name]
    data = DATA[experiment.data](size.rows)
    baselines = sweep(
        {"baseline": list(BASELINES)}, fixed=_judging(data, size), work=judge_baseline, out=folder, **how
    )
    networks = sweep(
        list(experiment.points(size)), fixed=data.keywords() | {"published_rows": size.rows}, out=folder,
        keep_models=True, **how,
    )  # fmt: skip
    least = floors(data)
    text = page(name, experiment, data, networks, baselines, least, size)
    files = tuple(folder / f"{name}{end}" for end in (".md", ".csv", "-baselines.csv", ".png"))
    write_whole(files[0], lambda file: file.write(text.encode()))
    _portable(networks).to_csv(files[1])
    baselines.to_csv(files[2])
    draw(experiment, data, networks, baselines, least, files[3])
    return Reproduction(name, experiment, networks, baselines, text, files)


def _portable(result: SweepResult) -> SweepResult:
    """With models named by their place in the folder, wherever that is."""
    rows = [
        row
        | {"model": None if row["model"] is None else Path(row["model"]).relative_to(result.out).as_posix()}
        for row in result.rows
    ]
    return replace(result, rows=rows)


def _judging(data: DataSet, size: Size) -> Together:
    """What baselines are judged by: all that networks are, but the inputs."""
    given = {key: value for key, value in data.keywords().items() if key != "inputs"}
    return Together(given | {"published_rows": size.rows})
