"""A small task, results and grades as the pages show them; and text that wants to harm a page."""

from __future__ import annotations

import numpy as np

from ddasp.homework.parts import (
    BY_HAND,
    NOT_ATTEMPTED,
    NOT_YET,
    RIGHT,
    Finding,
    Outcome,
    Part,
    Sheet,
    Task,
)
from ddasp.homework.results import Grade, PartResult, Result

HOSTILE = (
    '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>',
    "\"'></title></style><svg onload=window.hacked=1>{{ 7*7 }}{% raw %}",
    "\u202eright to left \u2066 marks\u200f",
    "nul \x00 bell \x07 surrogate \udcff",
    "x" * 10_000,
    "e" + "\u0301" * 500,
    "javascript:window.hacked=1",
)


def draw(student: str) -> Sheet:
    a = np.array([[1, 2, 3], [2, -4, 10], [0, 1, -1], [3, 6, 9]])
    b = np.array([[2, 0], [-1, 12]])
    rows = "\n".join(f"{k / 10},{-k / 7:.4f},{k * k / 100}" for k in range(20))
    return Sheet(
        student,
        {"A": a, "B": b, "c": np.array([1, 0, -2])},
        {"data.csv": f"x1,x2,y\n{rows}\n"},
        {"b": "(1, 0, −2)ᵀ", "share": "0.1"},
    )


def judge(sheet: Sheet, calls, outcomes: list[Outcome]) -> list[Finding]:
    return [Finding("A: rank", NOT_ATTEMPTED)]


STUB = '''def rank(A):
    """The rank of A, a whole number."""
    raise NotImplementedError("Task 9.1: rank")
'''

TASK = Task(
    "matrix_fundamentals",
    "Matrix fundamentals",
    1,
    "Three matrices are yours alone. Work on paper first, then let the **check** look at it.\n\n"
    '- Fractions, roots and decimals are understood: `"3/4"`, `"2*sqrt(3)/5"`.\n'
    "- Solve A x = {b} as well.\n",
    (
        Part(
            "1", "Rank", "State the rank of A and of B.", 2.0, ("look", "count"), STUB, None, judge
        ),
        Part(
            "2",
            "Projectors",
            "The projectors onto the four subspaces of A; P² = P and Pᵀ = P.",
            4.0,
            (),
            "def projectors(A):\n    raise NotImplementedError('Task 9.2: projectors')\n",
            None,
            judge,
        ),
        Part("3", "Networks", "Risk below {share} with few parameters.", 6.0, judge=judge),
        Part("4", "Derivation", "Derive the gradient on paper.", 5.0, files=("derivation.pdf",)),
    ),
    draw,
    refused=("numpy.linalg.svd", "numpy.linalg.pinv"),
    board=("parameters", "risk"),
)


def result(student: str = "s0123456", *, right: int = 1, printed: str = "", problems=()) -> Result:
    """Of three checked parts the first ones are right; the file of the fourth is there."""
    wrong = "P P = P fails on A: the largest difference is 0.5"
    parts = [
        PartResult("1", "Rank", 2.0, False, (Finding("A: rank", RIGHT), Finding("B: rank", RIGHT))),
        PartResult(
            "2",
            "Projectors",
            4.0,
            False,
            (
                Finding("A: column space", RIGHT),
                Finding("A: row space", RIGHT if right > 1 else NOT_YET, wrong * (right < 2)),
            ),
        ),
        PartResult(
            "3",
            "Networks",
            6.0,
            False,
            (
                Finding("linear model: risk", RIGHT, numbers={"parameters": 3, "risk": 0.62}),
                Finding("network 1", RIGHT, numbers={"parameters": 17, "risk": 0.008}),
                Finding("network 2", RIGHT, numbers={"parameters": 9, "risk": 0.07}),
            )
            if right > 2
            else (Finding("network 1", NOT_ATTEMPTED),),
        ),
        PartResult(
            "4",
            "Derivation",
            5.0,
            True,
            (Finding("derivation.pdf", BY_HAND, "handed in: derivation.pdf"),),
        ),
    ]
    return Result(
        student, TASK.name, 1, tuple(parts), tuple(problems), printed, ("derivation.pdf",)
    )


def hostile_result(text: str) -> Result:
    """Every text a student can choose is `text`."""
    parts = [
        PartResult(
            text, text, 2.0, by_hand, tuple(Finding(text, s, text) for s in (RIGHT, NOT_YET))
        )
        for by_hand in (False, True)
    ]
    return Result(text, text, 1, tuple(parts), (text, text), text * 3, (text,))


def grades(n: int = 30) -> list[Grade]:
    """A class whose totals are known: submission k has k mod 18 points."""
    found = []
    for k in range(n):
        student = f"s{9_000 - 7 * k:07d}"
        outcome = result(student, right=1 + k % 3)
        points = {"1": 2.0, "2": float(k % 5), "3": 6.0 * (k % 3 == 2), "4": None if k % 4 else 3.5}
        flags = ("handed in 1.5 days late",) if k % 11 == 5 else ()
        late = 1.5 if flags else 0.0
        found.append(
            Grade(student, f"{student}.zip", outcome, points, k % 18, 17.0, late, late, flags)
        )
    broken = ("E-SUBMISSION: homework.ipynb is no notebook: it is cut at byte 512",)
    found.append(Grade("", "Doe Jane_123_file.zip", None, {}, 0.0, 17.0, 0.0, 0.0, broken))
    return found
