"""Sums and rows: every file has its row, every observation its file, every tested one its output.

*Conventions*: the columns are those of ``docs/run_folder.md``; rows are counted from 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ddasp._errors import RunError
from ddasp._files import read_arrays, read_json
from ddasp.procedure.verifying.findings import Findings, named, spans

__all__ = ["check_rows", "floats", "read_table"]

RECORDINGS = "2_preparation/recordings.csv"
OBSERVATIONS = "2_preparation/observations.csv"
SPLIT = "2_preparation/split.json"
PREDICTIONS = "5_evaluation/predictions.csv"
EDITED = "a row was changed, dropped or doubled by hand"
STATUS = ("used", "warned", "rejected")
LEFT_OUT = {"W-RARE", "W-GAP"}  # a file may be used and yet give no observation


def read_table(path: Path) -> pd.DataFrame:
    """A CSV as it stands: every cell a text.

    Raises
    ------
    RunError
        ``E-RUN`` when it can't be read.
    """
    try:
        return pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
    except pd.errors.EmptyDataError:  # a table without rows has no names either
        return pd.DataFrame()
    except (OSError, ValueError) as error:
        raise RunError("E-RUN", f"could not read {path}: {error}") from error


def floats(column: Iterable[str]) -> np.ndarray:
    """A column of numbers with all their digits, shape (n_rows,); blank is NaN."""
    return np.array([float(text) if text else np.nan for text in column])


def check_rows(run: Path, found: Findings) -> None:
    """Check the sums, and that the tables of the run speak of the same files and observations."""
    before = len(found.faults)
    recordings = read_table(run / RECORDINGS)
    observations = read_table(run / OBSERVATIONS)
    counts = read_json(run / "2_preparation" / "preparation.json")
    _check_sums(recordings, counts, found)
    _check_observations(recordings, observations, counts, found)
    _check_features(run, len(observations), found)
    split = read_json(run / SPLIT)
    fold_of = _check_split(split, observations, found)
    if (run / PREDICTIONS).exists():
        _check_predictions(read_table(run / PREDICTIONS), observations, fold_of, found)
    if len(found.faults) == before:
        n = {status: int((recordings["status"] == status).sum()) for status in STATUS}
        sentence = (
            f"{len(recordings)} files in = {n['used']} used + {n['warned']} used with a warning"
        )
        found.checked("sums", f"{sentence} + {n['rejected']} rejected")
        tested = f"{len(fold_of)} of {len(observations)} observations tested"
        found.checked("rows", f"{tested}, one output each; names unique, folds apart")


def _twice(names: Iterable[Any]) -> list[Any]:
    return [name for name, n in Counter(names).items() if n > 1]


def _check_sums(recordings: pd.DataFrame, counts: dict[str, Any], found: Findings) -> None:
    """One row a file, its status in line with its flags, and the counts that were said."""
    for path in _twice(recordings["path"])[:5]:
        found.fault(RECORDINGS, f"the row of {path}", "there once", "there twice", EDITED)
    for row, (status, flags) in enumerate(
        zip(recordings["status"], recordings["flags"], strict=True)
    ):
        codes = flags.split()
        rejected = any(code.startswith("E-") for code in codes)
        expected = "rejected" if rejected else "warned" if codes else "used"
        what = f"status of row {row} with the flags {flags or '(none)'}"
        found.same(RECORDINGS, what, expected, status, EDITED)
    name, total = "2_preparation/preparation.json", 0
    for status in STATUS:
        n = int((recordings["status"] == status).sum())
        total += n
        cause = f"it must count the rows of {RECORDINGS}; one of both was edited"
        found.same(name, f"n_{status}", n, counts[f"n_{status}"], cause)
    cause = "files in = used + used with a warning + rejected; a row or a count was edited"
    found.same(name, "n_in", total, counts["n_in"], cause)


def _check_observations(
    recordings: pd.DataFrame, observations: pd.DataFrame, counts: dict[str, Any], found: Findings
) -> None:
    """Each observation once and of a used file; each used file with an observation."""
    about = {row["path"]: row for row in recordings.to_dict("records")}
    places = list(zip(observations["path"], observations["start"], strict=True))
    for path, start in _twice(places)[:5]:
        what = f"the observation of {path} at {start} s"
        found.fault(OBSERVATIONS, what, "there once", "there twice", EDITED)
    for row, one in enumerate(observations.to_dict("records")):
        file = about.get(one["path"])
        if file is None or file["status"] == "rejected":
            got = "not a row of recordings.csv" if file is None else "rejected"
            found.fault(OBSERVATIONS, f"the file of row {row}, {one['path']},", "used", got, EDITED)
            continue
        found.same(OBSERVATIONS, f"digest of row {row}", file["digest"], one["digest"], EDITED)
    having = set(observations["path"])
    for path, file in about.items():
        if file["status"] == "rejected" or path in having or LEFT_OUT & set(file["flags"].split()):
            continue
        what = f"the observation of {path}"
        found.fault(OBSERVATIONS, what, "there, for the file is used", "missing", EDITED)
    name, n = "2_preparation/preparation.json", len(observations)
    cause = f"it must count the rows of {OBSERVATIONS}; one of both was edited"
    found.same(name, "n_observations", n, counts["n_observations"], cause)


def _check_features(run: Path, n_observations: int, found: Findings) -> None:
    """Each feature table has a row for each observation, and finite numbers."""
    for about in read_json(run / "2_preparation" / "features.json"):
        name = f"2_preparation/features/{about['name']}.npz"
        X = read_arrays(run / name)["X"]
        expected = (about["n_variants"], n_observations, about["n_features"])
        if X.shape != expected:
            found.fault(name, "shape of X", expected, X.shape, "observations or arrays were edited")
        if not np.isfinite(X).all():
            found.fault(name, "X", "finite numbers", "NaN or infinity in it", "it was edited")


def _check_split(
    split: dict[str, Any], observations: pd.DataFrame, found: Findings
) -> dict[int, int]:
    """Each observation on one side, each group in one fold; returns fold by tested observation."""
    n = len(observations)
    sealed, development = split["sealed"], split["development"]
    sides = sorted([*sealed, *development])
    if sides != list(range(n)):
        expected = f"each of {n} observations on one side"
        found.fault(SPLIT, "sealed and development", expected, named(spans(sides)), EDITED)
    in_folds = sorted(row for fold in split["folds"] for row in fold)
    if _twice(in_folds) or not set(in_folds) <= set(development):
        expected = "rows of the development side, each in one fold"
        found.fault(SPLIT, "folds", expected, named(spans(in_folds)), EDITED)
    nested = split["mode"] == "nested"
    if nested and in_folds != sides:
        found.fault(SPLIT, "folds", f"all of {named(spans(sides))}", named(spans(in_folds)), EDITED)
    parts = split["folds"] if nested else [sealed]
    fold_of = {row: number for number, fold in enumerate(parts) for row in fold}
    groups = observations["group"]
    where: dict[str, set[int]] = {}
    for number, fold in enumerate([*split["folds"], sealed]):
        for row in fold:
            if 0 <= row < n and groups[row]:
                where.setdefault(groups[row], set()).add(number)
    for group, numbers in where.items():
        if len(numbers) > 1:
            expected = "on one side of every split"
            found.fault(
                SPLIT,
                f"the group {group}",
                expected,
                f"in folds {named(spans(list(numbers)))}",
                EDITED,
            )
    return fold_of


def _check_predictions(
    predictions: pd.DataFrame,
    observations: pd.DataFrame,
    fold_of: dict[int, int],
    found: Findings,
) -> None:
    """One output for each tested observation, with the words that the observation has."""
    numbers = [int(text) for text in predictions["observation"]]
    for number in _twice(numbers)[:5]:
        found.fault(PREDICTIONS, f"the output of observation {number}", "one", "several", EDITED)
    missing, extra = set(fold_of) - set(numbers), set(numbers) - set(fold_of)
    if missing:
        rows = named(spans(list(missing)))
        found.fault(PREDICTIONS, f"the output of observations {rows}", "there", "missing", EDITED)
    if extra:
        rows = named(spans(list(extra)))
        expected = "those that were held out"
        found.fault(PREDICTIONS, f"observations {rows}", expected, "not held out", EDITED)
    shared = [
        c for c in predictions.columns if c in ("path", "start", "stop", "group", "label", "target")
    ]
    for row, (number, said) in enumerate(zip(numbers, predictions.to_dict("records"), strict=True)):
        if number not in fold_of or number >= len(observations):
            continue
        one = observations.iloc[number]
        for column in shared:
            what = f"{column} of row {row}"
            found.same(
                PREDICTIONS, what, one[column], said[column], f"{OBSERVATIONS} says otherwise"
            )
        found.same(PREDICTIONS, f"fold of row {row}", fold_of[number], int(said["fold"]), EDITED)
