"""Small tables for people: drawn by rich on a terminal, plain aligned text elsewhere.

*Conventions*: a row is a sequence of words; numbers are already formatted with the digits that
are known. Columns named in ``right`` are aligned at their right edge.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

__all__ = ["aligned", "plain", "print_table"]


def plain(text: str) -> str:
    r"""Foreign text without what a terminal would obey; a line end stays where it ends a line.

    Examples
    --------
    >>> plain("a\x1b[31mb\n  c")
    'a\\x1b[31mb\n  c'
    """
    return "".join(
        c if c == "\n" or unicodedata.category(c) != "Cc" else c.encode("unicode_escape").decode()
        for c in text
    )


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A table as plain text, two spaces between columns.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : sequence of sequence of str
        The cells, as many a row as there are names.
    right : sequence of str
        Names of the columns that are aligned at the right.

    Returns
    -------
    str
        Lines without trailing blanks, the last one without a line end.

    Examples
    --------
    >>> print(aligned(("class", "files"), [("kick", "40"), ("snare", "8")], right=("files",)))
    class  files
    kick      40
    snare      8
    """
    lines = [tuple(plain(cell).replace("\n", " ") for cell in line) for line in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    to_right = [name in right for name in head]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at_right else cell.ljust(width)
            for cell, width, at_right in zip(line, widths, to_right, strict=True)
        ).rstrip()
        for line in lines
    )


def print_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[str] = (),
    *,
    stream: TextIO | None = None,
) -> None:
    """Print a table as it suits the stream.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : sequence of sequence of str
        The cells.
    right : sequence of str
        Names of the columns that are aligned at the right.
    stream : text stream, optional
        Where it goes; standard output by default.
    """
    stream = sys.stdout if stream is None else stream
    if not stream.isatty():
        print(aligned(head, rows, right), file=stream)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in head:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_escaped(plain(cell)) for cell in row))
    Console(file=stream).print(table)


def _escaped(cell: str) -> str:
    from rich.markup import escape

    return escape(cell)
