"""One fit: a candidate learned on some observations and measured on others.

Steps 3 to 5 are made of such fits. A fit is data (`FitTask`): it can be sent to a worker, and its
digest is the key under which a `Ledger` remembers its result, so that an interrupted search
that is started again finds what is done and goes on.

*Conventions*: ``train`` and ``test`` are row numbers of the observations; variant 0 of a feature table is
the sound as it is, further variants enlarge the training side only. Whatever is learned (the
standardisation too) is learned from ``train`` alone, because it lives in the estimator.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp._files import Ledger, digest_json
from ddasp._progress import Progress
from ddasp.procedure import preparation
from ddasp.procedure.calibration import decide, fit_temperature, probabilities
from ddasp.procedure.candidates import FAMILIES, Estimator
from ddasp.procedure.features import FeatureTable
from ddasp.procedure.measures import MEASURES, Prediction
from ddasp.procedure.workers import Workers

__all__ = [
    "Candidate",
    "Data",
    "FitTask",
    "Fits",
    "Goal",
    "data_of",
    "fit",
    "fold_scores",
    "load_data",
    "outputs",
    "pack",
    "params_text",
    "seed_of",
    "subset",
    "unpack",
]

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Candidate:
    """A family of models on a feature set with its parameters."""

    family: str
    features: str
    params: tuple[tuple[str, Any], ...] = ()
    enlarged: bool = False

    @property
    def label(self) -> str:
        """How a table or a sentence calls it.

        Examples
        --------
        >>> Candidate("svm", "trajectories", (("C", 4.0),), enlarged=True).label
        'svm on trajectories (C=4, enlarged)'
        """
        words = [f"{name}={_short(value)}" for name, value in self.params]
        words += ["enlarged"] if self.enlarged else []
        return f"{self.family} on {self.features}" + (f" ({', '.join(words)})" if words else "")

    def to_json(self) -> dict[str, Any]:
        """The plain form that stands in the run folder."""
        return {
            "family": self.family,
            "features": self.features,
            "params": dict(self.params),
            "enlarged": self.enlarged,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Candidate:
        """Read the plain form back."""
        params = tuple(
            (name, tuple(item) if isinstance(item, list) else item)
            for name, item in sorted(value["params"].items())
        )
        return cls(value["family"], value["features"], params, bool(value["enlarged"]))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace(" ", "")


@dataclass(frozen=True)
class Goal:
    """What decides: the measure, and the cost matrix where one was stated.

    ``cost[i][j]`` is the cost of deciding class j where class i is true.
    """

    measure: str
    cost: tuple[tuple[float, ...], ...] | None = None

    @property
    def cost_matrix(self) -> NDArray[np.float64] | None:
        """The cost matrix as an array of shape (n_classes, n_classes)."""
        return None if self.cost is None else np.asarray(self.cost, float)

    @property
    def needs_probability(self) -> bool:
        """Whether scores have to be calibrated before they can be judged."""
        return MEASURES[self.measure].needs == "probability" or self.cost is not None

    @property
    def sign(self) -> float:
        """+1 where greater is better, -1 where smaller is."""
        return 1.0 if MEASURES[self.measure].greater_is_better else -1.0


@dataclass(frozen=True)
class Data:
    """The observations as the fits see them.

    Attributes
    ----------
    tables : dict of FeatureTable
        One for each feature set; X has shape (n_variants, n_observations, n_features).
    y : ndarray of shape (n_observations,)
        Class numbers, or the target.
    labels : tuple of str
        The classes in order; empty for regression.
    groups : ndarray of shape (n_observations,)
        Name of the group of each observation; empty strings where none is known.
    duplicate_set : ndarray of shape (n_observations,)
        Observations with one non-negative number contain the same sound.
    """

    tables: dict[str, FeatureTable]
    y: NDArray[Any]
    labels: tuple[str, ...]
    groups: NDArray[np.str_]
    duplicate_set: NDArray[np.intp]

    @property
    def kind(self) -> Literal["classification", "regression"]:
        """Classification or regression."""
        return "classification" if self.labels else "regression"


def data_of(prepared: preparation.Prepared) -> Data:
    """What the fits see of step 2's result."""
    rows = prepared.observations
    labels = tuple(prepared.summary["classes"])  # binary: the positive class is the last
    number = {label: code for code, label in enumerate(labels)}
    return Data(
        prepared.features,
        rows["label"].map(number).to_numpy(np.intp) if labels else rows["target"].to_numpy(float),
        labels,
        rows["group"].to_numpy(str),
        rows["duplicate_set"].to_numpy(np.intp),
    )


@lru_cache(maxsize=1)
def load_data(folder: Path) -> Data:
    """The data of step 2, read once in each process."""
    return data_of(preparation.load(folder))


def seed_of(*parts: Any) -> int:
    """A seed from names and numbers: the same ones give the same seed on every machine."""
    return int(digest_json(list(parts))[:8], 16) % (2**31)


