"""Every file is there, listed, and has the digest that the run wrote down for it.

*Conventions*: ``step.json`` lists the files of its step with their digests; ``run.json`` and ``model.json``
hold the digests of the steps. Links and pipes are named and not followed: a run writes files.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddasp._errors import DdaspError, RunError
from ddasp._files import Ledger, digest_file, digest_json, read_arrays, read_json
from ddasp.procedure import deployed
from ddasp.procedure.outer import kept_fold
from ddasp.procedure.run import STEPS
from ddasp.procedure.verifying.findings import Findings

__all__ = ["FILES", "Step", "check_files"]

FILES = {  # what each step writes; the feature sets are listed in features.json
    "1_problem": ("problem.json",),
    "2_preparation": (
        "recordings.csv", "observations.csv", "duplicates.csv", "preparation.json", "features.json",
        "split.json",
    ),
    "3_spot_check": ("scores.csv", "spot_check.json"),
    "4_selection": ("trials.csv", "selection.json"),
    "5_evaluation": ("predictions.csv", "tried.csv", "evaluation.json"),
    "6_application": ("model.onnx", "model.json"),
}  # fmt: skip
TOP = ("run.json", "times.json", "opened.json", "report.html")
MADE_LATER = ("events", "explained", "model.html", ".lock", ".work")
EDITED = "the file was edited, cut or replaced; `ddasp run` makes the step again"
UNFINISHED = "the run has not finished, or a file was deleted; `ddasp run` goes on"


@dataclass(frozen=True)
class Step:
    """What ``step.json`` says: key, and the digest over all files."""

    key: str
    digest: str


def check_files(run: Path, found: Findings) -> dict[str, Step]:
    """Check files and digests from the run folder's top to its caches; returns the steps that are read."""
    steps, n_files = {}, 0
    for name in STEPS:
        known = _step_json(run, name, found)
        if known is None:
            continue
        steps[name] = Step(known["key"], known["digest"])
        n_files += _check_step(run, name, known, found)
    _check_top(run, steps, found)
    _check_model(run, steps, found)
    _check_work(run, found)
    if not found.faults:
        found.checked("files", f"{n_files} files of {len(steps)} steps have their digests")
    return steps


