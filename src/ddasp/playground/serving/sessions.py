"""The sessions of a server: which page has which, and how long one is kept that no page has.

A page that is reloaded, or whose connection broke, names its session and finds everything as it was. A
session without a page does nothing; after half an hour it is forgotten, and when there are
sixty-four, the one that has been alone longest makes room. As many sessions compute at a time as there are
processors: with fifty threads in a queue for the interpreter, the thread of the server would get its turn
after all of them, and every answer would wait for seconds.

*Conventions*: a session's name is made by the page, or here; it is no secret, for nothing is answered
without the token.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import threading
import time
from collections.abc import Callable

from ddasp.playground.serving.session import Session
from ddasp.playground.serving.shelf import Shelf

__all__ = ["IDLE", "MOST", "Sessions"]

MOST, IDLE = 64, 30 * 60.0  # sessions, and seconds alone
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Sessions:
    """All sessions of one server.

    Parameters
    ----------
    source : str, optional
        Where sounds come from; see `shelf.Shelf`.
    clock : callable
        Seconds that never run back.
    """

    def __init__(
        self, source: str | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.shelf, self._clock = Shelf(source), clock
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(os.cpu_count() or 1)

    def find(self, name: str) -> Session | None:
        """The session of this name, if there is one."""
        with self._lock:
            return self._sessions.get(name)

    def open(self, name: str) -> Session | None:
        """The session of this name, made if there is none; None when too many pages are open."""
        if not NAME.fullmatch(name):
            name = secrets.token_urlsafe(9)
        with self._lock:
            session = self._sessions.get(name)
            if session is None:
                if len(self._sessions) >= MOST and not self._make_room():
                    return None
                session = self._sessions[name] = Session(
                    name, self.shelf, clock=self._clock, turns=self._turns
                )
                session.start()
            session.alone_since = None
            return session

    def _make_room(self) -> bool:
        alone = [one for one in self._sessions.values() if one.alone_since is not None]
        if not alone:
            return False
        oldest = min(alone, key=lambda one: one.alone_since or 0.0)
        self._sessions.pop(oldest.name).end()
        return True

    def sweep(self) -> None:
        """Forget the sessions that have been alone for long."""
        now = self._clock()
        with self._lock:
            for name, one in list(self._sessions.items()):
                if one.alone_since is not None and now - one.alone_since > IDLE:
                    self._sessions.pop(name).end()

    def warm_up(self) -> None:
        """Load what trains, while the browser is still opening."""

        def load() -> None:
            with contextlib.suppress(Exception):  # a session says what is wrong, in words
                from ddasp.playground.training.experiment import Experiment

                experiment = Experiment()
                experiment.train(updates=1)
                experiment.frame()

        threading.Thread(target=load, name="playground warm-up", daemon=True).start()

    def close(self) -> None:
        """End all sessions."""
        with self._lock:
            ended = list(self._sessions.values())
            self._sessions.clear()
        for one in ended:
            one.end()
