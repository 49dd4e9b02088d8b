"""Restarts on a GPU: the updates of all that are under way in one launch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..gradients.backpropagation import Backpropagation


class _Ticket:
    """A call that waits for the others, and what came of it."""

    def __init__(self, call: tuple):
        self.call = call
        self.result: Any = None


class Together:
    """In the place of `Backpropagation` in several threads: a call returns when all have called.

    A thread takes part while it is `under_way`. The last to call makes the launch for all; what it gets does
    not depend on who else is there.
    """

    def __init__(self, run: Backpropagation):
        self.run, self.changed = run, threading.Condition()
        self.members = 0
        self.waiting: list[_Ticket] = []

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """From now on the others wait for this thread."""
        with self.changed:
            self.members += 1
        try:
            yield
        finally:
            with self.changed:
                self.members -= 1
                self._launch_if_complete()

    def __call__(self, *call: Any) -> tuple[float, Any, Any]:
        """As `Backpropagation`."""
        ticket = _Ticket(call)
        with self.changed:
            self.waiting.append(ticket)
            self._launch_if_complete()
            while ticket.result is None:
                self.changed.wait()
        if isinstance(ticket.result, BaseException):
            raise ticket.result
        return ticket.result

    def _launch_if_complete(self) -> None:
        if not self.waiting or len(self.waiting) < self.members:
            return
        tickets, self.waiting = self.waiting, []
        try:
            results: list[Any] = self.run.several([ticket.call for ticket in tickets])
        except BaseException as error:  # every thread gets it, or the others would wait for ever
            results = [error] * len(tickets)
        for ticket, result in zip(tickets, results, strict=True):
            ticket.result = result
        self.changed.notify_all()
