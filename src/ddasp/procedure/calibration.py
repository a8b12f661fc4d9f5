"""From scores to probabilities that mean what they say, and from probabilities to decisions.

*Conventions*: ``scores`` (N, K) are real-valued, greater for the likelier class; probabilities
(N, K) are their softmax at a temperature. A temperature is fitted on scores of observations that
the model did not learn from. ``cost[true, decided]``; in a binary problem the positive class is
code 1, and a threshold is one on its probability.

*References*: Guo et al. 2017, "On calibration of modern neural networks" (temperature); Platt 1999
(targets that are not quite 0 and 1); Nixon et al. 2019, "Measuring calibration in deep learning"
(bins of equal mass); Elkan 2001, "The foundations of cost-sensitive learning"; Vovk et al. 2005 and
Lei et al. 2018 (split conformal prediction); Dunn, Wasserman and Ramdas 2022, "Distribution-free
prediction sets for two-layer hierarchical models".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from ddasp._check import in_range, matrix
from ddasp._errors import InputError
from ddasp.procedure.intervals import group_index, interval
from ddasp.procedure.measures import Prediction

__all__ = [
    "Bin",
    "HalfWidth",
    "calibration_by_chance",
    "cost_curve",
    "cost_threshold",
    "decide",
    "dont_know",
    "expected_calibration_error",
    "fit_temperature",
    "probabilities",
    "reliability",
    "residual_half_width",
]

FloatArray = NDArray[np.float64]
RANGE = 1000.0  # a temperature lies within this factor of the scores' own spread


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram.

    Parameters
    ----------
    low, high : float
        Smallest and greatest confidence in it.
    confidence, accuracy : float
        Mean confidence, and share of correct decisions.
    n : int
        Number of observations.
    acc_low, acc_high : float
        95 % interval of the accuracy, by group where groups are given.
    """

    low: float
    high: float
    confidence: float
    accuracy: float
    n: int
    acc_low: float
    acc_high: float


@dataclass(frozen=True)
class HalfWidth:
    """Half the width of a prediction interval.

    Parameters
    ----------
    half_width : float
        The interval of a new observation is prediction ± half_width [unit of the target].
    level : float
        Share of new observations that it shall cover.
    method : str
        How it was found, as a phrase for the reader.
    guaranteed : bool
        Whether the number of groups suffices for a guarantee without assumptions.
    """

    half_width: float
    level: float
    method: str
    guaranteed: bool


def _scores(scores: ArrayLike) -> FloatArray:
    return np.asarray(matrix(scores, "scores"), dtype=np.float64)


def probabilities(scores: ArrayLike, temperature: float = 1.0) -> FloatArray:
    """Softmax of the scores at a temperature.

    Parameters
    ----------
    scores : array_like of shape (n_observations, n_classes)
        Real-valued scores.
    temperature : float
        T > 0; above 1 the model is made less sure, below 1 more.

    Returns
    -------
    ndarray of shape (n_observations, n_classes)
        Rows sum to one.

    Raises
    ------
    InputError
        When the temperature is not positive.

    Notes
    -----
    pₖ = exp(sₖ / T) / Σⱼ exp(sⱼ / T).

    Examples
    --------
    >>> probabilities([[0.0, np.log(3.0)]])
    array([[0.25, 0.75]])
    """
    if not 0 < temperature < np.inf:
        raise InputError("E-ARGUMENT", f"temperature is {temperature}; expected a number above 0")
    return np.asarray(special.softmax(_scores(scores) / temperature, axis=1))


