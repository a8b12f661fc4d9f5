"""A tiny task, submissions for it, and an execution that is safe because nothing foreign runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ddasp.homework.draw import Draw
from ddasp.homework.parts import Call, Finding, NotYet, Outcome, Part, Sheet, Task, judged

NAME = "matrix_fundamentals"  # programs must name a task that exists
RIGHT = "def double(x):\n    return 2 * x\n\n\ndef pair(x):\n    return [x, -x]\n"
HALF = "def double(x):\n    return 2 * x\n\n\ndef pair(x):\n    return [x, x]\n"
WRONG = "def double(x):\n    return x\n"


def _doubles(sheet: Sheet, draw: Draw) -> list[Call]:
    return [Call("double", (draw.between(1, 9),))]


def _double_judge(
    sheet: Sheet, calls: Sequence[Call], outcomes: Sequence[Outcome]
) -> list[Finding]:
    (call,), (outcome,) = calls, outcomes

    def check() -> None:
        if outcome.status != "value":
            raise NotYet(outcome.says or "nothing came back")
        if outcome.value != 2 * call.arguments[0]:
            raise NotYet("f(x) = x + x fails")

    return [judged("double", check)]


def _pairs(sheet: Sheet, draw: Draw) -> list[Call]:
    return [Call("pair", (draw.between(1, 9),))]


def _pair_judge(sheet: Sheet, calls: Sequence[Call], outcomes: Sequence[Outcome]) -> list[Finding]:
    (call,), (outcome,) = calls, outcomes
    x = call.arguments[0]

    def first() -> dict[str, float]:
        if not isinstance(outcome.value, list) or outcome.value[0] != x:
            raise NotYet("the first is x fails")
        return {"parameters": 1.0, "risk": 0.5}

    def second() -> None:
        if not isinstance(outcome.value, list) or outcome.value[1] != -x:
            raise NotYet("x + y = 0 fails")

    return [judged("first", first, weight=3.0), judged("second", second)]


TASK = Task(
    name=NAME,
    title="Doubling",
    version=2,
    introduction="Double.",
    parts=(
        Part(
            "1",
            "Double",
            "Double x.",
            2.0,
            stub="def double(x): ...",
            calls=_doubles,
            judge=_double_judge,
        ),
        Part(
            "2", "Pair", "x and -x.", 4.0, stub="def pair(x): ...", calls=_pairs, judge=_pair_judge
        ),
        Part("3", "On paper", "Prove it.", 3.0),
        Part("4", "Essay", "Discuss it.", 1.0, files=("essay.md",)),
    ),
    draw=lambda student: Sheet(student),
)


def program(student: str, code: str = RIGHT, *, version: int = 2, task: str = NAME) -> str:
    return f'TASK = "{task}"\nSTUDENT = "{student}"\nVERSION = {version}\n\n\n{code}'


def hand_in(
    folder: Path, name: str, text: str, *, at: float = 1_800_000_000.0, essay: str = ""
) -> Path:
    """One submission: a .py file, or a folder with it and an essay."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if essay:
        path.mkdir()
        (path / "essay.md").write_text(essay)
        os.utime(path / "essay.md", (at, at))
        (path / "homework.py").write_text(text)
        os.utime(path / "homework.py", (at, at))
    else:
        path.write_text(text)
    os.utime(path, (at, at))
    return path


def run_here(cells: Sequence[Any], calls: Sequence[Call], **_: Any) -> Any:
    """What `execute` gives, by the tests' own harmless code."""
    from ddasp.homework.running.execution import Execution

    names: dict[str, Any] = {}
    for cell in cells:
        exec(cell.source, names)
    outcomes = []
    for call in calls:
        function = names.get(call.function)
        if function is None:
            outcomes.append(Outcome("not attempted"))
        else:
            outcomes.append(Outcome("value", function(*call.arguments)))
    return Execution(
        tuple(outcomes), tuple(names.get("PROBLEMS", ())), names.get("PRINTED", ""), ()
    )
