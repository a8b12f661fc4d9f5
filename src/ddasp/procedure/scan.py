"""Find the sounds in a folder, and say what was passed over and why.

*Conventions*: paths are shown relative to the folder, with slashes; bytes that are no UTF-8 are shown
with a backslash. Nothing outside the folder is looked at, and nothing is visited twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ddasp._errors import InputError
from ddasp.audio.files import SUFFIXES

__all__ = ["IGNORED", "Ignored", "Scan", "SoundFile", "inputs", "real_path", "scan", "shown"]

IGNORED = ("__MACOSX", "Thumbs.db", "desktop.ini", "hidden files")


@dataclass(frozen=True)
class SoundFile:
    """A file: how it is shown, and its real path (undecodable bytes as lone surrogates)."""

    shown: str
    path: str

    @property
    def is_odd(self) -> bool:
        """Whether bytes of its name are no UTF-8."""
        return not os.fsencode(self.path).endswith(self.shown.encode())


@dataclass(frozen=True)
class Ignored:
    """What was passed over in a folder, and why."""

    shown: str
    why: str


@dataclass(frozen=True)
class Scan:
    """The sounds of a folder in the order of their names, and what is no sound."""

    files: tuple[SoundFile, ...]
    ignored: tuple[Ignored, ...]

    def ignored_counts(self) -> dict[str, int]:
        """How many were passed over for each reason."""
        counts: dict[str, int] = {}
        for item in sorted(self.ignored, key=lambda item: item.why):
            counts[item.why] = counts.get(item.why, 0) + 1
        return counts


def shown(path: str | os.PathLike) -> str:
    r"""A path as text that can be printed and stored.

    Examples
    --------
    >>> shown(os.fsdecode(b"kick/\xff 1.wav"))
    'kick/\\xff 1.wav'
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def real_path(root: Path, name: str) -> Path:
    """The file that a shown path stands for."""
    told = name.encode("utf-8", "surrogateescape")  # whatever the locale calls the same bytes
    path = Path(root) / os.fsdecode(told)
    if "\\x" in name and not os.path.lexists(path):
        raw = re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), told)
        return Path(root) / os.fsdecode(raw)
    return path


def scan(root: Path) -> Scan:
    """Find the sounds below a folder.

    Parameters
    ----------
    root : Path
        The folder. Hidden files, what operating systems leave behind, run folders and files whose
        ending is that of no sound format are passed over and listed. Links to folders are not
        followed (inside the folder their target is found anyway); a link to a file outside is
        listed, and rejected by `examine`.

    Returns
    -------
    Scan

    Raises
    ------
    InputError
        ``E-PATH-MISSING`` when there is no such folder.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError("E-PATH-MISSING", f"{shown(root)} is no folder; expected one with sounds")
    files: list[SoundFile] = []
    ignored: list[Ignored] = []
    visited: set[tuple[int, int]] = set()
    waiting = [(os.fspath(root), "")]
    while waiting:
        folder, below = waiting.pop()
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in visited:  # a mount or hard link that leads in a circle
            ignored.append(Ignored(shown(below), "a folder that was visited before"))
            continue
        visited.add((status.st_dev, status.st_ino))
        for entry in _entries(folder, below, ignored):
            name = f"{below}{entry.name}"
            why = _why_ignored(entry)
            if why:
                ignored.append(Ignored(shown(name), why))
            elif entry.is_dir(follow_symlinks=False):
                waiting.append((entry.path, f"{name}/"))
            else:
                files.append(SoundFile(shown(name), entry.path))
    return Scan(
        tuple(sorted(files, key=lambda file: file.shown)),
        tuple(sorted(ignored, key=lambda item: item.shown)),
    )


def _entries(folder: str, below: str, ignored: list[Ignored]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        ignored.append(Ignored(shown(below), f"a folder that can't be read ({error.strerror})"))
        return []


def _why_ignored(entry: os.DirEntry[str]) -> str:
    """Why an entry is no sound; blank when it is one, or a folder to look into."""
    if entry.name in IGNORED:
        return f"left behind by an operating system ({entry.name})"
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_dir(follow_symlinks=False):
        return "a run of ddasp" if os.path.exists(os.path.join(entry.path, "run.json")) else ""
    suffix = os.path.splitext(entry.name)[1].lower()
    if entry.is_symlink() and os.path.isdir(entry.path):  # of a link that leads to itself: False
        return "a link to a folder"
    if suffix in SUFFIXES:
        return ""
    return f"no sound by its ending ({shown(suffix) or 'none'})"


def inputs(paths: Sequence[Path]) -> list[tuple[Path, str]]:
    """Sound files among files and folders, each with how it is shown; a missing one fails when read.

    Raises
    ------
    InputError
        ``E-DATA`` when there is none.
    """
    found = list(_inputs(paths))
    if not found:
        raise InputError(
            "E-DATA", f"no sounds in {', '.join(map(str, paths))}; expected files or folders"
        )
    return found


def _inputs(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    for path in paths:
        if os.path.isdir(path):
            for file in scan(Path(path)).files:
                yield Path(file.path), shown(file.path)
        else:
            yield Path(path), shown(path)
