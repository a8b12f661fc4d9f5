"""What a submission comes to: points, lateness, which one counts, and what the lecturer should look at.

*Conventions*: nothing here runs or reads a file; the same pieces and settings give the same grades.
A piece is a submission, seen from one task. Points of a part are its weight
times the share that is right, unless the lecturer enters others. Being late takes off a share of
the sum; the total is rounded once, at the end.

Among several pieces of one id, one counts: first one of this version of the task, then one whose name
holds the id (anybody can write another's id into a file), then one in time, then the latest. The
others get a line without a total, and all of them are flagged.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ddasp.homework.grades.settings import HomeworkSettings
from ddasp.homework.grades.table import UNCOUNTED, in_order, number
from ddasp.homework.parts import NOT_ATTEMPTED, Finding, Task
from ddasp.homework.reading.similarity import Pair
from ddasp.homework.reading.submissions import Program, Submission
from ddasp.homework.results import PRELIMINARY, Grade, PartResult, Result

__all__ = [
    "Piece",
    "absent",
    "flags_of_pairs",
    "grades_of",
    "names_hold_ids",
    "piece_of",
    "unique",
    "unread_result",
    "with_flags",
]

LONGEST_REASON = 200
MOST_NAMED = 3
NOTHING = "nothing handed in"


@dataclass(frozen=True)
class Piece:
    """What one line of the table is about.

    Parameters
    ----------
    name : str
        Of the file or folder.
    received : float
        When, in s since 1970.
    digest : str
        Of what was handed in.
    program : Program or None
        None where there is none for the task.
    files : tuple of str
        Names of all that was handed in.
    problems : tuple of str
        What reading it met.
    flags : tuple of str
        What is known before it runs.
    reason : str
        Why it doesn't run; blank where it does.
    """

    name: str
    received: float
    digest: str
    program: Program | None
    files: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    reason: str = ""

    @property
    def student(self) -> str:
        """The id that the program states; blank without one."""
        return self.program.student if self.program else ""

    @property
    def names_the_student(self) -> bool:
        """Whether the name holds the id, as a word of its own."""
        return bool(self.student) and _holds(self.name, self.student)


def _holds(name: str, student: str) -> bool:
    """Whether a name holds an id as a word of its own."""
    word = rf"(?<![a-z0-9]){re.escape(student)}(?![a-z0-9])"
    return re.search(word, name.lower()) is not None


def piece_of(submission: Submission, task: Task) -> Piece:
    """What of a submission is graded: its program for the task, else the reason why nothing is.

    Parameters
    ----------
    submission : Submission
    task : Task
    """
    mine = next((p for p in submission.programs if p.task == task.name), None)
    others = [p for p in submission.programs if p is not mine]
    if mine is None:
        elsewhere = [f"is for the task {_short(p.task)}, not for {task.name}" for p in others]
        reason = _short("; ".join([*submission.problems, *elsewhere]) or "holds no program")
        flags: tuple[str, ...] = ()
    else:
        reason = _other_version(mine, task)
        flags = tuple(
            f"also holds {p.name} for the task {_short(p.task)}, which is not graded here"
            for p in others
        )
    return Piece(
        submission.name,
        submission.received,
        submission.digest,
        mine,
        tuple(sorted(submission.files)),
        submission.problems,
        flags,
        reason,
    )


def unique(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces under names that are each there once.

    Parameters
    ----------
    pieces : sequence of Piece
    """
    taken: set[str] = set()
    named = []
    for piece in pieces:
        name, n = piece.name, 1
        while name in taken:
            n += 1
            name = f"{piece.name} ({n})"
        taken.add(name)
        named.append(replace(piece, name=name))
    return named


