"""Three exercises on what a model can promise: two answers to one inverse problem, copying, extrapolation.

*Conventions*: a unit of the layered model is [weight, bias, output weight], and the model is the sum of
output weight · max(0, weight · x + bias). Intervals are those of `ddasp.linear.regression`, 95 %.

*References*: G. James et al., "An Introduction to Statistical Learning", 2nd ed. 2021, 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet
from ddasp.linear.regression import LeastSquares

__all__ = ["EXERCISES"]

Array = NDArray[Any]
TYPED = 5e-4  # four significant digits

# ------------------------------------------------------------------ 1: two answers, one function

X_TRY = np.array([-50.0, -3.0, -1.0, 0.0, 0.5, 1.0, 1.5, 1.9, 2.0, 2.1, 2.5, 3.0, 4.0, 7.0, 50.0])


def _twins(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("the first", _equals(0, "the first")),
            ("the second", _equals(1, "the second")),
            ("two answers", _differ),
        ],
    )


def _pair(answer: Any) -> tuple[Array, Array]:
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(f"the answer is {answers.shown(answer)}; expected two models, (first, second)")
    first, second = (
        np.asarray(answers.matrix(model, f"{name} model", rows=2, columns=3))
        for model, name in zip(answer, ("the first", "the second"), strict=True)
    )
    return first, second


def _equals(index: int, name: str) -> Callable[[Any], None]:
    """The check that one of the two is |x - 2|."""

    def check(answer: Any) -> None:
        weight, bias, out = _pair(answer)[index].T
        terms = np.maximum(np.outer(X_TRY, weight) + bias, 0.0) * out
        size = (np.abs(np.outer(X_TRY, weight)) + np.abs(bias)) @ np.abs(out)
        off = np.abs(terms.sum(axis=1) - np.abs(X_TRY - 2.0))
        wrong = np.flatnonzero(off > TYPED * np.maximum(size, 1.0) * 2)
        if wrong.size:
            i = int(wrong[np.abs(X_TRY[wrong] - 2.0).argmin()])
            where = "Which units are above 0 on that side?"
            if X_TRY[i] == 2.0:
                where = "Is that where your units have their kinks?"
            raise NotYet(
                f"{name} model is {terms.sum(axis=1)[i]:.4g} at x = {X_TRY[i]:g}; |x − 2| is "
                f"{abs(X_TRY[i] - 2.0):.4g} there. {where}"
            )

    return check


def _differ(answer: Any) -> None:
    first, second = _pair(answer)
    for order in ([0, 1], [1, 0]):
        if np.allclose(first, second[order], rtol=2 * TYPED, atol=1e-9):
            how = "" if order == [0, 1] else ", with the units in another order"
            raise NotYet(f"the two models have the same parameters{how}; expected others")


# ------------------------------------------------------------------ 2: what was copied

PROSE = "the machine writes what it has read, and the machine reads what it has written. "


def _texts() -> list[tuple[str, str, str]]:
    """What it is, text, source."""
    rng = np.random.default_rng(4)
    drawn = ["".join(rng.choice(list("ab "), n)) for n in (60, 300)]
    return [
        ("a passage in the middle", "xx it has read, yy", PROSE),
        ("a passage at the end of both", "zz written. ", PROSE),
        ("the passage that is the whole text", "has read", PROSE),
        ("a source that is shorter than the text", PROSE * 2, PROSE),
        ("two passages, the second longer", "the mach / it has read, and", PROSE),
        ("the same letters in another order", "dcba", "abcd"),
        ("letters that don't occur", "xyz", "abc"),
        ("capitals, which are other letters", "THE machine", PROSE),
        ("a text without letters", "", PROSE),
        ("a source without letters", PROSE, ""),
        ("drawn texts", drawn[0], drawn[1]),
    ]


def _copies(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("a whole number", _counts_letters),
            ("it was copied", _stands_there),
            ("nothing longer was", _nothing_longer),
        ],
    )


def _length(answer: Any, what: str, text: str, source: str) -> int:
    value = called(function(answer, "longest_copy(text, source)"), text, source)
    n = float(array(value, f"longest_copy for {what}", ()))
    if n != round(n) or not 0 <= n <= len(text):
        raise NotYet(
            f"longest_copy for {what} is {n:g}; expected a number of letters, 0 to {len(text)}"
        )
    return round(n)


def _counts_letters(answer: Any) -> None:
    for case in _texts():
        _length(answer, *case)


def _common(n: int, text: str, source: str) -> bool:
    return any(text[i : i + n] in source for i in range(len(text) - n + 1))


def _stands_there(answer: Any) -> None:
    for what, text, source in _texts():
        n = _length(answer, what, text, source)
        if not _common(n, text, source):
            raise NotYet(
                f"{what}: you say {n}, but no passage of {n} letters of the text stands in the source "
                "word for word and without a gap"
            )


def _nothing_longer(answer: Any) -> None:
    for what, text, source in _texts():
        n = _length(answer, what, text, source)
        if _common(n + 1, text, source):
            raise NotYet(
                f"{what}: you say {n}, but a passage of {n + 1} letter{'s' if n else ''} stands in "
                "the source"
            )


# ------------------------------------------------------------------ 3: beyond the data

ASKED_AT, MOST, N = 10.0, 20.0, 8
FIT = 0.95


def _truth(x: Array | float) -> Any:
    return 100.0 * (1.0 - np.exp(-np.asarray(x) / 4.0))


def _beyond(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("both fit", _both_fit),
            ("the broken promise", _promise_of(0, kept=False)),
            ("the kept promise", _promise_of(1, kept=True)),
        ],
    )


def _courses(answer: Any) -> list[Array]:
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(
            f"the answer is {answers.shown(answer)}; expected two lists of x, (broken, kept)"
        )
    found = []
    for values, name in zip(answer, ("broken", "kept"), strict=True):
        x = np.asarray(answers.vector(values, name, length=N))
        if x.min() < 0.0 or x.max() > MOST:
            raise NotYet(f"{name} has x from {x.min():g} to {x.max():g}; expected 0 to {MOST:g}")
        if np.diff(np.sort(x)).min() < 0.1:
            raise NotYet(f"{name} has two x closer than 0.1; expected {N} different ones")
        found.append(x)
    return found


def _fit(x: Array) -> LeastSquares:
    return LeastSquares().fit(x[:, np.newaxis], _truth(x))


def _both_fit(answer: Any) -> None:
    for x, name in zip(_courses(answer), ("broken", "kept"), strict=True):
        r_squared = _fit(x).statistics_.r_squared
        if r_squared < FIT:
            raise NotYet(
                f"{name}: R² is {r_squared:.3f}; expected {FIT:g} or more, so that the line looks right. "
                "On a long stretch the curve is seen to bend"
            )


def _promise_of(index: int, *, kept: bool) -> Callable[[Any], None]:
    """The check whether the interval at ASKED_AT holds the truth there."""

    def check(answer: Any) -> None:
        low, high = _fit(_courses(answer)[index]).prediction_intervals([[ASKED_AT]])[0]
        true = float(_truth(ASKED_AT))
        says = f"the interval at x = {ASKED_AT:g} is [{low:.1f}, {high:.1f}], the truth {true:.1f}"
        if bool(low <= true <= high) != kept:
            raise NotYet(f"{says}: it {'misses' if kept else 'holds'} it")

    return check


EXERCISES = (
    Exercise(
        "introduction.1",
        """By hand: a layered model with two units, y = c₁ max(0, w₁x + b₁) + c₂ max(0, w₂x + b₂), that
