"""The tables of the report, step by step.

*Conventions*: a function takes the run folder and returns a `Table`, or None where the run holds
nothing to say. Rows come best first where there is a best; it is marked ●, what can't be told apart
from it ○.
"""

from __future__ import annotations

import ast
import json
import math
from typing import Any

import pandas as pd

from ddasp._errors import CODES
from ddasp.procedure.report.figures import WORDS, greater_is_better, measure_name
from ddasp.procedure.report.folder import RunFolder
from ddasp.procedure.report.tables import (
    Cell,
    Table,
    count,
    count_cell,
    digits_for,
    digits_of,
    interval,
    known,
    params,
    time_cell,
    value_cell,
)
from ddasp.procedure.report.words import listed

__all__ = [
    "class_by_group",
    "feature_sets",
    "finalists",
    "findings",
    "folds",
    "measures",
    "outer",
    "per_class",
    "settings",
    "spot_table",
    "tried",
]

SHOWN_FILES = 12
SHOWN_NAMES = 200
MOST_COLUMNS = 24
BEST, ALIKE = "●", "○"


def settings(run: RunFolder) -> Table | None:
    """All other keys of ``problem.toml``."""
    rows = []
    for table, values in run.problem.items():
        if table == "problem" or not isinstance(values, dict):
            continue
        for key, value in values.items():
            shown = ", ".join(map(str, value)) if isinstance(value, list) else params(value)
            cell = Cell(shown) if shown else Cell("not given", kind="blank")
            rows.append([Cell(f"{table}.{key}", kind="c"), cell])
    return Table("Settings of problem.toml", [("key", "t"), ("value", "t")], rows) if rows else None


def findings(run: RunFolder) -> list[dict[str, Any]]:
    """Each code that was found: how often, what it means, what to do, in which files."""
    frame = run.recordings
    flags = run.preparation.get("flags") or {}
    rows = []
    for code in sorted(flags, key=lambda c: (c[0] != "E", c)):
        files: list[dict[str, Any]] = []
        if not frame.empty:
            mine = frame[[code in text.split() for text in frame["flags"]]]
            files = [
                {"path": path, "detail": detail}
                for path, detail in zip(mine["path"], mine["detail"], strict=True)
            ]
        meaning, advice = CODES.get(code, ("", ""))
        rows.append(
            {
                "code": code,
                "n": count(flags[code]),
                "meaning": meaning,
                "advice": advice,
                "files": files[:SHOWN_FILES],
                "few": len(files) <= 2,
                "more": max(0, len(files) - SHOWN_FILES),
            }
        )
    return rows


def class_by_group(run: RunFolder) -> Table | None:
    """How many sounds of each class come from each group."""
    frame = run.observations
    if frame.empty or (frame["label"] == "").all():
        return None
    groups = sorted(g for g in frame["group"].unique() if g != "")
    counts = frame.groupby(["label", "group"]).size().to_dict()
    shown = groups if len(groups) <= MOST_COLUMNS else []
    crowded = bool(groups) and not shown
    rows = []
    for label in sorted(frame["label"].unique()):
        cells = [Cell(str(label))]
        if crowded:
            having = sum((label, group) in counts for group in groups)
            cells.append(Cell(f"{having} of {len(groups)}", having))
        cells += [count_cell(counts.get((label, group), 0)) for group in shown]
        rows.append([*cells, count_cell((frame["label"] == label).sum())])
    columns = [("class", "t"), *([("groups that have it", "n")] if crowded else [])]
    columns += [*((group, "n") for group in shown), ("all", "n")]
    return Table("Sounds by class and group", columns, rows)


def folds(run: RunFolder) -> Table | None:
    """What each fold tests."""
    split = run.split
    if not split.get("folds"):
        return None
    n = len(split["folds"])
    names = split.get("fold_groups") or [[]] * n
    purged = split.get("purged") or [0] * n
    grouped = any(names)
    rows = []
    for k, (test, groups, out) in enumerate(zip(split["folds"], names, purged, strict=False)):
        who = [Cell(listed(groups, 8))] if grouped else []
        rows.append([count_cell(k), *who, count_cell(len(test)), count_cell(out)])
    columns = [("fold", "n"), *([("groups tested", "t")] if grouped else [])]
    columns += [("sounds tested", "n"), ("copies kept out of training", "n")]
    return Table("Folds", columns, rows)


