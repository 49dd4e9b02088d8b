"""A grid of trainings, computed side by side and kept point by point."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from .._progress import progress_bar
from ..errors import ChaoskitWarning, InvalidInputError
from .computing import failed
from .executors import Executor, executor_of
from .grid import RESERVED, Point, keywords_of, points_of
from .judging import train_and_judge
from .result import SweepResult
from .store import Store, package_version, warn_of_versions
from .tasks import tasks_of


def sweep(
    grid: Any,
    *,
    fixed: Mapping[str, Any] | None = None,
    work: Callable = train_and_judge,
    out: Any,
    executor: Any = None,
    processes: int | None = None,
    retry_failed: bool = False,
    keep_models: bool = False,
    progress: bool = False,
) -> SweepResult:
    """Compute every point of a grid, keep each as soon as it is finished, and go on where a sweep broke off.

    Parameters
    ----------
    grid : mapping, or sequence of mappings
        Names of keywords and for each a list of values, or a mapping of labels to values (for data sets,
        arrays and objects, which the table calls by their label): all combinations are computed. Or a
        sequence of points, each a mapping of names to values. A value may be a `Together`, whose keywords
        change together, and a `Labelled` with its label.
    fixed : mapping, optional
        Keywords that are the same for all points.
    work : callable
        Function of these keywords that returns a flat mapping of names to numbers or short texts;
        `train_and_judge` by default, which takes any keyword of `fit`.
    out : path
        Folder of the sweep: a file for each finished point. What is there is read, not computed again.
    executor : optional
        None: processes of this computer. "serial": this process. "joblib", or a `joblib.Parallel` with
        return_as="generator_unordered". A Dask `Client`, or anything with a method `submit` that takes a
        function with its arguments and returns futures.
    processes : int, optional
        How many processes, by default one for each core.
    retry_failed : bool
        Compute points again that have failed before.
    keep_models : bool
        Save the model of each point in the folder; the work must take `model_file`.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    SweepResult
        A point whose work raises an error, or kills its process twice, is a row with the reason; the others
        go on.

    Raises
    ------
    InvalidInputError
        Before anything is computed: for names that the work does not take, values without a name, values
        that cannot be told apart on disk or be sent to a process.
    ModelFileError
        If the folder cannot be written.
    SweepError
        If the executor breaks. Finished points are kept.
    MissingDependencyError
        If joblib or tqdm is wanted and not installed.

    Warns
    -----
    ChaoskitWarning
        If points have failed, a file is damaged, or points were computed by another version of chaoskit.

    Notes
    -----
    A point is known on disk by what it computes: work, keywords and data, not by its label or place in the
    grid, so that a larger grid takes what a smaller one has computed. Two sweeps may share a folder. Ctrl-C
    ends a sweep; so may a kill at any moment.

    Examples
    --------
    >>> import tempfile
    >>> def power(base, exponent):
    ...     return {"value": base**exponent}
    >>> found = sweep(
    ...     {"base": [2, 3], "exponent": [1, 2]}, work=power, out=tempfile.mkdtemp(), executor="serial"
    ... )
    >>> [row["value"] for row in found.rows]
    [2, 4, 3, 9]
    >>> found.summary("value", over="base").rows[1]["median"]
    6.5
    """
    if not callable(work):
        raise InvalidInputError(f"work: expected a function of keywords, got {work!r}")
    points = points_of(grid, fixed, work)
    if any("model_file" in point.options for point in points):
        raise InvalidInputError("model_file: expected none, because each point has its own; give keep_models")
    if keep_models and "model_file" not in keywords_of(work)[0]:
        raise InvalidInputError("keep_models: expected a work that takes model_file; leave it off")
    computes = executor_of(executor, processes)
    bar = progress_bar(len(points), "sweep", progress)
    store = Store(out)
    if keep_models:
        store.models.mkdir(exist_ok=True)
    outcomes = _finished(points, store, retry_failed, keep_models)
    warn_of_versions(list(outcomes.values()))
    missing = [(k, point) for k, point in enumerate(points) if k not in outcomes]
    try:
        bar.update(len(outcomes))
        outcomes |= _computed(missing, store, computes, work, keep_models, bar)
    finally:
        bar.close()
    result = SweepResult(
        _rows(points, outcomes, store, keep_models), _names(points), len(missing), store.folder
    )
    if result.failed:
        warnings.warn(
            f"{len(result.failed)} of {len(points)} points failed, such as {result.failed[0]['error']}; see "
            "`failed` of the result",
            ChaoskitWarning,
            stacklevel=2,
        )
    return result


def _finished(
    points: list[Point], store: Store, retry_failed: bool, with_models: bool
) -> dict[int, dict[str, Any]]:
    """Outcomes that are there already, by the number of the point."""
    found = {}
    for number, point in enumerate(points):
        outcome = store.read(point)
        if outcome is None or ("failure" in outcome and retry_failed):
            continue
        if with_models and "result" in outcome and not store.model_file(point).exists():
            continue
        found[number] = outcome
    return found


def _computed(
    missing: list[tuple[int, Point]],
    store: Store,
    computes: Executor,
    work: Callable,
    with_models: bool,
    bar: Any,
) -> dict[int, dict[str, Any]]:
    """Compute points and keep each as it comes, by the number of the point."""

    def more(point: Point) -> dict[str, Any]:
        return {"model_file": str(store.model_file(point).absolute())} if with_models else {}

    if not missing:
        return {}
    outcomes, failures, by_number = {}, 0, dict(missing)
    tasks, shared = tasks_of(missing, more)
    with closing(computes.outcomes(work, tasks, shared)) as coming:  # type: ignore[type-var]
        for task, outcome in coming:
            outcome = _checked(outcome, by_number[task.number])
            store.write(by_number[task.number], outcome)
            outcomes[task.number] = outcome | {"chaoskit": package_version()}
            failures += "failure" in outcome
            bar.update(1)
            bar.set_postfix(failed=failures)
    return outcomes


def _checked(outcome: dict[str, Any], point: Point) -> dict[str, Any]:
    """A result must not have the names of the grid, which say what it belongs to."""
    twice = sorted({*point.labels, *RESERVED} & set(outcome.get("result", ())))
    if not twice:
        return outcome
    return failed("InvalidInputError", f"work: expected other names for its results than {', '.join(twice)}")


def _names(points: list[Point]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for point in points for name in point.labels))


def _rows(
    points: list[Point], outcomes: dict[int, dict[str, Any]], store: Store, with_models: bool
) -> list[dict[str, Any]]:
    """Flat rows in the order of the grid, all with the same keys."""
    names = _names(points)
    columns = dict.fromkeys(name for k in range(len(points)) for name in outcomes[k].get("result", ()))
    rows = []
    for k, point in enumerate(points):
        outcome = outcomes[k]
        failure = outcome.get("failure")
        row = {name: point.labels.get(name) for name in names}
        row |= dict.fromkeys(columns) | outcome.get("result", {})
        row["status"] = "done" if failure is None else "failed"
        row["error"] = None if failure is None else f"{failure['type']}: {failure['message']}"
        row["warnings"] = "; ".join(outcome.get("warnings", ())) or None
        if with_models:
            file = store.model_file(point)
            row["model"] = str(file) if failure is None and file.exists() else None
        rows.append(row)
    return rows
