"""What findings come to in words and numbers: of one submission, and of a class.

*Conventions*: parts that the lecturer reads are counted apart; a median or a share of nobody is not
stated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from ddasp import plot
from ddasp.homework.parts import BY_HAND, NOT_ATTEMPTED, NOT_YET, RIGHT, Task
from ddasp.homework.results import Grade, PartResult, Result
from ddasp.plot.points import dots

__all__ = [
    "PartOfClass",
    "class_note",
    "class_sentence",
    "distribution",
    "parts",
    "rest",
    "sentence",
]

NOTHING_YET = "Nothing has been attempted yet"
MOST_ITEMS = 3  # of a part, those that fail most


@dataclass(frozen=True)
class PartOfClass:
    """How a part went.

    Parameters
    ----------
    key, title : str
    by_hand : bool
    right, not_yet, not_attempted : int
        Submissions.
    share : float or None
        Mean share of the items that is right; None where the lecturer reads it or nobody handed in.
    failing : tuple of (str, int)
        The items that fail most often, and in how many submissions.
    """

    key: str
    title: str
    by_hand: bool
    right: int
    not_yet: int
    not_attempted: int
    share: float | None
    failing: tuple[tuple[str, int], ...]


def sentence(result: Result) -> str:
    """How far a submission is, in one sentence.

    Parameters
    ----------
    result : Result
    """
    checked = [part for part in result.parts if not part.by_hand]
    n, right = len(checked), sum(part.status == RIGHT for part in checked)
    if not checked:
        return "Every part is read by the lecturer"
    if all(part.status == NOT_ATTEMPTED for part in checked):
        return "Nothing that can be checked was found" if result.failures else NOTHING_YET
    if right == n:
        return f"All {n} checked parts are right" if n > 1 else "The checked part is right"
    if right == 0:
        return "No checked part is right yet"
    return f"{right} of {n} checked parts {'is' if right == 1 else 'are'} right"


def rest(result: Result) -> str:
    """What is missing, in a second sentence; blank where nothing is.

    Parameters
    ----------
    result : Result
    """
    checked = [part for part in result.parts if not part.by_hand]
    counts = Counter(part.status for part in checked)
    by_hand = [part for part in result.parts if part.by_hand]
    missing = sum(part.status == NOT_ATTEMPTED for part in by_hand)
    said = [f"{counts[NOT_YET]} not yet"] * bool(counts[NOT_YET])
    said += [f"{counts[NOT_ATTEMPTED]} not attempted"] * bool(counts[NOT_ATTEMPTED])
    said += [_read_by_hand(len(by_hand))] * bool(by_hand)
    text = ", ".join(said)
    if missing:
        text += f" ({f'{missing} of them ' * (missing < len(by_hand))}not handed in)"
    return text[:1].upper() + text[1:] + "." if text else ""


def class_sentence(task: Task, grades: Sequence[Grade]) -> str:
    """The finding of a class: its median, and the part that went worst.

    Parameters
    ----------
    task : Task
    grades : sequence of Grade
    """
    if not grades:
        return "Nothing has been handed in"
    read = _that_ran(grades)
    if not read:
        return "No submission could be read"
    middle, most = np.median([grade.total for grade in read]), max(g.most for g in read)
    who = (
        f"Half of {len(read)} submissions reach" if len(read) > 1 else "The one submission reaches"
    )
    text = f"{who} {middle:.3g} of {most:g} points"
    known = [part for part in parts(task, grades) if part.share is not None]
    if known and (worst := min(known, key=lambda part: part.share or 0.0)).share != 1.0:
        text += f"; part {worst.key} went worst"
    return text


def class_note(grades: Sequence[Grade]) -> str:
    """What the totals leave out; blank where they are complete.

    Parameters
    ----------
    grades : sequence of Grade
    """
    waiting = sum(any(value is None for value in grade.points.values()) for grade in grades)
    unread = len(grades) - len(_that_ran(grades))
    said = []
    if waiting:
        lack = "submission still lacks" if waiting == 1 else "submissions still lack"
        said.append(
            f"The totals are not final: {waiting} {lack} points that are entered in the TOML file."
        )
    if unread:
        said.append(
            f"{unread} submission{'s have' if unread > 1 else ' has'} no result and "
            f"{'count' if unread > 1 else 'counts'} neither here nor in the figures below."
        )
    return " ".join(said)


def distribution(grades: Sequence[Grade]) -> tuple[Markup, str] | None:
    """The totals as a dot plot, and its finding in words.

    Parameters
    ----------
    grades : sequence of Grade
    """
    grades = _that_ran(grades)
    if not grades:
        return None
    totals = np.array([grade.total for grade in grades])
    most = max(max(grade.most for grade in grades), 1.0)
    first, middle, third = np.quantile(totals, [0.25, 0.5, 0.75])
    finding = (
        f"Median {middle:.3g}; the middle half lies between {first:.3g} and {third:.3g}; lowest "
        f"{totals.min():.3g}, highest {totals.max():.3g}."
    ).replace("-", "−")
    figure = dots(totals, quantity=f"points of {most:g}", limits=(0.0, most))
    return Markup(plot.to_svg(figure, alt=finding, title="Points, one dot a submission")), finding


def parts(task: Task, grades: Sequence[Grade]) -> list[PartOfClass]:
    """How each part went, in the order of the task.

    Parameters
    ----------
    task : Task
    grades : sequence of Grade
        Submissions that could not be read count nowhere.
    """
    results = [grade.result for grade in grades if grade.result is not None]
    by_key = {
        part.key: [p for r in results for p in r.parts if p.key == part.key] for part in task.parts
    }
    return [_part(part.key, part.title, part.by_hand, by_key[part.key]) for part in task.parts]


def _that_ran(grades: Sequence[Grade]) -> list[Grade]:
    return [grade for grade in grades if grade.result is not None]


def _read_by_hand(n: int) -> str:
    return f"{n} part{'s are' if n > 1 else ' is'} read by the lecturer"


def _part(key: str, title: str, by_hand: bool, found: Sequence[PartResult]) -> PartOfClass:
    states = Counter(part.status for part in found)
    failing = Counter(
        finding.item for part in found for finding in part.findings if finding.status == NOT_YET
    )
    attempted = [part.share for part in found]
    share = float(np.mean(attempted)) if attempted and not by_hand else None
    most = sorted(failing.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_ITEMS]
    right = states[BY_HAND] if by_hand else states[RIGHT]
    return PartOfClass(
        key, title, by_hand, right, states[NOT_YET], states[NOT_ATTEMPTED], share, tuple(most)
    )
