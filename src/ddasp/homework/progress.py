"""What one has got right so far, kept on one's own computer.

The record says of each exercise and part when it was first right and how the last check went. It holds
no answer, no student's id, and nothing leaves the machine.

*Conventions*: ``$XDG_STATE_HOME/ddasp/homework.json``, by default ``~/.local/state``; times are UTC,
ISO 8601, whole seconds. A record that can't be kept never stops a check: what is to be said about it
comes back as notes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from ddasp._errors import RunError
from ddasp._files import lock, read_json, write_json
from ddasp.homework.parts import BY_HAND, MARKS, NOT_ATTEMPTED, NOT_YET, RIGHT, Finding

__all__ = [
    "Progress",
    "Seen",
    "card",
    "everything",
    "lines",
    "name_of_part",
    "place",
    "progress",
    "record",
]

FORM = 1  # of the file; another one is not guessed
WHAT = "the record of homework"


class Seen(TypedDict):
    """What is known of an exercise, or of a part of a task.

    ``status`` of the last check that attempted it, `RIGHT` or `NOT_YET`; how many of its ``items``
    were ``right`` then; ``first_right``, when all of it was right for the first time, ISO 8601, blank
    when never.
    """

    status: str
    right: int
    items: int
    first_right: str


class Progress(TypedDict):
    """The record: by name ("svd_four_subspaces.2"), and notes about the file itself."""

    seen: dict[str, Seen]
    notes: list[str]


def record(
    name: str, findings: Sequence[Finding], *, now: datetime | None = None
) -> tuple[str, ...]:
    """Keep how a check went.

    Parameters
    ----------
    name : str
        Lesson and number, or what `name_of_part` gives for a part of a task.
    findings : sequence of Finding
        What the check said. Where nothing was attempted, or the lecturer reads it, nothing is kept.
    now : datetime, optional
        With time zone; by default the present time.

    Returns
    -------
    tuple of str
        Notes: that the file was damaged and where it is kept, that it can't be written.
    """
    states = {finding.status for finding in findings}
    if states <= {NOT_ATTEMPTED, BY_HAND}:
        return ()
    at = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
    status = RIGHT if states == {RIGHT} else NOT_YET
    path = place()
    try:
        with lock(path.with_suffix(".lock"), WHAT, wait=True):
            known = _read(path)
            before = known["seen"].get(name)
            first = (before["first_right"] if before else "") or (at if status == RIGHT else "")
            right = sum(finding.status == RIGHT for finding in findings)
            now_seen = Seen(status=status, right=right, items=len(findings), first_right=first)
            write_json(path, {"form": FORM, "seen": {**known["seen"], name: now_seen}})
            return tuple(known["notes"])
    except (OSError, RunError) as error:
        return (f"the progress could not be saved: {getattr(error, 'message', error)}",)


def progress() -> Progress:
    """What is known so far; empty where nothing has been kept."""
    path = place()
    if not path.exists():
        return Progress(seen={}, notes=[])
    try:
        with lock(path.with_suffix(".lock"), WHAT, wait=True):
            return _read(path)
    except (OSError, RunError) as error:
        note = f"the progress can't be read: {getattr(error, 'message', error)}"
        return Progress(seen={}, notes=[note])


def everything() -> dict[str, dict[str, str]]:
    """All exercises and checked parts that there are: title to name to what it is called."""
    from ddasp.homework import exercises, tasks

    found = {
        f"Lesson {lesson}": {
            one.name: f"exercise {one.name.rpartition('.')[2]}" for one in exercises.load(lesson)
        }
        for lesson in exercises.LESSONS
    }
    for task in map(tasks.load, tasks.NAMES):
        found[task.title] = {
            name_of_part(task.name, part.key): f"{part.key} {part.title}"
            for part in task.parts
            if not part.by_hand
        }
    return found


def name_of_part(task: str, key: str) -> str:
    """Under what a part of a task is kept: a lesson may have the task's name.

    Parameters
    ----------
    task, key : str

    Examples
    --------
    >>> name_of_part("matrix_fundamentals", "3")
    'task matrix_fundamentals.3'
    """
    return f"task {task}.{key}"


def card(
    known: Progress, names: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, list[tuple[str, str, str]]]:
    """Every piece that there is: what it is called, its state, and a remark.

    Parameters
    ----------
    known : Progress
    names : mapping, optional
        Title of a lesson or a task to the names of its pieces and what they are called; by default
        `everything`.

    Examples
    --------
    >>> seen = {"status": RIGHT, "right": 2, "items": 2, "first_right": "2026-03-01T10:00:00+00:00"}
    >>> known = {"seen": {"svd.1": seen}, "notes": []}
    >>> card(known, {"SVD": {"svd.1": "1", "svd.2": "2"}})
    {'SVD': [('1', 'right', 'since 2026-03-01'), ('2', 'not attempted', '')]}
    """
    return {
        title: [(called, *_state(known["seen"].get(name))) for name, called in pieces.items()]
        for title, pieces in (everything() if names is None else names).items()
    }


def lines(known: Progress, names: Mapping[str, Mapping[str, str]] | None = None) -> list[str]:
    r"""The card for a terminal.

    Parameters
    ----------
    known : Progress
    names : mapping, optional
        As for `card`.

    Examples
    --------
    >>> seen = {"status": NOT_YET, "right": 1, "items": 2, "first_right": ""}
    >>> known = {"seen": {"svd.1": seen}, "notes": []}
    >>> print("\n".join(lines(known, {"SVD": {"svd.1": "1", "svd.2": "2"}})))
    SVD: 0 of 2 right
      ◐ 1  not yet        1 of 2 items right
      ○ 2  not attempted
    """
    groups = card(known, names)
    said = []
    for title, pieces in groups.items():
        wide = max((len(called) for called, _, _ in pieces), default=0)
        right = sum(state == RIGHT for _, state, _ in pieces)
        said.append(f"{title}: {right} of {len(pieces)} right")
        if all(state == NOT_ATTEMPTED for _, state, _ in pieces):
            said[-1] = f"{title}: not begun"  # one line, for there are dozens
            continue
        said += [
            f"  {MARKS[state]} {called:{wide}}  {state:13}  {remark}".rstrip()
            for called, state, remark in pieces
        ]
    return [*said, *(f"Note: {note}" for note in known["notes"])]


def place() -> Path:
    """Where the record lies."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "ddasp" / "homework.json"


