"""The verbs of homework: ``new`` and ``check`` for students, ``grade`` for lecturers.

*Conventions*: those of `cli.py`. What is not yet right is an answer, not an error: ``check`` ends with 0
when it could check.
"""

from __future__ import annotations

from pathlib import Path

import click

from ddasp._errors import InputError
from ddasp._progress import showing
from ddasp.apps.options import A_PATH, DONE, FAILED, command_line, common, print_json
from ddasp.apps.tables import plain

__all__ = ["homework"]

HELP = """Individual tasks: handed out, checked at once, graded in a sandbox.

\b
For a student:
  ddasp homework new matrix_fundamentals --student s0123456
  ddasp homework check matrix_fundamentals_s0123456/homework.ipynb
  ddasp homework check ... --hint 3      a hint for part 3; --level 2 for a nearer one
  ddasp homework progress                what is right so far, exercises included
For a lecturer (Linux with bubblewrap):
  ddasp homework grade submissions --out grades
"""


@click.group(help=HELP, short_help="Individual tasks, checked at once, graded in a sandbox.")
def homework() -> None:
    """Individual tasks, checked at once, graded in a sandbox."""


@homework.command(short_help="Write a student's notebook, sheet and data.")
@click.argument("task")
@click.option("--student", required=True, metavar="ID", help="The id that the numbers come from.")
@click.option("--out", type=A_PATH, metavar="FOLDER", help="TASK_ID if left out.")
@common
def new(task: str, student: str, out: Path | None, quiet: bool, as_json: bool) -> None:
    """Write the task TASK for one student: a notebook, a sheet to print, and the data.

    The same id always gives the same numbers. What exists and was changed is not overwritten.
    """
    from ddasp.homework.draw import student_id
    from ddasp.homework.handing_out import NOTEBOOK, new

    folder = out or Path(f"{task}_{student_id(student)}")
    there = _names(folder)
    folder = new(task, student, folder)
    written = sorted(_names(folder) - there)
    if as_json:
        print_json({"folder": folder, "files": written})
        return
    click.echo(f"wrote {folder}:" if written else f"{folder} has all of it already, unchanged.")
    for name in written:
        click.echo(f"  {name}")
    check_it = command_line("homework", "check", folder / NOTEBOOK)
    click.echo(f"\nWork in {NOTEBOOK}; sheet.html prints. Then: {check_it}")


def _names(folder: Path) -> set[str]:
    """What lies in a folder, which may be none yet."""
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


@homework.command(short_help="Say for each part: right, not yet, or not attempted.")
@click.argument("file", type=A_PATH)
@click.option("--hint", "part", metavar="PART", default="", help="A hint for this part.")
@click.option(
    "--level",
    type=click.IntRange(1, 2),
    help="Of the hint: 1, or 2 for a nearer one.  [default: 1]",
)
@common
def check(file: Path, part: str, level: int | None, quiet: bool, as_json: bool) -> None:
    """Run the notebook or .py FILE here, on this machine, and check what its functions give.

    For each part: right, not yet (with the property that fails, and on which input), or not
    attempted. A card of the state is written beside FILE. Nothing leaves this machine. Exit status 0 says
    that FILE could be checked, whatever was found.
    """
    from ddasp.homework import checking
    from ddasp.homework.handing_out import NOTEBOOK

    if file.is_dir():
        near = f" - did you mean {file / NOTEBOOK}?" if (file / NOTEBOOK).is_file() else ""
        raise InputError(
            "E-ARGUMENT", f"FILE is {file}, a folder; expected a notebook or .py file{near}"
        )
    if level and not part:
        raise InputError(
            "E-ARGUMENT", f"--level is {level} without --hint; expected --hint PART, too"
        )
    with showing(quiet=quiet) as progress:
        progress.say(f"check: running {file.name}")
        checked = checking.check_file(file, hint_for=part, hint=(level or 1) if part else 0)
    if as_json:
        said = {"right": checked.right, "card": checked.card, "hint": checked.hint}
        print_json({**checked.result.to_json(), **said})
        return
    for line in checked.lines:
        click.echo(line)


@homework.command(short_help="Show what is right so far.")
@click.option("--out", type=A_PATH, metavar="FILE", help="Write it as a page, too.")
@common
def progress(out: Path | None, quiet: bool, as_json: bool) -> None:
    """Show which exercises and parts are right so far; kept on this machine only."""
    from ddasp._files import write_text
    from ddasp.homework import progress as record

    known = record.progress()
    if out is not None:
        from ddasp.homework.pages.page import progress_page

        write_text(out, progress_page(record.card(known), known["notes"]))
    if as_json:
        print_json(known)
        return
    for line in record.lines(known):
        click.echo(line)
    if out is not None:
        click.echo(f"\nAs a page: {out}")


@homework.command(short_help="Grade a folder or a zip of submissions in a sandbox.")
@click.argument("submissions", type=A_PATH)
@click.option("--out", type=A_PATH, required=True, metavar="FOLDER", help="Where grades go.")
@click.option(
    "--settings",
    type=A_PATH,
    metavar="FILE",
    help="FOLDER/homework.toml if left out; made if missing.",
)
@click.option("--task", metavar="NAME", help="Where the submissions hold more than one task.")
@click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="Sandboxes at a time; as many as cores."
)
@click.option("--unsandboxed", is_flag=True, help="Run foreign code with your own rights.")
@common
def grade(
    submissions: Path,
    out: Path,
    settings: Path | None,
    task: str | None,
    workers: int | None,
    unsandboxed: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run each submission in SUBMISSIONS in a sandbox and write grades.csv, feedback and a summary.

    SUBMISSIONS is a folder (or one zip) of notebooks, .py files, zips or folders. Weights, deadline and
    the points that are entered by hand stand in FOLDER/homework.toml; edit it and run again: only new
    submissions are executed. An interrupted run goes on where it was.
    """
    from ddasp.homework.grades.grading import grade as grade_all

    with showing(quiet=quiet) as progress:
        graded = grade_all(
            submissions,
            out,
            settings=settings,
            task=task,
            sandboxed=not unsandboxed,
            n_workers=workers,
            progress=progress,
        )
    ungraded = [one for one in graded.grades if one.result is None and one.submission]
    if as_json:
        print_json(
            {
                "table": graded.table,
                "summary": graded.summary,
                "feedback": graded.feedback,
                "settings": graded.settings,
                "n_new": graded.n_new,
                "n_known": graded.n_known,
                "n_without_result": len(ungraded),
                "without_result": {one.submission: list(one.flags) for one in ungraded},
                "in_force": graded.in_force,
            }
        )
    else:
        click.echo(f"{graded.n_new} submissions run now, {graded.n_known} known\n")
        click.echo(f"table     {graded.table}\nsummary   {graded.summary}")
        click.echo(f"feedback  {graded.feedback}\nsettings  {graded.settings}")
        if graded.is_new:
            click.echo(
                "\nSet deadline, weights and points by hand in the settings; then run again."
            )
        for one in ungraded:
            click.echo(plain(f"no result: {one.submission}: {'; '.join(one.flags)}"))
    return FAILED if ungraded else DONE
