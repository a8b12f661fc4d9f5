"""A helper beside a session: one thread that does one thing after the other, and sleeps in between.

*Conventions*: a task is a callable without arguments that deals with its own errors.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ddasp._errors import RunError

__all__ = ["Helper"]

MOST = 32  # tasks that may wait


class Helper:
    """A thread for tasks; it begins with the first one.

    Parameters
    ----------
    name : str

    Examples
    --------
    >>> helper, done = Helper("counting"), Future()
    >>> helper.do(lambda: done.set_result(3))
    >>> done.result()
    3
    >>> helper.end()
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._tasks: queue.Queue[Callable[[], None] | None] = queue.Queue(MOST)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._ended = False

    def do(self, task: Callable[[], None], answer: Future[Any] | None = None) -> None:
        """Do a task when the earlier ones are done.

        Parameters
        ----------
        task : callable
        answer : concurrent.futures.Future, optional
            Told when there is no place left; without one the error is raised.

        Raises
        ------
        RunError
            When too many wait already.
        """
        try:
            with self._lock:
                if self._ended:
                    raise queue.Full
                self._tasks.put_nowait(task)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                    self._thread.start()
        except queue.Full:
            error = RunError(
                "E-RUN", "too many questions wait for an answer; ask again in a moment"
            )
            if answer is None:
                raise error from None
            answer.set_exception(error)

    def _run(self) -> None:
        while not self._ended:
            task = self._tasks.get()
            if task is None:
                return
            task()

    def end(self) -> None:
        """Do nothing more after the present task."""
        with self._lock:
            self._ended = True
            while not self._tasks.empty():
                self._tasks.get_nowait()
            self._tasks.put_nowait(None)

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()
