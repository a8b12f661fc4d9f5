"""The command line: its verbs around a run, and how every verb ends.

*Conventions*: results go to standard output, progress and messages to standard error. Exit codes:
0 done, 1 failed, 2 wrong input, 130 interrupted. With ``--json`` standard output holds one JSON
document (``apply``: one JSON object a line), an error included. Whatever is heavy is imported
inside the command that needs it, so that ``ddasp --help`` answers at once. What is done with a
model afterwards (``apply``, ``listen`` ...) stands in `cli_model.py`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from ddasp import __version__
from ddasp._errors import CODES, SHORTAGES, DdaspError, InputError
from ddasp._progress import showing
from ddasp.apps import cli_course, cli_homework, cli_model, cli_playground, cli_verify
from ddasp.apps.options import A_PATH, DONE, FAILED, command_line, common, print_json
from ddasp.apps.tables import plain

__all__ = ["cli", "main"]

WRONG_INPUT, INTERRUPTED = 2, 130
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)

# \b keeps click from joining the lines that follow.
HELP = """From a folder of labelled sounds to a verdict, a report and a model.

\b
A first run:
  ddasp demo                   generated drum sounds, all six steps
With your own sounds:
  ddasp init SOUNDS            look at the folder, write problem.toml
  ddasp run problem.toml       all six steps; open report.html
  ddasp apply runs/NAME FILE   let the model decide
With the model:
  ddasp explain runs/NAME FILE   one decision by hand, as a notebook and a page
  ddasp export runs/NAME         the model as a web page that works without a network
  ddasp listen runs/NAME         the microphone, as events
Whether to believe it:
  ddasp verify runs/NAME         every digest, sum and number of a run again
To try things out:
  ddasp playground               a small model trains before your eyes, in the browser
Homework:
  ddasp course lessons           the course as notebooks, in JupyterLab
  ddasp homework --help          individual tasks, checked at once, graded in a sandbox
"""

_workers = click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    help="Processes; as many as cores if left out.",
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, help=HELP
)
@click.version_option(__version__, prog_name="ddasp")
def cli() -> None:
    """From a folder of labelled sounds to a verdict, a report and a model."""


for verb in (
    *cli_model.VERBS,
    cli_playground.playground,
    cli_course.course,
    cli_homework.homework,
    cli_verify.verify,
):
    cli.add_command(verb)


@cli.command(short_help="Look at a folder of sounds and write problem.toml.")
@click.argument("sounds", type=A_PATH)
@click.option(
    "--out",
    type=A_PATH,
    default=Path("problem.toml"),
    show_default=True,
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@_workers
@common
def init(
    sounds: Path, out: Path, force: bool, workers: int | None, quiet: bool, as_json: bool
) -> None:
    """Look at the folder SOUNDS, say what was found, and write a commented problem.toml.

    The file asks the questions of step 1 (what for, who is affected, what does a wrong answer cost)
    and is filled in as far as the folder tells. Answer the rest; what stays blank is shown as
    left blank in the report.
    """
    from ddasp.apps import inspect

    if out.is_dir():
        raise InputError(
            "E-ARGUMENT", f"--out is {out}, a folder; expected the name of a file to write"
        )
    if out.exists() and not force:
        raise InputError(
            "E-ARGUMENT",
            f"{out} exists; expected a new file - name another with --out, or replace it: --force",
        )
    with showing(quiet=quiet) as progress:
        found = inspect.look(sounds, n_workers=workers, progress=progress)
    inspect.write_problem(found, out)
    if as_json:
        print_json({**found.summary, "written": out.as_posix()})
        return
    inspect.show(found)
    click.echo(f"\nwrote {out}. Answer its questions, then: {command_line('run', out)}")


@cli.command(short_help="Take a problem through all six steps.")
@click.argument("problem", type=A_PATH, metavar="PROBLEM")
@click.option("--out", type=A_PATH, metavar="FOLDER", help="The run folder; runs/NAME if left out.")
@_workers
@click.option(
    "--seed", type=click.IntRange(0), metavar="N", help="Replaces the seed of problem.toml."
)
@click.option("--no-sounds", is_flag=True, help="No players in the report: voices must not travel.")
@common
def run(
    problem: Path,
    out: Path | None,
    workers: int | None,
    seed: int | None,
    no_sounds: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Take a problem.toml (or a folder of sounds) through all six steps.

    PROBLEM is a problem.toml, or a folder of sounds, which is then taken as it is. The run folder
    holds the result of each step and report.html. An interrupted run goes on where it was; a step
    whose inputs are unchanged is not run again.
    """
    _run(problem, out, workers, seed, not no_sounds, quiet, as_json)


