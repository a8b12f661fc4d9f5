"""What follows from the held-out outputs: the numbers of step 5, computed again.

*Conventions*: the computation is that of `evaluation` on the columns of ``predictions.csv``, in the
order in which the folds came; keys are those of ``evaluation.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.procedure import calibration
from ddasp.procedure.calibration import decide
from ddasp.procedure.evaluation import N_WORST
from ddasp.procedure.intervals import interval
from ddasp.procedure.measures import MEASURES, Prediction, confusion, measures_for, per_class
from ddasp.procedure.problem import Problem
from ddasp.procedure.verdict import verdict
from ddasp.procedure.verifying.rows import floats, read_table

__all__ = ["Derived", "Outputs", "Rows", "columns", "of_outputs", "read_outputs"]

Rows = Sequence[int] | NDArray[Any]
Derived = tuple[str, Any, Rows, str]
"""Key, value computed again, the rows it comes from, how."""


@dataclass(frozen=True)
class Outputs:
    """``predictions.csv`` in the order of the folds.

    Attributes
    ----------
    row : ndarray of shape (n_held,)
        Row in the file.
    y : ndarray of shape (n_held,)
        Class codes, or targets.
    groups : ndarray of shape (n_held,)
        Their names, blank where there is none.
    """

    row: NDArray[np.intp]
    observation: NDArray[np.intp]
    fold: NDArray[np.intp]
    y: NDArray[Any]
    prediction: Prediction
    groups: NDArray[np.str_]
    labels: tuple[str, ...]

    @property
    def decided(self) -> NDArray[np.intp]:
        """Decided class codes, shape (n_held,)."""
        return np.asarray(self.prediction.decided, np.intp)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities, shape (n_held, n_classes)."""
        return np.asarray(self.prediction.probabilities, np.float64)

    @property
    def values(self) -> NDArray[np.float64]:
        """Predicted values, shape (n_held,)."""
        return np.asarray(self.prediction.values, np.float64)

    @property
    def named(self) -> NDArray[np.str_] | None:
        """Groups for intervals: None unless each observation has one."""
        return self.groups if (self.groups != "").all() else None


def read_outputs(path: Path, labels: tuple[str, ...]) -> Outputs:
    """Read ``predictions.csv``; ``labels`` are the classes in order, none for a regression."""
    table = read_table(path)
    fold = table["fold"].to_numpy().astype(np.intp)
    row = np.argsort(fold, kind="stable")
    table = table.iloc[row]
    if labels:
        code = {label: k for k, label in enumerate(labels)}
        y = np.array([code[label] for label in table["label"]], np.intp)
        p = np.column_stack([floats(table[f"p:{label}"]) for label in labels])
        decided = np.array([code[label] for label in table["decided"]], np.intp)
        prediction = Prediction(decided=decided, probabilities=p)
    else:
        y, prediction = floats(table["target"]), Prediction(values=floats(table["predicted"]))
    observation = table["observation"].to_numpy().astype(np.intp)
    groups = table["group"].to_numpy(str)
    return Outputs(row, observation, fold[row], y, prediction, groups, labels)


def columns(
    out: Outputs, asked: Problem, cost: NDArray[np.float64] | None
) -> dict[str, NDArray[Any]]:
    """Columns that follow from others: decision, its probability, correct, known; the residual."""
    if not out.labels:
        return {"residual": out.y - out.values}
    p, decided = out.probabilities, out.decided
    unsure = calibration.dont_know(p, asked.evaluation.dont_know_below)
    return {
        "decided": np.array(out.labels)[decide(p, cost)],
        "probability": p[np.arange(len(p)), decided],
        "correct": (decided == out.y).astype(str),
        "known": (~unsure).astype(str),
    }


