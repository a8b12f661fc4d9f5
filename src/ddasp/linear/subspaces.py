"""The four subspaces of a matrix by the SVD: rank, bases, projectors, nearest matrix of low rank.

Every A (M, N) is a sum of rank-1 terms, each of which turns one direction v into one direction u,

    A = U S V^H = s_1 u_1 v_1^H + ... + s_r u_r v_r^H,    s_1 >= ... >= s_r > 0,

because A^H A v = s^2 v has orthonormal eigenvectors v, and u = A v / s is then orthonormal too.
What A can do is read off: with r = rank,

    column space      u_1 ... u_r        what A reaches                in C^M
    left null space   u_r+1 ... u_M      what A never reaches          in C^M, orthogonal to it
    row space         v_1 ... v_r        what A sees                   in C^N
    null space        v_r+1 ... v_N      what A does not see, A x = 0  in C^N, orthogonal to it

Between row space and column space A is invertible, s_i going one way and 1/s_i the other: that is
the pseudo-inverse of `ddasp.linear.inverses`.

*Conventions*: A (n_rows, n_columns) = (M, N), real or complex, dtype in = dtype out; ^H is the
conjugate transpose. A singular value counts as zero when s <= tolerance * s_1; the tolerance is
max(M, N) times the machine epsilon of the dtype unless given (the rounding of the SVD itself).
*Sign*: u and v may both be turned by the same phase; here the entry of largest magnitude of
each v (the first, of several) is real and positive.

*References*: G. Strang, "Linear Algebra and Learning from Data", 2019, part I; G. H. Golub and
C. F. Van Loan, "Matrix Computations", 4th ed. 2013, 2.4 and 5.5; C. Eckart and G. Young,
Psychometrika 1, 1936.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ddasp.linear._input import Array, leading, nonzero_terms, real_or_complex, refuse

__all__ = [
    "SVD",
    "column_space",
    "left_null_space",
    "null_space",
    "numerical_rank",
    "projector",
    "row_space",
    "svd",
    "truncated",
]


@dataclass(frozen=True)
class SVD:
    """The K = min(M, N) terms of A = U diag(s) Vh.

    Attributes
    ----------
    U : numpy.ndarray of shape (n_rows, n_terms)
        Left singular vectors, orthonormal columns.
    s : numpy.ndarray of shape (n_terms,)
        Singular values in descending order, real.
    Vh : numpy.ndarray of shape (n_terms, n_columns)
        Conjugated right singular vectors, orthonormal rows.
    """

    U: Array
    s: Array
    Vh: Array


def svd(A: ArrayLike) -> SVD:
    """Singular value decomposition with the sign convention of this room.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex.

    Returns
    -------
    SVD
        U, s and Vh with min(n_rows, n_columns) terms.

    Raises
    ------
    InputError
        When A is empty, no matrix, or not finite.

    Examples
    --------
    >>> terms = svd([[3.0, 0.0], [4.0, 0.0]])
    >>> terms.s
    array([5., 0.])
    >>> terms.U[:, 0], terms.Vh[0]
    (array([0.6, 0.8]), array([1., 0.]))
    """
    U, s, Vh = np.linalg.svd(real_or_complex(A), full_matrices=False)
    phase = _phase(Vh.conj().T)
    return SVD(U * phase.conj(), s, Vh * phase[:, np.newaxis])


def _phase(V: Array) -> Array:
    """Of the largest entry of each column, e^(i angle)."""
    largest = np.take_along_axis(V, leading(V)[np.newaxis], axis=0)[0]
    return np.asarray(largest / np.abs(largest))


def numerical_rank(A: ArrayLike, *, tolerance: float | None = None) -> int:
    """Number of singular values that are not zero up to rounding.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex.
    tolerance : float, optional
        Relative to the largest singular value, 0 to 1.

    Returns
    -------
    int
        0 for a matrix of zeros, at most min(n_rows, n_columns).

    Examples
    --------
    >>> numerical_rank([[1.0, 2.0], [2.0, 4.0]])
    1
    >>> numerical_rank([[1.0, 0.0], [0.0, 1e-6]], tolerance=1e-3)
    1
    """
    A = real_or_complex(A)
    return nonzero_terms(np.linalg.svd(A, compute_uv=False), A.shape, tolerance)


def column_space(A: ArrayLike, *, tolerance: float | None = None) -> Array:
    """Orthonormal basis of all b = A x.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex.
    tolerance : float, optional
        Relative to the largest singular value, 0 to 1.

    Returns
    -------
    numpy.ndarray of shape (n_rows, rank)
        u_1 ... u_r as columns; no column for a matrix of zeros.

    Examples
    --------
    >>> column_space([[3.0, 6.0], [4.0, 8.0]])
    array([[0.6], [0.8]])
    """
    A = real_or_complex(A)
    terms = svd(A)
    return terms.U[:, : nonzero_terms(terms.s, A.shape, tolerance)]


def row_space(A: ArrayLike, *, tolerance: float | None = None) -> Array:
    """Orthonormal basis of what A sees: the column space of A^H.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex.
    tolerance : float, optional
        Relative to the largest singular value, 0 to 1.

    Returns
    -------
    numpy.ndarray of shape (n_columns, rank)
        v_1 ... v_r as columns.

    Examples
    --------
    >>> row_space([[3.0, 4.0], [6.0, 8.0]])
    array([[0.6], [0.8]])
    """
    A = real_or_complex(A)
    terms = svd(A)
    return np.asarray(terms.Vh[: nonzero_terms(terms.s, A.shape, tolerance)].conj().T)


def null_space(A: ArrayLike, *, tolerance: float | None = None) -> Array:
    """Orthonormal basis of all x with A x = 0.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex.
    tolerance : float, optional
        Relative to the largest singular value, 0 to 1.

    Returns
    -------
    numpy.ndarray of shape (n_columns, n_columns - rank)
        v_r+1 ... v_N as columns; no column when those of A are independent.

    Examples
    --------
    >>> null_space([[3.0, 4.0], [6.0, 8.0]])
    array([[ 0.8], [-0.6]])
    """
    A = real_or_complex(A)
    # Vh is square as soon as A is not wide; only a wide A needs it completed
    _, s, Vh = np.linalg.svd(A, full_matrices=A.shape[0] < A.shape[1])
    V = Vh[nonzero_terms(s, A.shape, tolerance) :].conj().T
    return np.asarray(V * _phase(V).conj())


def left_null_space(A: ArrayLike, *, tolerance: float | None = None) -> Array:
    """Orthonormal basis of all z with z^H A = 0: the null space of A^H.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex.
    tolerance : float, optional
        Relative to the largest singular value, 0 to 1.

    Returns
    -------
    numpy.ndarray of shape (n_rows, n_rows - rank)
        u_r+1 ... u_M as columns; the residual of least squares lies in their span.

    Examples
    --------
    >>> left_null_space([[3.0], [4.0]])
    array([[ 0.8], [-0.6]])
    """
    return null_space(real_or_complex(A).conj().T, tolerance=tolerance)


def projector(B: ArrayLike, *, tolerance: float | None = None) -> Array:
    """Matrix that takes every vector to the nearest point of the column space of B.

    Parameters
    ----------
    B : array_like of shape (n_rows, n_vectors)
        What spans the subspace, real or complex; the vectors need be neither orthonormal nor
        independent. No vector at all spans {0}.
    tolerance : float, optional
        Relative to the largest singular value, 0 to 1.

    Returns
    -------
    numpy.ndarray of shape (n_rows, n_rows)
        P = Q Q^H with an orthonormal basis Q; P P = P = P^H.

    Notes
    -----
    With independent columns P = B (B^H B)^-1 B^H. I - P projects onto the complement.

    Examples
    --------
    >>> projector([[1.0], [1.0]])
    array([[0.5, 0.5], [0.5, 0.5]])
    """
    array = np.asarray(B)
    if array.ndim == 2 and len(array) and array.shape[1] == 0:
        return np.zeros((len(array), len(array)), array.dtype)
    Q = column_space(B, tolerance=tolerance)
    return np.asarray(Q @ Q.conj().T)


def truncated(A: ArrayLike, rank: int) -> Array:
    """The nearest matrix of at most this rank: the first terms of the SVD.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex.
    rank : int
        Number k of terms to keep, 0 to min(n_rows, n_columns).

    Returns
    -------
    numpy.ndarray of shape (n_rows, n_columns)
        A_k = s_1 u_1 v_1^H + ... + s_k u_k v_k^H.

    Raises
    ------
    InputError
        When A has fewer terms than asked for.

    Notes
    -----
    No matrix B of rank k comes closer (Eckart and Young 1936): ||A - B||_2 >= s_k+1 and
    ||A - B||_F >= sqrt(s_k+1^2 + ...), with equality for A_k. It is the only one when s_k > s_k+1.

    Examples
    --------
    >>> truncated([[3.0, 0.0], [0.0, 1.0]], 1)
    array([[3., 0.], [0., 0.]])
    """
    terms = svd(A)
    if not 0 <= rank <= len(terms.s):
        raise refuse(f"rank is {rank}; expected 0 to {len(terms.s)}, the smaller side of A")
    return np.asarray((terms.U[:, :rank] * terms.s[:rank]) @ terms.Vh[:rank])
