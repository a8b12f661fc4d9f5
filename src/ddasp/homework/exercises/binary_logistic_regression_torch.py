"""Three exercises on automatic differentiation: sums and cuts in a graph, a record walked back, rounding.

*Conventions*: an adjoint is the derivative of the last quantity by this one; adjoints of what is used
twice are added up. A record is a list of operations, each (name, i) or (name, i, j), where i and j count
the leaves and then the operations before it. Derivatives are checked by differences.

*References*: A. G. Baydin et al., J. Machine Learning Research 18(153), 2018; IEEE 754 (round to nearest,
ties to even).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]
Operation = tuple[Any, ...]

# ------------------------------------------------------------------ 1: added up, and cut off

AT, STEP = 3.0, 1e-5
CASES = ("one backward", "two backwards", "with detach")


def _grads(answer: Any) -> list[Finding]:
    return asked(answer, [(name, _says(i)) for i, name in enumerate(CASES)])


def _slopes() -> tuple[float, float, float]:
    """By differences of L(w) = w^3 - 2 w, and of w times a square that is held fixed."""
    rises = (AT + STEP) ** 3 - 2.0 * (AT + STEP) - (AT - STEP) ** 3 + 2.0 * (AT - STEP)
    held = (AT**2 * (AT + STEP) - 2.0 * (AT + STEP)) - (AT**2 * (AT - STEP) - 2.0 * (AT - STEP))
    once = rises / (2.0 * STEP)
    return once, once + once, held / (2.0 * STEP)


def _says(i: int) -> Callable[[Any], None]:
    """The check of one of the three."""

    def check(answer: Any) -> None:
        given = answers.vector(answer, "the three gradients", length=3)
        slopes = _slopes()
        if abs(given[i] - slopes[i]) <= 0.01:
            return
        if i == 1 and abs(given[1] - given[0]) <= 0.01:
            raise NotYet(
                "you say that the second backward leaves w.grad as it was; adjoints are added to what "
                "stands there"
            )
        if i == 2 and abs(given[2] - slopes[0]) <= 0.01:
            raise NotYet(
                "you say that detach changes nothing; what is detached is a constant to the walk back"
            )
        if i == 2 and abs(given[2] - (slopes[0] - slopes[2] - 2.0)) <= 0.01:
            raise NotYet("that is the part that detach cuts off; expected what is left")
        raise NotYet(f"{CASES[i]}: w.grad is not {given[i]:.4g}: small changes of w contradict it")

    return check


# ------------------------------------------------------------------ 2: a record, walked back

RULES: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
}
RECORDS: tuple[tuple[str, tuple[float, ...], tuple[Operation, ...]], ...] = (
    ("one sum", (2.0, -3.0), (("add", 0, 1),)),
    ("one product", (2.0, -3.0), (("multiply", 0, 1),)),
    ("tanh", (0.7,), (("tanh", 0),)),
    ("exp", (-0.4,), (("exp", 0),)),
    ("log", (0.3,), (("log", 0),)),
    ("a leaf used twice", (1.5,), (("multiply", 0, 0),)),
    ("a node used twice", (0.4, 1.2), (("multiply", 0, 1), ("tanh", 2), ("multiply", 2, 3))),
    ("an unused leaf", (0.4, 9.0, 1.2), (("multiply", 0, 2),)),
    ("an unused node", (0.4, 1.2), (("exp", 1), ("multiply", 0, 0))),
    (
        "a deep graph",
        (0.3, -0.8, 1.1),
        (
            ("multiply", 0, 1), ("add", 3, 2), ("exp", 4), ("add", 5, 3), ("log", 5), ("tanh", 6),
            ("multiply", 7, 8), ("add", 9, 5), ("multiply", 10, 4),
        ),
    ),
)  # fmt: skip
ITEMS = {
    "single operations": (0, 1, 2, 3, 4),
    "used twice": (5, 6),
    "unused": (7, 8),
    "any graph": (9,),
}


def _tape(answer: Any) -> list[Finding]:
    return asked(answer, [(item, _walks(which)) for item, which in ITEMS.items()])


def _value(leaves: Array, record: tuple[Operation, ...]) -> float:
    values: list[Any] = list(leaves)
    for name, *inputs in record:
        values.append(RULES[name](*(values[i] for i in inputs)))
    return float(values[-1])


def _walks(which: tuple[int, ...]) -> Callable[[Any], None]:
    """The check of some of the records."""

    def check(answer: Any) -> None:
        for name, numbers, record in (RECORDS[i] for i in which):
            leaves = np.array(numbers)
            found = called(function(answer, "adjoints(leaves, record)"), leaves, list(record))
            given = array(found, f"{name}: adjoints(leaves, record)", leaves.shape)
            for i, one in enumerate(np.eye(len(leaves)) * 1e-6):
                slope = (_value(leaves + one, record) - _value(leaves - one, record)) / 2e-6
                if abs(given[i] - slope) > 1e-6 * max(1.0, abs(slope)):
                    raise NotYet(
                        f"{name}, {list(record)[:3]}: the adjoint of leaf {i} is {given[i]:.5g}, but a "
                        f"small change of it changes the result {slope:.5g} times as much"
                        + (_twice(given[i], slope) if which == (5, 6) else "")
                    )

    return check


def _twice(given: float, slope: float) -> str:
    """The usual cause, where something is used twice."""
    return " - are adjoints overwritten?" if abs(given) < abs(slope) else ""


# ------------------------------------------------------------------ 3: too small to move

THETA = 24.0


def _stuck(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("float32: stuck", _rests(np.float32, 0)), ("float32: largest", _moves(np.float32, 0)),
         ("float64: stuck", _rests(np.float64, 1)), ("float64: largest", _moves(np.float64, 1))],
    )  # fmt: skip


def _exponent(answer: Any, i: int) -> int:
    k = float(answers.vector(answer, "the two exponents", length=2)[i])
    if k != round(k) or not -60 <= k <= 60:
        raise NotYet(
            f"{k:g} is no exponent for a step of 2^k; expected a whole number from −60 to 60"
        )
    return int(k)


def _stays(dtype: Any, k: int) -> bool:
    return bool(dtype(THETA) + dtype(2.0**k) == dtype(THETA))


def _rests(dtype: Any, i: int) -> Callable[[Any], None]:
    """A step of 2^k changes nothing."""

    def check(answer: Any) -> None:
        k = _exponent(answer, i)
        if not _stays(dtype, k):
            raise NotYet(
                f"{THETA:g} + 2^({k}) is not {THETA:g} in {dtype.__name__}: it still moves. How far is the "
                "next number that this format holds?"
            )

    return check


def _moves(dtype: Any, i: int) -> Callable[[Any], None]:
    """Twice the step does change something."""

    def check(answer: Any) -> None:
        k = _exponent(answer, i)
        if _stays(dtype, k + 1):
            raise NotYet(
                f"a step of 2^({k + 1}) is lost in {dtype.__name__} too: yours is not the largest"
            )

    return check


EXERCISES = (
    Exercise(
        "binary_logistic_regression_torch.1",
        f"""`w = torch.tensor({AT}, requires_grad=True)`. What does `w.grad` hold (a) after
