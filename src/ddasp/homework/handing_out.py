r"""Handing out: a notebook to write in, a sheet to print, the data; no answer in any of them.

    matrix_fundamentals_s0123456/
        homework.ipynb   TASK, STUDENT, VERSION; the student's numbers; a cell for each part
        sheet.html       the same questions on paper
        matrices.json    the task's own files: numbers, data

*Conventions*: equal tasks and students give equal bytes; a cell's id says what it is, so none is drawn.
What lies in the folder already and differs is somebody's work and stays.

*References*: nbformat 5.10, "The Notebook file format", 4.5 (cell ids).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ddasp._errors import InputError
from ddasp._files import write_bytes
from ddasp.homework import tasks
from ddasp.homework.draw import student_id
from ddasp.homework.pages.page import filled, sheet_page
from ddasp.homework.parts import Part, Sheet, Task
from ddasp.homework.reading.programs import NOT_GRADED
from ddasp.homework.reading.sources import Cell

__all__ = ["NOTEBOOK", "SHEET", "cells_of", "contents", "new", "notebook"]

NOTEBOOK = "homework.ipynb"
SHEET = "sheet.html"
WIDEST = 18  # columns of matrices in a line of formulas, two for each name


def new(task: str, student: str, out: Path) -> Path:
    """Write a student's notebook, task sheet and data.

    Parameters
    ----------
    task : str
        One of `tasks.NAMES`.
    student : str
        The id.
    out : Path
        The folder; it is made where it is missing.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is no such task, the id is none, or a file is there already and is
        not what would be written: nothing is written then.
    RunError
        ``E-DISK`` when the folder can't be written.
    """
    known, out = tasks.load(task), Path(out)
    files = contents(known, known.draw(student_id(student)))
    if out.exists() and not out.is_dir():
        raise InputError(
            "E-ARGUMENT", f"{out} is a file; expected a folder, or a name that is free"
        )
    for name, data in files.items():
        if not _is_free(out / name, data):
            raise InputError(
                "E-ARGUMENT",
                f"{out / name} is there already and has been changed; expected a folder without it, "
                "for it may hold your work - name another folder, or move that file away?",
            )
    for name, data in files.items():
        if not (out / name).exists():
            write_bytes(out / name, data)
    return out


def contents(task: Task, sheet: Sheet) -> dict[str, bytes]:
    """What is handed out, file name to content.

    Parameters
    ----------
    task : Task
    sheet : Sheet
        From ``task.draw(student)``.
    """
    text = {
        NOTEBOOK: notebook(task, sheet),
        SHEET: sheet_page(task, sheet),
        **sheet.files,
    }
    return {name: content.encode() for name, content in text.items()}


def cells_of(task: Task, sheet: Sheet) -> list[Cell]:
    """The code cells that are handed out: what all submissions have in common.

    Parameters
    ----------
    task : Task
    sheet : Sheet
    """
    graded = [
        "".join(cell["source"])
        for cell in _cells(task, sheet)
        if cell["cell_type"] == "code" and NOT_GRADED not in cell["metadata"].get("tags", [])
    ]
    return [Cell(f"cell {k}", source) for k, source in enumerate(graded, 1)]


def notebook(task: Task, sheet: Sheet) -> str:
    """The notebook, as Jupyter would write it.

    Parameters
    ----------
    task : Task
    sheet : Sheet

    Returns
    -------
    str
        JSON of nbformat 4.5.
    """
    book = {
        "cells": list(_cells(task, sheet)),
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _is_free(path: Path, data: bytes) -> bool:
    """Whether a file may be written there, or is there as it would be written."""
    if not path.exists() and not path.is_symlink():
        return True
    return path.is_file() and path.read_bytes() == data


def _cells(task: Task, sheet: Sheet) -> Iterator[dict[str, Any]]:
    points = sum(part.points for part in task.parts)
    yield _prose(
        "title",
        f"# {task.title}\n\nTask sheet of **{sheet.student}**, {points:g} points. "
        f"The same questions stand in `{SHEET}`, for print.\n\n{filled(task.introduction, sheet)}",
    )
    yield _prose("rules", _rules(task))
    yield _code("task", _header(task, sheet))
    if sheet.matrices:
        yield _prose("numbers", _formulas(sheet))
        yield _code("matrices", _arrays(sheet))
    tables = [name for name in sheet.files if name.endswith(".csv")]
    for k, name in enumerate(tables, 1):
        yield _code(f"data-{k}", _loading(name, sheet.files[name]))
    for k, part in enumerate(task.parts, 1):
        yield from _part(f"part-{k}", part, sheet)
    yield _prose(
        "check",
        "## Check\n\nSave the notebook first: the check reads the file. The cell below is tagged "
        f"`{NOT_GRADED}`; cells with this tag are neither graded nor run by the check, and may use "
        "anything. With `--hint 3` the check adds a hint for part 3, with `--level 2` a nearer one.",
    )
    # The kernel's own Python: `ddasp` itself is not on the path of every kernel.
    check = f'!"{{sys.executable}}" -m ddasp homework check {NOTEBOOK}'
    yield _code("run-check", f"import sys\n\n{check}", tags=[NOT_GRADED])


def _part(name: str, part: Part, sheet: Sheet) -> Iterator[dict[str, Any]]:
    worth = f"{part.points:g} point{'s' if part.points != 1 else ''}"
    text = f"## {part.key} {part.title} ({worth})\n\n{filled(part.asked, sheet)}"
    if part.by_hand and part.files:
        text += "\n\nHand in: " + ", ".join(f"`{file}`" for file in part.files) + "."
    yield _prose(name, text)
    if part.stub:
        yield _code(f"{name}-code", part.stub.strip("\n"))
    if part.by_hand:
        yield _prose(
            f"{name}-text",
            "*Write here (double-click), or hand in the files named above.*"
            if part.files
            else "*Write here (double-click), or on paper.*",
        )


def _rules(task: Task) -> str:
    allowed = ", ".join(f"`{name}`" for name in task.allowed)
    refused = ", ".join(f"`{name}`" for name in task.refused)
    return (
        "**How it works.** Replace each `raise NotImplementedError(...)` by your own code and keep the "
        "names of the functions: they are called when the notebook is checked; those that take "
        "arguments also with others than yours, and with others again when they are graded. What they "
        "give is checked by the properties that the definition demands, so any right answer counts. "
        "Further cells and functions of your own are welcome.\n\n"
        f"**What the code may use.** It may import {allowed} and nothing else."
        + (f" Refused are {refused}." if refused else "")
        + " What is refused is named by the check, and the part counts as not yet done."
    )


def _header(task: Task, sheet: Sheet) -> str:
    return (
        "# Do not change: whose and which task this is.\n"
        f'TASK = "{task.name}"\nSTUDENT = "{sheet.student}"\nVERSION = {task.version}'
    )


def _formulas(sheet: Sheet) -> str:
    """The matrices as formulas that notebooks typeset, in lines that fit."""
    lines: list[list[str]] = [[]]
    room = WIDEST
    for name, values in sheet.matrices.items():
        rows = values.reshape(len(values), -1)
        body = r" \\ ".join(" & ".join(f"{value:g}" for value in row) for row in rows)
        room -= rows.shape[1] + 2
        if room < 0 and lines[-1]:
            lines.append([])
            room = WIDEST - rows.shape[1] - 2
        lines[-1].append(rf"{name} = \begin{{bmatrix}} {body} \end{{bmatrix}}")
    formulas = [r" \qquad ".join(line) for line in lines]
    return "## Your numbers\n\n" + "\n\n".join(f"$${formula}$$" for formula in formulas)


def _arrays(sheet: Sheet) -> str:
    """The matrices as NumPy arrays, one row a line."""
    lines = ["import numpy as np", ""]
    for name, values in sheet.matrices.items():
        if values.ndim == 1 or values.shape[1] == 1:
            lines.append(f"{name} = np.array({values.tolist()})")
        else:
            rows = [f"    {row}," for row in values.tolist()]
            lines += [f"{name} = np.array([", *rows, "])"]
    return "\n".join(lines)


def _loading(name: str, text: str) -> str:
    """How a table is read: the columns but the last as X, the last as y."""
    head = text.partition("\n")[0].split(",")
    return (
        "import numpy as np\n\n"
        f'data = np.loadtxt("{name}", delimiter=",", skiprows=1)  # columns: {", ".join(head)}\n'
        f"X, y = data[:, :-1], data[:, -1]  # (N, {len(head) - 1}), (N,)"
    )


def _prose(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": _as_lines(text)}


def _code(name: str, source: str, *, tags: list[str] | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {"tags": tags} if tags else {},
        "outputs": [],
        "source": _as_lines(source),
    }


def _as_lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
