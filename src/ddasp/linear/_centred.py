"""Centring without leftovers: means of columns, and the SVD of what varies around them.

*Conventions*: X (n_observations, n_features), real. A constant column is centred to exact zeros. A
singular value counts as zero when it lies below the rounding of the SVD or that of the centring,
max(n_observations, n_features) times the machine epsilon, relative to the size of X.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["centred_svd", "column_means", "rounding"]

Floats = NDArray[np.floating]


def column_means(X: Floats) -> Floats:
    """Mean of each column; of a constant column exactly its value."""
    constant = (X[0] == X).all(axis=0)
    return np.asarray(np.where(constant, X[0], X.mean(axis=0)).astype(X.dtype, copy=False))


def rounding(X: Floats, mean: Floats, s: Floats) -> float:
    """Up to where the singular values s of X - mean are zero."""
    size = np.hypot(s[0], np.sqrt(len(X)) * np.linalg.norm(mean))
    return float(max(X.shape) * np.finfo(X.dtype).eps * size)


def centred_svd(X: Floats, mean: Floats) -> tuple[Floats, Floats, Floats]:
    """U, s, Vt of X - mean in the dtype of mean, without the singular values that are zero."""
    U, s, Vt = np.linalg.svd(X - mean, full_matrices=False)
    r = int(np.count_nonzero(s > rounding(X, mean, s)))
    return U[:, :r], s[:r], Vt[:r]
