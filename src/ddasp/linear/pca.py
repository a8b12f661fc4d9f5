"""Principal component analysis: the directions of largest variance, by the SVD.

Which direction v of length 1 spreads the centred observations X most? The variance of their
coordinates X v is v^T C v with the covariance C = X^T X / (n - 1); it is largest for the eigenvector
of C with the largest eigenvalue, and then again among the directions orthogonal to it. With
X = U S V^T these are the columns of V, C = V S^2 V^T / (n - 1), and no covariance needs to be formed:

    components    rows of V^T             directions, orthonormal
    scores        X V = U S               coordinates, uncorrelated, of variance s^2 / (n - 1)
    loadings      V S / sqrt(n - 1)       covariance of each feature with each score of variance 1
    whitened      U sqrt(n - 1)           scores of variance 1
    rebuilt       U S V^T                 with k terms the nearest points of a k-dimensional plane

*Loadings* here are never the components: component k is scaled by the standard deviation of its
scores. Loadings times their transpose give back C, and of standardised features a loading is the
correlation of feature and score.

*Conventions*: X (n_observations, n_features), scores (n_observations, n_components); components
are rows of length 1, in descending order of variance; variances are divided by
n_observations - 1. *Sign*: the entry of largest magnitude of each component (the first, of
several) is positive, so that equal data give equal pictures.

*References*: K. Pearson, "On lines and planes of closest fit to systems of points in space",
1901; I. T. Jolliffe, "Principal Component Analysis", Springer, 2002.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import matrix
from ddasp._errors import InputError
from ddasp.linear._centred import column_means, rounding
from ddasp.linear._input import leading

__all__ = ["PCA"]


class PCA:
    """The plane of `n_components` dimensions that lies closest to the observations.

    Parameters
    ----------
    n_components : int
        Number of directions to keep, 1 to min(n_observations, n_features).

    Attributes
    ----------
    mean_ : numpy.ndarray of shape (n_features,)
    components_ : numpy.ndarray of shape (n_components, n_features)
        Orthonormal rows; the largest entry of each is positive.
    explained_variance_ : numpy.ndarray of shape (n_components,)
        Variance of each column of the scores.
    explained_variance_ratio_ : numpy.ndarray of shape (n_components,)
        Its share of the total variance (zero when nothing varies).
    loadings_ : numpy.ndarray of shape (n_features, n_components)
        Covariance of each feature with each score that is scaled to variance 1.

    Examples
    --------
    >>> X = np.array([[-2.0, -2.0], [0.0, 0.0], [2.0, 2.0]])
    >>> pca = PCA(1).fit(X)
    >>> pca.components_
    array([[0.707, 0.707]])
    >>> pca.transform(X).ravel()
    array([-2.828, 0. , 2.828])
    """

    def __init__(self, n_components: int = 2) -> None:
        self.n_components = n_components

    def fit(self, X: ArrayLike) -> Self:
        """Find mean and components.

        Raises
        ------
        InputError
            When X offers fewer directions than n_components.
        """
        X = matrix(X)
        if not 1 <= self.n_components <= min(X.shape):
            raise InputError(
                "E-ARGUMENT",
                f"n_components is {self.n_components}; expected 1 to {min(X.shape)} for X of "
                f"shape {X.shape}",
            )
        self.mean_ = column_means(X)
        _, s, Vt = np.linalg.svd(X - self.mean_, full_matrices=False)
        largest = leading(Vt.T)
        sign = np.where(Vt[np.arange(len(Vt)), largest] < 0, -1, 1).astype(X.dtype)
        variance = s**2 / max(len(X) - 1, 1)
        total = variance.sum()
        ratio = variance / total if total > 0 else np.zeros_like(variance)
        self.components_ = (sign[:, np.newaxis] * Vt)[: self.n_components]
        self.explained_variance_ = variance[: self.n_components]
        self.explained_variance_ratio_ = ratio[: self.n_components]
        self.loadings_ = self.components_.T * np.sqrt(self.explained_variance_)
        # a direction in which nothing varies up to rounding has no scale to be whitened with
        varies = s > rounding(X, self.mean_, s)
        self._deviation = np.sqrt(np.where(varies, variance, 0))[: self.n_components]
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Scores: coordinates along the components, (n_observations, n_components)."""
        X = matrix(X)
        if X.shape[1] != len(self.mean_):
            raise InputError(
                "E-ARGUMENT", f"X has {X.shape[1]} columns; expected {len(self.mean_)} as in fit"
            )
        return np.asarray((X - self.mean_) @ self.components_.T)

    def inverse_transform(self, scores: ArrayLike) -> NDArray[np.floating]:
        """The points of the plane that have these scores, (n_observations, n_features)."""
        return np.asarray(self.mean_ + self._scores(scores, "scores") @ self.components_)

    def reconstruct(self, X: ArrayLike) -> NDArray[np.floating]:
        """The point of the plane that is nearest to each observation, (n_observations, n_features)."""
        return self.inverse_transform(self.transform(X))

    def whiten(self, X: ArrayLike) -> NDArray[np.floating]:
        """Scores of variance 1, (n_observations, n_components).

        The columns are uncorrelated and each is divided by its standard deviation over the data of
        `fit`; a direction in which nothing varied there gives 0.
        """
        scores, deviation = self.transform(X), self._deviation
        return np.asarray(
            np.divide(scores, deviation, out=np.zeros_like(scores), where=deviation > 0)
        )

    def unwhiten(self, whitened: ArrayLike) -> NDArray[np.floating]:
        """The points of the plane that have these whitened scores, (n_observations, n_features)."""
        return self.inverse_transform(self._scores(whitened, "whitened") * self._deviation)

    def _scores(self, scores: ArrayLike, name: str) -> NDArray[np.floating]:
        scores = matrix(scores, name)
        if scores.shape[1] != len(self.components_):
            raise InputError(
                "E-ARGUMENT",
                f"{name} has {scores.shape[1]} columns; expected {len(self.components_)}, one for "
                "each component",
            )
        return scores
