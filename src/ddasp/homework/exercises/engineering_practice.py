"""Three exercises on decisions before and around a model: when it pays, when it asks, when it harms.

*Conventions*: costs in any one unit; probabilities from 0 to 1; -1 stands for asking a human. The rate is
the share of positives among all that is heard.

*References*: Chow 1970, "On optimum recognition error and reject tradeoff"; Elkan 2001, "The foundations of
cost-sensitive learning".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: when the dearer way pays

RULE = {"developed": 800.0, "error": 0.12, "running": 0.0}
MODEL = {"developed": 9000.0, "error": 0.03, "running": 0.001}
ERROR = 0.02  # cost of one


def _pays(answer: Any) -> list[Finding]:
    return asked(answer, [("not before", _pays_then), ("from there on", _does_not_before)])


def _costs(n: float) -> tuple[float, float]:
    rule, model = (w["developed"] + n * (w["running"] + w["error"] * ERROR) for w in (RULE, MODEL))
    return rule, model


def _decisions(answer: Any) -> float:
    n = answers.number(answer, "the number of decisions")
    if n <= 0.0:
        raise NotYet(f"the number of decisions is {n:g}; expected one above 0")
    return n


def _pays_then(answer: Any) -> None:
    n = _decisions(answer)
    rule, model = _costs(1.002 * n)
    if model >= rule:
        raise NotYet(
            f"after {n:,.0f} decisions the model has cost {model:,.0f} and the rule {rule:,.0f}: it does "
            "not pay yet - are errors and running costs both in it?"
        )


def _does_not_before(answer: Any) -> None:
    n = _decisions(answer)
    rule, model = _costs(0.998 * n)
    if model < rule:
        raise NotYet(
            f"a little before {n:,.0f} decisions the model has cost {model:,.0f} and the rule {rule:,.0f}: "
            "it pays earlier"
        )


# ------------------------------------------------------------------ 2: decide or ask


def _asks(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("likeliest class", _takes_the_likeliest),
            ("asks in doubt", _asks_in_doubt),
            ("least cost", _costs_least),
            ("dear questions", _never_asks),
        ],
    )


def _decided(answer: Any, p: Array, error: float, ask: float) -> Array:
    value = called(
        function(answer, "decide_or_ask(p, cost_of_error, cost_of_asking)"), p, error, ask
    )
    d = array(value, "decide_or_ask(...)", (len(p),))
    if np.any(d != np.rint(d)) or d.min() < -1 or d.max() >= p.shape[1]:
        raise NotYet(
            f"it decided {d.min():g} to {d.max():g}; expected class numbers 0 to {p.shape[1] - 1}, or -1"
        )
    return d.astype(int)


def _drawn(n_classes: int) -> Array:
    return np.random.default_rng(n_classes).dirichlet(np.ones(n_classes), 200)


def _takes_the_likeliest(answer: Any) -> None:
    p = _drawn(3)
    d = _decided(answer, p, 10.0, 3.0)
    for row, k in zip(p, d, strict=True):
        if k >= 0 and row[k] < row.max():
            raise NotYet(f"p = {np.round(row, 3)}: it decided class {k}, another is likelier")


def _asks_in_doubt(answer: Any) -> None:
    p = np.array([[0.96, 0.04], [0.04, 0.96], [0.5, 0.5], [0.8, 0.2]])
    d = _decided(answer, p, 10.0, 1.0)
    if (d[:2] != [0, 1]).any():
        raise NotYet(
            "p = 0.96, an error costs 10, a question 1: the error expected costs 0.4; decide"
        )
    if (d[2:] != -1).any():
        raise NotYet(
            "p = 0.8 or 0.5, an error costs 10, a question 1: the question is cheaper; ask"
        )


def _expected(p: Array, d: Array, error: float, ask: float) -> Array:
    right = np.where(d >= 0, p[np.arange(len(p)), np.maximum(d, 0)], 0.0)
    return np.where(d >= 0, (1.0 - right) * error, ask)


def _costs_least(answer: Any) -> None:
    for n_classes, error, ask in ((2, 10.0, 1.0), (3, 8.0, 3.0), (5, 1.0, 0.4), (3, 2.0, 0.0)):
        p = _drawn(n_classes)
        own = _expected(p, _decided(answer, p, error, ask), error, ask)
        least = np.minimum((1.0 - p.max(axis=1)) * error, ask)
        if (own - least).max() > 1e-9:
            i = int((own - least).argmax())
            raise NotYet(
                f"p = {np.round(p[i], 3)}, an error costs {error:g}, a question {ask:g}: your choice "
                f"costs {own[i]:.3g} on average, another {least[i]:.3g}"
            )


def _never_asks(answer: Any) -> None:
    d = _decided(answer, _drawn(4), 1.0, 2.0)
    if (d < 0).any():
        raise NotYet("a question that costs more than an error is asked; it can never pay")


# ------------------------------------------------------------------ 3: accurate and useless

ACCURATE, FOUND = 0.98, 0.9


def _useless(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("accurate", _is_accurate),
            ("finds", _finds_most),
            ("mostly wrong alarms", _is_mostly_wrong),
            ("beaten by silence", _is_beaten),
        ],
    )


def _three(answer: Any) -> tuple[float, float, float]:
    if isinstance(answer, dict):
        answer = [answer.get(key) for key in ("rate", "sensitivity", "specificity")]
    r, se, sp = answers.vector(answer, "the answer", length=3)
    if not (0.0 < r < 1.0 and 0.0 <= se <= 1.0 and 0.0 <= sp <= 1.0):
        raise NotYet(
            f"({r:g}, {se:g}, {sp:g}): expected a rate between 0 and 1, and shares from 0 to 1"
        )
    return float(r), float(se), float(sp)


def _accuracy(r: float, se: float, sp: float) -> float:
    return r * se + (1.0 - r) * sp


def _is_accurate(answer: Any) -> None:
    accuracy = _accuracy(*_three(answer))
    if accuracy < ACCURATE:
        raise NotYet(f"{accuracy:.4f} of all decisions are right; expected {ACCURATE:g} or more")


def _finds_most(answer: Any) -> None:
    _, se, _ = _three(answer)
    if se < FOUND:
        raise NotYet(f"{se:g} of the positives are found; expected {FOUND:g} or more")


def _is_mostly_wrong(answer: Any) -> None:
    r, se, sp = _three(answer)
    true, false = r * se, (1.0 - r) * (1.0 - sp)
    if false <= true:
        raise NotYet(
            f"of 10,000 sounds {1e4 * true:.0f} give a right alarm and {1e4 * false:.0f} a false one; "
            "expected more false ones"
        )


def _is_beaten(answer: Any) -> None:
    r, se, sp = _three(answer)
    if 1.0 - r <= _accuracy(r, se, sp):
        raise NotYet(
            f"a device that never gives an alarm is right in {1.0 - r:.4f}, yours in "
            f"{_accuracy(r, se, sp):.4f}; expected the silent one to be better"
        )


EXERCISES = (
    Exercise(
        "engineering_practice.1",
        f"""A rule costs {RULE["developed"]:g} € to develop, errs in {RULE["error"]:.0%} of its decisions,
