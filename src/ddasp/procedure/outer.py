"""One outer fold of step 5: everything is learned on one side, then the other side is opened.

Nested, the whole of steps 3 and 4 runs again on the training side, so that nothing about the
held-out groups has been seen by any choice; sealed, the candidate chosen by step 4 is learned on the
development side. What comes back are outputs on the held-out side, not scores: `evaluation` makes
every figure of the report from them.

*Conventions*: a fold's result is plain data in a file of its own, under a key of all that it depends on;
a fold that is there is not computed again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import RunError
from ddasp._files import Ledger, digest_json, read_json, write_json
from ddasp._progress import Silent
from ddasp.procedure import splits
from ddasp.procedure.candidates import Estimator
from ddasp.procedure.fits import (
    Candidate,
    Data,
    Fits,
    Index,
    fit,
    load_data,
    outputs,
    pack,
    seed_of,
    subset,
)
from ddasp.procedure.recordings import load_sound
from ddasp.procedure.robustness import degraded
from ddasp.procedure.selection import Selection, half_width_of, select
from ddasp.procedure.spot_check import Search, SpotCheck, beside, spot_check
from ddasp.procedure.workers import Workers

__all__ = ["INNER_FOLDS", "SHARES", "OuterTask", "inner_folds", "kept_fold", "outer_fold"]

INNER_FOLDS = 5  # of an inner search: enough for a paired difference, half the cost of ten
SHARES = (0.25, 0.5)  # of the training groups, for the learning curve; the whole is at hand
DEGRADED = 150  # held-out sounds in all that are degraded


@dataclass(frozen=True)
class OuterTask:
    """What one outer fold needs.

    Attributes
    ----------
    search : Search
        Families, features and budget; its folds are replaced by folds of the training side.
    chosen : dict or None
        The candidate of step 4 with its temperature where the evaluation is sealed; None: choose
        anew.
    sounds : tuple of (path, start, stop)
        Where the sound of each observation lies.
    """

    number: int
    train: Index
    test: Index
    search: Search
    chosen: dict[str, Any] | None
    sounds: tuple[tuple[str, float, float], ...]
    root: Path
    rate: int
    n_outer: int
    result: Path


def inner_folds(
    data: Data, rows: Index, *, n_max: int, seed: int
) -> tuple[tuple[Index, Index], ...]:
    """Folds of some rows by group, purged of copies that would stand on both sides.

    Where one group is left, the inner choice can only be made by sounds.
    """
    one_left = len(set(data.groups[rows])) == 1
    groups = np.full_like(data.groups, "") if one_left else data.groups
    parts = splits.folds(
        rows,
        groups,
        data.y,
        kind=data.kind,
        n_max=n_max,
        seed=seed,
        duplicate_set=data.duplicate_set,
    )
    return splits.purged_folds(parts, data.duplicate_set)


def outer_fold(task: OuterTask) -> dict[str, Any]:
    """Compute one outer fold, or read it where it is done."""
    kept = kept_fold(task.result)
    if kept is not None:
        return kept
    data = load_data(task.search.folder)
    fits = Fits(Ledger(task.result.with_suffix(".fits")), Workers(1), Silent())
    if task.chosen is None:
        folds = inner_folds(data, task.train, n_max=INNER_FOLDS, seed=task.search.seed)
        search = replace(task.search, folds=folds)
        spot = spot_check(data, search, fits)
        selection = select(data, search, spot, fits)
        candidate, temperature = selection.chosen.candidate, selection.temperature
        half_width = half_width_of(data, selection)
        others = beside(data, search, spot)
        tried = _tried(spot, selection)
    else:
        candidate = Candidate.from_json(task.chosen)
        temperature, others = task.chosen["temperature"], task.chosen["beside"]
        half_width, tried = task.chosen["half_width"], []
    seed = seed_of(task.search.seed, "outer", task.number)
    estimator = fit(data, candidate, task.train, seed=seed)
    result = {
        "fold": task.number,
        "test": task.test,
        "groups": sorted(set(data.groups[task.test])),
        "n_train": len(task.train),
        "chosen": candidate.to_json(),
        "temperature": temperature,
        "half_width": half_width,
        "outputs": pack(outputs(data, candidate, estimator, task.test)),
        "beside": [
            {"name": b["name"], "word": b["word"], "temperature": b["temperature"]}
            | {"outputs": _refit(data, Candidate.from_json(b["candidate"]), task, seed)}
            for b in others
        ],
        "curve": _curve(data, candidate, task, seed),
        "robustness": _robustness(data, candidate, estimator, task),
        "tried": tried,
        "n_fits": fits.n_fits + 1 + len(others) + len(SHARES),
    }
    write_json(task.result, result | {"digest": digest_json(result)})
    return dict(read_json(task.result))


def kept_fold(path: Path) -> dict[str, Any] | None:
    """A fold that was computed before, None where it is not there or not as it was written."""
    try:
        known = read_json(path)
    except RunError:
        return None
    if not isinstance(known, dict):
        return None
    said = {key: value for key, value in known.items() if key != "digest"}
    return known if known.get("digest") == digest_json(said) else None


def _refit(data: Data, candidate: Candidate, task: OuterTask, seed: int) -> str:
    return pack(outputs(data, candidate, fit(data, candidate, task.train, seed=seed), task.test))


def _tried(spot: SpotCheck, selection: Selection) -> list[dict[str, Any]]:
    """Every configuration of a search with its mean, for the report."""
    return [
        s.candidate.to_json() | {"stage": s.stage, "mean": s.mean, "n_train": s.n_train}
        for s in (*spot.equal, *spot.whole, *selection.trials)
    ]


def _curve(data: Data, candidate: Candidate, task: OuterTask, seed: int) -> list[dict[str, Any]]:
    """Outputs after learning on a share of the training groups (of the sounds, without groups)."""
    points = []
    for share in SHARES:
        rows = share_of(data, task.train, share, seed=seed)
        estimator = fit(data, candidate, rows, seed=seed)
        out = outputs(data, candidate, estimator, task.test)
        points.append({"share": share, "n_train": len(rows), "outputs": pack(out)})
    return points


def share_of(data: Data, rows: Index, share: float, *, seed: int) -> Index:
    """A share of the groups among the rows, at least one; of the rows where there are few groups."""
    names = np.unique(data.groups[rows])
    if len(names) < 4:
        return subset(data, rows, max(int(share * len(rows)), 2), seed=seed)
    taken = np.random.default_rng(seed).permutation(names)[: int(np.ceil(share * len(names)))]
    return rows[np.isin(data.groups[rows], taken)]


def _robustness(
    data: Data, candidate: Candidate, estimator: Estimator, task: OuterTask
) -> dict[str, Any]:
    """Outputs on some held-out sounds under each degradation."""
    rows = subset(data, task.test, max(DEGRADED // task.n_outer, 1), seed=task.search.seed)
    features: list[list[NDArray[np.float32]]] = []
    for row in rows:
        path, start, stop = task.sounds[row]
        signal = load_sound(task.root, path, start, stop, rate=task.rate)
        features.append(degraded(signal, task.rate, candidate.features, seed=seed_of(path, start)))
    return {
        "rows": rows,
        "undisturbed": pack(outputs(data, candidate, estimator, rows)),
        "outputs": [
            pack(estimator.scores(X) if data.labels else estimator.predict(X))
            for X in (np.stack(column) for column in zip(*features, strict=True))
        ],
    }
