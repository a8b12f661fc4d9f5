"""Three exercises on streams: what a silence proves, a detector, rules that find what is there.

*Conventions*: y[i] = α p[i] + (1 − α) y[i − 1] with y[−1] = 0; an event begins in the window where y
reaches the threshold and ends before the first one where y is below threshold − hysteresis. False alarms
are a Poisson process.

*References*: Garwood 1936, "Fiducial limits for the Poisson distribution"; Mesaros, Heittola and Virtanen
2016, "Metrics for polyphonic sound event detection".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]
Spans = list[tuple[int, int]]

# ------------------------------------------------------------------ 1: what a silence proves

PER_WEEK, MISSED = 2.0, 0.1  # alarms a week, the chance that is taken


def _listening(answer: Any) -> list[Finding]:
    return asked(answer, [("long enough", _is_long_enough), ("no longer", _is_no_longer)])


def _hours(answer: Any) -> float:
    hours = answers.number(answer, "the hours")
    if hours <= 0.0:
        raise NotYet(f"the hours are {hours:g}; expected more than 0")
    return hours


def _silence(hours: float) -> float:
    """Chance of no alarm in these hours when there are PER_WEEK of them a week."""
    return float(np.exp(-PER_WEEK / 168.0 * hours))


def _is_long_enough(answer: Any) -> None:
    chance = _silence(_hours(answer))
    if chance > MISSED * 1.01:
        raise NotYet(
            f"with {PER_WEEK:g} alarms a week so long a silence would still have a chance of "
            f"{chance:.3g}; expected {MISSED:g}"
        )


def _is_no_longer(answer: Any) -> None:
    chance = _silence(_hours(answer))
    if chance < MISSED * 0.99:
        factor = np.log(chance) / np.log(MISSED)
        raise NotYet(
            f"so long a silence would have a chance of {chance:.3g}; {MISSED:g} was asked for, and a "
            f"shorter one shows that ({factor:.3g} times as long as needed)"
        )


# ------------------------------------------------------------------ 2: a detector


def _detector(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("threshold", _begins),
            ("hysteresis", _holds),
            ("smoothing", _smooths),
            ("the end", _closes),
            ("drawn streams", _agrees_with_definition),
        ],
    )


def _spans(answer: Any, p: Any, threshold: float, hysteresis: float, alpha: float) -> Spans:
    p = np.asarray(p, dtype=np.float64)
    value = called(
        function(answer, "spans(p, threshold, hysteresis, alpha)"), p, threshold, hysteresis, alpha
    )
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise NotYet(f"spans(...) is {answers.shown(value)}; expected a list of pairs (first, end)")
    found = []
    for pair in value:
        first, end = answers.vector(pair, "an event", length=2)
        if first != round(first) or end != round(end) or not 0 <= first < end <= len(p):
            raise NotYet(
                f"an event is ({first:g}, {end:g}) in {len(p)} windows; expected whole numbers, "
                "0 <= first < end, end one beyond its last window"
            )
        found.append((int(first), int(end)))
    return found


def _compare(
    answer: Any, p: Any, rules: tuple[float, float, float], right: Spans, why: str
) -> None:
    found = _spans(answer, p, *rules)
    if found != right:
        shown = ", ".join(f"{v:g}" for v in np.round(p, 2))
        raise NotYet(f"p = {shown} with {rules}: events {found}; {why}")


def _begins(answer: Any) -> None:
    p = [0.2, 0.5, 0.9, 0.25, 0.75, 0.25]
    _compare(answer, p, (0.5, 0.0, 1.0), [(1, 3), (4, 5)], "an event begins where p reaches 0.5")
    _compare(answer, [0.25, 0.25], (0.5, 0.0, 1.0), [], "expected none")


def _holds(answer: Any) -> None:
    why = "begun at 0.75 and more, it lasts while p is not below 0.5"
    _compare(answer, [0, 0.75, 0.5, 0.625, 0.25, 0.625], (0.75, 0.25, 1.0), [(1, 4)], why)


def _smooths(answer: Any) -> None:
    why = "y is 0.5, 0.75, 0.875, 0.4375 ... with y[−1] = 0"
    _compare(answer, [1, 1, 1, 0, 0, 0], (0.75, 0.25, 0.5), [(1, 3)], why)
    why = "a step of p rises as 1 − (1 − α)^(i + 1)"
    _compare(answer, [1] * 8, (0.6, 0.1, 0.25), [(3, 8)], why)


def _closes(answer: Any) -> None:
    _compare(
        answer, [0, 1, 1], (0.5, 0.1, 1.0), [(1, 3)], "what is on when the stream ends, ends there"
    )


def _agrees_with_definition(answer: Any) -> None:
    rng = np.random.default_rng(77)
    for threshold, hysteresis, alpha in ((0.5, 0.25, 1.0), (0.625, 0.125, 0.5), (0.5, 0.0, 0.75)):
        p = rng.integers(0, 17, 60) / 16.0
        y, last = [], 0.0
        for value in p:
            last = alpha * value + (1.0 - alpha) * last
            y.append(last)
        inside = np.zeros(len(p), dtype=bool)
        for first, end in _spans(answer, p, threshold, hysteresis, alpha):
            _is_event(np.array(y), first, end, threshold, hysteresis)
            inside[first:end] = True
        missed = np.flatnonzero((np.array(y) >= threshold + 1e-9) & ~inside)
        if len(missed):
            raise NotYet(f"in window {missed[0]} y is {y[missed[0]]:.3g}, and no event is on")


def _is_event(y: Array, first: int, end: int, threshold: float, hysteresis: float) -> None:
    if y[first] < threshold - 1e-9:
        raise NotYet(
            f"an event begins in window {first}, where y is {y[first]:.3g} < {threshold:g}"
        )
    if y[first:end].min() < threshold - hysteresis - 1e-9:
        raise NotYet(f"the event of window {first} goes on although y fell below the lower limit")
    if end < len(y) and y[end] >= threshold - hysteresis + 1e-9:
        raise NotYet(f"the event of window {first} ends in window {end}, where y is {y[end]:.3g}")


# ------------------------------------------------------------------ 3: rules for a stream

STREAM = (
    0.1,
    0.9,
    0.1,
    0.1,
    0.6,
    0.7,
    0.4,
    0.7,
    0.6,
    0.1,
    0.1,
    0.9,
    0.1,
    0.7,
    0.6,
    0.4,
    0.7,
    0.1,
    0.1,
)
TRUE = ((4, 9), (13, 17))  # windows first, end


def _rules(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("range", _are_rules),
            ("blips", _no_blips),
            ("both events", _finds_both),
            ("whole", _unbroken),
        ],
    )


def _three(answer: Any) -> tuple[float, float, float]:
    if isinstance(answer, dict):
        answer = [answer.get(key) for key in ("threshold", "hysteresis", "alpha")]
    threshold, hysteresis, alpha = answers.vector(answer, "the rules", length=3)
    return float(threshold), float(hysteresis), float(alpha)


def _are_rules(answer: Any) -> None:
    threshold, hysteresis, alpha = _three(answer)
    if not 0.0 < threshold <= 1.0 or not 0.0 <= hysteresis < threshold or not 0.0 < alpha <= 1.0:
        raise NotYet(
            f"({threshold:g}, {hysteresis:g}, {alpha:g}): expected 0 < threshold <= 1, "
            "0 <= hysteresis < threshold, 0 < α <= 1"
        )


def _told(answer: Any) -> Spans:
    _are_rules(answer)
    threshold, hysteresis, alpha = _three(answer)
    found: Spans = []
    y, first = 0.0, -1
    for i, p in enumerate(STREAM):
        y = alpha * p + (1.0 - alpha) * y
        if first < 0 and y >= threshold:
            first = i
        elif first >= 0 and y < threshold - hysteresis:
            found.append((first, i))
            first = -1
    return [*found, (first, len(STREAM))] if first >= 0 else found


def _true_one(span: tuple[int, int]) -> int:
    """Which true event begins where this one begins; -1 for none."""
    return next((k for k, (a, b) in enumerate(TRUE) if a <= span[0] < b), -1)


def _no_blips(answer: Any) -> None:
    for span in _told(answer):
        if _true_one(span) < 0:
            raise NotYet(
                f"an event is told from window {span[0]}, where nothing happens: a false alarm"
            )


def _finds_both(answer: Any) -> None:
    found = {_true_one(span) for span in _told(answer)}
    missing = [f"windows {a} to {b - 1}" for k, (a, b) in enumerate(TRUE) if k not in found]
    if missing:
        raise NotYet(f"the event of {' and that of '.join(missing)} is not told")


def _unbroken(answer: Any) -> None:
    told = [_true_one(span) for span in _told(answer)]
    for k, (a, _) in enumerate(TRUE):
        if told.count(k) > 1:
            raise NotYet(
                f"the event of window {a} is told {told.count(k)} times: it breaks in the dip"
            )
    if len(told) == 1 and told[0] == 0 and _told(answer)[0][1] > TRUE[1][0]:
        raise NotYet("both events are told as one: the lower limit is too low")


EXERCISES = (
    Exercise(
        "application.1",
        f"""A detector may give {PER_WEEK:g} false alarms a week at most, and you want to know it with 90 %
