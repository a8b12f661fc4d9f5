"""The folder of grades: results by key, feedback pages, the table, the summary.

    GRADES/homework.toml     the lecturer's settings (see `settings_file`)
           results/KEY.json  what was found in one submission, by what it depends on
           boards/KEY.json   the picture of a board, by what it shows
           feedback/ID.html  a page for each student
           grades.csv        the table
           summary.html      the class

*Conventions*: each file is whole or absent. A result is trusted only with the digest that it was
written with. Pages of submissions that are gone are removed when they are still as they were
written; what anyone else put there stays. The student's page holds no salt, of hidden inputs no more
than a message needs or the code's own exceptions say, and no word about others.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from markupsafe import Markup

import ddasp
from ddasp import plot
from ddasp._errors import RunError
from ddasp._files import digest_file, digest_json, read_json, write_json, write_text
from ddasp.homework.grades.marking import NOTHING, Piece, unread_result
from ddasp.homework.grades.settings import HomeworkSettings
from ddasp.homework.grades.table import UNCOUNTED, grades_csv, number
from ddasp.homework.pages import board
from ddasp.homework.pages.page import card_page, summary_page
from ddasp.homework.parts import Finding, Task
from ddasp.homework.reading.similarity import Pair
from ddasp.homework.results import Grade, PartResult, Result, from_json

__all__ = ["Boards", "Known", "Ran", "drawn", "write_feedback", "write_summary", "write_table"]

MOST_SAID = 300
PAGES = ".pages.json"  # the pages that are ours, with their digests


class Known:
    """Results by key, kept as files.

    Parameters
    ----------
    folder : Path
        Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def get(self, key: str) -> Result | None:
        """What was found, or None where it is not known or the file is damaged.

        Parameters
        ----------
        key : str
        """
        try:
            stored = read_json(self.folder / f"{key}.json")
            result = from_json(stored["result"])
            sound = stored["key"] == key and stored["digest"] == digest_json(result.to_json())
        except (RunError, KeyError, TypeError, AttributeError, ValueError):
            return None
        return result if sound else None

    def put(self, key: str, result: Result) -> Result:
        """Keep a result; returns it as it will be read back.

        Parameters
        ----------
        key : str
        result : Result
        """
        kept = _storable(result)
        value = kept.to_json()
        stored = {"key": key, "digest": digest_json(value), "result": value}
        write_json(self.folder / f"{key}.json", stored)
        return kept


