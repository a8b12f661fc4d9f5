"""Orthogonalisation: A = Q R by Gram and Schmidt, classical and modified, and by Householder.

*Gram-Schmidt* builds directions. From column a_j it takes away what the directions so far explain
and scales the rest to length 1:

    w = a_j - sum_i q_i (q_i^H a_j),    q_j = w / ||w||,    r_ij = q_i^H a_j,    r_jj = ||w||.

*Modified* Gram-Schmidt writes q_i^H w in place of q_i^H a_j, w being what is left so far. On paper
it is the same; with rounding it also takes away what earlier steps left behind. With u the rounding
unit and kappa the condition number, ||I - Q^H Q|| grows as u kappa^2 in the classical and as
u kappa in the modified form.

*Householder* removes entries. For the column x below the diagonal, v = x + e^(i angle x_1) ||x|| e_1
gives the reflection H = I - 2 v v^H / (v^H v), unitary and its own inverse, with

    H x = -e^(i angle x_1) ||x|| e_1    (the sign avoids the difference of two near numbers).

After n steps H_n ... H_1 A = R, so Q = H_1 ... H_n, a product of unitary matrices: ||I - Q^H Q||
stays at u for every A.

*Conventions*: A (n_rows, n_columns), real or complex, dtype in = dtype out; Q has orthonormal
columns and R is upper triangular with a diagonal that is real and not negative, which for
independent columns makes both unique. Where columns depend on each other, Gram-Schmidt gives fewer
directions (R in echelon form) and Householder gives a zero, up to rounding, on the diagonal.

*References*: G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th ed. 2013, 5.2;
A. Bjorck, "Solving linear least squares problems by Gram-Schmidt orthogonalization", BIT 7, 1967;
L. Giraud, J. Langou and M. Rozloznik, "The loss of orthogonality in the Gram-Schmidt
orthogonalization process", Comput. Math. Appl. 50, 2005.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ddasp._check import in_range, one_of
from ddasp.linear._input import Array, real_or_complex

__all__ = ["QR", "gram_schmidt", "householder_qr"]


@dataclass(frozen=True)
class QR:
    """A = Q R.

    Attributes
    ----------
    Q : numpy.ndarray of shape (n_rows, n_directions)
        Orthonormal columns.
    R : numpy.ndarray of shape (n_directions, n_columns)
        Upper triangular: what of each direction is in each column of A.
    """

    Q: Array
    R: Array


def gram_schmidt(A: ArrayLike, *, method: str = "modified", tolerance: float | None = None) -> QR:
    """Directions one after the other, each orthogonal to those before.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex.
    method : str
        "modified" or "classical"; they differ in rounding only.
    tolerance : float, optional
        A column of which no more than this part of its length is new gives no direction;
        max(n_rows, n_columns) times the machine epsilon unless given.

    Returns
    -------
    QR
        With as many directions as columns that do not depend on those before them; A = Q R holds
        in any case.

    Raises
    ------
    InputError
        When A is empty, no matrix, not finite, or the method is unknown.

    Examples
    --------
    >>> factors = gram_schmidt([[3.0, 1.0], [4.0, 3.0]])
    >>> factors.Q
    array([[ 0.6, -0.8], [ 0.8,  0.6]])
    >>> factors.R
    array([[5., 3.], [0., 1.]])
    """
    A = real_or_complex(A)
    one_of(method, "method", ("modified", "classical"))
    if tolerance is None:
        tolerance = max(A.shape) * float(np.finfo(A.dtype).eps)
    tolerance = in_range(tolerance, "tolerance", 0.0, 1.0)
    Q = np.zeros((A.shape[0], min(A.shape)), A.dtype)
    R = np.zeros((min(A.shape), A.shape[1]), A.dtype)
    n = 0  # directions so far
    for j, a in enumerate(A.T):
        w = a.copy()
        if method == "classical":
            R[:n, j] = Q[:, :n].conj().T @ a
            w -= Q[:, :n] @ R[:n, j]
        else:
            for i in range(n):
                R[i, j] = np.vdot(Q[:, i], w)
                w -= R[i, j] * Q[:, i]
        length = np.linalg.norm(w)
        if n < len(R) and length > tolerance * np.linalg.norm(a):
            Q[:, n], R[n, j] = w / length, length
            n += 1
    return QR(Q[:, :n], R[:n])


def householder_qr(A: ArrayLike) -> QR:
    """Reflections that turn A into a triangle.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex, of any rank.

    Returns
    -------
    QR
        With min(n_rows, n_columns) directions.

    Raises
    ------
    InputError
        When A is empty, no matrix, or not finite.

    Examples
    --------
    >>> factors = householder_qr([[3.0, 1.0], [4.0, 3.0]])
    >>> factors.Q
    array([[ 0.6, -0.8], [ 0.8,  0.6]])
    >>> factors.R
    array([[5., 3.], [0., 1.]])
    """
    R = real_or_complex(A).copy()
    n_directions = min(R.shape)
    mirrors = []
    for k in range(n_directions):
        v = R[k:, k].copy()
        v[0] += _phase(v[:1])[0] * np.linalg.norm(v)
        length = np.linalg.norm(v)
        mirrors.append(v / length if length > 0 else v)
        _reflect(R[k:, k:], mirrors[k])
    Q = np.eye(len(R), n_directions, dtype=R.dtype)
    for k in reversed(range(n_directions)):
        _reflect(Q[k:, k:], mirrors[k])
    diagonal = np.diagonal(R).copy()
    phase = _phase(diagonal)
    R = np.triu(phase.conj()[:, np.newaxis] * R[:n_directions])
    np.fill_diagonal(R, np.abs(diagonal))
    return QR(Q * phase, R)


def _reflect(A: Array, v: Array) -> None:
    """H A in place, H = I - 2 v v^H with v of length 1 (or 0, then H = I)."""
    A -= np.outer(2 * v, v.conj() @ A)


def _phase(z: Array) -> Array:
    """e^(i angle) of each number, 1 where it is zero."""
    magnitude = np.abs(z)
    return np.divide(z, magnitude, out=np.ones_like(z), where=magnitude > 0)
