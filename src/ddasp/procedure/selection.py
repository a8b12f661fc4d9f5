"""Step 4, selection: tune the best pairs of the spot check, then choose one model.

Optuna proposes settings, one trial after the other in each study (a study is one pair of family and
feature set). All trials share the spot check's folds and its equal budget; the best few are then
learned on whole training sides, beside the survivors of the spot check. Of these the simplest is
taken that lies within one standard error of the paired difference to the best.

*Conventions*: the order of simplicity is that of the families (`candidates.Family.order`); within one
family the better mean wins. The sampler is seeded from the study's name and the trial's number, so
that a study that was interrupted and is asked again proposes the same settings; finished fits are
then found in the ledger. Nothing else is needed to resume.

*References*: Bergstra et al. 2011 (tree-structured Parzen estimator); Breiman et al. 1984, ch. 3
(the one-standard-error rule); Cawley and Talbot 2010 (over-fitting in model selection, the
reason why the choice is made again inside each outer fold of step 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._files import digest_json
from ddasp.procedure.calibration import residual_half_width
from ddasp.procedure.candidates import FAMILIES, Choice, LogRange
from ddasp.procedure.comparison import one_standard_error
from ddasp.procedure.fits import Candidate, Data, Fits, seed_of
from ddasp.procedure.spot_check import (
    WHOLE,
    Scored,
    Search,
    SpotCheck,
    best_first,
    out_of_fold,
    score,
    temperature_of,
)

__all__ = ["LEVEL", "RULE", "Selection", "half_width_of", "select"]

LEVEL = 0.9  # share of new values that a prediction interval shall hold
TRIAL = "trial"
RULE = (
    "The simplest within one standard error of the paired difference to the best. Simplicity is "
    "ordered by family: "
    + ", ".join(f.name for f in sorted(FAMILIES.values(), key=lambda f: f.order))
    + "; within a family the better mean wins."
)


@dataclass(frozen=True)
class Selection:
    """Step 4's result: one candidate, and the path that led to it.

    Attributes
    ----------
    chosen, best : Scored
        The choice, and the best mean among the finalists.
    finalists : tuple of dict
        Each finalist's paired difference to the best and whether it lies within the rule's reach.
    trials : tuple of Scored
        Every setting tried.
    temperature : float
        Calibration of the chosen one, from its outputs on sounds it was not learned on; 1 for
        regression.
    residuals, groups : ndarray
        The chosen one's residuals on such sounds, and their groups; empty for classification.
    n_fits : int
        Fits spent in this step.
    """

    chosen: Scored
    best: Scored
    finalists: tuple[dict[str, Any], ...]
    trials: tuple[Scored, ...]
    temperature: float
    residuals: NDArray[np.float64]
    groups: NDArray[np.str_]
    n_fits: int


def select(data: Data, search: Search, spot: SpotCheck, fits: Fits) -> Selection:
    """Tune the survivors and choose."""
    before = fits.n_fits
    tunable = [s.candidate for s in spot.whole if FAMILIES[s.candidate.family].space]
    trials = _tune(data, search, tunable[: search.survivors], fits)
    known = {_settings(s.candidate) for s in spot.whole}
    fresh = [
        s.candidate for s in best_first(trials, search.goal) if _settings(s.candidate) not in known
    ]
    tuned = score(
        data,
        search,
        list(dict.fromkeys(fresh))[: search.finalists],
        fits,
        stage=WHOLE,
        cap=None,
        what="selection, finalists",
    )
    finalists = best_first([*spot.whole, *tuned], search.goal)
    scores = np.array([s.scores for s in finalists])
    choice = one_standard_error(
        scores[:, np.isfinite(scores).all(axis=0)],
        [FAMILIES[s.candidate.family].order for s in finalists],
        np.zeros(len(finalists)),  # within a family the better mean wins, not the smaller model
        greater_is_better=search.goal.sign > 0,
    )
    chosen = finalists[choice.chosen]
    out, y = out_of_fold(data, search, chosen)
    return Selection(
        chosen,
        finalists[choice.best],
        tuple(
            {
                "label": s.candidate.label,
                "mean": s.mean,
                "se": s.se,
                "difference_to_best": float(choice.differences[i]),
                "se_difference": float(choice.standard_errors[i]),
                "order": FAMILIES[s.candidate.family].order,
                "n_parameters": s.n_parameters,
                "within": bool(choice.within[i]),
            }
            for i, s in enumerate(finalists)
        ),
        (*trials, *tuned),
        temperature_of(data, search, chosen),
        np.array([]) if data.labels else y - out,
        data.groups[np.concatenate([rows for _, rows in search.folds])],
        fits.n_fits - before,
    )


def _settings(candidate: Candidate) -> str:
    """All settings, said or by default: what makes two candidates the same."""
    params = {**FAMILIES[candidate.family].defaults, **dict(candidate.params)}
    return digest_json([candidate.family, candidate.features, params, candidate.enlarged])


def half_width_of(data: Data, selection: Selection) -> float | None:
    """Half the width of a 90 % prediction interval; None for classification."""
    if data.labels:
        return None
    return residual_half_width(selection.residuals, selection.groups, level=LEVEL).half_width


def _tune(data: Data, search: Search, pairs: list[Candidate], fits: Fits) -> list[Scored]:
    """One Optuna study a pair; trial k of all studies is computed in one batch."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    direction = "maximize" if search.goal.sign > 0 else "minimize"
    studies = [optuna.create_study(direction=direction) for _ in pairs]
    scored: list[Scored] = []
    for pair, study in zip(pairs, studies, strict=True):
        study.enqueue_trial(_defaults(data, pair))
    for number in range(search.trials if pairs else 0):
        asked = []
        for pair, study in zip(pairs, studies, strict=True):
            seed = seed_of(search.seed, pair.label, number)
            study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=4)
            asked.append(study.ask())
        proposed = [_suggest(data, p, t) for p, t in zip(pairs, asked, strict=True)]
        what = f"selection, trial {number + 1} of {search.trials}"
        got = score(data, search, proposed, fits, stage=TRIAL, cap=search.cap, what=what)
        for study, trial, result in zip(studies, asked, got, strict=True):
            study.tell(trial, result.mean)
        scored += got
    return scored


def _defaults(data: Data, pair: Candidate) -> dict[str, Any]:
    """The first trial: the spot check's settings, enlarged where the features allow it."""
    family = FAMILIES[pair.family]
    first: dict[str, Any] = {}
    for name, space in family.space.items():
        value = family.defaults[name]
        first[name] = space.values.index(value) if isinstance(space, Choice) else value
    return first | ({"enlarged": True} if _can_enlarge(data, pair) else {})


def _can_enlarge(data: Data, pair: Candidate) -> bool:
    return bool(data.tables[pair.features].X.shape[0] > 1)


def _suggest(data: Data, pair: Candidate, trial: Any) -> Candidate:
    """Settings from the family's search space; whether to enlarge where the features allow it."""
    params = {}
    for name, space in sorted(FAMILIES[pair.family].space.items()):
        if isinstance(space, LogRange):
            params[name] = trial.suggest_float(name, space.low, space.high, log=True)
        elif isinstance(space, Choice):
            at = trial.suggest_categorical(name, list(range(len(space.values))))
            params[name] = space.values[at]
    enlarge = _can_enlarge(data, pair)
    enlarged = bool(enlarge and trial.suggest_categorical("enlarged", [True, False]))
    return Candidate(pair.family, pair.features, tuple(sorted(params.items())), enlarged)
