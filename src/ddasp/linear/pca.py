"""Principal component analysis: the directions of largest variance, by the SVD.

*Conventions*: X (n_observations, n_features), scores (n_observations, n_components); components
are rows of length 1, in descending order of variance; variances are divided by
n_observations - 1. *Sign*: the entry of largest magnitude of each component is positive, so that
equal data give equal pictures.

*References*: K. Pearson, "On lines and planes of closest fit to systems of points in space",
1901; I. T. Jolliffe, "Principal Component Analysis", Springer, 2002.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import matrix
from ddasp._errors import InputError

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

    Notes
    -----
    With X - mean = U S V^T the components are the rows of V^T, the scores U S, and the explained
    variances s^2 / (n_observations - 1).

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
        self.mean_ = X.mean(axis=0)
        _, s, Vt = np.linalg.svd(X - self.mean_, full_matrices=False)
        largest = np.argmax(np.abs(Vt), axis=1)
        sign = np.where(Vt[np.arange(len(Vt)), largest] < 0, -1, 1).astype(X.dtype)
        variance = s**2 / max(len(X) - 1, 1)
        total = variance.sum()
        ratio = variance / total if total > 0 else np.zeros_like(variance)
        self.components_ = (sign[:, np.newaxis] * Vt)[: self.n_components]
        self.explained_variance_ = variance[: self.n_components]
        self.explained_variance_ratio_ = ratio[: self.n_components]
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
        return np.asarray(self.mean_ + matrix(scores, "scores") @ self.components_)
