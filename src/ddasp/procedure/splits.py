"""Who is learned from and who is tested: sealed sets and folds that keep groups and copies apart.

New sounds come from new speakers, devices, rooms or days. So a whole group stands on one side of
every split. Copies of one sound may stand in different groups; they are purged from the training
side instead of welding the groups together, so that a chain of copies can't merge a corpus into
one group: groups are tested as they are, and no copy of a tested sound was ever learned.

*Conventions*: ``rows`` are row numbers of the observations (int, ascending); ``groups`` holds a
name for each observation, all blank where none is known; ``y`` class numbers, or the target of a
regression. Observations with one non-negative ``duplicate_set`` hold the same sound; -1 means that
no other does.

*References*: Kapoor and Narayanan 2023, "Leakage and the reproducibility crisis in
machine-learning-based science"; Roberts et al. 2017, "Cross-validation strategies for data with
temporal, spatial, hierarchical, or phylogenetic structure".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MIN_GROUPS",
    "MIN_SOUNDS",
    "Fold",
    "Split",
    "TooFew",
    "fold_groups",
    "folds",
    "plan",
    "purge",
    "purged_folds",
    "too_few",
]

Index = NDArray[np.intp]
Fold = tuple[Index, Index]

N_MAX = 10  # folds of groups at most
N_STRATIFIED = 5  # folds where no group is known
MIN_SEALED = 10  # groups (sounds, without groups) that a sealed set holds at least
MIN_GROUPS = 2  # of a class: one to learn from, one to test
MIN_SOUNDS = 3  # of a class, not counting copies: one to test and two for folds of the rest
N_BINS = 5  # a target is balanced like this many classes
N_DRAWS = 200


@dataclass(frozen=True)
class Split:
    """The plan of an evaluation.

    Attributes
    ----------
    mode : {"nested", "sealed"}
        Whether each group is held out once, or one set is sealed until the end.
    why : str
        One sentence.
    sealed, development : ndarray of int
        Row numbers; nested, nothing is sealed and all is development.
    purged_development : ndarray of int
        The development side without copies of sealed sounds.
    folds : tuple of (train, test)
        Nested: the outer folds. Sealed: folds of the purged development side. Training sides are
        purged of copies of tested sounds.
    fold_groups : tuple of tuple of str
        Names of the groups that each fold tests.
    purged : tuple of int
        Number of observations that were taken from each training side.
    """

    mode: Literal["nested", "sealed"]
    why: str
    sealed: Index
    development: Index
    purged_development: Index
    folds: tuple[Fold, ...]
    fold_groups: tuple[tuple[str, ...], ...]
    purged: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """The plain form that stands in the run folder; training sides follow from it."""
        return {
            "mode": self.mode,
            "why": self.why,
            "sealed": self.sealed,
            "development": self.development,
            "folds": [test for _, test in self.folds],
            "fold_groups": self.fold_groups,
            "purged": self.purged,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], duplicate_set: ArrayLike) -> Split:
        """Read the plain form back; ``duplicate_set`` has one entry for each observation."""
        sealed, development = (np.array(value[key], np.intp) for key in ("sealed", "development"))
        side = purge(development, sealed, duplicate_set)
        parts = _complete(side, [np.array(test, np.intp) for test in value["folds"]])
        return cls(
            value["mode"],
            value["why"],
            sealed,
            development,
            side,
            purged_folds(parts, duplicate_set),
            tuple(map(tuple, value["fold_groups"])),
            tuple(value["purged"]),
        )


@dataclass(frozen=True)
class TooFew:
    """A class that is set aside, and why."""

    label: str
    n: int
    why: str


# ------------------------------------------------------------------------------------ folds


def folds(
    rows: Index,
    groups: ArrayLike,
    y: ArrayLike,
    *,
    kind: str,
    n_max: int = N_MAX,
    seed: int,
    duplicate_set: ArrayLike | None = None,
) -> list[Fold]:
    """Folds of some rows: each row is tested once, and no group stands on both sides.

    Parameters
    ----------
    rows : ndarray of int, shape (n_rows,)
        Row numbers of what is to be divided.
    groups, y : array_like of shape (n_observations,)
        Of all observations.
    kind : str
        "regression", or anything else for classes.
    n_max : int
        With so many groups or fewer each is left out once; with more, groups are dealt into that
        many folds, alike in size and classes. Without groups there are five stratified folds at
        most.
    seed : int
        Decides ties and the order of dealing.
    duplicate_set : array_like of shape (n_observations,), optional
        Without groups, copies of one sound are kept together; with groups, they are purged
        afterwards.

    Returns
    -------
    list of (train, test)
        Row numbers, ascending. With groups copies are still in: see `purge`.

    Raises
    ------
    InputError
        ``E-DATA`` when there is nothing to divide.

    Examples
    --------
    >>> parts = folds(np.arange(4), ["a", "b", "b", "c"], [0, 1, 0, 1], kind="binary", seed=0)
    >>> [test.tolist() for _, test in parts]
    [[0], [1, 2], [3]]
    """
    rows = np.sort(np.asarray(rows, np.intp))
    names, classes = np.asarray(groups, str)[rows], _classes(np.asarray(y)[rows], kind)
    if len(rows) < 2:
        raise InputError("E-DATA", f"{len(rows)} observations; expected two or more to divide")
    rng = np.random.default_rng(seed)
    if (names == "").all():
        unit = _copies(duplicate_set, rows)
        first = np.unique(unit, return_index=True)[1]
        if len(first) < 2:
            raise InputError(
                "E-DATA", "all sounds are copies of one; expected two or more to divide"
            )
        fold = _stratified(classes[first], min(N_STRATIFIED, n_max, len(first)), rng)[unit]
    else:
        unit = _units(names)
        n_units = int(unit.max()) + 1
        if n_units < 2:
            raise InputError(
                "E-DATA", f"one group, {str(names[0])!r}; expected two or more to divide"
            )
        fold = (np.arange(n_units) if n_units <= n_max else _deal(unit, classes, n_max, rng))[unit]
    tests = [rows[fold == k] for k in range(int(fold.max()) + 1)]
    return _complete(rows, [test for test in tests if len(test)])


def purge(train: Index, test: Index, duplicate_set: ArrayLike) -> Index:
    """The training side without copies of what is tested.

    Examples
    --------
    >>> purge(np.array([0, 1, 2]), np.array([3]), [7, -1, -1, 7])
    array([1, 2])
    """
    sets = np.asarray(duplicate_set, np.intp)
    tested = sets[test]
    keep = (sets[train] < 0) | ~np.isin(sets[train], tested[tested >= 0])
    return np.asarray(train[keep], np.intp)


def purged_folds(parts: Sequence[Fold], duplicate_set: ArrayLike) -> tuple[Fold, ...]:
    """Folds whose training sides are purged."""
    return tuple((purge(train, test, duplicate_set), test) for train, test in parts)


def fold_groups(parts: Sequence[Fold], groups: ArrayLike) -> tuple[tuple[str, ...], ...]:
    """Names of the groups that each fold tests."""
    names = np.asarray(groups, str)
    return tuple(tuple(sorted(set(names[test].tolist()) - {""})) for _, test in parts)


def _complete(rows: Index, tests: Sequence[Index]) -> list[Fold]:
    return [(np.setdiff1d(rows, test), test) for test in tests]


def _units(names: NDArray[np.str_]) -> Index:
    """Numbers of the groups; an observation without a name is a group of its own."""
    own = np.array([f"\0{i}" if name == "" else name for i, name in enumerate(names)])
    return np.unique(own, return_inverse=True)[1].astype(np.intp)


def _copies(duplicate_set: ArrayLike | None, rows: Index) -> Index:
    """Numbers of the sounds; copies of one sound share a number."""
    if duplicate_set is None:
        return np.arange(len(rows), dtype=np.intp)
    sets = np.asarray(duplicate_set, np.intp)[rows]
    own = np.where(sets < 0, -1 - np.arange(len(rows)), sets)
    return np.unique(own, return_inverse=True)[1].astype(np.intp)


def _classes(y: NDArray[Any], kind: str) -> Index:
    """Class numbers; a target is cut at its quantiles."""
    if kind == "regression":
        y = np.searchsorted(np.quantile(y, np.linspace(0, 1, N_BINS + 1)[1:-1]), y)
    return np.unique(y, return_inverse=True)[1].astype(np.intp)


def _stratified(classes: Index, n_folds: int, rng: np.random.Generator) -> Index:
    """Fold of each observation: each class is shuffled, then dealt on where the last one ended."""
    order = rng.permutation(len(classes))
    order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(len(classes), np.intp)
    fold[order] = np.arange(len(classes)) % n_folds
    return fold


def _shares(unit: Index, classes: Index) -> NDArray[np.float64]:
    """Share of each class, and of all, that a group holds: (n_groups, n_classes + 1)."""
    counts = np.zeros((unit.max() + 1, classes.max() + 2))
    np.add.at(counts, (unit, classes), 1.0)
    counts[:, -1] = counts.sum(axis=1)
    return np.asarray(counts / counts.sum(axis=0))


def _deal(unit: Index, classes: Index, n_folds: int, rng: np.random.Generator) -> Index:
    """Fold of each group: largest first, each to the fold that lacks most of what it holds.

    With L (n_folds, K) the shares dealt so far, sum L^2 is least when all folds are alike; giving a
    group with shares c to fold j raises it by 2 L_j c + c c, so the fold with the least L_j c
    takes it.
    """
    shares = _shares(unit, classes)
    order = rng.permutation(len(shares))
    order = order[np.argsort(-shares[order, -1], kind="stable")]
    dealt = np.zeros((n_folds, shares.shape[1]))
    fold = np.empty(len(shares), np.intp)
    for group in order:
        fold[group] = np.argmin(dealt @ shares[group])
        dealt[fold[group]] += shares[group]
    return fold


# ------------------------------------------------------------------------------------- plan


def plan(observations: pd.DataFrame, *, kind: str, share: float = 0.25, seed: int) -> Split:
    """Decide between a sealed set and holding out every group once, and draw the folds.

    Parameters
    ----------
    observations : DataFrame
        With the columns label, target, group and duplicate_set.
    kind : str
        "regression", or anything else for classes.
    share : float
        Of the groups (of the sounds, where no group is known) that would be sealed.
    seed : int
        Decides what is drawn.

    Returns
    -------
    Split

    Notes
    -----
    Nested when a sealed set would hold fewer than ten groups (sounds, without groups). Otherwise
    the sealed set is the best of 200 random draws of groups: the one in which the share of each
    class is nearest to ``share``. Without groups each class is drawn from on its own.
    """
    names = observations["group"].to_numpy(str)
    y = observations["target" if kind == "regression" else "label"].to_numpy()
    duplicate_set = observations["duplicate_set"].to_numpy(np.intp)
    rows = np.arange(len(observations), dtype=np.intp)
    grouped = bool((names != "").any())
    unit = _units(names) if grouped else _copies(duplicate_set, rows)
    n_sealed = round(share * (int(unit.max()) + 1)) if len(rows) else 0
    mode: Literal["nested", "sealed"] = "sealed" if n_sealed >= MIN_SEALED else "nested"
    sealed = rows[:0]
    if mode == "sealed":
        rng = np.random.default_rng(seed)
        classes = _classes(y, kind)
        if grouped:
            drawn = _draw_groups(unit, classes, n_sealed, share, rng)
        else:
            first = np.unique(unit, return_index=True)[1]
            drawn = _draw_sounds(classes[first], share, rng)[unit]
        sealed = rows[drawn]
    development = np.setdiff1d(rows, sealed)
    side = purge(development, sealed, duplicate_set)
    parts = folds(side, names, y, kind=kind, seed=seed, duplicate_set=duplicate_set)
    purged = purged_folds(parts, duplicate_set)
    if not min(len(train) for train, _ in purged):
        raise InputError(
            "E-DATA",
            "every sound outside one fold has a copy inside it, so nothing is left to learn from; "
            "expected different sounds in different groups - were files copied between groups?",
        )
    taken = [len(a) - len(b) for (a, _), (b, _) in zip(parts, purged, strict=True)]
    return Split(
        mode,
        _why(mode, grouped, int(unit.max()) + 1, n_sealed, len(parts)),
        sealed,
        development,
        side,
        purged,
        fold_groups(parts, names),
        tuple(taken),
    )


def _draw_groups(
    unit: Index, classes: Index, n_sealed: int, share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """The draw of groups in which every class has nearly its share."""
    shares = _shares(unit, classes)
    best, least = np.zeros(len(shares), bool), np.inf
    for _ in range(N_DRAWS):
        drawn = np.zeros(len(shares), bool)
        drawn[rng.permutation(len(shares))[:n_sealed]] = True
        held = shares[drawn].sum(axis=0)
        missing = np.sum((held <= 0) | (held >= 1))  # a class that stands on one side only
        distance = float(np.sum((held - share) ** 2)) + 10.0 * float(missing)
        if distance < least:
            best, least = drawn, distance
    return np.asarray(best[unit], bool)


def _draw_sounds(classes: Index, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Of each class its share, at least one, leaving at least two."""
    sealed = np.zeros(len(classes), bool)
    for number in range(int(classes.max()) + 1):
        of_class = rng.permutation(np.flatnonzero(classes == number))
        n = min(max(round(share * len(of_class)), 1), max(len(of_class) - 2, 0))
        sealed[of_class[:n]] = True
    return sealed