and runs for nothing. A model costs {MODEL["developed"]:g} €, errs in {MODEL["error"]:.0%}, and each
decision costs {100 * MODEL["running"]:g} cent of computing. An error costs {100 * ERROR:g} cents.
From how many decisions on is the model the cheaper one? By hand, to three digits.""",
        _pays,
        (
            "Write down what each of them has cost after n decisions.",
            "Per decision, the model saves errors and spends computing. What is left must pay for the "
            "difference in development.",
        ),
    ),
    Exercise(
        "engineering_practice.2",
        """Write `decide_or_ask(p, cost_of_error, cost_of_asking)`: for probabilities p, shape (N, K), an
array of N whole numbers, the class that is decided for, or −1 where a human is asked; such that the
cost expected is the least for each row. All errors cost the same.""",
        _asks,
        (
            "For one row: what does the best decision cost on average, and what does asking cost?",
            "Compare (1 − the largest probability) times the cost of an error with the cost of asking; "
            "`numpy.where` takes one of two arrays.",
        ),
    ),
    Exercise(
        "engineering_practice.3",
        f"""Predict: can a detector be right in {ACCURATE:.0%} of all decisions, find {FOUND:.0%} of what it
looks for, and still be wrong in more than half of its alarms, and less often right than a device that
never says anything? Then hand in `[rate, sensitivity, specificity]` of such a case, or convince yourself
that there is none.""",
        _useless,
        (
            "Count 10,000 sounds: positives found, positives missed, false alarms, the rest.",
            "The silent device errs on the positives only. When are there more false alarms than "
            "positives, with a specificity that is still high?",
        ),
    ),
)
