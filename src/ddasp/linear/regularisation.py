"""How strong a ridge: the whole path from one SVD, the L-curve and its corner, cross-validation.

Ridge regression (`ddasp.linear.ridge`) of centred data, X = U S V^T, b_i = u_i^T y, n observations,

    f_i = s_i^2 / (s_i^2 + lambda),    theta = sum_i f_i (b_i / s_i) v_i,

costs one SVD for all lambda: only the filter factors f change. Two quantities are weighed,

    eta = ||theta||^2      = sum_i f_i^2 b_i^2 / s_i^2               falls with lambda,
    rho = ||residual||^2   = sum_i (1 - f_i)^2 b_i^2 + ||y - U U^T y||^2      grows with lambda.

*L-curve.* x = ln sqrt(rho) to the right, y = ln sqrt(eta) upwards. Where noise is amplified eta
falls steeply at the same rho, where signal is lost rho grows at the same eta; the corner between
is the lambda of largest curvature. With ' = d/dlambda and f' = -f (1 - f) / lambda

    eta' = -2/lambda sum_i f_i^2 (1 - f_i) b_i^2 / s_i^2,

and, because (1 - f_i)^2 f_i = lambda f_i^2 (1 - f_i) / s_i^2,

    rho' = 2/lambda sum_i (1 - f_i)^2 f_i b_i^2 = -lambda eta',    rho'' = -eta' - lambda eta''.

In the curvature (x' y'' - x'' y') / (x'^2 + y'^2)^(3/2) with x' = rho' / (2 rho) and
y' = eta' / (2 eta), the second derivative eta'' cancels; what stays needs eta, rho and eta' alone:

    kappa = 2 eta rho / |eta'| * (eta rho + lambda eta' rho + lambda^2 eta' eta)
            / (rho^2 + lambda^2 eta^2)^(3/2),    positive where the curve turns as an L does.

*Generalised cross-validation.* Leaving one observation out costs no second fit: its error is
r_i / (1 - h_i). With the mean leverage df / n in place of each h_i, that is for every rotation of
the observations alike, the mean of its square is

    G(lambda) = (rho / n) / (1 - df / n)^2,    df = 1 + sum_i f_i    (1 for the intercept).

*Conventions*: X (n_observations, n_features), y (n_observations,), real; the intercept is never
penalised; lambda multiplies ||theta||^2 beside the sum (not the mean) of squared residuals, so
lambda is lambda^2 in Hansen's notation. Curves are computed in float64, parameters keep the dtype.

*References*: P. C. Hansen, "Rank-Deficient and Discrete Ill-Posed Problems", SIAM 1998, 4.6 and
7.5; P. C. Hansen and D. P. O'Leary, SIAM J. Sci. Comput. 14, 1993; G. H. Golub, M. Heath and
G. Wahba, "Generalized cross-validation as a method for choosing a good ridge parameter",
Technometrics 21, 1979.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from ddasp._check import matrix
from ddasp.linear._centred import centred_svd, column_means
from ddasp.linear._input import lambdas, nonempty, one_target, refuse
from ddasp.linear.ridge import filter_factors

__all__ = [
    "GCV",
    "LCurve",
    "RidgePath",
    "effective_degrees_of_freedom",
    "generalised_cross_validation",
    "l_curve",
    "ridge_path",
]

Floats = NDArray[np.float64]
N_LAMBDAS = 200


def effective_degrees_of_freedom(singular_values: ArrayLike, regularisation: float) -> float:
    """How many parameters ridge regression spends: the sum of its filter factors.

    Parameters
    ----------
    singular_values : array_like of shape (n_directions,)
        Singular values of the centred X, in descending order.
    regularisation : float
        lambda >= 0.

    Returns
    -------
    float
        From rank(X) for lambda = 0 down to 0; the intercept, if there is one, counts 1 more.

    Notes
    -----
    The trace of the matrix that turns y into its prediction, X (X^T X + lambda I)^-1 X^T.

    Examples
    --------
    >>> effective_degrees_of_freedom([3.0, 1.0, 0.0], 1.0)
    1.4
    """
    s = np.asarray(singular_values, dtype=np.float64)
    return float(filter_factors(s, regularisation).sum())


@dataclass(frozen=True)
class RidgePath:
    """Ridge regression at every lambda.

    Attributes
    ----------
    regularisations : numpy.ndarray of shape (n_lambdas,)
        As they were given.
    coef : numpy.ndarray of shape (n_lambdas, n_features)
        theta; each column is the path of one parameter.
    intercepts : numpy.ndarray of shape (n_lambdas,)
        theta_0.
    filter_factors : numpy.ndarray of shape (n_lambdas, n_directions)
        What is left of each singular direction.
    degrees_of_freedom : numpy.ndarray of shape (n_lambdas,)
        1 + sum of the filter factors.
    """

    regularisations: Floats
    coef: NDArray[np.floating]
    intercepts: NDArray[np.floating]
    filter_factors: NDArray[np.floating]
    degrees_of_freedom: Floats


@dataclass(frozen=True)
class LCurve:
    """Norm of theta over norm of the residual, and its corner.

    Attributes
    ----------
    regularisations : numpy.ndarray of shape (n_lambdas,)
        In ascending order.
    residual_norms, solution_norms, curvature : numpy.ndarray of shape (n_lambdas,)
        sqrt(rho), sqrt(eta) and kappa at each lambda.
    corner : float
        The lambda of largest curvature, between the values of the grid.
    at_edge : bool
        True when the curvature is largest at an end of the grid: no corner lies inside.
    """

    regularisations: Floats
    residual_norms: Floats
    solution_norms: Floats
    curvature: Floats
    corner: float
    at_edge: bool


@dataclass(frozen=True)
class GCV:
    """The function of generalised cross-validation and where it is smallest.

    Attributes
    ----------
    regularisations : numpy.ndarray of shape (n_lambdas,)
        In ascending order.
    values : numpy.ndarray of shape (n_lambdas,)
        G, an estimate of the mean squared error of prediction.
    minimiser : float
        The lambda of smallest G, between the values of the grid.
    at_edge : bool
        True when G is smallest at an end of the grid: less, or more, would be better still.
    """

    regularisations: Floats
    values: Floats
    minimiser: float
    at_edge: bool


@dataclass(frozen=True)
class _Spectrum:
    """Centred X = U S Vt without its zero singular values, and y seen from its directions."""

    mean: NDArray[np.floating]
    y_mean: float
    s: NDArray[np.floating]
    Vt: NDArray[np.floating]
    b: Floats  # U^T y
    unreached: float  # ||y - U U^T y||^2
    n: int

    def factors(self, regularisation: float) -> Floats:
        s = self.s.astype(np.float64)
        return np.asarray(s**2 / (s**2 + regularisation))

    def curves(self, regularisation: float) -> tuple[float, float, float]:
        """eta, rho and kappa."""
        lam, s, f = regularisation, self.s.astype(np.float64), self.factors(regularisation)
        missing = lam / (s**2 + lam)  # 1 - f without the difference of near numbers
        eta = float(np.sum((f * self.b / s) ** 2))
        rho = float(np.sum((missing * self.b) ** 2)) + self.unreached
        slope = -2 / lam * float(np.sum(missing * (f * self.b / s) ** 2))  # eta'
        turn = eta * rho + lam * slope * rho + lam**2 * slope * eta
        kappa = 2 * eta * rho / -slope * turn / (rho**2 + lam**2 * eta**2) ** 1.5
        return eta, rho, kappa

    def gcv(self, regularisation: float) -> float:
        s = self.s.astype(np.float64)
        missing = regularisation / (s**2 + regularisation)
        rho = float(np.sum((missing * self.b) ** 2)) + self.unreached
        left = self.n - 1 - len(s) + float(missing.sum())  # n - df
        return self.n * rho / left**2


def _spectrum(X: ArrayLike, y: ArrayLike) -> _Spectrum:
    X = matrix(X)
    nonempty(X, "X")
    y = one_target(y, len(X), X.dtype)
    mean, y_mean = column_means(X), column_means(y[:, np.newaxis])[0]
    U, s, Vt = centred_svd(X, mean)
    b = U.T @ (y - y_mean)
    outside = (y - y_mean) - U @ b
    unreached = float(np.sum(outside.astype(np.float64) ** 2)) if len(s) < len(X) - 1 else 0.0
    return _Spectrum(mean, y_mean, s, Vt, b.astype(np.float64), unreached, len(X))


def ridge_path(X: ArrayLike, y: ArrayLike, regularisations: ArrayLike) -> RidgePath:
    """Ridge regression at many strengths from one SVD.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_features)
    y : array_like of shape (n_observations,)
    regularisations : array_like of shape (n_lambdas,)
        lambda >= 0, in any order.

    Returns
    -------
    RidgePath
        What `ddasp.linear.ridge.Ridge` finds at each lambda.

    Raises
    ------
    InputError
        When the lengths differ, a value is not finite, or a lambda is negative.

    Examples
    --------
    >>> path = ridge_path([[0.0], [1.0], [2.0]], [5.0, 7.0, 9.0], [0.0, 2.0])
    >>> path.coef
    array([[2.], [1.]])
    >>> path.degrees_of_freedom
    array([2. , 1.5])
    """
    seen, strengths = _spectrum(X, y), lambdas(regularisations, lowest="from 0")
    f = np.array([seen.factors(strength) for strength in strengths])
    coef = ((f * seen.b / seen.s) @ seen.Vt).astype(seen.Vt.dtype)
    return RidgePath(
        strengths, coef, seen.y_mean - coef @ seen.mean, f.astype(coef.dtype), 1 + f.sum(axis=1)
    )


def l_curve(X: ArrayLike, y: ArrayLike, *, regularisations: ArrayLike | None = None) -> LCurve:
    """The L-curve of ridge regression with the lambda of its corner.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_features)
    y : array_like of shape (n_observations,)
    regularisations : array_like of shape (n_lambdas,), optional
        lambda > 0; 200 in equal ratios from 1e-8 times the smallest s^2 to 1e4 times the largest
        unless given.

    Returns
    -------
    LCurve
        The curve as data and its corner.

    Raises
    ------
    InputError
        When X explains nothing of y: then theta = 0 for every lambda and there is no curve.

    Examples
    --------
    >>> X, y = np.diag([1.0, 1e-3, -1.0]), [1.0, 1e-2, 0.0]
    >>> curve = l_curve(X, y)
    >>> bool(np.all(np.diff(curve.solution_norms) < 0) and np.all(np.diff(curve.residual_norms) > 0))
    True
    """
    seen = _explaining(X, y)
    grid = _grid(seen, regularisations)
    eta, rho, kappa = np.array([seen.curves(strength) for strength in grid]).T
    corner, at_edge = _smallest(lambda strength: -seen.curves(strength)[2], grid, -kappa)
    return LCurve(grid, np.sqrt(rho), np.sqrt(eta), kappa, corner, at_edge)


def generalised_cross_validation(
    X: ArrayLike, y: ArrayLike, *, regularisations: ArrayLike | None = None
) -> GCV:
    """Error that ridge regression would make on observations it has not seen, without a second fit.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_features)
    y : array_like of shape (n_observations,)
    regularisations : array_like of shape (n_lambdas,), optional
        lambda > 0; 200 in equal ratios from 1e-8 times the smallest s^2 to 1e4 times the largest
        unless given.

    Returns
    -------
    GCV
        The function as data and its minimiser.

    Raises
    ------
    InputError
        When X explains nothing of y.

    Examples
    --------
    >>> chosen = generalised_cross_validation([[0.0], [1.0], [2.0]], [0.0, 1.0, 3.0])
    >>> len(chosen.values)
    200
    """
    seen = _explaining(X, y)
    grid = _grid(seen, regularisations)
    values = np.array([seen.gcv(strength) for strength in grid])
    minimiser, at_edge = _smallest(seen.gcv, grid, values)
    return GCV(grid, values, minimiser, at_edge)


def _explaining(X: ArrayLike, y: ArrayLike) -> _Spectrum:
    seen = _spectrum(X, y)
    if not np.any(seen.b):
        raise refuse(
            "X explains nothing of y: theta is 0 for every lambda and there is nothing to choose - "
            "is y, or are all columns of X, constant?"
        )
    return seen


def _grid(seen: _Spectrum, regularisations: ArrayLike | None) -> Floats:
    if regularisations is not None:
        return np.sort(lambdas(regularisations))
    return np.geomspace(1e-8 * float(seen.s[-1]) ** 2, 1e4 * float(seen.s[0]) ** 2, N_LAMBDAS)


def _smallest(
    function: Callable[[float], float], grid: Floats, values: Floats
) -> tuple[float, bool]:
    """Where a function of lambda is smallest: the best of the grid, refined between neighbours."""
    best = int(np.argmin(values))
    if best in (0, len(grid) - 1):
        return float(grid[best]), True
    low, high = np.log(grid[[best - 1, best + 1]])
    refined = optimize.minimize_scalar(
        lambda log: function(np.exp(log)), bounds=(low, high), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    return float(np.exp(refined.x)), False
