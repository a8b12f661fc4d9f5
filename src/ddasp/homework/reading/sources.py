r"""The source of a program, cell by cell: parsed and never run; notebook commands taken out.

A line that only a notebook understands (``%matplotlib inline``, ``!pip install x``, ``np.dot?``)
stands where a statement begins: not inside brackets, a string, or a line that goes on. Such a line
becomes ``pass``, so that every other line keeps its number. The body of ``%%time`` and ``%%capture``
is Python and stays; that of any other cell magic is not, and goes.

*Conventions*: a cell's label is how messages name it: "cell 3" is the third code cell from the top
(numbers in brackets change with every run), a file is named by its name.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

__all__ = ["Cell", "parsed", "without_commands"]

PYTHON_MAGICS = ("time", "capture")  # they run the rest of the cell as it stands
OPENS, CLOSES = "([{", ")]}"
COMMAND = re.compile(
    r"""[%!?]                                     # a magic, the shell, help
      | [\w.,\s\[\]]+=\s*(?:![^=]|%{1,2}[A-Za-z])  # what either gives back, kept
      | get_ipython\(\)\.                          # both, as an export writes them
      | [\w.\[\]]+\?{1,2}\s*$                      # help, behind a name""",
    re.VERBOSE,
)
PIECE = re.compile(r"('''|\"\"\"|'|\")|#.*|[(\[{)\]}]|\\$")


@dataclass(frozen=True)
class Cell:
    """A piece of a program.

    Parameters
    ----------
    label : str
        How messages name it, "cell 3" or "homework.py".
    source : str
        Python, without notebook commands.
    """

    label: str
    source: str


def parsed(source: str) -> ast.Module | None:
    """The tree of a source, or None where it is no Python (whoever runs it says why).

    Parameters
    ----------
    source : str
        At most what a program may hold; nothing of it is run.

    Examples
    --------
    >>> parsed("rank = 2").body[0].targets[0].id, parsed("rank = = 2")
    ('rank', None)
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" is its author's business
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested too deep
        return None


def without_commands(label: str, source: str) -> tuple[str, list[str]]:
    r"""A cell's Python, and what was left out of it, in words.

    Parameters
    ----------
    label : str
        How the cell is named.
    source : str
        As the notebook holds it.

    Returns
    -------
    tuple of (str, list of str)
        As many lines as before.

    Examples
    --------
    >>> without_commands("cell 4", "import math\n!pip install torch")
    ('import math\npass', ['cell 4, line 2: !pip install torch (a notebook command)'])
    """
    if parsed(source) is not None:
        return source, []  # no command is Python
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    magic = re.match(r"%%(\w*)", lines[first].lstrip())
    if magic and magic[1] not in PYTHON_MAGICS:
        return "", [f"{label}: all of it, {lines[first].strip()[:80]} (a notebook command)"]
    left_out = []
    for start, end in _commands(lines):
        left_out.append(
            f"{label}, line {start + 1}: {lines[start].strip()[:80]} (a notebook command)"
        )
        indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        lines[start:end] = [f"{indent}pass"] * (end - start)
    return "\n".join(lines), left_out


def _commands(lines: list[str]) -> list[tuple[int, int]]:
    """Where commands stand, first line and the one after the last."""
    found = []
    depth, quote, goes_on, i = 0, "", False, 0
    while i < len(lines):
        start = i
        if not (depth or quote or goes_on) and COMMAND.match(lines[i].lstrip()):
            while lines[i].endswith("\\") and i + 1 < len(lines):
                i += 1
            found.append((start, i + 1))
        else:
            depth, quote, goes_on = _after(lines[i], depth, quote)
        i += 1
    return found


def _after(line: str, depth: int, quote: str) -> tuple[int, str, bool]:
    """Open brackets, the open string's quotes, and whether the line goes on, at its end."""
    at = 0
    while True:
        if quote:
            ends = re.compile(r"\\.|" + quote).finditer(line, at)
            end = next((match for match in ends if match[0] == quote), None)
            if end is None:  # only three quotes, or a backslash, lead over a line's end
                goes_on = line.endswith("\\")
                return depth, quote if len(quote) == 3 or goes_on else "", goes_on
            quote, at = "", end.end()
        piece = PIECE.search(line, at)
        if piece is None or piece[0][0] == "#":
            return depth, "", False
        if piece[0] == "\\":
            return depth, "", True
        quote, at = piece[1] or "", piece.end()
        depth = max(0, depth + (piece[0] in OPENS) - (piece[0] in CLOSES))
