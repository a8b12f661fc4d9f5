"""The verb ``verify``: whether a run folder is what its run wrote, and where each number comes from.

*Conventions*: those of `cli.py`; lines of 80 columns. The exit code is 0 where all that could be checked
holds, 1 where something does not.
"""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ddasp.apps.options import A_PATH, DONE, FAILED, common, print_json
from ddasp.apps.tables import plain

if TYPE_CHECKING:
    from ddasp.procedure.verifying import Number, Verified

__all__ = ["verify"]

WIDTH = 80
MOST_ROWS = 6  # spans of rows that a line names


@click.command(short_help="Check a run folder: digests, sums, every number from its rows.")
@click.argument("run_folder", metavar="RUN", type=A_PATH)
@click.option(
    "--problem",
    type=A_PATH,
    metavar="PROBLEM",
    help="problem.toml or the sounds of the run, where they don't lie as run.json says.",
)
@click.option("--numbers", is_flag=True, help="Name each number of the report with its rows.")
@common
def verify(
    run_folder: Path, problem: Path | None, numbers: bool, quiet: bool, as_json: bool
) -> int:
    """Check that the run folder RUN is what its run wrote. Nothing in it is changed.

    Every digest is computed again; files in = used + used with a warning + rejected; each
    observation has one output; the numbers of the report follow from the rows of tables, steps 3
    to 5 from their ledgers, the report from the folder. What can't be checked is said. With
    --numbers each number is named with the rows it comes from.
    """
    from ddasp.procedure.verifying import verify as verified

    found = verified(run_folder, source=problem)
    if as_json:
        print_json(_plain(found))
    else:
        show(found, numbers=numbers, quiet=quiet)
    return DONE if found.holds else FAILED


def _plain(found: Verified) -> dict[str, Any]:
    return {
        "folder": found.folder,
        "holds": found.holds,
        "checked": [{"what": what, "sentence": sentence} for what, sentence in found.checks],
        "not_checked": found.unchecked,
        "faults": [asdict(fault) | {"message": str(fault)} for fault in found.faults],
        "numbers": [asdict(number) for number in found.numbers],
    }


def show(found: Verified, *, numbers: bool = False, quiet: bool = False) -> None:
    """Print what was found, for a person."""
    if numbers:
        for lines in _by_file(found.numbers):
            click.echo("\n".join(lines) + "\n")
    if not quiet:
        for what, sentence in found.checks:
            click.echo(_wrapped(f"{what:<9} {sentence}", indent=10))
        for sentence in found.unchecked:
            click.echo(_wrapped(f"not checked: {sentence}"))
    for fault in found.faults:
        click.echo(_wrapped(str(fault)))
    n = len(found.faults)
    number = f"{n} faults" if n > 1 else "1 fault"
    click.echo(
        f"{found.folder} holds" if found.holds else f"{found.folder} does not hold: {number}"
    )


def _by_file(numbers: tuple[Number, ...]) -> list[list[str]]:
    """For each file a heading and a line a number: key, value, where from, how."""
    from ddasp.procedure.verifying.findings import named

    parts: dict[tuple[str, str], list[str]] = {}
    for one in numbers:
        value = f"{one.value:.6g}" if isinstance(one.value, float) else str(one.value)
        where = f"rows {named(one.rows, MOST_ROWS)}: " if one.rows else ""
        text = f"{one.key:<30} {value:<10} {where}{one.how}"
        heading = f"{one.file}, from {one.source}"
        parts.setdefault((one.file, one.source), [heading]).append(_wrapped(text, indent=42))
    return list(parts.values())


def _wrapped(text: str, *, indent: int = 2) -> str:
    return textwrap.fill(
        plain(text).replace("\n", " "),
        WIDTH,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