def of_outputs(out: Outputs, asked: Problem, cost: NDArray[np.float64] | None) -> Iterator[Derived]:
    """Everything in ``evaluation.json`` that follows from the held-out outputs alone."""
    measure = MEASURES[asked.measure]

    def estimate(name: str) -> Any:
        return interval(MEASURES[name], out.y, out.prediction, out.named, cost=cost)

    decisive = estimate(measure.name)
    useful_from = asked.definition.useful_from
    yield from _each("estimate", asdict(decisive), out.row, f"{measure.title} with its interval")
    said = asdict(verdict(decisive, measure, useful_from))
    yield from _each("verdict", said, out.row, "the estimate held against useful_from")
    yield "measure.useful_from", useful_from, (), "useful_from of problem.toml"
    offered = [m for m in measures_for(asked.kind) if m.name != "cost" or cost is not None]
    for i, one in enumerate(offered):
        yield f"measures[{i}].name", one.name, (), ""
        yield from _each(f"measures[{i}]", asdict(estimate(one.name)), out.row, one.title)
    for i, name in enumerate(sorted(set(out.groups) - {""})):
        mask = out.groups == name
        value = interval(measure, out.y[mask], out.prediction.take(mask), None, cost=cost)
        row = {"n": int(mask.sum())} | _bounds(value)
        yield f"per_group[{i}].group", name, (), ""
        yield from _each(f"per_group[{i}]", row, out.row[mask], f"{measure.title} of {name}")
    for fold in sorted(set(out.fold)):
        mask = out.fold == fold
        score = measure.compute(out.y[mask], out.prediction.take(mask), cost=cost)
        row = {"value": score, "n_test": int(mask.sum())}
        yield from _each(f"outer[{fold}]", row, out.row[mask], f"{measure.title} of fold {fold}")
    last = {"value": decisive.value, "low": decisive.low, "high": decisive.high}
    yield from _each("learning_curve[-1]", last, out.row, "the estimate: all groups learned from")
    if out.labels:
        yield from _of_classes(out, asked, cost)
    else:
        yield from _worst(out, np.abs(out.y - out.values), np.ones(len(out.y), bool))


def _each(key: str, values: dict[str, Any], rows: Rows, how: str) -> Iterator[Derived]:
    for name, value in values.items():
        yield f"{key}.{name}", value, rows, how


def _bounds(value: Any) -> dict[str, float]:
    return {name: getattr(value, name) for name in ("value", "low", "high")}


def _of_classes(
    out: Outputs, asked: Problem, cost: NDArray[np.float64] | None
) -> Iterator[Derived]:
    """Confusion, classes, calibration, "don't know", threshold and the worst errors."""
    p, decided, labels = out.probabilities, out.decided, out.labels
    counts = confusion(out.y, decided, len(labels))
    for k, true in enumerate(labels):
        for j, said in enumerate(labels):
            rows = out.row[(out.y == k) & (decided == j)]
            yield f"confusion.counts[{k}][{j}]", counts[k, j], rows, f"{true} decided as {said}"
    table = per_class(out.y, decided, len(labels))
    for k, label in enumerate(labels):
        mask = out.y == k
        row = {name: float(getattr(table, name)[k]) for name in ("recall", "precision", "f1")}
        row |= {"n": int(mask.sum())}
        if mask.any():
            groups = None if out.named is None else out.named[mask]
            value = interval("accuracy", out.y[mask], out.prediction.take(mask), groups)
            row |= {"low": value.low, "high": value.high}
        rows = out.row[mask | (decided == k)]
        yield from _each(f"per_class[{k}]", row, rows, f"is {label}, or decided as {label}")
    ece = calibration.expected_calibration_error(p, out.y)
    yield "calibration.ece_after", ece, out.row, "expected calibration error"
    chance = calibration.calibration_by_chance(p)
    yield "calibration.ece_by_chance", chance, out.row, "the error of perfect calibration"
    for i, one in enumerate(calibration.reliability(p, out.y, out.named)):
        top = p.max(axis=1)
        rows = out.row[(top >= one.low) & (top <= one.high)]
        yield from _each(f"calibration.bins[{i}]", asdict(one), rows, "largest probability in bin")
    unsure = calibration.dont_know(p, asked.evaluation.dont_know_below)
    correct = decided == out.y
    yield "dont_know.share", float(unsure.mean()), out.row, "share below the limit"
    sure = float(correct[~unsure].mean()) if (~unsure).any() else None
    yield "dont_know.accuracy_decided", sure, out.row[~unsure], "share correct of the others"
    if asked.kind == "binary" and cost is not None:
        yield "threshold.threshold", calibration.cost_threshold(cost), (), "costs of problem.toml"
        for i, mean in enumerate(calibration.cost_curve(out.y, p[:, 1], cost)[1]):
            yield f"threshold.curve[{i}].cost", mean, out.row, "mean cost at that threshold"
    yield from _worst(out, p[np.arange(len(p)), decided], ~correct)


def _worst(out: Outputs, size: NDArray[np.float64], among: NDArray[np.bool_]) -> Iterator[Derived]:
    """The worst errors: largest first, equal ones in the order of the observations."""
    order = np.lexsort((out.observation, -size))
    for i, k in enumerate(order[among[order]][:N_WORST]):
        yield f"worst[{i}].observation", int(out.observation[k]), [out.row[k]], "a row as it is"
        key = "probability" if out.labels else "residual"
        value = size[k] if out.labels else float(out.y[k] - out.values[k])
        yield f"worst[{i}].{key}", value, [out.row[k]], "a row as it is"
