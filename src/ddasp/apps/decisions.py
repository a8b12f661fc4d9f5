"""Decisions of a run's model on files and folders, as CSV or as JSON lines.

*Conventions*: one row a decision, in the order in which they come. CSV has one column for each
key that any row has, in order of appearance; a cell is empty where a row lacks it. Floats are
written by ``repr``, so that nothing is lost; truth values as ``true`` and ``false``.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from ddasp._progress import Progress
from ddasp.apps.event_files import FORMULA

__all__ = ["csv_lines", "csv_text", "decided", "json_lines"]

Row = dict[str, Any]


def decided(run: Path, inputs: list[Path], progress: Progress) -> Iterator[Row]:
    """Decide on each input, under a bar that counts files.

    Parameters
    ----------
    run : Path
        The run folder.
    inputs : list of Path
        Files, or folders of them.
    progress : Progress
        The display.

    Yields
    ------
    dict
        As `ddasp.procedure.deployed.apply` gives them.
    """
    from ddasp.procedure import deployed, recordings

    n_files = len(recordings.inputs(inputs))
    by_file = groupby(deployed.apply(run, inputs), key=lambda row: row["path"])
    for _, rows in progress.track(by_file, "files", n_files):
        yield from rows


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    r"""One JSON object a line, each as soon as its row is there.

    Parameters
    ----------
    rows : iterable of dict
        The decisions.

    Yields
    ------
    str
        A line with its end.

    Examples
    --------
    >>> list(json_lines([{"path": "a.wav", "known": True, "p:kick": 0.75}]))
    ['{"path": "a.wav", "known": true, "p:kick": 0.75}\n']
    """
    for row in rows:
        plain = {name: _plain(value) for name, value in row.items()}
        yield json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n"


def csv_text(rows: Iterable[Row]) -> str:
    """All rows as CSV (RFC 4180, with plain line ends).

    Parameters
    ----------
    rows : iterable of dict
        The decisions.

    Returns
    -------
    str
        Head and rows; empty when there are no rows.

    Examples
    --------
    >>> print(csv_text([{"path": "a.wav", "p:kick": 0.75}, {"path": "b", "error": "E-DATA"}]))
    path,p:kick,error
    a.wav,0.75,
    b,,E-DATA
    <BLANKLINE>
    """
    words = [{name: _word(value) for name, value in row.items()} for row in rows]
    columns = list(dict.fromkeys(name for row in words for name in row))
    return _table(columns, words, header=True) if columns else ""


def _table(columns: list[str], words: list[Row], *, header: bool) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(words)
    return text.getvalue()


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Rows that all have the keys of the first one, each as soon as it is there.

    Parameters
    ----------
    rows : iterable of dict
        The decisions on one sound.

    Yields
    ------
    str
        Head, then one line a row, with its end.

    Examples
    --------
    >>> print(*csv_lines([{"path": "-", "p:kick": 0.75}]), sep="", end="")
    path,p:kick
    -,0.75
    """
    for number, row in enumerate(rows):
        words = {name: _word(value) for name, value in row.items()}
        yield _table(list(words), [words], header=number == 0)


def _word(value: Any) -> Any:
    plain = _plain(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, str) and plain != "-" and plain.startswith(FORMULA):
        return "'" + plain  # a spreadsheet would compute it
    return "" if plain is None else plain


def _plain(value: Any) -> Any:
    """A number as Python's own; what is no number as none."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
