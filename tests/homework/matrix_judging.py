"""Ask the judges of task 1, as if its functions had run: what the tests of the task share."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from ddasp.homework.answers import number
from ddasp.homework.draw import Draw
from ddasp.homework.parts import RIGHT, Finding, Outcome, Sheet
from ddasp.homework.tasks import load

from .matrix_exact import solution
from .matrix_solution import program_text

TASK = load("matrix_fundamentals")
CHECKED = [part for part in TASK.parts if not part.by_hand]
IDS = [f"s{i:07d}" for i in range(200)]
Answers = dict[str, Any]


@functools.cache
def sheet_of(student: str) -> Sheet:
    return TASK.draw(student)


@functools.cache
def _solved(student: str) -> str:
    if student != "example":
        return json.dumps(solution(sheet_of(student).matrices))
    functions: dict[str, Any] = {}
    exec(program_text(), functions)
    names = [function_of(part.key) for part in CHECKED]
    return json.dumps({name: functions[name]() for name in names})


def solved(student: str) -> Answers:
    """What each function gives back, as it comes from the other process."""
    answers: Answers = json.loads(_solved(student))
    return answers


def calls(part: Any, sheet: Sheet) -> list[Any]:
    assert part.calls is not None
    listed: list[Any] = part.calls(sheet, Draw("salt", part.key))
    return listed


def found(key: str, value: Any, student: str = "example") -> dict[str, Finding]:
    """The findings of a part by item, when its function gave this."""
    return judged(key, Outcome("value", value), student)


def judged(key: str, outcome: Outcome, student: str = "example") -> dict[str, Finding]:
    part, sheet = TASK.part(key), sheet_of(student)
    assert part.judge is not None
    findings = part.judge(sheet, calls(part, sheet), [outcome])
    return {finding.item: finding for finding in findings}


def function_of(key: str) -> str:
    (call,) = calls(TASK.part(key), sheet_of("example"))
    return str(call.function)


def not_right(answers: Answers, student: str) -> list[Finding]:
    findings = [
        finding
        for part in CHECKED
        for finding in found(part.key, answers[function_of(part.key)], student).values()
    ]
    return [finding for finding in findings if finding.status != RIGHT]


def each_number(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: each_number(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [each_number(inner, change) for inner in value]
    return change(value)


def four_digits(value: Any) -> str:
    return f"{number(value, 'x'):.4g}"
