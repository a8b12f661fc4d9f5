"""Three exercises on searching: how many trials, an honest search, how large a validation set.

*Conventions*: a share and an accuracy are numbers from 0 to 1; T counts trials or candidates, n items.
A search is judged by a spy that it calls: what it may look at is seen from its calls.

*References*: J. Bergstra and Y. Bengio, JMLR 13, 2012; G. C. Cawley and N. L. C. Talbot, JMLR 11, 2010.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: how many trials

GOOD, SURE = 0.02, 0.99
LOW, HIGH, FROM, TO = 1e-5, 1e-1, 1e-3, 1e-2


def _trials(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("enough", _are_enough), ("no more", _are_no_more), ("scale", _is_logarithmic)],
    )


def _two(answer: Any) -> tuple[float, Any]:
    answer = answer.tolist() if isinstance(answer, np.ndarray) else answer
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(f"the answer is {answers.shown(answer)}; expected two numbers, (T, share)")
    T = answers.number(answer[0], "T")
    if round(T) != T or not 0 <= T <= 1e6:
        raise NotYet(f"T is {T:g}; expected a whole number of trials")
    return T, answer[1]


def _missed(T: float) -> float:
    return float((1.0 - GOOD) ** T)


def _are_enough(answer: Any) -> None:
    T, _ = _two(answer)
    if _missed(T) > 1.0 - SURE:
        raise NotYet(
            f"{T:g} trials all miss the best {100 * GOOD:g} % with probability {_missed(T):.3g}; expected "
            f"{1 - SURE:.2g} at most"
        )


def _are_no_more(answer: Any) -> None:
    T, _ = _two(answer)
    if T > 0 and _missed(T - 1.0) <= 1.0 - SURE:
        raise NotYet(
            f"{T - 1:g} trials are enough already: they miss with probability {_missed(T - 1):.3g}"
        )


def _is_logarithmic(answer: Any) -> None:
    share = answers.number(_two(answer)[1], "the share")
    drawn = np.linspace(np.log(LOW), np.log(HIGH), 200_001)
    inside = float(np.mean((drawn > np.log(FROM)) & (drawn < np.log(TO))))
    if abs(share - inside) > 0.005:
        straight = (TO - FROM) / (HIGH - LOW)
        cause = " - of learning rates drawn uniformly?" if abs(share - straight) < 0.002 else ""
        if abs(share / 100 - inside) < 0.005:
            cause = " - a share is a number from 0 to 1, not a percentage"
        raise NotYet(
            f"the share is {share:.4g}; of 200,000 rates with uniform logarithms another share lies "
            f"there{cause}"
        )


# ------------------------------------------------------------------ 2: an honest search

CANDIDATES = ("a", "b", "c", "d", "e", "f")
GROUPS = np.repeat(np.arange(12), [3, 5, 4, 4, 6, 2, 4, 5, 3, 4, 4, 4])
Call = tuple[Any, frozenset[int], frozenset[int], float]


def _search(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("groups apart", _keeps_groups_apart),
            ("every candidate", _tries_all),
            ("choice", _chooses_the_best),
            ("test", _tests_the_chosen),
            ("tested once", _tests_once),
        ],
    )


def _rows(value: Any, name: str) -> Array:
    rows = np.asarray(value) if isinstance(value, np.ndarray | list | tuple) else np.zeros((0, 0))
    if rows.dtype == bool and rows.shape == GROUPS.shape:
        rows = np.flatnonzero(rows)
    inside = rows.ndim == 1 and rows.size and rows.dtype.kind in "iu"
    if not (inside and rows.min() >= 0 and rows.max() < len(GROUPS)):
        raise NotYet(
            f"evaluate was given {name} that are no rows; expected indices of observations, or a mask"
        )
    return rows


def _calls(answer: Any, seed: int) -> tuple[list[Call], Any, float]:
    """What a search asks of the spy, and its result."""
    rng, calls = np.random.default_rng(seed), list[Call]()
    true = dict(
        zip(CANDIDATES, rng.permutation(np.linspace(0.5, 0.8, len(CANDIDATES))), strict=True)
    )

    def evaluate(candidate: Any, fit: Any, score: Any) -> float:
        if candidate not in CANDIDATES:
            raise ValueError(f"there is no candidate {answers.shown(candidate)}")
        if len(calls) > 500:
            raise ValueError("more than 500 calls of evaluate")
        fitted, scored = (
            frozenset(_rows(rows, name).tolist())
            for rows, name in ((fit, "rows to fit"), (score, "rows to score"))
        )
        chance = np.random.default_rng(
            [seed, CANDIDATES.index(candidate), *sorted(scored), *sorted(fitted)]
        )
        value = float(true[candidate] + 0.1 * chance.standard_normal())
        calls.append((candidate, fitted, scored, value))
        return value

    found = called(
        function(answer, "tune(evaluate, candidates, groups)"), evaluate, CANDIDATES, GROUPS
    )
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise NotYet(f"tune gives {answers.shown(found)}; expected two things, (candidate, score)")
    if not isinstance(found[0], str) or found[0] not in CANDIDATES:
        raise NotYet(f"the candidate is {answers.shown(found[0])}; expected one of those given")
    if not calls:
        raise NotYet("evaluate was never called; nothing was tried")
    return calls, found[0], float(array(found[1], "the score", ()))


def _groups(rows: frozenset[int]) -> set[int]:
    return set(GROUPS[sorted(rows)].tolist())


def _keeps_groups_apart(answer: Any) -> None:
    for candidate, fitted, scored, _ in _calls(answer, 1)[0]:
        both = _groups(fitted) & _groups(scored)
        if both:
            raise NotYet(
                f"candidate {candidate} was scored on group {min(both)}, from which it had been fitted as "
                "well; a group belongs to one side"
            )


def _split(calls: list[Call], score: float) -> tuple[list[Call], list[Call]]:
    """Calls that scored what the reported score was measured on, and the others."""
    reported = [call for call in calls if call[3] == score]
    rows = reported[-1][2] if reported else frozenset[int]()
    return [c for c in calls if c[2] & rows], [c for c in calls if not c[2] & rows]


def _tries_all(answer: Any) -> None:
    calls, _, score = _calls(answer, 2)
    missing = [c for c in CANDIDATES if c not in {call[0] for call in _split(calls, score)[1]}]
    if missing:
        raise NotYet(
            f"candidate {missing[0]} was never scored on anything but the data of the reported score; "
            "expected a validation set on which all are compared"
        )


def _chooses_the_best(answer: Any) -> None:
    for seed in (3, 4, 5):
        calls, chosen, score = _calls(answer, seed)
        validation = _split(calls, score)[1]
        means = {
            c: np.mean([call[3] for call in validation if call[0] == c])
            for c in {v[0] for v in validation}
        }
        if not means or chosen not in means:
            raise NotYet(f"candidate {chosen} was chosen, but has no validation score")
        best = max(means, key=lambda c: means[c])
        if means[best] > means[chosen] + 1e-12:
            raise NotYet(
                f"candidate {chosen} was chosen with a validation score of {means[chosen]:.3f}, where "
                f"{best} has {means[best]:.3f}; the larger one is better"
            )


def _tests_the_chosen(answer: Any) -> None:
    for seed in (3, 4, 5):
        calls, chosen, score = _calls(answer, seed)
        if not any(call[0] == chosen and call[3] == score for call in calls):
            raise NotYet(
                f"the score {score:.3f} is none that evaluate gave for the chosen candidate {chosen}"
            )
        last = next(call for call in calls if call[0] == chosen and call[3] == score)
        before = calls[: calls.index(last)]
        seen = frozenset[int]().union(*(c[2] | c[1] for c in before))
        again = _groups(last[2]) & _groups(seen)
        if again:
            raise NotYet(
                f"the score that is reported was measured on group {min(again)}, which an earlier call had "
                "fitted or scored: it took part in the choice"
            )


def _tests_once(answer: Any) -> None:
    calls, _, score = _calls(answer, 6)
    tested = _split(calls, score)[0]
    if len(tested) != 1:
        raise NotYet(
            f"the data of the reported score were scored in {len(tested)} calls; expected one, with the "
            "chosen candidate, at the end"
        )


# ------------------------------------------------------------------ 3: how large a validation set


def _size(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("enough items", _holds),
            ("no more than needed", _is_least),
            ("one candidate", _needs_one),
        ],
    )


ASKED: tuple[tuple[float, int, float], ...] = (
    (0.8, 10, 0.05),
    (0.5, 50, 0.1),
    (0.9, 100, 0.02),
    (0.2, 3, 0.08),
)


def _optimism(p: float, n: int, T: int) -> float:
    """Expected best score of T candidates of accuracy p on n items, minus p."""
    return float(np.mean(1.0 - binom.cdf(np.arange(n), n, p) ** T) - p)


def _needed(answer: Any, p: float, T: int, most: float) -> int:
    form = f"n_needed({p:g}, {T}, {most:g})"
    n = float(array(called(function(answer, "n_needed(p, T, most)"), p, T, most), form, ()))
    if n != round(n) or not 1 <= n <= 20_000:
        raise NotYet(f"{form} is {n:g}; expected a whole number of items, 1 to 20,000")
    return int(n)


def _holds(answer: Any) -> None:
    for p, T, most in ASKED:
        n = _needed(answer, p, T, most)
        if _optimism(p, n, T) > most + 1e-9:
            raise NotYet(
                f"p = {p:g}, T = {T}: on {n} items the best scores {_optimism(p, n, T):.4f} above the "
                f"truth on average; expected {most:g} at most"
            )


def _is_least(answer: Any) -> None:
    for p, T, most in ASKED:
        n = _needed(answer, p, T, most)
        fewer = max(1, round(0.95 * n) - 2)
        if _optimism(p, fewer, T) <= most:
            raise NotYet(
                f"p = {p:g}, T = {T}: {fewer} items keep the optimism at {_optimism(p, fewer, T):.4f} "
                f"already, {n} are more than {most:g} asks for"
            )


def _needs_one(answer: Any) -> None:
    n = _needed(answer, 0.7, 1, 0.01)
    if n != 1:
        raise NotYet(
            f"T = 1: {n} items; nothing is chosen there, so that the score is right on average for "
            "any number"
        )


EXERCISES = (
    Exercise(
        "hyperparameter_tuning.1",
        f"""By hand: how many random trials T are needed, at least, so that one of them lies in the
