"""Left, right and pseudo-inverse: how far A x = b can be undone, and how much errors grow.

With A = U S V^H of rank r, A turns v_i into s_i u_i. What can be undone is undone by

    A^+ = v_1 u_1^H / s_1 + ... + v_r u_r^H / s_r,

which takes u_i back to v_i and everything orthogonal to the column space to zero. Then

    r = N (independent columns)    A^+ = (A^H A)^-1 A^H,   A^+ A = I    a left inverse
    r = M (independent rows)       A^+ = A^H (A A^H)^-1,   A A^+ = I    a right inverse
    r = M = N                      A^+ = A^-1                           both
    r < M, N                       neither; A^+ A and A A^+ are projectors

The formulas with (A^H A)^-1 are for paper: they square the condition number s_1 / s_r, the SVD
does not.

*Conventions*: A (n_rows, n_columns) = (M, N), real or complex, dtype in = dtype out. A singular
value counts as zero when s <= tolerance * s_1; the tolerance is max(M, N) times the machine
epsilon of the dtype unless given, as everywhere in `ddasp.linear.subspaces`.

*References*: R. Penrose, "A generalized inverse for matrices", Proc. Cambridge Phil. Soc. 51,
1955; G. Strang, "Linear Algebra and Learning from Data", 2019, II.2; A. Ben-Israel and
T. N. E. Greville, "Generalized Inverses", 2nd ed. 2003.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ddasp.linear._input import Array, nonzero_terms, real_or_complex, refuse
from ddasp.linear.subspaces import numerical_rank, svd

__all__ = ["condition_number", "left_inverse", "pseudo_inverse", "right_inverse"]


def pseudo_inverse(A: ArrayLike, *, tolerance: float | None = None) -> Array:
    """Moore-Penrose inverse: back from the column space to the row space, zero elsewhere.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex, of any rank.
    tolerance : float, optional
        Relative to the largest singular value, 0 to 1.

    Returns
    -------
    numpy.ndarray of shape (n_columns, n_rows)
        A^+ = v_1 u_1^H / s_1 + ... + v_r u_r^H / s_r.

    Notes
    -----
    The one matrix with A A+ A = A, A+ A A+ = A+, and A A+ and A+ A both Hermitian (they are the
    projectors onto the column space and the row space). A+ y is the solution of least squares
    with the smallest norm.

    Examples
    --------
    >>> pseudo_inverse([[1.0, 1.0], [1.0, 1.0]])
    array([[0.25, 0.25], [0.25, 0.25]])
    """
    A = real_or_complex(A)
    terms = svd(A)
    r = nonzero_terms(terms.s, A.shape, tolerance)
    U, s, Vh = terms.U[:, :r], terms.s[:r], terms.Vh[:r]
    return np.asarray((Vh.conj().T / s) @ U.conj().T)


def left_inverse(A: ArrayLike, *, tolerance: float | None = None) -> Array:
    """The left inverse with the smallest norm, (A^H A)^-1 A^H, of independent columns.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Tall or square, real or complex.
    tolerance : float, optional
        Relative to the largest singular value, 0 to 1.

    Returns
    -------
    numpy.ndarray of shape (n_columns, n_rows)
        L with L A = I; A L is the projector onto the column space.

    Raises
    ------
    InputError
        When the columns depend on each other: what is lost in A x can't come back.

    Examples
    --------
    >>> left_inverse([[1.0], [1.0]])
    array([[0.5, 0.5]])
    """
    A = real_or_complex(A)
    rank = numerical_rank(A, tolerance=tolerance)
    if rank < A.shape[1]:
        raise refuse(
            f"A has {A.shape[1]} columns and rank {rank}; a left inverse needs independent "
            "columns - pseudo_inverse exists always"
        )
    return pseudo_inverse(A, tolerance=tolerance)


def right_inverse(A: ArrayLike, *, tolerance: float | None = None) -> Array:
    """The right inverse with the smallest norm, A^H (A A^H)^-1, of independent rows.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Wide or square, real or complex.
    tolerance : float, optional
        Relative to the largest singular value, 0 to 1.

    Returns
    -------
    numpy.ndarray of shape (n_columns, n_rows)
        R with A R = I; R A is the projector onto the row space.

    Raises
    ------
    InputError
        When the rows depend on each other: A does not reach every b.

    Examples
    --------
    >>> right_inverse([[1.0, 1.0]])
    array([[0.5], [0.5]])
    """
    A = real_or_complex(A)
    rank = numerical_rank(A, tolerance=tolerance)
    if rank < A.shape[0]:
        raise refuse(
            f"A has {A.shape[0]} rows and rank {rank}; a right inverse needs independent "
            "rows - pseudo_inverse exists always"
        )
    return pseudo_inverse(A, tolerance=tolerance)


def condition_number(A: ArrayLike, *, tolerance: float | None = None) -> float:
    """Largest over smallest singular value: how much a relative error can grow in A x = b.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Real or complex.
    tolerance : float, optional
        Relative to the largest singular value, 0 to 1; with 0 the plain ratio is returned.

    Returns
    -------
    float
        1 (all directions alike) to infinity (rank below min(n_rows, n_columns)).

    Examples
    --------
    >>> condition_number([[2.0, 0.0], [0.0, 0.01]])
    200.0
    >>> condition_number([[1.0, 2.0], [2.0, 4.0]])
    inf
    """
    A = real_or_complex(A)
    s = np.linalg.svd(A, compute_uv=False)
    deficient = nonzero_terms(s, A.shape, tolerance) < len(s)
    return float("inf") if deficient else float(s[0] / s[-1])