def fit(data: Data, candidate: Candidate, train: Index, *, seed: int) -> Estimator:
    """Learn a candidate on the observations ``train``."""
    family, table = FAMILIES[candidate.family], data.tables[candidate.features]
    X = table.rows(train, variants=candidate.enlarged)
    y = np.tile(data.y[train], X.shape[0] // len(train))
    estimator = family.build(dict(candidate.params), data.kind, seed, table.shape)
    return estimator.fit(X, y, n_classes=len(data.labels))


def outputs(data: Data, candidate: Candidate, estimator: Estimator, rows: Index) -> NDArray[Any]:
    """Scores of shape (n_rows, n_classes), or predicted values of shape (n_rows,)."""
    X = data.tables[candidate.features].rows(rows)
    return estimator.scores(X) if data.labels else estimator.predict(X)


def subset(data: Data, rows: Index, size: int, *, seed: int) -> Index:
    """At most ``size`` of the rows, drawn so that each class and group keeps its share.

    Every class and group is shuffled, then taken in turns, which is the largest even spread.
    """
    if len(rows) <= size:
        return rows
    rng = np.random.default_rng(seed)
    rows = rng.permutation(rows)
    strata = (
        data.groups[rows]
        if not data.labels
        else np.char.add(np.char.add(data.groups[rows], "\n"), data.y[rows].astype(str))
    )
    order = np.argsort(strata, kind="stable")
    turn = np.empty(len(rows), int)
    _, counts = np.unique(strata, return_counts=True)
    turn[order] = np.concatenate([np.arange(count) for count in counts])
    return np.sort(rows[np.argsort(turn, kind="stable")[:size]])


@dataclass(frozen=True)
class FitTask:
    """One fit and where its data lie; everything that its result depends on."""

    folder: Path
    data_digest: str
    candidate: Candidate
    train: Index
    test: Index
    goal: Goal
    seed: int
    keep_outputs: bool = False

    @property
    def key(self) -> str:
        """Digest of all that the result depends on."""
        parts = [
            self.data_digest,
            self.candidate.to_json(),
            self.goal.measure,
            self.goal.cost,
            self.seed,
        ]
        return digest_json([*parts, self.keep_outputs, self.train.tolist(), self.test.tolist()])


def measure_fit(task: FitTask) -> dict[str, Any]:
    """Run one fit; the result is plain data for the ledger.

    ``score`` is None where the measure needs calibrated probabilities: then ``outputs`` are kept
    and the score follows when the outputs of the other folds are there (`fold_scores`).
    """
    data = load_data(task.folder)
    start = time.perf_counter()
    estimator = fit(data, task.candidate, task.train, seed=task.seed)
    fitted = time.perf_counter()
    out = outputs(data, task.candidate, estimator, task.test)
    applied = time.perf_counter()
    keep = task.keep_outputs or task.goal.needs_probability
    score = None
    if not task.goal.needs_probability:
        prediction = Prediction(decided=out.argmax(1)) if data.labels else Prediction(values=out)
        score = MEASURES[task.goal.measure].compute(data.y[task.test], prediction)
    return {
        "score": score,
        "n_parameters": estimator.n_parameters,
        "outputs": pack(out) if keep else None,
        "fit_s": fitted - start,
        "apply_s": (applied - fitted) / max(len(task.test), 1),
    }


def pack(values: NDArray[Any]) -> str:
    """Outputs of a fit as text for the ledger: their float64 bytes in base 64."""
    return base64.b64encode(values.astype("<f8").tobytes()).decode()


def unpack(text: str, n_rows: int) -> NDArray[np.float64]:
    """Outputs of a fit as an array, from the text in the ledger."""
    values = np.frombuffer(base64.b64decode(text), "<f8")
    return (
        values.reshape(n_rows, -1).squeeze(1)
        if len(values) == n_rows
        else values.reshape(n_rows, -1)
    )


def fold_scores(
    data: Data, goal: Goal, tasks: list[FitTask], results: list[dict[str, Any]]
) -> NDArray[np.float64]:
    """Score of one candidate on each of its folds, shape (n_folds,).

    Where the measure needs probabilities, each fold is calibrated with the temperature that the
    other folds' outputs ask for, so that no fold is judged with a temperature fitted on itself.
    """
    if not goal.needs_probability:
        return np.array([result["score"] for result in results], float)
    out = [unpack(r["outputs"], len(t.test)) for t, r in zip(tasks, results, strict=True)]
    y = [data.y[task.test] for task in tasks]
    scores = []
    for fold in range(len(tasks)):
        others = [k for k in range(len(tasks)) if k != fold] or [fold]
        temperature = fit_temperature(
            np.concatenate([out[k] for k in others]), np.concatenate([y[k] for k in others])
        )
        p = probabilities(out[fold], temperature)
        prediction = Prediction(decided=decide(p, goal.cost_matrix), probabilities=p)
        scores.append(MEASURES[goal.measure].compute(y[fold], prediction, cost=goal.cost_matrix))
    return np.array(scores)


class Fits:
    """Carries out fits: those in the ledger are looked up, the others are computed and noted.

    Parameters
    ----------
    ledger : Ledger
        Remembers results.
    workers : Workers
        Where the fits are computed.
    progress : Progress
        The display.
    """

    def __init__(self, ledger: Ledger, workers: Workers, progress: Progress) -> None:
        self.ledger, self.workers, self.progress = ledger, workers, progress
        self.n_fits = 0

    def run(self, tasks: list[FitTask], what: str) -> list[dict[str, Any]]:
        """Results in the order of the tasks.

        Raises
        ------
        InputError
            When a fit failed; the message names the candidate.
        """
        keys = [task.key for task in tasks]
        missing = [i for i, key in enumerate(keys) if self.ledger.get(key) is None]

        def note(position: int, result: Any) -> None:
            if isinstance(result, BaseException):
                label = tasks[missing[position]].candidate.label
                raise InputError("E-DATA", f"the fit of {label} failed: {result}") from result
            self.ledger.put(keys[missing[position]], result)

        self.workers.map(
            measure_fit,
            [tasks[i] for i in missing],
            on_result=note,
            progress=self.progress,
            what=what,
        )
        self.n_fits += len(tasks)
        return [self.ledger.get(key) for key in keys]


def params_text(candidate: Candidate) -> str:
    """Parameters as canonical JSON in one line, for tables."""
    return json.dumps(dict(candidate.params), sort_keys=True)
