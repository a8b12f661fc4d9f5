"""Three exercises on the cost of training: overhead from two times, traces of a graph, larger batches.

*Conventions*: a step on n observations takes t = a + c n; a call is a tuple of arguments, where arrays of
NumPy stand for tensors and other numbers for numbers of Python. What is claimed of a cost or of a batch is
checked by inserting it.

*References*: A. Agrawal et al., "TensorFlow Eager", MLSys 2019; P. Goyal et al., arXiv:1706.02677, 2017.
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

# ------------------------------------------------------------------ 1: overhead from two times

MEASURED = ((8, 1480.0), (512, 1732.0))  # observations, microseconds
NEAR = 5e-3


def _overhead(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("both times", _explains), ("half", _is_half)],
    )


def _cost(answer: Any) -> tuple[float, float, float]:
    a, c, n = answers.vector(answer, "[a, c, n]", length=3)
    return float(a), float(c), float(n)


def _explains(answer: Any) -> None:
    a, c, _ = _cost(answer)
    for n, t in MEASURED:
        if abs(a + c * n - t) > 2.0:
            hint = " - is that milliseconds?" if abs(1000.0 * (a + c * n) - t) <= 2.0 else ""
            raise NotYet(
                f"with yours a step on {n} observations takes {a + c * n:.5g} µs; "
                f"measured were {t:g} µs{hint}"
            )


def _is_half(answer: Any) -> None:
    a, c, n = _cost(answer)
    if n <= 0.0:
        raise NotYet(f"{n:g} observations are none")
    share = a / (a + c * n) if a + c * n else 0.0
    if abs(share - 0.5) > NEAR:
        raise NotYet(
            f"with {n:g} observations the overhead is {share:.3f} of what your a and c give; expected 1/2"
        )


# ------------------------------------------------------------------ 2: traces of a graph

Calls = list[tuple[Any, ...]]
X8, X5, M = np.ones(8), np.ones(5), np.ones((8, 1))
F32 = np.ones(8, np.float32)
GROUPS: dict[str, tuple[tuple[str, Calls, int], ...]] = {
    "values of tensors": (
        ("the same array twice", [(X8,), (X8,)], 1),
        ("two arrays of one shape", [(X8,), (7.0 * X8,)], 1),
    ),
    "shape and dtype": (
        ("eight observations, then five", [(X8,), (X5,)], 2),
        ("shapes (8,) and (8, 1)", [(X8,), (M,)], 2),
        ("float64, then float32", [(X8,), (F32,)], 2),
    ),
    "numbers of Python": (
        ("a rate of 0.1, then 0.05", [(X8, 0.1), (X8, 0.05)], 2),
        ("a rate of 0.1, twice", [(X8, 0.1), (X5[:0], 0.2), (X8, 0.1)], 2),
        ("the same rates as arrays", [(X8, np.array(0.1)), (X8, np.array(0.05))], 1),
    ),
    "several arguments": (
        ("two arrays, exchanged", [(X8, X5), (X5, X8)], 2),
        ("one and two arguments", [(X8,), (X8, X8)], 2),
        ("an epoch with a shorter end", [(X8,)] * 9 + [(X5,)] + [(X8,)] * 9 + [(X5,)], 2),
        ("no call", [], 0),
    ),
}


def _traces(answer: Any) -> list[Finding]:
    return asked(answer, [(name, _counts(name)) for name in GROUPS])


def _counts(group: str) -> Callable[[Any], None]:
    """The check of some sequences of calls."""

    def check(answer: Any) -> None:
        for name, calls, expected in GROUPS[group]:
            own = [
                tuple(x.copy() if isinstance(x, np.ndarray) else x for x in call) for call in calls
            ]
            value = called(function(answer, "n_traces(calls)"), own)
            n = float(array(value, f"{name}: n_traces(calls)", ()))
            if n != expected:
                more = "more" if n > expected else "fewer"
                raise NotYet(
                    f"{name}, {len(calls)} calls: you count {n:g}, {more} than "
                    "the text of the function runs"
                )

    return check


# ------------------------------------------------------------------ 3: larger batches

RATE, SMALL, LARGE, N = 1e-4, 8, 64, 1024


def _scaled(answer: Any) -> list[Finding]:
    return asked(answer, [("a rate", _is_rate), ("as far", _goes_as_far)])


def _is_rate(answer: Any) -> float:
    rate = answers.number(answer, "the learning rate")
    if not 0.0 < rate <= 10.0:
        raise NotYet(f"the learning rate is {rate:g}; expected a number above 0, at most 10")
    return rate


def _epoch(size: int, rate: float) -> Array:
    """Where one epoch of logistic regression ends, from 0; X (N, 3), theta (3,)."""
    rng = np.random.default_rng(2)
    X, theta = rng.standard_normal((N, 3)), np.zeros(3)
    y = (X @ np.array([1.0, -1.0, 0.5]) + rng.standard_normal(N) > 0.0) * 1.0
    for i in range(0, N, size):
        A = X[i : i + size]
        z = np.clip(A @ theta, -500.0, 500.0)
        theta = theta - rate * A.T @ (1.0 / (1.0 + np.exp(-z)) - y[i : i + size]) / size
    return np.asarray(theta)


def _goes_as_far(answer: Any) -> None:
    rate = _is_rate(answer)
    before, mine = _epoch(SMALL, RATE), _epoch(LARGE, rate)
    ratio = float(np.linalg.norm(mine) / np.linalg.norm(before))
    if abs(ratio - 1.0) > 0.02:
        raise NotYet(
            f"with {rate:g} an epoch in batches of {LARGE} goes {ratio:.3g} times as far as one in "
            f"batches of {SMALL} with {RATE:g}; how many steps does each have, and is a gradient a sum "
            "or a mean?"
        )


EXERCISES = (
    Exercise(
        "binary_logistic_regression_tf_with_hidden_layers.1",
        f"""A training step takes {MEASURED[0][1]:,.0f} µs with {MEASURED[0][0]} observations and
{MEASURED[1][1]:,.0f} µs with {MEASURED[1][0]}. If t = a + c n, what are a and c in µs, and with which n
is the overhead exactly half of the time? By hand; hand in `[a, c, n]`.""",
        _overhead,
        (
            "Two equations, two unknowns: subtract them first.",
            "Half of the time is overhead when the other half, c n, is as large as a.",
        ),
    ),
    Exercise(
        "binary_logistic_regression_tf_with_hidden_layers.2",
        """Write `n_traces(calls)`: how often does the text of a `tf.function` run when it is called with
these arguments, one after another? `calls` is a list of tuples; NumPy arrays in them are taken as tensors,
other numbers are numbers of Python. (Numbers of one type only; nothing is relaxed or forgotten.)""",
        _traces,
        (
            "Which two calls can share a graph? Ask it of two tensors first, then of two numbers.",
            "Give every argument a key that says what its kind is, so that equal kinds have equal keys. "
            "The order of the arguments counts, that of the calls does not.",
        ),
    ),
    Exercise(
        "binary_logistic_regression_tf_with_hidden_layers.3",
        f"""An epoch of SGD in batches of {SMALL} with a learning rate of {RATE:g} moves the parameters a
little. Which learning rate moves them as far, to 2 %, in one epoch of batches of {LARGE}, mean gradients in
both? Predict it, then try it on data of your own; hand in the number. Up to which rates does the rule
hold?""",
        _scaled,
        (
            "While the parameters hardly move, the mean gradients of a small and a large batch are "
            "about the same. What differs is how often a step is taken.",
            f"Count the steps of one epoch of {N} observations for both. How far do they go together?",
        ),
    ),
)
