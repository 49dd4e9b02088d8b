"""The demo: two measured series, from raw data to trained networks, pictures and a verdict."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import __version__, _check
from .._files import make_folder
from .._progress import progress_bar
from ..errors import ModelFileError
from ..training import Comparison, Evaluation, FitResult
from . import study
from .cases import CASES, Case, shortened
from .jsonable import plain, to_json
from .page import write_report
from .pictures import write_pictures
from .study import Prepared, Trained

_WORKERS = 2


def run_demo(
    output: Any,
    *,
    seed: int = 0,
    quick: bool = False,
    cases: Sequence[Case] = CASES,
    workers: int = _WORKERS,
    progress: bool = False,
) -> dict[str, Any]:
    """Reconstruct the measured series of the demo and compare with the baselines.

    Parameters
    ----------
    output : str or path-like
        Folder for models, pages, pictures and `demo.json`; made if it is not there.
    seed : int
        Of the trainings and the noise.
    quick : bool
        A few seconds of training, to see that everything runs.
    cases : sequence of Case
    workers : int
        Processes that train at the same time.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    dict
        All numbers, as written to `demo.json`.

    Raises
    ------
    MissingDependencyError
        If a package of the extra "examples" is missing.
    ModelFileError
        If the folder cannot be written.
    """
    began = time.perf_counter()
    seed = _check.integer(seed, "seed")
    workers = _check.integer(workers, "workers", 1)
    folder = make_folder(output, "--output")
    chosen = [shortened(case) if quick else case for case in cases]
    bar = progress_bar(5 * len(chosen), "demo", progress)
    results = {}
    with _pool(workers) as pool:
        # The long jobs start as soon as their series has a forcing interval.
        prepared = _collect([pool.submit(study.prepare, case) for case in chosen], bar)
        jobs = [
            pool.submit(study.train, p, tau, seed) for p in prepared for tau in (p.tau, p.case.far_too_large)
        ]
        trained = _collect(jobs, bar)
    for p, own, forced_late in zip(prepared, trained[::2], trained[1::2], strict=True):
        results[p.case.name] = _result(folder, p, own, forced_late, seed)
        bar.update()
    bar.close()
    report = {
        "chaoskit": __version__, "seed": seed, "quick": quick,
        "wall_seconds": time.perf_counter() - began, "cases": results,
    }  # fmt: skip
    _write(folder / "demo.json", to_json(report) + "\n")
    return plain(report)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ModelFileError(
            f"{file}: cannot be written ({error.strerror}); choose another --output"
        ) from None


class _InProcess(Executor):
    """Runs each job at once, where it is submitted."""

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _pool(workers: int) -> Executor:
    if workers == 1:
        return _InProcess()
    # Fresh interpreters: a fork of a process that runs threads may deadlock.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)


def _start_worker() -> None:
    """Ctrl-C is for the parent alone, which ends its workers; if it is killed, they end by themselves."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _collect(jobs: list[Future], bar: Any) -> list[Any]:
    """Results in order, with the bar moving as they come; on an interrupt no job goes on."""
    open_jobs = set(jobs)
    try:
        while open_jobs:
            done, open_jobs = wait(open_jobs, timeout=1.0, return_when=FIRST_COMPLETED)
            for job in done:
                job.result()
            bar.update(len(done))
            if hasattr(bar, "refresh"):
                bar.refresh()  # so that the clock runs on
    except BaseException:
        for job in jobs:
            job.cancel()
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    return [job.result() for job in jobs]


def _result(folder: Path, p: Prepared, own: Trained, forced_late: Trained, seed: int) -> dict[str, Any]:
    """All numbers of one series; its models and pictures are written."""
    case = p.case
    files = []
    for name, trained in (("model", own), ("far_too_large_tau", forced_late)):
        if trained.model is not None:
            files.append(folder / f"{case.name}_{name}.npz")
            trained.model.save(files[-1])
    model, late_model = study.scalar_model(p, own), study.scalar_model(p, forced_late)
    compared = study.compare(p, model, seed)
    late = study.judge(p, late_model)
    rows = len(p.test)
    runs = {name: study.free_run(m, rows) for name, m in compared.models.items()}
    run = runs.pop(compared.model)
    shown = {"network": run, "far_too_large_tau": study.free_run(late_model, rows), **runs}
    files += write_pictures(folder, p, own, run)
    if own.model is not None:
        files.append(_page(folder, p, own.model, own.warnings, compared, seed))
    judged = compared.evaluations[compared.model]
    return {
        "title": case.title,
        "n_train": len(p.train), "n_test": rows, "dt": p.dt, "time_unit": case.time_unit,
        "data_exponent": _estimate(p),
        "tau": p.tau, "tau_from": p.tau_from,
        "network": {
            "measures": judged,
            "closed_loop": None if own.model is None else study.closed_loop(p, own.model, seed),
            "forecasts": None if own.model is None else study.forecasts(p, model),
            "long_runs": None if own.model is None else study.long_runs(p, model),
            "retracing": study.retraced(p, run),
            **_training(own),
        },
        "baselines": {name: e for name, e in compared.evaluations.items() if name != compared.model},
        "far_too_large_tau": {"tau": case.far_too_large, "measures": late, **_training(forced_late)},
        "table": _table(p, compared, late),
        "verdict": verdict(compared, late),
        "divergence_by_dimension": study.by_dimension(p, shown),
        "files": [file.name for file in files],
    }  # fmt: skip


def _page(
    folder: Path, p: Prepared, model: FitResult, caught: tuple[str, ...], compared: Comparison, seed: int
) -> Path:
    """The report on the network, beside the pictures."""
    return write_report(
        model, p.train, p.test, folder / f"{p.case.name}.html", title=p.case.title,
        time_unit=p.case.time_unit, comparison=compared, seed=seed,
        remarks=(*caught, f"the forcing interval comes from: {p.tau_from}"),
    ).path  # fmt: skip


def _table(p: Prepared, compared: Comparison, late: Evaluation) -> dict[str, Any]:
    """The comparison with the network of the other interval in it, both named by their intervals."""
    evaluations = dict(compared.evaluations)
    own = f"network, tau {p.tau}"
    networks = {own: evaluations.pop(compared.model), f"network, tau {p.case.far_too_large}": late}
    return replace(compared, model=own, evaluations={**networks, **evaluations}).table()


def _training(trained: Trained) -> dict[str, Any]:
    model = trained.model
    if model is None:
        return {"settings": None, "warnings": trained.warnings}
    history = model.history
    return {
        "settings": model.settings, "best_update": model.best_update, "diverged_at": model.diverged_at,
        "last_loss": history["loss"][-1], "validation": history["validation"], "warnings": trained.warnings,
    }  # fmt: skip


def _estimate(p: Prepared) -> dict[str, Any]:
    found = plain(p.estimate)
    return {key: value for key, value in found.items() if key != "curve"}


def verdict(compared: Comparison, late: Evaluation) -> dict[str, Any]:
    """What is said of the network beside the baselines, and its divergence beside that of the late forcing.

    A run that diverged is worse than any that did not.
    """
    network = compared.evaluations[compared.model]
    value, late_value = network.state_space_divergence, late.state_space_divergence
    return {
        "network": value, "floor": network.state_space_floor, "far_too_large_tau": late_value,
        "beats_far_too_large_tau": value is not None and (late_value is None or value < late_value),
        "better_baselines": compared.better, "sentence": compared.verdict, "remarks": compared.remarks,
    }  # fmt: skip
