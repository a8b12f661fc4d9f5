"""Intervals that respect groups: what a score may be for speakers, devices or days not yet heard.

Recordings of one group resemble each other, so the number of groups, not of files, says how much is
known. The interval speaks of the expected score for a *new group*: each group counts the same,
however many observations it brought (weights 1/n_g). Without groups each observation stands alone.

*Conventions*: ``level`` is the coverage, both tails alike. An interval is formed on a scale on
which scores are nearly symmetric, and mapped back, so it never leaves the measure's range:
logit for scores between two bounds, logarithm for losses, the reciprocal for a root mean square,
log(1 − R²) for R². Two corrections make few groups count for what they are: the standard error is
divided by √(G − 1) instead of √G, for the folds learn from each other's groups (`_jackknife`), and
the bound on the side of the groups' longer tail lies farther out, for few groups often miss the
hard ones (`_farther`). Lack of spread is never taken for certainty: when all groups score the same, the
interval is that of a binomial share with a stated effective number of observations; one group alone
gives the whole range. How well each covers is measured by ``benchmarks/interval_coverage.py`` and stands in
``docs/statistics.md``.

*References*: Field and Welsh 2007, "Bootstrapping clustered data"; Cameron, Gelbach and Miller
2008, "Bootstrap-based improvements for inference with clustered errors"; Efron and Stein 1981,
"The jackknife estimate of variance"; Johnson 1978, "Modified t tests and confidence intervals for
asymmetrical populations"; Hall 1992, "On the removal of skewness by transformation"; Bates, Hastie
and Tibshirani 2023, "Cross-validation: what does it estimate and how well does it do it?"; Korn and
Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts";
Wilson 1927; Woodruff 1952, "Confidence intervals for medians and other position measures".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from ddasp._check import in_range
from ddasp._errors import InputError
from ddasp.procedure.measures import Measure, Prediction, get, weighted_quantile

__all__ = ["Estimate", "group_index", "interval", "mean_interval", "wilson"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

INTRACLASS = 0.1  # correlation within a group that is assumed when the groups show no spread at all
BLOCKS = 100  # without groups, more observations than this are left out in this many blocks
SKEWNESS = 2.2  # c, by which the spread of the groups' scores tells their skewness: see `_farther`
MOST_FARTHER = 0.2  # a bound moves away by at most this share of its distance


@dataclass(frozen=True)
class Estimate:
    """A value with its interval.

    Parameters
    ----------
    value, low, high : float
        Point and interval; NaN when the measure is not defined.
    method : str
        How the interval was formed, as a phrase for the reader.
    n_groups : int
        Number of groups; 0 when there are none.
    n_observations : int
        Number of observations.
    level : float
        Coverage that was asked for.
    """

    value: float
    low: float
    high: float
    method: str
    n_groups: int
    n_observations: int
    level: float = 0.95


def interval(
    measure: Measure | str,
    y: ArrayLike,
    prediction: Prediction,
    groups: ArrayLike | None = None,
    *,
    level: float = 0.95,
    cost: ArrayLike | None = None,
) -> Estimate:
    """A measure and its interval for new groups.

    Parameters
    ----------
    measure : Measure or str
        The measure, or its name in `MEASURES`.
    y : array_like of shape (n_observations,)
        True class codes or values.
    prediction : Prediction
        What the model said.
    groups : array_like of shape (n_observations,), optional
        The group of each observation; None, or nothing but empty words, for no groups.
    level : float
        Coverage, between 0.5 and 0.999.
    cost : array_like of shape (n_classes, n_classes), optional
        ``cost[true, decided]`` for the measure ``cost``.

    Returns
    -------
    Estimate
        With groups, ``value`` weighs each group the same; for a mean over observations it is the
        mean of the groups' means.

    Raises
    ------
    InputError
        When lengths differ or the prediction lacks what the measure needs.

    Notes
    -----
    With the measure's value v, its standard error se from leaving out one group at a time
    (for means s/√(G − 1)) and t the quantile of Student's t with G − 1 degrees of freedom:
    logit v ± t se / (v (1 − v)),  log v ± t se / v,  1/v ± t se / v²,  log(1 − v) ± t se / (1 − v).
    On the first two scales the bound on the side of the longer tail lies farther out, by at most
    a fifth.

    Examples
    --------
    >>> y = np.repeat([0, 1], 50)
    >>> decided = np.where(np.arange(100) % 10 == 0, 1 - y, y)
    >>> speaker = np.arange(100) // 20
    >>> found = interval("accuracy", y, Prediction(decided=decided), None)
    >>> found.value, found.low, found.high
    (0.9, 0.826, 0.945)
    >>> found.method
    'Wilson interval over 100 observations'
    """
    rule = get(measure) if isinstance(measure, str) else measure
    in_range(level, "level", 0.5, 0.999)
    truth = rule.check(y, prediction, cost)
    matrix = None if cost is None else np.asarray(cost, dtype=np.float64)
    member = group_index(groups, len(truth))
    if (
        rule.needs == "probability" and rule.loss is None
    ):  # sorted once, it is sorted for each group
        order = np.argsort(-np.asarray(prediction.probabilities)[:, 1], kind="stable")
        truth, prediction = truth[order], prediction.take(order)
        member = None if member is None else member[order]
    case = _Case(rule, truth, prediction, matrix, member, level)
    if member is None and rule.name in ("accuracy", "sensitivity", "specificity"):
        return _of_share(case)
    if rule.name == "median_absolute_error":
        return _of_median(case)
    return _of_groups(case)


@dataclass(frozen=True)
class _Case:
    """The checked arguments of one interval."""

    measure: Measure
    y: NDArray
    prediction: Prediction
    cost: FloatArray | None
    member: IntArray | None  # group index of each observation
    level: float

    @property
    def n_groups(self) -> int:
        return 0 if self.member is None else int(self.member.max()) + 1

    @property
    def weight(self) -> FloatArray:
        """1/n_g, so that each group counts the same; scaled to a mean of one."""
        if self.member is None:
            return np.ones(len(self.y))
        size = np.bincount(self.member)
        return len(self.y) / len(size) / size[self.member]

    def value(self, weight: FloatArray) -> float:
        if weight.sum() <= 0:
            return float("nan")
        return float(self.measure.formula(self.y, self.prediction, weight, self.cost))

    def estimate(self, value: float, low: float, high: float, method: str) -> Estimate:
        return Estimate(
            float(value), float(low), float(high), method, self.n_groups, len(self.y), self.level
        )

    @property
    def range(self) -> tuple[float, float]:
        """The measure's range; that of a cost is the matrix's."""
        if self.measure.name == "cost" and self.cost is not None:
            return float(self.cost.min()), float(self.cost.max())
        return self.measure.low, self.measure.high


def group_index(groups: ArrayLike | None, n_observations: int) -> IntArray | None:
    """Number the groups 0, 1, ...; None where there are none, or nothing but empty names.

    Examples
    --------
    >>> group_index(["anna", "bob", "anna"], 3)
    array([0, 1, 0])
    """
    if groups is None:
        return None
    names = np.asarray(groups)
    if names.dtype.kind == "O":
        names = names.astype(str)
    if names.shape != (n_observations,):
        raise InputError(
            "E-ARGUMENT",
            f"groups has shape {names.shape}; expected ({n_observations},), one an observation",
        )
    if names.dtype.kind == "U" and (names == "").all():
        return None
    return np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.int64)


def wilson(share: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share of n independent observations.

    Parameters
    ----------
    share : float
        Observed share, 0 to 1.
    n : float
        Number of observations; 0 gives the whole range.
    level : float
        Coverage.

    Returns
    -------
    tuple of float
        Low and high.

    Notes
    -----
    The p with |share − p| ≤ z √(p (1 − p) / n):
    (share + z²/2n ± z √(share (1 − share)/n + z²/4n²)) / (1 + z²/n).

    Examples
    --------
    >>> wilson(1.0, 10)
    (0.722, 1.0)
    """
    if n <= 0:
        return 0.0, 1.0
    z = float(stats.norm.ppf(0.5 + level / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def mean_interval(values: ArrayLike, *, level: float = 0.95) -> tuple[float, float, float]:
    """Mean of independent numbers and its t interval: mean, low, high; NaN bounds for one number.

    Examples
    --------
    >>> mean_interval([1.0, 2.0, 3.0])
    (2.0, -0.484, 4.484)
    """
    x = np.asarray(values, dtype=np.float64)
    if x.size < 2:
        return (float(x.mean()) if x.size else float("nan")), float("nan"), float("nan")
    half = stats.t.ppf(0.5 + level / 2, x.size - 1) * x.std(ddof=1) / np.sqrt(x.size)
    return float(x.mean()), float(x.mean() - half), float(x.mean() + half)


def _of_share(case: _Case) -> Estimate:
    """Wilson over observations that stand alone."""
    positive = {"sensitivity": 1, "specificity": 0}.get(case.measure.name)
    n = len(case.y) if positive is None else int((case.y == positive).sum())
    share = case.value(case.weight)
    low, high = wilson(share, n, level=case.level) if n else (0.0, 1.0)
    return case.estimate(share, low, high, f"Wilson interval over {n} observations")


def _of_groups(case: _Case) -> Estimate:
    """Student's t with the jackknife's standard error, on the measure's scale."""
    value = case.value(case.weight)
    if not np.isfinite(value):
        return case.estimate(value, np.nan, np.nan, "not defined on these data")
    if case.n_groups == 1:
        return case.estimate(value, *case.range, "no interval: one group says nothing about others")
    blocks, weight = _blocks(case), case.weight
    n_blocks = int(blocks.max()) + 1
    if n_blocks < 2:
        return case.estimate(value, *case.range, "no interval: a single observation")
    error = _jackknife(case, blocks, weight)
    if not np.isfinite(error):
        return case.estimate(
            value, *case.range, "no interval: without one of the groups the measure is not defined"
        )
    if error <= 1e-12 * max(1.0, abs(value)):
        return _without_spread(case, value)
    t = float(special.stdtrit(n_blocks - 1, 0.5 + case.level / 2))
    low, high = _on_scale(case, value, t * error, t)
    return case.estimate(value, low, high, _phrase(case, n_blocks))


def _phrase(case: _Case, n_blocks: int) -> str:
    scale = {
        "proportion": "logit",
        "positive": "log",
        "root": "reciprocal",
        "determination": "log(1 − R²)",
    }
    kind = "t interval" if case.measure.loss is not None else "jackknife t interval"
    if case.n_groups:
        over = f"over {case.n_groups} groups, each counting the same"
    elif n_blocks == len(case.y):
        over = f"over {n_blocks} observations"
    else:
        over = f"over {n_blocks} blocks of observations"
    return f"{kind} {over}, on the {scale[case.measure.scale]} scale"


def _blocks(case: _Case) -> IntArray:
    """What is left out together: a group, an observation, or a block of observations."""
    if case.member is not None:
        return case.member
    n = len(case.y)
    if n <= BLOCKS or case.measure.loss is not None:
        return np.arange(n)
    # dealt at random, so that the order of the rows means nothing, but the same each time
    return np.random.default_rng(n).permutation(n) % BLOCKS


def _jackknife(case: _Case, blocks: IntArray, weight: FloatArray) -> float:
    """Standard error by leaving out one block at a time: √(Σ (θ₍ᵦ₎ − θ̄)²); s / √(B − 1) for a mean.

    This is √(B / (B − 1)) of the jackknife's √((B − 1)/B Σ (θ₍ᵦ₎ − θ̄)²), which would hold if the
    blocks were independent. But what is learned from group h is tested on g, and what is learned
    from g on h. Write group g's score as μ + ε_g + Σ κ_gh / (B − 1), summed over all h ≠ g: ε how
    hard the group is, κ_gh = κ_hg the benefit that two groups have from learning from each other
    (to first order the product of their gradients, hence the same for both). With variances σ² and
    r σ² the mean has the variance σ²/B (1 + 2 r / (B − 1)), while s²/B expects
    σ²/B (1 + r / (B − 1)), so s²/B is too small by 1 + r / (B − 1), up to terms in 1/B². How much
    r is can't be seen in one run; r = 1 is taken, which gives B / (B − 1).
    """
    n_blocks = int(blocks.max()) + 1
    if case.measure.loss is not None:  # a mean: leaving out in closed form
        loss = case.measure.loss(case.y, case.prediction, case.cost)
        mean = np.bincount(blocks, weights=weight * loss) / np.bincount(blocks, weights=weight)
        return float(mean.std(ddof=1) / np.sqrt(n_blocks - 1))
    left_out = np.array([case.value(np.where(blocks == b, 0.0, weight)) for b in range(n_blocks)])
    return float(np.sqrt(np.sum((left_out - left_out.mean()) ** 2)))


def _farther(lean: float, bent: float, t: float) -> float:
    """Share by which the bound on the side of the groups' longer tail moves away.

    Shares near one have a tail towards the middle, losses one upwards: a few groups often miss the
    hard ones, and then the mean flatters and the spread is too small. With skewness γ of the groups'
    scores the t statistic T is made symmetric by T + γ (T²/3 + 1/6) / √B (Johnson 1978, Hall 1992).
    Shares that vary on the logit scale have γ = c s (1 − 2v) / (v (1 − v)), losses that vary on the log
    scale γ = c s / v; c = 2 if they follow a Beta or a gamma distribution, 3 if they are normal on
    that scale, less with the chance of few sounds. The scale itself takes away what belongs to
    c = 3/2, its second Taylor term. What remains at T = t moves the bound by the share
    ``bent`` |``lean``| (c/3 − 1/2 + c/6t²) of its distance; ``bent`` is the half-width on the scale,
    ``lean`` 1 − 2v, and 1 for a loss. The other bound would come nearer by the same; it stays, since
    c is assumed and not measured.
    """
    return min(bent * abs(lean) * (SKEWNESS / 3 - 0.5 + SKEWNESS / (6 * t**2)), MOST_FARTHER)


def _on_scale(case: _Case, value: float, half: float, t: float) -> tuple[float, float]:
    """Bend value ± half so that it stays inside the measure's range; ``half`` is t times se."""
    low, high = case.range
    if case.measure.scale == "proportion":
        v = (value - low) / (high - low)
        if 0 < v < 1:
            bent = half / (high - low) / (v * (1 - v))
            farther = bent * (1 + _farther(1 - 2 * v, bent, t))
            down, up = (farther, bent) if v > 0.5 else (bent, farther)
            ends = special.expit(special.logit(v) + np.array([-down, up]))
            return tuple((low + (high - low) * ends).tolist())
    elif case.measure.scale == "positive" and value > 0:
        bent = half / value
        with np.errstate(over="ignore"):  # a bound that is that far away is infinity
            return value * np.exp(-bent), value * np.exp(bent * (1 + _farther(1, bent, t)))
    elif case.measure.scale == "root" and value > 0:
        bent = half / value
        return value / (1 + bent), value / (1 - bent) if bent < 1 else high
    elif case.measure.scale == "determination" and value < 1:
        rest = 1 - value
        with np.errstate(over="ignore"):  # a bound that is that far away is minus infinity
            return 1 - rest * np.exp(half / rest), 1 - rest * np.exp(-half / rest)
    return max(low, value - half), min(high, value + half)


def _without_spread(case: _Case, value: float) -> Estimate:
    """All groups score the same: the number of observations must say what their spread can't."""
    low, high = case.range
    n = _effective(case)
    if case.measure.scale == "proportion" and high > low:
        a, b = _clopper_pearson((value - low) / (high - low), n, case.level)
        ends = low + (high - low) * a, low + (high - low) * b
        return case.estimate(value, *ends, f"exact binomial interval of {_of_effective(case, n)}")
    alone = _Case(case.measure, case.y, case.prediction, case.cost, None, case.level)
    if case.n_groups and (error := _jackknife(alone, _blocks(alone), alone.weight)) > 0:
        z = float(stats.norm.ppf(0.5 + case.level / 2))
        half = z * error * np.sqrt(len(case.y) / n)
        ends = _on_scale(case, value, half, z)
        return case.estimate(value, *ends, f"normal interval of {_of_effective(case, n)}")
    return case.estimate(value, low, high, "no interval: no spread at all")


def _of_effective(case: _Case, n: float) -> str:
    if not case.n_groups:
        return f"{n:.0f} observations (no spread between them)"
    return (
        f"{n:.0f} effective observations (no spread between the {case.n_groups} groups; "
        f"correlation {INTRACLASS:g} within them assumed)"
    )


def _effective(case: _Case) -> float:
    """Observations that independent ones would be worth: Σ n_g / (1 + (n_g − 1) ρ).

    Where each class counts the same, K classes are worth K² / Σ 1/n_k instead of their sum.
    """
    rows = np.ones(len(case.y), dtype=bool)
    if case.measure.name in ("sensitivity", "specificity"):
        rows = case.y == (case.measure.name == "sensitivity")
    share = 1.0
    if case.measure.name in ("balanced_accuracy", "macro_f1", "roc_auc", "average_precision"):
        size = np.bincount(case.y)
        size = size[size > 0]
        share = len(size) ** 2 / np.sum(1 / size) / len(case.y)
    n = np.ones(rows.sum()) if case.member is None else np.bincount(case.member[rows])
    n = n[n > 0]
    return float(max(1.0, share * np.sum(n / (1 + (n - 1) * INTRACLASS))))


def _clopper_pearson(share: float, n: float, level: float) -> tuple[float, float]:
    tail, hits = (1 - level) / 2, share * n
    low = 0.0 if share <= 0 else float(stats.beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if share >= 1 else float(stats.beta.ppf(1 - tail, hits + 1, n - hits))
    return low, high


def _of_median(case: _Case) -> Estimate:
    """Woodruff: the interval of the share below the median, read back through the quantiles."""
    loss, weight = np.abs(case.y - np.asarray(case.prediction.values)), case.weight
    median = case.value(weight)
    below = (loss < median) + 0.5 * (loss == median)
    if case.n_groups == 1 or len(loss) < 2:
        only = "one group says nothing about others" if case.n_groups else "a single observation"
        return case.estimate(median, *case.range, f"no interval: {only}")
    blocks = _blocks(case) if case.member is not None else np.arange(len(loss))
    n_blocks = int(blocks.max()) + 1
    share = np.bincount(blocks, weights=below) / np.bincount(blocks)
    error = max(float(share.std(ddof=1)) / np.sqrt(n_blocks - 1), 0.5 / np.sqrt(len(loss)))
    half = min(0.5, float(special.stdtrit(n_blocks - 1, 0.5 + case.level / 2)) * error)
    low, high = case.range
    if half < 0.5:
        low, high = (weighted_quantile(loss, q, weight) for q in (0.5 - half, 0.5 + half))
    over = (
        f"{n_blocks} groups, each counting the same"
        if case.n_groups
        else f"{n_blocks} observations"
    )
    return case.estimate(median, low, high, f"Woodruff interval of the median over {over}")
