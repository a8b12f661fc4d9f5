"""Three exercises on logistic regression: a gradient on paper, a loss that stands, a rare class.

*Conventions*: those of the lesson: z = x theta + b, p = 1 / (1 + exp(-z)), L the mean cross-entropy
with the natural logarithm; counts are [[TN, FP], [FN, TP]], rows true, columns decided. Gradients are
checked by differences of the loss.

*References*: T. Hastie, R. Tibshirani and J. Friedman, "The Elements of Statistical Learning", 2009,
section 4.4; T. Fawcett, Pattern Recognition Letters 27, 2006.
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

# ------------------------------------------------------------------ 1: a gradient on paper

PAPER_X = np.array([[2.0, -1.0], [0.0, 3.0]])
PAPER_Y = np.array([0.0, 1.0])
HALF_A_DIGIT = 2e-3  # of answers with three digits
NAMES = ("θ₁", "θ₂", "b")


def _gradient(answer: Any) -> list[Finding]:
    return asked(answer, [(f"by {name}", _slope_by(i)) for i, name in enumerate(NAMES)])


def _paper_loss(parameters: Array) -> float:
    """Of theta and b together, (3,), from the definition."""
    p = 1.0 / (1.0 + np.exp(-(PAPER_X @ parameters[:2] + parameters[2])))
    return float(-np.mean(PAPER_Y * np.log(p) + (1.0 - PAPER_Y) * np.log(1.0 - p)))


def _slope_by(i: int) -> Callable[[Any], None]:
    """The check of one of the three derivatives."""

    def check(answer: Any) -> None:
        given = answers.vector(answer, "the gradient", length=3)[i]
        start, step = np.array([0.0, 0.0, np.log(2.0)]), np.eye(3)[i] * 1e-5
        slope = (_paper_loss(start + step) - _paper_loss(start - step)) / 2e-5
        if abs(given - slope) > HALF_A_DIGIT:
            raise NotYet(
                f"you say that L changes by {given:.4g} times a small change of {NAMES[i]}; trying it "
                f"contradicts that{_cause(given, slope)}"
            )

    return check


def _cause(given: float, slope: float) -> str:
    """What a wrong derivative usually comes from."""
    if slope and abs(given / slope + 1.0) < 0.01:
        return " - y − p in place of p − y?"
    if slope and abs(given / slope - 2.0) < 0.01:
        return " - a sum in place of the mean?"
    return ""


# ------------------------------------------------------------------ 2: a loss that stands

NEAR = 1e-12


def _stable(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("no knowledge", _is_ln_2),
            ("definition", _follows_the_definition),
            ("symmetry", _mirrors),
            ("far away", _stands_far_away),
            ("nearly sure", _keeps_small_losses),
        ],
    )


def _loss(answer: Any, z: Any, y: Any) -> float:
    value = called(
        function(answer, "loss_from_scores(z, y)"), np.asarray(z, float), np.asarray(y, float)
    )
    shown = f"loss_from_scores of z = {z[0]:g}" if len(z) == 1 else "loss_from_scores(z, y)"
    return float(array(value, shown, ()))


def _is_ln_2(answer: Any) -> None:
    for n in (1, 4):
        loss = _loss(answer, [0.0] * n, ([1.0, 0.0] * n)[:n])
        if abs(loss - np.log(2.0)) > NEAR:
            raise NotYet(
                f"{n} scores of 0: the loss is {loss:.4g}; a probability of 1/2 for each of them has "
                "the loss ln 2 - a sum in place of the mean, or another logarithm?"
            )


def _follows_the_definition(answer: Any) -> None:
    z = np.random.default_rng(7).uniform(-4.0, 4.0, 30)
    for y in (np.ones(30), np.zeros(30), (z > 1.0) * 1.0, np.full(30, 0.3)):
        p = 1.0 / (1.0 + np.exp(-z))
        expected = float(-np.mean(y * np.log(p) + (1.0 - y) * np.log(1.0 - p)))
        loss = _loss(answer, z, y)
        if abs(loss - expected) > 1e-10:
            raise NotYet(
                f"30 scores from −4 to 4, y {'of both kinds' if 0 < y.mean() < 1 else 'all alike'}: "
                f"the loss is {loss:.6g}, the definition says otherwise by {abs(loss - expected):.2g}"
            )


def _mirrors(answer: Any) -> None:
    z, y = np.array([-30.0, -2.0, 0.5, 40.0]), np.array([1.0, 0.0, 1.0, 0.0])
    here, there = _loss(answer, z, y), _loss(answer, -z, 1.0 - y)
    if abs(here - there) > NEAR * max(1.0, abs(here)):
        raise NotYet(
            f"exchanging the names of the classes, z → −z and y → 1 − y, changes the loss from "
            f"{here:.6g} to {there:.6g}; it must not"
        )


def _stands_far_away(answer: Any) -> None:
    with np.errstate(all="ignore"):
        for z, y in ((-800.0, 1.0), (800.0, 0.0), (800.0, 1.0), (-800.0, 0.0)):
            loss, expected = _loss(answer, [z], [y]), 800.0 * float((z > 0) != (y > 0))
            if abs(loss - expected) > 1e-9:
                raise NotYet(
                    f"z = {z:g}, y = {y:g}: the loss is {loss:.6g}; ln(1 + eᵗ) is t far to the right "
                    "and 0 far to the left - was a probability clipped?"
                )


def _keeps_small_losses(answer: Any) -> None:
    loss = _loss(answer, [40.0], [1.0])
    if abs(loss / np.exp(-40.0) - 1.0) > 1e-6:
        raise NotYet(
            f"z = 40, y = 1: the loss is {loss:.4g}; to first order ln(1 + e⁻⁴⁰) is e⁻⁴⁰, which 1 + e⁻⁴⁰ "
            "can't hold in double precision - which function of NumPy adds the 1 itself?"
        )


# ------------------------------------------------------------------ 3: a rare class

TOTAL, QUALITY = 10_000, 0.98


def _rare(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("counts", _counts),
            ("recall", _recall),
            ("specificity", _specificity),
            ("precision", _precision),
            ("as common as can be", _is_most),
        ],
    )


def _counts(answer: Any) -> Array:
    C = answers.matrix(answer, "the counts", rows=2, columns=2)
    if (C < 0.0).any() or np.abs(C - np.rint(C)).max() > 0.0:
        raise NotYet("the counts must be whole numbers, none below 0")
    if C.sum() != TOTAL:
        raise NotYet(f"the counts sum to {C.sum():g}; expected {TOTAL}")
    if not C[1].sum() or not C[0].sum():
        raise NotYet("one of the rows is empty: its share is 0/0")
    return np.asarray(C)


def _recall(answer: Any) -> None:
    (_, _), (FN, TP) = _counts(answer)
    if QUALITY * (FN + TP) > TP:
        raise NotYet(
            f"of what is 1, {TP / (FN + TP):.4f} was found; expected {QUALITY} or more - rows are what is"
        )


def _specificity(answer: Any) -> None:
    (TN, FP), _ = _counts(answer)
    if QUALITY * (TN + FP) > TN:
        raise NotYet(
            f"of what is 0, {TN / (TN + FP):.4f} was left alone; expected {QUALITY} or more"
        )


def _precision(answer: Any) -> None:
    (_, FP), (_, TP) = _counts(answer)
    if 2.0 * TP >= TP + FP:
        raise NotYet(
            f"of what was called 1, {TP / max(TP + FP, 1.0):.4f} is 1; expected below 1/2: the false "
            "alarms have to outnumber the finds"
        )


def _is_most(answer: Any) -> None:
    """With one more of class 1 there are no such counts: tried for each number."""
    for check in (_recall, _specificity, _precision):
        check(answer)
    ones = int(_counts(answer)[1].sum())
    for more in range(ones + 1, min(ones + 400, TOTAL)):
        least_found = int(np.ceil(QUALITY * more - 1e-9))
        most_alarms = TOTAL - more - int(np.ceil(QUALITY * (TOTAL - more) - 1e-9))
        if least_found < most_alarms:
            raise NotYet(
                f"class 1 has {ones} of {TOTAL}; there are counts with more that satisfy all three"
            )


EXERCISES = (
    Exercise(
        "binary_logistic_regression_manual.1",
        """Two observations, x = (2, −1) with y = 0 and x = (0, 3) with y = 1; the parameters stand at
