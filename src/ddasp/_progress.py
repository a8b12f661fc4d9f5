"""Progress that a person can read: bars with time left, plain lines without a terminal, or silence.

*Conventions*: a task is shown only when it lasts longer than `SHOW_AFTER` seconds, so short ones
leave no trace. The display is passed in; there is no global one. Whoever makes it closes it
(`showing` does both), so that an interruption leaves the terminal as it was.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TextIO, TypeVar

__all__ = ["Bars", "Lines", "Progress", "Silent", "progress_for", "showing"]

SHOW_AFTER = 1.0
LINE_EVERY = 10.0
KNOWN_FROM = 0.02  # share that must be done before the time left is worth saying
T = TypeVar("T")


class Progress(Protocol):
    """What steps ask of a display."""

    def track(self, items: Iterable[T], what: str, total: int) -> Iterator[T]:
        """Pass the items on and show how far they are."""
        ...

    def say(self, text: str) -> None:
        """One line for the person."""
        ...


class Silent:
    """Shows nothing."""

    def track(self, items: Iterable[T], what: str, total: int) -> Iterator[T]:
        """Pass the items on."""
        return iter(items)

    def say(self, text: str) -> None:
        """Keep quiet."""


class Lines:
    """Plain lines, at most one every ten seconds for a task: for logs and pipes.

    Parameters
    ----------
    stream : text stream
        Where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def say(self, text: str) -> None:
        """One line."""
        print(_printable(text, self.stream), file=self.stream, flush=True)

    def track(self, items: Iterable[T], what: str, total: int) -> Iterator[T]:
        """Pass the items on, with a line now and then."""
        start = last = time.monotonic()
        for done, item in enumerate(items, 1):
            yield item
            now = time.monotonic()
            if now - last >= LINE_EVERY and done < total:
                left = (now - start) / done * (total - done)
                known = f", {_clock(left)} left" if done >= KNOWN_FROM * total else ""
                self.say(f"  {what}: {done} of {total}{known}")
                last = now
        if time.monotonic() - start >= SHOW_AFTER:
            self.say(f"  {what}: {total} of {total} in {_clock(time.monotonic() - start)}")


class Bars:
    """Bars with time left, for a terminal (drawn by rich).

    All tasks share one display: a task inside another is a second bar below it. The display is
    up only while a task runs. `close` takes it down at once: after an interruption the
    generators of the tasks may live on in the traceback, and with them the hidden cursor.

    Parameters
    ----------
    stream : text stream
        The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self.console: Any = Console(file=stream)
        self._display: Any = None
        self._running = 0

    def say(self, text: str) -> None:
        """One line above the bars."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def track(self, items: Iterable[T], what: str, total: int) -> Iterator[T]:
        """Pass the items on under a bar."""
        start = time.monotonic()
        display = self._open()
        task = display.add_task(what, total=total)
        self._running += 1
        try:
            for item in items:
                yield item
                display.advance(task)
        finally:
            display.remove_task(task)
            self._running -= 1
            if self._running == 0 and display is self._display:
                self.close()
        if time.monotonic() - start >= SHOW_AFTER:
            self.say(f"  {what}: {total} of {total} in {_clock(time.monotonic() - start)}")

    def _open(self) -> Any:
        if self._display is None:
            self._display = _late_display(self.console)
            self._display.start()
        return self._display

    def close(self) -> None:
        """Take the bars down and give the cursor back."""
        if self._display is not None:
            self._display.stop()
            self._display = None
            self._running = 0


def _late_display(console: Any) -> Any:
    """A rich display that shows a task once it lasts longer than `SHOW_AFTER`."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    class LateProgress(RichProgress):
        def get_renderables(self) -> Iterator[Any]:
            late = [task for task in self.tasks if (task.elapsed or 0.0) >= SHOW_AFTER]
            if late:
                yield self.make_tasks_table(late)

    columns = (
        TextColumn("  {task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return LateProgress(*columns, console=console, transient=True)


def _printable(text: str, stream: TextIO) -> str:
    """The text with escapes for what the stream's encoding can't say."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _clock(seconds: float) -> str:
    """Seconds as a person says them.

    Examples
    --------
    >>> _clock(3.2), _clock(75), _clock(7330)
    ('3 s', '1 min 15 s', '2 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def progress_for(stream: TextIO | None = None, *, quiet: bool = False) -> Progress:
    """The display that fits where the words go: bars on a terminal, lines elsewhere.

    Parameters
    ----------
    stream : text stream, optional
        Where the words go; standard error by default, so that results can be piped.
    quiet : bool
        Show nothing.

    Returns
    -------
    Progress
        `Silent`, `Bars` or `Lines`.
    """
    stream = sys.stderr if stream is None else stream
    if quiet:
        return Silent()
    return Bars(stream) if stream.isatty() else Lines(stream)


@contextlib.contextmanager
def showing(stream: TextIO | None = None, *, quiet: bool = False) -> Iterator[Progress]:
    """`progress_for` that is closed at the end, also when the work is interrupted.

    Parameters
    ----------
    stream : text stream, optional
        Where the words go; standard error by default.
    quiet : bool
        Show nothing.

    Yields
    ------
    Progress
        The display.
    """
    progress = progress_for(stream, quiet=quiet)
    try:
        yield progress
    finally:
        if isinstance(progress, Bars):
            progress.close()
