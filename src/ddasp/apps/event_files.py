r"""Events as text while they happen: JSON lines, CSV, an Audacity label track, WebVTT.

Each writer is a generator of whole lines (or cues) that takes events as `ddasp.procedure.events`
gives them, so a file is right up to its last line whenever it is read. `write` flushes after each.

*Conventions*: times in s from the start of the sound. JSON lines hold everything: what has begun
at once, and again when it is over; the others hold what is over. A label comes from folders,
tables and tracks that anyone may have written, so it is never trusted: in JSON it is escaped and
lossless; elsewhere it becomes one line (control characters, line ends and what is no character
turn into blanks), and then

- CSV quotes it (RFC 4180, with plain line ends) and puts ' before one that begins with = + - @,
  which a spreadsheet would compute;
- WebVTT escapes & < >, so that no tag and no ``-->`` can arise; its cues must come in the order of
  their starts, so a cue waits while an event that began earlier lasts.

*References*: RFC 8259, RFC 4180; Audacity manual, "Importing and exporting labels"; W3C 2019,
"WebVTT: The Web Video Text Tracks Format", section 4; OWASP, "CSV injection".
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Iterator
from typing import TextIO

from ddasp.procedure.events import Event

__all__ = ["audacity", "csv_lines", "json_lines", "web_vtt", "write"]

FORMULA = ("=", "+", "-", "@")
COLUMNS = ("start", "stop", "label", "probability", "known_at")
SHORTEST = 1  # ms: a cue must end after it starts


def one_line(label: str) -> str:
    r"""A label without control characters, line ends and what is no character; never empty.

    Examples
    --------
    >>> one_line("dog\n\tor cat"), one_line("\x00")
    ('dog or cat', '?')
    """
    clean = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co") else c for c in label
    )
    return " ".join(clean.split()) or "?"  # split knows every line end of Unicode


def json_lines(events: Iterable[Event], *, path: str | None = None) -> Iterator[str]:
    r"""One JSON object a line: ``event`` is "begins" (``stop`` is null) or "ends".

    Parameters
    ----------
    events : iterable of Event
        As they come.
    path : str, optional
        The sound; a key of this name in each line.

    Yields
    ------
    str
        A line with its end.

    Examples
    --------
    >>> print(*json_lines([Event("dog", 1.5, None, 0.8, 2.5)]), end="")
    {"event": "begins", "label": "dog", "start": 1.5, "stop": null, "probability": 0.8, "known_at": 2.5}
    """
    for event in events:
        named = {} if path is None else {"path": path}
        kind = {"event": "ends" if event.is_over else "begins"}
        text = json.dumps(named | kind | vars(event), ensure_ascii=False, allow_nan=False)
        # half of a surrogate pair can't be UTF-8; its escape is JSON as well
        yield text.encode("utf-8", "backslashreplace").decode() + "\n"


def csv_lines(
    events: Iterable[Event], *, path: str | None = None, header: bool = True
) -> Iterator[str]:
    r"""One row an event that is over: start, stop, label, probability, known_at.

    Parameters
    ----------
    events : iterable of Event
        As they come.
    path : str, optional
        The sound; a first column of this name.
    header : bool
        Whether the names of the columns come first; not so where a file goes on.

    Yields
    ------
    str
        A row with its end.

    Examples
    --------
    >>> print(*csv_lines([Event("=1+1, dog", 1.5, 2.0, 0.8, 2.5)]), sep="", end="")
    start,stop,label,probability,known_at
    1.5,2.0,"'=1+1, dog",0.8,2.5
    """
    if header:
        yield _csv([*([] if path is None else ["path"]), *COLUMNS])
    for event in events:
        if event.is_over:
            values = [getattr(event, name) for name in COLUMNS]
            cells = [_cell(v) if isinstance(v, str) else repr(v) for v in values]
            yield _csv([*([] if path is None else [_cell(path)]), *cells])


def _cell(text: str) -> str:
    """One line of text that no spreadsheet takes for a formula."""
    text = one_line(text)
    return "'" + text if text.startswith(FORMULA) else text


def _csv(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def audacity(events: Iterable[Event]) -> Iterator[str]:
    r"""Lines of a label track: start, stop, label between tabs, for events that are over.

    Parameters
    ----------
    events : iterable of Event
        As they come.

    Yields
    ------
    str
        A line with its end.

    Examples
    --------
    >>> list(audacity([Event("a\tdog", 1.5, 2.0, 0.8, 2.5)]))
    ['1.500000\t2.000000\ta dog\n']
    """
    for event in events:
        if event.stop is not None:
            yield f"{event.start:.6f}\t{event.stop:.6f}\t{one_line(event.label)}\n"


def web_vtt(events: Iterable[Event]) -> Iterator[str]:
    r"""A subtitle track: the head once, then a cue for each event that is over, by start.

    Parameters
    ----------
    events : iterable of Event
        As they come; what has begun (``stop`` is None) tells which cues must wait.

    Yields
    ------
    str
        The head, or a cue with the blank line after it.

    Notes
    -----
    What has begun is all that must be known for the order: an event that runs while a later one ends has
    lasted longer than that, so it has been announced as well.

    Examples
    --------
    >>> print("".join(web_vtt([Event("<b>dog", 61.5, 62.0, 0.8, 62.5)])).rstrip())
    WEBVTT
    <BLANKLINE>
    00:01:01.500 --> 00:01:02.000
    &lt;b&gt;dog
    """
    yield "WEBVTT\n\n"
    running: dict[tuple[str, float], None] = {}
    waiting: list[Event] = []
    for event in events:
        if not event.is_over:
            running[event.label, event.start] = None
            continue
        running.pop((event.label, event.start), None)
        waiting.append(event)
        first = min((start for _, start in running), default=event.start)
        waiting.sort(key=lambda cue: cue.start)
        while waiting and (not running or waiting[0].start <= first):
            yield _cue(waiting.pop(0))
    yield from map(_cue, waiting)


def _cue(event: Event) -> str:
    start = round(1000 * event.start)
    stop = max(round(1000 * (event.stop or 0.0)), start + SHORTEST)
    label = one_line(event.label)
    for character, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        label = label.replace(character, escape)
    return f"{_clock(start)} --> {_clock(stop)}\n{label}\n\n"


def _clock(milliseconds: int) -> str:
    """HH:MM:SS.mmm; hours may have more digits."""
    seconds, ms = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"


def write(lines: Iterable[str], stream: TextIO) -> int:
    r"""Write lines as they come, and flush after each; returns how many.

    A file for them is opened with ``encoding="utf-8", newline=""``.

    Examples
    --------
    >>> stream = io.StringIO()
    >>> write(web_vtt([]), stream), stream.getvalue()
    (1, 'WEBVTT\n\n')
    """
    n = 0
    for line in lines:
        stream.write(line)
        stream.flush()
        n += 1
    return n
