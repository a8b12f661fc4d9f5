"""Step 5, evaluation: what the outer folds say, with intervals, and the verdict.

The outer folds hold out each group once with the whole search inside (nested), or the sealed set is
opened once (sealed). Every figure here is computed from their outputs: the measures with intervals
that respect groups, confusion, calibration, learning curve, robustness, the worst errors, and what a
random split would have claimed.

*Conventions*: nested, the estimate speaks of the procedure (each fold may have chosen another model);
sealed, it speaks of the deployed model. ``observation`` is the row number in ``observations.csv``.

*References*: Bates, Hastie and Tibshirani 2023 (what cross-validation estimates); Kapoor and
Narayanan 2023 (leakage).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ddasp._errors import RunError
from ddasp._progress import Progress
from ddasp.procedure import calibration
from ddasp.procedure.calibration import decide, probabilities
from ddasp.procedure.fits import (
    Candidate,
    Data,
    Fits,
    FitTask,
    Goal,
    Index,
    unpack,
)
from ddasp.procedure.intervals import Estimate, interval
from ddasp.procedure.measures import MEASURES, Prediction, confusion, measures_for, per_class
from ddasp.procedure.outer import OuterTask, outer_fold
from ddasp.procedure.robustness import conditions
from ddasp.procedure.selection import LEVEL
from ddasp.procedure.spot_check import Search
from ddasp.procedure.verdict import verdict
from ddasp.procedure.workers import Workers

__all__ = ["Evaluation", "Held", "assemble", "random_split", "run_outer"]

N_WORST = 12
N_RANDOM = 5


@dataclass(frozen=True)
class Evaluation:
    """Step 5's result.

    Attributes
    ----------
    predictions : DataFrame
        One row for each held-out observation.
    summary : dict
        All that ``evaluation.json`` holds.
    """

    predictions: pd.DataFrame
    summary: dict[str, Any]


@dataclass(frozen=True)
class Held:
    """Held-out observations of all outer folds in a row, with what a model says about them.

    Attributes
    ----------
    rows : ndarray of shape (n_held,)
        Row numbers of the observations.
    fold : ndarray of shape (n_held,)
        Number of the outer fold.
    prediction : Prediction
        Classes and calibrated probabilities, or values.
    """

    rows: Index
    fold: Index
    prediction: Prediction

    @property
    def decided(self) -> NDArray[np.int64]:
        """Decided class codes, shape (n_held,)."""
        return _there(self.prediction.decided)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (n_held, n_classes)."""
        return _there(self.prediction.probabilities)

    @property
    def values(self) -> NDArray[np.float64]:
        """Predicted values, shape (n_held,)."""
        return _there(self.prediction.values)


def _there(part: NDArray[Any] | None) -> NDArray[Any]:
    if part is None:
        raise RunError("E-RUN", "a prediction lacks the part that its kind of problem has")
    return part


def run_outer(tasks: list[OuterTask], workers: Workers, progress: Progress) -> list[dict[str, Any]]:
    """All outer folds, each in one process from beginning to end; finished ones are read."""
    results: list[dict[str, Any]] = [{}] * len(tasks)

    def note(position: int, result: Any) -> None:
        if isinstance(result, BaseException):
            raise result
        results[position] = result

    workers.map(
        outer_fold, tasks, on_result=note, progress=progress, what="evaluation, outer folds"
    )
    return results


def held(data: Data, goal: Goal, parts: list[tuple[Index, str, float]]) -> Held:
    """Put the outputs of the folds in a row: (rows, outputs, temperature) for each fold."""
    rows = np.concatenate([np.asarray(part[0], int) for part in parts])
    fold = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    out = [unpack(text, len(r)) for r, text, _ in parts]
    if not data.labels:
        return Held(rows, fold, Prediction(values=np.concatenate(out)))
    p = np.concatenate(
        [probabilities(o, temperature) for o, (_, _, temperature) in zip(out, parts, strict=True)]
    )
    return Held(rows, fold, Prediction(decided=decide(p, goal.cost_matrix), probabilities=p))


