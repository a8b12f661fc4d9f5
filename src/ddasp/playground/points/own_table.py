"""Own points as a table: read from text, and written so that nothing is lost.

A table is text with one point a line: numbers, then what is to be learned. It comes from strangers'
programs, so it is bounded, and an error names line and column.

*Conventions*: the last column is learned, unless one is called label, class or target; a column called
group names what points share. Words are classes; numbers too, unless there are more than ten different ones
or the column is called target: then it is regression. Columns are separated by commas, semicolons or
tabs; next to semicolons and tabs a number may have a decimal comma. Classes are ordered by number or
alphabet, or as the heading says: ``label (negative | positive)``, which `write_csv` writes. Points
whose columns are called as those of the drawn data sets have their map, from -6 to 6.

*References*: RFC 4180 (CSV).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp.playground.datasets import DOMAIN, MAX_POINTS, Kind, Points

__all__ = ["LARGEST", "MAX_CLASSES", "MAX_COLUMNS", "Cell", "read_csv", "word_of", "write_csv"]

Array = NDArray[np.float64]
Cell = tuple[int, str]  # line, text

MAX_CHARACTERS, MAX_COLUMNS, MAX_WORD = 2_000_000, 64, 60
MIN_ROWS, MAX_CLASSES = 4, 16
MANY = 10  # different numbers: more are a target
LARGEST = 1e9
LEARNED, GROUP = ("label", "class", "target"), "group"
OF_THE_MAP = (("x₁", "x₂"), ("x",))
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


# ---- reading ---------------------------------------------------------------------------------


def read_csv(text: str, *, kind: Kind | None = None, title: str = "Own points") -> Points:
    r"""Points from a table.

    Parameters
    ----------
    text : str
        Lines of columns, with a heading or without; at most 5,000 points with 64 columns.
    kind : {"classification", "regression"}, optional
        What is learned; by default the table tells.
    title : str
        For a reader.

    Returns
    -------
    Points

    Raises
    ------
    InputError
        ``E-DATA``, with line and column, when it can't be read.

    Examples
    --------
    >>> points = read_csv("width;height;fruit\n1,5;2;apple\n3;4,5;pear\n1;1;apple\n3;3;pear\n")
    >>> points.X[0], points.classes, points.y
    (array([1.5, 2. ]), ('apple', 'pear'), array([0, 1, 0, 1]))
    """
    if len(text) > MAX_CHARACTERS:
        raise _refused(
            f"the table has {len(text):,} characters; expected at most {MAX_CHARACTERS:,}"
        )
    delimiter = _delimiter(text)
    rows = _rows(text, delimiter)
    comma = delimiter != ","
    table = _headed(rows, comma)
    if len(table.rows) < MIN_ROWS:
        raise _refused(
            f"the table has {len(table.rows)} points; expected at least {MIN_ROWS} - one line a point?"
        )
    X = np.array(
        [[_number(row[j], table.names[j], comma) for j in table.features] for row in table.rows]
    )
    learned = [row[table.learned] for row in table.rows]
    groups = None if table.group is None else tuple(word_of(row[table.group]) for row in table.rows)
    axes = tuple(table.names[j] for j in table.features)
    classes: tuple[str, ...] = ()
    if _is_regression(learned, table.names[table.learned], comma, kind):
        kind = "regression"
        y: NDArray = np.array([_number(c, table.names[table.learned], comma) for c in learned])
    else:
        kind = "classification"
        classes = _classes(learned, table.names[table.learned], comma)
        code = {name: k for k, name in enumerate(classes)}
        y = np.array([code[word_of(cell)] for cell in learned], np.int64)
    return Points(
        X=X,
        y=y,
        kind=kind,
        classes=classes,
        axes=axes,
        domain=DOMAIN if axes in OF_THE_MAP else None,
        groups=groups if groups and len(set(groups)) > 1 else None,
        ids=None,
        title=title,
    )


def _refused(message: str) -> InputError:
    return InputError("E-DATA", message)


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return next((mark for mark in "\t;" if mark in first), ",")


def _rows(text: str, delimiter: str) -> list[list[Cell]]:
    """Cells of each line that holds something, with the number of the line."""
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
    rows: list[list[Cell]] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            rows.append([(reader.line_num, cell.strip()) for cell in cells])
            if len(rows) > MAX_POINTS + 1:
                raise _refused(f"the table has more than {MAX_POINTS:,} points; take a part of it")
            if len(cells) > MAX_COLUMNS:
                raise _refused(
                    f"line {reader.line_num} has {len(cells)} columns; expected at most {MAX_COLUMNS}"
                )
            if len(cells) != len(rows[0]):
                raise _refused(
                    f"line {reader.line_num} has {len(cells)} columns; expected {len(rows[0])} as in "
                    f"line {rows[0][0][0]} - is a separator missing, or a decimal comma between commas?"
                )
    except csv.Error as error:
        raise _refused(f"line {reader.line_num} can't be read: {error}") from error
    if not rows:
        raise _refused("the table is empty; expected a line for each point: x1, x2, label")
    if len(rows[0]) < 2:
        raise _refused(
            f"line {rows[0][0][0]} has one column; expected numbers and what is to be learned, with "
            "commas, semicolons or tabs between them"
        )
    return rows


@dataclass(frozen=True)
class _Table:
    """Rows without the heading, and what each column is."""

    names: tuple[str, ...]
    rows: list[list[Cell]]
    features: tuple[int, ...]
    learned: int
    group: int | None


def _headed(rows: list[list[Cell]], comma: bool) -> _Table:
    """The first line is a heading when none of its cells but the last is a number."""
    first = [text for _, text in rows[0]]
    n = len(first)
    if any(_is_number(text, comma) for text in first[:-1]):
        names = ["x"] if n == 2 else ["x₁", "x₂"] if n == 3 else [f"x{j}" for j in range(1, n)]
        return _Table((*names, "label"), rows, tuple(range(n - 1)), n - 1, None)
    names = [word_of(cell) or f"column {j + 1}" for j, cell in enumerate(rows[0])]
    words = [_plain(name) for name in names]
    learned = next((j for j, word in enumerate(words) if word in LEARNED), n - 1)
    group = next((j for j, word in enumerate(words) if word == GROUP and j != learned), None)
    features = tuple(j for j in range(n) if j not in (learned, group))
    if not features:
        raise _refused("the table has no column of numbers; expected one beside label and group")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise _refused(f"two columns are called {min(twice)!r}; expected different names in line 1")
    return _Table(tuple(names), rows[1:], features, learned, group)


def _plain(heading: str) -> str:
    """The heading without the order of the classes, in lower case."""
    return heading.partition(" (")[0].lower()


def word_of(cell: Cell) -> str:
    """A label, group or name: short and printable."""
    line, text = cell
    if len(text) > MAX_WORD * 4 or not text.isprintable():
        raise _refused(f"line {line} has the name {text[:20]!r}...; expected a short printable one")
    return text


def _is_number(text: str, comma: bool) -> bool:
    return bool(NUMBER.fullmatch(text.replace(",", ".", 1) if comma else text))


def _number(cell: Cell, name: str, comma: bool) -> float:
    line, text = cell
    if not _is_number(text, comma):
        shown = repr(text[:20]) if text else "blank"
        raise _refused(f"line {line}, column {name}, is {shown}; expected a finite number")
    value = float(text.replace(",", ".", 1) if comma else text)
    if not abs(value) <= LARGEST:
        raise _refused(f"line {line}, column {name}, is {text[:20]}; expected at most {LARGEST:g}")
    return value


def _is_regression(cells: Sequence[Cell], name: str, comma: bool, kind: Kind | None) -> bool:
    if kind is not None:
        return kind == "regression"
    if not all(_is_number(text, comma) for _, text in cells):
        return False
    return _plain(name) == "target" or len({text for _, text in cells}) > MANY


def _classes(cells: Sequence[Cell], heading: str, comma: bool) -> tuple[str, ...]:
    """Names of the classes: in the heading's order, else by number or alphabet."""
    found = {word_of(cell) for cell in cells}
    blank = next((line for line, text in cells if not text), None)
    if blank is not None:
        raise _refused(f"line {blank} has no label; expected a class in the last column")
    said = heading.partition(" (")[2].removesuffix(")").split(" | ")
    if found <= set(said) and len(set(said)) == len(said) > 1:
        return tuple(said)
    if len(found) == 1:
        raise _refused(f"all points have the label {min(found)!r}; expected two classes or more")
    if len(found) > MAX_CLASSES:
        raise _refused(
            f"the last column has {len(found)} different labels; expected at most {MAX_CLASSES} classes "
            "- numbers under the heading target are regression"
        )
    if all(_is_number(text, comma) for text in found):
        return tuple(sorted(found, key=lambda text: float(text.replace(",", "."))))
    return tuple(sorted(found))


# ---- writing ---------------------------------------------------------------------------------


def write_csv(points: Points) -> str:
    r"""Points as a table that `read_csv` reads back without any loss.

    Parameters
    ----------
    points : Points
        Numbers are written with all their digits; ids of sounds are left out.

    Returns
    -------
    str
        With a heading, commas, and lines that end in ``\n``.

    Examples
    --------
    >>> points = read_csv("1,2,no\n0.1,-4,yes\n0,0,no\n1,1,yes\n")
    >>> print(write_csv(points).splitlines()[0])
    x₁,x₂,label (no | yes)
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if points.kind == "regression":
        heading, learned = "target", [repr(float(y)) for y in points.y]
    else:
        ordered = not any(" | " in name for name in points.classes)
        heading = f"label ({' | '.join(points.classes)})" if ordered else "label"
        learned = [points.classes[code] for code in points.y]
    grouped = points.groups is not None
    writer.writerow([*points.axes, *([GROUP] if grouped else []), heading])
    for i, x in enumerate(points.X):
        group = [points.groups[i]] if points.groups is not None else []
        writer.writerow([*map(repr, map(float, x)), *group, learned[i]])
    return out.getvalue()
