"""The verbs around a model that a run left: ``apply``, ``listen``, ``tune``, ``explain``, ``export``.

*Conventions*: those of `cli.py`. What comes as it happens (a pipe, the microphone) is written line by
line and flushed after each.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ddasp._errors import InputError
from ddasp._progress import showing
from ddasp.apps.options import A_PATH, DONE, FAILED, common, print_json

__all__ = ["VERBS"]

Command = TypeVar("Command", bound=Callable[..., Any])
FORMATS = {"csv": ".csv", "jsonl": ".jsonl", "audacity": ".txt", "vtt": ".vtt"}
ENCODINGS = {"s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f32": "FLOAT", "f64": "DOUBLE"}
NUMBERS = ("threshold", "hysteresis", "smoothing", "least")

_run = click.argument("run_folder", metavar="RUN", type=A_PATH)
_out = click.option(
    "--out", type=A_PATH, metavar="FILE", help="Write there, not to standard output."
)
_force = click.option("--force", is_flag=True, help="Replace what exists.")


def _rules(command: Command) -> Command:
    """The four numbers, in place of those that `ddasp tune` found."""
    for name, what in (
        ("least", "Events shorter than this are dropped [s]."),
        ("smoothing", "Time constant of the average over windows [s]."),
        ("hysteresis", "An event ends that far below the threshold."),
        ("threshold", "An event begins at this probability."),
    ):
        command = click.option(f"--{name}", type=float, metavar="X", help=what)(command)
    return command


def _kept(run: Path, inputs: tuple[Path, ...]) -> list[Path]:
    """What no result may be written over: the inputs, and the steps of the run."""
    from ddasp.apps.deciding import run_folder
    from ddasp.procedure.run import STEPS

    return [*inputs, *(run_folder(run) / step for step in STEPS)]


def _by_ending(out: Path | None) -> str | None:
    """The format that the name of a file asks for."""
    endings = {ending: form for form, ending in FORMATS.items()}
    return None if out is None else endings.get(out.suffix.lower())


def _given(numbers: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in numbers.items() if value is not None}


@click.command(short_help="Let a model decide on files, folders or a pipe.")
@_run
@click.argument("inputs", metavar="INPUT...", type=A_PATH, nargs=-1, required=True)
@click.option("--events", is_flag=True, help="Events in place of one row for each window.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="csv, one JSON object a line, or events as Audacity labels or WebVTT; else as --out ends.",
)
@_out
@_force
@click.option("--rate", type=click.IntRange(1), metavar="HZ", help="Of raw samples from a pipe.")
@click.option("--channels", type=click.IntRange(1), metavar="N", help="Of raw samples; 1.")
@click.option(
    "--encoding",
    type=click.Choice(list(ENCODINGS)),
    default="s16",
    show_default=True,
    help="Of raw samples, little-endian.",
)
@_rules
@common
def apply(
    run_folder: Path,
    inputs: tuple[Path, ...],
    events: bool,
    form: str | None,
    out: Path | None,
    force: bool,
    rate: int | None,
    channels: int | None,
    encoding: str,
    quiet: bool,
    as_json: bool,
    **numbers: float | None,
) -> int:
    """Let the model of the run folder RUN decide on files, folders, or - for a pipe.

    One row a decision: path, start and stop in seconds, the decision, whether the model knows
    (known is false where its probability is too low to be relied on), the probability of each
    class. A file that can't be read has a row that says why; the exit code is then 1.

    From a pipe come a WAV or raw samples; rows are written as the sound comes. With --events
    decisions on sliding windows become events, by the rules that `ddasp tune` found or by those
    that are given here.
    """
    from ddasp.apps import deciding

    form = form or _by_ending(out) or ("jsonl" if as_json else "csv")
    events = events or form in ("audacity", "vtt") or bool(_given(numbers))
    piped = Path("-") in inputs
    if piped and len(inputs) > 1:
        raise InputError("E-ARGUMENT", "INPUT names - and files; expected - alone, or files")
    if not piped and (rate or channels):
        raise InputError("E-ARGUMENT", "--rate and --channels belong to raw samples from a pipe")
    if not piped and encoding != "s16":
        raise InputError("E-ARGUMENT", "--encoding belongs to raw samples from a pipe")
    with (
        deciding.output(out, force=force, growing=piped, kept=_kept(run_folder, inputs)) as write,
        showing(quiet=quiet) as progress,
    ):
        job = deciding.Job(run_folder, form, write, progress)
        pcm = (rate, channels, ENCODINGS[encoding])
        if events:
            n_failed = job.events(list(inputs), _given(numbers), pcm if piped else None)
        elif piped:
            n_failed = job.pipe(pcm)
        else:
            n_failed = job.files(list(inputs))
    if n_failed:
        where = "the lines above" if events and form != "jsonl" else "their rows"
        click.echo(f"{n_failed} could not be decided; {where} say why", err=True)
    return FAILED if n_failed else DONE


@click.command(short_help="Let a model listen to the microphone.")
@_run
@click.option("--device", metavar="NAME", help="Input device, by number or part of its name.")
@click.option("--seconds", type=float, metavar="S", help="Stop after that time.")
@click.option("--decisions", is_flag=True, help="One row for each window in place of events.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="As for apply; jsonl where nothing else is said.",
)
@_out
@_force
@_rules
@common
def listen(
    run_folder: Path,
    device: str | None,
    seconds: float | None,
    decisions: bool,
    form: str | None,
    out: Path | None,
    force: bool,
    quiet: bool,
    as_json: bool,
    **numbers: float | None,
) -> int:
    """Let the model of the run folder RUN listen to the microphone until Ctrl-C.

    Events are written as they begin and end. The model must decide on windows ([sounds.window] in
    problem.toml). Nothing that is heard is stored.
    """
    from ddasp.apps import deciding

    if decisions and _given(numbers):
        raise InputError(
            "E-ARGUMENT", "the four numbers make events; leave out --decisions, or them"
        )
    with (
        deciding.output(out, force=force, growing=True, kept=_kept(run_folder, ())) as write,
        showing(quiet=True) as progress,
    ):
        job = deciding.Job(run_folder, form or _by_ending(out) or "jsonl", write, progress)
        job.microphone(
            device, seconds, None if decisions else _given(numbers), live=not (quiet or as_json)
        )
    return DONE


@click.command(short_help="Tune the rules that turn decisions into events.")
@_run
@click.option(
    "--budget",
    type=float,
    default=1.0,
    show_default=True,
    metavar="N",
    help="False alarms per hour that are acceptable.",
)
@click.option(
    "--background",
    type=A_PATH,
    metavar="FOLDER",
    help="Sounds without events, behind the clips; pink noise if left out.",
)
@click.option(
    "--recordings",
    type=A_PATH,
    metavar="FOLDER",
    help="Recordings with label tracks, in place of streams made from clips.",
)
@click.option(
    "--hours",
    type=float,
    default=1.0,
    show_default=True,
    metavar="H",
    help="Length of the streams that are made.",
)
@click.option(
    "--snr", type=float, default=20.0, show_default=True, metavar="DB", help="Of clips in them."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N")
@_force
@common
def tune(
    run_folder: Path,
    budget: float,
    background: Path | None,
    recordings: Path | None,
    hours: float,
    snr: float,
    seed: int,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Tune threshold, hysteresis, smoothing and least duration for the model of RUN.

    The largest share of events that a budget of false alarms per hour allows, on streams in which
    it is known when something sounds: clips of the training groups at drawn times in background
    sound, or your own recordings with label tracks. Writes events.json, a curve and a picture to
    RUN/events; apply and listen use them.
    """
    from ddasp._files import read_json
    from ddasp.apps import tuning

    tuning.refuse(run_folder, budget, force=force)
    with showing(quiet=quiet) as progress:
        if recordings is not None:
            streams = tuning.recorded_streams(run_folder, recordings, progress)
        else:
            asked = tuning.Made(hours=hours, snr=snr, seed=seed, background=background)
            streams = tuning.made_streams(run_folder, asked, progress)
        folder, found = tuning.tune(run_folder, streams, budget, progress)
    if as_json:
        print_json({"folder": folder, **read_json(folder / "events.json")})
        return DONE
    for sentence in found.sentences():
        click.echo(sentence)
    rules = ", ".join(f"{name} {getattr(found.rules, name):g}" for name in NUMBERS)
    click.echo(f"\nrules   {rules}\nwritten {folder}")
    return DONE


