"""A folder of sounds as a whole: every file examined, labelled, and judged among the others.

*Conventions*: a finding is a code with words; a file with an ``E-`` code is rejected, one with a
``W-`` code is used with a warning. Nothing is dropped: each file of the folder has its `File`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ddasp._errors import InputError, RunError
from ddasp._files import digest_json
from ddasp._progress import Progress
from ddasp.procedure.labels import Label, Labeller, typos, window_labels
from ddasp.procedure.problem import Problem
from ddasp.procedure.recordings import (
    Examined,
    Task,
    bytes_digest,
    declared_rate,
    examine,
    rejected,
)
from ddasp.procedure.scan import Scan, SoundFile, scan
from ddasp.procedure.workers import Crash, Workers

__all__ = ["Corpus", "File", "collect", "common_rate", "corpus_digest", "digest_of_corpus"]

MAX_RATE = 16_000  # Hz, of the analysis where the problem names none


@dataclass
class File:
    """One file on its way through the step."""

    source: SoundFile
    found: Examined
    label: Label
    labels: list[str] = field(default_factory=list)  # of its pieces; blank where there is none
    code: str = ""
    flags: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def flag(self, code: str, detail: str) -> None:
        """Note a finding, each code once."""
        if code not in self.flags:
            self.flags.append(code)
            self.details.append(detail.replace("; ", ", "))  # "; " stands between details

    def reject(self, code: str, detail: str) -> None:
        """Take the file out."""
        self.code = code
        self.flag(code, detail)


@dataclass
class Corpus:
    """All files of a folder with what was found."""

    problem: Problem
    listing: Scan
    labeller: Labeller
    rate: int
    files: list[File]
    notes: list[str] = field(default_factory=list)


def corpus_digest(problem: Problem) -> str:
    """Digest of all that a problem's preparation reads: sounds, table and label tracks."""
    listing = scan(problem.root)
    root = os.fspath(problem.root)
    sounds = [(file.shown, bytes_digest(file.path, root)) for file in listing.files]
    return digest_of_corpus(problem, sounds, listing)


def digest_of_corpus(problem: Problem, sounds: Sequence[tuple[str, str]], listing: Scan) -> str:
    """`corpus_digest` from digests of the sounds that are known already."""
    beside: list[tuple[str, str]] = []
    if problem.sounds.table:
        path = os.path.realpath(problem.base / problem.sounds.table)
        beside.append((problem.sounds.table, bytes_digest(path, os.path.dirname(path))))
    if problem.sounds.tracks:
        suffix = ".txt" if problem.sounds.tracks == "audacity" else ".csv"
        for file in listing.files:
            track = os.path.splitext(file.path)[0] + suffix
            beside.append((file.shown, bytes_digest(track, os.fspath(problem.root))))
    return digest_json([list(map(list, sounds)), list(map(list, beside))])


def common_rate(rates: Sequence[int]) -> int:
    """The analysis rate: the smallest that one file in ten or more has, at most 16 kHz.

    A sound that has more is resampled, so that no class can be told by its bandwidth; a few files
    of a very low rate do not take the treble from all others.

    Examples
    --------
    >>> common_rate([44100] * 5 + [8000] * 5), common_rate([44100] * 50 + [2000])
    (8000, 16000)
    """
    known = Counter(rate for rate in rates if rate >= 1000)
    often = [rate for rate, n in known.items() if 10 * n >= sum(known.values())]
    return min([*often, MAX_RATE])


# ---------------------------------------------------------------------------------- collect


def collect(
    problem: Problem,
    sets: tuple[str, ...],
    cache: Path | None,
    workers: Workers | None,
    progress: Progress,
) -> Corpus:
    """Examine and label every file of the folder."""
    labeller = Labeller(problem.sounds, kind=problem.kind, base=problem.base)
    listing = scan(problem.root)
    for why, n in listing.ignored_counts().items():
        progress.say(f"  passed over: {n} × {why}")
    rate = problem.sounds.rate or common_rate([declared_rate(f.path) for f in listing.files])
    window = problem.sounds.window
    tasks = [
        Task(
            path=file.path,
            root=os.fspath(problem.root),
            rate=rate,
            window=None if window is None else (window.length, window.hop or window.length),
            sets=sets,
            max_duration=problem.sounds.max_duration,
            cache=None if cache is None else os.fspath(cache),
        )
        for file in listing.files
    ]
    # apart: a file may crash or hang its decoder, and the result shall not depend on how many work
    results = (workers or Workers(1)).map(
        examine, tasks, progress=progress, what="sounds", apart=workers is not None
    )
    results = [_survived(*pair) for pair in zip(tasks, results, strict=True)]
    files = [_file(*pair, labeller) for pair in zip(listing.files, results, strict=True)]
    corpus = Corpus(problem, listing, labeller, rate, files)
    _judge(corpus)
    return corpus


def _survived(task: Task, found: Any) -> Examined:
    """What is known of a file; one that ended the worker process is rejected."""
    if isinstance(found, Crash):
        known = bytes_digest(task.path, task.root)
        return rejected("E-AUDIO-DECODER", f"while it was read, {found}", known)
    if isinstance(found, BaseException):
        raise found
    assert isinstance(found, Examined)
    return found


def _file(source: SoundFile, found: Examined, labeller: Labeller) -> File:
    """A file with its label, and the findings about itself."""
    if found.changed:
        raise RunError("E-CHANGED", f"{source.shown} changed while it was read; run again")
    file = File(source, found, labeller.of(source.shown), code=found.code)
    for code, detail in zip(found.row["flags"], found.row["details"], strict=True):
        file.flag(code, detail)
    if source.is_odd:
        file.flag("W-NAME", "bytes of its name are no UTF-8")
    if not file.code and file.label.missing:
        file.reject("E-LABEL", file.label.missing)
    if not file.code:
        _label_pieces(file, labeller)
    return file


def _label_pieces(file: File, labeller: Labeller) -> None:
    pieces = file.found.pieces
    if not labeller.has_tracks:
        file.labels = [file.label.label] * len(pieces)
        return
    try:
        track = labeller.track(file.source.shown, Path(file.source.path))
    except InputError as error:
        file.reject(error.code, error.message)
        return
    starts, stops = zip(*pieces, strict=True)
    file.labels = window_labels(starts, stops, track, background=labeller.sounds.background)
    gaps = file.labels.count("")
    if gaps:
        file.flag("W-GAP", f"{gaps} of {len(pieces)} windows have no clear label and are left out")


def _judge(corpus: Corpus) -> None:
    """Findings about a file among the others: its rate, its label's spelling."""
    used = [file for file in corpus.files if not file.code]
    rates = Counter(file.found.row["rate"] for file in used)
    most = min(rates, key=lambda rate: (-rates[rate], rate), default=0)
    for file in used:
        if file.found.row["rate"] != most:
            detail = f"{file.found.row['rate']} Hz where most files have {most} Hz"
            file.flag("W-RATE", detail)
    counts = Counter(label for file in used for label in set(file.labels) if label)
    for pair in typos(counts):
        rare, frequent = sorted(pair, key=lambda label: (counts[label], label))
        for file in used:
            if rare in file.labels:
                detail = f'its label "{rare}" is nearly the label "{frequent}"'
                file.flag("W-LABEL-TYPO", detail)
    unused = corpus.labeller.unused()
    if unused:
        names = ", ".join(unused[:5]) + (" ..." if len(unused) > 5 else "")
        corpus.notes.append(
            f"{corpus.problem.sounds.table} names {len(unused)} files that are not there: {names}"
        )
