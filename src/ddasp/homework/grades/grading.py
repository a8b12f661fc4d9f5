"""A class is graded: every submission runs once, in the sandbox; grades are computed as often as wanted.

    submissions --> pieces --> known? --yes--> results/KEY.json ---+
                                 |                                 +--> grades, table, pages
                                 no --> assess (sandbox) --> kept -+

A result is kept as soon as it is there, under the digest of all that it depends on: what was handed
in, task, version, salt, limits, what confines the code, and the source that runs and judges. So a run that
was killed goes on where it was, and other weights run nothing.

*Conventions*: one task for each folder of grades. What was handed in is only read. A fault of the grader
in one submission flags that line and is tried again the next time. Threads wait for the processes
that do the work.

*References*: Pillai et al. 2014 (see `_files`).
"""

from __future__ import annotations

import os
import platform
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import ddasp
from ddasp._errors import InputError
from ddasp._files import digest_file, digest_json, lock
from ddasp._progress import Progress
from ddasp.homework import tasks
from ddasp.homework.assessing import assess
from ddasp.homework.grades.folder import (
    Boards,
    Known,
    Ran,
    drawn,
    write_feedback,
    write_summary,
    write_table,
)
from ddasp.homework.grades.marking import (
    Piece,
    flags_of_pairs,
    grades_of,
    names_hold_ids,
    piece_of,
    unique,
    unread_result,
    with_flags,
)
from ddasp.homework.grades.settings import HomeworkSettings
from ddasp.homework.grades.settings_file import load, roster_of, with_points, write_template
from ddasp.homework.handing_out import cells_of
from ddasp.homework.parts import Task
from ddasp.homework.reading import similarity
from ddasp.homework.reading.similarity import Pair
from ddasp.homework.reading.submissions import Submission, entries_of, read_entry
from ddasp.homework.results import Grade, Result
from ddasp.homework.running.sandbox import Sandbox
from ddasp.procedure.workers import default_workers

__all__ = ["UNSANDBOXED", "Graded", "grade"]

UNSANDBOXED = "UNSANDBOXED: the code ran with the rights of the grader"
STRAY = 2  # submissions for another task that are no class of it
TABLE, SUMMARY, FEEDBACK = "grades.csv", "summary.html", "feedback"


@dataclass(frozen=True)
class Graded:
    """What grading came to.

    Parameters
    ----------
    task : str
        Its name.
    grades : tuple of Grade
        The lines of the table.
    pairs : tuple of Pair
        Submissions whose code is alike.
    n_new : int
        Submissions that ran.
    n_known : int
        Submissions whose result was there.
    in_force : tuple of str
        What confined the code, or `UNSANDBOXED`.
    folder : Path
        The folder of grades.
    settings : Path
        The file that was followed.
    is_new : bool
        Whether it was written just now.
    """

    task: str
    grades: tuple[Grade, ...]
    pairs: tuple[Pair, ...]
    n_new: int
    n_known: int
    in_force: tuple[str, ...]
    folder: Path
    settings: Path
    is_new: bool

    @property
    def table(self) -> Path:
        """The grades as CSV."""
        return self.folder / TABLE

    @property
    def summary(self) -> Path:
        """The page about the class."""
        return self.folder / SUMMARY

    @property
    def feedback(self) -> Path:
        """The folder with a page for each student."""
        return self.folder / FEEDBACK


def grade(
    submissions: Path,
    out: Path,
    *,
    settings: Path | None = None,
    task: str | None = None,
    sandboxed: bool = True,
    n_workers: int | None = None,
    progress: Progress,
) -> Graded:
    """Grade the submissions of a class.

    Parameters
    ----------
    submissions : Path
        The folder or zip file of what was handed in.
    out : Path
        The folder of grades; it is made where it is missing.
    settings : Path, optional
        By default `homework.toml` in ``out``, which is written where it is missing.
    task : str, optional
        Its name; by default the one of the settings, else of the submissions.
    sandboxed : bool
        False runs the code with the rights of the caller, and every page says so.
    n_workers : int, optional
        Submissions that run at a time; by default the number of processors.
    progress : Progress
        Where the person sees how far it is.

    Returns
    -------
    Graded
        Grades and where they were written.

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when the folders lie in each other, or the task is not clear;
        ``E-PATH-MISSING``; ``E-PROBLEM`` with all that is wrong in the settings.
    RunError
        ``E-SANDBOX`` when there is none; ``E-RUN`` when another process grades into ``out``;
        ``E-DISK``.
    KeyboardInterrupt
        At once; what is done stays.
    """
    submissions, out = Path(submissions), Path(out)
    _check_places(submissions, out)
    sandbox = Sandbox.find() if sandboxed else None
    with lock(out / ".lock", f"the folder of grades {out}"):
        read = _read(submissions, progress)
        file = Path(settings) if settings is not None else out / "homework.toml"
        is_new = settings is None and not os.path.lexists(file)
        if is_new:
            write_template(file, tasks.load(task or _task_of(read)))
        chosen = load(file)
        known_task = _agreed(chosen, task, file, read)
        chosen = with_points(chosen, known_task, file.parent)
        roster = roster_of(chosen, file.parent)
        pieces = unique([piece_of(one, known_task) for one in read])
        runs = _Runs(known_task, chosen, sandbox, Known(out / "results"))
        found, n_new, n_known = runs.all_of(pieces, n_workers or default_workers(), progress)
        pairs, faults = _alike(pieces, known_task, chosen.homework.similarity)
        grades = grades_of(
            known_task,
            chosen,
            [(piece, found[piece.name]) for piece in pieces],
            roster=roster,
            flags=() if sandbox else runs.in_force,
        )
        grades = with_flags(with_flags(grades, flags_of_pairs(pairs)), faults)
        ran = Ran(
            known_task,
            chosen,
            "; ".join(runs.in_force),
            names_hold_ids(pieces),
            Boards(out / "boards").of,
        )
        grades = _write(out, ran, grades, pieces, pairs)
    counts = (n_new, n_known, runs.in_force)
    return Graded(known_task.name, tuple(grades), tuple(pairs), *counts, out, file, is_new)


