"""One submission, one task: run what it defines, judge what came back.

*Conventions*: the hidden inputs are drawn from a salt, the student's id and the part. Students check
with the salt `PRACTICE`; a lecturer has one of their own, so what is graded stands nowhere in the
package. This process never runs a student's code.
"""

from __future__ import annotations

from collections.abc import Sequence

from ddasp.homework.draw import Draw
from ddasp.homework.parts import (
    BY_HAND,
    NOT_ATTEMPTED,
    NOT_YET,
    Call,
    Finding,
    Outcome,
    Part,
    Sheet,
    Task,
)
from ddasp.homework.reading.imports import sifted
from ddasp.homework.reading.submissions import Program
from ddasp.homework.results import PartResult, Result
from ddasp.homework.running.execution import Limits, execute
from ddasp.homework.running.sandbox import Sandbox

__all__ = ["PRACTICE", "assess", "calls_of", "judge_part"]

PRACTICE = "practice"


def calls_of(task: Task, part: Part, sheet: Sheet, salt: str) -> list[Call]:
    """What is called for a part, with the inputs that the salt hides.

    Parameters
    ----------
    task : Task
    part : Part
    sheet : Sheet
    salt : str
        The lecturer's secret, or `PRACTICE`.
    """
    if part.calls is None:
        return []
    return part.calls(sheet, Draw(salt, task.name, str(task.version), sheet.student, part.key))


def judge_part(
    part: Part, sheet: Sheet, calls: Sequence[Call], outcomes: Sequence[Outcome]
) -> list[Finding]:
    """What a part's judge says; what it can't digest counts as not yet.

    Parameters
    ----------
    part : Part
        One that is not read by hand.
    sheet : Sheet
    calls, outcomes : sequence
        Of this part, in the same order.
    """
    if part.judge is None:
        raise TypeError(f"part {part.key} is read by hand")
    try:
        return part.judge(sheet, calls, outcomes)
    except Exception as error:  # hostile values must not stop the grading of others
        says = f"what came back can't be judged ({type(error).__name__}: {str(error)[:200]})"
        return [Finding(part.title, NOT_YET, says)]


def assess(
    program: Program,
    task: Task,
    *,
    salt: str = PRACTICE,
    files: Sequence[str] = (),
    limits: Limits | None = None,
    sandbox: Sandbox | None = None,
) -> Result:
    """Run a program's functions for each part of a task and judge what they gave.

    Parameters
    ----------
    program : Program
        As it was read from a notebook or a file.
    task : Task
        The one that it names.
    salt : str
        Where the hidden inputs come from.
    files : sequence of str
        Names of what else was handed in, for the parts that the lecturer reads.
    limits : Limits, optional
    sandbox : Sandbox, optional
        Where the code runs; without one it runs in a child process with the rights of the caller,
        which is right for one's own code only.
    """
    sheet = task.draw(program.student)
    asked = [calls_of(task, part, sheet, salt) for part in task.parts]
    cells, refused = sifted(program.cells, task.allowed, task.refused)
    execution = execute(
        cells,
        [call for calls in asked for call in calls],
        files=sheet.files,
        allowed=task.allowed,
        refused=task.refused,
        limits=limits or Limits(),
        sandbox=sandbox,
    )
    outcomes = iter(execution.outcomes)
    parts = []
    for part, calls in zip(task.parts, asked, strict=True):
        answers = [next(outcomes) for _ in calls]
        findings = (
            _read_by_hand(part, files) if part.by_hand else judge_part(part, sheet, calls, answers)
        )
        parts.append(PartResult(part.key, part.title, part.points, part.by_hand, tuple(findings)))
    said = [f"{refusal.where}: {refusal.says}" for refusal in refused]
    return Result(
        program.student,
        task.name,
        program.version,
        tuple(parts),
        tuple(dict.fromkeys([*program.left_out, *said, *execution.problems])),
        execution.printed,
        tuple(files),
    )


def _read_by_hand(part: Part, files: Sequence[str]) -> list[Finding]:
    """Whether what the lecturer is to read is there."""
    if not part.files:
        return [Finding(part.title, BY_HAND, "on paper, or in the notebook's text")]
    found = []
    for name in part.files:
        stem, _, _ = name.rpartition(".")
        same = [file for file in files if file.rsplit("/", 1)[-1].rpartition(".")[0] == stem]
        if same:
            found.append(Finding(name, BY_HAND, f"handed in: {', '.join(same)}"))
        else:
            found.append(Finding(name, NOT_ATTEMPTED, f"no file {name} was handed in"))
    return found
