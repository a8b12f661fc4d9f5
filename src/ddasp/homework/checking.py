"""A check by the one who answers: what is right, which property fails, and a hint when it is asked for.

    check("svd_four_subspaces.2", answer)                          an exercise of a lesson
    check("matrix_fundamentals.2", ranks, student="s0123456")       a part of a task
    check_file("homework.ipynb")                                   all parts, as they will be handed in

*Conventions*: with `check` the answer is called in this process, with no limit of time: what does not
end must be interrupted, as any cell. `check_file` runs the file in a child process with the limits that
grading has, and sees what the task refuses. Both use the inputs for practice; grading has others.
Where a lesson and a task have one name, a student's id means the task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddasp._check import one_of
from ddasp._errors import InputError, RunError
from ddasp.homework import exercises, tasks
from ddasp.homework.answers import blank, shown
from ddasp.homework.asking import NotAttempted, called
from ddasp.homework.draw import student_id
from ddasp.homework.parts import (
    BY_HAND,
    NOT_YET,
    RIGHT,
    Call,
    Exercise,
    Finding,
    NotYet,
    Outcome,
    Part,
    Task,
)
from ddasp.homework.progress import name_of_part, record
from ddasp.homework.results import Result
from ddasp.homework.running.execution import packed
from ddasp.homework.running.runner import Unreadable, plain, unpack
from ddasp.homework.verdicts import Verdict, hint_of, lines, wrapped

__all__ = ["Checked", "Verdict", "check", "check_file", "lines"]

# ------------------------------------------------------------------ one answer


def check(name: str, answer: Any, *, student: str = "", hint: int = 0) -> Verdict:
    """Check an answer to an exercise of a lesson, or a part of a task.

    Parameters
    ----------
    name : str
        Lesson and number, "svd_four_subspaces.2", or task and part, "matrix_fundamentals.3".
    answer : object
        A value or a function, as the exercise asks. For a part of a task: its function, or a dict of
        functions by name where it asks for several. None is not attempted.
    student : str
        The id, for a task.
    hint : int
        1 for a nudge, 2 for more than that; 0 for none.

    Returns
    -------
    Verdict
        Whatever the answer is; what can't be judged is not yet right.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is no such exercise, part or hint, or the student's id is missing.

    Examples
    --------
    >>> check("audio_levels.1", None).status
    'not attempted'
    """
    if isinstance(hint, bool) or hint not in (0, 1, 2):
        raise InputError("E-ARGUMENT", f"hint is {shown(hint)}; expected 0, 1 or 2")
    lesson, key = _split(name)
    if lesson in exercises.LESSONS and not (student and lesson in tasks.NAMES):
        exercise = exercises.find(f"{lesson}.{key}")
        name, hints, findings = exercise.name, exercise.hints, _exercise(exercise, answer)
        kept_as = name
    else:
        task = tasks.load(lesson)
        part = task.part(one_of(key, f"part of {lesson}", tuple(part.key for part in task.parts)))
        name, hints = f"{task.name}.{part.key}", part.hints
        kept_as = name_of_part(task.name, part.key)
        findings = _part(task, part, answer, student)
    notes = [*_about_hints(findings, hints, hint), *record(kept_as, findings)]
    text = hints[hint - 1] if 0 < hint <= len(hints) else ""
    return Verdict(name, tuple(findings), text, tuple(notes))


def _split(name: str) -> tuple[str, str]:
    """Lesson or task, and number."""
    lesson, _, key = str(name).strip().rpartition(".")
    if lesson in (*exercises.LESSONS, *tasks.NAMES):
        return lesson, key
    import difflib

    known = [e.name for lesson in exercises.LESSONS for e in exercises.load(lesson)]
    near = difflib.get_close_matches(
        str(name)[:100], [*known, *(f"{t}.1" for t in tasks.NAMES)], n=1
    )
    raise InputError(
        "E-ARGUMENT",
        f"name is {shown(name)}; expected LESSON.NUMBER, as at the end of each lesson, or TASK.PART of "
        f"{', '.join(tasks.NAMES)}" + (f" - did you mean {near[0]!r}?" if near else ""),
    )


def _about_hints(findings: Sequence[Finding], hints: Sequence[str], hint: int) -> list[str]:
    if hint > len(hints):
        return ["There is no such hint here."]
    if hint or not hints or {finding.status for finding in findings} <= {RIGHT, BY_HAND}:
        return []
    return ["There are two hints: hint=1, and hint=2 for more."]


def _exercise(exercise: Exercise, answer: Any) -> list[Finding]:
    try:
        return exercise.judge(answer)
    except Exception as error:  # an object that misbehaves wherever it is touched
        says = f"the answer can't be judged ({type(error).__name__})"
        return [Finding("the answer", NOT_YET, says)]


def _part(task: Task, part: Part, answer: Any, student: str) -> list[Finding]:
    """A part of a task, its functions called here."""
    from ddasp.homework.assessing import PRACTICE, calls_of, judge_part

    if not student:
        raise InputError(
            "E-ARGUMENT",
            f"student is missing; expected your id, from which {task.name} is drawn: "
            f"check('{task.name}.{part.key}', answer, student='s0123456')",
        )
    sheet = task.draw(student_id(student))
    if part.by_hand:
        files = (
            f": {', '.join(part.files)}" if part.files else ", on paper or in the notebook's text"
        )
        return [Finding(part.title, BY_HAND, f"to be handed in{files}")]
    calls = calls_of(task, part, sheet, PRACTICE)
    return judge_part(part, sheet, calls, _outcomes(answer, calls))


def _outcomes(answer: Any, calls: Sequence[Call]) -> list[Outcome]:
    """As they would come from another process."""
    names = tuple(dict.fromkeys(call.function for call in calls))
    if blank(answer):
        return [Outcome("not attempted")] * len(calls)
    try:
        functions = _by_name(answer, names)
    except NotYet as wrong:
        return [Outcome("failed", says=str(wrong))] * len(calls)
    return [_outcome(functions.get(call.function), call) for call in calls]


def _by_name(answer: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if callable(answer) and len(names) == 1:
        return {names[0]: answer}
    alone = "its function, or " if len(names) == 1 else ""
    form = alone + "the functions as {" + ", ".join(f"'{name}': {name}" for name in names) + "}"
    if not isinstance(answer, dict):
        raise NotYet(f"the answer is {shown(answer)}; expected {form}")
    if answer and not set(answer) & set(names):
        raise NotYet(f"the answer names {', '.join(map(shown, list(answer)[:5]))}; expected {form}")
    return answer


def _outcome(function: Any, call: Call) -> Outcome:
    name = call.function
    if blank(function):
        return Outcome("not attempted", says=f"there is no function {name}")
    if not callable(function):
        return Outcome("failed", says=f"{name} is {shown(function)}; expected a function")
    try:
        value = called(function, *unpack(packed(call.arguments)))
        if value is None:
            return Outcome("not attempted", says=f"{name} gave None - is the return missing?")
        return Outcome("value", plain(value))
    except NotAttempted:
        return Outcome("not attempted")
    except (NotYet, Unreadable) as wrong:
        return Outcome("failed", says=f"{name}: {wrong}")
    except Exception as error:  # a value that misbehaves when it is looked at
        return Outcome(
            "failed", says=f"{name}: what it gave can't be read ({type(error).__name__})"
        )


# ------------------------------------------------------------------ a file


@dataclass(frozen=True)
class Checked:
    """What was found in a file, and how to say it.

    Parameters
    ----------
    result : Result
    lines : tuple of str
        For a terminal.
    hint : str
        The one that was asked for.
    card : str
        Path of the page that says the same; blank when it could not be written.
    """

    result: Result
    lines: tuple[str, ...]
    hint: str = ""
    card: str = ""

    @property
    def right(self) -> bool:
        """Whether every part that is checked here is right."""
        return all(part.status == RIGHT for part in self.result.parts if not part.by_hand)


def check_file(path: str | Path, *, hint_for: str = "", hint: int = 0) -> Checked:
    """Check a notebook or .py file as it will be handed in, on its author's machine.

    Parameters
    ----------
    path : str or Path
        What `ddasp homework new` wrote and its owner filled in. Names of files beside it count as
        handed in; a page with what was found, NAME_card.html, is written there.
    hint_for : str
        A part's number.
    hint : int
        1 or 2 for a hint to that part.

    Returns
    -------
    Checked

    Raises
    ------
    InputError
        ``E-PATH-...`` or ``E-SUBMISSION`` when it can't be read, or is of another version of the
        task; ``E-ARGUMENT`` when there is no such hint.
    """
    from ddasp._files import write_text
    from ddasp.homework.assessing import assess
    from ddasp.homework.pages.page import card_page
    from ddasp.homework.reading.programs import read_program

    path = Path(path)
    program = read_program(path.name, _bytes(path))
    task = tasks.load(program.task)
    if program.version != task.version:
        raise InputError(
            "E-SUBMISSION",
            f"{path.name} has VERSION {program.version} of {task.name}, this ddasp draws version "
            f"{task.version}; the numbers differ - write the sheet anew with `ddasp homework new "
            f"{task.name} --student {program.student}`, or install the ddasp it came from",
        )
    help_with = hint_of(task, hint_for, hint)  # before anything runs
    page = path.with_name(f"{path.stem}_card.html")
    result = assess(program, task, files=_beside(path, page))
    notes = [
        note
        for part in result.parts
        for note in record(name_of_part(task.name, part.key), part.findings)
    ]
    said = lines(result, task, hint_for=hint_for, hint=hint)
    card = ""
    try:
        write_text(page, card_page(result, task, title=f"{task.title}, {result.student}"))
        card = str(page)
        said.append(f"As a page: {card}")
    except (OSError, RunError) as error:
        notes.append(f"the page is not written: {getattr(error, 'message', error)}")
    said += [wrapped(note) for note in dict.fromkeys(notes)]
    return Checked(result, tuple(said), help_with, card)


def _bytes(path: Path) -> bytes:
    """The file's content, or as much of it as shows that it is too large."""
    from ddasp.homework.reading.programs import MOST_BYTES

    if not path.exists():
        raise InputError(
            "E-PATH-MISSING", f"{path} does not exist; expected a notebook or .py file"
        )
    if not path.is_file():
        raise InputError("E-PATH-TYPE", f"{path} is no file; expected a notebook or .py file")
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError("E-PATH-PERM", f"{path} can't be read: {error.strerror}") from error


def _beside(path: Path, page: Path) -> list[str]:
    """Names of the other files in its folder, without the page that a check writes."""
    others = (other for other in path.resolve().parent.iterdir() if other.is_file())
    return sorted(other.name for other in others if other.name not in (path.name, page.name))