def fit_temperature(scores: ArrayLike, y: ArrayLike) -> float:
    """Find the temperature at which the scores' probabilities surprise least.

    Parameters
    ----------
    scores : array_like of shape (n_observations, n_classes)
        Scores of observations that the model has not learned from.
    y : array_like of int, shape (n_observations,)
        True class codes.

    Returns
    -------
    float
        T; 1 where the scores are all alike, so that no temperature matters.

    Raises
    ------
    InputError
        When the shapes don't fit.

    Notes
    -----
    Minimises Σᵢ [ln Σₖ exp(β sᵢₖ) − β Σₖ qᵢₖ sᵢₖ], convex in β = 1/T: the root of its derivative.
    The targets are Platt's, q = (N 1[y = k] + 1/K) / (N + 1), not quite 0 and 1, so that scores
    without a single error still give a finite confidence. T grows with the scores' unit:
    fit_temperature(c s, y) = c fit_temperature(s, y).

    Examples
    --------
    >>> scores = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]] * 100)
    >>> temperature = fit_temperature(scores, [0, 0, 0, 1] * 100)
    >>> probabilities(scores[:1], temperature)
    array([[0.75, 0.25]])
    """
    s, truth = _scores(scores), np.asarray(y)
    if truth.shape != (len(s),) or truth.size == 0 or truth.min() < 0 or truth.max() >= s.shape[1]:
        raise InputError(
            "E-ARGUMENT",
            f"y has shape {truth.shape}, scores {s.shape}; expected one code below n_classes a row",
        )
    s = s - s.mean(axis=1, keepdims=True)
    unit = float(np.sqrt(np.mean(s**2)))
    if unit == 0:
        return 1.0
    s = s / unit
    n, n_classes = s.shape
    target = np.full((n, n_classes), 1 / n_classes) / (n + 1)
    target[np.arange(n), truth] += n / (n + 1)
    aim = float(np.mean(np.sum(target * s, axis=1)))

    def slope(beta: float) -> float:
        return float(np.mean(np.sum(special.softmax(beta * s, axis=1) * s, axis=1))) - aim

    if slope(1 / RANGE) >= 0:  # the scores say nothing, or the wrong thing
        return RANGE * unit
    if slope(RANGE) <= 0:
        return unit / RANGE
    return unit / float(optimize.brentq(slope, 1 / RANGE, RANGE, xtol=1e-12, rtol=1e-12))


