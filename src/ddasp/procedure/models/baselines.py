"""What a model must beat: a constant, a rule made of one feature, and a linear model.

*Conventions*: those of `frame`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ddasp.linear.ridge import Ridge
from ddasp.nonlinear.estimators import LogisticRegression
from ddasp.procedure.models.frame import Features, Kind, Model, Outputs, log_shares, one_hot

__all__ = ["Linear", "Majority", "Rule"]


class Majority(Model):
    """Always the same: the share of each class, or the mean.

    Examples
    --------
    >>> np.exp(Majority().fit(np.zeros((3, 1)), [0, 0, 1]).scores(np.ones((1, 1))))
    array([[0.625, 0.375]])
    """

    standardises = False

    def __init__(self, kind: Kind = "classification") -> None:
        self.kind = kind

    @property
    def n_parameters(self) -> int:
        """One share for each class, or one mean."""
        return self.n_outputs

    def _learn(self, Z: Features, target: NDArray) -> None:
        if self.kind == "classification":
            self.constant = log_shares(one_hot(target, self.n_outputs).sum(axis=0))
        else:
            self.constant = np.zeros(1)  # the standardised mean

    def outputs(self, Z: Features) -> Outputs:
        """The constant, once for each row."""
        return np.tile(self.constant, (len(Z), 1))


class Rule(Model):
    """One rule on one feature, as an engineer would write a detector by hand.

    For K classes: the feature and the K - 1 thresholds on it with the smallest cross-entropy. For a
    regression: the feature with the largest correlation, and a straight line.

    Parameters
    ----------
    kind : str
    n_levels : int
        Thresholds are looked for between so many quantiles of the feature.

    Notes
    -----
    The intervals between thresholds are found together by dynamic programming over the quantiles,
    so no other choice of K - 1 of them describes the training data better.

    Examples
    --------
    >>> X = np.array([[0, 1], [9, 2], [0, 3], [9, 4]], dtype=np.float32)
    >>> rule = Rule().fit(X, [0, 0, 1, 1])
    >>> rule.feature, rule.thresholds
    (1, array([2.5], dtype=float32))
    """

    standardises = False

    def __init__(self, kind: Kind = "classification", *, n_levels: int = 32) -> None:
        self.kind = kind
        self.n_levels = n_levels

    @property
    def n_parameters(self) -> int:
        """The feature's number, thresholds and decisions, or slope and intercept."""
        return 3 if self.kind == "regression" else 2 + 2 * len(self.thresholds)

    def _learn(self, Z: Features, target: NDArray) -> None:
        if self.kind == "regression":
            self._learn_line(Z.astype(np.float64), target)
            return
        members = one_hot(target, self.n_outputs)
        best = np.inf
        for feature in range(Z.shape[1]):
            column = Z[:, feature]
            grid = np.quantile(column, np.arange(1, self.n_levels) / self.n_levels, method="lower")
            grid = np.unique(grid[grid < column.max()])
            level = np.searchsorted(grid, column)  # column <= grid[level]
            counts = np.zeros((len(grid) + 1, self.n_outputs))
            for k in range(self.n_outputs):
                counts[:, k] = np.bincount(level, members[:, k], minlength=len(counts))
            cost, borders = _best_intervals(counts, self.n_outputs)
            if cost < best - 1e-9:
                best, self.feature = cost, feature
                self.thresholds = _between(column, grid[borders])
                parts = np.split(counts, np.asarray(borders, dtype=int) + 1)
                self.table = log_shares(np.array([part.sum(axis=0) for part in parts]))

    def _learn_line(self, X: NDArray[np.float64], target: NDArray[np.float64]) -> None:
        centred = X - X.mean(axis=0)
        power, product = (centred**2).sum(axis=0), target @ centred
        r2 = np.divide(product**2, power, out=np.zeros_like(power), where=power > 0)
        self.feature = int(np.argmax(r2))
        slope = product[self.feature] / power[self.feature] if r2[self.feature] > 0 else 0.0
        self.slope = float(slope)
        self.intercept = float(-slope * X[:, self.feature].mean())

    def outputs(self, Z: Features) -> Outputs:
        """Log shares of the interval, or the straight line."""
        column = Z[:, self.feature]
        if self.kind == "regression":
            return (self.intercept + self.slope * column.astype(np.float64))[:, np.newaxis]
        return self.table[np.searchsorted(self.thresholds, column)]


def _between(column: Features, values: Features) -> Features:
    """Half way from each value to the next larger one of the column: x <= t splits alike."""
    known = np.unique(column)
    above = known[np.searchsorted(known, values) + 1]
    middle = (values + (above - values) / 2).astype(np.float32)
    return np.where(middle < above, middle, values)


def _best_intervals(counts: Outputs, n_intervals: int) -> tuple[float, list[int]]:
    """Cut a row of levels into intervals of least cross-entropy.

    counts (n_levels, K) says how often each class falls into each level. Returns the cost and the
    last level of each interval but the last.
    """
    n = len(counts)
    n_intervals = min(n_intervals, n)
    total = np.vstack([np.zeros(counts.shape[1]), counts.cumsum(axis=0)])
    inside = total[np.newaxis, :, :] - total[:, np.newaxis, :]  # [i, j]: levels i ... j - 1
    inside = np.maximum(inside, 0)
    cost = -(inside * log_shares(inside)).sum(axis=2)
    cost[np.tril_indices(n + 1)] = np.inf
    best, choices = cost[0], []  # best[j]: levels 0 ... j - 1 in one interval, then in one more
    for _ in range(n_intervals - 1):
        with_cut = best[:, np.newaxis] + cost
        choices.append(with_cut.argmin(axis=0))
        best = with_cut.min(axis=0)
    borders: list[int] = []
    j = n
    for choice in reversed(choices):
        j = int(choice[j])
        borders.insert(0, j - 1)
    return float(best[n]), borders


class Linear(Model):
    """Multinomial logistic regression, or ridge regression.

    Parameters
    ----------
    kind : str
    C : float
        Inverse of the regularisation; that of `LogisticRegression`, 1 / lambda of `Ridge`.
    """

    def __init__(self, kind: Kind = "classification", *, C: float = 1.0) -> None:
        self.kind = kind
        self.C = C

    @property
    def n_parameters(self) -> int:
        """Coefficients and intercepts."""
        return int(self.coefficients.size + self.intercept.size)

    def _learn(self, Z: Features, target: NDArray) -> None:
        if self.kind == "regression":
            ridge = Ridge(1 / self.C).fit(Z.astype(np.float64), target)
            self.coefficients, self.intercept = ridge.coef_[:, np.newaxis], ridge.intercept_[None]
        else:
            logistic = LogisticRegression(self.C).fit(Z, target)
            self.coefficients = logistic.coef_.astype(np.float64)
            self.intercept = logistic.intercept_.astype(np.float64)

    def outputs(self, Z: Features) -> Outputs:
        """Z theta + theta_0."""
        return np.asarray(Z.astype(np.float64) @ self.coefficients + self.intercept)
