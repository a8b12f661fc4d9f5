r"""Submissions: what one student handed in, as one entry of the lecturer's folder.

An entry is a notebook or a .py file, a .zip, or a folder as learning platforms make them
("Surname Name_123_assignsubmission_file_/homework.ipynb"), which may hold a .zip again. Instead of a
folder the lecturer may name the platform's bulk download, a zip: what stands at its top are the entries,
and a student's zip in it is opened by the rules for students' zips (`archives`), in memory.

    for entry in entries_of(path):          # cheap: names only; an Entry can be sent to a worker
        submission = read_entry(entry)      # reads and inflates this one; never raises for its content
        submission.digest                   # skip it if it is known

    read_submission(path)                   # the same by path, where `path` is no bulk download

*Conventions*: ``received`` is when the entry's file was written on the lecturer's disk (of a folder: the
newest of its programs and zips), in seconds since 1970; never a date from a student's zip, which can be
typed. In a bulk download it is the entry's date there, which the platform wrote. The digest depends on
names and contents only, so a folder and a zip with the same files have the same one. A notebook or .py file
that states none of TASK, STUDENT and VERSION is no program but one of the other files (a comparison made at
home), unless there is no program at all. Programs for the same task must be copies of each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ddasp._errors import InputError
from ddasp._files import digest_bytes
from ddasp.homework.reading.archives import (
    Bounds,
    Contents,
    bad_suffix,
    complaints,
    is_litter,
    read_archive,
    read_entries,
    suffix_of,
)
from ddasp.homework.reading.folders import read_file, read_folder
from ddasp.homework.reading.programs import PROGRAMS, Program, is_stated, read_program
from ddasp.homework.reading.sources import Cell
from ddasp.homework.reading.zip_entries import refused, shown, zip_entries

__all__ = [
    "Cell",
    "Entry",
    "Program",
    "Submission",
    "entries_of",
    "read_entry",
    "read_program",
    "read_submission",
]

MOST_PROGRAMS = 20  # notebooks and .py files of one submission: each takes time to read
MOST_ZIPS = 20
BULK = 100_000  # entries of a platform's download: its own bound, students have theirs


@dataclass(frozen=True)
class Entry:
    """One submission, not read yet.

    Parameters
    ----------
    path : Path
        The file or folder; or the bulk download.
    inside : str
        Its name in the bulk download; blank without one.
    """

    path: Path
    inside: str = ""

    @property
    def name(self) -> str:
        """What it is called, in characters that can be printed."""
        return shown(self.inside.rstrip("/").rsplit("/", 1)[-1] or self.inside or self.path.name)


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Parameters
    ----------
    name : str
        Of its file or folder.
    received : float
        Seconds since 1970.
    digest : str
        Of all names and contents.
    files : dict of str to bytes
        What is no program, by its name within the submission.
    programs : tuple of Program
        One for each task.
    problems : tuple of str
        What can't be read or is refused, with its code.
    skipped : tuple of str
        What was passed over as no part of the work (litter of operating systems), and why.
    """

    name: str
    received: float
    digest: str
    files: dict[str, bytes]
    programs: tuple[Program, ...]
    problems: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def entries_of(path: Path) -> list[Entry]:
    """What there is to grade, in the order of names.

    Parameters
    ----------
    path : Path
        A folder, or a platform's bulk download (.zip), of which each thing at the top is one entry.

    Returns
    -------
    list of Entry
        Hidden files and litter left out; what can't be read is in it and says so when it is.

    Raises
    ------
    InputError
        ``E-SUBMISSION`` when there is no such folder, ``E-ARCHIVE`` for a download that is damaged.
    """
    try:
        if path.is_dir():
            found = sorted(item for item in path.iterdir() if _is_one(item.name))
            return [Entry(item) for item in found]
        if path.is_file() and _is_zip(path.name):
            with open(path, "rb") as file:
                names = [entry.name for entry in zip_entries(file, path.name, BULK)]
            return [Entry(path, top) for top in _tops(names)]
    except OSError as error:
        why = error.strerror or error
        raise InputError("E-SUBMISSION", f"{shown(str(path))} can't be read ({why})") from error
    raise InputError(
        "E-SUBMISSION",
        f"{shown(str(path))} is no folder and no .zip; expected the folder of the submissions, or the "
        "platform's download of all",
    )