def _write(
    out: Path, ran: Ran, grades: Sequence[Grade], pieces: Sequence[Piece], pairs: Sequence[Pair]
) -> list[Grade]:
    """Table, pages, summary; the grades with what drawing the pages added."""
    pages, known = drawn(ran, grades, {piece.name: piece for piece in pieces})
    write_table(out / TABLE, ran.task, known, decimal=ran.settings.homework.decimal)
    names = write_feedback(out / FEEDBACK, known, pages)
    links = {submission: f"{FEEDBACK}/{name}" for submission, name in names.items()}
    write_summary(out / SUMMARY, ran, known, pairs, links)
    return known


# ------------------------------------------------------------------------------- before it runs


def _read(folder: Path, progress: Progress) -> list[Submission]:
    """All submissions; of what is no program only the names are kept."""
    entries = entries_of(folder)
    read = []
    for entry in progress.track(entries, "reading", len(entries)):
        try:
            one = read_entry(entry)
        except Exception as error:  # the others are graded all the same
            problem = f"could not be read: {type(error).__name__}: {error}"
            one = Submission(entry.name, 0.0, "", {}, (), (problem,))
        read.append(replace(one, files=dict.fromkeys(one.files, b"")))
    return read


def _check_places(submissions: Path, out: Path) -> None:
    if not submissions.exists():
        message = f"there is no {submissions}; expected a folder or a zip file of submissions"
        raise InputError("E-PATH-MISSING", message)
    source, target = submissions.resolve(), out.resolve()
    if target.is_relative_to(source) or source.is_relative_to(target):
        raise InputError(
            "E-ARGUMENT",
            f"the grades {out} and the submissions {submissions} lie in each other; expected a folder of "
            "its own for the grades, for nothing is written among what was handed in",
        )
    if target.exists() and not target.is_dir():
        raise InputError("E-ARGUMENT", f"{out} is a file; expected a folder for the grades")


def _task_of(read: Sequence[Submission]) -> str:
    """The one task that the submissions are for."""
    counts = Counter(name for one in read for name in {program.task for program in one.programs})
    known = {name: n for name, n in counts.items() if name in tasks.NAMES}
    if len(known) == 1:
        return next(iter(known))
    names = ", ".join(tasks.NAMES)
    if not read:
        message = f"no submission says which task it is for: none is there; expected --task, one of {names}"
    elif not known:
        message = f"no submission says which task it is for; expected --task, one of {names}"
    else:
        held = ", ".join(f"{name} ({n})" for name, n in sorted(known.items()))
        message = f"the submissions are for {held}; expected --task and a folder of grades for each"
    raise InputError("E-ARGUMENT", message)


def _agreed(
    settings: HomeworkSettings, task: str | None, file: Path, read: Sequence[Submission]
) -> Task:
    """The task of the settings, which a task that was asked for must be."""
    name = settings.homework.task or task or _task_of(read)
    if task and name != task:
        raise InputError(
            "E-ARGUMENT",
            f"--task is {task}, but {file.name} is for {name}; expected the same - another folder "
            "of grades for another task?",
        )
    known = tasks.load(name)
    settings.check(known, file.name)
    if not task:
        _check_class(name, file, read)
    return known


def _check_class(name: str, file: Path, read: Sequence[Submission]) -> None:
    """Another task's class would take the place of the table and of the pages."""
    held = Counter(task for one in read for task in {program.task for program in one.programs})
    other, n = max(held.items(), key=lambda pair: (pair[1], pair[0]), default=(name, 0))
    if other in tasks.NAMES and n > max(STRAY, held[name]):
        raise InputError(
            "E-ARGUMENT",
            f"{n} submissions are for {other} and {held[name]} for {name}, the task of {file.name}; "
            f"expected a folder of grades for each task - --task {name} grades them all the same",
        )


