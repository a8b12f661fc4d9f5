"""`homework.toml`: which task, until when, for how many points, and the secret that hides inputs.

The descriptions are the comments of the file that `settings_file.write_template` writes, so that
neither can drift from the other. What changes the result of
a run of the code (task, salt, limits) makes the submissions run anew; what changes the grade alone
(weights, points, deadline) doesn't.

*Conventions*: points of a part by its key, ``"9" = 4.5``; ids of students as the tasks know them, in
small letters. A day late is 24 h that have begun, counted from the deadline.

*References*: TOML 1.0.0; RFC 3339 (date, time and offset).
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ddasp._errors import InputError
from ddasp.homework.draw import student_id
from ddasp.homework.parts import Task
from ddasp.homework.running.execution import Limits
from ddasp.procedure.settings_errors import line, nearest, refuse, toml, unfit

__all__ = ["HomeworkSettings", "HomeworkTable", "LateTable", "LimitsTable", "Table"]

SHORTEST_SALT = 16
DAY = 86_400.0
Points = Annotated[float, Field(ge=0, allow_inf_nan=False)]
WHEN = "a date, a time and the offset from UTC, as 2026-12-01T23:59:59+01:00"


class Table(BaseModel):
    """What all tables share: they are frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _not_a_moment(value: Any) -> tuple[str, str] | None:
    """What stands there and what is expected, unless it is a time with its zone."""
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return None
    shown = value.isoformat() if hasattr(value, "isoformat") else str(value)
    if isinstance(value, datetime):
        return shown, f"{WHEN} - without the offset it is another moment in every zone"
    return shown, WHEN


class HomeworkTable(Table):
    """Table ``[homework]``."""

    task: str = Field(default="", description="The task that is graded.")
    deadline: datetime | None = Field(
        default=None,
        description=f"Until when it is in time, this second included: {WHEN}. Without it nothing is "
        "late.",
        examples=["2026-12-01T23:59:59+01:00"],
    )
    salt: str = Field(
        default="",
        description="The secret that hidden inputs are drawn from, drawn afresh for this file. Keep "
        "it to yourself; another salt gives other inputs, and everything runs anew.",
    )
    rounding: float = Field(
        default=0.5,
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="A total is rounded to a multiple of this, halves upwards. 0: not rounded.",
    )
    similarity: float = Field(
        default=0.6,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Two submissions that share at least this much of their code are pointed out.",
    )
    roster: str = Field(
        default="",
        description="CSV with a column id, relative to this file: who handed in nothing gets a line, "
        "and ids that don't stand in it are flagged.",
        examples=['"roster.csv"'],
    )

    points_file: str = Field(
        default="",
        description="CSV with a column id and a column for each part that you give points for, named "
        "as in grades.csv, relative to this file. Blank cells give none; [points] goes first.",
        examples=['"points.csv"'],
    )
    decimal: Literal[".", ","] = Field(
        default=".",
        description='Decimal sign of grades.csv. With "," its cells are parted by semicolons, as '
        'spreadsheets with German settings read it; with "." such a one may take 1.8 for a day.',
    )

    @field_validator("deadline", mode="before")
    @classmethod
    def _with_a_zone(cls, value: Any) -> Any:
        wrong = None if value is None else _not_a_moment(value)
        if wrong:
            raise unfit("", *wrong)
        return value

    @field_validator("salt")
    @classmethod
    def _secret(cls, salt: str) -> str:
        if len(salt.strip()) < SHORTEST_SALT:
            draw = 'python -c "import secrets; print(secrets.token_hex(16))"'
            says = f"a secret of at least {SHORTEST_SALT} characters; {draw} draws one"
            raise unfit("", f"({len(salt.strip())} characters)", says)  # the salt is not shown
        return salt


class LateTable(Table):
    """Table ``[late]``."""

    per_day: float = Field(
        default=0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of the points reached that each started day takes off: 0.1 takes a tenth "
        "of them for each. 0: being late is flagged only.",
        examples=[0.1],
    )
    at_most: float = Field(
        default=1.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of the points reached that being late takes off at most.",
    )
    grace_minutes: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="Minutes after the deadline that still count as in time. Who is later than that "
        "is late since the deadline: grace forgives, it doesn't extend.",
    )


class LimitsTable(Table):
    """Table ``[limits]``."""

    seconds: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="Time by the clock for a process with all that it starts, in s. After a call that "
        "did not end, the rest goes on in a fresh one; together they have three times as much.",
    )
    memory_mb: int = Field(
        default=1024, ge=128, description="Memory of all its processes together in MiB."
    )
    output_mb: int = Field(
        default=50, ge=1, le=1000, description="Output in MB: half of it printed, half in files."
    )
    processes: int = Field(default=64, ge=8, description="Processes and threads at a time.")


