"""`homework.toml` as a file: read with errors that teach, written once, never overwritten.

*Conventions*: the file holds the salt, so only its owner may read it (mode 0600). All errors of a
file are said at once, by key, value and what is allowed. The roster's path starts at the folder of
the file.

*References*: TOML 1.0.0; RFC 4180 (CSV).
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import secrets
import tempfile
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ddasp._errors import InputError, RunError
from ddasp.homework.draw import student_id
from ddasp.homework.grades.settings import (
    HomeworkSettings,
    HomeworkTable,
    LateTable,
    LimitsTable,
    Table,
)
from ddasp.homework.parts import Task
from ddasp.procedure.settings_errors import explain, refuse, toml

__all__ = ["load", "parse", "roster_of", "template", "with_points", "write_template"]

# ---------------------------------------------------------------------------------- reading


def parse(text: str, *, name: str = "homework.toml") -> HomeworkSettings:
    r"""Read settings from text.

    Parameters
    ----------
    text : str
        TOML.
    name : str
        Of the file, for messages.

    Raises
    ------
    InputError
        ``E-PROBLEM``; the message names every key that is wrong, its value and what is allowed.

    Examples
    --------
    >>> parse('[homework]\nsalt = "0123456789abcdef"\ndeadline = 2026-12-01T23:59:59')
    Traceback (most recent call last):
    ddasp._errors.InputError: E-PROBLEM: homework.toml has 1 error
      [homework] deadline = "2026-12-01T23:59:59": expected a date, a time and the offset from UTC...
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError("E-PROBLEM", _no_toml(text, name, str(error))) from error
    tables.setdefault("homework", {})
    if isinstance(tables["homework"], dict):
        tables["homework"].setdefault("salt", "")  # a blank one says how to get one
    try:
        return HomeworkSettings.model_validate(tables)
    except ValidationError as error:
        errors = [explain(dict(item), HomeworkSettings) for item in error.errors()]
        refuse(errors, name)
        raise


def _no_toml(text: str, name: str, says: str) -> str:
    """What is wrong, the line itself (never the salt's), and what was probably meant."""
    place = re.search(r"line (\d+)", says)
    lines = text.split("\n")
    wrong = lines[int(place[1]) - 1].strip() if place and int(place[1]) <= len(lines) else ""
    key, _, value = wrong.partition("=")
    hint, known = "", key.strip().strip("\"'")
    if known == "deadline" or re.search(r"date|time", says) or re.search(r"\d[.:]\d+[.:T ]", value):
        hint = " - write a time as 2026-12-01T23:59:59+01:00, without quotes"
    elif re.match(r"\s*\d+,\d", value):
        hint = " - write the decimal sign as a point, 0.5"
    shown = f"\n  {wrong[:80]}" if wrong and "salt" not in wrong.lower() else ""
    return f"{name} is no valid TOML: {says}{hint}{shown}"


def load(path: Path) -> HomeworkSettings:
    """Read a `homework.toml`.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        ``E-PATH-MISSING`` when it can't be read; ``E-PROBLEM`` with all errors in it.
    """
    path = Path(path)
    tail = " - without --settings one is written beside the grades"
    return parse(_text_of(path, path.name, tail), name=path.name)


def _text_of(path: Path, name: str, tail: str = "") -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        says = f"{name} is no UTF-8 text: {error.reason} - was it saved as another encoding?"
        raise InputError("E-PROBLEM", says) from error
    except OSError as error:
        message = f"could not read {path}: {error.strerror}{tail}"
        raise InputError("E-PATH-MISSING", message) from error


def roster_of(settings: HomeworkSettings, base: Path) -> tuple[str, ...] | None:
    """The ids that the roster lists, in its order; None without one.

    Parameters
    ----------
    settings : HomeworkSettings
    base : Path
        The folder of `homework.toml`.

    Raises
    ------
    InputError
        ``E-PATH-MISSING`` when there is no such file, ``E-PROBLEM`` when it has no column id or
        something else stands in it.
    """
    if not settings.homework.roster:
        return None
    path = Path(base) / settings.homework.roster
    columns, rows = _csv_of(path, f"the roster {path.name}")
    if "id" not in columns:
        found = ", ".join(columns) or "nothing"
        message = f"the roster {path.name} has {found} in its first line; expected a column id"
        raise InputError("E-PROBLEM", message)
    at = columns.index("id")
    known = (row[at] for row in rows if len(row) > at and row[at].strip())
    try:
        return tuple(dict.fromkeys(student_id(text) for text in known))
    except InputError as error:
        raise InputError("E-PROBLEM", f"the roster {path.name}: {error.message}") from error