def _state(seen: Seen | None) -> tuple[str, str]:
    if seen is None:
        return NOT_ATTEMPTED, ""
    day = seen["first_right"][:10]
    if seen["status"] == RIGHT:
        return RIGHT, f"since {day}"
    was = f"; it was right on {day}" if day else ""
    return NOT_YET, f"{seen['right']} of {seen['items']} items right{was}"


def _read(path: Path) -> Progress:
    """The record; a file that is none is set aside. The caller holds the lock."""
    if not path.exists():
        return Progress(seen={}, notes=[])
    try:
        return Progress(seen=_entries(read_json(path)), notes=[])
    except (RunError, ValueError, TypeError, KeyError, AttributeError):
        kept = _free_name(path)
        os.replace(path, kept)
        note = f"{path.name} could not be read; it is kept as {kept}, and a new one is begun"
        return Progress(seen={}, notes=[note])


def _entries(value: Any) -> dict[str, Seen]:
    if value["form"] != FORM:
        raise ValueError(f"form {value['form']!r}")
    return {str(name): _seen(entry) for name, entry in value["seen"].items()}


def _seen(entry: Mapping[str, Any]) -> Seen:
    status, first = entry["status"], entry["first_right"]
    right, items = entry["right"], entry["items"]
    whole = all(type(n) is int for n in (right, items))
    if status not in (RIGHT, NOT_YET) or not isinstance(first, str) or not whole:
        raise ValueError(f"{entry!r} is no entry")
    return Seen(status=status, right=right, items=items, first_right=first)


def _free_name(path: Path) -> Path:
    k = 1
    while (kept := path.with_name(f"{path.stem}.damaged-{k}.json")).exists():
        k += 1
    return kept
