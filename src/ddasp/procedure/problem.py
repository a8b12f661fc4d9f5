"""Step 1, problem: what is asked, of which sounds, and by which measure it is judged.

`problem.toml` is read into the frozen `Problem`; a message about it names key, value, what is
allowed and the nearest spelling, and lists all errors at once. `template` writes the commented
file of `ddasp init`.

*Conventions*: relative paths start at the folder of `problem.toml`; a bare folder of sounds is taken
as the problem that its names suggest.

*References*: Raschka 2018, "Model evaluation, model selection, and algorithm selection in machine
learning".
"""

from __future__ import annotations

import importlib.util
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ddasp._errors import InputError
from ddasp.procedure.guessing import Guess, guess
from ddasp.procedure.measures import MEASURES
from ddasp.procedure.scan import scan
from ddasp.procedure.settings import (
    FAMILY_NAMES,
    FEATURE_NAMES,
    Definition,
    Evaluation,
    Kind,
    Preparation,
    Problem,
    Run,
    Selection,
    Sounds,
    SpotCheck,
    Table,
    Window,
)
from ddasp.procedure.settings_errors import MOST_BYTES, explain, refuse, tables_of, toml

__all__ = [
    "FAMILY_NAMES",
    "FEATURE_NAMES",
    "Problem",
    "Window",
    "from_source",
    "load",
    "name_of",
    "parse",
    "template",
]


def from_source(source: Path) -> Problem:
    """The problem in a file, or of a folder: its `problem.toml`, else what its names tell.

    Raises
    ------
    InputError
        When there is no such file or folder, or the problem is not valid.
    """
    source = Path(source)
    if not source.is_dir():
        return load(source)
    if (source / "problem.toml").exists():
        return load(source / "problem.toml")
    found = guess(source, [file.shown for file in scan(source).files])
    return parse(template(found), base=source, name="the problem that was guessed")


def name_of(source: Path) -> str:
    """What a run of this file or folder is called.

    Examples
    --------
    >>> name_of(Path("/sounds/snoring/problem.toml")), name_of(Path("/sounds/night.toml"))
    ('snoring', 'night')
    """
    path = Path(source).resolve()
    if path.name == "problem.toml":
        return path.parent.name or "sounds"
    return (path.name if path.is_dir() else path.stem) or "sounds"


def load(path: Path) -> Problem:
    """Read a `problem.toml`.

    Raises
    ------
    InputError
        ``E-PATH-MISSING`` when there is no such file, ``E-PATH-TYPE`` when it is a pipe or the like;
        ``E-PROBLEM`` with all errors in it.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError("E-PATH-TYPE", f"{path} is no regular file; expected a problem.toml")
        if path.stat().st_size > MOST_BYTES:
            size = f"{path.stat().st_size / 2**20:.1f} MiB; expected at most {MOST_BYTES // 2**20}"
            raise InputError("E-PROBLEM", f"{path.name} has {size}")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("E-PROBLEM", f"{path.name} is no UTF-8 text: {error.reason}") from error
    except OSError as error:
        message = f"could not read {path}: {error.strerror} - write one with `ddasp init SOUNDS`"
        raise InputError("E-PATH-MISSING", message) from error
    return parse(text, base=path.parent, name=path.name)


def parse(text: str, *, base: Path = Path("."), name: str = "problem.toml") -> Problem:
    r"""Read a problem from text; relative paths start at ``base``.

    Raises
    ------
    InputError
        ``E-PROBLEM``; the message names key, value, what is allowed and the nearest spelling.

    Examples
    --------
    >>> parse('[problem]\nknd = "binary"')
    Traceback (most recent call last):
    ddasp._errors.InputError: E-PROBLEM: problem.toml has 1 error
      [problem] knd = "binary": unknown key; expected one of question, purpose, ...
    """
    try:
        problem = Problem.model_validate(tables_of(text, name))
    except ValidationError as error:
        refuse([explain(dict(item), Problem) for item in error.errors()], name)
        raise
    return problem.at(base, name)


# ---------------------------------------------------------------------------------- writing


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")


def _measures(kind: Kind) -> str:
    fitting = [name for name, measure in MEASURES.items() if kind in measure.kinds]
    return f" Known for {kind}: {', '.join(fitting)}."


def _table_text(name: str, model: type[Table], values: dict[str, Any]) -> list[str]:
    """A table with a comment above each key; keys without a value stand as comments."""
    lines = ["", f"[{name}]"]
    for key, field in model.model_fields.items():
        if key in ("cost", "window"):
            continue
        lines += _comment(f"{field.description}{values.get(key + ':more', '')}")
        value = values.get(key, field.get_default())
        if value is None or (value == "" and field.examples):
            lines.append(f"# {key} = {toml((field.examples or [''])[0])}")
        else:
            lines.append(f"{key} = {toml(value)}")
    return lines


def template(
    found: Guess | None = None,
    *,
    folder: str = ".",
    notes: Sequence[str] = (),
    classes: Sequence[str] = (),
    with_torch: bool | None = None,
) -> str:
    r"""Write the commented `problem.toml` of `ddasp init`.

    Parameters
    ----------
    found : Guess, optional
        Where labels and groups seem to come from.
    folder : str
        The folder of sounds, relative to where the file will stand.
    notes : sequence of str
        Lines about what was found in the folder; they become comments.
    classes : sequence of str
        Classes, for the example of a cost matrix.
    with_torch : bool, optional
        Whether to name the CNN; by default whether PyTorch is installed.

    Examples
    --------
    >>> text = template(Guess(pattern=r"(?P<label>\d)_(?P<group>[a-z]+)_\d+", labels="pattern"))
    >>> parse(text).sounds.pattern
    '(?P<label>\\d)_(?P<group>[a-z]+)_\\d+'
    """
    found = found or Guess()
    if with_torch is None:
        with_torch = importlib.util.find_spec("torch") is not None
    families = [name for name in FAMILY_NAMES if name != "cnn" or with_torch]
    lines = ["# The problem and how it is to be solved. Every key has a default."]
    for note in notes:
        lines += _comment(note)
    problem = {"kind": found.kind, "measure:more": _measures(found.kind)}
    lines += _table_text("problem", Definition, problem)
    a, b = (list(classes) + ["loud", "quiet"])[:2]
    lines += ["", *_comment(str(Definition.model_fields["cost"].description))]
    lines += ["# [problem.cost]", f"# {toml(a)} = {{ {toml(b)} = 5.0 }}"]
    sounds = {
        "folder": folder,
        "labels": found.labels,
        "group": found.group,
        "pattern": found.pattern,
        "table": found.table,
        "tracks": found.tracks,
    }
    lines += _table_text("sounds", Sounds, sounds)
    text = "Long recordings are cut into windows, and each window is decided on. " + str(
        Sounds.model_fields["window"].description
    )
    mark = "" if found.tracks else "# "
    window = ("[sounds.window]", "length = 1.0", "hop = 1.0")
    lines += ["", *_comment(text), *(mark + text for text in window)]
    lines += _table_text("preparation", Preparation, {})
    lines += _table_text("spot_check", SpotCheck, {"families": families})
    lines += _table_text("selection", Selection, {})
    lines += _table_text("evaluation", Evaluation, {})
    lines += _table_text("run", Run, {})
    return "\n".join(lines) + "\n"