def with_points(settings: HomeworkSettings, task: Task, base: Path) -> HomeworkSettings:
    """The settings with the points of `points_file`; those of the table ``[points]`` go first.

    Parameters
    ----------
    settings : HomeworkSettings
    task : Task
    base : Path
        The folder of `homework.toml`.

    Raises
    ------
    InputError
        ``E-PATH-MISSING`` when there is no such file, ``E-PROBLEM`` with all that is wrong in it.
    """
    if not settings.homework.points_file:
        return settings
    path = Path(base) / settings.homework.points_file
    columns, rows = _csv_of(path, f"the points {path.name}")
    weights = settings.weights_of(task)
    keys = [re.sub(r"^part\s+", "", name) for name in columns]
    at = next((columns.index(name) for name in ("id", "student") if name in columns), -1)
    parts = {i: key for i, key in enumerate(keys) if key in weights}
    strange = [name for i, name in enumerate(columns) if i not in parts and name != keys[i]]
    if at < 0 or not parts or strange or len(set(parts.values())) < len(parts):
        raise InputError(
            "E-PROBLEM",
            f"the points {path.name} have {', '.join(columns) or 'nothing'} in their first line; "
            f"expected id and, once each, parts out of {', '.join(weights)}",
        )
    given: dict[str, dict[str, float]] = {}
    errors = []
    for n, row in enumerate(rows, 2):
        cells = {key: row[i].strip() for i, key in parts.items() if i < len(row) and row[i].strip()}
        if not cells:
            continue
        try:
            student = student_id(row[at] if at < len(row) else "")
        except InputError:
            errors.append(f"line {n}: expected an id in its column id")
            continue
        if student in given:
            errors.append(f"line {n}: expected the id {student} once, for it stands above already")
        points = {key: _points_of(text) for key, text in cells.items()}
        errors += [
            f"line {n}, part {key} = {toml(cells[key])}: expected a number from 0 to {weights[key]:g}"
            for key, value in points.items()
            if not 0 <= value <= weights[key]
        ]
        given[student] = points
    refuse(errors, path.name)
    for student, own in settings.points.items():
        given[student] = {**given.get(student, {}), **own}
    return settings.model_copy(update={"points": given})


def _points_of(text: str) -> float:
    """A number with either decimal sign; -1 for anything else."""
    plain = text.replace(",", ".")
    return float(plain) if re.fullmatch(r"\d+(\.\d*)?|\.\d+", plain, re.ASCII) else -1.0


def _csv_of(path: Path, name: str) -> tuple[list[str], Iterator[list[str]]]:
    """Names of the columns in small letters, and the rows; parted by what the first line shows."""
    text = _text_of(path, name)
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    return [column.strip().lower() for column in next(rows, [])], rows


# ---------------------------------------------------------------------------------- writing


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")


def _table_text(name: str, model: type[Table], values: Mapping[str, Any]) -> list[str]:
    """A table with a comment above each key; keys without a value stand as comments."""
    lines = ["", f"[{name}]"]
    for key, field in model.model_fields.items():
        lines += _comment(str(field.description))
        value = values.get(key, field.get_default())
        if value is None or value == "":
            lines.append(f"# {key} = {(field.examples or [''])[0]}")
        else:
            lines.append(f"{key} = {toml(value)}")
    return lines


def template(task: Task, *, salt: str) -> str:
    """Write the commented file that a lecturer starts from.

    Parameters
    ----------
    task : Task
        The one that is graded.
    salt : str
        The secret.

    Returns
    -------
    str
        TOML that `parse` reads.
    """
    about = {key: str(HomeworkSettings.model_fields[key].description) for key in _OWN_WORDS}
    lines = [
        "# Homework: what is graded, until when and for how many points. Edit it and grade again:",
        "# submissions run anew only where the task, the salt or the limits changed.",
        *_table_text("homework", HomeworkTable, {"task": task.name, "salt": salt}),
        *_table_text("late", LateTable, {}),
        *["", *_comment(about["weights"]), "[weights]"],
    ]
    for part in task.parts:
        hand = " (read by hand)" if part.by_hand else ""
        lines.append(f"# {toml(part.key)} = {part.points:g}  # {part.title}{hand}")
    by_hand = [part for part in task.parts if part.by_hand] or list(task.parts[-1:])
    lines += ["", *_comment(about["deadlines"]), "[deadlines]"]
    lines += ['# "s0123456" = 2026-12-08T23:59:59+01:00']
    lines += _table_text("limits", LimitsTable, {})
    lines += ["", *_comment(about["points"]), '# [points."s0123456"]']
    lines += [f"# {toml(part.key)} = {part.points:g}  # {part.title}" for part in by_hand]
    return "\n".join(lines) + "\n"


_OWN_WORDS = ("weights", "deadlines", "points")


def write_template(path: Path, task: Task) -> None:
    """Write `template` with a fresh salt where there is no file; one that is there stays.

    Parameters
    ----------
    path : Path
        Where it will stand; only its owner may read it.
    task : Task

    Raises
    ------
    InputError
        ``E-ARGUMENT`` when there is a file of that name already.
    RunError
        ``E-DISK`` when it can't be written.
    """
    path = Path(path)
    if os.path.lexists(path):
        raise InputError("E-ARGUMENT", f"{path} is there already; expected a new name")
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(template(task, salt=secrets.token_hex(16)))
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
        temporary = ""
    except OSError as error:
        raise RunError("E-DISK", f"could not write {path}: {error.strerror or error}") from error
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
