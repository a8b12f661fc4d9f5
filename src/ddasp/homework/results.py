"""What a check leaves behind: findings by part, and what they come to in points.

*Conventions*: a result is plain data, written and read as JSON; points are computed from it when they
are wanted, so that other weights need no second run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ddasp.homework.parts import BY_HAND, NOT_ATTEMPTED, NOT_YET, RIGHT, Finding, share_of

__all__ = ["Grade", "PartResult", "Result", "from_json"]

HARMLESS = ("(tagged not-graded)", "(a notebook command)")  # left out as their author wanted
PRELIMINARY = "the total is preliminary"  # how a flag ends that says which points are missing


@dataclass(frozen=True)
class PartResult:
    """What was found in one part.

    Parameters
    ----------
    key : str
    title : str
    points : float
        At most.
    by_hand : bool
        Whether the lecturer enters its points.
    findings : tuple of Finding
    """

    key: str
    title: str
    points: float
    by_hand: bool
    findings: tuple[Finding, ...]

    @property
    def share(self) -> float:
        """How much of it is right, 0 to 1."""
        return share_of(self.findings)

    @property
    def status(self) -> str:
        """`RIGHT`, `NOT_YET`, `NOT_ATTEMPTED` or `BY_HAND`, of the part as a whole."""
        states = {finding.status for finding in self.findings}
        if states <= {NOT_ATTEMPTED}:
            return NOT_ATTEMPTED
        if self.by_hand:
            return BY_HAND
        return RIGHT if states == {RIGHT} else NOT_YET


@dataclass(frozen=True)
class Result:
    """What was found in one submission.

    Parameters
    ----------
    student : str
    task : str
    version : int
        Of the task's generator.
    parts : tuple of PartResult
    problems : tuple of str
        What was refused, cells that failed, why a run was stopped.
    printed : str
        The beginning of what the code printed.
    files : tuple of str
        Names of what else was handed in.
    """

    student: str
    task: str
    version: int
    parts: tuple[PartResult, ...]
    problems: tuple[str, ...] = ()
    printed: str = ""
    files: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        """The problems without what was left out as its author wanted."""
        return tuple(text for text in self.problems if not text.endswith(HARMLESS))

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was left out as its author wanted: cells tagged so, and notebook commands."""
        return tuple(text for text in self.problems if text.endswith(HARMLESS))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def from_json(value: Mapping[str, Any]) -> Result:
    """The inverse of `Result.to_json`.

    Parameters
    ----------
    value : mapping
        As it was written.

    Raises
    ------
    KeyError, TypeError
        When it is anything else.
    """
    parts = tuple(
        PartResult(
            **{**part, "findings": tuple(Finding(**finding) for finding in part["findings"])}
        )
        for part in value["parts"]
    )
    lists = {name: tuple(value[name]) for name in ("problems", "files")}
    return Result(**{**value, **lists, "parts": parts})


@dataclass(frozen=True)
class Grade:
    """One line of the grade table.

    Parameters
    ----------
    student : str
        The id, as the submission states it; blank when none could be read.
    submission : str
        Name of the file or folder.
    result : Result or None
        None when the submission could not be read at all.
    points : dict of str to (float or None)
        By part; None where the lecturer has not entered them yet.
    total : float
        After the deduction, rounded as the settings say.
    most : float
        The sum of the weights.
    late_days : float
        Days after the deadline; 0 in time.
    deduction : float
        Points taken off for that.
    flags : tuple of str
        What the lecturer should look at.
    """

    student: str
    submission: str
    result: Result | None
    points: dict[str, float | None] = field(default_factory=dict)
    total: float = 0.0
    most: float = 0.0
    late_days: float = 0.0
    deduction: float = 0.0
    flags: tuple[str, ...] = ()

    @property
    def waits_only(self) -> bool:
        """Whether all that its flags say is that the lecturer's points are missing."""
        return bool(self.flags) and all(flag.endswith(PRELIMINARY) for flag in self.flags)
