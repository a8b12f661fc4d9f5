"""Models that compare with the training observations: nearest neighbours, kernel sums.

*Conventions*: those of `frame`. Distances come from one matrix product.

*References*: S. A. Dudani, "The distance-weighted k-nearest-neighbor rule", 1976; B. Boser,
I. Guyon and V. Vapnik, "A training algorithm for optimal margin classifiers", 1992.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from sklearn.svm import SVC, SVR

from ddasp.procedure.models.frame import Features, Kind, Model, Outputs, log_shares, one_hot

__all__ = ["Kernel", "KernelRidge", "Neighbours", "SupportVectors", "squared_distances"]


def squared_distances(A: NDArray, B: NDArray) -> NDArray:
    """||a - b||^2 for all rows a of A (n, F) and b of B (m, F), (n, m), by one matrix product.

    Examples
    --------
    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))
    array([[25., 1.]])
    """
    D = A @ B.T
    D *= -2
    D += np.einsum("nf,nf->n", A, A)[:, np.newaxis]
    D += np.einsum("nf,nf->n", B, B)
    return np.asarray(np.maximum(D, 0, out=D))


def _in_blocks(function: Callable[[NDArray], Outputs], Z: Features) -> Outputs:
    """Apply a function of rows to 1,024 rows after the other, so that memory stays small."""
    starts = range(0, max(len(Z), 1), 1024)
    return np.concatenate([function(Z[i : i + 1024].astype(np.float64)) for i in starts])


class Neighbours(Model):
    """What the nearest training observations say, the nearer the louder.

    Parameters
    ----------
    kind : str
    n_neighbours : int

    Notes
    -----
    With the squared distances d_1 <= d_2 <= ... the i-th neighbour counts 1 - d_i / d_{k+1}. The
    weight falls to zero where the next neighbour takes over, so scores change without a jump
    when an observation moves (and rounding can't decide which of two equally far ones counts).
    Scores are the logarithms of the classes' shares of the weight, smoothed by one observation.
    """

    def __init__(self, kind: Kind = "classification", *, n_neighbours: int = 5) -> None:
        self.kind = kind
        self.n_neighbours = n_neighbours

    @property
    def n_parameters(self) -> int:
        """The training data themselves."""
        return self.observations.size + self.targets.size

    def _learn(self, Z: Features, target: NDArray) -> None:
        self.observations = Z
        classes = self.kind == "classification"
        self.targets = one_hot(target, self.n_outputs) if classes else target[:, np.newaxis]
        self.n_looked_at = min(self.n_neighbours + 1, len(Z))
        self.softening = 1e-6 * self.n_features  # where all distances are 0, all count the same

    def outputs(self, Z: Features) -> Outputs:
        """Log shares of the neighbours' classes, or their weighted mean."""
        return _in_blocks(self._outputs, Z)

    def _outputs(self, Z: NDArray[np.float64]) -> Outputs:
        D = squared_distances(Z, self.observations.astype(np.float64))
        nearest = np.argpartition(D, self.n_looked_at - 1, axis=1)[:, : self.n_looked_at]
        d = np.take_along_axis(D, nearest, axis=1)
        reach = d.max(axis=1, keepdims=True)
        tied = reach[:, 0] == 0  # then any of the training data at this very place would do
        nearest[tied] = np.argsort(D[tied], axis=1, kind="stable")[:, : self.n_looked_at]
        weights = (reach - d + self.softening) / (reach + self.softening)
        total = np.einsum("nk,nko->no", weights, self.targets[nearest])
        if self.kind == "classification":
            return log_shares(total)
        return np.asarray(total / weights.sum(axis=1, keepdims=True))


class Kernel(Model):
    """A weighted sum of Gaussian bells around training observations.

    Notes
    -----
    outputs = exp(-rate d^2) B + b with the squared distances d^2 to the support (n_support,
    n_features), B (n_support, n_outputs) and b (n_outputs,); rate = gamma / mean ||x||^2, so that
    gamma has no unit.
    """

    gamma: float
    support: Features
    coefficients: Outputs
    intercept: Outputs

    @property
    def n_parameters(self) -> int:
        """Support, coefficients and intercepts."""
        return self.support.size + self.coefficients.size + self.intercept.size

    def _scale(self, Z: Features) -> None:
        power = float(np.einsum("nf,nf->", Z, Z, dtype=np.float64)) / len(Z)
        self.rate = self.gamma / power if power > 0 else 0.0

    def _kernel(self, A: NDArray, B: NDArray) -> NDArray:
        D = squared_distances(A, B)
        D *= -self.rate
        return np.asarray(np.exp(D, out=D))

    def _gram(self, Z: Features) -> Outputs:
        """Kernel of all training pairs; products in float32 are exact enough and twice as fast."""
        gram = np.empty((len(Z), len(Z)))
        for i in range(0, len(Z), 1024):
            gram[i : i + 1024] = self._kernel(Z[i : i + 1024], Z)
        return gram

    def outputs(self, Z: Features) -> Outputs:
        """Kernel sums plus intercepts, (n_observations, n_outputs)."""
        support = self.support.astype(np.float64)
        return _in_blocks(
            lambda block: self._kernel(block, support) @ self.coefficients + self.intercept, Z
        )


class KernelRidge(Kernel):
    """Ridge regression in the space of a Gaussian kernel, onto class indicators or values.

    Parameters
    ----------
    kind : str
    regularisation : float
        lambda > 0; large values smooth.
    gamma : float
        Width of the kernel, in units of the inverse mean squared length of the training
        observations.

    Notes
    -----
    With the kernel matrix K (N, N) and centred targets T (N, n_outputs): B = (K + lambda I)^-1 T, the
    minimiser of ||K B - T||^2 + lambda tr(B' K B), solved by one Cholesky factorisation. The targets
    of a classification are 1 for the own class and -1 / (n_classes - 1) for the others.

    References
    ----------
    C. Saunders, A. Gammerman and V. Vovk, "Ridge regression learning algorithm in dual variables",
    1998; R. Rifkin, G. Yeo and T. Poggio, "Regularized least-squares classification", 2003.
    """

    def __init__(
        self,
        kind: Kind = "classification",
        *,
        regularisation: float = 0.1,
        gamma: float = 1.0,
    ) -> None:
        self.kind = kind
        self.regularisation = regularisation
        self.gamma = gamma

    def _learn(self, Z: Features, target: NDArray) -> None:
        self._scale(Z)
        T = target[:, np.newaxis]
        if self.kind == "classification":
            others = -1.0 / max(self.n_outputs - 1, 1)
            T = np.where(one_hot(target, self.n_outputs) > 0, 1.0, others)
        self.intercept = T.mean(axis=0)
        K = self._gram(Z)
        K[np.diag_indices(len(Z))] += self.regularisation
        # Symmetric up to the rounding of float32 products, and one triangle is read: the transpose,
        # which lies in memory as LAPACK wants it, spares a copy.
        factor = cho_factor(K.T, lower=True, overwrite_a=True, check_finite=False)
        self.coefficients = cho_solve(factor, T - self.intercept, check_finite=False)
        self.support = Z


class SupportVectors(Kernel):
    """Support vector machine with a Gaussian kernel.

    Parameters
    ----------
    kind : str
    C : float
        Price of an observation inside the margin.
    gamma : float
        Width of the kernel, in units of the inverse mean squared length of the training
        observations.
    epsilon : float
        Regression: error, in standard deviations of the target, that costs nothing.

    Notes
    -----
    Classification trains one machine for each class against the rest; a class' score is its signed
    margin. Votes of one machine for each pair of classes would jump from one whole number to the
    next, and their raw margins have no common scale.
    """

    def __init__(
        self,
        kind: Kind = "classification",
        *,
        C: float = 5.0,
        gamma: float = 1.0,
        epsilon: float = 0.1,
    ) -> None:
        self.kind = kind
        self.C = C
        self.gamma = gamma
        self.epsilon = epsilon

    def _learn(self, Z: Features, target: NDArray) -> None:
        self._scale(Z)
        B = np.zeros((len(Z), self.n_outputs))
        self.intercept = np.zeros(self.n_outputs)
        if self.kind == "regression":
            self._learn_values(Z, target, B)
        elif self.n_outputs > 1:
            self._learn_classes(Z, target, B)
        used = np.flatnonzero(B.any(axis=1))
        used = used if len(used) else np.arange(1)
        self.support, self.coefficients = Z[used], B[used]

    def _learn_values(self, Z: Features, target: NDArray, B: Outputs) -> None:
        machine = SVR(kernel="precomputed", C=self.C, epsilon=self.epsilon)
        machine.fit(self._gram(Z), target)
        B[machine.support_, 0] = machine.dual_coef_[0]
        self.intercept[0] = machine.intercept_[0]

    def _learn_classes(self, Z: Features, codes: NDArray[np.intp], B: Outputs) -> None:
        gram = self._gram(Z)
        for k in range(self.n_outputs):
            machine = SVC(kernel="precomputed", C=self.C).fit(gram, codes == k)
            B[machine.support_, k] = machine.dual_coef_[0]
            self.intercept[k] = machine.intercept_[0]