def feature_sets(run: RunFolder) -> list[dict[str, Any]]:
    """Each feature set: title, formula, size, names."""
    rows = []
    for f in run.feature_sets:
        units = f.get("units") or [""] * len(f["names"])
        named = [f"{n} / {u}" if u else n for n, u in zip(f["names"], units, strict=False)]
        shape = f.get("shape")
        rows.append(
            {
                **f,
                "named": named[:SHOWN_NAMES],
                "more": max(0, len(named) - SHOWN_NAMES),
                "map": f"{shape[0]} frames × {shape[1]} bands" if shape else "",
                "count": count(f["n_features"]),
                "is_chosen": f["name"] == run.chosen.get("features"),
            }
        )
    return rows


def spot_table(run: RunFolder) -> Table | None:
    """Every pair of family and feature set, in each stage."""
    table = run.spot_check.get("table") or []
    if not table:
        return None
    digits = digits_for((r["mean"] for r in table), 3)
    fits, sign = run.times.get("fits") or {}, 1 if greater_is_better(run) else -1
    stages = list(dict.fromkeys(r["stage"] for r in table))
    best = {s: _best_of([r for r in table if r["stage"] == s], sign) for s in stages}

    def place(row: dict[str, Any]) -> tuple[int, float]:
        return stages.index(row["stage"]), -sign * row["mean"] if known(row["mean"]) else math.inf

    rows = []
    for r in sorted(table, key=place):
        time = fits.get(f"{r['family']}/{r['features']}") or {}
        rows.append(
            [
                Cell(r["family"]),
                Cell(r["features"]),
                Cell(WORDS.get(r["kind_word"], r["kind_word"])),
                *([Cell(str(r["stage"]))] if len(stages) > 1 else []),
                value_cell(r["mean"], digits, mark=_mark(r, best[r["stage"]], sign)),
                value_cell(r["spread"], digits),
                count_cell(r["n_parameters"]),
                time_cell(time.get("fit_s")),
                time_cell(time.get("apply_s_per_second")),
            ]
        )
    words = ["family", "features", "kind", *(["stage"] if len(stages) > 1 else [])]
    numbers = [measure_name(run), "± over folds", "parameters", "one fit", "per second of sound"]
    columns = [(w, "w") for w in words] + [(n, "n") for n in numbers]
    note = f"{BEST} best of its stage; {ALIKE} within one standard error of it, not to be told apart here."
    return Table("Families and feature sets", columns, rows, note)


def _best_of(rows: list[dict[str, Any]], sign: int) -> dict[str, Any]:
    scored = [r for r in rows if known(r["mean"]) and r["kind_word"] != "shortcut"]
    return max(scored, key=lambda r: sign * r["mean"], default={})


def _mark(row: dict[str, Any], best: dict[str, Any], sign: int) -> str:
    if row is best:
        return BEST
    if not (best and known(row["mean"]) and known(best.get("se"))):
        return ""
    return ALIKE if sign * (best["mean"] - row["mean"]) <= best["se"] else ""


def finalists(run: RunFolder) -> Table | None:
    """The candidates that the rule chose from."""
    best, chosen = run.selection.get("best") or {}, run.chosen
    candidates = run.selection.get("candidates") or []
    digits = digits_for((r["mean"] for r in candidates), 3)
    rows = []
    for r in candidates:
        is_chosen = r["mean"] == chosen.get("mean") and r["label"] in (chosen.get("label"), None)
        mark = BEST if r["mean"] == best.get("mean") else ALIKE if r["within"] else ""
        name = Cell(f"{r['label']} – chosen", kind="strong") if is_chosen else Cell(str(r["label"]))
        cells = [value_cell(r["mean"], digits, mark=mark)]
        errors = ("se", "difference_to_best", "se_difference")
        cells += [value_cell(r[key], digits) for key in errors]
        rows.append([name, *cells, count_cell(r["order"]), count_cell(r["n_parameters"])])
    if not rows:
        return None
    numbers = ["standard error", "difference to the best", "standard error of that"]
    numbers = [measure_name(run), *numbers, "order of simplicity", "parameters"]
    columns = [("candidate", "t"), *((n, "n") for n in numbers)]
    note = f"{BEST} best; {ALIKE} within one standard error of the paired difference to it."
    return Table("Finalists", columns, rows, note)


