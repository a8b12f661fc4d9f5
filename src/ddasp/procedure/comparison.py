"""Is one model better than another, or only luckier? Paired tests over folds, one simple choice.

*Conventions*: differences are "the new minus the old", signed so that positive speaks for the new;
folds are the same for both. Tests are two-sided. ``scores`` are (n_candidates, n_folds).

The training sets of k folds overlap, so their scores are no k independent measurements: the
variance of the mean is s² (1/k + n_test/n_train), not s²/k (Nadeau and Bengio). A challenger that
is the best of m looks better than it is: its p-value is multiplied by m (Bonferroni), which holds
whatever the candidates share and however the best was picked. A permutation of signs over folds,
which would use what the candidates share, can't go below p = 2/2ᵏ (0.06 with five folds) and takes
the folds for independent; that is why it is not used.

*References*: Nadeau and Bengio 2003, "Inference for the generalization error"; Bouckaert and Frank
2004, "Evaluating the replicability of significance tests for comparing learning algorithms";
McNemar 1947; Dietterich 1998, "Approximate statistical tests for comparing supervised
classification learning algorithms"; Breiman et al. 1984, section 3.4.3 (one standard error).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ddasp._check import in_range
from ddasp._errors import InputError

__all__ = ["Choice", "Comparison", "McNemar", "corrected_t", "mcnemar", "one_standard_error"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """The result of a paired comparison over folds.

    Parameters
    ----------
    difference : float
        Mean difference, positive for the new model.
    low, high : float
        Its interval, made wide enough for `n_compared`; NaN where the folds show no spread.
    t, p : float
        Corrected t statistic and its two-sided p-value, for a comparison planned beforehand.
    p_corrected : float
        The p-value for the best of `n_compared`.
    n, n_compared : int
        Number of folds, and of candidates among which the new model was the best.
    level : float
        Coverage of the interval; 1 − level is the level of the test.
    """

    difference: float
    low: float
    high: float
    t: float
    p: float
    p_corrected: float
    n: int
    n_compared: int
    level: float = 0.95

    @property
    def answer(self) -> str:
        """In a word: "yes" (better), "no" (worse) or "not decided"."""
        if self.p_corrected >= 1 - self.level or self.difference == 0:
            return "not decided"
        return "yes" if self.difference > 0 else "no"


@dataclass(frozen=True)
class McNemar:
    """Observations that only one of two models decided correctly, and the exact p-value."""

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True)
class Choice:
    """Which candidate is taken, and why.

    Parameters
    ----------
    chosen, best : int
        Index of the simplest candidate within one standard error, and of the best.
    within : ndarray of bool, shape (n_candidates,)
        Who is within one standard error of the best.
    differences : ndarray of shape (n_candidates,)
        Mean by which the best is better; 0 for the best itself.
    standard_errors : ndarray of shape (n_candidates,)
        Standard error of that paired difference.
    """

    chosen: int
    best: int
    within: NDArray[np.bool_]
    differences: FloatArray
    standard_errors: FloatArray


def corrected_t(
    differences: ArrayLike,
    n_train: ArrayLike,
    n_test: ArrayLike,
    *,
    n_compared: int = 1,
    level: float = 0.95,
) -> Comparison:
    """Paired t test over folds, corrected for the folds' overlap and for the best of many.

    Parameters
    ----------
    differences : array_like of shape (n_folds,)
        Score of the new model minus score of the old one, fold by fold.
    n_train, n_test : int or array_like of shape (n_folds,)
        Size of the training and the test part of a fold; both in groups or both in observations.
        Their mean ratio enters.
    n_compared : int
        Among how many candidates the new model was the best.
    level : float
        Coverage of the interval, and 1 − the level of the test.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        When differences is empty or not finite, or a size is not positive.

    Notes
    -----
    t = d̄ / √((1/k + n_test/n_train) s²) with k − 1 degrees of freedom; p_corrected = min(1, m p).
    Where all folds differ by the same amount, s = 0 is no proof: p = 2/2ᵏ, the smallest that the
    signs of k folds can give. One fold decides nothing: p = 1.

    Examples
    --------
    >>> found = corrected_t([0.02, 0.05, 0.04, 0.03, 0.06], n_train=80, n_test=20)
    >>> found.difference, found.p, found.answer
    (0.04, 0.0196, 'yes')
    >>> corrected_t([0.02, 0.05, 0.04, 0.03, 0.06], 80, 20, n_compared=10).answer
    'not decided'
    """
    d = np.asarray(differences, dtype=np.float64)
    ratio = _ratio(n_train, n_test)
    in_range(level, "level", 0.5, 0.999)
    if d.ndim != 1 or d.size == 0 or not np.isfinite(d).all():
        raise InputError(
            "E-ARGUMENT", f"differences has shape {d.shape}; expected finite numbers, one a fold"
        )
    if n_compared < 1:
        raise InputError("E-ARGUMENT", f"n_compared is {n_compared}; expected at least 1")
    k, mean = d.size, float(d.mean())
    s = float(d.std(ddof=1)) if k > 1 else 0.0
    if s <= 1e-12 * max(1e-300, float(np.abs(d).max())):
        p = 2 / 2**k if mean != 0 else 1.0
        t = float(np.copysign(np.inf, mean)) if mean != 0 and k > 1 else 0.0
        corrected = min(1.0, n_compared * p)
        return Comparison(mean, np.nan, np.nan, t, p, corrected, k, n_compared, level)
    error = s * np.sqrt(1 / k + ratio)  # Nadeau and Bengio 2003, eq. (9)
    t = mean / error
    p = float(2 * stats.t.sf(abs(t), k - 1))
    half = float(stats.t.isf((1 - level) / 2 / n_compared, k - 1) * error)
    return Comparison(
        mean, mean - half, mean + half, float(t), p, min(1.0, n_compared * p), k, n_compared, level
    )


def _ratio(n_train: ArrayLike, n_test: ArrayLike) -> float:
    train, test = np.asarray(n_train, dtype=np.float64), np.asarray(n_test, dtype=np.float64)
    if (train <= 0).any() or (test <= 0).any():
        raise InputError("E-ARGUMENT", "n_train and n_test hold a size of 0; expected at least 1")
    return float(np.mean(test / train))


def mcnemar(correct_first: ArrayLike, correct_second: ArrayLike) -> McNemar:
    """Exact test whether two classifiers err equally often on the same observations.

    Parameters
    ----------
    correct_first, correct_second : array_like of bool, shape (n_observations,)
        Where each decided correctly.

    Returns
    -------
    McNemar

    Raises
    ------
    InputError
        When the shapes differ.

    Notes
    -----
    Under equal error the observations on which only one is right are coin tosses: a binomial test
    of b against b + c tosses. It takes observations for independent and the two models as given: it
    does not speak of new groups, nor of models trained again.

    Examples
    --------
    >>> mcnemar([True] * 10, [False] * 6 + [True] * 4)
    McNemar(only_first=6, only_second=0, p=0.03125)
    """
    a, b = np.asarray(correct_first, dtype=bool), np.asarray(correct_second, dtype=bool)
    if a.shape != b.shape or a.ndim != 1:
        raise InputError(
            "E-ARGUMENT",
            f"correct_first has shape {a.shape}, correct_second {b.shape}; expected one shape "
            "(n_observations,)",
        )
    first, second = int((a & ~b).sum()), int((b & ~a).sum())
    p = float(stats.binomtest(first, first + second).pvalue) if first + second else 1.0
    return McNemar(first, second, p)


def one_standard_error(
    scores: ArrayLike,
    orders: ArrayLike,
    n_parameters: ArrayLike,
    *,
    greater_is_better: bool = True,
) -> Choice:
    """Take the simplest candidate within one standard error of the paired difference to the best.

    Parameters
    ----------
    scores : array_like of shape (n_candidates, n_folds)
        Score of each candidate on each fold; all candidates on the same folds.
    orders : array_like of int, shape (n_candidates,)
        Order of simplicity of each candidate's family, the simplest first.
    n_parameters : array_like of int, shape (n_candidates,)
        Number of parameters: the order within equal families.
    greater_is_better : bool
        Direction of the scores.

    Returns
    -------
    Choice

    Raises
    ------
    InputError
        When the shapes don't fit or a score is not finite.

    Notes
    -----
    With d_i = (best − candidate i) over k folds: within if mean(d_i) ≤ s(d_i) / √k. Among those the
    smallest (order, number of parameters); at a tie, the higher mean, then the earlier index. The
    difference is paired, so a fold that is hard for all counts for nothing. With one fold nothing
    is known of the spread, and only what equals the best is within.

    Examples
    --------
    >>> scores = [[0.80, 0.90, 0.70], [0.82, 0.89, 0.72], [0.60, 0.70, 0.50]]
    >>> choice = one_standard_error(scores, orders=[1, 3, 0], n_parameters=[10, 200, 1])
    >>> choice.best, choice.chosen, choice.within
    (1, 0, array([ True,  True, False]))
    """
    s = np.asarray(scores, dtype=np.float64)
    order, size = np.asarray(orders), np.asarray(n_parameters)
    if s.ndim != 2 or s.size == 0 or order.shape != (len(s),) or size.shape != (len(s),):
        raise InputError(
            "E-ARGUMENT",
            f"scores has shape {s.shape}, orders {order.shape}, n_parameters {size.shape}; "
            "expected (n_candidates, n_folds) and twice (n_candidates,)",
        )
    if not np.isfinite(s).all():
        raise InputError(
            "E-ARGUMENT",
            "scores contains NaN or infinity; expected a score on every fold - "
            "leave out candidates that were not tried on all folds",
        )
    upward = s if greater_is_better else -s
    mean = upward.mean(axis=1)
    best = min(range(len(s)), key=lambda i: (-mean[i], order[i], size[i], i))
    d = upward[best] - upward
    k = s.shape[1]
    error = d.std(axis=1, ddof=1) / np.sqrt(k) if k > 1 else np.zeros(len(s))
    difference = d.mean(axis=1)
    within = difference <= error + 1e-12
    chosen = min(np.flatnonzero(within), key=lambda i: (order[i], size[i], -mean[i], i))
    return Choice(int(chosen), int(best), within, difference, error)