# ------------------------------------------------------------------------------------- the runs


@dataclass(frozen=True)
class _Runs:
    """What all runs share."""

    task: Task
    settings: HomeworkSettings
    sandbox: Sandbox | None
    known: Known

    @property
    def in_force(self) -> tuple[str, ...]:
        """What confines the code."""
        if self.sandbox is None:
            return (UNSANDBOXED,)
        return tuple(self.sandbox.words(self.settings.run_limits()))

    def key(self, piece: Piece, source: str) -> str:
        """Digest of all that a result depends on."""
        return digest_json(
            {
                "submission": piece.digest,
                "task": [self.task.name, self.task.version],
                "salt": self.settings.homework.salt,
                "limits": asdict(self.settings.run_limits()),
                "in force": self.in_force,
                "source": source,
            }
        )

    def all_of(
        self, pieces: Sequence[Piece], n_workers: int, progress: Progress
    ) -> tuple[Mapping[str, Result | str], int, int]:
        """What was found in each piece, by name; how many ran, how many were known."""
        source = _source()
        found: dict[str, Result | str] = {}
        todo: list[Piece] = []
        n_known = 0
        for piece in pieces:
            if piece.reason:
                found[piece.name] = unread_result(piece, self.task)
            elif (known := self.known.get(self.key(piece, source))) is not None:
                found[piece.name] = known
                n_known += 1
            else:
                todo.append(piece)

        def run(piece: Piece) -> Result | str:
            try:
                result = self._run(piece)
            except Exception as error:  # one submission must not stop the others
                return f"{type(error).__name__}: {error}"
            return self.known.put(self.key(piece, source), result)

        done = _in_threads(run, todo, n_workers)
        for i, result in progress.track(done, "grading", len(todo)):
            found[todo[i].name] = result
        return found, len(todo), n_known

    def _run(self, piece: Piece) -> Result:
        if piece.program is None:
            raise TypeError(f"{piece.name} has no program")
        return assess(
            piece.program,
            self.task,
            salt=self.settings.homework.salt,
            files=piece.files,
            limits=self.settings.run_limits(),
            sandbox=self.sandbox,
        )


# What a result depends on; pages and the words of a check it does not.
JUDGES = (
    *(f"homework/{name}.py" for name in ("answers", "assessing", "draw", "parts", "properties")),
    "homework/singular_properties.py",
    *(f"homework/{name}/*.py" for name in ("reading", "running", "tasks")),
    "linear/*.py",
    "_check.py",
)


def _source(root: Path | None = None) -> str:
    """Digest of the source that runs and judges, and of what it computes with."""
    root = root or Path(ddasp.__file__).parent
    found = sorted(path for judge in JUDGES for path in root.glob(judge))
    files = [(path.relative_to(root).as_posix(), digest_file(path)) for path in found]
    return digest_json([files, platform.python_version(), version("numpy")])


def _in_threads(
    run: Callable[[Piece], Result | str], todo: Sequence[Piece], n_workers: int
) -> Iterator[tuple[int, Result | str]]:
    """Results as they come. Daemon threads: after Ctrl-C nobody waits for what still runs."""
    waiting: queue.SimpleQueue[tuple[int, Piece] | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Result | str | BaseException]] = queue.SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        while (item := waiting.get()) is not None and not stopped.is_set():
            i, piece = item
            try:
                done.put((i, run(piece)))
            except BaseException as error:  # a full disk stops the grading
                done.put((i, error))

    for item in enumerate(todo):
        waiting.put(item)
    threads = min(n_workers, len(todo))
    for _ in range(threads):
        waiting.put(None)
        threading.Thread(target=work, daemon=True).start()
    try:
        for _ in todo:
            i, result = done.get()
            if isinstance(result, BaseException):
                raise result
            yield i, result
    finally:
        stopped.set()


def _alike(
    pieces: Sequence[Piece], task: Task, least: float
) -> tuple[list[Pair], dict[str, list[str]]]:
    """Pairs of different ids whose code is alike beyond what was handed out; who was not compared."""
    prints, faults = {}, {}
    programs = [piece for piece in pieces if piece.program is not None]
    # One sheet will do: numbers, in which those of two students differ, leave no mark.
    handed_out = cells_of(task, task.draw(programs[0].student)) if programs else []
    for piece in programs:
        cells = piece.program.cells if piece.program else ()
        try:
            prints[piece.name] = similarity.fingerprint(cells, handed_out)
        except Exception as error:  # the others are compared all the same
            says = f"{type(error).__name__}: {error}"
            faults[piece.name] = [f"could not be compared with others: {says[:200]}"]
    student = {piece.name: piece.student for piece in pieces}
    found = similarity.pairs(prints, least)
    return [pair for pair in found if student[pair.first] != student[pair.second]], faults
