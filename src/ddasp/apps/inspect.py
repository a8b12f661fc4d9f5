"""A first look at a folder of sounds: what is there, what stands in the way, what to do about it.

*Conventions*: a summary is plain data (``--json`` prints it), `show` its words. Durations in s,
rates in Hz. Lists are cut after `MOST` lines in words, never in the data.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ddasp._errors import CODES, InputError
from ddasp._files import write_text
from ddasp._progress import Progress
from ddasp.apps.tables import print_table

if TYPE_CHECKING:
    from ddasp.procedure.guessing import Guess
    from ddasp.procedure.preparation import Survey

__all__ = ["Found", "look", "show", "write_problem"]

MOST = 24
EXAMPLES = 3


@dataclass(frozen=True)
class Found:
    """What a look at a folder found.

    Attributes
    ----------
    sounds : Path
        The folder.
    guess : Guess
        Where labels and groups seem to come from.
    summary : dict
        All of it as plain data.
    """

    sounds: Path
    guess: Guess
    summary: dict[str, Any]


def look(sounds: Path, *, n_workers: int | None, progress: Progress) -> Found:
    """Examine every file of a folder and guess labels and groups.

    Parameters
    ----------
    sounds : Path
        The folder.
    n_workers : int or None
        Processes; one a core if None.
    progress : Progress
        The display.

    Returns
    -------
    Found
        Guess and summary.

    Raises
    ------
    InputError
        When there is no such folder, or it holds no sounds.
    """
    from ddasp.procedure.preparation import survey
    from ddasp.procedure.workers import Workers

    with Workers(n_workers) as workers:
        seen = survey(sounds, workers=workers, progress=progress)
    if not seen.summary["n_in"]:
        raise InputError(
            "E-DATA", f"{sounds} holds no sounds; expected WAV, FLAC, OGG, MP3 or AIFF files"
        )
    return Found(sounds, seen.guess, _summary(sounds, seen))


def _summary(sounds: Path, seen: Survey) -> dict[str, Any]:
    told = seen.summary
    usable = seen.recordings[seen.recordings["status"] != "rejected"]
    lengths = usable["duration"].astype(float)
    return {
        "sounds": sounds.as_posix(),
        "files": {name: told[f"n_{name}"] for name in ("in", "used", "warned", "rejected")},
        "passed_over": told["ignored"],
        "duration": {
            "total": float(lengths.sum()),
            "min": float(lengths.min()),
            "median": float(lengths.median()),
            "max": float(lengths.max()),
        },
        "rates": _counts(usable["rate"]),
        "channels": _counts(usable["channels"]),
        "rate": told["rate"],
        "labels": told["labels"],
        "groups": told["groups"],
        "set_aside": told["set_aside"],
        "guess": asdict(seen.guess),
        "findings": _findings(seen),
        "duplicates": seen.duplicates.to_dict("records"),
        "notes": told["notes"],
    }


def _counts(column: Any) -> dict[str, int]:
    """How many files have each number, the most frequent first."""
    return {str(int(value)): n for value, n in Counter(column).most_common()}


def _findings(seen: Survey) -> list[dict[str, Any]]:
    """Each code with the number of its files and the first of them; errors before warnings."""
    examples: dict[str, list[dict[str, str]]] = {code: [] for code in sorted(seen.summary["flags"])}
    rows = seen.recordings[["path", "flags", "detail"]]
    for path, flags, detail in rows.itertuples(index=False):
        codes, words = flags.split(), detail.split("; ")
        for i, code in enumerate(codes):
            own = words[i] if len(words) == len(codes) else detail  # words may hold a "; "
            examples[code].append({"path": path, "detail": own})
    return [
        {
            "code": code,
            "n": seen.summary["flags"][code],
            "means": CODES[code][0],
            "to_do": CODES[code][1],
            "examples": marked[:EXAMPLES],
        }
        for code, marked in examples.items()
    ]


def show(found: Found) -> None:
    """Print a summary for a person.

    Parameters
    ----------
    found : Found
        From `look`.
    """
    print("\n".join(_overview(found.summary)))
    print()
    _show_classes(found.summary)
    if found.summary["groups"]:
        print()
        _show_counts("group", found.summary["groups"])
    for finding in found.summary["findings"]:
        print(f"\n{finding['code']}, {_files(finding['n'])}: {finding['means']}")
        print(f"  to do: {finding['to_do']}")
        for example in finding["examples"]:
            print(f"  {example['path']}: {example['detail']}")
        more = finding["n"] - len(finding["examples"])
        if more > 0 and finding["examples"]:
            print(f"  and {more} more")


def _overview(told: dict[str, Any]) -> list[str]:
    """The first lines: files, lengths, rates, where labels come from."""
    files, length = told["files"], told["duration"]
    lines = [
        told["sounds"],
        f"  {_files(files['in'])}: {files['used']} without a finding, {files['warned']} with "
        f"warnings, {files['rejected']} rejected",
    ]
    if told["passed_over"]:
        passed = ", ".join(f"{n} × {why}" for why, n in told["passed_over"].items())
        lines.append(f"  passed over: {passed}")
    if files["in"] > files["rejected"]:
        rates = ", ".join(f"{rate} Hz ({n})" for rate, n in told["rates"].items())
        channels = ", ".join(f"{count} ({n})" for count, n in told["channels"].items())
        lines += [
            f"  length: {length['total']:.0f} s in all; a file lasts {length['min']:.2f} to "
            f"{length['max']:.2f} s, median {length['median']:.2f} s",
            f"  rate: {rates}; analysed at {told['rate']} Hz",
            f"  channels: {channels}",
        ]
    lines.append(f"  {told['guess']['why']}")
    return lines + [f"  {note}" for note in told["notes"]]


def _show_classes(told: dict[str, Any]) -> None:
    """The classes, those set aside with the reason."""
    if not told["set_aside"]:
        if told["labels"]:
            _show_counts("class", told["labels"])
        else:
            print("no classes were found; see labels, pattern and table in docs/problem.md")
        return
    rows = [(name, str(n), "") for name, n in told["labels"].items()]
    rows += [
        (item["label"], str(item["n"]), f"set aside: {item['why']}") for item in told["set_aside"]
    ]
    print_table(("class", "sounds", ""), rows, right=("sounds",))


def _show_counts(name: str, counts: dict[str, int]) -> None:
    rows = [(label, str(n)) for label, n in counts.items()]
    print_table((name, "sounds"), rows[:MOST], right=("sounds",))
    if len(rows) > MOST:
        print(f"and {len(rows) - MOST} more")


def _files(n: int) -> str:
    return "1 file" if n == 1 else f"{n} files"


def write_problem(found: Found, out: Path) -> None:
    """Write the commented problem.toml, filled in as far as the folder tells.

    Parameters
    ----------
    found : Found
        From `look`.
    out : Path
        The file; paths in it are relative to its folder.
    """
    from ddasp.procedure.problem import template

    folder = PurePosixPath(os.path.relpath(found.sounds.resolve(), out.resolve().parent))
    guess = found.guess
    if guess.table:
        guess = replace(guess, table=(folder / guess.table).as_posix())
    text = template(
        guess,
        folder=folder.as_posix(),
        notes=[line.strip() for line in _overview(found.summary)[1:]],
        classes=list(found.summary["labels"]),
    )
    write_text(out, text)
