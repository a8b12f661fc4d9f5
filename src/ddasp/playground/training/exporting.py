"""The running experiment as a Python script, and as a notebook, that gives the same weights.

The text is a short lesson: points, sets, inputs, network, training in the stretches in which it
happened, and at the end a comparison of all parameters with those of the page, bit for bit. It uses
the library's public functions and nothing of the page. Drawn data are drawn again; own points and sounds
stand in the text as a table. Where weights came about by hand (typed in, or carried over to a network of
another shape, or to other points) the training begins from these numbers. A training that diverged is
told up to the last state before, as `Experiment.to_finite` returns to it.

*Conventions*: floats are written by `repr`, which loses nothing. Names that came from outside (axes,
classes) stand in the text as string literals only. The same bits are promised on the machine that
trained; on another processor the last digits may differ.

*References*: nbformat 5.10, "The Notebook file format".
"""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from ddasp.playground.training.chapters import chapters_of, digest

if TYPE_CHECKING:
    from ddasp.playground.training.stretches import State

__all__ = ["digest", "notebook", "script"]


def script(experiment: Any) -> str:
    """A Python script that trains the same network again.

    Parameters
    ----------
    experiment : Experiment or State
        Whose log is read.

    Returns
    -------
    str
    """
    chapters = chapters_of(_state_of(experiment))
    first, rest = chapters[0], chapters[1:]
    parts = [f'"""{first.title}\n\n{_wrapped(first.prose, 98)}\n"""\n\n{first.code}']
    for number, chapter in enumerate(rest, 1):
        comment = _wrapped(f"{number}. {chapter.title}. {chapter.prose}", 96)
        comment = "\n".join(f"# {line}".rstrip() for line in comment.splitlines())
        parts.append(f"{comment}\n{chapter.code}")
    return "\n\n".join(parts).rstrip() + "\n"


def notebook(experiment: Any) -> str:
    """The same as a notebook, nbformat 4.5.

    Parameters
    ----------
    experiment : Experiment or State

    Returns
    -------
    str
        JSON.
    """
    cells: list[dict[str, Any]] = []
    for number, chapter in enumerate(chapters_of(_state_of(experiment))):
        mark, heading = ("#", chapter.title) if not number else ("##", f"{number}. {chapter.title}")
        cells.append(_cell(len(cells), "markdown", f"{mark} {heading}\n\n{chapter.prose}"))
        cells.append(_cell(len(cells), "code", chapter.code))
    book = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _cell(place: int, kind: str, source: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": f"cell-{place}", "metadata": {}, "source": source}
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell


def _state_of(experiment: Any) -> State:
    """The state to speak of; where training diverged, the last one that made sense."""
    divergence = getattr(experiment, "divergence", None)
    state: State = divergence.last if divergence else getattr(experiment, "state", experiment)
    return state


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width))
