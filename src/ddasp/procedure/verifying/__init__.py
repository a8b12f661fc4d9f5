"""Whether a run folder is what its run wrote: every digest, every sum, every number again.

A run folder is believed because it can be checked. `verify` reads it and changes nothing:

- `files`: every file is listed with its digest, nothing is missing, nothing stands beside them.
- `rows`: files in = used + used with a warning + rejected; each observation and each output once.
- `numbers`: what the report says, computed again from the rows of tables; each number with its rows.
- `replay`: the keys of the steps, and steps 3 to 5 once more from their ledgers.

At last the report is made once more and compared.

*Conventions*: rows are data rows of a CSV, from 0. Numbers agree when they differ by no more than
1e-9 of their size: a sum in another order is no fault. Whoever can write the folder can write all of
it anew with digests that fit; a run from the sounds is the proof against that.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ddasp._errors import DdaspError, InputError, RunError
from ddasp._files import read_json
from ddasp.procedure import report
from ddasp.procedure.environment import code_digest
from ddasp.procedure.problem import Problem
from ddasp.procedure.run import STEPS
from ddasp.procedure.verifying.files import check_files
from ddasp.procedure.verifying.findings import Fault, Findings, Number, Verified, first_difference
from ddasp.procedure.verifying.inputs import check_inputs, problem_of, source_of
from ddasp.procedure.verifying.numbers import check_numbers
from ddasp.procedure.verifying.replay import replay
from ddasp.procedure.verifying.rows import check_rows

__all__ = ["Fault", "Number", "Verified", "verify"]

WITHOUT_SOUNDS = "This report was made without sounds."


def verify(run: Path, *, source: Path | None = None) -> Verified:
    """Check a run folder; nothing in it is changed.

    Parameters
    ----------
    run : Path
        The run folder.
    source : Path, optional
        The ``problem.toml`` or the folder of sounds that the run was made from; where ``run.json``
        says that it lay by default. What can't be found is not checked, and said.

    Returns
    -------
    Verified
        What was checked, what could not be, every fault, every number with its rows.

    Raises
    ------
    InputError
        ``E-PATH-MISSING`` when there is no such folder, ``E-RUN`` when it is no run folder.
    RunError
        ``E-RUN`` when a run is at work in it.
    """
    run = Path(run)
    _refuse(run)
    found = Findings()
    steps = check_files(run, found)
    about = _about(run)
    given = source_of(about) if source is None else Path(source)
    asked = problem_of(run, given, found)
    if found.strange:
        found.unchecked(
            f"rows, numbers, keys and report: {', '.join(found.strange[:3])} is no file"
        )
    elif asked is not None:
        _guarded(found, "rows", lambda: check_rows(run, found))
        _guarded(found, "numbers", lambda: check_numbers(run, asked, found))
        if len(steps) == len(STEPS):
            _guarded(found, "keys and ledgers", lambda: replay(run, asked, about, steps, found))
        _guarded(found, "the sounds", lambda: check_inputs(run, asked, given, found))
        _guarded(found, "report.html", lambda: _check_report(run, asked, about, found))
    return found.verified(run)


def _refuse(run: Path) -> None:
    """What is no run folder, or is being written."""
    if not run.is_dir():
        raise InputError("E-PATH-MISSING", f"RUN is {run}; expected a run folder of `ddasp run`")
    if not (run / "run.json").exists() and not any((run / step).exists() for step in STEPS):
        raise InputError(
            "E-RUN",
            f"{run} holds neither run.json nor a step; expected a run folder of `ddasp run` - is it "
            "the folder above, or the one below?",
        )
    lock = run / ".lock"
    if not lock.is_file():
        return
    try:
        with open(lock, encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunError("E-RUN", f"a run is at work in {run}; wait until it has ended") from error
    except OSError:  # it may not be read: then nobody can be asked
        return


def _guarded(found: Findings, what: str, check: Callable[[], None]) -> None:
    """Carry out a part; a folder that was edited may hold anything, so whatever fails is a finding."""
    file = what if what.endswith(".html") else "the run folder"
    try:
        check()
    except DdaspError as error:
        found.unchecked(f"{what}: {error.message}", fault_of=file)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        found.unchecked(f"{what}: a file is not as a run writes it ({reason})", fault_of=file)


def _about(run: Path) -> dict[str, Any]:
    """``run.json``, empty where it is damaged (`check_files` has said so)."""
    try:
        about = read_json(run / "run.json")
    except RunError:
        return {}
    return about if isinstance(about, dict) else {}


def _check_report(run: Path, asked: Problem, about: dict[str, Any], found: Findings) -> None:
    """Make the report once more; where something it shows does not hold there is nothing to compare."""
    path = run / "report.html"
    if found.faults:
        found.unchecked("report.html: what it is made from does not hold")
        return
    if about.get("code") != code_digest():
        found.unchecked("report.html: another version of ddasp made it")
        return
    text = path.read_bytes().decode("utf-8", "replace")
    ways = (False,) if WITHOUT_SOUNDS in text or not asked.root.is_dir() else (True, False)
    pages = []
    for with_sounds in ways:
        page = report.build(
            run, asked.root, with_sounds=with_sounds, players=asked.evaluation.players
        )
        pages.append(page.encode("utf-8", "backslashreplace").decode("utf-8"))
        if pages[-1] == text:
            found.checked("report", "report.html is what the folder gives")
            return
    if not asked.root.is_dir():
        found.unchecked(f"report.html: it may hold sounds, and {asked.root} is not there")
        return
    line, expected, got = first_difference(pages[0], text)
    found.fault(
        "report.html",
        f"line {line}",
        repr(expected),
        repr(got),
        "it was edited, or run.json, times.json or opened.json was; `ddasp run` writes it again",
    )