def estimate(data: Data, goal: Goal, name: str, result: Held) -> Estimate:
    """A measure on held-out observations with its interval; groups where there are any."""
    return interval(
        MEASURES[name],
        data.y[result.rows],
        result.prediction,
        _groups(data, result.rows),
        cost=goal.cost_matrix,
    )


def _groups(data: Data, rows: Index) -> NDArray[np.str_] | None:
    names = data.groups[rows]
    return names if (names != "").all() else None


def _numbers(value: Estimate) -> dict[str, Any]:
    return {key: getattr(value, key) for key in ("value", "low", "high")}


def random_split(
    data: Data, search: Search, candidate: Candidate, temperature: float, fits: Fits
) -> dict[str, Any]:
    """What splitting by file at random would have claimed: copies and groups on both sides.

    The interval is the one that such a report would print, over observations.
    """
    n = len(data.y)
    order = np.random.default_rng(search.seed).permutation(n)
    if data.labels:  # deal each class out evenly
        order = order[np.argsort(data.y[order], kind="stable")]
    fold = np.empty(n, int)
    fold[order] = np.arange(n) % N_RANDOM
    tasks = [
        FitTask(
            search.folder,
            search.data_digest,
            candidate,
            np.flatnonzero(fold != k),
            test,
            search.goal,
            search.seed,
            True,
        )
        for k in range(N_RANDOM)
        if len(test := np.flatnonzero(fold == k))
    ]
    results = fits.run(tasks, "evaluation, random split")
    parts = [(t.test, r["outputs"], temperature) for t, r in zip(tasks, results, strict=True)]
    got, goal = held(data, search.goal, parts), search.goal
    value = interval(
        MEASURES[goal.measure], data.y[got.rows], got.prediction, None, cost=goal.cost_matrix
    )
    return _numbers(value) | {"n_folds": N_RANDOM}


def assemble(
    data: Data,
    observations: pd.DataFrame,
    goal: Goal,
    folds: list[dict[str, Any]],
    *,
    kind: str,
    useful_from: float | None,
    dont_know_below: float,
    rate: int,
) -> Evaluation:
    """Every figure of the evaluation from the outer folds' outputs."""
    result = held(data, goal, [(f["test"], f["outputs"], f["temperature"]) for f in folds])
    measure = MEASURES[goal.measure]
    decisive = estimate(data, goal, goal.measure, result)
    summary: dict[str, Any] = {
        "measure": {
            "name": measure.name,
            "title": measure.title,
            "definition": measure.definition,
            "unit": measure.unit,
            "greater_is_better": measure.greater_is_better,
            "useful_from": useful_from,
        },
        "estimate": asdict(decisive),
        "verdict": asdict(verdict(decisive, measure, useful_from)),
        "measures": [
            {"name": m.name, "title": m.title, "unit": m.unit}
            | asdict(estimate(data, goal, m.name, result))
            for m in measures_for(kind)
            if m.name != "cost" or goal.cost is not None
        ],
        "baselines": _baselines(data, goal, folds),
        "per_group": _per_group(data, goal, result),
        "learning_curve": _learning_curve(data, goal, folds, decisive),
        "robustness": _robustness(data, goal, folds, rate),
        "outer": [_outer_row(data, goal, fold) for fold in folds],
        "n_fits": sum(fold["n_fits"] for fold in folds),
    }
    predictions = _table(data, observations, result, dont_know_below)
    if data.labels:
        summary |= _classification(data, goal, result, folds, kind, dont_know_below)
        wrong = predictions[~predictions["correct"]]
        worst = wrong.sort_values(["probability", "observation"], ascending=[False, True])
    else:
        summary |= _regression(data, result, folds)
        size = predictions["residual"].abs()
        worst = predictions.iloc[np.argsort(-size.to_numpy(), kind="stable")]
    summary["worst"] = worst.head(N_WORST).to_dict("records")
    return Evaluation(predictions, summary)