def read_submission(path: Path) -> Submission:
    """The submission of that path.

    Parameters
    ----------
    path : Path
        A notebook, a .py file, a student's .zip, or a folder.
    """
    return read_entry(Entry(path))


def read_entry(entry: Entry) -> Submission:
    """Read what a student handed in; what is wrong with it becomes its problems.

    Parameters
    ----------
    entry : Entry

    Returns
    -------
    Submission
        Without programs where nothing can be read.
    """
    bounds = Bounds()
    try:
        found = _in_download(entry, bounds) if entry.inside else _on_disk(entry.path, bounds)
        received = _received(entry, found)
    except (InputError, OSError) as error:
        return Submission(entry.name, _written(entry.path), _unread(entry), {}, (), (str(error),))
    contents, refused_zips, problems = _opened(found, entry.name, bounds)
    programs, files, more = _programs(contents.files)
    digest = digest_bytes(
        *(
            part
            for name, data in sorted({**contents.files, **refused_zips}.items())
            for part in (name.encode(), data)
        )
    )
    return Submission(
        entry.name, received, digest, files, programs, (*problems, *more), contents.skipped
    )


def _is_one(name: str) -> bool:
    """Whether a name at the top is one of a submission."""
    hidden = name.startswith(".") and name not in (".", "..")  # those two are refused when read
    return not hidden and not is_litter(name)


def _tops(names: Sequence[str]) -> list[str]:
    """What stands at the top of a download; or in its one folder, if that holds no program."""
    tops = _below(names, "")
    if len(tops) == 1:
        inner = _below(names, f"{tops[0]}/")
        if len(inner) > 1 and not any(name.lower().endswith(PROGRAMS) for name in inner):
            return inner
    return tops


def _below(names: Sequence[str], start: str) -> list[str]:
    found = {
        name.removeprefix(start).split("/", 1)[0] or "/"  # a name may begin at the root
        for name in names
        if name.startswith(start) and name != start
    }
    return sorted(start + name for name in found if _is_one(name))