def _top(p: ArrayLike, y: ArrayLike) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Confidence of the likeliest class, and whether it is the true one."""
    checked = Prediction(probabilities=p).probabilities
    truth = np.asarray(y)
    if checked is None or truth.shape != (len(checked),) or truth.size == 0:
        raise InputError("E-ARGUMENT", f"y has shape {truth.shape}; expected one code a row of p")
    return checked.max(axis=1), checked.argmax(axis=1) == truth


def _bins(confidence: FloatArray, n_bins: int) -> NDArray[np.int64]:
    """Bin of each observation: equal mass, equal confidences never parted."""
    if n_bins < 1:
        raise InputError("E-ARGUMENT", f"n_bins is {n_bins}; expected at least 1")
    rank = np.searchsorted(np.sort(confidence), confidence, side="left")
    return np.asarray(np.unique(rank * n_bins // len(confidence), return_inverse=True)[1])


def reliability(
    p: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None, *, n_bins: int = 10
) -> list[Bin]:
    """Bins of equal mass: how sure the model was, and how often it was right.

    Parameters
    ----------
    p : array_like of shape (n_observations, n_classes)
        Probabilities.
    y : array_like of int, shape (n_observations,)
        True class codes.
    groups : array_like of shape (n_observations,), optional
        Groups; the intervals then respect them.
    n_bins : int
        At most so many bins; fewer where confidences are equal.

    Returns
    -------
    list of Bin
        By rising confidence.

    Raises
    ------
    InputError
        When the shapes don't fit.

    Examples
    --------
    >>> [found] = reliability([[0.8, 0.2]] * 5, [0, 0, 0, 0, 1])
    >>> found.confidence, found.accuracy, found.n
    (0.8, 0.8, 5)
    """
    confidence, correct = _top(p, y)
    found = []
    member = _bins(confidence, n_bins)
    for b in range(member.max() + 1):
        rows = np.flatnonzero(member == b)
        right = Prediction(decided=correct[rows].astype(int))
        within = None if groups is None else np.asarray(groups)[rows]
        known = interval("accuracy", np.ones(len(rows), dtype=int), right, within)
        found.append(
            Bin(
                low=float(confidence[rows].min()),
                high=float(confidence[rows].max()),
                confidence=float(confidence[rows].mean()),
                accuracy=float(correct[rows].mean()),
                n=len(rows),
                acc_low=known.low,
                acc_high=known.high,
            )
        )
    return found


def expected_calibration_error(p: ArrayLike, y: ArrayLike, *, n_bins: int = 10) -> float:
    """Mean distance between confidence and accuracy over bins of equal mass.

    Parameters
    ----------
    p : array_like of shape (n_observations, n_classes)
        Probabilities.
    y : array_like of int, shape (n_observations,)
        True class codes.
    n_bins : int
        At most so many bins.

    Returns
    -------
    float
        0 to 1. Even perfect probabilities don't give 0 on a finite sample: read it beside
        `calibration_by_chance`.

    Raises
    ------
    InputError
        When the shapes don't fit.

    Notes
    -----
    ECE = Σ_b (n_b / N) |accuracy_b − confidence_b|.

    Examples
    --------
    >>> expected_calibration_error([[0.9, 0.1]] * 4, [0, 0, 1, 1])
    0.4
    """
    confidence, correct = _top(p, y)
    member = _bins(confidence, n_bins)
    return float(np.abs(np.bincount(member, weights=correct - confidence)).sum() / len(confidence))


def calibration_by_chance(p: ArrayLike, *, n_bins: int = 10) -> float:
    """The calibration error that perfectly calibrated probabilities would show on average.

    Parameters
    ----------
    p : array_like of shape (n_observations, n_classes)
        Probabilities.
    n_bins : int
        As in `expected_calibration_error`.

    Returns
    -------
    float
        Expected ECE when each observation is right with the probability it states.

    Notes
    -----
    In a bin the sum of (right − confidence) has variance Σ c (1 − c), and E|x| = √(2/π) σ.

    Examples
    --------
    >>> calibration_by_chance(np.full((1000, 2), 0.5))
    0.0126
    """
    p_checked = np.asarray(Prediction(probabilities=p).probabilities)
    confidence = p_checked.max(axis=1)
    variance = np.bincount(_bins(confidence, n_bins), weights=confidence * (1 - confidence))
    return float(np.sqrt(2 / np.pi) * np.sqrt(np.maximum(variance, 0)).sum() / len(confidence))


def dont_know(p: ArrayLike, below: float) -> NDArray[np.bool_]:
    """Where the likeliest class is less likely than ``below``.

    Examples
    --------
    >>> dont_know([[0.5, 0.5], [0.9, 0.1]], below=0.6)
    array([ True, False])
    """
    in_range(below, "below", 0, 1)
    return np.asarray(matrix(p, "probabilities").max(axis=1) < below)


def _cost(cost: ArrayLike, n_classes: int) -> FloatArray:
    c = np.asarray(cost, dtype=np.float64)
    if c.shape != (n_classes, n_classes) or not np.isfinite(c).all():
        raise InputError(
            "E-ARGUMENT",
            f"cost has shape {c.shape}; expected finite numbers cost[true, decided] of shape "
            f"({n_classes}, {n_classes})",
        )
    return c


def decide(p: ArrayLike, cost: ArrayLike | None = None) -> NDArray[np.int64]:
    """Decide for the likeliest class, or for the one of least expected cost.

    Parameters
    ----------
    p : array_like of shape (n_observations, n_classes)
        Probabilities.
    cost : array_like of shape (n_classes, n_classes), optional
        ``cost[true, decided]``.

    Returns
    -------
    ndarray of int64, shape (n_observations,)
        Class codes; at a tie the lower code.

    Raises
    ------
    InputError
        When the matrix does not fit the classes.

    Notes
    -----
    argmin over l of Σₖ pₖ C[k, l].

    Examples
    --------
    >>> decide([[0.8, 0.2]]), decide([[0.8, 0.2]], cost=[[0, 1], [10, 0]])
    (array([0]), array([1]))
    """
    table = matrix(p, "probabilities")
    if cost is None:
        return np.asarray(table.argmax(axis=1), dtype=np.int64)
    expected = table @ _cost(cost, table.shape[1])
    return np.asarray(expected.argmin(axis=1), dtype=np.int64)


def cost_threshold(cost: ArrayLike) -> float:
    """Probability of the positive class above which deciding for it costs less (Bayes).

    Parameters
    ----------
    cost : array_like of shape (2, 2)
        ``cost[true, decided]``: ``cost[0, 1]`` a false alarm, ``cost[1, 0]`` a miss.

    Returns
    -------
    float
        Threshold in [0, 1].

    Raises
    ------
    InputError
        When a right decision costs more than a wrong one, in which case there is no threshold.

    Notes
    -----
    θ = (C₀₁ − C₀₀) / ((C₀₁ − C₀₀) + (C₁₀ − C₁₁)).

    Examples
    --------
    >>> cost_threshold([[0, 1], [9, 0]])
    0.1
    """
    c = _cost(cost, 2)
    false_alarm, miss = c[0, 1] - c[0, 0], c[1, 0] - c[1, 1]
    if false_alarm < 0 or miss < 0 or false_alarm + miss == 0:
        raise InputError(
            "E-ARGUMENT",
            f"cost is {c.tolist()}; expected a wrong decision to cost more than a right one - "
            "rows are the true class, columns the decided one",
        )
    return float(false_alarm / (false_alarm + miss))


def cost_curve(
    y: ArrayLike,
    p_positive: ArrayLike,
    cost: ArrayLike,
    *,
    thresholds: ArrayLike | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Mean cost of deciding "positive" above each threshold.

    Parameters
    ----------
    y : array_like of int, shape (n_observations,)
        True class, 0 or 1.
    p_positive : array_like of shape (n_observations,)
        Probability of class 1.
    cost : array_like of shape (2, 2)
        ``cost[true, decided]``.
    thresholds : array_like of shape (n_thresholds,), optional
        0, 0.01 ... 1 by default.

    Returns
    -------
    tuple of ndarray, each of shape (n_thresholds,)
        Thresholds, and mean cost per decision.

    Raises
    ------
    InputError
        When the shapes don't fit.

    Examples
    --------
    >>> _, mean_cost = cost_curve([0, 1], [0.2, 0.6], [[0, 1], [4, 0]], thresholds=[0, 0.5, 1])
    >>> mean_cost
    array([0.5, 0. , 2. ])
    """
    truth, p, c = np.asarray(y), np.asarray(p_positive, dtype=np.float64), _cost(cost, 2)
    if truth.shape != p.shape or truth.ndim != 1 or truth.size == 0:
        raise InputError(
            "E-ARGUMENT",
            f"y has shape {truth.shape}, p_positive {p.shape}; expected one shape (N,), not empty",
        )
    at = np.linspace(0, 1, 101) if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    positive = p[:, np.newaxis] > at  # (n_observations, n_thresholds)
    return at, c[truth[:, np.newaxis], positive.astype(int)].mean(axis=0)


