"""What is looked for in the answers to task 1, one item for each matrix and thing.

*Conventions*: the items of a part are always the same, "A: basis of the null space", whatever came
back: those that are None count as not attempted, and half of them right is half of the part. Forms
are read by `ddasp.homework.answers`, sizes first; what must hold stands in `ddasp.homework.properties`
and `ddasp.homework.singular_properties`.
Messages begin with the keys that lead to the thing, "A, null space".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddasp.homework import answers, properties, singular_properties
from ddasp.homework.parts import (
    NOT_ATTEMPTED,
    NOT_YET,
    Call,
    Finding,
    NotYet,
    Outcome,
    Sheet,
    judged,
)
from ddasp.homework.properties import Space, holds

__all__ = [
    "Item",
    "Matrix",
    "bases",
    "for_each",
    "projectors",
    "pseudo_inverses",
    "rank_one_terms",
    "ranks",
    "rref_and_cr",
    "singular_values_and_vectors",
    "systems",
]

Array = NDArray[np.float64]
Judge = Callable[[Sheet, Sequence[Call], Sequence[Outcome]], list[Finding]]
SPACES = ("column space", "row space", "null space", "left null space")
TURNED = " - are these the rows of a matrix? Write one list for each vector"
CANCELLATION = 10.0  # rounding is allowed for solutions so many times larger than the least


@dataclass(frozen=True)
class Matrix:
    """A matrix of the sheet with its right sides.

    Parameters
    ----------
    name : str
    A : numpy.ndarray of shape (n_rows, n_columns)
    b : numpy.ndarray of shape (n_rows,)
        In the column space.
    c : numpy.ndarray of shape (n_rows,) or None
        Not in it.
    """

    name: str
    A: Array
    b: Array
    c: Array | None

    @cached_property
    def spaces(self) -> dict[str, Space]:
        """The four subspaces by name."""
        return properties.four_spaces(self.A, self.name)


@dataclass(frozen=True)
class Item:
    """One thing that is asked for.

    Parameters
    ----------
    name : str
        For the reader.
    keys : tuple of str
        Where it stands in the answer.
    check : callable
        ``check(value, says)`` raises `NotYet`; `says` begins the message.
    weight : float
        Beside the other items of the part.
    together : tuple of str
        Keys in `value` that are needed at once; `check` is then given a dict of these.
    """

    name: str
    keys: tuple[str, ...]
    check: Callable[[Any, str], None]
    weight: float = 1.0
    together: tuple[str, ...] = ()


def for_each(items_of: Callable[[Matrix], list[Item]]) -> Judge:
    """A judge that looks for the same items of each matrix in what one call came to.

    Parameters
    ----------
    items_of : callable
        ``items_of(matrix)`` lists them.
    """
    return partial(_judge, items_of)


def _judge(
    items_of: Callable[[Matrix], list[Item]],
    sheet: Sheet,
    calls: Sequence[Call],
    outcomes: Sequence[Outcome],
) -> list[Finding]:
    names = [name for name in sheet.matrices if "_" not in name]
    items = [item for name in names for item in items_of(_matrix(sheet, name))]
    return [_found(item, outcomes[0]) for item in items]


def _matrix(sheet: Sheet, name: str) -> Matrix:
    A = sheet.matrices[name].astype(float)
    b, c = sheet.matrices[f"b_{name}"], sheet.matrices.get(f"c_{name}")
    return Matrix(name, A, b[:, 0].astype(float), None if c is None else c[:, 0].astype(float))


def _found(item: Item, outcome: Outcome) -> Finding:
    if outcome.status == "failed":
        return Finding(item.name, NOT_YET, outcome.says, item.weight)
    if outcome.status == "not attempted":
        return Finding(item.name, NOT_ATTEMPTED, outcome.says, item.weight)
    try:
        value = _value(item, outcome.value)
    except NotYet as form:
        return Finding(item.name, NOT_YET, str(form), item.weight)
    if value is None:
        return Finding(item.name, NOT_ATTEMPTED, "", item.weight)
    says = ", ".join(item.keys)
    return judged(item.name, lambda: item.check(value, says), weight=item.weight)


def _value(item: Item, answer: Any) -> Any:
    if not item.together:
        return answers.given(answer, *item.keys)
    values = {key: answers.given(answer, *item.keys, key) for key in item.together}
    missing = [key for key, value in values.items() if value is None]
    if len(missing) == len(values):
        return None
    if missing:
        raise NotYet(f"{', '.join(item.keys)}: {' and '.join(missing)} of it is missing")
    return values


# 1: reduced row echelon form, and the factors C and R


def rref_and_cr(M: Matrix) -> list[Item]:
    """Of part 1: the form, the factors, and that they belong together.

    Parameters
    ----------
    M : Matrix
    """
    return [
        Item(f"{M.name}: reduced row echelon form", (M.name, "rref"), partial(_rref, M), 2.0),
        Item(f"{M.name}: C", (M.name, "C"), partial(_factor_C, M)),
        Item(f"{M.name}: R", (M.name, "R"), partial(_factor_R, M)),
        Item(f"{M.name}: C R = {M.name}", (M.name,), partial(_product, M), 1.0, ("C", "R")),
    ]


def _rref(M: Matrix, value: Any, says: str) -> None:
    R = answers.matrix(value, says, rows=M.A.shape[0], columns=M.A.shape[1])
    properties.reduced_row_echelon(R, says)
    properties.same_row_space(R, M.spaces["row space"], says)


def _factor_C(M: Matrix, value: Any, says: str) -> None:
    C = _factor(M, value, says, rows=M.A.shape[0])
    properties.first_independent_columns(C, M.A, says)


def _factor_R(M: Matrix, value: Any, says: str) -> None:
    R = _factor(M, value, says, columns=M.A.shape[1])
    properties.reduced_row_echelon(R, says)
    if not np.abs(R).max(axis=1).all():
        raise NotYet(f"{says}: it has a row of zeros, which belongs to the form but not to R")
    properties.same_row_space(R, M.spaces["row space"], says)


def _product(M: Matrix, value: Any, says: str) -> None:
    C = _factor(M, value["C"], f"{says}, C", rows=M.A.shape[0])
    R = _factor(M, value["R"], f"{says}, R", columns=M.A.shape[1])
    if C.shape[1] != R.shape[0]:
        raise NotYet(f"{says}: C has {C.shape[1]} columns and R has {R.shape[0]} rows")
    properties.independent(C, f"{says}, C")
    holds(C @ R - M.A, np.abs(C) @ np.abs(R), f"{says}: C R = {M.name}")


def _factor(
    M: Matrix, value: Any, says: str, *, rows: int | None = None, columns: int | None = None
) -> Array:
    """C or R: how many columns or rows is part of the question, but there is a limit."""
    most = max(M.A.shape)
    if isinstance(value, list) and len(value) <= most:
        inner = max((len(row) for row in value if isinstance(row, list)), default=0)
    if not isinstance(value, list) or len(value) > most or inner > most:
        raise NotYet(f"{says}: {answers.shown(value)}; expected a matrix no larger than {M.name}")
    return answers.matrix(value, says, rows=rows, columns=columns)


# 2: rank


def ranks(M: Matrix) -> list[Item]:
    """Of part 2.

    Parameters
    ----------
    M : Matrix
    """
    return [Item(f"{M.name}: rank", (M.name,), partial(_rank, M))]


def _rank(M: Matrix, value: Any, says: str) -> None:
    properties.rank_of(answers.number(value, says), M.A, says)


# 3: bases, 4: projectors


def bases(M: Matrix) -> list[Item]:
    """Of part 3: one for each of the four subspaces.

    Parameters
    ----------
    M : Matrix
    """
    return [
        Item(f"{M.name}: basis of the {key}", (M.name, key), partial(_basis, M.spaces[key]))
        for key in SPACES
    ]


def _basis(space: Space, value: Any, says: str) -> None:
    properties.basis_of(answers.basis(value, says, length=len(space.inside)), space, says)


def projectors(M: Matrix) -> list[Item]:
    """Of part 4: one for each of the four subspaces.

    Parameters
    ----------
    M : Matrix
    """
    return [
        Item(f"{M.name}: projector onto the {key}", (M.name, key), partial(_onto, M.spaces[key]))
        for key in SPACES
    ]


def _onto(space: Space, value: Any, says: str) -> None:
    n = len(space.inside)
    properties.projector_onto(answers.matrix(value, says, rows=n, columns=n), space, says)


# 5: singular values and vectors


def singular_values_and_vectors(M: Matrix) -> list[Item]:
    """Of part 5: the values, each kind of vectors, and that they belong together.

    Parameters
    ----------
    M : Matrix
    """
    name = M.name
    return [
        Item(f"{name}: singular values", (name, "s"), partial(_values, M)),
        Item(f"{name}: right singular vectors", (name, "v"), partial(_right, M)),
        Item(f"{name}: left singular vectors", (name, "u"), partial(_left, M)),
        Item(f"{name}: {name} v = σ u", (name,), partial(_related, M), 1.0, ("s", "u", "v")),
    ]


def _values(M: Matrix, value: Any, says: str) -> None:
    singular_properties.singular_values(_several(M, value, says), M.A, says)


def _several(M: Matrix, value: Any, says: str) -> Array:
    if isinstance(value, list) and len(value) > min(M.A.shape):
        raise NotYet(
            f"{says}: {len(value)} numbers, which are more than the smaller side of {M.name}"
        )
    return answers.vector(value, says)


def _right(M: Matrix, value: Any, says: str) -> None:
    V = answers.basis(value, says, length=M.A.shape[1])
    _by_vectors(V, lambda V: singular_properties.right_singular(V, M.A, says))


def _left(M: Matrix, value: Any, says: str) -> None:
    U = answers.basis(value, says, length=M.A.shape[0])
    _by_vectors(U, lambda U: singular_properties.left_singular(U, M.A, says))


def _by_vectors(V: Array, check: Callable[[Array], None]) -> None:
    """A check of the columns of V; where the rows would pass it, the message says so."""
    try:
        check(V)
    except NotYet as property_that_fails:
        if V.shape[0] == V.shape[1] and _passes(check, V.T):
            raise NotYet(f"{property_that_fails}{TURNED}") from None
        raise


def _passes(check: Callable[[Array], None], V: Array) -> bool:
    with suppress(NotYet):
        check(V)
        return True
    return False


def _related(M: Matrix, value: Any, says: str) -> None:
    U = answers.basis(value["u"], f"{says}, u", length=M.A.shape[0])
    s = _several(M, value["s"], f"{says}, s")
    V = answers.basis(value["v"], f"{says}, v", length=M.A.shape[1])
    singular_properties.related_by(M.A, U, s, V, says)


# 6: rank-1 terms, 7: pseudo-inverse


def rank_one_terms(M: Matrix) -> list[Item]:
    """Of part 6.

    Parameters
    ----------
    M : Matrix
    """
    return [Item(f"{M.name}: rank-1 terms", (M.name,), partial(_terms, M))]


def _terms(M: Matrix, value: Any, says: str) -> None:
    rows, columns = M.A.shape
    if not isinstance(value, list):
        raise NotYet(f"{says} is {answers.shown(value)}; expected a list of matrices")
    if len(value) > min(rows, columns):
        raise NotYet(
            f"{says}: {len(value)} terms, which are more than the smaller side of {M.name}"
        )
    terms = [
        answers.matrix(term, f"{says}, term {i}", rows=rows, columns=columns)
        for i, term in enumerate(value, 1)
    ]
    singular_properties.add_up_to(terms, M.A, says)


def pseudo_inverses(M: Matrix) -> list[Item]:
    """Of part 7: all of Penrose's conditions at once, for zeros satisfy three of them.

    Parameters
    ----------
    M : Matrix
    """
    return [Item(f"{M.name}: pseudo-inverse", (M.name,), partial(_pseudo_inverse, M))]


def _pseudo_inverse(M: Matrix, value: Any, says: str) -> None:
    X = answers.matrix(value, says, rows=M.A.shape[1], columns=M.A.shape[0])
    singular_properties.pseudo_inverse(X, M.A, says)


# 8: systems


def systems(M: Matrix) -> list[Item]:
    """Of part 8: a solution; and where a right side is out of reach, what comes nearest.

    Parameters
    ----------
    M : Matrix
    """
    name, side = M.name, f"c_{M.name}"
    items = [Item(f"{name}: solution for b_{name}", (name, "x"), partial(_solution, M))]
    if M.c is not None:
        nearest = f"{name}: least squares of least norm for {side}"
        items += [
            Item(f"{name}: projection of {side}", (name, "p"), partial(_projection, M, M.c)),
            Item(nearest, (name, "x_plus"), partial(_shortest, M, M.c)),
            Item(f"{name}: residual of {side}", (name, "e"), partial(_residual, M, M.c)),
        ]
    return items


def _solution(M: Matrix, value: Any, says: str) -> None:
    x = answers.vector(value, says, length=M.A.shape[1])
    a = np.abs(M.A)
    # With a large enough part in the null space anything would be a solution to four digits.
    least = np.abs(np.linalg.lstsq(M.A, M.b, rcond=None)[0])
    size = np.minimum(a @ np.abs(x), CANCELLATION * (a @ least).max())
    holds(M.A @ x - M.b, size, f"{says}: {M.name} x = b_{M.name}")


def _projection(M: Matrix, c: Array, value: Any, says: str) -> None:
    p = answers.vector(value, says, length=len(c))
    properties.lies_in(p[:, np.newaxis], M.spaces["column space"], says)
    normal = f"{says}: {M.name}ᵀ (c_{M.name} − p) = 0, c_{M.name} − p orthogonal to every column,"
    holds(M.A.T @ (c - p), np.abs(M.A.T) @ np.abs(p), normal)


def _shortest(M: Matrix, c: Array, value: Any, says: str) -> None:
    x = answers.vector(value, says, length=M.A.shape[1])
    gram = M.A.T @ M.A
    normal = f"{says}: {M.name}ᵀ {M.name} x = {M.name}ᵀ c_{M.name}, the normal equations,"
    holds(gram @ x - M.A.T @ c, np.abs(gram) @ np.abs(x), normal)
    # The same along each direction of the column space: AᵀA hides the weak ones behind the strong.
    U = M.spaces["column space"].inside.T
    nearest = f"{says}: {M.name} x = p, the projection of c_{M.name} onto the column space,"
    holds(U @ (M.A @ x - c), np.abs(U @ M.A) @ np.abs(x), nearest)
    try:
        properties.lies_in(x[:, np.newaxis], M.spaces["row space"], says)
    except NotYet as beyond:
        raise NotYet(f"{beyond}, so its norm is not the least") from None


def _residual(M: Matrix, c: Array, value: Any, says: str) -> None:
    e = answers.vector(value, says, length=len(c))
    orthogonal = f"{says}: {M.name}ᵀ e = 0, e orthogonal to every column,"
    holds(M.A.T @ e, np.abs(M.A.T) @ np.abs(e), orthogonal)
    rest = M.spaces["left null space"].inside.T
    reached = f"{says}: c_{M.name} − e in {M.spaces['column space'].name}"
    holds(rest @ (c - e), np.abs(rest) @ np.abs(e), reached)
