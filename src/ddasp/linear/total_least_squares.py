"""Total least squares: when X is as uncertain as y, distances are measured across the line.

Least squares changes y alone until X theta = y + dy can be solved. Total least squares changes
both, as little as possible:

    minimise ||[dX dY]||_F    subject to    (X + dX) theta = Y + dY.

A solution says [X + dX, Y + dY] [theta; -I] = 0, so this matrix of N + K columns (N features, K
targets) has rank N: by Eckart and Young it is the truncated SVD of Z = [X Y], and the columns of
[theta; -I] span its null space, that of the last K right singular vectors,

    Z = U S V^H,    V = [ V11  V12 ]  N rows        theta = -V12 V22^-1,
                        [ V21  V22 ]  K rows        ||[dX dY]||_F^2 = s_N+1^2 + ... + s_N+K^2.

In one dimension the line through the origin then has the smallest sum of squared perpendicular
distances: it is the first principal component of [X Y].

*No solution* exists when V22 is singular: the nearest matrix of rank N is reached by changing X
alone, and the line stands upright. *More than one* exists when s_N = s_N+1: no direction is
preferred. Both are refused.

*Conventions*: X (n_observations, n_features), Y (n_observations,) or (n_observations, n_targets),
real or complex; no intercept (centre X and Y first); all columns of X and Y carry errors of the
same size (scale them first). dtype in = dtype out.

*References*: G. H. Golub and C. F. Van Loan, "An analysis of the total least squares problem",
SIAM J. Numer. Anal. 17, 1980; S. Van Huffel and J. Vandewalle, "The Total Least Squares Problem",
SIAM 1991, ch. 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ddasp.linear._input import Array, real_or_complex, refuse

__all__ = ["TotalLeastSquares", "total_least_squares"]


@dataclass(frozen=True)
class TotalLeastSquares:
    """A solution of total least squares: X_corrected theta = y_corrected.

    Attributes
    ----------
    theta : numpy.ndarray of shape (n_features,) or (n_features, n_targets)
    X_corrected : numpy.ndarray of shape (n_observations, n_features)
        X + dX: with y_corrected the foot of each observation on the plane.
    y_corrected : numpy.ndarray of shape (n_observations,) or (n_observations, n_targets)
        Y + dY.
    distance : float
        ||[dX dY]||_F.
    """

    theta: Array
    X_corrected: Array
    y_corrected: Array
    distance: float


def total_least_squares(X: ArrayLike, y: ArrayLike) -> TotalLeastSquares:
    """Fit a plane through the origin by the distances across it.

    Parameters
    ----------
    X : array_like of shape (n_observations, n_features)
        Real or complex, at least as many rows as columns.
    y : array_like of shape (n_observations,) or (n_observations, n_targets)
        Real or complex.

    Returns
    -------
    TotalLeastSquares
        theta, the corrected data and their distance from the data.

    Raises
    ------
    InputError
        When there is no solution, or more than one.

    Examples
    --------
    >>> line = total_least_squares([[2.0], [1.0], [-3.0]], [4.0, 2.0, -6.0])
    >>> line.theta  # y = 2 x exactly
    array([2.])
    """
    X = real_or_complex(X, "X")
    columns = real_or_complex(y, "y", dimensions=1 if np.ndim(y) < 2 else 2)
    n_features = X.shape[1]
    if len(columns) != len(X) or len(X) < n_features:
        raise refuse(
            f"y has length {len(columns)} and X shape {X.shape}; expected as many rows in both, and "
            "at least as many rows as features"
        )
    Z = np.column_stack([X, columns]).astype(
        np.result_type(X, 1j if np.iscomplexobj(y) else X.dtype)
    )
    U, s, Vh = np.linalg.svd(Z, full_matrices=len(Z) < Z.shape[1])
    V12, V22 = np.split(Vh[n_features:].conj().T, [n_features])
    _demand_one_solution(s, V22, n_features)
    theta = -np.linalg.solve(V22.T, V12.T).T
    nearest = (U[:, :n_features] * s[:n_features]) @ Vh[:n_features]
    return TotalLeastSquares(
        theta.reshape(X.shape[1:] + columns.shape[1:]),
        nearest[:, :n_features],
        nearest[:, n_features:].reshape(columns.shape),
        float(np.linalg.norm(s[n_features:])),
    )


def _demand_one_solution(s: Array, V22: Array, n_features: int) -> None:
    rounding = max(V22.shape[0], len(s)) * float(np.finfo(s.dtype).eps)
    last_kept, first_lost = s[n_features - 1], s[n_features] if n_features < len(s) else 0.0
    if last_kept - first_lost <= rounding * s[0]:
        raise refuse(
            f"singular values {n_features} and {n_features + 1} of [X y] are equal "
            f"({last_kept:g}): no direction is preferred and total least squares has more than one "
            "solution - are columns of X dependent, or the data a round cloud?"
        )
    if np.linalg.svd(V22, compute_uv=False)[-1] <= rounding:
        raise refuse(
            "total least squares has no solution: the smallest change makes X lose rank and "
            "leaves y alone (the line is upright) - drop the weakest direction of X, or use "
            "least squares"
        )