certainty. For how many hours must you listen without hearing one? By hand; three digits. How long for
one alarm a year?""",
        _listening,
        (
            "Take the largest rate that is allowed. How probable is it then to hear nothing for T hours?",
            "Poisson with n = 0: an exponential. Ninety per cent certain means that this silence has a "
            "chance of one in ten. A week has 168 hours.",
        ),
    ),
    Exercise(
        "application.2",
        """Write `spans(p, threshold, hysteresis, alpha)`: the events in the probabilities p, shape (n,), as
a list of pairs `(first, end)` of window numbers, `end` one beyond the last. With y[i] = α p[i] + (1 − α)
y[i − 1], y[−1] = 0, an event begins where y ≥ threshold and is over where y < threshold − hysteresis;
what is on at the end of the stream ends there.""",
        _detector,
        (
            "Two things are carried from one window to the next: y, and whether an event is on.",
            "Ask two different questions, one when nothing is on and one when something is. And look at "
            "what remains after the loop.",
        ),
    ),
    Exercise(
        "application.3",
        f"""p = {", ".join(f"{v:g}" for v in STREAM)}. True events lie in windows 4 to 8 and 13 to 16; the
two 0.9 are blips. Predict: can a threshold alone do it? Then hand in `[threshold, hysteresis, alpha]` with
which both events are told, each once, and nothing else begins outside them.""",
        _rules,
        (
            "A blip of 0.9 stands above everything that is true. What makes a lone window small?",
            "With α about a third, write down y. Between which two values must the threshold lie, and how "
            "deep are the dips that the hysteresis has to bridge?",
        ),
    ),
)