class Boards:
    """Boards by what they show, kept as files: one takes longer to draw than all else of a page.

    Parameters
    ----------
    folder : Path
        Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        files = sorted(Path(plot.__file__).parent.glob("*.py"))
        sources = [digest_file(path) for path in [*files, Path(board.__file__)]]
        self.source = [*sources, ddasp.__version__, version("matplotlib")]

    def of(self, result: Result, task: Task) -> board.Board | None:
        """The board of a result, drawn where it is not known or damaged; None where it has none.

        Parameters
        ----------
        result : Result
        task : Task
        """
        shows = [astuple(entry) for entry in board.entries(result, task, whose=board.OWN)]
        if not shows:
            return None
        key = digest_json([self.source, shows, task.board, task.thresholds])
        path = self.folder / f"{key}.json"
        try:
            stored = read_json(path)
            svg, says = stored["svg"], stored["finding"]
            if stored["digest"] == digest_json([key, svg, says]):
                return board.Board(Markup(svg), says)
        except (RunError, KeyError, TypeError):
            pass
        fresh = board.of_result(result, task)
        if fresh is not None:
            svg, says = str(fresh.svg), fresh.finding
            digest = digest_json([key, svg, says])
            with contextlib.suppress(RunError):  # a full disk is said where a page is written
                write_json(path, {"svg": svg, "finding": says, "digest": digest})
        return fresh


def _storable(result: Result) -> Result:
    """Only what JSON brings back as it was: finite numbers, text without halves of characters."""

    def finding(f: Finding) -> Finding:
        numbers = {
            name: float(value)
            for name, value in f.numbers.items()
            if isinstance(value, (int, float)) and math.isfinite(value)
        }
        return replace(f, item=_text(f.item), says=_text(f.says), numbers=numbers)

    def part(p: PartResult) -> PartResult:
        return replace(p, findings=tuple(finding(f) for f in p.findings))

    return replace(
        result,
        parts=tuple(part(p) for p in result.parts),
        problems=tuple(_text(problem) for problem in result.problems),
        printed=_text(result.printed),
        files=tuple(_text(name) for name in result.files),
    )


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


# ------------------------------------------------------------------------------------ pages


@dataclass(frozen=True)
class Ran:
    """What the pages say about the whole.

    Parameters
    ----------
    task : Task
    settings : HomeworkSettings
    where : str
        Where the code ran and which limits were in force.
    speaking : bool
        Whether the names of the submissions hold ids.
    board_of : callable
        Gives the board of a result.
    """

    task: Task
    settings: HomeworkSettings
    where: str
    speaking: bool = True
    board_of: Callable[[Result, Task], board.Board | None] = board.of_result

    def deadline(self, student: str = "") -> datetime | None:
        """The deadline, of a student where it differs.

        Parameters
        ----------
        student : str
        """
        return self.settings.deadlines.get(student, self.settings.homework.deadline)


def drawn(
    ran: Ran, grades: Sequence[Grade], pieces: Mapping[str, Piece]
) -> tuple[dict[str, str], list[Grade]]:
    """The pages by name of the submission, and the grades with a flag where a page failed.

    Parameters
    ----------
    ran : Ran
    grades : sequence of Grade
    pieces : mapping of str to Piece
        By name, as in `Grade.submission`.
    """
    pages, flagged = {}, []
    for grade in grades:
        if grade.submission:
            piece = pieces[grade.submission]
            try:
                pages[grade.submission] = _card(ran, grade, piece)
            except Exception as error:  # hostile words must not cost the others their pages
                failed = f"its page could not be drawn: {type(error).__name__}: {error}"
                grade = replace(grade, flags=(*grade.flags, failed[:MOST_SAID]))
                bare = replace(piece, reason="its findings can't be shown here; ask your lecturer")
                pages[grade.submission] = _card(ran, replace(grade, result=None), bare)
        flagged.append(grade)
    return pages, flagged


def write_feedback(
    folder: Path, grades: Sequence[Grade], pages: Mapping[str, str]
) -> dict[str, str]:
    """Write the pages; those of ours that are no longer wanted go.

    Parameters
    ----------
    folder : Path
    grades : sequence of Grade
    pages : mapping of str to str
        HTML by name of the submission.

    Returns
    -------
    dict of str to str
        Name of the file by name of the submission.
    """
    folder = Path(folder)
    before = _pages_before(folder)
    names = _page_names(grades)
    ours = {}
    for submission, name in names.items():
        write_text(folder / name, pages[submission])
        ours[name] = digest_file(folder / name)
    for name in before.keys() - ours.keys():
        if _untouched(folder / name, before[name]):
            (folder / name).unlink()
    write_json(folder / PAGES, ours)
    return names


def _pages_before(folder: Path) -> dict[str, str]:
    """The pages of the last time; none where the list is missing or damaged."""
    try:
        stored = read_json(folder / PAGES)
    except RunError:
        return {}
    known = stored.items() if isinstance(stored, dict) else ()
    return {n: str(d) for n, d in known if n.endswith(".html") and "/" not in n and "\0" not in n}


def _untouched(page: Path, digest: str) -> bool:
    with contextlib.suppress(OSError):
        return page.is_file() and not page.is_symlink() and digest_file(page) == digest
    return False


def _page_names(grades: Sequence[Grade]) -> dict[str, str]:
    """ID.html for the piece that counts; "+" stands in no id, so others can't collide with it."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    counted_first = sorted(grades, key=lambda g: (not counts(g), g.student, g.submission))
    for grade in counted_first:
        if not grade.submission:
            continue
        stem = grade.student or "unread+" + (re.sub(r"[^a-z0-9]+", "_", grade.submission.lower()))
        name, n = f"{stem[:100]}.html", 1
        while name in taken:
            n += 1
            name = f"{stem[:100]}+{n}.html"
        taken.add(name)
        names[grade.submission] = name
    return names