def _run(
    problem: Path,
    out: Path | None,
    workers: int | None,
    seed: int | None,
    with_sounds: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    with _interrupt_kept():
        from ddasp.procedure import run as procedure_run

    with showing(quiet=quiet) as progress:
        result = procedure_run.run(
            problem,
            out=out,
            n_workers=workers,
            seed=seed,
            with_sounds=with_sounds,
            progress=progress,
        )
    if as_json:
        print_json(
            {
                "folder": result.folder,
                "report": result.report,
                "verdict": result.verdict_word,
                "sentence": result.verdict_sentence,
                "n_fits": result.n_fits,
                "findings": result.findings,
                "steps": result.steps,
            }
        )
        return
    click.echo(f"\n{result.verdict_sentence}\n")
    done = sum(state == "done" for state in result.steps.values())
    click.echo(f"sounds  {result.findings}")
    click.echo(f"report  {_from_here(result.report)}")
    click.echo(f"model   {_from_here(result.folder / '6_application')}")
    click.echo(f"fits    {result.n_fits}; steps done {done}, unchanged {len(result.steps) - done}")


@cli.command(short_help="Look at a folder of sounds; nothing is written.")
@click.argument("sounds", type=A_PATH)
@_workers
@common
def inspect(sounds: Path, workers: int | None, quiet: bool, as_json: bool) -> None:
    """Look at the folder SOUNDS and say what stands in the way of learning from it.

    Classes, groups, rates, lengths, and each finding with what to do. Nothing is written.
    """
    from ddasp.apps import inspect as looking

    with showing(quiet=quiet) as progress:
        found = looking.look(sounds, n_workers=workers, progress=progress)
    if as_json:
        print_json(found.summary)
    else:
        looking.show(found)


@cli.command(short_help="Measure loudness and peaks of sound files.")
@click.argument("inputs", metavar="INPUT...", type=A_PATH, nargs=-1, required=True)
@common
def loudness(inputs: tuple[Path, ...], quiet: bool, as_json: bool) -> int:
    """Measure files and folders after EBU R 128.

    Integrated loudness, loudness range, the largest momentary and short-term loudness, true peak
    and sample peak. A file that can't be read is named; the exit code is then 1.
    """
    from ddasp.apps import metering

    with showing(quiet=quiet) as progress:
        rows = list(metering.measured(list(inputs), progress))
    if as_json:
        print_json(rows)
    else:
        metering.show(rows)
    return FAILED if any("error" in row for row in rows) else DONE


@cli.command()
@common
def doctor(quiet: bool, as_json: bool) -> int:
    """Check this installation and this machine.

    Versions, sound formats, extras, memory, disk, and one sound written, read and measured.
    """
    from ddasp.apps import doctor as checking

    findings = checking.examine()
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        checking.show(findings, only_failures=quiet)
    return FAILED if any(finding.state == "failed" for finding in findings) else DONE


@cli.command(short_help="Make sounds and take them through all six steps.")
@click.argument("folder", type=A_PATH, required=False)
@click.option("--voices", is_flag=True, help="Speakers who say vowels, for a model that listens.")
@_workers
@common
def demo(
    folder: Path | None, voices: bool, workers: int | None, quiet: bool, as_json: bool
) -> None:
    """Make sounds in FOLDER (default: runs/demo) and take them through all six steps.

    A synthetic drum machine: six voices, several kits, noise and level varied. With --voices
    (default folder: runs/voices) recordings of speakers who say vowels; that model decides ten
    times a second, so `ddasp listen runs/voices/run` can follow your own voice. It needs no network
    and no files of yours.
    """
    from importlib.resources import files

    from ddasp._files import write_text
    from ddasp.apps.demo import write_drum_corpus, write_voice_corpus

    folder = folder or Path("runs") / ("voices" if voices else "demo")
    n_sounds = (write_voice_corpus if voices else write_drum_corpus)(folder / "sounds")
    problem, name = folder / "problem.toml", "demo_voices.toml" if voices else "demo.toml"
    if not problem.exists():  # an edited one is somebody's work
        write_text(problem, files("ddasp.apps").joinpath(name).read_text("utf-8"))
    if not (quiet or as_json):
        what = "recordings of voices" if voices else "drum sounds"
        click.echo(f"{n_sounds} {what} and problem.toml stand in {folder}", err=True)
    _run(problem, folder / "run", workers, None, True, quiet, as_json)


def _from_here(path: Path) -> Path:
    """A path as a person in this folder would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@contextlib.contextmanager
def _interrupt_kept() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back while libraries load: some take them for a failed import."""
    asked: list[int] = []
    held = (signal.SIGINT, signal.SIGTERM)
    try:
        before = [signal.signal(one, lambda number, frame: asked.append(number)) for one in held]
    except ValueError:  # not the main thread: nobody presses Ctrl-C here
        yield
        return
    try:
        yield
    finally:
        for one, handler in zip(held, before, strict=True):
            signal.signal(one, handler)
    if asked:
        raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; every way to end has its exit code and its message.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``ddasp``; those of the process by default.

    Returns
    -------
    int
        0 done, 1 failed, 2 wrong input, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):  # names that are no UTF-8 must not stop a message
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with _ended_like_interrupted():
            code = cli.main(args=words, prog_name="ddasp", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return _ended(words, INTERRUPTED, "interrupted", _how_to_go_on(words))
    except click.UsageError as error:
        hint = f"see {error.ctx.command_path} --help" if error.ctx else "see ddasp --help"
        return _ended(words, WRONG_INPUT, "E-ARGUMENT", error.format_message(), hint)
    except DdaspError as error:
        code = WRONG_INPUT if isinstance(error, InputError) else FAILED
        advice = CODES[error.code][1]
        return _ended(words, code, error.code, error.message, "" if "message" in advice else advice)
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in DISK:
            return _ended(words, FAILED, "E-DISK", f"could not write: {os.strerror(number)}")
        too_little = isinstance(error, ImportError) and "failed to map segment" in str(error)
        if too_little or isinstance(error, MemoryError) or number in SHORTAGES:
            return _ended(words, FAILED, "E-MEMORY", str(error), CODES["E-MEMORY"][1])
        text = f"{type(error).__name__}: {error}"
        return _ended(
            words, FAILED, "unexpected", text, "this is a fault of ddasp; --debug shows where"
        )
    return code if isinstance(code, int) else DONE


@contextlib.contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """A polite request to end (SIGTERM) is an interruption: workers end too, results are kept."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _how_to_go_on(words: list[str]) -> str:
    if words and (words[0] in ("run", "demo") or words[:2] == ["homework", "grade"]):
        return f"what is finished is kept; to go on: {command_line(*words)}"
    if words and (words[0] == "listen" or (words[0] == "apply" and "-" in words)):
        return "what came until then is written"
    if words and words[0] == "apply":
        return "what was printed holds; a file of --out is as it was before"
    return "nothing was changed"


def _ended(words: list[str], code: int, name: str, text: str, hint: str = "") -> int:
    """Say why it ended: words for a person on standard error, or JSON on standard output."""
    if "--debug" in words:
        traceback.print_exc()
    if "--json" in words:
        print_json({"error": {"code": name, "message": text, "hint": hint}, "exit_code": code})
    else:
        said = plain(f"{name}: {text}" if text else name)
        click.echo(f"ddasp: {said}" + (f"\n  {hint}" if hint else ""), err=True)
    return code
