"""Write the pages that are tables of what the code knows: docs/errors.md and docs/problem.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ddasp._errors import CODES
from ddasp.procedure.measures import MEASURES
from ddasp.procedure.settings import Problem, Window

ERRORS = """# Errors and warnings

Every message of ddasp begins with a code. `E-` stops what was asked for, or rejects one file while
the rest of the folder goes on. `W-` is a finding that stands beside a result. This page is made
from `src/ddasp/_errors.py` by `make pages`.

On the command line wrong input ends with exit code 2, a failure with 1, an interruption with 130.
With `--debug` an error shows where it arose; with `--json` it is JSON.

"""

PROBLEM = """# problem.toml

The first step of the procedure: what is asked, of which sounds, and by which measure the answer is
judged. `ddasp init SOUNDS` writes the file with a comment above each key and fills in what the
folder tells. Every key has a default; a key that is spelled wrong is an error that names the
nearest one. Times are in seconds, rates in Hz, paths relative to the folder of `problem.toml`.
This page is made from `src/ddasp/procedure/settings.py` by `make pages`.

The six questions at the top may stay blank. The report then shows them as left blank, beside the
result that they were meant to judge.
"""

BUDGET = """
## Where time goes

`families`, `features`, `cap`, `survivors`, `trials` and `finalists` are the budget. It counts fits,
never seconds, so that two machines do the same work. In a nested evaluation the whole search runs
once in every outer fold.
"""


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table in Markdown, line by line."""
    for cells in (head, ("---",) * len(head), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def errors() -> str:
    """The page of all codes, in the order of `CODES`."""
    rows = ((f"`{code}`", means, to_do) for code, (means, to_do) in CODES.items())
    return ERRORS + "".join(table(("code", "what it means", "what to do"), rows))


def problem() -> str:
    """The page of all keys of problem.toml and all measures."""
    lines = [PROBLEM]
    for name, field in Problem.model_fields.items():
        lines += section(field.alias or name, type(field.get_default()))
        if name == "sounds":
            lines += section("sounds.window", Window)
    lines += [
        "\n## Measures\n\n`measure` names the one that decides; the report shows the rest.\n\n"
    ]
    rows = (
        (
            f"`{m.name}`",
            ", ".join(m.kinds),
            m.definition,
            "greater" if m.greater_is_better else "less",
        )
        for m in MEASURES.values()
    )
    lines += table(("measure", "for", "definition", "better is"), rows)
    return "".join([*lines, BUDGET])


def section(name: str, model: Any) -> Iterator[str]:
    """One table of the file: its keys, their defaults and what they mean."""
    yield f"\n## [{name}]\n\n"
    fields = {key: field for key, field in model.model_fields.items() if key != "window"}
    yield from table(
        ("key", "default", "meaning"),
        ((f"`{key}`", default(field), str(field.description)) for key, field in fields.items()),
    )


def default(field: Any) -> str:
    """A default as TOML writes it."""
    if field.is_required():
        return "must be given"
    value = field.get_default()
    if value is None or value == "":
        return "not given"
    return f"`{json.dumps(value)}`"


PAGES = {"errors.md": errors, "problem.md": problem}

if __name__ == "__main__":
    for name, page in PAGES.items():
        Path(__file__).with_name(name).write_text(page(), "utf-8")
