"""The verdict: one sentence that says whether the result is of use, and how sure that is.

*Conventions*: "useful" when the whole interval lies on the good side of the smallest value that
would be of use, "not useful" when it lies on the bad side, else "not decided at this sample size".
Where the truth is exactly the goal, "useful" is meant to be said in one case of forty (half of
1 − level); ``benchmarks/interval_coverage.py`` measures 2 to 3 in 100, by how much the groups differ.

*References*: Altman and Bland 1995, "Absence of evidence is not evidence of absence".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from ddasp.procedure.intervals import Estimate
from ddasp.procedure.measures import Measure, get

__all__ = ["MOST", "Verdict", "verdict"]

MOST = 1000  # more groups than this are not counted out


@dataclass(frozen=True)
class Verdict:
    """The verdict.

    Parameters
    ----------
    word : str
        "useful", "not useful", "not decided" or "no goal stated".
    sentence : str
        For a person.
    groups_more : int or None
        How many more groups (observations where there are no groups) would decide it if the
        estimate stays as it is; `MOST` + 1 for more than `MOST`; None where nothing can be said.
    """

    word: str
    sentence: str
    groups_more: int | None


def verdict(estimate: Estimate, measure: Measure | str, useful_from: float | None) -> Verdict:
    """Hold an estimate up against the goal.

    Parameters
    ----------
    estimate : Estimate
        Value and interval.
    measure : Measure or str
        The measure that decides, or its name.
    useful_from : float or None
        The smallest value that would be of use (the greatest, where smaller is better).

    Returns
    -------
    Verdict

    Notes
    -----
    The interval's distance h from the estimate on the side of the goal shrinks with the number of
    groups G as t(G − 1) / √(G − 1). `groups_more` is the smallest number with which it is shorter than
    |estimate − goal|, if the estimate and the spread between groups stay as they are.

    Examples
    --------
    >>> found = Estimate(0.87, 0.81, 0.92, "t interval over 20 groups", 20, 1000)
    >>> print(verdict(found, "accuracy", 0.80).sentence)
    Useful: accuracy 0.87 (95 % interval 0.81 to 0.92) is above the stated 0.80.
    >>> undecided = verdict(found, "accuracy", 0.85)
    >>> undecided.word, undecided.groups_more
    ('not decided', 134)
    >>> print(undecided.sentence.partition("0.85. ")[2])
    If the estimate stays as it is, about 134 more groups would show it useful.
    """
    rule = get(measure) if isinstance(measure, str) else measure
    if not math.isfinite(estimate.value):
        return Verdict(
            "not decided", f"Not decided: {rule.title} is not defined on these data.", None
        )
    if useful_from is None or not math.isfinite(useful_from):
        found = _found(estimate, rule, _digits(estimate, None))
        return Verdict(
            "no goal stated",
            f"No goal stated: {found}; whether that is of use was not said beforehand.",
            None,
        )
    goal = float(useful_from)
    digits = _digits(estimate, goal)
    found, stated = _found(estimate, rule, digits), f"the stated {_number(goal, digits)}"
    better, worse = ("above", "below") if rule.greater_is_better else ("below", "above")
    if _beyond(estimate, goal, above=rule.greater_is_better):
        return Verdict("useful", f"Useful: {found} is {better} {stated}.", None)
    if _beyond(estimate, goal, above=not rule.greater_is_better):
        return Verdict("not useful", f"Not useful: {found} is {worse} {stated}.", None)
    more = _more(estimate, goal)
    good = (estimate.value > goal) == rule.greater_is_better
    return Verdict(
        "not decided",
        f"Not decided at this sample size: {found} may lie on either side of {stated}."
        + _what_it_takes(estimate, more, good),
        more,
    )


def _beyond(estimate: Estimate, goal: float, *, above: bool) -> bool:
    return estimate.low > goal if above else estimate.high < goal


def _more(estimate: Estimate, goal: float) -> int | None:
    """Smallest number of further groups with which the interval leaves the goal out."""
    n = estimate.n_groups or estimate.n_observations
    gap = estimate.value - goal
    half = estimate.value - estimate.low if gap > 0 else estimate.high - estimate.value
    if n < 2 or not 0 < half < math.inf:
        return None
    now = stats.t.ppf(0.5 + estimate.level / 2, n - 1)

    def shrunk(n_all: int) -> float:
        ratio = stats.t.ppf(0.5 + estimate.level / 2, n_all - 1) / now
        return float(half * ratio * math.sqrt((n - 1) / (n_all - 1)))

    if shrunk(n + MOST) >= abs(gap):
        return MOST + 1
    few, many = 0, MOST  # the width falls with each group: halve the span
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if shrunk(n + middle) < abs(gap) else (middle, many)
    return many


def _what_it_takes(estimate: Estimate, more: int | None, good: bool) -> str:
    unit = "group" if estimate.n_groups else "sound"
    if more is None:
        return f" One {unit} alone can't decide it." if _alone(estimate) else ""
    number = f"more than {MOST}" if more > MOST else f"about {more} more"
    noun = unit if more == 1 else f"{unit}s"
    tail = f"{noun} more" if more > MOST else noun
    word = "useful" if good else "not useful"
    return f" If the estimate stays as it is, {number} {tail} would show it {word}."


def _alone(estimate: Estimate) -> bool:
    return (estimate.n_groups or estimate.n_observations) < 2


def _digits(estimate: Estimate, goal: float | None) -> int:
    """Decimals that keep three figures, and keep the bounds apart from the goal."""
    size = max(abs(estimate.value), 1e-12)
    least = 2 if size >= 0.1 else min(8, 1 - math.floor(math.log10(size)))
    if goal is None:
        return least
    for digits in range(least, least + 4):
        shown = _number(goal, digits)
        if float(shown) == goal and all(
            _number(bound, digits) != shown
            for bound in (estimate.low, estimate.high)
            if math.isfinite(bound) and bound != goal
        ):
            return digits
    return least + 4


def _number(x: float, digits: int) -> str:
    return "∞" if x == math.inf else "−∞" if x == -math.inf else f"{x:.{digits}f}"


def _found(estimate: Estimate, rule: Measure, digits: int) -> str:
    bounds = f"{_number(estimate.low, digits)} to {_number(estimate.high, digits)}"
    unit = f" {rule.unit}" if rule.unit == "nat" else ""
    return (
        f"{rule.title} {_number(estimate.value, digits)}{unit} "
        f"({estimate.level * 100:g} % interval {bounds})"
    )
