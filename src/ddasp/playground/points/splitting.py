"""Who is learned from, who chooses, who is tested: training, validation and test points.

*Conventions*: sets (n,) int8 with 0 training, 1 validation, 2 test. Points without groups are
dealt so that every set has its share of each class. Sounds are dealt by *group*, whole speakers or
devices at a time: a test sound whose speaker was learned from tests whether voices are remembered, not
whether words are understood. The switch ``split = "file"`` does that wrong thing on purpose, and
`leak` says what it costs.

*References*: Saeb et al. 2017, "The need to approximate the use-case in clinical machine learning"
(by record and by subject); Cover and Hart 1967 (nearest neighbour).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ddasp._errors import InputError
from ddasp.playground.points.inputs import fed_columns

if TYPE_CHECKING:
    from ddasp.playground.datasets import Points
    from ddasp.playground.settings import Settings

__all__ = ["TEST", "TRAIN", "VALIDATION", "leak", "sets_for", "shares"]

Array = NDArray[np.float64]
Sets = NDArray[np.int8]

TRAIN, VALIDATION, TEST = 0, 1, 2
LEAST_TEST = 5.0  # % of the points that stay for the test
N_BINS = 5  # targets are dealt like so many classes
N_DRAWS = 32  # of groups, of which the best counts
N_SPLITS = 12  # that `leak` takes the mean of


def shares(settings: Settings) -> tuple[float, float, float]:
    """Shares of training, validation and test; validation leaves 5 % for the test.

    Examples
    --------
    >>> from ddasp.playground.settings import Settings
    >>> shares(Settings(percTrainData=90, percValidation=20))
    (0.9, 0.05, 0.05)
    """
    train = float(settings.percTrainData)
    validation = min(float(settings.percValidation), max(100 - LEAST_TEST - train, 0.0))
    return train / 100, validation / 100, (100 - train - validation) / 100


def sets_for(points: Points, settings: Settings) -> Sets:
    """The set of every point.

    Parameters
    ----------
    points : Points
        With groups, or without.
    settings : Settings
        ``percTrainData``, ``percValidation``, ``dataSeed`` and ``split`` are looked at.

    Returns
    -------
    ndarray of shape (n,)
        int8. Without groups, or by file, the counts are floor(n share) for training and validation;
        by group they are as near as whole groups allow, and every class stands in training where its
        groups suffice.

    Raises
    ------
    InputError
        When all sounds are of one group, so that none is left to test.
    """
    rng = np.random.default_rng((int(settings.dataSeed), 3))
    classes = _classes(points)
    if not points.groups or settings.split == "file":
        return _by_point(classes, shares(settings), rng)
    unit = np.unique(np.array(points.groups), return_inverse=True)[1]
    if unit.max() == 0:
        raise InputError(
            "E-DATA",
            f"all {points.n} sounds are of one group, {points.groups[0]!r}; expected two or more, one "
            "to learn from and one to test - split by file, or name groups",
        )
    return _by_group(unit, classes, shares(settings), rng)


def _classes(points: Points) -> NDArray[np.int64]:
    """Codes that are dealt evenly: classes, or fifths of the targets."""
    if points.kind == "classification" or not points.n:
        return points.y.astype(np.int64)
    inner = np.quantile(points.y, np.linspace(0, 1, N_BINS + 1)[1:-1])
    return np.searchsorted(inner, points.y).astype(np.int64)


def _by_point(
    classes: NDArray[np.int64], parts: tuple[float, float, float], rng: np.random.Generator
) -> Sets:
    """Each class is shuffled and spread evenly over one row of all points, which is then cut."""
    n = len(classes)
    order = rng.permutation(n)
    order = order[np.argsort(classes[order], kind="stable")]
    count = np.bincount(classes, minlength=1)[classes[order]]
    rank = np.arange(n) - np.searchsorted(classes[order], classes[order])
    row = order[np.argsort((rank + rng.uniform(0, 1, n)) / count, kind="stable")]
    sets = np.full(n, TEST, np.int8)
    n_train = int(np.floor(n * parts[0] + 1e-9))
    sets[row[:n_train]] = TRAIN
    sets[row[n_train : n_train + int(np.floor(n * parts[1] + 1e-9))]] = VALIDATION
    return sets


def _by_group(
    unit: NDArray[np.intp],
    classes: NDArray[np.int64],
    parts: tuple[float, float, float],
    rng: np.random.Generator,
) -> Sets:
    """The best of some random draws: the sets' shares of every class are nearest to what was asked."""
    counts = np.zeros((unit.max() + 1, classes.max() + 2))
    np.add.at(counts, (unit, classes), 1.0)
    counts[:, -1] = counts.sum(axis=1)
    counts /= np.maximum(counts.sum(axis=0), 1.0)  # share of each class, and of all, in a group
    target = np.array(parts)
    drawn = _drawn(counts[:, -1], target, rng)
    held = (drawn[:, np.newaxis] == np.arange(3)[:, np.newaxis]).astype(np.float64) @ counts
    missing = (held[:, TRAIN] == 0).sum(axis=1) + (held[:, TEST] == 0).sum(axis=1) / 4
    distance = np.square(held - target[:, np.newaxis]).sum(axis=(1, 2)) + 100 * missing
    return np.asarray(_completed(drawn[np.argmin(distance)], counts)[unit], np.int8)


