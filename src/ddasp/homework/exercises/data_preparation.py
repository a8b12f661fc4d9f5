"""Three exercises on preparing data: windows that share samples, folds of groups, data that leak.

*Conventions*: groups are names or numbers, one for each observation; folds are numbered 0 ... n_folds - 1.
The nearest neighbour is that of the Euclidean distance between rows of X.

*References*: S. Kapoor and A. Narayanan, Patterns 4, 2023 (leakage); D. R. Roberts et al., Ecography 40,
2017 (splits by groups).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers
from ddasp.homework.asking import array, asked, called, function
from ddasp.homework.parts import Exercise, Finding, NotYet

__all__ = ["EXERCISES"]

Array = NDArray[Any]

# ------------------------------------------------------------------ 1: windows that share samples

DURATION, LENGTH, HOP, SHARE = 10.0, 1.0, 0.25, 0.25


def _windows(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [("number", _fit), ("shared by neighbours", _overlap), ("nothing shared", _independent)],
    )


def _three(answer: Any) -> Array:
    return np.asarray(answers.vector(answer, "the three numbers", length=3))


def _starts() -> Array:
    starts = np.arange(0.0, DURATION, HOP)
    return np.asarray(starts[starts + LENGTH <= DURATION])


def _fit(answer: Any) -> None:
    n = float(_three(answer)[0])
    if n != round(n):
        raise NotYet(f"the number of windows is {n:g}; expected a whole number")
    last = (n - 1.0) * HOP + LENGTH
    if last > DURATION:
        raise NotYet(f"window {n:g} would end at {last:g} s; the recording lasts {DURATION:g} s")
    if last + HOP <= DURATION:
        raise NotYet(
            f"window {n:g} ends at {last:g} s: one more fits - fence posts, or windows that don't overlap?"
        )


def _overlap(answer: Any) -> None:
    share = float(_three(answer)[1])
    a, b = _starts()[:2]
    if abs(share - (a + LENGTH - b) / LENGTH) > 1e-3:
        raise NotYet(
            f"the share is {share:.4g}; the first window lasts from {a:g} to {a + LENGTH:g} s, its "
            f"neighbour from {b:g} to {b + LENGTH:g} s"
        )


def _independent(answer: Any) -> None:
    p = float(_three(answer)[2])
    starts = _starts()
    middle = starts[len(starts) // 2]
    n_related = int(np.sum(np.abs(starts - middle) < LENGTH)) - 1
    if not 0.0 <= p <= 1.0:
        raise NotYet(f"the probability is {p:.4g}; expected 0 to 1")
    if abs(p / SHARE**n_related - 1.0) > 2e-3:
        said = np.log(max(p, 1e-300)) / np.log(SHARE)
        as_if = (
            f", as if {round(said)} windows had to be in the test set" if 0.5 < said < 99 else ""
        )
        raise NotYet(
            f"the probability is {p:.3g}{as_if}; the window from {middle:g} s on shares samples with more "
            "than its two neighbours, or with fewer than you count: list them"
        )


# ------------------------------------------------------------------ 2: folds of groups


def _folds(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("fold numbers", _are_numbers),
            ("groups together", _keeps_groups),
            ("every fold", _fills_folds),
            ("balance", _is_balanced),
        ],
    )


def _corpora() -> list[tuple[str, Array, int]]:
    """Name, groups, number of folds."""
    rng = np.random.default_rng(60)
    names = np.array([f"speaker{k}" for k in range(9)])
    uneven = np.repeat(names, [1, 2, 3, 4, 5, 6, 7, 8, 20])
    return [
        ("six groups of five, in order", np.repeat(np.arange(6), 5), 3),
        ("groups of 1 to 20, shuffled", rng.permutation(uneven), 4),
        ("as many folds as groups", rng.permutation(np.repeat(["b", "a", "c"], 4)), 3),
        ("one large group first", np.repeat([7, 1, 2, 3, 4], [30, 5, 5, 5, 5]), 2),
        ("names in another order", np.array(["z", "y", "z", "x", "w", "y"]), 2),
    ]


def _dealt(answer: Any, groups: Array, n_folds: int, name: str) -> Array:
    value = called(function(answer, "deal(groups, n_folds)"), groups, n_folds)
    fold = array(value, f"the folds of {name}", groups.shape)
    if not np.array_equal(fold, np.rint(fold)) or fold.min() < 0 or fold.max() >= n_folds:
        raise NotYet(
            f"{name}: there are fold numbers from {fold.min():g} to {fold.max():g}; expected whole numbers "
            f"from 0 to {n_folds - 1}"
        )
    return fold.astype(np.int64)


def _are_numbers(answer: Any) -> None:
    for name, groups, n_folds in _corpora():
        _dealt(answer, groups, n_folds, name)


def _keeps_groups(answer: Any) -> None:
    for name, groups, n_folds in _corpora():
        fold = _dealt(answer, groups, n_folds, name)
        for group in np.unique(groups):
            met = np.unique(fold[groups == group])
            if len(met) > 1:
                raise NotYet(
                    f"{name}: group {group} is in folds {met[0]} and {met[1]}: who is tested was "
                    "also learned from"
                )


def _fills_folds(answer: Any) -> None:
    for name, groups, n_folds in _corpora():
        missing = set(range(n_folds)) - set(_dealt(answer, groups, n_folds, name).tolist())
        if missing:
            raise NotYet(
                f"{name}: fold {min(missing)} of {n_folds} is empty, although there are groups for it"
            )


def _is_balanced(answer: Any) -> None:
    for name, groups, n_folds in _corpora():
        fold = _dealt(answer, groups, n_folds, name)
        size = np.bincount(fold, minlength=n_folds)
        low, high = int(size.argmin()), int(size.argmax())
        inside, counts = np.unique(groups[fold == high], return_counts=True)
        k = int(counts.argmin())
        if counts[k] < size[high] - size[low]:
            raise NotYet(
                f"{name}: the folds hold {', '.join(map(str, size))} observations; group {inside[k]} with "
                f"its {counts[k]} could move from fold {high} to fold {low} - does each group go where the "
                "fewest are?"
            )


# ------------------------------------------------------------------ 3: data that leak

ROWS, COLUMNS, GROUPS, EACH = (20, 400), 20, 6, 3
REMEMBERED, KNOWN = 0.95, 0.6


def _leaking(answer: Any) -> list[Finding]:
    return asked(
        answer,
        [
            ("the data", _are_data),
            ("leaving one out", _is_remembered),
            ("leaving one group out", _is_not_known),
        ],
    )


def _data(answer: Any) -> tuple[Array, Array, Array]:
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise NotYet(
            f"the answer is {answers.shown(answer)}; expected three things, (X, y, groups)"
        )
    try:
        shape = np.shape(answer[0])
        n, n_features = (int(k) for k in shape)
    except (Exception, SystemExit):
        raise NotYet("X is no table of observations and features, shape (N, F)") from None
    if not ROWS[0] <= n <= ROWS[1] or not 1 <= n_features <= COLUMNS:
        raise NotYet(
            f"X has shape {shape}; expected {ROWS[0]} to {ROWS[1]} observations of 1 to {COLUMNS} features"
        )
    X = array(answer[0], "X", (n, n_features))
    y = array(answer[1], "y", (n,))
    groups = array(answer[2], "groups", (n,))
    if np.abs(X).max() > 1e6:
        raise NotYet("X has values beyond a million; distances of such numbers lose their digits")
    return X, y, groups


def _are_data(answer: Any) -> None:
    _, y, groups = _data(answer)
    if set(np.unique(y).tolist()) != {0.0, 1.0}:
        raise NotYet(f"y has the values {answers.shown(np.unique(y).tolist())}; expected 0 and 1")
    if not 0.4 <= y.mean() <= 0.6:
        raise NotYet(
            f"{y.mean():.0%} of y are 1; expected 40 % to 60 %, so that chance is about one half"
        )
    sizes = np.unique(groups, return_counts=True)[1]
    if len(sizes) < GROUPS or sizes.min() < EACH:
        raise NotYet(
            f"there are {len(sizes)} groups of {sizes.min()} or more; expected {GROUPS} groups or more, of "
            f"{EACH} or more each"
        )


def _score(X: Array, y: Array, same: Array) -> float:
    """Share of the observations whose nearest neighbour, among those that may be asked, has their label."""
    square = np.sum(X**2, axis=1)
    distance = square[:, np.newaxis] + square - 2.0 * X @ X.T
    nearest = np.where(same, np.inf, distance).argmin(axis=1)
    return float(np.mean(y[nearest] == y))


def _is_remembered(answer: Any) -> None:
    X, y, _ = _data(answer)
    score = _score(X, y, np.eye(len(y), dtype=bool))
    if score < REMEMBERED:
        raise NotYet(
            f"with one observation left out at a time, {score:.0%} have a nearest neighbour of their "
            f"label; expected {REMEMBERED:.0%} or more"
        )


def _is_not_known(answer: Any) -> None:
    X, y, groups = _data(answer)
    _are_data(answer)
    score = _score(X, y, groups[:, np.newaxis] == groups)
    if score > KNOWN:
        raise NotYet(
            f"with one group left out at a time, {score:.0%} have a nearest neighbour of their label: the "
            f"features do tell the class of a new group; expected {KNOWN:.0%} or less"
        )


EXERCISES = (
    Exercise(
        "data_preparation.1",
        f"""A recording of {DURATION:g} s is cut into windows of {LENGTH:g} s, a new one each {HOP:g} s, and
