"""What the run was made from: whether sounds and problem.toml are still those.

*Conventions*: ``run.json`` holds the command; its source is looked for from the folder in which we are, as
``ddasp run`` was called.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from ddasp._errors import DdaspError
from ddasp._files import read_json
from ddasp.procedure.corpus import corpus_digest
from ddasp.procedure.problem import Problem, load
from ddasp.procedure.scan import scan
from ddasp.procedure.verifying.findings import Findings, differences

__all__ = ["check_inputs", "problem_of", "source_of"]

PROBLEM = "1_problem/problem.json"
NOWHERE = Path("/nonexistent")


def source_of(about: dict[str, Any]) -> Path:
    """What ``ddasp run SOURCE`` was called with; a path that leads nowhere when that is not known.

    Examples
    --------
    >>> source_of({"command": "ddasp run small/problem.toml --out small/run --seed 0"}).as_posix()
    'small/problem.toml'
    """
    try:
        words = shlex.split(str(about.get("command", "")))
    except ValueError:
        return NOWHERE
    return Path(words[2]) if words[:2] == ["ddasp", "run"] and len(words) > 2 else NOWHERE


def problem_of(run: Path, source: Path, found: Findings) -> Problem | None:
    """The problem of the run, standing where its sounds are; None where it can't be read."""
    try:
        asked = Problem.model_validate(read_json(run / PROBLEM))
    except (DdaspError, ValueError, TypeError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        found.fault(PROBLEM, "content", "the keys of problem.toml", reason, "was it edited?")
        return None
    return asked.at(source if source.is_dir() else source.parent, source.name)


def check_inputs(run: Path, asked: Problem, source: Path, found: Findings) -> None:
    """Compare the sounds with their digest, and problem.toml with what the run took from it."""
    if not asked.root.is_dir():
        where = "the folder of sounds" if source == NOWHERE else f"{asked.root}"
        found.unchecked(f"the sounds: {where} is not there; name it with --problem")
    else:
        _check_sounds(run, asked, found)
    path = source / "problem.toml" if source.is_dir() else source
    if not path.is_file():
        return
    for key, expected, got in differences(asked.to_json(), load(path).to_json()):
        cause = "it was changed since; `ddasp run` makes what depends on it again"
        found.fault(str(path), key, expected, got, cause, code="E-CHANGED")


def _check_sounds(run: Path, asked: Problem, found: Findings) -> None:
    counts = read_json(run / "2_preparation" / "preparation.json")
    where = f"the sounds in {asked.root}"
    cause = (
        "sounds were added, removed or changed since; `ddasp run` makes what depends on them again"
    )
    n, digest = len(scan(asked.root).files), corpus_digest(asked)
    if n != counts["n_in"]:
        found.fault(where, "number of files", counts["n_in"], n, cause, code="E-CHANGED")
    elif digest != counts["corpus_digest"]:
        found.fault(
            where, "digest of all", counts["corpus_digest"], digest, cause, code="E-CHANGED"
        )
    else:
        found.checked("sounds", f"{n} files in {asked.root} are those of the run")