def _drawn(size: Array, target: Array, rng: np.random.Generator) -> Sets:
    """Groups in random orders, cut where the shares are reached: (N_DRAWS, n_groups).

    Training and test have one group at least, and validation where three or more are there.
    """
    n = len(size)
    order = rng.permuted(np.tile(np.arange(n), (N_DRAWS, 1)), axis=1)
    middle = np.cumsum(size[order], axis=1) - size[order] / 2
    cuts = np.cumsum(target)
    row = (middle >= cuts[0]).astype(np.int8) + (middle >= cuts[1])
    row[:, 0], row[:, -1] = TRAIN, TEST
    if target[VALIDATION] > 0 and n > 2:
        without = np.flatnonzero(~(row == VALIDATION).any(axis=1))
        first = np.argmax(row[without] == TEST, axis=1)  # the side that has more to spare gives one
        row[without, np.where(first < n - 1, first, first - 1)] = VALIDATION
    drawn: Sets = np.empty(row.shape, np.int8)
    np.put_along_axis(drawn, order, row, axis=1)
    return drawn


def _completed(drawn: Sets, counts: Array) -> Sets:
    """Every class in training: the smallest group that holds a missing one moves there.

    From validation first; the last group of the test stays.
    """
    drawn = drawn.copy()
    for k in range(counts.shape[1] - 1):
        if (counts[drawn == TRAIN, k] > 0).any():
            continue
        holders = [
            g
            for g in np.flatnonzero(counts[:, k] > 0)
            if drawn[g] == VALIDATION or np.count_nonzero(drawn == TEST) > 1
        ]
        if holders:
            drawn[min(holders, key=lambda g: (drawn[g], counts[g, -1]))] = TRAIN
    return drawn


# ---- what the wrong split costs --------------------------------------------------------------


def leak(points: Points, settings: Settings) -> dict[str, Any]:
    """What splitting by file pretends, by the plainest of all models.

    The class of the nearest training sound (standardised by the training sounds, in the columns
    that are fed; without a choice, in those that each split's training sounds suggest) is the answer; it
    needs no training, so the two splits are compared at once.

    Parameters
    ----------
    points : Points
        Sounds with groups.
    settings : Settings
        As for `sets_for`.

    Returns
    -------
    dict
        ``known``: whether there are two groups or more, without which the rest is missing;
        ``measure``: "accuracy" or "R²"; ``by_group``, ``by_file``: its mean over several
        splits; ``shared``: share of test sounds by file whose group also stands in training;
        ``n_splits``, ``n_groups``; ``words``: a sentence.
    """
    if points.groups is None or len(set(points.groups)) < 2:
        return {
            "known": False,
            "words": "No groups are known: whether a split leaks can't be said.",
        }
    unit = np.unique(np.array(points.groups), return_inverse=True)[1]
    classes, parts = _classes(points), shares(settings)
    n_splits = N_SPLITS if points.n <= 800 else 2
    scores: dict[str, list[float]] = {"group": [], "file": []}
    shared = []
    for k in range(n_splits):
        rng = np.random.default_rng((int(settings.dataSeed) + k, 3))
        scores["group"].append(_nearest(points, settings, _by_group(unit, classes, parts, rng)))
        rng = np.random.default_rng((int(settings.dataSeed) + k, 3))
        sets = _by_point(classes, parts, rng)
        scores["file"].append(_nearest(points, settings, sets))
        shared.append(float(np.isin(unit[sets == TEST], unit[sets == TRAIN]).mean()))
    by_group, by_file = (float(np.mean(scores[key])) for key in ("group", "file"))
    measure = "accuracy" if points.kind == "classification" else "R²"
    return {
        "known": True,
        "measure": measure,
        "by_group": by_group,
        "by_file": by_file,
        "shared": float(np.mean(shared)),
        "n_splits": n_splits,
        "n_groups": int(unit.max()) + 1,
        "words": _sentence(measure, by_group, by_file, float(np.mean(shared)), n_splits),
    }


def _sentence(measure: str, by_group: float, by_file: float, shared: float, n_splits: int) -> str:
    return (
        f"By file {100 * shared:.0f} % of the test sounds have their group in training. The nearest "
        f"training sound then gives a test {measure} of {by_file:.2f}; on new groups {by_group:.2f} "
        f"(means of {n_splits} splits)."
    )


def _nearest(points: Points, settings: Settings, sets: Sets) -> float:
    """Accuracy, or R², of the nearest training point's answer on the test points."""
    train, test, X = sets == TRAIN, sets == TEST, points.X
    if points.d > 2:
        X = X[:, fed_columns(points, settings, np.flatnonzero(train))]
    mean, spread = X[train].mean(axis=0), X[train].std(axis=0)
    Z = (X - mean) / np.where(spread > 0, spread, 1.0)
    A, B = Z[test], Z[train]
    # |a - b|² = |a|² - 2 a·b + |b|², and |a|² chooses nothing
    nearest = np.argmin(np.square(B).sum(axis=1) - 2 * A @ B.T, axis=1)
    answer, truth = points.y[train][nearest], points.y[test]
    if points.kind == "classification":
        return float(np.mean(answer == truth))
    around = float(np.square(truth - truth.mean()).sum())
    return 1 - float(np.square(truth - answer).sum()) / around if around > 0 else 0.0