equals |x − 2| at every x. Then a second one that is the same function with other parameters, and not
only with its units in another order. Hand in both, ([[w₁, b₁, c₁], [w₂, b₂, c₂]], [[...], [...]]). How
many such answers does the inverse problem have?""",
        _twins,
        (
            "Where must each unit have its kink, and on which side of it must it be 0?",
            "max(0, k z) for a k above 0: what comes out of the max, and what could undo it?",
        ),
    ),
    Exercise(
        "introduction.2",
        """Write `longest_copy(text, source)`: the number of letters of the longest passage of `text` that
stands in `source` word for word; 0 where they have no letter in common. It is how one asks a machine
that writes what it knows by heart. Try it on `long_drafts[9]` and `training` afterwards.""",
        _copies,
        (
            "When a passage of n letters was copied, what do you know about n − 1? So where can the "
            "search for each beginning start?",
            "Python's `in` finds a passage without gaps. Mind the last beginning: a text has one passage "
            "more than its length minus that of the passage.",
        ),
    ),
    Exercise(
        "introduction.3",
        f"""Points level off: y = 100 (1 − e^(−x/4)) exactly, without noise. Two courses of {N} students
each are fitted with a line and asked about x = {ASKED_AT:g}. Choose the x of each, 0 to {MOST:g}, at least
0.1 apart, so that R² is {FIT:g} or more in both, and the 95 % interval for a new student breaks its
promise in the first and keeps it in the second. Hand in (broken, kept), two lists. Predict before you
try: which question is the safer one to ask a model?""",
        _beyond,
        (
            "The residuals of a line on a short stretch of a smooth curve are small. What does the "
            "interval make of that, and what does it not know?",
            "To be kept, the promise should be asked for near the students; then how long may their "
            "stretch be before R² tells of the bend?",
        ),
    ),
)