def residual_half_width(
    residuals: ArrayLike, groups: ArrayLike | None = None, *, level: float = 0.9
) -> HalfWidth:
    """Half-width of an interval that holds a new observation's value (split conformal).

    Parameters
    ----------
    residuals : array_like of shape (n_observations,)
        Truth minus prediction on observations that the model has not learned from.
    groups : array_like of shape (n_observations,), optional
        Groups; the interval then speaks of an observation of a new group.
    level : float
        Share that shall be covered, 0.5 to 0.999.

    Returns
    -------
    HalfWidth

    Raises
    ------
    InputError
        When residuals is empty or not finite, or lengths differ.

    Notes
    -----
    The smallest h with Σ_g F_g(h) / (G + 1) ≥ level, F_g the distribution of |residual| in group g
    (Dunn et al., pooled); without groups each observation is one. With fewer than
    level / (1 − level) groups no finite h has that guarantee; then Σ_g F_g(h) / G ≥ level is
    used, and said.

    Examples
    --------
    >>> found = residual_half_width(np.arange(1, 100), level=0.9)
    >>> found.half_width, found.guaranteed
    (90.0, True)
    """
    r = np.abs(np.asarray(residuals, dtype=np.float64))
    in_range(level, "level", 0.5, 0.999)
    if r.ndim != 1 or r.size == 0 or not np.isfinite(r).all():
        raise InputError(
            "E-ARGUMENT", f"residuals has shape {r.shape}; expected finite numbers (N,), not empty"
        )
    known = group_index(groups, r.size)
    member = np.arange(r.size) if known is None else known
    size = np.bincount(member)
    n_groups, what = (
        len(size),
        "observations" if known is None else "groups, each counting the same",
    )
    aim = level * (n_groups + 1) / n_groups
    guaranteed = aim <= 1 + 1e-12
    half = _reached(r, min(aim, 1.0) if guaranteed else level, 1 / size[member])
    method = f"conformal quantile of |residual| over {n_groups} {what}"
    if not guaranteed:
        method += f" (too few of them to guarantee {level:.0%})"
    return HalfWidth(half, level, method, guaranteed)


def _reached(x: FloatArray, share: float, w: FloatArray) -> float:
    """Smallest x at which the weighted distribution function reaches a share."""
    order = np.argsort(x, kind="stable")
    reached = np.cumsum(w[order]) / w.sum()
    return float(x[order[min(int(np.searchsorted(reached, share - 1e-9)), len(x) - 1)]])