@click.command(short_help="Carry one sound from samples to decision, by hand.")
@_run
@click.argument("sound", type=A_PATH)
@click.option("--at", type=float, metavar="S", help="The window of a long recording at that time.")
@click.option(
    "--out", type=A_PATH, metavar="FOLDER", help="Where to; RUN/explained/SOUND if left out."
)
@_force
@common
def explain(
    run_folder: Path,
    sound: Path,
    at: float | None,
    out: Path | None,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Write a notebook and a page that carry SOUND from its samples to the model's decision.

    Every step in plain NumPy, with its numbers, a picture and a player; the last line asserts that
    the result is the model's own.
    """
    from ddasp.apps.explain import explain as explained

    folder = out or run_folder / "explained" / (sound.stem or "sound")
    with showing(quiet=quiet) as progress:
        progress.say("explain: executing the notebook")
        found = explained(run_folder, sound, folder, at=at, force=force)
    if as_json:
        print_json({"notebook": found.notebook, "page": found.page, "sentence": found.sentence})
        return DONE
    click.echo(f"{found.sentence}\n")
    click.echo(f"page      {found.page}\nnotebook  {found.notebook}")
    return DONE


@click.command(short_help="Write the model as a page that runs in a browser.")
@_run
@click.option(
    "--to",
    "target",
    type=click.Choice(["web"]),
    default="web",
    show_default=True,
    help="web: one HTML file that needs no server and no network.",
)
@click.option("--out", type=A_PATH, metavar="FILE", help="The file; RUN/model.html if left out.")
@_force
@common
def export(
    run_folder: Path, target: str, out: Path | None, force: bool, quiet: bool, as_json: bool
) -> int:
    """Write the model of RUN as one page: drop a file on it, or let it listen; nothing leaves it."""
    from ddasp.apps.export import export_web

    found = export_web(run_folder, out, force=force)
    if as_json:
        print_json({"to": target, "path": found.path, "bytes": found.n_bytes})
    else:
        click.echo(f"wrote {found.path} ({found.n_bytes / 1e6:.1f} MB); open it in a browser")
    return DONE


VERBS = (apply, listen, tune, explain, export)
"""In the order of the help."""