def _written(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _unread(entry: Entry) -> str:
    """A digest for what can't be read: it changes when the file does."""
    try:
        about = entry.path.lstat()
        facts = f"{about.st_size} {about.st_mtime_ns}"
    except OSError as error:
        facts = str(error.errno)
    return digest_bytes(entry.name.encode(), facts.encode())


def _on_disk(path: Path, bounds: Bounds) -> Contents:
    """What lies at a path, zip files as they are."""
    if path.is_dir() and not path.is_symlink():
        return read_folder(path, bounds)
    _must_be_one(path.name)
    data, written = read_file(path, bounds.size)
    return Contents({shown(path.name): data}, {shown(path.name): written})


def _in_download(entry: Entry, bounds: Bounds) -> Contents:
    """What an entry of a bulk download holds, zip files as they are."""
    start = entry.inside.rstrip("/") + "/"
    with open(entry.path, "rb") as file:
        listed = zip_entries(file, entry.path.name, BULK)
        group = [e for e in listed if e.name == entry.inside or e.name.startswith(start)]
        if len(group) > bounds.files:
            raise refused(
                entry.name, f"holds {len(group)} entries; expected at most {bounds.files}"
            )
        for bad, says in complaints(group, bounds, any_suffix=True, below=start):
            raise refused(entry.path.name, says, bad.name)
        if [e.name for e in group] == [entry.inside]:
            _must_be_one(entry.inside)
            start = entry.inside[: entry.inside.rfind("/") + 1]
        welcome, skipped = [], []
        for e in group:
            why = "" if is_litter(e.name) or _is_zip(e.name) else bad_suffix(e.name)
            if why:
                skipped.append(f"{shown(e.name.removeprefix(start))} ({why})")
            else:
                welcome.append(e)
        contents = read_entries(file, welcome, entry.path.name, bounds, start)
    return replace(contents, skipped=(*contents.skipped, *skipped))


def _is_zip(name: str) -> bool:
    return suffix_of(name) == ".zip"


def _must_be_one(name: str) -> None:
    if not _is_zip(name) and suffix_of(name) not in PROGRAMS:
        raise InputError(
            "E-SUBMISSION",
            f"{shown(name)} is no submission; expected a notebook (.ipynb), a .py file, a .zip or a folder",
        )


def _received(entry: Entry, found: Contents) -> float:
    """When the newest of the programs and zips was written, on the lecturer's side."""
    times = [t for name, t in found.times.items() if suffix_of(name) in (*PROGRAMS, ".zip")]
    return max(times, default=_written(entry.path))


def _opened(
    found: Contents, name: str, bounds: Bounds
) -> tuple[Contents, dict[str, bytes], list[str]]:
    """The contents with zips opened; zips that were refused, and why."""
    files = {key: data for key, data in found.files.items() if not _is_zip(key)}
    left = bounds.size - sum(len(data) for data in files.values())
    skipped, closed, problems = list(found.skipped), {}, []
    zips = sorted(found.files.keys() - files.keys())
    if len(zips) > MOST_ZIPS:
        says = f"it holds {len(zips)} zip files; expected at most {MOST_ZIPS}"
        closed = {key: found.files[key] for key in zips}
        return replace(found, files=files), closed, [f"E-SUBMISSION: {says}"]
    for key in zips:
        start = "" if len(found.files) == 1 and key == name else f"{key}/"
        try:
            more = max(0, bounds.files - len(files) - len(skipped))
            inner = read_archive(found.files[key], key, replace(bounds, size=left, files=more))
        except InputError as error:
            problems.append(str(error))
            closed[key] = found.files[key]
            continue
        left -= sum(len(data) for data in inner.files.values())
        files |= {start + inside: data for inside, data in inner.files.items()}
        skipped += [start + line for line in inner.skipped]
    return Contents(dict(sorted(files.items())), {}, tuple(skipped)), closed, problems


def _programs(
    contents: Mapping[str, bytes],
) -> tuple[tuple[Program, ...], dict[str, bytes], list[str]]:
    """The programs, one for each task; all other files; and what is wrong."""
    found: dict[str, list[Program]] = {}
    files, problems, silent = {}, [], []
    n = sum(suffix_of(name) in PROGRAMS for name in contents)
    if n > MOST_PROGRAMS:
        says = f"it holds {n} notebooks and .py files; expected at most {MOST_PROGRAMS}"
        return (), dict(contents), [f"E-SUBMISSION: {says}"]
    for name, data in contents.items():
        if suffix_of(name) not in PROGRAMS:
            files[name] = data
            continue
        try:
            program = read_program(name, data)
        except InputError as error:
            if is_stated(name, data):
                problems.append(str(error))
            else:  # a program of another kind, a comparison made at home
                files[name] = data
                silent.append(str(error))
            continue
        same = found.setdefault(program.task, [])
        if not any(_says_the_same(program, other) for other in same):
            same.append(program)
    if not found and not problems:
        problems = silent or ["E-SUBMISSION: there is no notebook (.ipynb) and no .py file in it"]
    problems += [_too_many(task, same) for task, same in found.items() if len(same) > 1]
    return tuple(same[0] for same in found.values() if len(same) == 1), files, problems


def _says_the_same(one: Program, other: Program) -> bool:
    """Whether two files hold the same program: copies, or a notebook saved with other outputs."""
    sources = [[cell.source for cell in program.cells] for program in (one, other)]
    return sources[0] == sources[1]


def _too_many(task: str, programs: Sequence[Program]) -> str:
    names = " and ".join(program.name for program in programs)
    error = InputError(
        "E-SUBMISSION",
        f"{names} are different programs for {task}; expected one - which of them counts?",
    )
    return str(error)
