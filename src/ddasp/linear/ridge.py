"""Ridge regression: least squares that pays for large parameters, by the SVD.

*Conventions*: X (n_observations, n_features), y (n_observations,) or (n_observations, n_targets);
the intercept is never penalised; dtype in = dtype out. How to choose lambda: `regularisation`.

*References*: A. E. Hoerl and R. W. Kennard, "Ridge regression", Technometrics 12, 1970;
P. C. Hansen, "Rank-Deficient and Discrete Ill-Posed Problems", SIAM, 1998 (filter factors).
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import in_range, matrix
from ddasp._errors import InputError
from ddasp.linear._centred import column_means

__all__ = ["Ridge", "filter_factors"]


def filter_factors(singular_values: ArrayLike, regularisation: float) -> NDArray[np.floating]:
    """How much of each singular direction ridge regression lets through.

    Parameters
    ----------
    singular_values : array_like of shape (n_directions,)
        Singular values s of the centred X, in descending order.
    regularisation : float
        lambda >= 0.

    Returns
    -------
    numpy.ndarray of shape (n_directions,)
        Between 0 (direction is suppressed) and 1 (as in least squares).

    Notes
    -----
    f = s^2 / (s^2 + lambda). A direction whose s is zero up to rounding has f = 0 for every
    lambda, so lambda = 0 gives the solution of least squares with the smallest norm.

    Examples
    --------
    >>> filter_factors([3.0, 1.0, 0.0], 1.0)
    array([0.9, 0.5, 0. ])
    """
    regularisation = in_range(regularisation, "regularisation", 0.0, np.inf)
    s = np.asarray(singular_values)
    seen = s > np.max(s, initial=0.0) * s.size * np.finfo(s.dtype).eps
    factors = np.zeros_like(s)
    factors[seen] = s[seen] ** 2 / (s[seen] ** 2 + regularisation)
    return factors


class Ridge:
    """Least squares with a penalty on the squared length of the parameters.

    Parameters
    ----------
    regularisation : float
        lambda >= 0; zero is least squares, infinity predicts the mean.

    Attributes
    ----------
    coef_ : numpy.ndarray of shape (n_features,) or (n_features, n_targets)
        theta.
    intercept_ : numpy.ndarray of shape () or (n_targets,)
        theta_0.
    filter_factors_ : numpy.ndarray of shape (min(n_observations, n_features),)
        What of each singular direction is left; their sum is the effective number of parameters.

    Notes
    -----
    theta minimises ||y - theta_0 - X theta||^2 + lambda ||theta||^2. Centring X and y takes
    theta_0 out of the problem; with X = U S V^T of the centred X

        theta = V diag(f / s) U^T y,    f = s^2 / (s^2 + lambda),
        theta_0 = mean(y) - mean(X) theta.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> ridge = Ridge(regularisation=2.0).fit(X, [5.0, 7.0, 9.0])  # slope 2, halved by lambda = 2
    >>> ridge.coef_, ridge.filter_factors_
    (array([1.]), array([0.5]))
    >>> ridge.predict([[1.0]])  # the mean stays where it is
    array([7.])
    """

    def __init__(self, regularisation: float = 1.0) -> None:
        self.regularisation = regularisation

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Find theta and theta_0.

        Parameters
        ----------
        X : array_like of shape (n_observations, n_features)
        y : array_like of shape (n_observations,) or (n_observations, n_targets)

        Returns
        -------
        Ridge
            Itself, fitted.

        Raises
        ------
        InputError
            When the lengths differ or a value is not finite.
        """
        X = matrix(X)
        y = np.asarray(y, dtype=X.dtype)
        if len(y) != len(X) or len(X) == 0:
            raise InputError(
                "E-ARGUMENT",
                f"y has length {len(y)} and X {len(X)} rows; expected as many, at least one",
            )
        if not np.isfinite(y).all():
            raise InputError("E-ARGUMENT", "y contains NaN or infinity; expected finite values")
        x_mean, y_mean = column_means(X), y.mean(axis=0)
        U, s, Vt = np.linalg.svd(X - x_mean, full_matrices=False)
        f = filter_factors(s, self.regularisation).astype(X.dtype)
        gain = np.divide(f, s, out=np.zeros_like(s), where=f > 0)
        self.coef_ = Vt.T @ (gain[:, np.newaxis] * (U.T @ (y - y_mean).reshape(len(y), -1)))
        self.coef_ = self.coef_.reshape(X.shape[1:] + y.shape[1:])
        self.intercept_ = y_mean - x_mean @ self.coef_
        self.filter_factors_ = f
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.floating]:
        """theta_0 + X theta, of shape (n_observations,) or (n_observations, n_targets)."""
        X = matrix(X)
        if X.shape[1] != len(self.coef_):
            raise InputError(
                "E-ARGUMENT", f"X has {X.shape[1]} columns; expected {len(self.coef_)} as in fit"
            )
        return np.asarray(self.intercept_ + X @ self.coef_)
