"""What homework is made of: a task has parts, a part asks for items, a check says what it found.

A check never compares with a stored solution: it asks whether a property holds that the definition
demands. What fails raises `NotYet`, whose text names the property and the input.

    Task -- draw(student) --> Sheet          the numbers of one student
     |
     +-- Part -- calls(sheet, draw) --> Call      functions of the submission, with inputs
          |                               |  (run elsewhere: `execution`)
          |                            Outcome    what came back, plain JSON
          +-- judge(sheet, calls, outcomes) --> Finding   one for each item that was asked for

*Conventions*: calls and judges are pure; a judge never runs code of a student. Values that cross are
what JSON can hold: numbers, words, lists, dicts; arrays arrive as nested lists. ``seconds`` are by
the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ddasp.homework.draw import Draw

__all__ = [
    "BY_HAND",
    "MARKS",
    "NOT_ATTEMPTED",
    "NOT_YET",
    "RIGHT",
    "Call",
    "Exercise",
    "Finding",
    "NotYet",
    "Outcome",
    "Part",
    "Sheet",
    "Task",
    "judged",
    "share_of",
]

RIGHT = "right"
NOT_YET = "not yet"
NOT_ATTEMPTED = "not attempted"
BY_HAND = "by hand"  # the lecturer reads it
MARKS = {RIGHT: "✓", NOT_YET: "◐", NOT_ATTEMPTED: "○", BY_HAND: "✎"}


class NotYet(Exception):
    """A property doesn't hold; the text says which, on which input, and what was found."""


@dataclass(frozen=True)
class Finding:
    """What a check says about one item.

    Parameters
    ----------
    item : str
        What was asked for, "A: rank".
    status : str
        `RIGHT`, `NOT_YET`, `NOT_ATTEMPTED` or `BY_HAND`.
    says : str
        The property that fails, and on which input; blank where nothing fails.
    weight : float
        Beside the other items of its part.
    numbers : dict of str to float
        What a board shows, {"parameters": 17, "risk": 0.003}.
    """

    item: str
    status: str
    says: str = ""
    weight: float = 1.0
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One call of a function of the submission.

    Parameters
    ----------
    function : str
        Its name.
    arguments : tuple
        By position: NumPy arrays (they arrive as float64 or int64 arrays), and what JSON can hold.
    seconds : float
        Until it must have returned.
    """

    function: str
    arguments: tuple[Any, ...] = ()
    seconds: float = 10.0


@dataclass(frozen=True)
class Outcome:
    """What a call came to.

    Parameters
    ----------
    status : str
        "value", "failed" (it raised, didn't end, or gave something that can't be read) or
        "not attempted" (the stub, None, or no such function).
    value : object
        What it returned, as JSON: arrays as nested lists, fractions as "p/q".
    says : str
        Why it failed, in words for its author.
    """

    status: str
    value: Any = None
    says: str = ""


@dataclass(frozen=True)
class Sheet:
    """The numbers that one student works with.

    Parameters
    ----------
    student : str
        The id.
    matrices : dict of str to numpy.ndarray
        What is printed, by name.
    files : dict of str to str
        What lies beside the notebook, name to text ("data.csv").
    words : dict of str to str
        Sentences with this student's numbers, for `Task.introduction` and `Part.asked` (as
        ``{name}`` there).
    """

    student: str
    matrices: dict[str, NDArray[Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A part of a task.

    Parameters
    ----------
    key : str
        Its number within the task, "3".
    title : str
    asked : str
        What is to be done and handed in, Markdown with Unicode letters (A⁺, σ₁), no LaTeX.
    points : float
        At most.
    hints : tuple of str
        Two, the second nearer than the first; none gives the answer.
    stub : str
        Source of the functions to be written; each raises NotImplementedError.
    calls : callable
        ``calls(sheet, draw)`` lists what is called; `draw` gives the hidden inputs.
    judge : callable
        ``judge(sheet, calls, outcomes)`` gives a finding for each item, always the same items.
    files : tuple of str
        For a part that the lecturer reads: what is to be handed in.
    """

    key: str
    title: str
    asked: str
    points: float
    hints: tuple[str, ...] = ()
    stub: str = ""
    calls: Callable[[Sheet, Draw], list[Call]] | None = None
    judge: Callable[[Sheet, Sequence[Call], Sequence[Outcome]], list[Finding]] | None = None
    files: tuple[str, ...] = ()

    @property
    def by_hand(self) -> bool:
        """Whether its points are entered by the lecturer."""
        return self.judge is None


@dataclass(frozen=True)
class Task:
    """A task sheet.

    Parameters
    ----------
    name : str
        Of its file, "matrix_fundamentals".
    title : str
    version : int
        Of the generator: a change that gives any student another task counts one up.
    introduction : str
        Markdown, before the parts.
    parts : tuple of Part
    draw : callable
        ``draw(student)`` gives the sheet.
    allowed : tuple of str
        Modules that graded code may import, ("math", "numpy").
    refused : tuple of str
        Names inside these that would hand over what is asked for, ("numpy.linalg.svd").
    board : tuple of str
        Names of two numbers of the findings that the board draws against each other, (x, y).
    thresholds : tuple of (str, float)
        Name and value of what y is to undercut.
    """

    name: str
    title: str
    version: int
    introduction: str
    parts: tuple[Part, ...]
    draw: Callable[[str], Sheet]
    allowed: tuple[str, ...] = ("math", "fractions", "itertools", "numpy")
    refused: tuple[str, ...] = ()
    board: tuple[str, ...] = ()
    thresholds: tuple[tuple[str, float], ...] = ()

    def part(self, key: str) -> Part:
        """The part of that number."""
        return next(part for part in self.parts if part.key == key)


@dataclass(frozen=True)
class Exercise:
    """An exercise of a lesson: one question, one answer.

    Parameters
    ----------
    name : str
        Lesson and number, "svd_four_subspaces.2".
    asked : str
        Markdown.
    judge : callable
        ``judge(answer)`` gives the findings; the answer is a value or a function, as asked.
    hints : tuple of str
        Two, the second nearer than the first; none gives the answer.
    """

    name: str
    asked: str
    judge: Callable[[Any], list[Finding]]
    hints: tuple[str, ...]

    def _repr_markdown_(self) -> str:
        """What a lesson shows of it."""
        number = self.name.rpartition(".")[2]
        return f"**Exercise {number}.** {self.asked}"


def judged(item: str, check: Callable[[], Any], *, weight: float = 1.0) -> Finding:
    """Run a check of one item; what it raises as `NotYet` is the finding.

    Parameters
    ----------
    item : str
        What was asked for.
    check : callable
        Without arguments; raises `NotYet` where a property fails. A dict that it returns becomes
        the finding's numbers.
    weight : float
        Beside the other items of the part.

    Examples
    --------
    >>> def check():
    ...     raise NotYet("P P = P fails: the largest difference is 0.5")
    >>> judged("A: projector", check).status
    'not yet'
    """
    try:
        numbers = check()
    except NotYet as property_that_fails:
        return Finding(item, NOT_YET, str(property_that_fails), weight)
    return Finding(item, RIGHT, "", weight, numbers if isinstance(numbers, dict) else {})


def share_of(findings: Iterable[Finding]) -> float:
    """The share of a part that is right, by the weights of its items; 0 without any.

    Examples
    --------
    >>> share_of([Finding("rank", RIGHT), Finding("basis", NOT_YET, "it has 3 columns")])
    0.5
    """
    known = list(findings)
    total = sum(finding.weight for finding in known)
    right = sum(finding.weight for finding in known if finding.status == RIGHT)
    return right / total if total else 0.0