best {100 * GOOD:g} % of the search space with a probability of {100 * SURE:g} %? And a learning
rate is drawn between 10⁻⁵ and 10⁻¹ with a uniform logarithm: which share of the trials lies
between 10⁻³ and 10⁻²? Hand in `(T, share)`.""",
        _trials,
        (
            "With which probability does one trial miss the good part? And all of them?",
            "A power that shall be small enough: take logarithms, and round to the safe side. How many "
            "powers of ten are there in all, and how many in the part?",
        ),
    ),
    Exercise(
        "hyperparameter_tuning.2",
        """Write `tune(evaluate, candidates, groups)`, an honest search. `evaluate(candidate,
fit_rows, score_rows)` fits a candidate on some rows and returns its score on others, higher is
better; `groups` (N,) says to whom each row belongs. Return `(chosen, score)`: the candidate that
was best in validation, and a score that tells what it is worth.""",
        _search,
        (
            "Which rows may the choice not have seen? Split the groups, not the rows, into three.",
            "All candidates are compared on the same validation rows; then one last call, with the one "
            "that was chosen, on groups that no call has touched before.",
        ),
    ),
    Exercise(
        "hyperparameter_tuning.3",
        """T candidates are all right with probability p, independently; the best validation score
of them is above p on average. Write `n_needed(p, T, most)`: how many validation items are enough
for that optimism to be `most` or less (5 % more items than the least number are accepted). Predict
first: twice as many items, by which factor does the optimism fall?""",
        _size,
        (
            "The lesson has the expected best score for n items. Which n is the first that is good "
            "enough?",
            "It falls like one over the square root of n, so a rough n is quickly found; then look on "
            "both sides of it, or halve an interval. For one candidate nothing is chosen.",
        ),
    ),
)
