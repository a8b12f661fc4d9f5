"""A folder of notebooks that is brought up to date and never loses a reader's work.

Beside the notebooks stands ``.ddasp-course.json`` with the digest of each as it was written. A notebook
that is still as it was written is replaced by the new lesson; one that its reader changed (running it
changes it too) is kept, and the new lesson stands beside it as ``NAME.new.ipynb``, once.

*Conventions*: nothing is deleted; every file is whole or absent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ddasp._errors import InputError
from ddasp._files import digest_bytes, write_text
from ddasp.course.lessons import NAMES, TASKS, folder, load
from ddasp.course.notebooks import for_reader, map_of_lessons
from ddasp.course.references import read

__all__ = ["Written", "contents", "write"]

LEDGER = ".ddasp-course.json"


@dataclass(frozen=True)
class Written:
    """What was done with each notebook, by file name.

    Parameters
    ----------
    new, renewed, unchanged : tuple of str
        Written for the first time; replaced by a newer lesson; the same already.
    kept : tuple of str
        Changed by their reader; where the lesson is newer, it was written beside.
    beside : tuple of str
        The files written beside those.
    """

    new: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def contents() -> dict[str, str]:
    """All notebooks, file name to JSON, the map first.

    Examples
    --------
    >>> next(iter(contents()))
    'index.ipynb'
    """
    bibliography = read(folder() / "references.bib")
    lessons = [load(name) for name in (*NAMES, *TASKS)]
    return {
        "index.ipynb": map_of_lessons(lessons),
        **{f"{lesson.name}.ipynb": for_reader(lesson, bibliography) for lesson in lessons},
    }


def write(out: Path) -> Written:
    """Write the course into a folder.

    Parameters
    ----------
    out : Path
        It is made where it is missing; what else lies in it is left alone.

    Returns
    -------
    Written

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when it is a file, or a notebook's place is taken by a folder.
    RunError
        ``E-DISK`` when it can't be written.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError(
            "E-ARGUMENT", f"{out} is a file; expected a folder, or a name that is free"
        )
    ledger = _ledger(out / LEDGER)
    done: dict[str, list[str]] = {
        "new": [],
        "renewed": [],
        "unchanged": [],
        "kept": [],
        "beside": [],
    }
    for name, text in contents().items():
        state = _state(out / name, text, ledger.get(name, ""))
        done[state].append(name)
        if state in ("new", "renewed"):
            _write(out / name, text)
        elif state == "kept" and ledger.get(name) != _digest(text):
            beside = _free_name(out, name, text, ledger)
            _write(out / beside, text)
            ledger[beside] = _digest(text)
            done["beside"].append(beside)
        ledger[name] = _digest(text)
    write_text(out / LEDGER, json.dumps(ledger, indent=1, sort_keys=True) + "\n")
    return Written(**{state: tuple(names) for state, names in done.items()})


def _state(path: Path, text: str, written: str) -> str:
    """What is to be done with a notebook: the name of the field that it belongs to."""
    if not path.exists() and not path.is_symlink():
        return "new"
    if not path.is_file():
        raise InputError("E-ARGUMENT", f"{path} is no file; expected a notebook, or nothing there")
    there = digest_bytes(path.read_bytes())
    if there == _digest(text):
        return "unchanged"
    return "renewed" if there == written else "kept"


def _free_name(out: Path, name: str, text: str, ledger: dict[str, str]) -> str:
    """NAME.new.ipynb, or a number after it where a reader has changed that one too."""
    for k in count(1):
        beside = str(Path(name).with_suffix(f".new{k if k > 1 else ''}.ipynb"))
        if _state(out / beside, text, ledger.get(beside, "")) != "kept":
            break
    return beside


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)


def _digest(text: str) -> str:
    return digest_bytes(text.encode())


def _ledger(path: Path) -> dict[str, str]:
    """What was written here before; blank when that can't be read, so that nothing is replaced."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