θ = (0, 0) and b = ln 2. What is the gradient of the mean cross-entropy? By hand; hand in
`[by θ₁, by θ₂, by b]`, as fractions or with three digits.""",
        _gradient,
        (
            "θ is zero, so both observations have the same score. Which probability does ln 2 stand for?",
            "Write the error p − y of each observation beside it. The gradient of θ is a sum of rows of "
            "X, each times its error, over the number of observations.",
        ),
    ),
    Exercise(
        "binary_logistic_regression_manual.2",
        """Write `loss_from_scores(z, y)`: the mean cross-entropy of scores z, shape (N,), for targets y
from 0 to 1, shape (N,), as a number. It must be right for scores of ±800, where no probability may be
formed, and for losses as small as 10⁻¹⁷.""",
        _stable,
        (
            "Insert p = σ(z) into both logarithms. Each becomes ln(1 + e to some power), plus a term "
            "that is linear in z.",
            "An exponential with a negative argument can't overflow. Take the larger of the two powers "
            "out of ln(e⁰ + eᶻ); and remember that 1 + 10⁻¹⁷ is 1.",
        ),
    ),
    Exercise(
        "binary_logistic_regression_manual.3",
        f"""A detector has a recall and a specificity of {QUALITY} or more each. Still, among what it
calls 1, fewer than half are. Hand in the counts `[[TN, FP], [FN, TP]]` of {TOTAL:,} observations for which
this is so, with as many of class 1 as possible. Guess their number before you compute it.""",
        _rare,
        (
            "Write precision with the share of class 1, the recall and the specificity. Where is it 1/2?",
            "Be exactly as bad as allowed, on both rows. Then the false alarms must be one more than the "
            "finds at least; mind that counts are whole.",
        ),
    ),
)
