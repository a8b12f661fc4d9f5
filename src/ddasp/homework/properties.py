"""Properties that linear algebra demands of an answer; one that doesn't hold raises `NotYet`.

No answer is compared with a stored one. A basis may be any basis, a singular vector may have either
sign, and what is said of a wrong one is the property, the matrix, and how far off it is.

*Rounding*. Numbers may be typed as decimals with four significant digits, so each may be off by half
a unit of the fourth digit: at most 0.0005 of itself, when its digits are 1000. A property f(x) = 0 of
right numbers x then comes out as large as

    |f| <= 0.0005 (|df/dx_1| |x_1| + |df/dx_2| |x_2| + ...)      to first order,

and that is what each check allows, entry by entry, with 0.0006 (`ROUNDING`) for the second order. For
a product X Y it means |X| |Y|, magnitudes taken of every entry: no fixed tolerance, large in large
quantities and small in small ones. A mistake of the usual kind (sign, factor, transposition, another
space) is off by the quantity itself, several hundred times more. Zeros of an echelon form have no
fourth digit and are typed as zeros; 1e-9 is left to programs.

Vectors count as independent when, scaled to length one, their smallest singular value is above 0.01:
below it four digits don't tell.

*Conventions*: vectors of a basis are the columns of an array. A is the matrix of the sheet, exact; X,
P, V, ... are answers. `name` begins each message. What the singular value decomposition says of a
matrix stands in `ddasp.homework.singular_properties`.

*References*: G. Strang, "Linear Algebra and Learning from Data", 2019, I.3; N. Higham, "Accuracy and
Stability of Numerical Algorithms", 2nd ed. 2002, 3.5 (error of a product).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ddasp.homework.parts import NotYet
from ddasp.linear import subspaces

__all__ = [
    "ROUNDING",
    "ZERO",
    "Space",
    "basis_of",
    "first_independent_columns",
    "four_spaces",
    "holds",
    "idempotent",
    "independent",
    "lies_in",
    "orthogonal_to",
    "orthonormal",
    "projector_onto",
    "rank_of",
    "reduced_row_echelon",
    "same_row_space",
    "symmetric",
]

Array = NDArray[np.float64]

ROUNDING = 6e-4
ZERO = 1e-9
INDEPENDENT = 1e-2


@dataclass(frozen=True)
class Space:
    """A subspace, by orthonormal bases of itself and of what is orthogonal to it.

    Parameters
    ----------
    name : str
        For messages, "the column space of A".
    inside : numpy.ndarray of shape (n, dimension)
    outside : numpy.ndarray of shape (n, n - dimension)
    """

    name: str
    inside: Array
    outside: Array

    @property
    def dimension(self) -> int:
        """Number of vectors in any basis."""
        return int(self.inside.shape[1])


def four_spaces(A: Array, name: str) -> dict[str, Space]:
    """The four subspaces of a matrix.

    Parameters
    ----------
    A : numpy.ndarray of shape (n_rows, n_columns)
    name : str
        Of the matrix.

    Returns
    -------
    dict of str to Space
        By "column space", "row space", "null space" and "left null space".

    Examples
    --------
    >>> spaces = four_spaces(np.array([[1.0, 2.0], [2.0, 4.0]]), "A")
    >>> {space: spaces[space].dimension for space in spaces}
    {'column space': 1, 'row space': 1, 'null space': 1, 'left null space': 1}
    """
    A = np.asarray(A, dtype=float)
    reached, beyond = subspaces.column_space(A), subspaces.left_null_space(A)
    seen, unseen = subspaces.row_space(A), subspaces.null_space(A)
    pairs = {
        "column space": (reached, beyond),
        "row space": (seen, unseen),
        "null space": (unseen, seen),
        "left null space": (beyond, reached),
    }
    return {key: Space(f"the {key} of {name}", *pair) for key, pair in pairs.items()}


def holds(difference: Array, size: Array, says: str) -> None:
    """A difference that should be zero is no larger than rounding makes it.

    Parameters
    ----------
    difference : numpy.ndarray of shape (...)
        What should be zero everywhere.
    size : numpy.ndarray of shape (...)
        What it consists of, in magnitudes; `ROUNDING` of it is allowed.
    says : str
        The property that fails otherwise.

    Raises
    ------
    NotYet
        The property, and the largest difference among the entries that are too far off.

    Examples
    --------
    >>> holds(np.array([0.5]), np.array([1.0]), "P P = P")
    Traceback (most recent call last):
    ddasp.homework.parts.NotYet: P P = P fails: the largest difference is 0.5
    """
    far = np.abs(difference) > ROUNDING * size + ZERO * 1e-3
    if far.any():
        largest = float(np.abs(difference)[far].max())
        raise NotYet(f"{says} fails: the largest difference is {largest:.4g}")


def orthogonal_to(V: Array, W: Array, says: str) -> None:
    """Every column of V is orthogonal to every column of W.

    Parameters
    ----------
    V : numpy.ndarray of shape (n, n_vectors)
        Of the answer.
    W : numpy.ndarray of shape (n, n_others)
        Exact.
    says : str
        The property, for the message.
    """
    holds(W.T @ V, np.abs(W).T @ np.abs(V), says)


def lies_in(V: Array, space: Space, name: str) -> None:
    """Every column of V is in the space.

    Parameters
    ----------
    V : numpy.ndarray of shape (n, n_vectors)
    space : Space
    name : str
        What the columns are, for the message.
    """
    W = space.outside
    for i, x in enumerate(V.T, 1):
        which = f"vector {i} does not lie" if V.shape[1] > 1 else "it does not lie"
        try:
            orthogonal_to(x[:, np.newaxis], W, "")
        except NotYet:
            beyond = float(np.linalg.norm(W.T @ x))
            raise NotYet(
                f"{name}: {which} in {space.name}; the part outside has length {beyond:.4g}"
            ) from None


def independent(V: Array, name: str) -> None:
    """No column of V depends on the others.

    Parameters
    ----------
    V : numpy.ndarray of shape (n, n_vectors)
    name : str

    Raises
    ------
    NotYet
        When one is zero, or they depend on each other as far as four digits tell.
    """
    lengths = np.linalg.norm(V, axis=0)
    for i, length in enumerate(lengths, 1):
        if length <= ZERO:
            raise NotYet(f"{name}: vector {i} is zero, so the vectors are not independent")
    if V.shape[1] and np.linalg.svd(V / lengths, compute_uv=False)[-1] < INDEPENDENT:
        raise NotYet(f"{name}: the {V.shape[1]} vectors are not independent")


def basis_of(V: Array, space: Space, name: str) -> None:
    """The columns of V are a basis of the space: in it, independent, and as many as its dimension.

    Parameters
    ----------
    V : numpy.ndarray of shape (n, n_vectors)
    space : Space
    name : str
    """
    lies_in(V, space, name)
    independent(V, name)
    if V.shape[1] < space.dimension:
        raise NotYet(
            f"{name}: {V.shape[1]} vectors do not span {space.name}; its dimension is larger"
        )


def orthonormal(V: Array, name: str, letter: str = "vector ") -> None:
    """The columns of V have length one and are orthogonal to each other.

    Parameters
    ----------
    V : numpy.ndarray of shape (n, n_vectors)
    name : str
    letter : str
        Of one column, "u".
    """
    for i, x in enumerate(V.T, 1):
        squared = float(x @ x)
        if abs(squared - 1) > 2 * ROUNDING:
            raise NotYet(f"{name}: {letter}{i} has length {squared**0.5:.4g}, unit length fails")
    overlap = V.T @ V
    for i in range(V.shape[1]):
        for j in range(i):
            size = 2 * np.abs(V[:, i]) @ np.abs(V[:, j])
            says = f"{name}: orthogonality of {letter}{j + 1} and {letter}{i + 1}"
            holds(overlap[i, j], size, says)


def symmetric(P: Array, name: str) -> None:
    """The transpose of P is P.

    Parameters
    ----------
    P : numpy.ndarray of shape (n, n)
    name : str
    """
    holds(P - P.T, np.abs(P) + np.abs(P.T), f"{name}: symmetry, Pᵀ = P,")


def idempotent(P: Array, name: str) -> None:
    """P P = P: projecting twice changes nothing.

    Parameters
    ----------
    P : numpy.ndarray of shape (n, n)
    name : str
    """
    magnitude = np.abs(P)
    holds(P @ P - P, 2 * magnitude @ magnitude + magnitude, f"{name}: P P = P")


def projector_onto(P: Array, space: Space, name: str) -> None:
    """P is the orthogonal projector onto the space.

    Parameters
    ----------
    P : numpy.ndarray of shape (n, n)
    space : Space
    name : str

    Notes
    -----
    Symmetric and idempotent; it leaves each vector of the space where it is; and its trace is the
    dimension, so that it leaves no others.
    """
    symmetric(P, name)
    idempotent(P, name)
    magnitude = np.abs(P)
    kept = P @ space.inside - space.inside
    holds(kept, magnitude @ np.abs(space.inside), f"{name}: P a = a for a in {space.name}")
    trace = float(np.trace(P))
    if abs(trace - space.dimension) > ROUNDING * float(np.trace(magnitude)) + ZERO:
        raise NotYet(
            f"{name}: the trace of P is {trace:.4g}, and not the dimension of {space.name}: "
            "it projects onto a larger space"
        )


def reduced_row_echelon(R: Array, name: str) -> list[int]:
    """R is in reduced row echelon form.

    Parameters
    ----------
    R : numpy.ndarray of shape (n_rows, n_columns)
    name : str

    Returns
    -------
    list of int
        Columns of the pivots, from 0.

    Raises
    ------
    NotYet
        For rows of zeros that are not at the bottom; pivots that don't move to the right; pivots that
        are not 1; pivots that are not alone in their column.
    """
    zero: NDArray[np.bool_] = np.abs(R) <= ZERO * max(1.0, float(np.abs(R).max()))
    empty = [bool(row.all()) for row in zero]
    for i in range(len(R) - 1):
        if empty[i] and not empty[i + 1]:
            raise NotYet(f"{name}: row {i + 1} is zero and stands above one that is not")
    pivots = [int(np.flatnonzero(row)[0]) for row in R * ~zero if row.any()]
    for i, column in enumerate(pivots):
        if i and column <= pivots[i - 1]:
            raise NotYet(
                f"{name}: the pivot of row {i + 1} is not to the right of that of row {i}; "
                "echelon form fails"
            )
    for i, column in enumerate(pivots):
        if abs(R[i, column] - 1) > ROUNDING:
            raise NotYet(f"{name}: the first number of row {i + 1} that is not 0 is not 1")
        if np.count_nonzero(~zero[:, column]) > 1:
            raise NotYet(
                f"{name}: the pivot of row {i + 1} is not alone in column {column + 1}; "
                "the form is not reduced"
            )
    return pivots


def same_row_space(R: Array, space: Space, name: str) -> None:
    """The rows of an echelon form span the row space of the matrix it came from.

    Parameters
    ----------
    R : numpy.ndarray of shape (n_rows, n_columns)
        In echelon form: rows that are not zero are independent.
    space : Space
        The row space.
    name : str
    """
    rows = R[np.abs(R).max(axis=1) > ZERO]
    for i, row in enumerate(rows, 1):
        says = f"{name}: row {i} is not in {space.name}: orthogonality to the null space"
        orthogonal_to(row[:, np.newaxis], space.outside, says)
    if len(rows) < space.dimension:
        raise NotYet(f"{name}: the {len(rows)} rows that are not zero do not span {space.name}")


def first_independent_columns(C: Array, A: Array, name: str) -> None:
    """The columns of C are the columns of A that don't depend on those before them, in their order.

    Parameters
    ----------
    C : numpy.ndarray of shape (n_rows, n_vectors)
    A : numpy.ndarray of shape (n_rows, n_columns)
    name : str
    """
    kept = rank = 0  # columns of C that were found so far; independent columns of A
    for j in range(A.shape[1]):
        grows = subspaces.numerical_rank(A[:, : j + 1]) > rank
        here = kept < C.shape[1] and _same(C[:, kept], A[:, j])
        if here and not grows:
            raise NotYet(
                f"{name}: column {kept + 1} depends on columns of the matrix that stand before it there"
            )
        if grows and not here:
            if kept < C.shape[1] and not any(_same(C[:, kept], column) for column in A.T):
                raise NotYet(f"{name}: column {kept + 1} is no column of the matrix")
            raise NotYet(
                f"{name}: a column of the matrix that doesn't depend on those before it is missing "
                "or not in its place"
            )
        rank += grows
        kept += here
    if kept < C.shape[1]:
        raise NotYet(f"{name}: column {kept + 1} is one too many, or not in its place")


def _same(x: Array, y: Array) -> bool:
    return bool((np.abs(x - y) <= ROUNDING * np.abs(y) + ZERO).all())


def rank_of(rank: float, A: Array, name: str) -> None:
    """The number of independent columns of A, which is that of its rows.

    Parameters
    ----------
    rank : float
    A : numpy.ndarray of shape (n_rows, n_columns)
    name : str
    """
    if abs(rank - round(rank)) > ZERO:
        raise NotYet(f"{name}: the rank is a whole number, {rank:.4g} is none")
    if not 0 <= round(rank) <= min(A.shape):
        raise NotYet(
            f"{name}: the rank is at most the smaller side of the matrix, {rank:.4g} is not"
        )
    if round(rank) != subspaces.numerical_rank(A):
        raise NotYet(f"{name}: {rank:g} is not the number of independent columns of {name}")