def _table(
    data: Data, observations: pd.DataFrame, result: Held, dont_know_below: float
) -> pd.DataFrame:
    """One row for each held-out observation, in the order of the observations."""
    rows = observations.iloc[result.rows]
    table = pd.DataFrame({"observation": result.rows})
    for name in ("path", "start", "stop", "group"):
        table[name] = rows[name].to_numpy()
    table["fold"] = result.fold
    if data.labels:
        labels = np.array(data.labels)
        table["label"] = labels[data.y[result.rows]]
        table["decided"] = labels[result.decided]
        table["probability"] = result.probabilities[np.arange(len(table)), result.decided]
        for code, label in enumerate(data.labels):
            table[f"p:{label}"] = result.probabilities[:, code]
        table["correct"] = result.decided == data.y[result.rows]
        table["known"] = ~calibration.dont_know(result.probabilities, dont_know_below)
    else:
        table["target"] = data.y[result.rows]
        table["predicted"] = result.values
        table["residual"] = table["target"] - table["predicted"]
    return table.sort_values("observation", ignore_index=True)


def _baselines(data: Data, goal: Goal, folds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Baselines on the same held-out observations."""
    rows = []
    for one in folds[0]["beside"]:
        # each fold has chosen the best of its kind for itself
        same = [next(b for b in f["beside"] if b["name"] == one["name"]) for f in folds]
        parts = [
            (f["test"], b["outputs"], b["temperature"]) for f, b in zip(folds, same, strict=True)
        ]
        value = estimate(data, goal, goal.measure, held(data, goal, parts))
        rows.append({"name": one["name"], "kind_word": one["word"]} | _numbers(value))
    return rows


def _score(data: Data, goal: Goal, result: Held, mask: NDArray[np.bool_]) -> float:
    return MEASURES[goal.measure].compute(
        data.y[result.rows[mask]], result.prediction.take(mask), cost=goal.cost_matrix
    )


def _per_group(data: Data, goal: Goal, result: Held) -> list[dict[str, Any]]:
    groups = data.groups[result.rows]
    rows = []
    for name in sorted(set(groups) - {""}):
        mask = groups == name
        value = interval(
            MEASURES[goal.measure],
            data.y[result.rows[mask]],
            result.prediction.take(mask),
            None,
            cost=goal.cost_matrix,
        )
        rows.append({"group": name, "n": int(mask.sum())} | _numbers(value))
    return rows


def _learning_curve(
    data: Data, goal: Goal, folds: list[dict[str, Any]], whole: Estimate
) -> list[dict[str, Any]]:
    points = []
    for k, point in enumerate(folds[0]["curve"]):
        parts = [(f["test"], f["curve"][k]["outputs"], f["temperature"]) for f in folds]
        value = estimate(data, goal, goal.measure, held(data, goal, parts))
        n_train = int(np.mean([f["curve"][k]["n_train"] for f in folds]))
        points.append({"share": point["share"], "n_train": n_train} | _numbers(value))
    n_whole = int(np.mean([f["n_train"] for f in folds]))
    return [*points, {"share": 1.0, "n_train": n_whole} | _numbers(whole)]


def _robustness(
    data: Data, goal: Goal, folds: list[dict[str, Any]], rate: int
) -> list[dict[str, Any]]:
    """The measure under each degradation, and undisturbed on the same observations."""
    points = []
    for k, condition in enumerate(conditions(rate)):
        parts = [
            (f["robustness"]["rows"], f["robustness"]["outputs"][k], f["temperature"])
            for f in folds
        ]
        value = estimate(data, goal, goal.measure, held(data, goal, parts))
        points.append(
            {"condition": condition.name, "amount": condition.amount, "unit": condition.unit}
            | _numbers(value)
        )
    parts = [
        (f["robustness"]["rows"], f["robustness"]["undisturbed"], f["temperature"]) for f in folds
    ]
    value = estimate(data, goal, goal.measure, held(data, goal, parts))
    undisturbed = {"condition": "undisturbed", "amount": 0.0, "unit": ""} | _numbers(value)
    return [undisturbed, *points]


def _outer_row(data: Data, goal: Goal, fold: dict[str, Any]) -> dict[str, Any]:
    result = held(data, goal, [(fold["test"], fold["outputs"], fold["temperature"])])
    return {
        "fold": fold["fold"],
        "groups": fold["groups"],
        "n_train": fold["n_train"],
        "n_test": len(fold["test"]),
        "value": _score(data, goal, result, np.ones(len(result.rows), bool)),
        "chosen": fold["chosen"],
        "n_fits": fold["n_fits"],
    }


def _classification(
    data: Data,
    goal: Goal,
    result: Held,
    folds: list[dict[str, Any]],
    kind: str,
    dont_know_below: float,
) -> dict[str, Any]:
    y, p, groups = data.y[result.rows], result.probabilities, _groups(data, result.rows)
    raw = held(data, goal, [(f["test"], f["outputs"], 1.0) for f in folds]).probabilities
    unsure = calibration.dont_know(p, dont_know_below)
    correct = result.decided == y
    cost = goal.cost_matrix
    return {
        "confusion": {
            "labels": data.labels,
            "counts": confusion(y, result.decided, len(data.labels)),
        },
        "per_class": _per_class(data, y, result, groups),
        "calibration": {
            "temperatures": [f["temperature"] for f in folds],
            "ece_before": calibration.expected_calibration_error(raw, y),
            "ece_after": calibration.expected_calibration_error(p, y),
            "ece_by_chance": calibration.calibration_by_chance(p),
            "bins_before": [asdict(b) for b in calibration.reliability(raw, y)],
            "bins": [asdict(b) for b in calibration.reliability(p, y, groups)],
        },
        "dont_know": {
            "below": dont_know_below,
            "share": float(unsure.mean()),
            "accuracy_decided": float(correct[~unsure].mean()) if (~unsure).any() else None,
        },
        "threshold": None if kind != "binary" or cost is None else _threshold(data, y, p, cost),
        "residuals": None,
    }


def _threshold(
    data: Data, y: NDArray[Any], p: NDArray[np.float64], cost: NDArray[np.float64]
) -> dict[str, Any]:
    """The threshold that the costs ask for, and what each other one would have cost."""
    curve = zip(*calibration.cost_curve(y, p[:, 1], cost), strict=True)
    return {
        "cost_matrix": cost,
        "labels": data.labels,
        "threshold": calibration.cost_threshold(cost),
        "curve": [{"threshold": at, "cost": mean} for at, mean in curve],
    }


def _per_class(
    data: Data, y: NDArray[Any], result: Held, groups: NDArray[np.str_] | None
) -> list[dict[str, Any]]:
    """Recall with its interval, precision and F1 of each class."""
    table = per_class(y, result.decided, len(data.labels))
    rows = []
    for code, label in enumerate(data.labels):
        mask = y == code
        row = {"label": label, "n": int(mask.sum())}
        row |= {name: float(getattr(table, name)[code]) for name in ("recall", "precision", "f1")}
        if mask.any():
            said, of_group = result.prediction.take(mask), None if groups is None else groups[mask]
            value = interval(MEASURES["accuracy"], y[mask], said, of_group)
            row |= {"low": value.low, "high": value.high}
        rows.append(row)
    return rows


def _regression(data: Data, result: Held, folds: list[dict[str, Any]]) -> dict[str, Any]:
    """Half width of the prediction interval that each fold's inner residuals promise, checked here."""
    widths = np.array([fold["half_width"] for fold in folds])
    size = np.abs(data.y[result.rows] - result.values)
    return {
        "confusion": None,
        "per_class": [],
        "calibration": None,
        "dont_know": None,
        "threshold": None,
        "residuals": {
            "level": LEVEL,
            "half_width": float(np.median(widths)),
            "coverage": float((size <= widths[result.fold]).mean()),
        },
    }