def _why(mode: str, grouped: bool, n_units: int, n_sealed: int, n_folds: int) -> str:
    what = "groups" if grouped else "sounds"
    if mode == "sealed":
        unknown = "; no groups are known, so sounds of one source may stand on both sides"
        tail = "" if grouped else unknown
        return f"{n_units} {what}: {n_sealed} of them are sealed and opened once{tail}."
    each = "each group" if grouped and n_folds == n_units else f"each of {n_folds} folds of {what}"
    return (
        f"{n_units} {what}: a sealed set would hold {n_sealed}, fewer than {MIN_SEALED}, so {each} "
        "is held out once, with the whole search inside."
    )


def too_few(labels: ArrayLike, groups: ArrayLike, duplicate_set: ArrayLike) -> list[TooFew]:
    """Classes that can't be both learned and tested; copies of one sound count once.

    Examples
    --------
    >>> too_few(["a", "a", "a", "b"], ["", "", "", ""], [-1, -1, -1, -1])
    [TooFew(label='b', n=1, why='1 sound; at least 3 are needed')]
    """
    names, of_group = np.asarray(labels, str), np.asarray(groups, str)
    sets = np.asarray(duplicate_set, np.intp)
    grouped, found = bool((of_group != "").any()), []
    for label in np.unique(names):
        mine = names == label
        n_sounds = int(np.sum(sets[mine] < 0)) + len(np.unique(sets[mine & (sets >= 0)]))
        n_groups = len(np.unique(_units(of_group[mine])))
        if n_sounds < MIN_SOUNDS:
            different = " different" if n_sounds < mine.sum() else ""
            sounds = f"{n_sounds}{different} sound{'s' if n_sounds > 1 else ''}"
            why = f"{sounds}; at least {MIN_SOUNDS} are needed"
        elif grouped and n_groups < MIN_GROUPS:
            why = f"all of one group; sounds of at least {MIN_GROUPS} groups are needed"
        else:
            continue
        found.append(TooFew(str(label), int(mine.sum()), why))
    return found
