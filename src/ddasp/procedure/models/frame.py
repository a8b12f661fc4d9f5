"""The frame around every model that competes.

It standardises the features where the family needs that, codes the classes that the training data
hold, standardises the target of a regression, and undoes all of it behind the model. What a family
adds is `_learn` and `outputs`.

*Conventions*: X float32 (n_observations, n_features); y codes 0 ... n_classes - 1 or numbers,
(n_observations,). ``scores(X)`` (n_observations, n_classes) are real numbers whose softmax are the
probabilities; ``predict(X)`` (n_observations,) are values in the unit of y. Standardised features
are rounded to float32 once, so that the ONNX graph starts from the very same numbers. All
randomness comes from ``seed``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddasp._check import matrix
from ddasp._errors import InputError

__all__ = ["Features", "Kind", "Model", "Outputs", "Standardiser", "log_shares", "one_hot"]

Kind = Literal["classification", "regression"]
Features = NDArray[np.float32]
Outputs = NDArray[np.float64]


@dataclass(frozen=True)
class Standardiser:
    """Mean 0 and standard deviation 1 for each column; a column that never varied becomes 0.

    Notes
    -----
    z = (x - mean) / s, computed in float64 and rounded to float32. A constant column has taught
    nothing, so it may not count later either: its 1 / s is set to 0.

    Examples
    --------
    >>> X = np.array([[1.0, 5.0], [3.0, 5.0]], dtype=np.float32)
    >>> Standardiser.fit(X).apply(np.array([[2.0, 6.0], [3.0, 5.0]], dtype=np.float32))
    array([[0., 0.],
           [1., 0.]], dtype=float32)
    """

    mean: NDArray[np.float64]  # (n_features,)
    gain: NDArray[np.float64]  # (n_features,), 1 / s

    @classmethod
    def fit(cls, X: Features) -> Self:
        """Mean and 1 / s of the columns of X (n_observations, n_features)."""
        mean = X.mean(axis=0, dtype=np.float64)
        s = X.std(axis=0, dtype=np.float64)
        varies = np.ptp(X, axis=0) > 0
        return cls(mean, np.divide(1, s, out=np.zeros_like(s), where=varies & (s > 0)))

    def apply(self, X: Features) -> Features:
        """Standardised X, of the same shape."""
        return ((X.astype(np.float64) - self.mean) * self.gain).astype(np.float32)


class Model(ABC):
    """The frame around a model; a family adds `_learn` and `outputs`.

    Attributes
    ----------
    n_features : int
    n_outputs : int
        Classes that the training data held, or 1 in a regression.
    standardiser : Standardiser or None
    present : numpy.ndarray of shape (n_outputs,)
        Codes of those classes.
    absent_score : float
        Score of a class that the training data did not hold, -log(n + K): about the logarithm of
        the share that one unseen observation would have.
    offset, scale : float
        A regression's values are offset + scale * outputs.
    """

    standardises: ClassVar[bool] = True
    kind: Kind = "classification"

    def fit(self, X: ArrayLike, y: ArrayLike, *, n_classes: int | None = None) -> Self:
        """Learn from X (n_observations, n_features) and y (n_observations,).

        Parameters
        ----------
        X : array_like of shape (n_observations, n_features)
        y : array_like of shape (n_observations,)
            Codes 0 ... n_classes - 1, or the numbers of a regression.
        n_classes : int, optional
            Number of columns of `scores`, when it is more than the largest code plus one.

        Raises
        ------
        InputError
            When lengths differ, a value is not finite, or a code lies outside.
        """
        X, y = _table(X), np.asarray(y)
        if len(X) == 0 or y.shape != (len(X),):
            raise InputError(
                "E-ARGUMENT",
                f"y has shape {y.shape} and X {X.shape}; expected (n,) and (n, n_features), n >= 1",
            )
        self.n_features = X.shape[1]
        self.standardiser = Standardiser.fit(X) if self.standardises else None
        target = self._codes(y, n_classes) if self.kind == "classification" else self._values(y)
        self._learn(self._inputs(X), target)
        return self

    def _codes(self, y: NDArray, n_classes: int | None) -> NDArray[np.intp]:
        self.n_classes = n_classes or int(y.max()) + 1
        if y.dtype.kind not in "iu" or not 0 <= y.min() <= y.max() < self.n_classes:
            raise InputError(
                "E-ARGUMENT",
                f"y has dtype {y.dtype} and values {y.min()} to {y.max()}; expected integer codes "
                f"0 to {self.n_classes - 1}",
            )
        self.present, codes = np.unique(y, return_inverse=True)
        self.n_outputs = len(self.present)
        self.absent_score = -float(np.log(len(y) + self.n_classes))
        return codes

    def _values(self, y: NDArray) -> NDArray[np.float64]:
        y = y.astype(np.float64)
        if not np.isfinite(y).all():
            raise InputError("E-ARGUMENT", "y contains NaN or infinity; expected finite values")
        self.n_outputs = 1
        self.offset, self.scale = float(y.mean()), float(y.std()) if np.ptp(y) > 0 else 1.0
        return np.asarray((y - self.offset) / self.scale)

    def _inputs(self, X: ArrayLike) -> Features:
        X = _table(X)
        if X.shape[1] != self.n_features:
            raise InputError(
                "E-ARGUMENT", f"X has {X.shape[1]} columns; expected {self.n_features} as in fit"
            )
        return self.standardiser.apply(X) if self.standardiser else X

    def scores(self, X: ArrayLike) -> Outputs:
        """Real numbers whose softmax are the probabilities, (n_observations, n_classes)."""
        scores = np.full((len(np.asarray(X)), self.n_classes), self.absent_score)
        scores[:, self.present] = self.outputs(self._inputs(X))
        return scores

    def predict(self, X: ArrayLike) -> NDArray:
        """Values in the unit of y, or codes of the largest score, (n_observations,)."""
        if self.kind == "classification":
            return np.asarray(self.scores(X).argmax(axis=1))
        return np.asarray(self.offset + self.scale * self.outputs(self._inputs(X))[:, 0])

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """How many numbers the fitted model consists of."""

    @abstractmethod
    def _learn(self, Z: Features, target: NDArray) -> None:
        """Learn from inputs and codes 0 ... n_outputs - 1 or standardised values."""

    @abstractmethod
    def outputs(self, Z: Features) -> Outputs:
        """Scores of the classes present, or standardised values, (n_observations, n_outputs)."""


def _table(X: ArrayLike) -> Features:
    return matrix(np.asarray(X, dtype=np.float32))


def one_hot(codes: NDArray[np.intp], n_classes: int) -> Outputs:
    """1 in the column of each observation's class, 0 elsewhere, (n_observations, n_classes)."""
    return np.asarray(codes[:, np.newaxis] == np.arange(n_classes), dtype=np.float64)


def log_shares(counts: Outputs) -> Outputs:
    """Log of class shares, smoothed by one observation that is spread over all classes."""
    K = counts.shape[-1]
    return np.asarray(np.log((counts + 1 / K) / (counts.sum(axis=-1, keepdims=True) + 1)))
