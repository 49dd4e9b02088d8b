"""Points computed by processes of this computer, one at a time each, with one thread for BLAS and Numba."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection as channels
from typing import Any

from ..errors import InvalidInputError, SweepError
from .computing import compute, failed
from .tasks import Task

# Read when NumPy and Numba are imported, so they must be there when a process starts.
ONE_THREAD: dict[str, str] = dict.fromkeys(
    (
        "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS",
    ),
    "1",
)  # fmt: skip
_TRIES = 2  # of a point whose process dies
_STARTING = threading.Lock()  # the environment is that of the whole program


class LocalWorkers:
    """Processes that are started afresh, so that they have nothing of this one's state.

    Each has a channel of its own, so that the death of one is known to be that of its point.

    Parameters
    ----------
    processes : int
        At most so many.
    """

    def __init__(self, processes: int):
        self.processes = processes

    def outcomes(
        self, work: Callable, tasks: Sequence[Task], shared: Mapping[str, Any]
    ) -> Iterator[tuple[Task, dict[str, Any]]]:
        """Each task with its outcome, in the order in which they are finished."""
        start = _pickled("work", (work, {key: _pickled(key, value) for key, value in shared.items()}))
        messages = {task.number: _pickled("grid", (task.options, task.shared)) for task in tasks}
        pending, tries = deque(tasks), dict.fromkeys(messages, 0)
        workers: list[_Worker] = []
        try:
            while pending or any(w.task is not None for w in workers):
                wanted = min(self.processes, len(pending) + sum(w.task is not None for w in workers))
                workers += [_Worker() for _ in range(wanted - len(workers))]
                for worker in workers:
                    if worker.ready and worker.task is None and pending:
                        task = pending.popleft()
                        worker.give(task, messages[task.number])
                for channel in channels.wait([w.channel for w in workers]):
                    worker = next(w for w in workers if w.channel is channel)
                    if not worker.ready:
                        worker.begin(start)
                        continue
                    task, outcome = worker.hear()
                    if outcome is None:
                        workers.remove(worker)
                        worker.stop()
                    if task is None:
                        continue
                    if outcome is None:
                        tries[task.number] += 1
                        if tries[task.number] < _TRIES:
                            pending.appendleft(task)
                            continue
                        outcome = failed(
                            "WorkerDied",
                            f"the process that computed this point died {_TRIES} times ({worker.end()}); the "
                            "system kills processes when memory is short",
                        )
                    yield task, outcome
        finally:
            for worker in workers:
                worker.stop()


class _Worker:
    """A process, and what it is doing."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.channel, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,))
        self.ready = False
        self.task: Task | None = None
        try:
            with _STARTING, _environment(ONE_THREAD):
                self.process.start()
        except BaseException:  # an interrupt; nobody else knows of the process yet
            if self.process.pid is not None:
                self.process.terminate()
            raise
        theirs.close()  # so that the end of the process is the end of the channel

    def begin(self, start: bytes) -> None:
        """Hear that it is there, and tell it what all points share."""
        try:
            self.channel.recv()
            self.channel.send_bytes(start)
        except (EOFError, OSError):
            raise SweepError(
                f"a process of the sweep ended while it started ({self.end()}); a script that starts a sweep "
                'must do so below `if __name__ == "__main__":`, because each process reads it'
            ) from None
        self.ready = True

    def give(self, task: Task, message: bytes) -> None:
        self.task = task
        with suppress(OSError):  # of one that is dead: the next thing heard of it is its end
            self.channel.send_bytes(message)

    def hear(self) -> tuple[Task | None, dict[str, Any] | None]:
        """The task, None if it had none, and its outcome, None if the process is dead."""
        task, self.task = self.task, None
        try:
            return task, self.channel.recv()
        except (EOFError, OSError):
            return task, None

    def end(self) -> str:
        """How the process ended, in words."""
        self.process.join(10)
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def stop(self) -> None:
        self.channel.close()
        self.process.terminate()
        self.process.join()


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    """Variables as processes shall have them that are started meanwhile."""
    kept = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _serve(channel: Any) -> None:
    """Life of a process: what all points share, then one point after the other, until the channel closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this one
    threading.Thread(target=_follow_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        channel.send("ready")
        start = channel.recv_bytes()
        while True:
            channel.send(_answer(start, channel.recv_bytes()))


def _answer(start: bytes, message: bytes) -> dict[str, Any]:
    try:
        work, held = pickle.loads(start)
        options, keys = pickle.loads(message)
        shared = {name: pickle.loads(held[key]) for name, key in keys.items()}
    except Exception as error:  # such as a function that can only be found where it was defined
        return failed(type(error).__name__, f"{error} (in another process: define it in a module)")
    return compute(work, options, shared)


def _follow_parent() -> None:
    """A process whose parent is gone has nobody to tell its results."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _pickled(name: str, value: Any) -> bytes:
    try:
        return pickle.dumps(value)
    except Exception as error:  # objects may raise what they like
        raise InvalidInputError(
            f"{name}: expected what can be sent to another process, got {error}; define functions and "
            'classes at the top of a module, or give executor="serial"'
        ) from None
