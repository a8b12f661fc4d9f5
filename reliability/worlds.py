"""Worlds whose truth is known: groups that differ at random, with models given or learned again.

Two kinds. In the first a world draws labels and what a model says about them, so the model is given
and only the groups are new. In the second a world draws features; the whole procedure (learn on all
groups but one, test on that one, in turns) is carried out on each draw, with learners in closed form,
so that hundreds of repeats take seconds.

*Conventions*: R repeats, G groups, n observations a group, F features. "Differ by" is the standard
deviation between groups on the logit scale. What an interval shall hold, its *target*, is the
expected score for a new group, each group counting the same; where the procedure is repeated, that
of a model learned from one group fewer than there are, averaged over what it might have learned
from.

*References*: Bates, Hastie and Tibshirani 2023, "Cross-validation: what does it estimate and how
well does it do it?" (the targets that one may mean).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from ddasp.procedure.calibration import probabilities
from ddasp.procedure.intervals import Estimate, interval
from ddasp.procedure.measures import Prediction, get

COST = np.array([[0.0, 1.0], [5.0, 0.0]])
Data = tuple[NDArray, Prediction, NDArray]  # truth, what was said, group


def sizes(rng: np.random.Generator, n_groups: int, unequal: bool) -> NDArray:
    """Observations per group: 50, or 10 to 120."""
    return rng.integers(10, 121, n_groups) if unequal else np.full(n_groups, 50)


@functools.cache
def shifted(target: float, spread: float) -> float:
    """The m with E expit(m + spread z) = target, z standard normal."""
    z = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    low, high = -20.0, 20.0
    for _ in range(60):
        m = (low + high) / 2
        low, high = (m, high) if special.expit(m + spread * z).mean() < target else (low, m)
    return m


def held(found: Estimate, truth: float) -> bool:
    """Whether the interval holds the truth."""
    return found.low <= truth <= found.high


# --- models that are given ------------------------------------------------------------------------


def hits(rng: np.random.Generator, n: NDArray, level: float, spread: float) -> Data:
    """Right or wrong alone: accuracy ``level`` on average, groups differ by ``spread``."""
    own = special.expit(shifted(level, spread) + spread * rng.standard_normal(len(n)))
    right = rng.random(int(n.sum())) < np.repeat(own, n)
    group = np.repeat(np.arange(len(n)), n)
    return np.ones(len(right), dtype=int), Prediction(decided=right.astype(int)), group


def decisions(rng: np.random.Generator, n: NDArray, level: float, spread: float = 0.5) -> Data:
    """Three classes (50, 30, 20 %), mean recall ``level``; groups differ by ``spread``."""
    group = np.repeat(np.arange(len(n)), n)
    y = rng.choice(3, size=len(group), p=(0.5, 0.3, 0.2))
    own = rng.standard_normal((len(n), 1)) + rng.standard_normal((len(n), 3))
    recall = special.expit(shifted(level, spread) + spread * np.sqrt(0.5) * own)
    wrong = (y + rng.integers(1, 3, len(y))) % 3
    decided = np.where(rng.random(len(y)) < recall[group, y], y, wrong)
    return y, Prediction(decided=decided), group


def scores(rng: np.random.Generator, n: NDArray, level: float) -> Data:
    """Two classes (70, 30 %), area ``level`` under the ROC curve, calibrated on average."""
    group = np.repeat(np.arange(len(n)), n)
    y = (rng.random(len(group)) < 0.3).astype(int)
    gap, offset = 0.4, 0.3  # groups differ in how well classes part, and in where the score lies
    variance = 1 + offset**2 + gap**2 / 2
    delta = stats.norm.ppf(level) * np.sqrt(2 * variance)
    own = delta + gap * rng.standard_normal(len(n))
    s = own[group] * y + (offset * rng.standard_normal(len(n)))[group] + rng.standard_normal(len(y))
    p = special.expit((delta * s - delta**2 / 2) / variance + np.log(0.3 / 0.7))
    return y, Prediction(decided=(p > 0.3).astype(int), probabilities=np.c_[1 - p, p]), group


def values(rng: np.random.Generator, n: NDArray, level: float) -> Data:
    """A regression whose R² is about ``level``; groups differ in offset and size of the error."""
    group = np.repeat(np.arange(len(n)), n)
    z = rng.standard_normal((3, len(n)))
    y = (0.5 * z[0])[group] + rng.standard_normal(len(group))
    sigma = np.sqrt((1 - level) * 1.25 / 1.3)
    error = sigma * (np.exp(0.3 * z[1])[group] * rng.standard_normal(len(y)) + (0.3 * z[2])[group])
    return y, Prediction(values=y + error), group


OF_DECISIONS = ("accuracy", "balanced_accuracy", "macro_f1")
OF_SCORES = (
    *("roc_auc", "average_precision", "log_loss", "brier", "cost", "sensitivity", "specificity"),
)
OF_VALUES = ("mae", "rmse", "median_absolute_error", "r2")
WORLDS: dict[str, tuple[Callable[..., Data], tuple[str, ...]]] = {
    "decisions": (decisions, OF_DECISIONS),
    "scores": (scores, OF_SCORES),
    "values": (values, OF_VALUES),
}


def truths(world: str, level: float) -> dict[str, float]:
    """Each measure on 40,000 groups of 25: the expected score for a new group."""
    draw, names = WORLDS[world]
    y, prediction, _ = draw(np.random.default_rng(7), np.full(40_000, 25), level)
    return {name: get(name).compute(y, prediction, cost=COST) for name in names}


# --- models that are learned again: nearest class mean --------------------------------------------


def recordings(
    rng: np.random.Generator, n_repeats: int, n_groups: int, n: int, n_features: int, part: float
) -> NDArray:
    """Two classes at ± part, groups shifted: (R, 2, G, n, F)."""
    shape = (n_repeats, 2, n_groups, n, n_features)
    shift = 0.7 * rng.standard_normal((n_repeats, 2, n_groups, 1, n_features))
    sign = np.array([-part, part]).reshape(1, 2, 1, 1, 1)
    return np.asarray(sign + shift + rng.standard_normal(shape))


def by_class_means(x: NDArray, first: NDArray, second: NDArray) -> NDArray:
    """Log odds of the second class with equal covariances I (1 + 0.7²); means (..., F)."""
    w, middle = second - first, (first + second) / 2
    return np.asarray(np.einsum("...f,...f->...", x - middle, w) / (1 + 0.7**2))


def leave_one_out(x: NDArray) -> NDArray:
    """Log odds of class 1 for each observation by the class means of the other groups: (R, 2, G, n)."""
    n_groups = x.shape[2]
    mean = x.mean(axis=3)
    other = (mean.sum(axis=2, keepdims=True) - mean) / (n_groups - 1)  # (R, 2, G, F)
    first, second = (other[:, c, np.newaxis, :, np.newaxis] for c in (0, 1))
    return by_class_means(x, first, second)


def _said(score: NDArray) -> Prediction:
    p = special.expit(score)
    return Prediction(decided=(score > 0).astype(int), probabilities=np.c_[1 - p, p])


N, FEATURES, PART = 20, 4, 0.5  # sounds of a class in a group; features; half the classes' distance


def classified(rng: np.random.Generator, n_repeats: int, n_groups: int) -> Iterator[Data]:
    """The procedure on each of R corpora of two classes."""
    y = np.repeat([0, 1], n_groups * N)
    group = np.tile(np.repeat(np.arange(n_groups), N), 2)
    for _ in range(n_repeats):
        s = leave_one_out(recordings(rng, 1, n_groups, N, FEATURES, PART))
        yield y, _said(s.ravel()), group


def classified_anew(rng: np.random.Generator, n_models: int, n_groups: int) -> Iterator[Data]:
    """Models learned from G − 1 groups, each on a thousand new groups."""
    y, group = np.repeat([0, 1], 1000 * N), np.tile(np.repeat(np.arange(1000), N), 2)
    for _ in range(n_models):
        learned = recordings(rng, 1, n_groups - 1, N, FEATURES, PART)[0].mean(axis=(1, 2))
        x = recordings(rng, 1, 1000, N, FEATURES, PART)[0]
        yield y, _said(by_class_means(x, learned[0], learned[1]).ravel()), group


# --- and least squares ----------------------------------------------------------------------------

SLOPE = np.array([0.8, -0.4, 0.2, 0.0])


def measured(rng: np.random.Generator, n_groups: int) -> tuple[NDArray, NDArray]:
    """Features with a one in front (G, 2 N, F + 1), and a target that groups shift (G, 2 N)."""
    x = rng.standard_normal((n_groups, 2 * N, FEATURES))
    x += 0.7 * rng.standard_normal((n_groups, 1, FEATURES))
    z = rng.standard_normal((2, n_groups, 1))
    noise = 0.3 * z[0] + np.exp(0.3 * z[1]) * rng.standard_normal((n_groups, 2 * N))
    return np.concatenate([np.ones((n_groups, 2 * N, 1)), x], axis=2), x @ SLOPE + 0.6 * noise


def least_squares(xx: NDArray, xy: NDArray) -> NDArray:
    """Solve (X'X + I/10) θ = X'y; the ridge keeps five groups from being too few."""
    return np.asarray(np.linalg.solve(xx + 0.1 * np.eye(xx.shape[-1]), xy[..., np.newaxis])[..., 0])


def predicted(rng: np.random.Generator, n_repeats: int, n_groups: int) -> Iterator[Data]:
    """The procedure on each of R corpora with a number to be told."""
    group = np.repeat(np.arange(n_groups), 2 * N)
    for _ in range(n_repeats):
        x, y = measured(rng, n_groups)
        xx, xy = np.einsum("gnf,gnk->gfk", x, x), np.einsum("gnf,gn->gf", x, y)
        theta = least_squares(xx.sum(axis=0) - xx, xy.sum(axis=0) - xy)
        yield y.ravel(), Prediction(values=np.einsum("gnf,gf->gn", x, theta).ravel()), group


def predicted_anew(rng: np.random.Generator, n_models: int, n_groups: int) -> Iterator[Data]:
    """Models learned from G − 1 groups, each on a thousand new groups."""
    group = np.repeat(np.arange(1000), 2 * N)
    for _ in range(n_models):
        x, y = measured(rng, n_groups - 1)
        xx, xy = np.einsum("gnf,gnk->fk", x, x), np.einsum("gnf,gn->f", x, y)
        theta = least_squares(xx, xy)
        x, y = measured(rng, 1000)
        yield y.ravel(), Prediction(values=(x @ theta).ravel()), group


Draw = Callable[[np.random.Generator, int, int], Iterator[Data]]
REFITTED: dict[str, tuple[Draw, Draw, tuple[str, ...]]] = {
    "nearest class mean": (classified, classified_anew, (*OF_DECISIONS, *OF_SCORES)),
    "least squares": (predicted, predicted_anew, OF_VALUES),
}


def coverage_refitted(
    n_repeats: int, n_groups: int, *, seed: int, n_models: int = 60
) -> dict[str, tuple[float, float]]:
    """How often the intervals miss their target below and above, for every measure.

    The target is the mean over ``n_models`` learned from G − 1 groups of the measure on a thousand
    new groups, each counting the same.

    Returns
    -------
    dict of str to (float, float)
        Shares of the repeats in which the target lies below the interval, and above it.
    """
    found: dict[str, tuple[float, float]] = {}
    for number, (draw, anew, names) in enumerate(REFITTED.values()):
        rng = np.random.default_rng([seed, n_groups, number])
        said = [
            [get(name).compute(y, prediction, cost=COST) for name in names]
            for y, prediction, _ in anew(rng, n_models, n_groups)
        ]
        target = np.mean(said, axis=0)
        ends = np.array(
            [
                [(e.low, e.high) for name in names for e in [interval(name, *data, cost=COST)]]
                for data in draw(rng, n_repeats, n_groups)
            ]
        )
        below, above = (target < ends[..., 0]).mean(axis=0), (target > ends[..., 1]).mean(axis=0)
        found |= {n: (float(b), float(a)) for n, b, a in zip(names, below, above, strict=True)}
    return found


# --- candidates that are equally good, and scores that are calibrated -----------------------------


def equally_good(
    rng: np.random.Generator, n_repeats: int, n_groups: int, n_compared: int
) -> Iterator[NDArray]:
    """Accuracy of the best of m challengers minus that of the incumbent, fold by fold: (G,) each.

    All learn on features of their own with the same distribution, so none is better.
    """
    for _ in range(n_repeats):
        x = recordings(rng, n_compared + 1, n_groups, 20, 2, PART)
        score = leave_one_out(x)
        right = np.stack([score[:, 0] <= 0, score[:, 1] > 0], axis=1)
        accuracy = right.mean(axis=(1, 3))  # (m + 1, G)
        best = 1 + int(accuracy[1:].mean(axis=1).argmax())
        yield accuracy[best] - accuracy[0]


def calibrated(rng: np.random.Generator, n: int, temperature: float) -> tuple[NDArray, NDArray]:
    """Scores of five classes (n, 5) whose probabilities at a temperature are true, and the classes."""
    score = 2 * rng.standard_normal((n, 5))
    p = probabilities(score, 1.0)
    y = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(max=4)
    return temperature * score, y
