"""The board of a task: an error over its cost, with the thresholds that are to be undercut.

*Conventions*: a task's `Task.board` names two numbers of the findings, cost and error; every finding
that carries both is an entry. What is given to all (a linear model, say) is an entry of its own kind.

*References*: Cleveland 1985, "The elements of graphing data".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ddasp import plot
from ddasp.homework.parts import Task
from ddasp.homework.results import Result
from ddasp.plot.points import board as draw

__all__ = ["Board", "Entry", "entries", "of_class", "of_result", "picture"]

LINEAR = "linear model"
OWN = "your networks"
OWNS = "networks of the class"


@dataclass(frozen=True)
class Entry:
    """A point of the board.

    Parameters
    ----------
    kind : str
        As the legend calls it.
    x, y : float
        Cost and error.
    """

    kind: str
    x: float
    y: float


@dataclass(frozen=True)
class Board:
    """The picture and its finding in words."""

    svg: Markup
    finding: str


def entries(result: Result, task: Task, *, whose: str) -> list[Entry]:
    """What a submission puts on the board.

    Parameters
    ----------
    result : Result
    task : Task
    whose : str
        Kind of the entries that the submission chose itself.
    """
    if len(task.board) != 2:
        return []
    cost, error = task.board
    found = []
    for finding in (finding for part in result.parts for finding in part.findings):
        x, y = (finding.numbers.get(name, math.nan) for name in (cost, error))
        if math.isfinite(x) and math.isfinite(y) and x > 0 and y > 0:
            found.append(Entry(LINEAR if _is_linear(finding.item) else whose, x, y))
    return found


def of_result(result: Result, task: Task) -> Board | None:
    """The board of one submission; None where the task has none or nothing stands on it.

    Parameters
    ----------
    result : Result
    task : Task
    """
    return picture(entries(result, task, whose=OWN), task.board, task.thresholds)


def of_class(results: Iterable[Result], task: Task) -> Board | None:
    """The board of a class.

    Parameters
    ----------
    results : iterable of Result
    task : Task
    """
    found = [entry for result in results for entry in entries(result, task, whose=OWNS)]
    return picture(found, task.board, task.thresholds)


def picture(
    found: Sequence[Entry], names: Sequence[str], thresholds: Sequence[tuple[str, float]]
) -> Board | None:
    """Entries as a figure, with the finding that an eye would take from it.

    Parameters
    ----------
    found : sequence of Entry
    names : sequence of str
        Of cost and error, as the axes call them.
    thresholds : sequence of (str, float)
        Name and error.
    """
    if not found or len(names) != 2:
        return None
    order = [kind for kind in (OWN, OWNS, LINEAR) if any(entry.kind == kind for entry in found)]
    order += [kind for kind in dict.fromkeys(entry.kind for entry in found) if kind not in order]
    figure = draw(
        [entry.x for entry in found],
        [entry.y for entry in found],
        [entry.kind for entry in found],
        names=(names[0], names[1]),
        thresholds=[(f"threshold {name}", level) for name, level in thresholds],
        order=order,
    )
    says = _finding(found, names, thresholds)
    title = f"{names[1]} over {names[0]}".capitalize()
    return Board(Markup(plot.to_svg(figure, alt=says, title=title)), says)


def _finding(
    found: Sequence[Entry], names: Sequence[str], thresholds: Sequence[tuple[str, float]]
) -> str:
    """The cheapest entry below each threshold, and what is given to all."""
    own = [entry for entry in found if entry.kind != LINEAR]
    reached: dict[str, list[str]] = {}  # thresholds with one answer are named together
    for _, level in sorted(thresholds, key=lambda pair: -pair[1]) if own else ():
        below = [entry.x for entry in own if entry.y < level]
        answer = f"with {min(below):g} {names[0]}" if below else "not reached"
        reached.setdefault(answer, []).append(f"{level:g}")
    said = [f"below {_listed(levels)} {answer}" for answer, levels in reached.items()]
    if own and not thresholds:
        best = min(own, key=_error)
        said.append(f"{best.y:.3g} with {best.x:g} {names[0]}")
    linear = [f"{entry.y:.3g}" for entry in sorted(found, key=_error) if entry.kind == LINEAR]
    if linear:
        said.append(f"{LINEAR}: {' to '.join(dict.fromkeys((linear[0], linear[-1])))}")
    return f"{names[1].capitalize()} {'; '.join(said)}."


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _error(entry: Entry) -> float:
    return entry.y


def _is_linear(item: str) -> bool:
    return "linear model" in item.lower() and "non-linear" not in item.lower()
