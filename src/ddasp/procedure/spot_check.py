"""Step 3, spot check: many families of models, few settings, equal budget, the same folds.

Two stages. In the first, every pair of family and feature set gets the same budget: its default
settings, the same folds, and training sides thinned to the same number of observations. In the
second, the best few pairs and the best of each kind (rule, linear, non-linear) are learned on
whole training sides. Two statements are tested there: is learning worth it over a hand-made rule,
and is non-linearity worth it over the linear model.

*Conventions*: a score is the goal's measure on one fold; ``spread`` is its standard deviation over the
folds. Shortcut baselines know only the duration, the sampling rate or the level: where one of them
scores, the corpus tells the class by something that is not the sound in question.

*References*: Jamieson and Talwalkar 2016 (successive halving); Nadeau and Bengio 2003 (the
corrected paired test).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp._files import digest_json
from ddasp.procedure.calibration import fit_temperature
from ddasp.procedure.candidates import FAMILIES
from ddasp.procedure.comparison import Comparison, corrected_t
from ddasp.procedure.fits import (
    Candidate,
    Data,
    Fits,
    FitTask,
    Goal,
    Index,
    fold_scores,
    seed_of,
    subset,
    unpack,
)
from ddasp.procedure.preparation import SHORTCUTS

__all__ = [
    "Scored",
    "Search",
    "SpotCheck",
    "beside",
    "best_first",
    "out_of_fold",
    "pairs",
    "score",
    "spot_check",
    "temperature_of",
]

EQUAL, WHOLE = "equal budget", "whole training sides"


@dataclass(frozen=True)
class Search:
    """What a search may see and spend; the same for steps 3 and 4 and inside each outer fold.

    Attributes
    ----------
    folder : Path
        Step 2's folder, where workers find the data.
    data_digest : str
        Its digest: results of fits are remembered for these data only.
    folds : tuple of (train, test)
        Row numbers; no group and no copy of a sound stands on both sides.
    cap : int
        Observations on a training side while many candidates are compared.
    survivors, finalists : int
        Pairs that pass the spot check, and tuned candidates that are learned on whole sides.
    trials : int
        Settings tried for each surviving pair.
    """

    folder: Path
    data_digest: str
    families: tuple[str, ...]
    features: tuple[str, ...]
    folds: tuple[tuple[Index, Index], ...]
    goal: Goal
    cap: int
    survivors: int
    trials: int
    finalists: int
    seed: int

    @property
    def key(self) -> str:
        """Digest of all that a search depends on."""
        what = [self.data_digest, self.families, self.features, self.goal.measure, self.goal.cost]
        budget = [self.cap, self.survivors, self.trials, self.finalists, self.seed]
        folds = [[train.tolist(), test.tolist()] for train, test in self.folds]
        return digest_json([what, budget, folds])


@dataclass(frozen=True)
class Scored:
    """A candidate with its scores on the folds.

    Attributes
    ----------
    scores : ndarray of shape (n_folds,)
        The goal's measure on each fold.
    outputs : list of ndarray
        Scores or values on each fold's test side, where they were kept.
    """

    candidate: Candidate
    stage: str
    scores: NDArray[np.float64]
    n_parameters: int
    n_train: int
    fit_s: float
    apply_s: float
    outputs: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """Mean over the folds on which the measure is defined."""
        return float(np.nanmean(self.scores))

    @property
    def se(self) -> float:
        """Standard error of the mean over the folds."""
        n = np.isfinite(self.scores).sum()
        return float(np.nanstd(self.scores, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")

    @property
    def word(self) -> str:
        """Baseline, rule, linear, non-linear or shortcut."""
        return (
            "shortcut"
            if self.candidate.features in SHORTCUTS
            else FAMILIES[self.candidate.family].word
        )


@dataclass(frozen=True)
class SpotCheck:
    """Step 3's result.

    Attributes
    ----------
    equal : tuple of Scored
        Every pair under the equal budget.
    whole : tuple of Scored
        The survivors, learned on whole training sides.
    statements : tuple of dict
        The two tested statements.
    n_fits : int
        Fits spent.
    """

    equal: tuple[Scored, ...]
    whole: tuple[Scored, ...]
    statements: tuple[dict[str, Any], ...]
    n_fits: int


def pairs(families: tuple[str, ...], features: tuple[str, ...], kind: str) -> list[Candidate]:
    """Every family on every feature set it accepts, then the shortcut baselines.

    The majority looks at no feature, so it stands once.
    """
    kind_of = "regression" if kind == "regression" else "classification"
    chosen = []
    for name in families:
        family = FAMILIES[name]
        if kind_of not in family.kinds:
            continue
        accepted = [feature for feature in features if family.accepts(feature)]
        chosen += [
            Candidate(name, feature) for feature in accepted[: 1 if name == "majority" else None]
        ]
    return chosen + [Candidate("tree", shortcut) for shortcut in SHORTCUTS]


def score(
    data: Data,
    search: Search,
    candidates: list[Candidate],
    fits: Fits,
    *,
    stage: str,
    cap: int | None,
    what: str,
) -> list[Scored]:
    """Scores of candidates on the folds of a search, all fits in one batch."""
    tasks: list[FitTask] = []
    for candidate in candidates:
        for fold, (train, test) in enumerate(search.folds):
            seed = seed_of(search.seed, fold)  # the same thinning and seed for every candidate
            rows = train if cap is None else subset(data, train, cap, seed=seed)
            tasks.append(
                FitTask(
                    search.folder,
                    search.data_digest,
                    candidate,
                    rows,
                    test,
                    search.goal,
                    seed,
                    keep_outputs=cap is None,
                )
            )
    results = fits.run(tasks, what)
    n = len(search.folds)
    scored = []
    for i, candidate in enumerate(candidates):
        own, got = tasks[i * n : (i + 1) * n], results[i * n : (i + 1) * n]
        scored.append(
            Scored(
                candidate,
                stage,
                fold_scores(data, search.goal, own, got),
                int(np.median([r["n_parameters"] for r in got])),
                int(np.mean([len(t.train) for t in own])),
                float(np.mean([r["fit_s"] for r in got])),
                float(np.mean([r["apply_s"] for r in got])),
                tuple(r["outputs"] for r in got if r["outputs"] is not None),
            )
        )
    return scored


def best_first(scored: list[Scored], goal: Goal) -> list[Scored]:
    """Best mean first; a candidate without any defined score comes last."""
    return sorted(scored, key=lambda s: -goal.sign * s.mean if np.isfinite(s.mean) else np.inf)


def spot_check(data: Data, search: Search, fits: Fits) -> SpotCheck:
    """Compare families and feature sets, and test whether learning and non-linearity pay.

    Raises
    ------
    InputError
        ``E-DATA`` when the measure is undefined on every fold.
    """
    before = fits.n_fits
    equal = score(
        data,
        search,
        pairs(search.families, search.features, data.kind),
        fits,
        stage=EQUAL,
        cap=search.cap,
        what="spot check, equal budget",
    )
    ranked = best_first([s for s in equal if s.word != "shortcut"], search.goal)
    if not np.isfinite(ranked[0].mean):
        raise InputError(
            "E-DATA",
            f"{search.goal.measure} is undefined on every fold; expected both classes in each "
            "group - choose a measure such as accuracy, or other groups",
        )
    passed = ranked[: search.survivors]
    for word in ("baseline", "rule", "linear", "nonlinear"):
        of_word = [s for s in ranked if s.word == word]
        passed += [s for s in of_word[:1] if s not in passed]
    whole = score(
        data,
        search,
        [s.candidate for s in passed],
        fits,
        stage=WHOLE,
        cap=None,
        what="spot check, survivors",
    )
    whole = best_first(whole, search.goal)
    return SpotCheck(
        tuple(equal), tuple(whole), tuple(_statements(search, equal, whole)), fits.n_fits - before
    )


def _statements(search: Search, equal: list[Scored], whole: list[Scored]) -> list[dict[str, Any]]:
    """Is learning worth it over the rule, is non-linearity worth it over the linear model."""
    asked = [
        ("Is learning worth it over a hand-made rule?", ("linear", "nonlinear"), "rule"),
        ("Is non-linearity worth it over the linear model?", ("nonlinear",), "linear"),
    ]
    answers = []
    for claim, challengers, incumbent in asked:
        a = [s for s in whole if s.word in challengers]
        b = [s for s in whole if s.word == incumbent]
        if not a or not b:
            continue
        # the challenger was taken as the best of all that were tried, survivors or not
        n_compared = sum(s.word in challengers for s in equal)
        answers.append({"claim": claim} | _compare(search, a[0], b[0], n_compared))
    return answers


def _compare(search: Search, a: Scored, b: Scored, n_compared: int) -> dict[str, Any]:
    """Paired over the folds, corrected for their overlap and for the best of many."""
    known = np.isfinite(a.scores) & np.isfinite(b.scores)
    sizes = np.array([(len(train), len(test)) for train, test in search.folds])[known]
    differences = search.goal.sign * (a.scores - b.scores)[known]
    result = corrected_t(differences, sizes[:, 0], sizes[:, 1], n_compared=n_compared)
    return {
        "a": a.candidate.label,
        "b": b.candidate.label,
        "difference": result.difference,
        "low": result.low,
        "high": result.high,
        "p": result.p,
        "p_corrected": result.p_corrected,
        "n_compared": n_compared,
        "answer": result.answer,
        "sentence": _sentence(search.goal, a, b, result),
    }


def _sentence(goal: Goal, a: Scored, b: Scored, result: Comparison) -> str:
    start = {"yes": "Yes", "no": "No", "not decided": "Not decided by these folds"}[result.answer]
    spread = (
        f"95 % interval {result.low:+.3f} to {result.high:+.3f}, p = {result.p_corrected:.2g}"
        if np.isfinite(result.low)
        else "the same on every fold"
    )
    return (
        f"{start}: {a.candidate.label} reaches {a.mean:.3f}, {b.candidate.label} {b.mean:.3f} "
        f"({goal.measure}; paired difference {result.difference:+.3f}, positive where the first is better, "
        f"{spread}, corrected for the best of {result.n_compared})."
    )


def out_of_fold(
    data: Data, search: Search, scored: Scored
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Outputs on sounds that the model was not learned on, and the truth, all folds in a row."""
    test = [rows for _, rows in search.folds]
    out = [unpack(text, len(rows)) for text, rows in zip(scored.outputs, test, strict=True)]
    return np.concatenate(out), data.y[np.concatenate(test)]


def temperature_of(data: Data, search: Search, scored: Scored) -> float:
    """Calibration from the kept outputs; 1 where none were kept or nothing is to be calibrated."""
    if not data.labels or not scored.outputs:
        return 1.0
    return fit_temperature(*out_of_fold(data, search, scored))


def beside(data: Data, search: Search, spot: SpotCheck) -> list[dict[str, Any]]:
    """The baselines to be held out with the chosen one: the best of each kind, and the shortcuts."""
    best: dict[str, Scored] = {}
    for word in ("baseline", "rule", "linear"):
        of_word = [s for s in spot.whole if s.word == word]
        best |= {word: of_word[0]} if of_word else {}
    shortcuts = [s for s in spot.equal if s.word == "shortcut"]
    return [
        {
            "name": f"{s.candidate.features} only" if s.word == "shortcut" else s.word,
            "word": s.word,
            "candidate": s.candidate.to_json(),
            "temperature": temperature_of(data, search, s),
        }
        for s in (*best.values(), *shortcuts)
    ]
