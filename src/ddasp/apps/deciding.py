"""What a model says about files, a pipe or the microphone, as rows or events, as text.

*Conventions*: rows are those of `deployed.apply`. From a pipe and the microphone each line is written
as soon as it is known. CSV of files has one column for each key that any row has.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

import click
from numpy.typing import NDArray

from ddasp._errors import DdaspError, InputError, RunError
from ddasp._files import digest_bytes, read_json, write_text
from ddasp._progress import Progress
from ddasp.apps import decisions, event_files
from ddasp.apps.tables import plain
from ddasp.audio.blocks import read_blocks
from ddasp.audio.pcm_stream import open_pcm
from ddasp.audio.sample_blocks import SampleBlocks
from ddasp.procedure import deployed, listening, recordings
from ddasp.procedure.events import Event, Rules, detect
from ddasp.procedure.tuning_files import read_rules

__all__ = ["Job", "output", "rules_of", "run_folder"]

Write = Callable[[str], None]
Pcm = tuple[int | None, int | None, str]  # rate, channels, subtype


@contextlib.contextmanager
def output(
    path: Path | None, *, force: bool, growing: bool, kept: Iterable[Path] = ()
) -> Iterator[Write]:
    """Where lines go: standard output, a file that grows with each, or one that is whole or absent.

    Parameters
    ----------
    path : Path or None
        The file; None for standard output.
    force : bool
        Replace it if it exists.
    growing : bool
        Whether it grows with each line. A pipe or a device always does.
    kept : iterable of Path
        What must not be written over: inputs, and folders of a run's steps.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the file exists or must be kept.
    RunError
        ``E-DISK`` when it can't be written.
    """
    if path is None:
        yield lambda line: click.echo(line, nl=False)
        return
    path = path.resolve()  # a link is followed, not replaced
    if path.is_dir() or (path.exists() and not force):
        raise InputError(
            "E-ARGUMENT", f"--out is {path}, which exists; name another, or replace a file: --force"
        )
    if any(path == keep.resolve() or path.is_relative_to(keep.resolve()) for keep in kept):
        raise InputError(
            "E-ARGUMENT", f"--out is {path}, an input or a part of the run; name another"
        )
    lines: list[str] = []
    if not growing and (path.is_file() or not path.exists()):
        yield lines.append
        write_text(path, "".join(lines))
        return
    opened: list[TextIO] = []

    def write(line: str) -> None:
        if not opened:  # not before there is something to say: an error leaves what was there
            path.parent.mkdir(parents=True, exist_ok=True)
            written = path.open("w", encoding="utf-8", newline="", errors="backslashreplace")
            opened.append(stack.enter_context(written))
        opened[0].write(line)
        opened[0].flush()

    try:
        with contextlib.ExitStack() as stack:
            yield write
            write("")
    except OSError as error:
        raise RunError("E-DISK", f"could not write {path}: {error.strerror}") from error


def run_folder(run: Path) -> Path:
    """The run's own folder, when its ``6_application`` was named."""
    return run.parent if run.name == "6_application" and (run.parent / "run.json").exists() else run


def rules_of(run: Path, model: deployed.Deployed, given: dict[str, float]) -> Rules:
    """The rules that were tuned for the model, with what is given in place of theirs."""
    folder = run_folder(run) / "events"
    tuned = Rules()
    if len(given) == len(vars(tuned)):
        return Rules(**given)
    if (folder / "events.json").exists():
        tuned = read_rules(folder)
        if read_json(folder / "events.json").get("model") != digest_bytes(model.content):
            raise InputError(
                "E-MODEL", f"{folder} was tuned for another model; make it again with `ddasp tune`"
            )
    elif not given:
        click.echo("rules not tuned: threshold 0.5; see `ddasp tune --help`", err=True)
    return Rules(**{**vars(tuned), **given})