def _kind(path: Path) -> str:
    """What a path is, in a word: a file, a folder, a link, nothing, or something else."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return "nothing"
    if stat.S_ISLNK(mode):
        return "a link"
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "no regular file"


def _is_file(run: Path, name: str, found: Findings) -> bool:
    """Whether it is a file that may be read."""
    kind = _kind(run / name)
    if kind == "file":
        try:
            with open(run / name, "rb"):
                return True
        except OSError as error:
            cause = "were its permissions changed?"
            found.fault(name, "it", "a file that may be read", error.strerror or str(error), cause)
            found.strange.append(name)
            return False
    if kind != "nothing":
        found.strange.append(name)
    cause = UNFINISHED if kind == "nothing" else "a run writes files; it was put there"
    found.fault(name, "it", "a file", "missing" if kind == "nothing" else kind, cause)
    return False


def _step_json(run: Path, name: str, found: Findings) -> dict[str, Any] | None:
    """``step.json`` where it is one."""
    kind, listed = _kind(run / name), f"{name}/step.json"
    if kind != "folder":
        if kind != "nothing":
            found.strange.append(name)
        cause = UNFINISHED if kind == "nothing" else "a run writes folders; it was put there"
        found.fault(name, "it", "a folder", "missing" if kind == "nothing" else kind, cause)
        return None
    if not _is_file(run, listed, found):
        return None
    try:
        known = read_json(run / listed)
    except RunError as error:
        found.fault(listed, "content", "JSON", error.message, EDITED)
        return None
    fine = (
        isinstance(known, dict)
        and set(known) == {"key", "files", "digest"}
        and isinstance(known["key"], str)
        and isinstance(known["digest"], str)
        and isinstance(known["files"], dict)
        and all(isinstance(digest, str) for digest in known["files"].values())
    )
    if not fine:
        found.fault(listed, "content", "key, files and digest", _short(known), EDITED)
        return None
    return dict(known)


def _check_step(run: Path, name: str, known: dict[str, Any], found: Findings) -> int:
    """The files of a step; returns how many have their digest."""
    listed, good = known["files"], 0
    needed = [*FILES[name], *(_feature_files(run) if name == "2_preparation" else ())]
    for file in dict.fromkeys([*needed, *listed]):
        place = f"{name}/{file}"
        if file not in listed:
            found.fault(f"{name}/step.json", f"{file}", "listed with its digest", "missing", EDITED)
        elif Path(file).is_absolute() or ".." in Path(file).parts:
            found.fault(f"{name}/step.json", "a file's name", "one below the step", file, EDITED)
        elif _is_file(run, place, found):
            digest = digest_file(run / place)
            good += found.same(place, "SHA-256", listed[file], digest, EDITED)
    for path in sorted((run / name).rglob("*")):
        file = path.relative_to(run / name).as_posix()
        kind = _kind(path)
        if kind != "folder" and file not in (*listed, "step.json"):
            cause = "it was put there, or a run was killed; `ddasp run` makes the step again"
            found.fault(f"{name}/{file}", "it", "not there", kind, cause)
    digest = digest_json(listed)
    found.same(f"{name}/step.json", "digest of its list", digest, known["digest"], EDITED)
    return good


def _feature_files(run: Path) -> Iterator[str]:
    try:
        sets = read_json(run / "2_preparation" / "features.json")
        yield from (f"features/{one['name']}.npz" for one in sets)
    except (RunError, TypeError, KeyError):
        return


def _check_top(run: Path, steps: dict[str, Step], found: Findings) -> None:
    """What stands beside the steps; ``run.json`` says which digests they have."""
    contents: dict[str, Any] = {}
    for name in TOP:
        if not _is_file(run, name, found) or not name.endswith(".json"):
            continue
        cause = "it was edited or cut; `ddasp run` writes it again"
        try:
            contents[name] = read_json(run / name)
        except RunError as error:
            found.fault(name, "content", "JSON", error.message, cause)
            continue
        if not isinstance(contents[name], dict):
            found.fault(name, "content", "names and values", _short(contents[name]), cause)
    about = contents.get("run.json")
    if isinstance(about, dict):
        said = about.get("steps")
        cause = "run.json or step.json was edited, or comes from another run"
        for name, step in steps.items():
            got = said.get(name, "missing") if isinstance(said, dict) else "missing"
            found.same("run.json", f"steps.{name}", step.digest, got, cause)
    for path in sorted(run.iterdir()):
        if path.name not in (*TOP, *STEPS, *MADE_LATER):
            found.unchecked(f"{path.name}: no run makes it")
        elif _kind(path) == "a link" and path.name in MADE_LATER:
            found.unchecked(f"{path.name}: it is a link")
    if not (run / ".lock").exists():
        found.unchecked(".lock: it is missing; `ddasp run` does not go on in a folder without it")


def _check_model(run: Path, steps: dict[str, Step], found: Findings) -> None:
    """The model can be used, and was made from these steps."""
    name = "6_application/model.json"
    if "6_application" not in steps or _kind(run / name) != "file":
        return
    try:
        about = deployed.load(run).about
    except DdaspError as error:
        found.fault(
            name, "the model", "one that can be used", error.message, EDITED, code="E-MODEL"
        )
        return
    cause = "the model comes from another run, or model.json or a step.json was edited"
    for step, known in steps.items():
        if step != "6_application":
            got = about["digests"].get(step, "missing")
            found.same(name, f"digests.{step}", known.digest, got, cause)


def _check_work(run: Path, found: Findings) -> None:
    """Ledgers and caches: they may be deleted, but what stands there must be whole."""
    work = run / ".work"
    if _kind(work) != "folder":
        if _kind(work) == "nothing":
            found.unchecked(".work: it was deleted, so nothing can be computed again from it")
        else:
            found.fault(".work", "it", "a folder", _kind(work), "it was put there")
        return
    n_ledgers = n_kept = 0
    before = len(found.faults)
    for path in sorted(work.rglob("*")):
        name = path.relative_to(run).as_posix()
        if _kind(path) == "folder":
            continue
        if not _is_file(run, name, found):
            continue
        cause = "it was edited; nothing is read from it again: delete it, or all of .work"
        if path.suffix == ".fits":
            n_ledgers += 1
            lines = Ledger.look(path).damaged
            if lines:
                expected = "what its digest says"
                found.fault(name, f"line {lines[0]}", expected, "something else", cause)
            if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
                found.unchecked(f"{name}: it ends within a line, as after a kill; that is ignored")
        elif path.suffix == ".json":
            n_kept += 1
            if kept_fold(path) is None:
                found.fault(name, "content", "what its digest says", "something else", cause)
        elif path.suffix == ".npz":
            n_kept += 1
            try:
                read_arrays(path)
            except RunError as error:
                found.fault(name, "content", "arrays", error.message, cause)
        else:
            found.unchecked(f"{name}: no run makes it")
    if len(found.faults) == before:
        found.checked("ledgers", f"{n_ledgers} ledgers and {n_kept} kept results are whole")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:60] + " ..."
