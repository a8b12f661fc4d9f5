"""Elimination: the reduced row echelon form and A = C R, exact for integers and fractions.

Row operations (swap two rows, scale a row, subtract a multiple of one row from another) are
multiplications by invertible matrices from the left. They keep the row space, the null space and
every dependency between columns. Done until each pivot is 1 and alone in its column, they end in
one form only, whatever their order:

    R = rref(A) = [ I  F ]      up to the order of columns, r = number of pivots = rank
                  [ 0  0 ]

Column j of R tells how column j of A is made of the r columns that hold pivots. Let C be those
columns of A and R its rows that are not zero: A = C R. Columns of C span the column space, rows of
R the row space, so both have dimension r; and [-F; I] is a basis of the null space.

*Conventions*: A (n_rows, n_columns). Integers, Python's of any size too, and `fractions.Fraction`
are computed without rounding: the rank is then a fact. Floats, real or complex, are rounded, so
that zero needs a definition: an entry counts as zero when |a| <= tolerance * (largest row sum of
|A|), tolerance = max(n_rows, n_columns) times the machine epsilon unless given, and the row with
the largest entry of the column is the pivot row. That rank is a guess which the SVD makes better
(`ddasp.linear.subspaces.numerical_rank`): elimination belongs to paper and to exact numbers.

*References*: G. Strang, "Introduction to Linear Algebra", 6th ed. 2023, 1.4 and 3.2;
G. Strang and C. Moler, "LU and CR elimination", SIAM Review 64, 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ddasp._check import in_range
from ddasp.linear._input import Array, nonempty, real_or_complex, refuse

__all__ = ["CR", "RREF", "cr_factorisation", "rref"]


@dataclass(frozen=True)
class RREF:
    """The reduced row echelon form.

    Attributes
    ----------
    R : numpy.ndarray of shape (n_rows, n_columns)
        The form. Of exact input: objects, int or Fraction.
    pivots : tuple of int
        Columns that hold a pivot; as many as the rank.
    """

    R: Array
    pivots: tuple[int, ...]

    @property
    def rank(self) -> int:
        """Number of pivots."""
        return len(self.pivots)


@dataclass(frozen=True)
class CR:
    """A = C R.

    Attributes
    ----------
    C : numpy.ndarray of shape (n_rows, rank)
        The columns of A that do not depend on those before them.
    R : numpy.ndarray of shape (rank, n_columns)
        The rows of the reduced row echelon form that are not zero.
    pivots : tuple of int
        Where the columns of C stand in A.
    """

    C: Array
    R: Array
    pivots: tuple[int, ...]


def rref(A: ArrayLike, *, tolerance: float | None = None) -> RREF:
    """Reduced row echelon form by Gauss-Jordan elimination.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Integers or Fractions (exact), real or complex floats.
    tolerance : float, optional
        For floats: relative to the largest row sum of |A|, 0 to 1.

    Returns
    -------
    RREF
        Floats keep their dtype; exact input becomes int where it can be and Fraction elsewhere.

    Raises
    ------
    InputError
        When A is empty, no matrix, not finite, or mixes exact numbers with others.

    Examples
    --------
    >>> form = rref([[1, 2, 1], [2, 4, 4], [3, 6, 5]])
    >>> form.R
    array([[1, 2, 0], [0, 0, 1], [0, 0, 0]], dtype=object)
    >>> form.pivots, form.rank
    ((0, 2), 2)
    >>> rref([[3, 1]]).R
    array([[1, Fraction(1, 3)]], dtype=object)
    """
    R, threshold = _entries(A, tolerance)
    pivots: list[int] = []
    for column in range(R.shape[1]):
        row = len(pivots)
        if row == len(R):
            break
        p = row + int(np.argmax(np.abs(R[row:, column])))
        if abs(R[p, column]) <= threshold:
            R[row:, column] = 0
            continue
        R[[row, p]] = R[[p, row]]
        R[row] = R[row] / R[row, column]
        factors = R[:, column].copy()
        factors[row] = 0
        R -= np.outer(factors, R[row])
        R[:, column] = 0  # what rounding left of 1 and 0
        R[row, column] = 1
        pivots.append(column)
    if R.dtype == object:
        R = _objects([[q.numerator if q.denominator == 1 else q for q in row] for row in R])
    return RREF(R, tuple(pivots))


def _entries(A: ArrayLike, tolerance: float | None) -> tuple[Array, float]:
    """A copy to work on, and up to where an entry counts as zero."""
    array = np.asarray(A)
    if array.dtype.kind in "iubO" and array.ndim == 2 and array.size:
        return _exact(array.tolist()), 0.0
    if array.dtype.kind == "O":
        nonempty(array, "A")
        raise refuse(f"A has shape {array.shape}; expected (n_rows, n_columns)")
    array = real_or_complex(A)
    if tolerance is None:
        tolerance = max(array.shape) * float(np.finfo(array.dtype).eps)
    largest_row_sum = float(np.abs(array).sum(axis=1).max())
    return array.copy(), in_range(tolerance, "tolerance", 0.0, 1.0) * largest_row_sum


def _exact(rows: list[list[Any]]) -> Array:
    for value in (value for row in rows for value in row):
        if not isinstance(value, Rational):
            raise refuse(
                f"A holds {value!r} among exact numbers; expected int and Fraction only - "
                "for rounded arithmetic give an array of floats"
            )
    return _objects([[Fraction(int(q.numerator), int(q.denominator)) for q in row] for row in rows])


def _objects(rows: list[list[Any]]) -> Array:
    array = np.empty((len(rows), len(rows[0])), dtype=object)
    array[:] = rows
    return array


def cr_factorisation(A: ArrayLike, *, tolerance: float | None = None) -> CR:
    """Independent columns C times the recipe R: A = C R.

    Parameters
    ----------
    A : array_like of shape (n_rows, n_columns)
        Integers or Fractions (exact), real or complex floats.
    tolerance : float, optional
        For floats: relative to the largest row sum of |A|, 0 to 1.

    Returns
    -------
    CR
        C with the dtype of A, R as `rref` gives it. For exact input ``C @ R`` equals A without
        rounding.

    Raises
    ------
    InputError
        As in `rref`.

    Examples
    --------
    >>> factors = cr_factorisation([[1, 2, 1], [2, 4, 4], [3, 6, 5]])
    >>> factors.C
    array([[1, 1], [2, 4], [3, 5]])
    >>> factors.R
    array([[1, 2, 0], [0, 0, 1]], dtype=object)
    """
    form = rref(A, tolerance=tolerance)
    array = np.asarray(A)
    if array.dtype.kind not in "iubO":
        array = real_or_complex(A)
    return CR(array[:, list(form.pivots)], form.R[: form.rank], form.pivots)
