"""The numbers of the report, computed again from the rows that they come from.

Each is a `Number`: where it stands, its value, the file and rows it came from, and how. Those of
step 5 stand in `outputs`. What was computed from outputs that no table holds (baselines, learning
curve, degraded sounds, a random split) is traced to the ledger, and computed again by `replay`.

*Conventions*: a key is a path in a JSON file, ``confusion.counts[0][1]``; a name with signs of its own
stands in quotes, ``groups["a.b"]``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._files import read_json
from ddasp.procedure.comparison import corrected_t
from ddasp.procedure.measures import MEASURES
from ddasp.procedure.problem import Problem
from ddasp.procedure.splits import Split
from ddasp.procedure.verifying.findings import Findings, Number, spans
from ddasp.procedure.verifying.outputs import Derived, Outputs, columns, of_outputs, read_outputs
from ddasp.procedure.verifying.rows import floats, read_table

__all__ = ["check_numbers"]

PREPARATION = "2_preparation/preparation.json"
RECORDINGS = "2_preparation/recordings.csv"
OBSERVATIONS = "2_preparation/observations.csv"
EVALUATION = "5_evaluation/evaluation.json"
PREDICTIONS = "5_evaluation/predictions.csv"
KEPT = {  # what follows from outputs that stand in ledgers alone
    "baselines": "the baselines on the held-out sounds",
    "learning_curve": "models that learned from a share of the groups",
    "robustness": "held-out sounds, degraded",
    "random_split": "folds that were drawn at random",
    "residuals": "residuals inside the folds",
    "calibration.temperatures": "scores inside the folds",
    "calibration.ece_before": "scores before calibration",
    "calibration.bins_before": "scores before calibration",
}
EDITED = "the number, or one of the rows it comes from, was edited"


def check_numbers(run: Path, asked: Problem, found: Findings) -> None:
    """Compute the numbers again, compare them, and note where each comes from."""
    before, counts = len(found.faults), read_json(run / PREPARATION)
    _compare(run, PREPARATION, RECORDINGS, _of_files(run), found)
    _compare(run, PREPARATION, OBSERVATIONS, _of_observations(run), found)
    _compare(run, "3_spot_check/spot_check.json", "3_spot_check/scores.csv", _of_scores(run), found)
    _compare(run, "4_selection/selection.json", "4_selection/trials.csv", _of_trials(run), found)
    labels = tuple(counts["classes"])
    outputs = read_outputs(run / PREDICTIONS, labels)
    cost = asked.cost_matrix(labels) if labels else None
    _check_columns(run, outputs, columns(outputs, asked, cost), found)
    _compare(run, EVALUATION, PREDICTIONS, of_outputs(outputs, asked, cost), found)
    n_again = len(found.numbers)
    stands = read_json(run / EVALUATION)
    for key, value in _leaves(stands):
        how = next((how for start, how in KEPT.items() if key.startswith(start)), "")
        if how:
            found.numbers.append(Number(EVALUATION, key, value, ".work", (), how))
    card = read_json(run / "6_application" / "model.json")["card"]
    for key, value in _leaves(stands["estimate"]):
        got = _at(card, f"estimate.{key}")
        found.same("6_application/model.json", f"card.estimate.{key}", value, got, EDITED)
    sentence = stands["verdict"]["sentence"]
    found.same("6_application/model.json", "card.verdict", sentence, card["verdict"], EDITED)
    if len(found.faults) == before:
        found.checked(
            "numbers", f"{n_again} numbers follow from the rows they are said to come from"
        )


def _compare(
    run: Path, file: str, source: str, derived: Iterator[Derived], found: Findings
) -> None:
    """Hold each derived number against the one that stands in the file."""
    stands, last, stretches = read_json(run / file), None, spans(())
    for key, expected, rows, how in derived:
        if rows is not last:  # many numbers come from the same rows
            last, stretches = rows, spans(rows)
        got = _at(stands, key)
        found.same(file, key, expected, got, f"{EDITED} ({source})")
        if isinstance(got, (int, float)) or key == "verdict.sentence":
            found.numbers.append(Number(file, key, got, source, stretches, how))


def _check_columns(
    run: Path, out: Outputs, expected: dict[str, NDArray[Any]], found: Findings
) -> None:
    """Cell by cell, the columns of ``predictions.csv`` that follow from others."""
    table = read_table(run / PREDICTIONS).iloc[out.row]
    for name, cells in expected.items():
        got = table[name].to_numpy() if cells.dtype.kind == "U" else floats(table[name])
        for row, a, b in zip(out.row, cells, got, strict=True):
            found.same(PREDICTIONS, f"{name} of row {row}", a, b, "the row was edited")


def _at(value: Any, key: str) -> Any:
    """What stands under ``a.b[0].c``, or ``a["b.c"]`` where a key is a name."""
    for part in _parts(key):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return "missing"
    return value


def _parts(key: str) -> Iterator[str | int]:
    while key:
        if key.startswith('["'):
            name, _, key = key[2:].rpartition('"]')  # a name ends a key, whatever signs it holds
            yield name
        elif key.startswith("["):
            number, _, key = key[1:].partition("]")
            yield int(number)
        else:
            key = key.removeprefix(".")
            end = min(i for i in (key.find("."), key.find("["), len(key)) if i >= 0)
            name, key = key[:end], key[end:]
            yield name


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every number of a JSON value with its key."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _leaves(item, f"{key}[{i}]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield key, value


# ------------------------------------------------------------------------------- steps 2 to 4


def _of_files(run: Path) -> Iterator[Derived]:
    table = read_table(run / RECORDINGS)
    yield "n_in", len(table), range(len(table)), "number of rows"
    for status in ("used", "warned", "rejected"):
        rows = np.flatnonzero(table["status"] == status)
        yield f"n_{status}", len(rows), rows, f"rows whose status is {status}"
    flags = [text.split() for text in table["flags"]]
    for code in sorted({code for codes in flags for code in codes} - {"W-NOGROUP"}):
        having = [row for row, codes in enumerate(flags) if code in codes]
        yield f'flags["{code}"]', len(having), having, f"rows with the flag {code}"


def _of_observations(run: Path) -> Iterator[Derived]:
    table = read_table(run / OBSERVATIONS)
    yield "n_observations", len(table), range(len(table)), "number of rows"
    for column in ("label", "group"):
        for name in sorted(set(table[column]) - {""}):
            rows = np.flatnonzero(table[column] == name)
            yield f'{column}s["{name}"]', len(rows), rows, f"rows whose {column} is {name}"


def _of_scores(run: Path) -> Iterator[Derived]:
    """Means, spreads and standard errors over folds, and the paired differences of both statements."""
    scores = read_table(run / "3_spot_check" / "scores.csv")
    value = floats(scores["score"])
    said = read_json(run / "3_spot_check" / "spot_check.json")
    of_label: dict[str, NDArray[np.intp]] = {}
    for i, pair in enumerate(said["table"]):
        same = [scores[name] == pair[name] for name in ("family", "features", "stage")]
        rows = np.flatnonzero(np.logical_and.reduce(same))
        if pair["stage"] != scores["stage"].iloc[0]:  # the statements are about whole sides
            of_label[f"{pair['family']} on {pair['features']}"] = rows
        x = value[rows]
        n = np.isfinite(x).sum()
        se = float(np.nanstd(x, ddof=1) / np.sqrt(n)) if n > 1 else None
        who = f"{pair['family']} on {pair['features']}, {pair['stage']}"
        yield f"table[{i}].mean", float(np.nanmean(x)), rows, f"mean of {who}"
        yield f"table[{i}].spread", float(np.nanstd(x)), rows, f"standard deviation of {who}"
        yield f"table[{i}].se", se, rows, f"standard error of {who}"
    yield "n_fits", len(scores), range(len(scores)), "number of rows: one fit each"
    sign = 1.0 if MEASURES[said["measure"]].greater_is_better else -1.0
    sets = floats(read_table(run / OBSERVATIONS)["duplicate_set"]).astype(np.intp)
    n_train = _training_sizes(read_json(run / "2_preparation" / "split.json"), sets)
    for i, one in enumerate(said["statements"]):
        a, b = of_label[one["a"]], of_label[one["b"]]
        known = np.isfinite(value[a]) & np.isfinite(value[b])
        n_test = floats(scores["n_test"])[a]
        result = corrected_t(
            sign * (value[a] - value[b])[known],
            n_train[known],
            n_test[known],
            n_compared=one["n_compared"],
        )
        how = f"{one['a']} against {one['b']}: corrected paired t"
        for key in ("difference", "low", "high", "p", "p_corrected"):
            yield f"statements[{i}].{key}", getattr(result, key), [*a, *b], how


def _training_sizes(split: dict[str, Any], sets: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.array([len(train) for train, _ in Split.from_json(split, sets).folds])


def _of_trials(run: Path) -> Iterator[Derived]:
    trials = read_table(run / "4_selection" / "trials.csv")
    n = int(floats(trials["n_folds"]).sum())
    yield "n_fits", n, range(len(trials)), "sum of n_folds"
    said = read_json(run / "4_selection" / "selection.json")
    for i, stage in enumerate(said["stages"]):
        rows = np.flatnonzero(trials["stage"] == stage["name"])
        n = int(floats(trials["n_folds"].iloc[rows]).sum())
        yield f"stages[{i}].n_fits", n, rows, f"sum of n_folds, {stage['name']}"
    by_label = {one["label"]: one for one in said["candidates"]}
    for which in ("chosen", "best"):
        one = by_label[said[which]["label"]]
        for key in ("mean", "se", "n_parameters"):
            yield f"{which}.{key}", one[key], (), f"the finalist {one['label']}"
