r"""A student's program: a notebook or a .py file, read as text and trees, never run.

A program says whose and which it is in three lines at its top level, each a plain value::

    TASK = "matrix_fundamentals"
    STUDENT = "s0123456"
    VERSION = 1

They are read from the tree of the source. A cell that is no Python has none; its lines are then
looked at one by one, so that a slip of the pen in one function doesn't make a program anonymous.

Reading happens in the process that grades a class, so its time is bounded by what is read: Python's
parser takes minutes for an f-string with ten thousand fields, and can't be interrupted meanwhile.

*Conventions*: text is UTF-8, with or without a mark at its beginning. Notebooks are of format 3 or 4.
Cells tagged "not-graded" and notebook commands are left out and named. All that is wrong with a
program is an `InputError` ``E-SUBMISSION`` that says how to mend it.

*References*: nbformat 5.10, "The Notebook file format".
"""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ddasp._errors import InputError
from ddasp.homework.draw import student_id
from ddasp.homework.reading.sources import Cell, parsed, without_commands
from ddasp.homework.reading.zip_entries import shown
from ddasp.homework.tasks import NAMES

__all__ = ["HEADER", "PROGRAMS", "Program", "is_stated", "read_program"]

PROGRAMS = (".ipynb", ".py")
HEADER = ("TASK", "STUDENT", "VERSION")
NOT_GRADED = "not-graded"
MOST_BYTES = 20_000_000
MOST_SOURCE = 200_000  # characters of all cells: ten times what a task needs
MOST_CELLS = 2_000
MOST_BRACES = 4_000  # each may begin a field of an f-string
MOST_NODES = 1_000_000  # lists and objects in a notebook's JSON
MOST_COMMAS = 3_000_000
MOST_LEFT_OUT = 50  # lines about it
MOST_STATED = 50  # lines that look like one of `HEADER`
LAST_VERSION = 10**6
STATED = re.compile(rf"(?<![^\r\n])({'|'.join(HEADER)})[ \t]*(?::[^=\n]*)?=[^=].*")


@dataclass(frozen=True)
class Program:
    """What a student wrote for a task.

    Parameters
    ----------
    task : str
        One of `tasks.NAMES`.
    student : str
        The id, in its one form.
    version : int
        Of the task's generator.
    cells : tuple of Cell
        In order; without what is not graded.
    left_out : tuple of str
        Cells and lines that are not looked at, and why.
    name : str
        Of its file.
    """

    task: str
    student: str
    version: int
    cells: tuple[Cell, ...]
    left_out: tuple[str, ...]
    name: str


def read_program(name: str, data: bytes) -> Program:
    r"""Read a notebook or a .py file.

    Parameters
    ----------
    name : str
        Of the file; its ending says which of both it is.
    data : bytes
        Its content.

    Returns
    -------
    Program

    Raises
    ------
    InputError
        ``E-SUBMISSION`` when it can't be read, or doesn't say TASK, STUDENT and VERSION.

    Examples
    --------
    >>> text = b'TASK = "matrix_fundamentals"\nSTUDENT = "S0123456"\nVERSION = 1\n'
    >>> program = read_program("homework.py", text)
    >>> program.task, program.student, program.version, program.cells[0].label
    ('matrix_fundamentals', 's0123456', 1, 'homework.py')
    """
    cells, left_out = _cells(name, data)
    task, student, version = _header(name, cells)
    return Program(task, student, version, tuple(cells), tuple(left_out), name)


def is_stated(name: str, data: bytes) -> bool:
    """Whether a file states any of `HEADER`, so that it means to be a program.

    Parameters
    ----------
    name : str
    data : bytes
    """
    try:
        cells, _ = _cells(name, data)
    except InputError:
        return True  # it may have meant to; whoever reads it says what is wrong
    return any(_stated(cells))


