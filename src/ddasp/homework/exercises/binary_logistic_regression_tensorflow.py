"""Three exercises on small differences: a rounded learning rate, a clipped probability, an order.

*Conventions*: those of the lesson: z the score, p = 1 / (1 + exp(-z)); a relative error is the stored
number over the meant one, minus 1. Roundings are checked by rounding, slopes by differences, orders by
trying all of them.

*References*: D. Goldberg, ACM Computing Surveys 23(1), 1991; I. Goodfellow et al., "Deep Learning",
2016, section 8.1.3.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: a rounded learning rate

RATES = (Fraction(3, 10), Fraction(3, 8), Fraction(1, 5))


def _rounded(answer: Any) -> list[Finding]:
    return asked(answer, [(f"μ = {float(rate):g}", _share(i)) for i, rate in enumerate(RATES)])


def _share(i: int) -> Callable[[Any], None]:
    """The check of one rate."""

    def check(answer: Any) -> None:
        given = answers.vector(answer, "the relative errors", length=len(RATES))[i]
        rate = RATES[i]
        off = float(Fraction(float(np.float32(float(rate)))) / rate - 1)
        if abs(given - off) <= 0.02 * abs(off):
            return
        if off and abs(given + off) <= 0.02 * abs(off):
            raise NotYet(
                f"{float(rate):g}: the size is right, the sign is not: is it stored too large?"
            )
        if off and abs(given - off * float(rate)) <= 0.02 * abs(off * float(rate)):
            raise NotYet(
                f"{float(rate):g}: {given:.3g} is the error itself; expected its share of the rate"
            )
        raise NotYet(
            f"rounding {float(rate):g} to 24 bits contradicts a relative error of {given:.3g}; what is "
            "its significand, times 2²³?"
        )

    return check


# ------------------------------------------------------------------ 2: a clipped probability

EPSILON = 1e-7
EDGE = float(np.log((1.0 - EPSILON) / EPSILON))  # where p reaches 1 - epsilon


def _clipped(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("shape", _has_its_shape),
            ("in between", _slopes_at((-12.0, -3.0, -0.4, 0.0, 1.7, 8.0, 14.0))),
            ("near the edge", _slopes_at((-EDGE + 0.05, EDGE - 0.05))),
            ("cut off", _slopes_at((-800.0, -30.0, -EDGE - 0.05, EDGE + 0.05, 40.0, 800.0))),
        ],
    )


def _loss(z: float, y: float) -> float:
    """The clipped cross-entropy, written so that nothing is lost near p = 1."""
    ends = float(np.log(EPSILON)), float(np.log1p(-EPSILON))
    log_p = np.clip(-np.logaddexp(0.0, -z), *ends)
    log_q = np.clip(-np.logaddexp(0.0, z), *ends)
    return float(-y * log_p - (1.0 - y) * log_q)


def _given(answer: Any, z: Array, y: Array) -> Array:
    return array(called(function(answer, "slope(z, y)"), z, y), "slope(z, y)", z.shape)


def _has_its_shape(answer: Any) -> None:
    for n in (1, 5):
        _given(answer, np.linspace(-1.0, 1.0, n), np.ones(n))


def _slopes_at(places: tuple[float, ...]) -> Callable[[Any], None]:
    """The check at some scores, for both classes and a soft target."""

    def check(answer: Any) -> None:
        z, h = np.array(places), 1e-3
        for y in (0.0, 1.0, 0.25):
            with np.errstate(all="ignore"):
                found = _given(answer, z, np.full(len(z), y))
            for at, slope in zip(z, found, strict=True):
                expected = (_loss(at + h, y) - _loss(at - h, y)) / (2.0 * h)
                if abs(slope - expected) > 1e-5:
                    raise NotYet(
                        f"z = {at:.4g}, y = {y:g}: slope says {slope:.5g}; small changes of z change the "
                        f"clipped loss otherwise{_reason(at, slope)}"
                    )

    return check


def _reason(z: float, slope: float) -> str:
    """The usual cause."""
    if abs(z) > EDGE and slope:
        return " - what does the clipped p do when z moves there?"
    return " - is something cut off too early?" if not slope else ""


# ------------------------------------------------------------------ 3: what came last

X_ORDER = np.array([1.0, 2.0, -1.0, 0.5, -2.0])
Y_ORDER = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
RATE = 1.0


def _order(answer: Any) -> list[Finding]:
    return asked(answer, [("an order", _is_order), ("the largest θ", _is_largest)])


def _end(order: Array) -> Array:
    """Theta after one epoch in each order; orders (n_orders, 5), theta (n_orders,)."""
    theta = np.zeros(len(order))
    for i in order.T:
        x, y = X_ORDER[i], Y_ORDER[i]
        theta = theta - RATE * (1.0 / (1.0 + np.exp(-theta * x)) - y) * x
    return theta


def _is_order(answer: Any) -> Array:
    order = answers.vector(answer, "the order", length=len(X_ORDER))
    if sorted(order.tolist()) != list(range(len(X_ORDER))):
        raise NotYet(
            f"the order must hold each of 0 to {len(X_ORDER) - 1} once: they are counted from 0"
        )
    return order.astype(int)


def _is_largest(answer: Any) -> None:
    mine = float(_end(_is_order(answer)[np.newaxis])[0])
    ends = _end(np.array(list(permutations(range(len(X_ORDER))))))
    better = int((ends > mine + 1e-12).sum())
    if better:
        raise NotYet(
            f"your order ends at θ = {mine:.4f}; {better} of the {len(ends)} orders end higher. What "
            "pushes down, and how strongly does it push when θ is low?"
        )


EXERCISES = (
    Exercise(
        "binary_logistic_regression_tensorflow.1",
        """By which share does a step become longer (+) or shorter (−) when the learning rate is kept in
float32, for μ = 0.3, μ = 0.375 and μ = 0.2? On paper, as the lesson does it for 0.1, two digits
suffice; hand in `[share for 0.3, share for 0.375, share for 0.2]`.""",
        _rounded,
        (
            "Write each as m · 2^e with 1 ≤ m < 2. Which m is a sum of few powers of two?",
            "Multiply m by 2²³ = 8,388,608 and look at what stands behind the point: it is rounded "
            "away, up or down. Beside it, the product is the whole.",
        ),
    ),
    Exercise(
        "binary_logistic_regression_tensorflow.2",
        """Write `slope(z, y)`: the derivative by the score z, shape (N,), of the cross-entropy that
clips p = σ(z) to the range from 10⁻⁷ to 1 − 10⁻⁷ before it takes logarithms; y has shape (N,) and values
from 0 to 1. It must hold for scores of ±800. Where is it zero although the decision is wrong?""",
        _clipped,
        (
            "Between the limits, clipping does nothing: the slope is the one you know.",
            "A clipped p no longer depends on z. Which scores belong to p = 10⁻⁷ and 1 − 10⁻⁷?",
        ),
    ),
    Exercise(
        "binary_logistic_regression_tensorflow.3",
        """A model p = σ(θx) without bias sees five observations, x = (1, 2, −1, 0.5, −2) with
y = (1, 0, 1, 1, 0), one in each step, once, with the learning rate 1, from θ = 0. Which order ends at
the largest θ? Predict what should come last, then try; hand in the order, the observations counted
from 0.""",
        _order,
        (
            "Which observations push θ up, which down, and how does the push depend on where θ stands?",
            "There are 120 orders, few enough to try them all. Then look again at your prediction: where "
            "does the strongest push of the other sign stand?",
        ),
    ),
)
