"""What waits to be sent to one page: the newest of each thing that is a state, all of what is an answer.

The session's thread puts in, the server's loop takes out. A page that reads slowly gets fewer states, and
always the newest; nothing piles up. Answers and errors each count, so they wait in order; a page that
leaves `MOST` of them unread is cut off.

*Conventions*: text is JSON; bytes are a frame. Order is kept among what is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

__all__ = ["MOST", "Outbox", "to_text"]

MOST = 300
# Of these only the newest is worth sending.
STATES = frozenset({"settings", "data", "history", "status", "stats"})


def to_text(value: Any) -> str:
    """JSON of a message; what is no finite number becomes null, arrays become lists.

    Parameters
    ----------
    value : object
        Of dicts, sequences, NumPy arrays and numbers, text, None.

    Examples
    --------
    >>> import numpy as np
    >>> to_text({"loss": np.float64("nan"), "widths": (2, np.int64(4)), "x": np.ones((1, 2))})
    '{"loss":null,"widths":[2,4],"x":[[1.0,1.0]]}'
    """
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()  # a file's name may hold what is no text


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    to_list = getattr(value, "tolist", None)  # NumPy's arrays and numbers, without importing NumPy
    if to_list is not None:
        return _plain(to_list())
    return str(value)


class Outbox:
    """The letters to one page.

    Parameters
    ----------
    wake : callable
        Called from any thread when there is something to take.

    Attributes
    ----------
    overflowed : bool
        The page left too much unread; it should be cut off.
    closing : str
        Why the page is to be let go; empty while it is not.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake, self._lock = wake, threading.Lock()
        self._waiting: OrderedDict[str, str | bytes] = OrderedDict()
        self._n_put = 0
        self.overflowed, self.closing = False, ""

    def put(self, kind: str, payload: str | bytes) -> None:
        """Add one message; an unsent one of the same state gives way."""
        with self._lock:
            self._n_put += 1
            key = kind if kind in STATES else f"{kind} {self._n_put}"
            self._waiting.pop(key, None)
            self._waiting[key] = payload
            self.overflowed = self.overflowed or len(self._waiting) > MOST
        self._wake()

    def close(self, why: str) -> None:
        """Ask that the page be let go, with a reason in words."""
        self.closing = why
        self._wake()

    def take(self) -> list[str | bytes]:
        """Everything that waits, in order."""
        with self._lock:
            waiting = list(self._waiting.values())
            self._waiting.clear()
        return waiting

    @classmethod
    def of_loop(cls) -> tuple[Outbox, asyncio.Event]:
        """An outbox whose wake-up sets an event of the running loop."""
        loop, ready = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the page with it
                loop.call_soon_threadsafe(ready.set)

        return cls(wake), ready