def _other_version(program: Program, task: Task) -> str:
    """Why a program for other numbers is not graded with these."""
    if program.version == task.version:
        return ""
    age = "an older" if program.version < task.version else "a newer"
    return (
        f"is of version {program.version} of the task, {age} one than {task.version} here: its "
        "numbers are others - grade it with the release of ddasp that wrote it"
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else text[:LONGEST_REASON] + "…"


def unread_result(piece: Piece, task: Task) -> Result:
    """The result of what did not run: nothing attempted, and the reason.

    Parameters
    ----------
    piece : Piece
    task : Task
    """
    parts = tuple(
        PartResult(
            part.key,
            part.title,
            part.points,
            part.by_hand,
            (Finding(part.title, NOT_ATTEMPTED, "it was not run"),),
        )
        for part in task.parts
    )
    version = piece.program.version if piece.program else task.version
    problems = tuple(dict.fromkeys([piece.reason, *piece.problems]))
    return Result(piece.student, task.name, version, parts, problems, files=piece.files)


# ----------------------------------------------------------------------------------- grades


def grades_of(
    task: Task,
    settings: HomeworkSettings,
    graded: Sequence[tuple[Piece, Result | str]],
    *,
    roster: Sequence[str] | None = None,
    flags: Sequence[str] = (),
) -> list[Grade]:
    """A grade for each piece, and one for each id of whom nothing was handed in.

    Parameters
    ----------
    task : Task
    settings : HomeworkSettings
    graded : sequence of (Piece, Result or str)
        With what was found, or why it could not be graded (a fault of the grader, not of the
        student).
    roster : sequence of str, optional
        The ids that are expected.
    flags : sequence of str
        Of all lines that were run.

    Returns
    -------
    list of Grade
        In the order of the table.
    """
    pieces = [piece for piece, _ in graded]
    counting, speaking = _counting(pieces, settings), names_hold_ids(pieces)
    grades = []
    for piece, found in graded:
        named = _named(piece, pieces, roster, speaking=speaking)
        known = [*(flags if not piece.reason else ()), *_flags_of(piece, settings, roster, named)]
        known = [*counting.get(piece.name, ()), *known]
        grades.append(_grade(task, settings, piece, found, known))
    present = {piece.student for piece, _ in graded}
    expected = dict.fromkeys([*(roster or ()), *settings.points, *settings.deadlines])
    unread = [piece.name for piece, _ in graded if not piece.student]
    for student in expected:
        if student not in present:
            theirs = [name for name in unread if _holds(name, student)]
            grades.append(absent(task, settings, student, roster, theirs))
    return in_order(grades)


def names_hold_ids(pieces: Sequence[Piece]) -> bool:
    """Whether the names of submissions tell whose they are: half of them hold the id of the code.

    Parameters
    ----------
    pieces : sequence of Piece
        Learning platforms name by the person, ``Weber Ina_4711_assignsubmission_file_``: there an id
        that is missing in a name says nothing.
    """
    read = [piece for piece in pieces if piece.student]
    return 2 * sum(piece.names_the_student for piece in read) >= len(read)


def _named(
    piece: Piece, pieces: Sequence[Piece], roster: Sequence[str] | None, *, speaking: bool
) -> list[str]:
    """What a name says against the id that stands in the code."""
    if not piece.student or piece.names_the_student:
        return []
    ids = sorted({one.student for one in pieces if one.student} | set(roster or ()))
    others = [student for student in ids if _holds(piece.name, student)]
    if others:
        return [f"its name holds the id {others[0]}, its code says {piece.student}"]
    return ["its name does not hold the id"] if speaking else []


def _flags_of(
    piece: Piece, settings: HomeworkSettings, roster: Sequence[str] | None, named: Sequence[str]
) -> list[str]:
    """What stands out in a piece before anything is run."""
    flags = [*([piece.reason] if piece.reason else []), *named]
    if piece.student and roster is not None and piece.student not in roster:
        flags.append("the id is not in the roster")
    days = settings.late_days(piece.student, piece.received)
    if days:
        flags.append(f"late by {days} day{'s' * (days > 1)}")
    return [*flags, *piece.flags]


def _counting(pieces: Sequence[Piece], settings: HomeworkSettings) -> dict[str, tuple[str, ...]]:
    """By name, what is said to pieces that share an id with others."""
    by_id: defaultdict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        if piece.student:
            by_id[piece.student].append(piece)
    said: dict[str, tuple[str, ...]] = {}
    for student, same in by_id.items():
        if len(same) == 1:
            continue
        best = max(same, key=lambda piece: _rank(piece, student, settings))
        others = [piece.name for piece in same if piece is not best]
        said[best.name] = (
            f"this one counts; of the same id and without a total: {', '.join(others)}",
        )
        said |= dict.fromkeys(others, (f"{UNCOUNTED}: of the same id counts {best.name}",))
    return said


def _rank(
    piece: Piece, student: str, settings: HomeworkSettings
) -> tuple[bool, bool, bool, float, str]:
    in_time = settings.late_days(student, piece.received) == 0
    return not piece.reason, piece.names_the_student, in_time, piece.received, piece.name


def _grade(
    task: Task,
    settings: HomeworkSettings,
    piece: Piece,
    found: Result | str,
    flags: Iterable[str],
) -> Grade:
    weights = settings.weights_of(task)
    given = settings.points.get(piece.student, {})
    fault = found if isinstance(found, str) else ""
    result = None if isinstance(found, str) or piece.reason else found
    if fault:
        points: dict[str, float | None] = {key: given.get(key) for key in weights}
        more = [f"could not be graded: {_short(fault)}"]
    else:
        points, more = _points(result, weights, given)
    if result and result.failures:
        n, first = len(result.failures), _short(result.failures[0].strip())
        more.append(f"{n} problem{'s' * (n > 1)}, {'first ' * (n > 1)}{first}")
    days = settings.late_days(piece.student, piece.received)
    return _added_up(
        Grade(piece.student, piece.name, result, points, most=sum(weights.values())),
        settings,
        days,
        [*flags, *more],
    )


def _points(
    result: Result | None, weights: Mapping[str, float], given: Mapping[str, float]
) -> tuple[dict[str, float | None], list[str]]:
    """Points by part, and what of them is the lecturer's or missing."""
    found = {part.key: part for part in result.parts} if result else {}
    points: dict[str, float | None] = {}
    flags = []
    for key, weight in weights.items():
        part = found.get(key)
        if part is None or part.status == NOT_ATTEMPTED:
            points[key] = 0.0  # there is nothing that could be read
        else:
            points[key] = None if part.by_hand else weight * part.share
        if key in given:
            if points[key] is not None and not (part and part.by_hand):
                flags.append(
                    f"points of part {key} are the lecturer's: {number(given[key])} in place of "
                    f"{number(points[key])}"
                )
            points[key] = given[key]
    return points, flags


def _added_up(grade: Grade, settings: HomeworkSettings, days: int, flags: Sequence[str]) -> Grade:
    """The grade with its total, deduction and, where points are missing, a flag."""
    missing = [key for key, value in grade.points.items() if value is None]
    reached = sum(value for value in grade.points.values() if value is not None)
    deduction = settings.deduction(reached, days)
    left = reached - deduction
    # All points are all points, also where their sum is no multiple of the step.
    total = grade.most if left > grade.most - 1e-9 else min(settings.rounded(left), grade.most)
    if missing:
        parts = f"part{'s' * (len(missing) > 1)} {', '.join(missing)}"
        flags = [*flags, f"points of {parts} are missing: {PRELIMINARY}"]
    return replace(
        grade, total=total, late_days=float(days), deduction=deduction, flags=tuple(flags)
    )


def absent(
    task: Task,
    settings: HomeworkSettings,
    student: str,
    roster: Sequence[str] | None = None,
    unread: Sequence[str] = (),
) -> Grade:
    """The line of an id of whom nothing was handed in, with the points that the lecturer entered.

    Parameters
    ----------
    task : Task
    settings : HomeworkSettings
    student : str
    roster : sequence of str, optional
    unread : sequence of str
        Names of submissions that could not be read and hold the id.
    """
    weights = settings.weights_of(task)
    given = settings.points.get(student, {})
    points: dict[str, float | None] = {key: given.get(key, 0.0) for key in weights}
    flags = [NOTHING]
    if unread:
        flags = [f"{NOTHING} that could be read; the id is in the name of {', '.join(unread)}"]
    if given:
        flags.append("the points are those that you entered, and no others")
    if student in settings.deadlines:
        until = settings.deadlines[student].isoformat(sep=" ", timespec="minutes")
        flags.append(f"has a deadline of its own, {until}")
    if roster is not None and student not in roster:
        flags.append("the id is not in the roster")
    grade = Grade(student, "", None, points, most=sum(weights.values()))
    return _added_up(grade, settings, 0, flags)


def flags_of_pairs(pairs: Sequence[Pair]) -> dict[str, list[str]]:
    """By name of the submission, what is said on both sides of each pair.

    Parameters
    ----------
    pairs : sequence of Pair

    Examples
    --------
    >>> flags_of_pairs([Pair("a.py", "b.py", 0.8), Pair("b.py", "c.py", 0.7)])["b.py"]
    ['shares code with a.py (80%), c.py (70%)']
    """
    others: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for pair in pairs:
        others[pair.first].append((-pair.share, pair.second))
        others[pair.second].append((-pair.share, pair.first))
    said = {}
    for name, alike in others.items():
        shown = [f"{other} ({-share:.0%})" for share, other in sorted(alike)[:MOST_NAMED]]
        more = len(alike) - len(shown)
        tail = f" and {more} more" if more else ""
        said[name] = [f"shares code with {', '.join(shown)}{tail}"]
    return said


def with_flags(grades: Sequence[Grade], said: Mapping[str, Sequence[str]]) -> list[Grade]:
    """The grades with further flags.

    Parameters
    ----------
    grades : sequence of Grade
    said : mapping of str to sequence of str
        By name of the submission.
    """
    return [
        replace(grade, flags=(*grade.flags, *said.get(grade.submission, ()))) for grade in grades
    ]