a quarter of the windows, drawn at random and each on its own, is the test set. Hand in three numbers: how
many windows there are; which share of its samples a window has in common with the next one; and the
probability that a test window from the middle shares no sample with any training window.""",
        _windows,
        (
            "Draw the time axis and five windows in a row; the second number can be seen.",
            "Which windows share a sample with the one that lasts from 4 to 5 s? Each of them has to be in "
            "the test set, one independent draw after the other.",
        ),
    ),
    Exercise(
        "data_preparation.2",
        """Write `deal(groups, n_folds)`: for each observation the number of its fold, 0 to n_folds − 1,
such that no group is in two folds, no fold is empty, and the folds are so alike in size that to move any
group from the largest fold to the smallest would not make them more so. Groups are names or numbers in
any order, and may differ much in size.""",
        _folds,
        (
            "What is dealt, observations or groups? Find the groups and their sizes first.",
            "Whoever packs a car begins with the largest piece, and puts the next one where most room is "
            "left. `numpy.unique` gives names, sizes, and the way back to the observations.",
        ),
    ),
    Exercise(
        "data_preparation.3",
        f"""Build data that leak: `(X, y, groups)` with {ROWS[0]} to {ROWS[1]} observations, {GROUPS} groups
or more of {EACH} or more, labels 0 and 1 about equally often, such that the nearest neighbour tells the
label of {REMEMBERED:.0%} or more if one observation is left out at a time, and of {KNOWN:.0%} or less if
one group is. Predict first what a label that is constant in each group does to both.""",
        _leaking,
        (
            "An observation alone is recognised by whom it stands beside. Who should that be?",
            "Place the groups far apart and their members close together; then choose, along a line of "
            "groups, which label each has, so that the neighbours of a group mislead.",
        ),
    ),
)
