"""The run folder, read back: what each step wrote, empty where it wrote nothing.

*Conventions*: JSON objects become dicts, CSV files data frames; texts stay texts (a label
``007`` or ``nan`` is a name), numbers are named here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ddasp._files import read_arrays, read_json

__all__ = ["RunFolder"]

NUMBERS = frozenset(
    [
        "target",
        "start",
        "stop",
        "duration",
        "rate",
        "channels",
        "peak",
        "rms",
        "loudness",
        "clipped",
        "dc",
        "silent",
        "declared",
        "actual",
        "duplicate_set",
        "similarity",
        "fold",
        "score",
        "n_train",
        "n_test",
        "number",
        "mean",
        "se",
        "n_folds",
        "observation",
        "probability",
        "predicted",
        "residual",
    ]
)


def _numbers(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce")


@dataclass(frozen=True)
class RunFolder:
    """Lazy access to a run folder.

    Parameters
    ----------
    path : Path
        The folder.
    """

    path: Path

    def json(self, name: str) -> Any:
        """A JSON file's content, an empty dict when there is none."""
        path = self.path / name
        return read_json(path) if path.exists() else {}

    def table(self, name: str) -> pd.DataFrame:
        """A CSV file's content, an empty frame when there is none."""
        path = self.path / name
        if not path.exists() or path.stat().st_size < 3:
            return pd.DataFrame()
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        for column in frame.columns:
            if column in NUMBERS or column.startswith("p:"):
                frame[column] = _numbers(frame[column])
        return frame

    @cached_property
    def problem(self) -> dict[str, Any]:
        """All tables of ``problem.toml``."""
        return dict(self.json("1_problem/problem.json"))

    @cached_property
    def definition(self) -> dict[str, Any]:
        """The table ``[problem]``: question, purpose, measure and so on."""
        return dict(self.problem.get("problem") or {})

    @cached_property
    def preparation(self) -> dict[str, Any]:
        """Counts of files, labels, groups and findings."""
        return dict(self.json("2_preparation/preparation.json"))

    @cached_property
    def feature_sets(self) -> list[dict[str, Any]]:
        """Each feature set with its formula."""
        return list(self.json("2_preparation/features.json") or [])

    @cached_property
    def split(self) -> dict[str, Any]:
        """What was sealed or held out, and why."""
        return dict(self.json("2_preparation/split.json"))

    @cached_property
    def recordings(self) -> pd.DataFrame:
        """One row a file."""
        return self.table("2_preparation/recordings.csv")

    @cached_property
    def observations(self) -> pd.DataFrame:
        """One row a unit of decision."""
        return self.table("2_preparation/observations.csv")

    @cached_property
    def duplicates(self) -> pd.DataFrame:
        """One row a pair of files that hold the same sound."""
        return self.table("2_preparation/duplicates.csv")

    @cached_property
    def spot_check(self) -> dict[str, Any]:
        """Scores of families and feature sets, and the two statements."""
        return dict(self.json("3_spot_check/spot_check.json"))

    @cached_property
    def selection(self) -> dict[str, Any]:
        """The chosen candidate and the finalists."""
        return dict(self.json("4_selection/selection.json"))

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Every configuration of the search."""
        return self.table("4_selection/trials.csv")

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        """The estimate, the verdict and all that stands beside them."""
        return dict(self.json("5_evaluation/evaluation.json"))

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row a held-out observation."""
        return self.table("5_evaluation/predictions.csv")

    @cached_property
    def tried(self) -> pd.DataFrame:
        """Every configuration tried inside the outer folds."""
        return self.table("5_evaluation/tried.csv")

    @cached_property
    def model(self) -> dict[str, Any]:
        """What stands beside the model."""
        return dict(self.json("6_application/model.json"))

    @cached_property
    def run(self) -> dict[str, Any]:
        """Versions, seed, digests and the command."""
        return dict(self.json("run.json"))

    @cached_property
    def times(self) -> dict[str, Any]:
        """Seconds."""
        return dict(self.json("times.json"))

    @cached_property
    def opened(self) -> int | None:
        """How often the sealed set of this corpus has been opened."""
        return self.json("opened.json").get("opened") or self.evaluation.get("opened")

    @property
    def is_regression(self) -> bool:
        """Whether a number is predicted."""
        return bool(self.definition.get("kind") == "regression")

    @property
    def chosen(self) -> dict[str, Any]:
        """The chosen candidate."""
        return dict(self.selection.get("chosen") or {})

    def features(self, name: str) -> NDArray[np.floating] | None:
        """A feature set of shape (n_observations, n_features), the sounds as they are."""
        path = self.path / "2_preparation" / "features" / f"{name}.npz"
        if not path.exists():
            return None
        X = read_arrays(path)["X"]
        return np.asarray(X[0] if X.ndim == 3 else X)