class HomeworkSettings(Table):
    """A whole `homework.toml`.

    Attributes
    ----------
    homework, late, limits
        The tables of these names.
    weights : dict of str to float
        Points of a part where they differ from the task's own.
    points : dict of str to dict
        By student and part: what the lecturer gives, for parts read by hand or in place of what
        was found.
    deadlines : dict of str to datetime
        By student, where it differs.
    """

    homework: HomeworkTable = HomeworkTable()
    late: LateTable = LateTable()
    limits: LimitsTable = LimitsTable()
    weights: dict[str, Points] = Field(
        default={},
        description='Points of a part where they differ from the task\'s own: "part" = points.',
    )
    deadlines: dict[str, datetime] = Field(
        default={},
        description="Another deadline for a student, after an illness or when the time of the file "
        'is not when it was handed in: "id" = time.',
    )
    points: dict[str, dict[str, Points]] = Field(
        default={},
        description="Points that you give: for the parts that are read by hand, and for any other "
        'part in place of what was found. One table for each student, [points."id"].',
    )

    @field_validator("deadlines", mode="before")
    @classmethod
    def _with_zones(cls, value: Any) -> Any:
        for student, moment in value.items() if isinstance(value, dict) else ():
            wrong = _not_a_moment(moment)
            if wrong:
                raise unfit(_key(student), *wrong)
        return _by_id(value)

    @field_validator("points", mode="before")
    @classmethod
    def _known_ids(cls, value: Any) -> Any:
        return _by_id(value)

    def weights_of(self, task: Task) -> dict[str, float]:
        """Points of each part at most, by its key in the order of the task.

        Parameters
        ----------
        task : Task
        """
        return {part.key: float(self.weights.get(part.key, part.points)) for part in task.parts}

    def run_limits(self) -> Limits:
        """Table ``[limits]`` as the execution wants it."""
        limits = self.limits
        memory, output = limits.memory_mb * 2**20, limits.output_mb * 10**6
        return Limits(limits.seconds, memory, output, limits.processes)

    def late_days(self, student: str, received: float) -> int:
        r"""Days after the deadline that have begun; 0 in time, and within the grace.

        Parameters
        ----------
        student : str
            The id.
        received : float
            When the submission was received, in s since 1970.

        Examples
        --------
        >>> from ddasp.homework.grades.settings_file import parse
        >>> from ddasp.homework.grades.settings_file import parse
        >>> text = '[homework]\nsalt = "0123456789abcdef"\ndeadline = 1970-01-01T01:00:00+00:00'
        >>> settings = parse(text)
        >>> [settings.late_days("s1", at) for at in (3600.0, 3601.0, 90_000.0, 90_001.0)]
        [0, 1, 1, 2]
        """
        deadline = self.deadlines.get(student, self.homework.deadline)
        if deadline is None:
            return 0
        late = received - deadline.timestamp()
        return math.ceil(late / DAY) if late > 60 * self.late.grace_minutes else 0

    def deduction(self, points: float, days: int) -> float:
        """Points that being late takes off: the share per day of those reached, up to the limit.

        Parameters
        ----------
        points : float
            Reached.
        days : int
            Late.
        """
        return points * min(self.late.at_most, self.late.per_day * days)

    def rounded(self, points: float) -> float:
        r"""Points as a multiple of ``rounding``, halves upwards.

        Parameters
        ----------
        points : float

        Examples
        --------
        >>> from ddasp.homework.grades.settings_file import parse
        >>> settings = parse('[homework]\nsalt = "0123456789abcdef"\nrounding = 0.5')
        >>> [settings.rounded(points) for points in (7.24, 7.25, 7.75)]
        [7.0, 7.5, 8.0]
        """
        step = self.homework.rounding
        if not step:
            return round(points, 9)
        # A sum of binary fractions may stand a hair below the half that it is.
        return round(math.floor(points / step + 0.5 + 1e-9) * step, 9)

    def check(self, task: Task, name: str = "homework.toml") -> None:
        """Compare what names parts of the task with the parts that it has.

        Parameters
        ----------
        task : Task
        name : str
            Of the file, for messages.

        Raises
        ------
        InputError
            ``E-PROBLEM`` with all errors: parts that are none, points above the part's weight.
        """
        weights = self.weights_of(task)
        keys = list(weights)
        allowed = f"a part of {task.name}: {', '.join(keys)}"
        errors = [
            line("weights", _key(key), f"{value:g}", allowed, nearest(key, keys))
            for key, value in self.weights.items()
            if key not in weights
        ]
        if not sum(weights.values()):
            errors.append(line("weights", "all", "0", "points for some part"))
        for student, given in self.points.items():
            table = f"points.{_key(student)}"
            for key, value in given.items():
                if key not in weights:
                    near = nearest(key, keys)
                    errors.append(line(table, _key(key), f"{value:g}", allowed, near))
                elif value > weights[key]:
                    most = f"at most {weights[key]:g}, the points of part {key}"
                    errors.append(line(table, _key(key), f"{value:g}", most))
        refuse(errors, name)


def _by_id(value: Any) -> Any:
    """The table with ids in their one form; two spellings of one are an error."""
    if not isinstance(value, dict):
        return value
    known: dict[str, Any] = {}
    for text, entry in value.items():
        try:
            student = student_id(text)
        except InputError as error:
            raise unfit(_key(text), "...", "a student's id as the key") from error
        if student in known:
            raise unfit(_key(text), "...", f"the id {student} once, for it stands here twice")
        known[student] = entry
        nested = isinstance(entry, dict) and any(isinstance(v, dict) for v in entry.values())
        if nested:  # [points.a.b] is the table b of a
            raise unfit(_key(text), "a table", f'an id with a dot in quotes, [points."{text}.…"]')
    return known


def _key(text: str) -> str:
    """A key as TOML writes it."""
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else toml(text)