@dataclass(frozen=True)
class Job:
    """One call of ``apply`` or ``listen``.

    Parameters
    ----------
    run : Path
        The run folder.
    form : str
        "csv", "jsonl", "audacity" or "vtt".
    write : callable
        Takes a line.
    progress : Progress
        The display.
    """

    run: Path
    form: str
    write: Write
    progress: Progress

    @cached_property
    def model(self) -> deployed.Deployed:
        """The run's model."""
        return deployed.load(self.run)

    def files(self, inputs: list[Path]) -> int:
        """Decisions on files; returns how many could not be decided."""
        n_failed = 0

        def counted() -> Iterator[dict[str, Any]]:
            nonlocal n_failed
            for row in decisions.decided(self.run, inputs, self.progress):
                n_failed += "error" in row
                yield row

        if self.form == "csv":
            self.write(decisions.csv_text(counted()))
        else:
            self._each(decisions.json_lines(counted()))
        return n_failed

    def pipe(self, pcm: Pcm) -> int:
        """Decisions on what comes from standard input."""
        blocks = _standard_input(pcm)
        with until_interrupted(blocks) as heard:
            self._rows(listening.rows(self.model, heard, blocks.rate))
        _say(blocks)
        return 0

    def _rows(self, rows: Iterable[decisions.Row]) -> None:
        if self.form not in ("csv", "jsonl"):
            raise InputError(
                "E-ARGUMENT", f"--format is {self.form}, which holds events; expected csv or jsonl"
            )
        as_csv = self.form == "csv"
        self._each(decisions.csv_lines(rows) if as_csv else decisions.json_lines(rows))

    def events(self, inputs: list[Path], given: dict[str, float], pcm: Pcm | None) -> int:
        """Events in files or a pipe; returns how many files could not be used."""
        window = listening.refuse_without_window(self.model, "a stream of events")
        rules = rules_of(self.run, self.model, given)
        if pcm is not None:
            blocks = _standard_input(pcm)
            with until_interrupted(blocks) as heard:
                self._each(self._lines(self._detected(heard, blocks.rate, rules, window[1]), None))
            _say(blocks)
            return 0
        found = recordings.inputs(inputs)
        if self.form in ("audacity", "vtt") and len(found) != 1:
            raise InputError(
                "E-ARGUMENT",
                f"--format {self.form} holds the events of one sound, and {len(found)} are named; "
                "expected one file, or csv or jsonl",
            )
        if self.form == "csv":
            self._each(event_files.csv_lines([], path=""))  # the head
        n_failed = 0
        for path, shown in self.progress.track(found, "files", len(found)):
            try:
                with read_blocks(path, max_duration=self.model.longest) as blocks:
                    events = self._detected(blocks, blocks.rate, rules, window[1])
                    self._each(self._lines(events, shown, header=False))
            except DdaspError as error:
                n_failed += 1
                if self.form == "jsonl":
                    row = {"path": shown, "error": error.code, "detail": error.message}
                    self._each(decisions.json_lines([row]))
                else:
                    click.echo(f"{shown}: {error}", err=True)
        return n_failed

    def microphone(
        self,
        device: str | None,
        seconds: float | None,
        given: dict[str, float] | None,
        *,
        live: bool,
    ) -> None:
        """Events (or decisions, when no rules are given) from the microphone until it is stopped."""
        from ddasp.apps import microphone

        window = listening.refuse_without_window(self.model, "a microphone")
        rules = None if given is None else rules_of(self.run, self.model, given)
        with microphone.opened(device, seconds=seconds) as heard:
            if live:
                click.echo(
                    f"listening to {plain(heard.name)} at {heard.rate} Hz; Ctrl-C ends", err=True
                )
            if rules is None:
                self._rows(listening.rows(self.model, heard, heard.rate, name=heard.name))
            else:
                self._each(self._lines(self._detected(heard, heard.rate, rules, window[1]), None))
            if heard.n_lost:
                code = "W-OVERRUN"
                said = f"{heard.n_lost} times sound was lost, the machine was too slow"
                click.echo(f"{code}: {said}", err=True)

    def _detected(self, blocks: Iterable, rate: float, rules: Rules, hop: float) -> Iterator[Event]:
        if self.model.about["kind"] == "regression":
            raise InputError("E-MODEL", "the model gives values; expected one that tells classes")
        rows = listening.decisions(self.model, blocks, rate)
        background = self.model.about["background"]
        return detect(rows, self.model.labels, rules, hop=hop, background=background)

    def _lines(
        self, events: Iterable[Event], path: str | None, *, header: bool = True
    ) -> Iterator[str]:
        if self.form == "csv":
            return event_files.csv_lines(events, path=path, header=header)
        if self.form == "jsonl":
            return event_files.json_lines(events, path=path)
        return (event_files.audacity if self.form == "audacity" else event_files.web_vtt)(events)

    def _each(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)


@contextlib.contextmanager
def until_interrupted(blocks: Iterable[NDArray]) -> Iterator[Iterator[NDArray]]:
    """Blocks that end at Ctrl-C; what follows from those that came is still written.

    Raises
    ------
    KeyboardInterrupt
        Behind it, so that the exit code tells.
    """
    source, reading, stopped = iter(blocks), False, False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        if reading:
            raise KeyboardInterrupt

    def taken() -> Iterator[NDArray]:
        nonlocal reading
        while not stopped:
            reading = True
            try:
                block = next(source)
            except (StopIteration, KeyboardInterrupt):
                return
            finally:
                reading = False
            yield block

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield taken()
    finally:
        signal.signal(signal.SIGINT, before)
    if stopped:
        raise KeyboardInterrupt


def _standard_input(pcm: Pcm) -> SampleBlocks:
    rate, channels, subtype = pcm
    return open_pcm(sys.stdin.buffer, rate=rate, channels=channels, subtype=subtype)


def _say(blocks: SampleBlocks) -> None:
    """What was odd about a pipe, for the person."""
    for code, detail in zip(blocks.flags, blocks.details, strict=True):
        click.echo(f"{code}: {detail}", err=True)
