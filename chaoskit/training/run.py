"""One training from the first epoch to the last, and several at once."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np

from .._progress import progress_bar
from . import checkpoint
from .trainer import Trainer
from .validation import Checkpoint, Validation


class Run:
    """Epochs of updates, checkpoints judged on the way, and a file to go on from.

    Parameters
    ----------
    trainer, validation : Trainer, Validation
    on_epoch : callable or None
        Gets a `TrainingState` after each epoch; True ends this call. A later one goes on from the file.
    file : path or None
        Where the state is kept; what is there already is gone on from.
    """

    def __init__(
        self, trainer: Trainer, validation: Validation, on_epoch: Callable | None, file: Path | None
    ):
        self.trainer, self.validation, self.on_epoch, self.file = trainer, validation, on_epoch, file
        self.epoch, self.stopped = 0, False
        self.fingerprint = checkpoint.fingerprint(trainer)
        if file is not None:
            checkpoint.resume(self, file)

    @property
    def finished(self) -> bool:
        """True after the last epoch, a divergence, the callback's word or the end of patience."""
        settings, validation = self.trainer.settings, self.validation
        patience = settings["patience"]
        impatient = patience is not None and validation.checks_without_improvement() >= patience
        return (
            self.stopped
            or impatient
            or self.epoch >= settings["epochs"]
            or self.trainer.diverged_at is not None
        )

    def train(self, advance: Callable[[int, float], None]) -> None:
        """Train until the run is finished.

        `advance` is told how many updates were made, and the loss.
        """
        settings, trainer = self.trainer.settings, self.trainer
        epochs, per_epoch = settings["epochs"], settings["batches_per_epoch"]
        advance(self.epoch * per_epoch, math.nan)
        while not self.finished:
            for _ in range(per_epoch):
                trainer.update(len(trainer.losses) / (epochs * per_epoch))
            self.epoch += 1
            advance(per_epoch, trainer.losses[-1])
            self._ask()
            last = self.epoch if self.finished else epochs
            if trainer.diverged_at is None and self.validation.due(self.epoch, last):
                recent = float(np.mean(trainer.losses[-per_epoch:]))
                self.validation.judge(trainer.cell, trainer.latent, trainer.updates, recent)
            if self.file is not None and (self.finished or self.epoch % settings["checkpoint_interval"] == 0):
                checkpoint.save(self, self.file)

    def _ask(self) -> None:
        """The callback, if there is one."""
        if self.on_epoch is None:
            return
        scores = self.validation.scores
        answer = self.on_epoch(self.trainer.state(self.epoch, scores[-1] if scores else None))
        self.stopped = isinstance(answer, (bool, np.bool_)) and bool(answer)

    def history(self) -> dict[str, np.ndarray]:
        return self.trainer.history() | self.validation.history()


class _Broken(Exception):
    """Ends the other runs when one has failed."""


def train_all(runs: list[Run], threads: int | None, progress: bool) -> list[Checkpoint | None]:
    """Train runs side by side; returns the best checkpoint of each, None where there is none.

    The compiled kernels release Python's lock, so that threads share the cores. What a run comes to does not
    depend on the others.
    """
    settings = runs[0].trainer.settings
    total = settings["epochs"] * settings["batches_per_epoch"] * len(runs)
    bar, lock, broken = progress_bar(total, "training", progress), threading.Lock(), threading.Event()

    def advance(updates: int, loss: float) -> None:
        if broken.is_set():
            raise _Broken
        with lock:
            bar.update(updates)
            bar.set_postfix(loss=f"{loss:.2e}", refresh=False)

    def whole(run: Run) -> Checkpoint | None:
        try:
            with run.trainer.under_way():
                run.train(advance)
            return run.validation.best()
        except BaseException:
            broken.set()
            raise

    # on a GPU all updates go in one launch, so that all runs must be there
    most = len(runs) if settings["device"] == "cuda" else os.cpu_count() or 1
    workers = min(len(runs), threads or most)
    try:
        if workers == 1:
            return [whole(run) for run in runs]
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(whole, run) for run in runs]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            except BaseException:  # the user's interrupt arrives here; the threads end with their epoch
                broken.set()
                raise
        for error in (future.exception() for future in futures):
            if error is not None and not isinstance(error, _Broken):
                raise error
        return [f.result() for f in futures]
    finally:
        bar.close()
