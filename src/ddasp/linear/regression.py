"""Least squares: the theta that leaves the smallest residual, and how far it can be trusted.

y = X theta has no solution when y does not lie in the column space of X. The nearest point that X
reaches is the projection of y, so the residual r = y - X theta is orthogonal to every column,

    X^H (y - X theta) = 0    (normal equations),

it lies in the left null space. Three ways to theta, the same on paper:

    normal equations    X^H X = L L^H (Cholesky)      fastest; works with the condition number squared
    QR                  X = Q R, R theta = Q^H y      the condition number as it is
    SVD                 theta = V S^-1 U^H y          every rank: the theta of smallest norm

*Statistics.* Let y = X theta + e with independent errors of variance sigma^2. Centring takes the
intercept out: with X - mean(X) = U S V^T of rank r, n observations and k = r + 1 parameters,

    theta = V S^-1 U^T (y - mean(y)),    sigma^2 = ||r||^2 / (n - k),
    h(x) = 1/n + ||S^-1 V^T (x - mean(X))||^2        leverage: variance of the prediction / sigma^2
    se(theta_j) = sigma ||S^-1 V^T e_j||,            se(theta_0) = sigma sqrt(h(0)),

and, for errors that are normal, (estimate - truth) / se has Student's t distribution with n - k
degrees of freedom. A new observation at x has the variance sigma^2 (1 + h(x)). Without intercept the
means are zero, the term 1/n is missing, and k = r.

*Rank-deficient X*: theta is the one of smallest norm (without counting the intercept, the limit of
ridge regression as lambda -> 0); k counts the rank. Predictions at the observations, R^2, F and the
likelihood are as of any independent columns with the same span. A parameter, or a prediction, that
the data do not determine has the standard error NaN: theta_j is determined when e_j lies in the row
space.

*Conventions*: X (n_observations, n_features), y (n_observations,); the three solvers take complex
data and several targets and know no intercept. dtype in = dtype out.

*References*: A. Bjorck, "Numerical Methods for Least Squares Problems", SIAM 1996, ch. 2;
T. Hastie, R. Tibshirani and J. Friedman, "The Elements of Statistical Learning", 2nd ed. 2009, 3.2;
S. R. Searle, "Linear Models", 1971, 5.4 (what is estimable).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, stats

from ddasp._check import in_range, matrix
from ddasp.linear._centred import centred_svd, column_means
from ddasp.linear._input import Array, nonempty, one_target, real_or_complex, refuse
from ddasp.linear.inverses import pseudo_inverse

__all__ = [
    "LeastSquares",
    "RegressionStatistics",
    "solve_normal_equations",
    "solve_qr",
    "solve_svd",
]


def _system(X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """X and y with one dtype that holds both."""
    X = real_or_complex(X, "X")
    y = real_or_complex(y, "y", dimensions=1 if np.ndim(y) < 2 else 2)
    if len(y) != len(X):
        raise refuse(f"y has length {len(y)} and X {len(X)} rows; expected as many")
    dtype = np.result_type(X, np.complex64 if y.dtype.kind == "c" else X)
    return X.astype(dtype, copy=False), y.astype(dtype, copy=False)


def _demand_independent(X: Array, sines: Array, tolerance: float, hint: str) -> None:
    """The sine of each column to the span of those before it must not be zero up to rounding."""
    if X.shape[0] < X.shape[1]:
        raise refuse(
            f"X has {X.shape[0]} rows and {X.shape[1]} columns, which then depend on each other; "
            "use solve_svd for the solution of smallest norm"
        )
    if not (sines > tolerance).all():
        raise refuse(f"the columns of X depend on each other {hint}")


def _ratio(length: Array, whole: Array) -> Array:
    return np.divide(length, whole, out=np.zeros_like(length), where=whole > 0)


def solve_normal_equations(X: ArrayLike, y: ArrayLike) -> Array:
    """Least squares by the Cholesky factors of X^H X.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_features)
        Real or complex, independent columns.
    y : array_like of shape (n_observations,) or (n_observations, n_targets)
        Real or complex.

    Returns
    -------
    numpy.ndarray of shape (n_features,) or (n_features, n_targets)
        theta; its relative error grows as the square of the condition number of X.

    Raises
    ------
    InputError
        When the columns depend on each other up to the rounding of X^H X: already at condition
        numbers near 1e7 in float64.

    Examples
    --------
    >>> solve_normal_equations([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 2.0, 6.0])
    array([0.5, 2.5])
    """
    X, y = _system(X, y)
    gram = X.conj().T @ X
    try:
        L = np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:  # a pivot was not positive
        L = np.zeros_like(gram)
    # l_jj^2 is the squared distance of column j from the span of the columns before it
    sines_squared = _ratio(np.diagonal(L).real ** 2, np.diagonal(gram).real)
    hint = (
        "up to the rounding of X^H X, which squares the condition number - use solve_qr, or "
        "solve_svd for any rank"
    )
    rounding = 10 * len(gram) * float(np.finfo(X.dtype).eps)  # of a sum that should be zero
    _demand_independent(X, sines_squared, rounding, hint)
    z = linalg.solve_triangular(L, X.conj().T @ y, lower=True)
    return np.asarray(linalg.solve_triangular(L.conj().T, z))


def solve_qr(X: ArrayLike, y: ArrayLike) -> Array:
    """Least squares by X = Q R.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_features)
        Real or complex, independent columns.
    y : array_like of shape (n_observations,) or (n_observations, n_targets)
        Real or complex.

    Returns
    -------
    numpy.ndarray of shape (n_features,) or (n_features, n_targets)
        theta.

    Raises
    ------
    InputError
        When the columns depend on each other up to rounding.

    Examples
    --------
    >>> solve_qr([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 2.0, 6.0])
    array([0.5, 2.5])
    """
    X, y = _system(X, y)
    Q, R = np.linalg.qr(X)
    sines = _ratio(np.abs(np.diagonal(R)), np.linalg.norm(X, axis=0)[: len(R)])
    hint = "up to rounding - use solve_svd for the solution of smallest norm"
    _demand_independent(X, sines, max(X.shape) * float(np.finfo(X.dtype).eps), hint)
    return np.asarray(linalg.solve_triangular(R, Q.conj().T @ y))


def solve_svd(X: ArrayLike, y: ArrayLike) -> Array:
    """Least squares by the pseudo-inverse: of all solutions the one of smallest norm.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_features)
        Real or complex, of any rank.
    y : array_like of shape (n_observations,) or (n_observations, n_targets)
        Real or complex.

    Returns
    -------
    numpy.ndarray of shape (n_features,) or (n_features, n_targets)
        theta, in the row space of X.

    Raises
    ------
    InputError
        When the lengths differ or a value is not finite.

    Examples
    --------
    >>> solve_svd([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 2.0, 6.0])
    array([0.5, 2.5])
    >>> solve_svd([[1.0, 1.0]], [4.0])
    array([2., 2.])
    """
    X, y = _system(X, y)
    return np.asarray(pseudo_inverse(X) @ y)


@dataclass(frozen=True)
class RegressionStatistics:
    """What a fit says about its own reliability; NaN where the data say nothing.

    Attributes
    ----------
    parameters, standard_errors, t_values, p_values : numpy.ndarray of shape (n_parameters,)
        The intercept first, where there is one. p: two-sided, of the hypothesis "it is zero".
    n_observations : int
        n.
    rank : int
        Number k of parameters that the data determine, the intercept included.
    residual_degrees_of_freedom : int
        n - k.
    residual_variance : float
        sigma^2 = ||r||^2 / (n - k).
    r_squared : float
        1 - ||r||^2 / T; T = ||y - mean(y)||^2, without intercept T = ||y||^2.
    adjusted_r_squared : float
        The same of the variances: 1 - (||r||^2 / (n - k)) / (T / (n - 1)); without intercept n.
    f_value, f_p_value : float
        Explained variance per parameter over residual variance, of the hypothesis "all but the
        intercept are zero", and its p.
    log_likelihood : float
        Largest log-likelihood of normal errors, -n/2 (ln(2 pi ||r||^2 / n) + 1).
    aic, bic : float
        2 k - 2 log_likelihood and k ln(n) - 2 log_likelihood (sigma^2 is not counted in k).
    """

    parameters: NDArray[np.floating]
    standard_errors: NDArray[np.floating]
    t_values: NDArray[np.floating]
    p_values: NDArray[np.floating]
    n_observations: int
    rank: int
    residual_degrees_of_freedom: int
    residual_variance: float
    r_squared: float
    adjusted_r_squared: float
    f_value: float
    f_p_value: float
    log_likelihood: float
    aic: float
    bic: float


class LeastSquares:
    """Ordinary least squares with its statistics.

    Parameters
    ----------
    intercept : bool
        Whether theta_0 is estimated. Without it a column of ones in X is a feature like any other.

    Attributes
    ----------
    coef_ : numpy.ndarray of shape (n_features,)
        theta.
    intercept_ : float
        theta_0, or 0.
    residuals_ : numpy.ndarray of shape (n_observations,)
        y - theta_0 - X theta.
    statistics_ : RegressionStatistics

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> fit = LeastSquares().fit(X, [1.0, 2.0, 4.0, 5.0])
    >>> fit.intercept_, fit.coef_
    (0.9, array([1.4]))
    >>> fit.statistics_.standard_errors, fit.statistics_.r_squared  # sigma^2 = 0.1
    (array([0.265, 0.141]), 0.98)
    >>> fit.prediction_intervals([[1.5]])
    array([[1.479, 4.521]])
    """

    def __init__(self, *, intercept: bool = True) -> None:
        self.intercept = intercept

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Find theta, theta_0 and the statistics.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_features)
            Real, of any rank.
        y : array_like of shape (n_observations,)

        Returns
        -------
        LeastSquares
            Itself, fitted.

        Raises
        ------
        InputError
            When X is empty, the lengths differ or a value is not finite.
        """
        X = matrix(X)
        nonempty(X, "X")
        y = one_target(y, len(X), np.float64)
        self._dtype = X.dtype
        self._mean = np.zeros(X.shape[1])  # all arithmetic in float64
        if self.intercept:
            self._mean += column_means(X.astype(np.float64, copy=False))
        y_mean = column_means(y[:, np.newaxis])[0] if self.intercept else 0.0
        U, self._s, self._Vt = centred_svd(X, self._mean)
        explained = U.T @ (y - y_mean)
        coef = self._Vt.T @ (explained / self._s)
        self.coef_ = coef.astype(self._dtype)
        self.intercept_ = float(y_mean - self._mean @ coef)
        residuals = (y - y_mean) - U @ explained
        self.residuals_ = residuals.astype(self._dtype)
        self.statistics_ = self._describe(coef, residuals, float(explained @ explained))
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.floating]:
        """theta_0 + X theta, of shape (n_observations,)."""
        X = self._checked(X)
        return np.asarray((self.intercept_ + X @ self.coef_).astype(X.dtype))

    def confidence_intervals(self, level: float = 0.95) -> NDArray[np.floating]:
        """[low, high] of each parameter, (n_parameters, 2); the intercept first."""
        known = self.statistics_
        return self._around(known.parameters, known.standard_errors, level)

    def mean_intervals(self, X: ArrayLike, level: float = 0.95) -> NDArray[np.floating]:
        """[low, high] of the expected value at each row of X, (n_observations, 2)."""
        X = self._checked(X)
        sigma = np.sqrt(self.statistics_.residual_variance)
        return self._around(self.predict(X), sigma * np.sqrt(self._leverage(X)), level)

    def prediction_intervals(self, X: ArrayLike, level: float = 0.95) -> NDArray[np.floating]:
        """[low, high] of one new observation at each row of X, (n_observations, 2)."""
        X = self._checked(X)
        sigma = np.sqrt(self.statistics_.residual_variance)
        return self._around(self.predict(X), sigma * np.sqrt(1 + self._leverage(X)), level)

    def _checked(self, X: ArrayLike) -> NDArray[np.floating]:
        X = matrix(X)
        if X.shape[1] != len(self.coef_):
            raise refuse(f"X has {X.shape[1]} columns; expected {len(self.coef_)} as in fit")
        return X

    def _around(
        self, centre: NDArray[np.floating], se: NDArray[np.floating], level: float
    ) -> NDArray[np.floating]:
        in_range(level, "level", 0.0, 1.0, hint="a level of 95 % is 0.95")
        t = stats.t.ppf((1 + level) / 2, self.statistics_.residual_degrees_of_freedom or np.nan)
        return np.column_stack([centre - t * se, centre + t * se]).astype(self._dtype)

    def _spread(self, directions: NDArray[np.floating]) -> NDArray[np.floating]:
        """||S^-1 V^T z||^2 of each row z; NaN where z leaves the row space."""
        seen = directions @ self._Vt.T
        outside = np.linalg.norm(directions - seen @ self._Vt, axis=1)
        lost = outside > np.sqrt(np.finfo(self._dtype).eps) * np.linalg.norm(directions, axis=1)
        return np.where(lost, np.nan, np.sum((seen / self._s) ** 2, axis=1))

    def _leverage(self, X: NDArray[np.floating]) -> NDArray[np.floating]:
        n = len(self.residuals_)
        return self._spread(X - self._mean) + (1 / n if self.intercept else 0)

    def _describe(
        self, coef: NDArray[np.floating], residuals: NDArray[np.floating], explained: float
    ) -> RegressionStatistics:
        n, r, one = len(residuals), len(self._s), int(self.intercept)
        k, df, rss = r + one, n - r - one, np.float64(residuals @ residuals)
        theta, variances = coef, self._spread(np.eye(len(coef)))
        if self.intercept:
            theta = np.r_[self.intercept_, coef]
            variances = np.r_[self._leverage(np.zeros((1, len(coef)))), variances]
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 and ln 0: NaN and infinity
            sigma2 = rss / (df or np.nan)
            total = rss + explained
            se = np.sqrt(sigma2 * variances)
            t = theta / se
            f = np.float64(explained) / r / sigma2 if r else np.float64(np.nan)
            likelihood = -n / 2 * (np.log(2 * np.pi * rss / n) + 1)
            adjusted = 1 - sigma2 / (total / (n - one or np.nan))
            r_squared = 1 - rss / total
        p = 2 * stats.t.sf(np.abs(t), df or np.nan)
        return RegressionStatistics(
            parameters=theta.astype(self._dtype),
            standard_errors=se.astype(self._dtype),
            t_values=t.astype(self._dtype),
            p_values=p.astype(self._dtype),
            n_observations=n,
            rank=k,
            residual_degrees_of_freedom=df,
            residual_variance=float(sigma2),
            r_squared=float(r_squared),
            adjusted_r_squared=float(adjusted),
            f_value=float(f),
            f_p_value=float(stats.f.sf(f, r, df)) if r and df else float("nan"),
            log_likelihood=float(likelihood),
            aic=float(2 * k - 2 * likelihood),
            bic=float(np.log(n) * k - 2 * likelihood),
        )