`(w**3 - 2*w).backward()`; (b) after the same line has been run a second time, without `zero_grad`;
(c) in a fresh start, after `(w * (w**2).detach() - 2*w).backward()`? By hand; hand in `[a, b, c]`.""",
        _grads,
        (
            "(a) is school mathematics. For (b), is w.grad written or added to?",
            "What is detached has the same value, but the walk back does not enter it: treat it as a "
            "constant that happens to have this number.",
        ),
    ),
    Exercise(
        "binary_logistic_regression_torch.2",
        """Write `adjoints(leaves, record)`, a small autograd. `leaves` has shape (n,); `record` is a list
of operations `("add", i, j)`, `("multiply", i, j)`, `("tanh", i)`, `("exp", i)`, `("log", i)`, whose
inputs are counted through the leaves and then the operations before. Give the derivatives of the last
operation by all leaves, shape (n,).""",
        _tape,
        (
            "First forward: a list of all values. Then a list of adjoints of the same length, all zero "
            "but the last; walk the record from its end.",
            "Each operation hands its adjoint, times its own derivative, to each of its inputs; with += "
            "an input that is named twice needs no special care.",
        ),
    ),
    Exercise(
        "binary_logistic_regression_torch.3",
        f"""A parameter stands at θ = {THETA:g} and is moved by `theta += 2.0**k`, again and again. For
which largest whole k does it never move, in float32 and in float64? Predict from the 24 and 53 bits of
the significand, then try it in NumPy; hand in `[k32, k64]`.""",
        _stuck,
        (
            f"Between which powers of two does {THETA:g} lie, and how far apart are neighbours there?",
            "A sum is rounded to the nearest number. What happens half-way between two, and is the last "
            f"bit of {THETA:g} even?",
        ),
    ),
)
