"""What steps 3 and 4 leave in the run folder: every score, every setting tried, the choice.

*Conventions*: tables are CSV with floats by ``repr``, the rest is canonical JSON; equal results give equal
bytes. Seconds are not among them: `fit_times` are kept apart, in ``times.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ddasp._files import write_json, write_text
from ddasp.procedure.fits import Data, params_text
from ddasp.procedure.selection import RULE, Selection, half_width_of
from ddasp.procedure.spot_check import Scored, Search, SpotCheck, beside

__all__ = ["fit_times", "write_selection", "write_spot_check", "write_table"]

TRIAL_COLUMNS = (
    "number", "stage", "family", "features", "params", "enlarged", "mean", "se", "n_folds", "n_train",
    "kept",
)  # fmt: skip


def write_spot_check(folder: Path, search: Search, spot: SpotCheck) -> None:
    """``scores.csv`` and ``spot_check.json``."""
    both = [*spot.equal, *spot.whole]
    rows = [
        (s.candidate.family, s.candidate.features, s.stage, fold, score, s.n_train, len(test))
        for s in both
        for fold, (score, (_, test)) in enumerate(zip(s.scores, search.folds, strict=True))
    ]
    columns = ["family", "features", "stage", "fold", "score", "n_train", "n_test"]
    write_table(folder / "scores.csv", pd.DataFrame(rows, columns=columns))
    write_json(
        folder / "spot_check.json",
        {
            "measure": search.goal.measure,
            "cap": search.cap,
            "n_fits": spot.n_fits,
            "table": [
                {
                    "family": s.candidate.family,
                    "features": s.candidate.features,
                    "kind_word": s.word,
                    "stage": s.stage,
                    "mean": s.mean,
                    "spread": float(np.nanstd(s.scores)),
                    "se": s.se,
                    "n_parameters": s.n_parameters,
                }
                for s in both
            ],
            "statements": spot.statements,
            "stages": [
                {
                    "name": scored[0].stage,
                    "n_pairs": len(scored),
                    "n_folds": len(search.folds),
                    "cap": cap,
                    "n_fits": len(scored) * len(search.folds),
                }
                for scored, cap in ((spot.equal, search.cap), (spot.whole, None))
            ],
        },
    )


def fit_times(spot: SpotCheck, duration: float) -> dict[str, dict[str, float]]:
    """Seconds to learn, and to decide on one second of sound, for each pair.

    ``duration`` is the mean length of an observation [s].
    """
    return {
        f"{s.candidate.family}/{s.candidate.features}": {
            "fit_s": s.fit_s,
            "apply_s_per_second": s.apply_s / duration,
        }
        for s in (*spot.equal, *spot.whole)
    }


def write_selection(
    folder: Path, data: Data, search: Search, spot: SpotCheck, selection: Selection
) -> None:
    """``trials.csv`` and ``selection.json``."""
    finalists = {f["label"] for f in selection.finalists}
    trials = [
        {
            "number": number,
            "stage": s.stage,
            "family": s.candidate.family,
            "features": s.candidate.features,
            "params": params_text(s.candidate),
            "enlarged": s.candidate.enlarged,
            "mean": s.mean,
            "se": s.se,
            "n_folds": len(s.scores),
            "n_train": s.n_train,
            "kept": s.candidate.label in finalists,
        }
        for number, s in enumerate(selection.trials)
    ]
    write_table(folder / "trials.csv", pd.DataFrame(trials, columns=list(TRIAL_COLUMNS)))
    write_json(
        folder / "selection.json",
        {
            "chosen": _plain_scored(selection.chosen),
            "best": _plain_scored(selection.best),
            "rule": RULE,
            "candidates": selection.finalists,
            "n_fits": selection.n_fits,
            "temperature": selection.temperature,
            "half_width": half_width_of(data, selection),
            "beside": beside(data, search, spot),
            "stages": [
                {
                    "name": stage,
                    "n_fits": sum(len(s.scores) for s in selection.trials if s.stage == stage),
                }
                for stage in dict.fromkeys(s.stage for s in selection.trials)
            ],
        },
    )


def _plain_scored(scored: Scored) -> dict[str, Any]:
    return scored.candidate.to_json() | {
        "label": scored.candidate.label,
        "mean": scored.mean,
        "se": scored.se,
        "n_parameters": scored.n_parameters,
    }


def write_table(path: Path, table: pd.DataFrame) -> None:
    """A table as CSV."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))
