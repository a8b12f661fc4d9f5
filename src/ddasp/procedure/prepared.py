"""Step 2's result and its folder: tables as CSV, features as .npz, the rest as JSON.

*Conventions*: texts that are blank stay blank, floats keep all their digits, equal results have
equal bytes. Training sides of folds are not stored: they follow from the test sides and the copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ddasp._errors import RunError
from ddasp._files import read_arrays, read_json, write_arrays, write_json, write_text
from ddasp.procedure import splits
from ddasp.procedure.features import FEATURE_SETS, FeatureTable

__all__ = ["PAIR_COLUMNS", "ROW_COLUMNS", "Prepared", "load", "save", "typed"]

NAN = float("nan")
TEXT_COLUMNS = ("path", "status", "flags", "detail", "label", "group", "digest")
WHOLE_COLUMNS = ("rate", "channels", "declared", "actual")
ROW_COLUMNS = (
    "path", "status", "flags", "detail", "label", "target", "group", "digest", "duration", "rate",
    "channels", "peak", "rms", "loudness", "clipped", "dc", "silent", "declared", "actual",
)  # fmt: skip
PAIR_COLUMNS = ("a", "b", "kind", "similarity", "same_label", "same_group")


@dataclass(frozen=True)
class Prepared:
    """What step 2 hands on.

    Attributes
    ----------
    recordings : DataFrame
        One row a file.
    observations : DataFrame
        One row a unit of decision: path, start, stop, label, target, group, digest,
        duplicate_set.
    features : dict of FeatureTable
        By feature set, the shortcuts among them.
    duplicates : DataFrame
        One row a pair of files that hold the same sound: a, b, kind, similarity, same_label,
        same_group.
    split : Split
        Who is learned from and who is tested.
    summary : dict
        Counts, findings, notes and what was chosen.
    """

    recordings: pd.DataFrame
    observations: pd.DataFrame
    features: dict[str, FeatureTable]
    duplicates: pd.DataFrame
    split: splits.Split
    summary: dict[str, Any]


def save(prepared: Prepared, folder: Path) -> None:
    """Write step 2's folder."""
    folder = Path(folder)
    for name in ("recordings", "observations", "duplicates"):
        table: pd.DataFrame = getattr(prepared, name)
        write_text(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    write_json(folder / "preparation.json", prepared.summary)
    write_json(folder / "split.json", prepared.split.to_json())
    described = []
    for name, table_ in prepared.features.items():
        about = FEATURE_SETS[name]
        described.append(
            {
                "name": name,
                "title": about.title,
                "formula": about.formula,
                "names": about.names,
                "units": about.units,
                "n_features": table_.X.shape[2],
                "shape": table_.shape,
                "n_variants": table_.X.shape[0],
                "shortcut": about.shortcut,
            }
        )
        write_arrays(folder / "features" / f"{name}.npz", {"X": table_.X})
    write_json(folder / "features.json", described)


def load(folder: Path) -> Prepared:
    """Read step 2's folder.

    Raises
    ------
    RunError
        ``E-RUN`` when a file is missing or damaged.
    """
    folder = Path(folder)
    observations = _read(folder / "observations.csv")
    observations["duplicate_set"] = observations["duplicate_set"].astype(np.int64)
    features = {}
    for about in read_json(folder / "features.json"):
        X = read_arrays(folder / "features" / f"{about['name']}.npz")["X"]
        shape = None if about["shape"] is None else tuple(about["shape"])
        features[about["name"]] = FeatureTable(about["name"], tuple(about["names"]), X, shape)
    duplicates = _read(folder / "duplicates.csv")
    for name in ("same_label", "same_group"):
        duplicates[name] = duplicates[name] == "True"
    return Prepared(
        _read(folder / "recordings.csv"),
        observations,
        features,
        duplicates,
        splits.Split.from_json(
            read_json(folder / "split.json"), observations["duplicate_set"].to_numpy()
        ),
        read_json(folder / "preparation.json"),
    )


def _read(path: Path) -> pd.DataFrame:
    """A table as it was written: blank texts stay blank, numbers keep all digits."""
    texts = {*TEXT_COLUMNS, "a", "b", "kind", "same_label", "same_group"}
    try:
        table = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RunError("E-RUN", f"could not read {path}: {error}") from error
    for name in table.columns:
        if name in WHOLE_COLUMNS:
            table[name] = table[name].replace("", None).astype("Int64")
        elif name not in texts:
            table[name] = [float(text) if text else NAN for text in table[name]]
    return table


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Texts, whole numbers that may be missing, and floats."""
    kinds = {
        name: "str" if name in TEXT_COLUMNS else "Int64" if name in WHOLE_COLUMNS else "float64"
        for name in table.columns
    }
    return table.astype(kinds)