def _wrong(name: str, says: str) -> InputError:
    return InputError("E-SUBMISSION", f"{name} {says}")


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _text(name: str, data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise _wrong(
            name,
            f"has {len(data) / 1e6:.0f} MB; expected at most {MOST_BYTES / 1e6:.0f} MB - "
            "clear its outputs?",
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _wrong(name, "is UTF-16; expected UTF-8 - save it with that encoding")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(
            name,
            f"is no UTF-8 (byte {error.start}); expected UTF-8 - save it with that encoding",
        ) from error


def _cells(name: str, data: bytes) -> tuple[list[Cell], list[str]]:
    """The graded cells, and what was left out."""
    short = _short(name)
    if not short.lower().endswith(PROGRAMS):
        raise _wrong(name, "is no program; expected a notebook (.ipynb) or a .py file")
    text = _text(name, data)
    if short.lower().endswith(".py"):
        sources: Iterator[tuple[str, str, bool]] = iter([(short, text, True)])
    else:
        sources = _notebook(name, text)
    cells: list[Cell] = []
    left_out: list[str] = []
    n = braces = 0
    for label, source, graded in sources:
        n += len(source) if graded else 0
        braces += source.count("{") if graded else 0
        if n > MOST_SOURCE or braces > MOST_BRACES:
            most = f"{MOST_SOURCE} characters" if n > MOST_SOURCE else f"{MOST_BRACES} braces"
            raise _wrong(
                name,
                f"holds more than {most} of code; expected fewer - "
                "are there numbers in it that belong in a file?",
            )
        if len(cells) >= MOST_CELLS:
            raise _wrong(name, f"holds more than {MOST_CELLS} cells of code; expected fewer")
        if graded:
            python, commands = without_commands(label, _plain(name, label, source))
            cells.append(Cell(label, python))
            left_out += commands
        else:
            left_out.append(f"{label}: all of it (tagged {NOT_GRADED})")
    return cells, _first(left_out)


def _first(lines: list[str]) -> list[str]:
    """So many lines as somebody may read, fit to be printed."""
    more = len(lines) - MOST_LEFT_OUT
    known = [shown(line, 200) for line in lines[:MOST_LEFT_OUT]]
    return [*known, f"and {more} more that were left out"] if more > 0 else known


def _plain(name: str, label: str, source: str) -> str:
    """The source, if it holds nothing but characters."""
    odd = next((c for c in source if c == "\0" or "\ud800" <= c <= "\udfff"), None)
    if odd is not None:
        where = "" if label == _short(name) else f"{label} "
        raise _wrong(
            name,
            f"{where}holds the character U+{ord(odd):04X}, which no source can hold; type it anew",
        )
    return source


def _notebook(name: str, text: str) -> Iterator[tuple[str, str, bool]]:
    """Each code cell's label, source, and whether it is graded."""
    if text.count("[") + text.count("{") > MOST_NODES:
        raise _wrong(name, f"holds more than {MOST_NODES} lists and objects - clear its outputs?")
    if text.count(",") > MOST_COMMAS:
        raise _wrong(name, f"holds more than {MOST_COMMAS} values - clear its outputs?")
    try:
        book = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else str(error)[:100]
        raise _wrong(name, f"is no notebook ({why}) - was it saved to its end?") from error
    number = 0
    for cell in _cells_of(name, book):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            number += 1
            source = cell.get("source", cell.get("input", ""))
            if isinstance(source, list) and all(isinstance(line, str) for line in source):
                source = "".join(source)
            if not isinstance(source, str):
                raise _wrong(name, f"cell {number} has no text as its source - damaged?")
            yield f"cell {number}", source, NOT_GRADED not in _tags(cell)


def _cells_of(name: str, book: Any) -> list[Any]:
    """All cells, from format 3 or 4."""
    version = book.get("nbformat") if isinstance(book, dict) else None
    if version not in (3, 4) or isinstance(version, float):
        raise _wrong(
            name,
            f"is no notebook of format 3 or 4 (nbformat is {str(version)[:20]}) - save it with Jupyter",
        )
    sheets = book.get("worksheets", []) if version == 3 else [book]
    if not isinstance(sheets, list) or not all(
        isinstance(sheet, dict) and isinstance(sheet.get("cells"), list) for sheet in sheets
    ):
        raise _wrong(name, "has no list of cells - damaged?")
    return [cell for sheet in sheets for cell in sheet["cells"]]


def _tags(cell: dict[str, Any]) -> list[Any]:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return tags if isinstance(tags, list) else []


def _stated(cells: Sequence[Cell]) -> Iterator[tuple[str, str, ast.expr]]:
    """Where a name of `HEADER` is assigned at the top level: place, name, value."""
    for cell in cells:
        tree = parsed(cell.source)
        if tree is not None:
            yield from _assigned(cell.label, tree, 0)
            continue
        for match in islice(STATED.finditer(cell.source), MOST_STATED):
            line = parsed(match[0])
            if line is not None:
                yield from _assigned(cell.label, line, cell.source.count("\n", 0, match.start()))


def _assigned(label: str, tree: ast.Module, above: int) -> Iterator[tuple[str, str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and target.id in HEADER and node.value is not None:
                yield f"{label}, line {above + node.lineno}", target.id, node.value


def _header(name: str, cells: Sequence[Cell]) -> tuple[str, str, int]:
    """Task, student and version, as the program states them."""
    values: dict[str, object] = {}
    for place, word, node in _stated(cells):
        where = place.removeprefix(f"{_short(name)}, ")
        value = node.value if isinstance(node, ast.Constant) else None
        if not isinstance(value, int if word == "VERSION" else str) or isinstance(value, bool):
            kind = "a whole number" if word == "VERSION" else "a text in quotation marks"
            raise _wrong(
                name, f"{where}: {word} is not a plain value; expected {kind}, nothing computed"
            )
        if isinstance(value, int) and value > LAST_VERSION:  # it may be too long to be written
            raise _wrong(
                name, f"{where}: VERSION is beyond {LAST_VERSION}; expected the task's own"
            )
        if values.setdefault(word, value) != value:
            raise _wrong(
                name,
                f"{where}: {word} is {value!r:.80}, and {values[word]!r:.80} before; expected one value",
            )
    for word in HEADER:
        if word not in values:
            raise _wrong(
                name,
                f"does not say its {word}; expected a line {word} = ... at the top level, "
                "as `ddasp homework new` writes it - was it deleted?",
            )
    return _known(name, str(values["TASK"]), str(values["STUDENT"]), values["VERSION"])


def _known(name: str, task: str, student: str, version: object) -> tuple[str, str, int]:
    if task not in NAMES:
        near = difflib.get_close_matches(task[:80], NAMES, n=1)
        tail = f" - did you mean {near[0]!r}?" if near else ""
        raise _wrong(name, f"has TASK {task!r:.80}; expected one of {', '.join(NAMES)}{tail}")
    if not isinstance(version, int) or version < 1:
        raise _wrong(
            name, f"has VERSION {str(version)[:20]}; expected a whole number of at least 1"
        )
    try:
        return task, student_id(student), version
    except InputError as error:
        raise _wrong(name, f"has no id in STUDENT: {error.message[:300]}") from error
