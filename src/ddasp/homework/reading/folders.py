"""Folders that a platform or the lecturer made of what students handed in.

What has no place in a submission is passed over and named; there is no author who would choose what is
read, as there is of an archive. No link is followed, nothing but regular files is opened, and nothing is
waited for.

*Conventions*: the bounds are those of archives; so are the rules for names.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ddasp._errors import InputError
from ddasp.homework.reading.archives import (
    Bounds,
    Contents,
    bad_name,
    bad_suffix,
    is_litter,
    suffix_of,
    too_deep,
)
from ddasp.homework.reading.zip_entries import shown

__all__ = ["read_file", "read_folder"]


def read_file(path: Path, most: int) -> tuple[bytes, float]:
    """A regular file's bytes, and when it was written; no link is followed, nothing waited for.

    Parameters
    ----------
    path : Path
    most : int
        Bytes.

    Raises
    ------
    InputError
        ``E-SUBMISSION`` when it is a link, no file, too large or can't be read.
    """
    name = shown(path.name)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if path.is_symlink():
            raise InputError("E-SUBMISSION", f"{name} is a link; expected a file")
        with open(os.open(path, flags), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise InputError("E-SUBMISSION", f"{name} is no regular file")
            data = file.read(most + 1)
    except OSError as error:
        why = error.strerror or error
        raise InputError("E-SUBMISSION", f"{name} can't be read ({why})") from error
    if len(data) > most:
        raise InputError(
            "E-SUBMISSION",
            f"{name} goes beyond {most} bytes, which is what its submission may still hold",
        )
    return data, about.st_mtime


def read_folder(path: Path, bounds: Bounds | None = None, *, zips: bool = True) -> Contents:
    """The files of a folder; what has no place in it is passed over and named.

    Parameters
    ----------
    path : Path
    bounds : Bounds, optional
    zips : bool
        Whether zip files are read too (as they are).

    Returns
    -------
    Contents

    Raises
    ------
    InputError
        ``E-SUBMISSION`` when there is too much of it, or it can't be read.
    """
    bounds = bounds or Bounds()
    files, times, skipped = {}, {}, []
    left = bounds.size
    for n, (name, item) in enumerate(_walk(path)):
        if n >= bounds.files:
            raise InputError(
                "E-SUBMISSION",
                f"{shown(path.name)} holds more than {bounds.files} files and folders",
            )
        if why := _passed_over(name, item, bounds, zips):
            skipped.append(f"{shown(name)} ({why})")
        elif not item.is_dir(follow_symlinks=False):
            files[name], times[name] = read_file(Path(item.path), left)
            left -= len(files[name])
    return Contents(dict(sorted(files.items())), times, tuple(skipped))


def _walk(path: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Everything below a folder in the order of names, links and litter not entered."""
    below = [("", str(path))]
    while below:
        start, folder = below.pop()
        try:
            with os.scandir(folder) as items:
                found = sorted(items, key=lambda item: item.name)
        except OSError as error:
            why = error.strerror or error
            raise InputError("E-SUBMISSION", f"{shown(folder)} can't be read ({why})") from error
        for item in found:
            name = start + item.name
            yield name, item
            if item.is_dir(follow_symlinks=False) and not _closed(item.name):
                below.append((f"{name}/", item.path))


def _passed_over(name: str, item: os.DirEntry[str], bounds: Bounds, zips: bool) -> str:
    """Why something in a folder is not read; blank where it is."""
    if who := is_litter(name):
        return f"left by {who}"
    if item.is_symlink():
        return "a link"
    folder = item.is_dir(follow_symlinks=False)
    if not folder and not item.is_file(follow_symlinks=False):
        return "no regular file"
    if says := bad_name(name) or too_deep(name, bounds):
        return says
    welcome = zips and suffix_of(name) == ".zip" and not item.name.startswith(".")
    return "" if welcome else bad_suffix(name + "/" * folder)


def _closed(name: str) -> bool:
    """Whether a folder is not looked into."""
    return name.startswith(".") or bool(is_litter(name))