def tried(run: RunFolder) -> list[Table]:
    """Every configuration tried: in the selection, and inside the outer folds."""
    both = (
        ("Configurations of the selection", run.trials, "number"),
        ("Configurations tried inside the outer folds", run.tried, "fold"),
    )
    return [_tried(run, name, frame, first) for name, frame, first in both if not frame.empty]


def _tried(run: RunFolder, name: str, frame: pd.DataFrame, first: str) -> Table:
    errors = ["se"] if "se" in frame.columns else []
    digits = digits_for(frame["mean"], 3)
    rows = []
    for r in frame.to_dict("records"):
        words = [str(r.get(key, "")) for key in ("stage", "family", "features")]
        words += [_settings(r.get("params")), "yes" if str(r.get("enlarged")) == "True" else "no"]
        scores = [value_cell(r[key], digits) for key in ("mean", *errors)]
        rows.append(
            [count_cell(r[first]), *map(Cell, words), *scores, count_cell(r.get("n_train"))]
        )
    columns = [(first, "n"), ("stage", "w"), ("family", "w"), ("features", "w"), ("settings", "t")]
    columns += [("enlarged", "t"), (measure_name(run), "n")]
    columns += [("standard error", "n") for _ in errors] + [("trained on", "n")]
    return Table(name, columns, rows)


def _settings(text: Any) -> str:
    """Settings as they stand in a CSV: JSON or Python's notation; numbers with three digits."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return params(dict(parse(str(text)))) or "default"
        except (TypeError, ValueError, SyntaxError):
            continue
    return str(text or "default")


def measures(run: RunFolder) -> Table | None:
    """All measures with their intervals, the deciding one first."""
    deciding = (run.evaluation.get("measure") or {}).get("name")
    unit = str(run.definition.get("unit") or "")
    rows = []
    for r in sorted(run.evaluation.get("measures") or [], key=lambda r: r["name"] != deciding):
        digits = digits_of([r])
        shown = unit if r.get("unit") == "unit of the target" else r.get("unit") or ""
        name = Cell(r.get("title") or r["name"], kind="strong" if r["name"] == deciding else "")
        cells = [value_cell(r["value"], digits), Cell(interval(r, digits)), Cell(shown)]
        rows.append([name, *cells, Cell(r.get("method") or "")])
    columns = [("measure", "t"), ("value", "n"), ("95 % interval", "n"), ("unit", "t")]
    columns += [("how the interval was formed", "t")]
    return Table("Measures", columns, rows) if rows else None


def per_class(run: RunFolder) -> Table | None:
    """Recall, precision and F1 of each class."""
    found = run.evaluation.get("per_class") or []
    digits = digits_of(found)
    rows = [
        [
            Cell(str(r["label"])),
            count_cell(r["n"]),
            value_cell(r["recall"], digits),
            Cell(interval(r, digits)),
            value_cell(r["precision"], digits),
            value_cell(r["f1"], digits),
        ]
        for r in found
    ]
    numbers = ("sounds", "recall", "95 % interval", "precision", "F1")
    return Table("Classes", [("class", "t"), *((n, "n") for n in numbers)], rows) if rows else None


def outer(run: RunFolder) -> Table | None:
    """What each outer fold chose and found."""
    found = run.evaluation.get("outer") or []
    if run.evaluation.get("mode") != "nested" or not found:
        return None
    digits = digits_for((r["value"] for r in found), 3)
    rows = []
    for r in found:
        c = r.get("chosen") or {}
        enlarged = "yes" if c.get("enlarged") else "no"
        words = [
            f"{c.get('family', '')} on {c.get('features', '')}",
            _settings(c.get("params")),
            enlarged,
        ]
        rows.append(
            [
                count_cell(r["fold"]),
                Cell(listed(r.get("groups") or [], 8)),
                count_cell(r["n_train"]),
                count_cell(r["n_test"]),
                value_cell(r["value"], digits),
                *map(Cell, words),
                count_cell(r["n_fits"]),
            ]
        )
    columns = [("fold", "n"), ("held out", "t"), ("trained on", "n"), ("tested on", "n")]
    columns += [(measure_name(run), "n"), ("chosen inside", "t"), ("settings", "t")]
    return Table("Outer folds", [*columns, ("enlarged", "t"), ("fits", "n")], rows)