def counts(grade: Grade) -> bool:
    """Whether the total of a line is the one of its student."""
    return not any(flag.startswith(UNCOUNTED) for flag in grade.flags)


def _card(ran: Ran, grade: Grade, piece: Piece) -> str:
    result = grade.result
    if result is None:
        fault = any(flag.startswith("could not be graded") for flag in grade.flags)
        reason = "it could not be graded; your lecturer looks at it" if fault else piece.reason
        result = unread_result(replace(piece, reason=reason), ran.task)
    title = f"{ran.task.title}: {grade.student or grade.submission}"
    return card_page(
        result,
        ran.task,
        title=title,
        facts=_facts_of(ran, grade, piece),
        points=grade.points,
        most=ran.settings.weights_of(ran.task),
        board_of=ran.board_of,
    )


def _facts_of(ran: Ran, grade: Grade, piece: Piece) -> list[tuple[str, str]]:
    """What stands above the findings: time, deduction, total, where it ran."""
    deadline = ran.deadline(grade.student)
    missing = any(value is None for value in grade.points.values())
    total = f"{number(grade.total)} of {number(grade.most)}"
    facts = [
        ("handed in", piece.name),
        ("received", _moment(piece.received, deadline)),
        ("deadline", deadline.isoformat(sep=" ") if deadline else "none"),
    ]
    if grade.late_days:
        days = f"{grade.late_days:g} day{'s' * (grade.late_days > 1)}"
        facts.append(("late", f"{days}: {number(grade.deduction)} points off"))
    facts.append(("total", f"{total}, preliminary: points are missing" if missing else total))
    if not counts(grade):
        facts.append(("counts", "no: another submission of the same id does"))
    return [*facts, ("where the code ran", ran.where)]


def _moment(seconds: float, deadline: datetime | None) -> str:
    zone = deadline.tzinfo if deadline else UTC
    try:
        return datetime.fromtimestamp(seconds, zone).isoformat(sep=" ", timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return "at a time that is none"


def write_table(path: Path, task: Task, grades: Sequence[Grade], *, decimal: str = ".") -> None:
    """Write `grades.csv`.

    Parameters
    ----------
    path : Path
    task : Task
    grades : sequence of Grade
    decimal : str
        As for `grades_csv`.
    """
    write_text(path, grades_csv(task, grades, decimal=decimal))


def write_summary(
    path: Path,
    ran: Ran,
    grades: Sequence[Grade],
    pairs: Sequence[Pair],
    links: Mapping[str, str],
) -> None:
    """Write `summary.html`: of the lines that count and were handed in; the others are counted.

    Parameters
    ----------
    path : Path
    ran : Ran
    grades : sequence of Grade
    pairs : sequence of Pair
    links : mapping of str to str
        Feedback pages by name of the submission.
    """
    absent = [grade.student for grade in grades if not grade.submission]
    handed_in = [grade for grade in grades if grade.submission]
    counted = [grade for grade in handed_in if counts(grade)]
    late = sum(grade.late_days > 0 for grade in counted)
    deadline = ran.deadline()
    others = [grade.submission for grade in handed_in if not counts(grade)]
    facts: list[tuple[str, Any]] = [
        ("submissions that count", str(len(counted))),
        ("of an id whose other submission counts", _listed(others)),
        (NOTHING, _listed(absent)),
        *_whose(ran.speaking),
        ("deadline", deadline.isoformat(sep=" ") if deadline else "none"),
        ("late", str(late)),
        ("where the code ran", ran.where),
    ]
    page = summary_page(ran.task, counted, pairs, facts=facts, links=dict(links))
    write_text(path, page)


def _whose(speaking: bool) -> list[tuple[str, str]]:
    """That nobody compared ids with names, where names hold none."""
    says = (
        "the names of the submissions do not hold the ids: that a person wrote the own id into the "
        "code is not checked here; the table has both"
    )
    return [] if speaking else [("whose they are", says)]


def _listed(names: Sequence[str]) -> str:
    return f"{len(names)}: {', '.join(names)}" if names else "0"
