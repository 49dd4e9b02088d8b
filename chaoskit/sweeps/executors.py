"""Who computes the points: this process, local processes, joblib, Dask, or anything with `submit`."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from typing import Any, Protocol

from .. import _check
from ..errors import InvalidInputError, MissingDependencyError, SweepError
from .computing import compute, failed
from .local_workers import LocalWorkers
from .tasks import Task

_POLL = 0.05  # seconds between two looks at futures that cannot call back
Outcomes = Iterator[tuple[Task, dict[str, Any]]]


class Executor(Protocol):
    """Computes tasks and hands their outcomes out as they come."""

    def outcomes(self, work: Callable, tasks: Sequence[Task], shared: Mapping[str, Any]) -> Outcomes: ...


def executor_of(given: Any, processes: Any) -> Executor:
    """The executor that the arguments of `sweep` ask for."""
    count = None if processes is None else _check.integer(processes, "processes", 1)
    if count is not None and given not in (None, "joblib"):
        raise InvalidInputError("processes: expected without an executor, which has its own number")
    count = count or len(os.sched_getaffinity(0))
    if given is None:
        return LocalWorkers(count)
    if given == "serial":
        return Serial()
    if given == "joblib":
        return Joblib(_joblib_parallel(count))
    if type(given).__module__.partition(".")[0] == "joblib":
        return Joblib(given)
    if callable(getattr(given, "submit", None)):
        return Futures(given)
    raise InvalidInputError(
        f'executor: expected None, "serial", "joblib", a joblib.Parallel, a Dask client or an object with '
        f"submit(function, *arguments), got {given!r}"
    )


class Serial:
    """One point after the other in this process."""

    def outcomes(self, work: Callable, tasks: Sequence[Task], shared: Mapping[str, Any]) -> Outcomes:
        for task in tasks:
            yield task, compute(work, task.options, _own(task, shared))


class Joblib:
    """A `joblib.Parallel` that gives its results out as they come."""

    def __init__(self, parallel: Any):
        if getattr(parallel, "return_as", None) != "generator_unordered":
            raise InvalidInputError(
                'executor: expected joblib.Parallel(..., return_as="generator_unordered"), so that each '
                "result is kept as soon as it is there, got one that returns them at the end"
            )
        self.parallel = parallel

    def outcomes(self, work: Callable, tasks: Sequence[Task], shared: Mapping[str, Any]) -> Outcomes:
        import joblib  # type: ignore[import-not-found]

        call = joblib.delayed(_numbered)
        by_number = {task.number: task for task in tasks}
        calls = (call(task.number, work, task.options, _own(task, shared)) for task in tasks)
        try:
            for number, outcome in self.parallel(calls):
                yield by_number[number], outcome
        except (BrokenExecutor, CancelledError, OSError) as error:
            raise SweepError(_broken(error)) from error


class Futures:
    """Anything whose `submit(function, *arguments)` returns futures with `result()`."""

    def __init__(self, executor: Any):
        self.executor = executor
        self.is_dask = type(executor).__module__.partition(".")[0] == "distributed"

    def outcomes(self, work: Callable, tasks: Sequence[Task], shared: Mapping[str, Any]) -> Outcomes:
        futures: dict[Any, Task] = {}
        try:
            held = self._sent_once(shared)
            for task in tasks:
                future = self._submit(compute, work, task.options, _own(task, held))
                futures[future] = task
            for future in _as_completed(futures):
                yield futures[future], _outcome(future)
        except (BrokenExecutor, CancelledError) as error:
            raise SweepError(_broken(error)) from error
        finally:  # after an interrupt those that have not begun shall not begin
            for future in futures:
                if not getattr(future, "done", lambda: True)():
                    future.cancel()

    def _sent_once(self, shared: Mapping[str, Any]) -> Mapping[str, Any]:
        """Dask keeps what a task returned and can make it again where a worker dies; others get the value."""
        if not self.is_dask:
            return shared
        return {key: self._submit(_same, value) for key, value in shared.items()}

    def _submit(self, function: Callable, *arguments: Any) -> Any:
        if self.is_dask:  # nothing that an earlier sweep left on the cluster is taken for this one's
            return self.executor.submit(function, *arguments, pure=False)
        return self.executor.submit(function, *arguments)


def _outcome(future: Any) -> dict[str, Any]:
    """What came of a future; that it was lost alone, as by a worker that died too often, is a failure."""
    try:
        return future.result()
    except (BrokenExecutor, CancelledError):
        raise
    except Exception as error:
        return failed(type(error).__name__, str(error))


def _as_completed(futures: Mapping[Any, Task]) -> Iterator[Any]:
    """Futures as they are done, by their own word or by looking at them again and again."""
    if all(callable(getattr(future, "add_done_callback", None)) for future in futures):
        done: queue.SimpleQueue = queue.SimpleQueue()
        for future in futures:
            future.add_done_callback(done.put)
        for _ in futures:
            yield done.get()
        return
    waiting = list(futures)
    while waiting:
        finished = [future for future in waiting if getattr(future, "done", lambda: True)()]
        yield from finished
        waiting = [future for future in waiting if future not in finished]
        if waiting and not finished:
            time.sleep(_POLL)


def _own(task: Task, shared: Mapping[str, Any]) -> dict[str, Any]:
    return {name: shared[key] for name, key in task.shared.items()}


def _numbered(number: int, *arguments: Any) -> tuple[int, dict[str, Any]]:
    return number, compute(*arguments)


def _same(value: Any) -> Any:
    return value


def _broken(error: BaseException) -> str:
    return (
        f"the executor broke ({type(error).__name__}: {error}); finished points are kept: call again with "
        "one that works"
    )


def _joblib_parallel(processes: int) -> Any:
    try:
        import joblib  # type: ignore[import-not-found]
    except ImportError:
        raise MissingDependencyError(
            'executor="joblib" needs joblib: pip install "chaoskit[cluster]", or leave the executor out'
        ) from None
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        return joblib.Parallel(n_jobs=processes, return_as="generator_unordered")
