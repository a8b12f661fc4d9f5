r"""`grades.csv`: one line for each submission, safe to open in a spreadsheet.

Names of files and words of students are foreign text, and a spreadsheet computes a cell that begins
with ``=``: such text gets an apostrophe in front, at the beginning of a cell and after whatever a
spreadsheet of another country may take for the border of one.

*Conventions*: UTF-8, RFC 4180 (commas, quotes doubled, lines end with CR LF). Points have two decimals
at most, the point is the decimal sign; where the settings say a comma, semicolons part the cells. An
empty cell is not known yet; the flags say why. Lines are in the order of ids, then of names.

*References*: RFC 4180; OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence

from ddasp.homework.parts import Task
from ddasp.homework.results import Grade

__all__ = ["UNCOUNTED", "cell", "grades_csv", "in_order", "number"]

UNCOUNTED = "does not count"  # how the flag of a line begins whose total is another line's
BEGINS = re.compile(r"""(^\s*|[,;|"']\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\u2212])""")


def cell(text: str) -> str:
    r"""Foreign text that no spreadsheet computes and that stays in its cell.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        With escapes for characters that steer instead of showing something, and an apostrophe
        before what would begin a formula.

    Examples
    --------
    >>> print(cell("=1+2"), cell("a;@SUM(b)"), cell("late - by 2 days"), cell("a\tb\u202ec"))
    '=1+2 a;'@SUM(b) late - by 2 days a\tb\u202ec
    """
    shown = "".join(
        c.encode("unicode_escape").decode()
        if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        else c
        for c in text
    )
    return BEGINS.sub(r"\1'", shown)


def number(value: float | None) -> str:
    """Points with the digits that are known, two decimals at most; blank for None.

    Parameters
    ----------
    value : float or None

    Examples
    --------
    >>> number(2.0), number(1 / 3), number(0.0), number(None)
    ('2', '0.33', '0', '')
    """
    if value is None:
        return ""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def in_order(grades: Sequence[Grade]) -> list[Grade]:
    """By id, then by name; lines whose id nobody could read stand last.

    Parameters
    ----------
    grades : sequence of Grade
    """
    return sorted(grades, key=lambda g: (not g.student, g.student, g.submission))


def grades_csv(task: Task, grades: Sequence[Grade], *, decimal: str = ".") -> str:
    r"""The table of grades.

    Parameters
    ----------
    task : Task
        Its parts are columns.
    grades : sequence of Grade
    decimal : str
        The decimal sign; with a comma, cells are parted by semicolons and a byte order mark stands
        in front, by which Excel knows UTF-8.

    Returns
    -------
    str
        With CR LF. The total of a line that doesn't count is blank, so that a sum over an id is
        that of the line that counts.
    """
    text = io.StringIO(newline="")
    comma = decimal == ","
    writer = csv.writer(text, lineterminator="\r\n", delimiter=";" if comma else ",")

    def shown(value: float | None) -> str:
        return number(value).replace(".", decimal)

    columns = [f"part {part.key}" for part in task.parts]
    tail = ["total", "most", "late days", "deduction", "flags"]
    writer.writerow([cell(name) for name in ["student", "submission", *columns, *tail]])
    for grade in in_order(grades):
        counts = not any(flag.startswith(UNCOUNTED) for flag in grade.flags)
        points = [shown(grade.points.get(part.key)) for part in task.parts]
        writer.writerow(
            [cell(grade.student), cell(grade.submission), *points]
            + [shown(grade.total if counts else None), shown(grade.most)]
            + [shown(grade.late_days), shown(grade.deduction), cell("; ".join(grade.flags))]
        )
    return "\ufeff" * comma + text.getvalue()
