"""A lesson as a notebook: for a kernel, and for a reader.

The site reads MyST Markdown as it is. A reader's JupyterLab knows plain Markdown: there citations become
author and year with a list at the end, boxes become quotations, links lead to the notebooks beside.

*Conventions*: nbformat 4.5 as a dict; a cell's id is its place, so that equal lessons give equal bytes.

*References*: nbformat 5.10, "The Notebook file format"; MyST Markdown guide, "Admonitions", "Citations".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from ddasp.course.lessons import NAMES, PARTS, TASKS, Cell, Lesson
from ddasp.course.references import Reference

__all__ = ["executable", "for_reader", "map_of_lessons"]

CITED = re.compile(r"\{cite(?::([tp]))?\}`([^`]+)`")
LINK = re.compile(r"\]\((?!https?:)([\w./-]+)\.md(#[\w-]*)?\)")
MAP = (
    "Read in this order, or by what you need. Each lesson starts from a question, derives what it "
    "uses, checks it against the library and the field's tools, and ends with three exercises that are "
    "checked at once. `ddasp course` on this folder brings the lessons up to date and keeps what you "
    "have changed."
)
BOX = re.compile(r"^(:{3,})\{(\w[\w-]*)\}([^\n]*)\n(.*?)^\1[ ]*$", re.MULTILINE | re.DOTALL)


def executable(lesson: Lesson) -> Any:
    """The lesson for a kernel and for the site: its prose unchanged, one line on top about its time.

    Parameters
    ----------
    lesson : Lesson

    Returns
    -------
    nbformat.NotebookNode
    """
    import nbformat

    return nbformat.from_dict(_book(lesson, [_noted(lesson, cell) for cell in lesson.cells]))


def for_reader(lesson: Lesson, bibliography: dict[str, Reference]) -> str:
    """The lesson as a notebook that JupyterLab shows without further help.

    Parameters
    ----------
    lesson : Lesson
    bibliography : dict
        From `references.read`.

    Returns
    -------
    str
        JSON.
    """
    cited: list[str] = []
    cells = [
        _plain(_noted(lesson, cell), lesson, bibliography, cited)
        if cell.kind == "markdown"
        else cell
        for cell in lesson.cells
    ]
    if cited:
        listed = "\n".join(f"- {bibliography[key].text}" for key in dict.fromkeys(cited))
        cells.append(Cell("markdown", f"### References\n\n{listed}"))
    return _dumped(_book(lesson, cells))


def map_of_lessons(lessons: Iterable[Lesson]) -> str:
    """A notebook that leads to all others.

    Parameters
    ----------
    lessons : iterable of Lesson

    Returns
    -------
    str
        JSON.
    """
    known = {lesson.name: lesson for lesson in lessons}
    title = "ddasp: the course"
    text = [f"# {title}", "", MAP]
    for part, names in {**PARTS, "Homework": TASKS}.items():
        text += ["", f"## {part}", ""]
        text += [f"- [{known[name].title}]({name}.ipynb)" for name in names if name in known]
    cells = [
        Cell("markdown", "\n".join(text)),
        Cell("code", "!ddasp homework progress  # which exercises are right so far"),
    ]
    return _dumped(_book(Lesson("index", title, 1), cells))


def _dumped(book: dict[str, Any]) -> str:
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _noted(lesson: Lesson, cell: Cell) -> Cell:
    """The first cell says below its title how long the lesson takes."""
    if cell is not lesson.cells[0]:
        return cell
    title, _, rest = cell.source.partition("\n")
    return Cell("markdown", f"{title}\n\n{lesson.note}\n{rest}")


def _plain(
    cell: Cell, lesson: Lesson, bibliography: dict[str, Reference], cited: list[str]
) -> Cell:
    def author_and_year(match: re.Match[str]) -> str:
        keys = [key.strip() for key in match.group(2).split(",")]
        cited.extend(keys)
        if match.group(1) == "t":
            return " and ".join(bibliography[key].in_sentence for key in keys)
        return "(" + "; ".join(bibliography[key].in_brackets for key in keys) + ")"

    def link(match: re.Match[str]) -> str:
        target = match.group(1).removeprefix("./").removeprefix("../")
        known = target in NAMES or any(task.endswith(target) for task in TASKS)
        if known or target == "index":
            return f"]({match.group(1)}.ipynb)"
        return "]()"

    def quotation(match: re.Match[str]) -> str:
        title = match.group(3).strip() or match.group(2).capitalize()
        lines = [
            line for line in match.group(4).strip("\n").splitlines() if not line.startswith(":")
        ]
        return "\n".join(["> **" + title + "**", ">", *(f"> {line}".rstrip() for line in lines)])

    source = CITED.sub(author_and_year, BOX.sub(quotation, cell.source))
    source = re.sub(r"\[([^\]]+)\]\(\)", r"\1", LINK.sub(link, source))
    return Cell("markdown", source)


def _book(lesson: Lesson, cells: list[Cell]) -> dict[str, Any]:
    return {
        "cells": [_json(k, cell) for k, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "title": lesson.title,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _json(place: int, cell: Cell) -> dict[str, Any]:
    metadata: dict[str, Any] = {"tags": list(cell.tags)} if cell.tags else {}
    if "hide-input" in cell.tags:
        metadata["jupyter"] = {"source_hidden": True}
    base = {
        "cell_type": cell.kind,
        "id": f"cell-{place}",
        "metadata": metadata,
        "source": cell.source,
    }
    return {**base, "execution_count": None, "outputs": []} if cell.kind == "code" else base
